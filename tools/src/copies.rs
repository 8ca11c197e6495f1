//! The copies of glibc in a system: one an architecture, and more where it was built for
//! particular processors.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use anyhow::Result;

use crate::root::Root;

/// A C library and, beside it, the service that read hosts files up to glibc 2.33.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Copy {
    /// The real file behind `libc.so.6`, as the system itself would name it.
    pub(crate) libc: String,
    /// The real file behind `libnss_files.so.2`.
    pub(crate) files: Option<String>,
}

impl Copy {
    /// Both of them.
    pub(crate) fn paths(&self) -> impl Iterator<Item = &str> {
        [Some(self.libc.as_str()), self.files.as_deref()]
            .into_iter()
            .flatten()
    }
}

/// Finds them all: Debian's multiarch and biarch folders, other distributions' folders, and the
/// loader's folders for particular processors.
pub(crate) fn find(root: &Root) -> Result<Vec<Copy>> {
    let mut copies: Vec<Copy> = Vec::new();
    for folder in folders(root)? {
        let Some(libc) = real_file(root, &format!("{folder}/libc.so.6"))? else {
            continue;
        };
        let files = real_file(root, &format!("{folder}/libnss_files.so.2"))?;
        let copy = Copy { libc, files };
        if !copies.contains(&copy) {
            copies.push(copy);
        }
    }
    Ok(copies)
}

/// The folders that exist, each once: `/lib` is `/usr/lib` on merged systems.
fn folders(root: &Root) -> Result<Vec<String>> {
    let mut folders: Vec<String> = Vec::new();
    let mut add = |path: &str| -> Result<()> {
        let real = root.resolve(path)?;
        let path = inside(root, &real).filter(|path| !folders.contains(path));
        if real.is_dir() {
            folders.extend(path);
        }
        Ok(())
    };
    for base in ["/usr/lib", "/lib"] {
        for width in ["", "32", "64", "x32"] {
            add(&format!("{base}{width}"))?;
        }
        for name in children(&root.resolve(base)?) {
            let name = name.to_string_lossy();
            if name.contains("-linux-gnu") {
                add(&format!("{base}/{name}"))?;
            }
        }
    }
    for nth in 0..folders.len() {
        let Some(folder) = folders.get(nth).cloned() else {
            break;
        };
        folders.extend(special(root, &folder));
    }
    Ok(folders)
}

/// The loader's folders for particular processors: its own since 2.33, and, before, those of
/// Debian's libc6-lse and libc6-i686.
fn special(root: &Root, folder: &str) -> Vec<String> {
    let real = root.path().join(folder.trim_start_matches('/'));
    let mut special = Vec::new();
    if real.join("atomics").is_dir() {
        special.push(format!("{folder}/atomics"));
    }
    for base in ["glibc-hwcaps", "i686"] {
        let names = children(&real.join(base));
        let names = names.iter().map(|name| name.to_string_lossy());
        special.extend(names.map(|name| format!("{folder}/{base}/{name}")));
    }
    special
}

/// The names in a folder, sorted; none where it does not exist.
fn children(folder: &Path) -> Vec<std::ffi::OsString> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut names: Vec<_> = entries.map(|entry| entry.file_name()).collect();
    names.sort();
    names
}

/// The regular file behind `path`, as a path inside the root.
fn real_file(root: &Root, path: &str) -> Result<Option<String>> {
    let real = root.resolve(path)?;
    if !real.is_file() {
        return Ok(None);
    }
    Ok(inside(root, &real))
}

/// A resolved path as the system itself would name it; `None` where it is not UTF-8, as no path
/// of a library is.
fn inside(root: &Root, real: &Path) -> Option<String> {
    let path = real.strip_prefix(root.path()).ok()?;
    Some(format!("/{}", path.to_str()?))
}

/// The symlinks beside a file that lead to it.
pub(crate) fn links_to(file: &Path) -> Vec<PathBuf> {
    let folder = file.parent().unwrap_or(Path::new("/"));
    let leads_there = |path: &PathBuf| {
        fs::read_link(path).is_ok_and(|target| Some(target.as_os_str()) == file.file_name())
    };
    let is_library = |name: &OsStr| name.as_bytes().starts_with(b"l");
    let names = children(folder).into_iter();
    names
        .filter(|name| is_library(name))
        .map(|name| folder.join(name))
        .filter(leads_there)
        .collect()
}
