//! Writes: one file of the folder, the memory, the dumps. Every file is replaced as a whole.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use sys::file::{self, How, NewMode, read_regular};

use super::memory::{self, Memory};
use super::plan::{Change, File};
use super::warning::{Warning, reason};
use super::{Store, json, shell};
use crate::environment::Environment;

/// A file of a boot. The next boot writes it again, so it need not survive a crash of the machine.
/// A bind mount is the user's, and is left alone.
const OF_A_BOOT: How = How {
    mode: NewMode::Umasked(0o644),
    durable: false,
    in_place: false,
};

/// A dump: it may hold secrets, so not everybody reads a new one.
const DUMP: How = How {
    mode: NewMode::Exact(0o640),
    durable: false,
    in_place: true,
};

/// The memory may hold what the user replaced.
const MEMORY: How = How {
    mode: NewMode::Exact(0o600),
    durable: false,
    in_place: true,
};

/// What could not be written, by reason.
#[derive(Debug, Default)]
pub(super) struct Failures(BTreeMap<String, (PathBuf, usize)>);

impl Failures {
    pub(super) fn add(&mut self, (path, error): Failed) {
        let (_, count) = self.0.entry(reason(&error)).or_insert((path, 0));
        *count += 1;
    }

    /// One for each reason.
    pub(super) fn into_warnings(self) -> impl Iterator<Item = Warning> {
        self.0
            .into_iter()
            .map(|(reason, (path, count))| Warning::NotWritten {
                path,
                others: count.saturating_sub(1),
                reason,
            })
    }
}

impl Store {
    pub(super) fn path_of(&self, name: &[u8]) -> PathBuf {
        self.folder.join(OsStr::from_bytes(name))
    }

    /// Makes one change of the folder.
    pub(super) fn change(&self, name: &[u8], change: &Change) -> io::Result<()> {
        let path = self.path_of(name);
        match change {
            Change::Remove => fs::remove_file(path),
            Change::Restore(File::Link { target, .. }) => {
                file::replace_by_link(&path, Path::new(OsStr::from_bytes(target)))
            }
            Change::Write(content) | Change::Restore(File::Content(content)) => {
                file::replace_as(&path, content, OF_A_BOOT).map(drop)
            }
        }
    }

    /// Writes down what was exported, if that is not what the file says already.
    pub(super) fn remember(&self, memory: &Memory, before: &Memory) -> io::Result<()> {
        if memory == before {
            return Ok(());
        }
        if let Some(folder) = self.memory.parent() {
            fs::create_dir_all(folder)?;
        }
        file::replace_as(&self.memory, &memory::to_bytes(memory), MEMORY).map(drop)
    }

    /// Writes the two dumps of `environment`, where they do not say the same already; the ones that
    /// could not be written, and what JSON cannot carry.
    pub(super) fn write_dumps(&self, environment: &Environment) -> (Vec<Failed>, Option<Warning>) {
        let (json, bent) = json::dump(environment);
        let dumps = [(&self.shell, shell::dump(environment)), (&self.json, json)];
        let failed = dumps.into_iter().filter_map(|(path, bytes)| {
            let error = write_dump(path, &bytes).err()?;
            Some((path.clone(), error))
        });
        let not_utf8 = bent.first().map(|name| Warning::NotUtf8 {
            path: self.json.clone(),
            name: name.clone(),
            others: bent.len().saturating_sub(1),
        });
        (failed.collect(), not_utf8)
    }
}

/// A file that could not be written, and why.
pub(super) type Failed = (PathBuf, io::Error);

fn write_dump(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let path = resolved(path)?;
    if read_regular(&path, bytes.len()).is_ok_and(|old| old == bytes) {
        return Ok(());
    }
    file::replace_as(&path, bytes, DUMP).map(drop)
}

/// Where the symlink at `path` leads, if it is one, even if nothing is there yet: people move the
/// dumps of a read-only image to a volume.
fn resolved(path: &Path) -> io::Result<PathBuf> {
    match fs::canonicalize(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        outcome => return outcome,
    }
    let Ok(target) = fs::read_link(path) else {
        return Ok(path.to_owned());
    };
    let folder = path.parent().unwrap_or(Path::new("/"));
    Ok(folder.join(target))
}
