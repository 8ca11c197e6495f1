//! All files that lookups read: `hosts`, and what is in `hosts.d`.

use std::fs::{self, File};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use hosts::index::Stamp;
use sys::file::Unread;

use crate::root::{HOSTS, Root};

/// The folder of further files.
pub(crate) const DROP_INS: &str = "/etc/workaround-docker-2267/hosts.d";

/// How many of them lookups read.
const MAX_FILES: usize = 1000;

/// One of the files.
#[derive(Clone, Debug)]
pub(crate) struct HostsFile {
    /// As programs name it.
    pub(crate) name: String,
    /// Its name in `hosts.d`; empty for `hosts` itself.
    pub(crate) drop_in: Vec<u8>,
    /// Where it lies, its symlinks followed.
    pub(crate) path: PathBuf,
}

/// The state of all of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct State {
    pub(crate) folder: Stamp,
    /// In the order of the files.
    pub(crate) files: Vec<Stamp>,
    /// The first file, or `hosts.d`, that not everybody may read.
    pub(crate) closed: Option<String>,
}

/// `hosts`, then the files of `hosts.d` in the byte order of their names.
pub(crate) fn list(root: &Root) -> Result<Vec<HostsFile>> {
    let mut files = vec![HostsFile {
        name: HOSTS.into(),
        drop_in: Vec::new(),
        path: root.resolve(HOSTS)?,
    }];
    let folder = root.resolve(DROP_INS)?;
    let entries = match fs::read_dir(&folder) {
        Ok(entries) => entries,
        Err(error) if is_absence(&error) => return Ok(files),
        Err(error) => return Err(error).context(format!("cannot read {}", folder.display())),
    };
    let mut names = Vec::new();
    for entry in entries {
        let name = entry
            .with_context(|| format!("cannot read {}", folder.display()))?
            .file_name();
        if name.as_bytes().ends_with(b".hosts") && !name.as_bytes().starts_with(b".") {
            names.push(name);
        }
    }
    names.sort();
    if names.len() > MAX_FILES {
        bail!("{DROP_INS} has more than {MAX_FILES} files; lookups read no more, so join some");
    }
    for name in names {
        let inside = format!("{DROP_INS}/{}", name.to_string_lossy());
        // A name that is no UTF-8 cannot be a path of `resolve`; it is seldom a symlink either.
        let path = match name.to_str() {
            Some(_) => root.resolve(&inside)?,
            None => folder.join(&name),
        };
        files.push(HostsFile {
            name: inside,
            drop_in: name.as_bytes().to_vec(),
            path,
        });
    }
    Ok(files)
}

fn is_absence(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
    )
}

/// What the files and their folder look like now.
pub(crate) fn state(root: &Root, files: &[HostsFile]) -> Result<State> {
    let mut closed = None;
    let mut stamps = Vec::new();
    for file in files {
        let stamp = match fs::metadata(&file.path) {
            Ok(metadata) if metadata.is_file() => {
                let is_open = metadata.mode() & 0o004 != 0 && is_way_open(root, &file.path);
                if !is_open && closed.is_none() {
                    closed = Some(file.name.clone());
                }
                stamp(&metadata)
            }
            // A folder or a dangling symlink holds no entries.
            _ => Stamp::ABSENT,
        };
        stamps.push(stamp);
    }
    let folder = match fs::metadata(root.resolve(DROP_INS)?) {
        Ok(metadata) if metadata.is_dir() => {
            if metadata.mode() & 0o005 != 0o005 && closed.is_none() {
                closed = Some(DROP_INS.into());
            }
            Stamp {
                size: 0,
                ..stamp(&metadata)
            }
        }
        _ => Stamp::ABSENT,
    };
    Ok(State {
        folder,
        files: stamps,
        closed,
    })
}

/// Whether everybody gets to `path` at all: it may be the target of a symlink.
fn is_way_open(root: &Root, path: &Path) -> bool {
    let folders = path.ancestors().skip(1);
    folders
        .take_while(|folder| folder.starts_with(root.path()))
        .all(|folder| fs::metadata(folder).is_ok_and(|metadata| metadata.mode() & 0o001 != 0))
}

fn stamp(metadata: &fs::Metadata) -> Stamp {
    Stamp {
        size: metadata.size(),
        seconds: metadata.mtime(),
        nanoseconds: u32::try_from(metadata.mtime_nsec()).unwrap_or(0),
    }
}

impl State {
    /// The second in which anything was changed last.
    pub(crate) fn last_change(&self) -> i64 {
        let stamps = self.files.iter().chain([&self.folder]);
        stamps.map(|stamp| stamp.seconds).max().unwrap_or(0)
    }
}

impl HostsFile {
    /// Opens it; `None` if there is nothing to be read.
    pub(crate) fn open(&self) -> Result<Option<File>> {
        match sys::file::open_regular(&self.path) {
            Ok(file) => Ok(Some(file)),
            Err(Unread::Failed(error)) if is_absence(&error) => Ok(None),
            Err(Unread::Failed(error)) => Err(error).context(format!("cannot read {}", self.name)),
            Err(Unread::NotRegular | Unread::TooLong) => Ok(None),
        }
    }
}
