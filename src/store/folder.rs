//! Reads the folder, whatever is in it, without ever waiting.

use std::fs;
use std::io;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::Path;

use sys::file::{Unread, read_regular};

use super::name::is_hidden;
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
    let longest = sys::exec::longest_string();
    let mut snapshot = Snapshot::default();
    let mut skipped = Vec::new();
    for entry in entries {
        let entry = entry?;
        let name = entry.file_name().into_vec();
        if is_hidden(&name) {
            continue;
        }
        match read_file(&entry, &name, longest) {
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
fn read_file(entry: &fs::DirEntry, name: &[u8], longest: usize) -> Result<Option<File>, Skipped> {
    let path = entry.path();
    let unreadable = |error: &io::Error| Skipped::Unreadable(reason(error));
    let target = match entry.file_type() {
        Ok(kind) if kind.is_symlink() => match fs::read_link(&path) {
            Ok(target) => Some(target),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(unreadable(&error)),
        },
        Ok(_) => None,
        Err(error) => return Err(unreadable(&error)),
    };
    // `NAME=VALUE` and its NUL; a newline at the end does not count.
    let limit = longest.saturating_sub(name.len() + 2);
    environment::check(name, b"").map_err(Skipped::NoVariable)?;
    let content = match read_regular(&path, limit + 1) {
        Ok(content) => content,
        Err(Unread::NotRegular) => return Err(Skipped::NotRegular),
        Err(Unread::TooLong) => return Err(Skipped::TooLong),
        Err(Unread::Failed(error))
            if error.kind() == io::ErrorKind::NotFound && target.is_none() =>
        {
            return Ok(None);
        }
        Err(Unread::Failed(error)) => return Err(unreadable(&error)),
    };
    let value = super::name::value_of(&content);
    if value.len() > limit {
        return Err(Skipped::TooLong);
    }
    environment::check(name, value).map_err(Skipped::NoVariable)?;
    Ok(Some(match target {
        None => File::Content(content),
        Some(target) => File::Link {
            target: target.as_os_str().as_bytes().to_vec(),
            content,
        },
    }))
}
