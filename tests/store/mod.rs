//! The environment store: the library on folders of its own, the programs in a namespace.

mod boot;
mod command;
mod hostile;
mod laws;
mod shells;

use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use baseimage::environment::Environment;
use baseimage::store::{Live, Store};

/// A root folder with a store in it, removed in the end.
struct Root(PathBuf);

impl Root {
    /// With an empty `/etc/container_environment`.
    fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let nth = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("baseimage-store-{}-{nth}", std::process::id());
        // In memory where that is possible: ten thousand files take a while on a disk.
        let memory = PathBuf::from("/dev/shm");
        let usable = fs::metadata(&memory).is_ok_and(|folder| !folder.permissions().readonly());
        let parent = if usable { memory } else { std::env::temp_dir() };
        let root = Self(parent.join(name));
        fs::create_dir_all(root.path("etc/container_environment")).unwrap();
        root
    }

    fn path(&self, path: &str) -> PathBuf {
        self.0.join(path)
    }

    fn store(&self) -> Store {
        Store::below(&self.0)
    }

    /// A file of the folder.
    fn file(&self, name: impl AsRef<Path>) -> PathBuf {
        self.path("etc/container_environment").join(name)
    }

    fn put(&self, name: &str, content: impl AsRef<[u8]>) {
        fs::write(self.file(name), content).unwrap();
    }

    fn read(&self, path: &str) -> String {
        String::from_utf8(fs::read(self.path(path)).unwrap()).unwrap()
    }

    /// Names and contents of the folder, in order: `A=1 B=2`.
    fn files(&self) -> String {
        let mut files: Vec<String> = fs::read_dir(self.path("etc/container_environment"))
            .unwrap()
            .map(|entry| {
                let entry = entry.unwrap();
                let content = fs::read(entry.path()).unwrap_or_default();
                let name = entry.file_name();
                let text = [name.as_bytes(), b"=", &content].concat();
                String::from_utf8_lossy(&text).into_owned()
            })
            .collect();
        files.sort();
        files.join(" ")
    }

    fn boot(&self, process: &[(&str, &str)]) -> Live {
        let store = self.store();
        store.export(store.import(process.iter().copied().collect()))
    }
}

impl Drop for Root {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// `A=1 B=2`
fn shown(environment: &Environment) -> String {
    let strings: Vec<String> = environment
        .strings()
        .map(|string| String::from_utf8_lossy(&string).into_owned())
        .collect();
    strings.join(" ")
}

/// The warnings of a boot, a line each.
fn warnings(live: &Live, root: &Root) -> Vec<String> {
    let root = format!("{}/", root.0.display());
    live.warnings()
        .iter()
        .map(|warning| warning.to_string().replace(&root, "/"))
        .collect()
}
