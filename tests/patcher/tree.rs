//! A system of a few files, on a RAM disk.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::support::{Ran, dist, run, workspace};

const LIMIT: Duration = Duration::from_secs(60);

const TIME: SystemTime = UNIX_EPOCH;

static COUNT: AtomicU32 = AtomicU32::new(0);

/// The names of the trees that `tests/setup/glibcs` has made: `VERSION_ARCH`.
pub(super) fn glibcs() -> Vec<String> {
    let folder = workspace().join("target/glibc");
    assert!(
        folder.join("complete").exists(),
        "run `tests/setup/glibcs`, as make test does"
    );
    let names = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name());
    let names = names.map(|name| name.into_string().unwrap());
    let mut names: Vec<String> = names.filter(|name| name.contains('_')).collect();
    names.sort();
    names
}

/// The newest tree of a release for an architecture.
pub(super) fn glibc(version: &str, arch: &str) -> String {
    let end = format!("_{arch}");
    let named = |name: &String| name.starts_with(version) && name.ends_with(&end);
    let newest = glibcs().into_iter().filter(named).max();
    newest.unwrap_or_else(|| panic!("no glibc {version} for {arch}"))
}

/// A file, as far as it matters here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum File {
    Regular(u32, Vec<u8>),
    Link(PathBuf),
}

/// All files of a tree, by their path in it.
pub(super) type Files = BTreeMap<PathBuf, File>;

/// The paths in which two trees differ.
pub(super) fn differing(left: &Files, right: &Files) -> Vec<PathBuf> {
    let paths: BTreeSet<&PathBuf> = left.keys().chain(right.keys()).collect();
    let differs = |path: &&PathBuf| left.get(*path) != right.get(*path);
    paths.into_iter().filter(differs).cloned().collect()
}

/// The root folder of a system, removed in the end.
pub(super) struct Tree(PathBuf);

impl Tree {
    /// A tree with the files of each of `glibcs`, and the command for amd64.
    pub(super) fn new(glibcs: &[&str]) -> Self {
        let nth = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("baseimage-test-tree-{}-{nth}", std::process::id());
        let ram = Path::new("/dev/shm");
        let base = if ram.is_dir() {
            ram.to_owned()
        } else {
            std::env::temp_dir()
        };
        let tree = Self(base.join(name));
        fs::create_dir_all(tree.path("dev")).unwrap();
        fs::create_dir_all(tree.path("proc")).unwrap();
        fs::write(tree.path("dev/null"), "").unwrap();
        for glibc in glibcs {
            tree.add(&workspace().join("target/glibc").join(glibc));
        }
        tree.add(&dist("amd64"));
        tree
    }

    /// Copies all files of another tree into this one, the way an upgrade does it.
    pub(super) fn add(&self, from: &Path) {
        let mut copy = Command::new("cp");
        copy.args(["-a", "--remove-destination"])
            .arg(from.join("."));
        run(copy.arg(&self.0), LIMIT).ok();
    }

    /// Where a path in the tree lies.
    pub(super) fn path(&self, inside: &str) -> PathBuf {
        self.0.join(inside)
    }

    /// Runs the command on the tree, from outside.
    #[track_caller]
    pub(super) fn command(&self, arguments: &[&str]) -> Ran {
        let mut command = Command::new(dist("amd64").join("usr/bin/workaround-docker-2267"));
        run(command.arg("--root").arg(&self.0).args(arguments), LIMIT)
    }

    /// Runs a program inside the tree by `inject`, with one of its system calls gone wrong.
    #[track_caller]
    pub(super) fn inject(&self, how: &[&str], program: &[&str]) -> Injected {
        let mut command = Command::new(injector());
        let ran = run(command.arg(&self.0).args(how).args(program), LIMIT);
        assert_eq!(ran.status, Some(0), "{how:?} {program:?}: {ran:?}");
        let (output, ending) = match ran.stdout.trim_end().rsplit_once('\n') {
            Some((output, ending)) => (output.to_owned(), ending.to_owned()),
            None => (String::new(), ran.stdout.trim_end().to_owned()),
        };
        Injected {
            output,
            ending,
            stderr: ran.stderr,
        }
    }

    /// All that is in it.
    pub(super) fn files(&self) -> Files {
        let mut files = Files::new();
        self.collect(Path::new(""), &mut files);
        files
    }

    /// Writes all files anew, for the sake of their times.
    pub(super) fn rewrite(&self) {
        let files = self.files();
        self.restore(&Files::new());
        self.restore(&files);
    }

    fn collect(&self, folder: &Path, files: &mut Files) {
        for entry in fs::read_dir(self.0.join(folder)).unwrap() {
            let entry = entry.unwrap();
            let path = folder.join(entry.file_name());
            let metadata = entry.metadata().unwrap();
            let static_ones = ["proc", "dev", "usr/bin", "usr/share"];
            if static_ones.iter().any(|name| path == Path::new(name)) {
                continue;
            }
            if metadata.is_dir() {
                self.collect(&path, files);
            } else if metadata.is_symlink() {
                files.insert(path, File::Link(fs::read_link(entry.path()).unwrap()));
            } else {
                let content = fs::read(entry.path()).unwrap();
                files.insert(path, File::Regular(metadata.mode(), content));
            }
        }
    }

    /// Makes it hold `wanted` and no other file. What is written for that has one and the same
    /// time of modification always, as journals record it.
    pub(super) fn restore(&self, wanted: &Files) {
        let now = self.files();
        for path in differing(&now, wanted) {
            let place = self.0.join(&path);
            if now.contains_key(&path) {
                fs::remove_file(&place).unwrap();
            }
            match wanted.get(&path) {
                None => {}
                Some(File::Link(target)) => symlink(target, &place).unwrap(),
                Some(File::Regular(mode, content)) => {
                    fs::create_dir_all(place.parent().unwrap()).unwrap();
                    fs::write(&place, content).unwrap();
                    let file = fs::File::open(&place).unwrap();
                    file.set_permissions(fs::Permissions::from_mode(*mode))
                        .unwrap();
                    file.set_modified(TIME).unwrap();
                }
            }
        }
        // The rehearsal's folders, with no file in them.
        let _ = fs::remove_dir_all(self.path("var/lib/workaround-docker-2267/stage"));
    }
}

impl Drop for Tree {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// What `inject` has shown.
#[derive(Debug)]
pub(super) struct Injected {
    pub(super) output: String,
    pub(super) ending: String,
    pub(super) stderr: String,
}

/// `tests/c/inject.c`, built.
fn injector() -> &'static Path {
    static INJECTOR: OnceLock<PathBuf> = OnceLock::new();
    INJECTOR.get_or_init(|| {
        let program = workspace().join("target/setup/inject");
        let source = workspace().join("tests/c/inject.c");
        let mut compile = Command::new("cc");
        compile.args(["-O1", "-Wall", "-Wextra", "-Werror", "-o"]);
        run(compile.arg(&program).arg(source), LIMIT).ok();
        program
    })
}
