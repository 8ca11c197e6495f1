//! Reads the folder, whatever is in it, without ever waiting.

use std::ffi::OsStr;
use std::fs;
use std::io;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::Path;

use sys::file::{Unread, read_regular};

use super::memory::Memory;
use super::name::{is_hidden, value_of};
use super::plan::{File, Snapshot};
use super::warning::{Skipped, Warning, reason};
use crate::environment;

/// What is in `folder`; `None` if there is no such folder.
///
/// # Errors
///
/// The folder is there but cannot be read.
pub(super) fn read(
    folder: &Path,
    warnings: &mut Vec<Warning>,
) -> Result<Option<Snapshot>, io::Error> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let mut snapshot = Snapshot::default();
    let mut skipped = Vec::new();
    for entry in entries {
        let entry = entry?;
        let name = entry.file_name().into_vec();
        if is_hidden(&name) {
            continue;
        }
        match read_file(&entry, &name) {
            Ok(None) => {}
            Ok(Some(file)) => drop(snapshot.files.insert(name, file)),
            Err(why) => {
                skipped.push(Warning::Skipped {
                    folder: folder.to_owned(),
                    name: name.clone(),
                    why,
                });
                snapshot.taken.insert(name);
            }
        }
    }
    // The order of a folder is none; people read the same log at each boot.
    skipped.sort();
    warnings.append(&mut skipped);
    Ok(Some(snapshot))
}

/// `None` if the file has gone since the folder was listed.
fn read_file(entry: &fs::DirEntry, name: &[u8]) -> Result<Option<File>, Skipped> {
    let path = entry.path();
    let unreadable = |error: io::Error| Skipped::Unreadable(reason(&error));
    let is_link = entry.file_type().map_err(unreadable)?.is_symlink();
    environment::check(name, b"").map_err(Skipped::NoVariable)?;
    if is_link {
        let target = fs::read_link(&path).map_err(unreadable)?;
        let content = Some(content_at(&path, name)?);
        let target = target.into_os_string().into_vec();
        return Ok(Some(File::Link { target, content }));
    }
    match content_at(&path, name) {
        Ok(content) => Ok(Some(File::Content(content))),
        Err(_) if !path.exists() => Ok(None),
        Err(why) => Err(why),
    }
}

/// The content of the file at `path`, if that can be the variable `name`.
fn content_at(path: &Path, name: &[u8]) -> Result<Vec<u8>, Skipped> {
    // `NAME=VALUE` and its NUL; a newline at the end does not count.
    let limit = sys::exec::longest_string().saturating_sub(name.len() + 2);
    let content = read_regular(path, limit + 1).map_err(|why| match why {
        Unread::NotRegular => Skipped::NotRegular,
        Unread::TooLong => Skipped::TooLong,
        Unread::Failed(error) => Skipped::Unreadable(reason(&error)),
    })?;
    let value = value_of(&content);
    if value.len() > limit {
        return Err(Skipped::TooLong);
    }
    environment::check(name, value).map_err(Skipped::NoVariable)?;
    Ok(content)
}

/// Looks where the symlinks lead that exported files have replaced.
pub(super) fn follow(folder: &Path, memory: &mut Memory) {
    for (name, record) in memory {
        if let Some(File::Link { target, content }) = &mut record.original {
            *content = content_at(&folder.join(OsStr::from_bytes(target)), name).ok();
        }
    }
}
