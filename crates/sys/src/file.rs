//! Files that are replaced, never written over, and locks on folders.

use std::ffi::{CStr, CString};
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::fd::AsRawFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{OpenOptionsExt, symlink};
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use crate::cerr;
pub use crate::staged::{How, NewMode};
use crate::staged::{Staged, beside, folder_of, remove_stale};

/// How a file came to its new content.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Replaced {
    /// By a rename: every reader sees the old content or the new, whole.
    Renamed,
    /// By writing over it, as a bind mount is bound to its inode and cannot be renamed over.
    InPlace,
}

/// Gives the file at `path` the content `bytes`. Owner, mode and extended attributes of an
/// existing file are kept; a new one gets `mode` and belongs to the caller.
///
/// The content and the folder are on disk when this returns. `path` itself must not be a symlink
/// that is to survive: resolve it first.
///
/// # Errors
///
/// Those of open(2), write(2), fsync(2) and rename(2); the file is then as it was (but for a
/// bind mount on a disk that filled up: its space is reserved first where the file system can).
pub fn replace(path: &Path, bytes: &[u8], mode: u32) -> io::Result<Replaced> {
    let how = How {
        mode: NewMode::Exact(mode),
        durable: true,
        in_place: true,
    };
    replace_as(path, bytes, how)
}

/// Does what [`replace`] does, as `how` says.
///
/// # Errors
///
/// See [`replace`]; `EBUSY` for a bind mount that must not be written over.
pub fn replace_as(path: &Path, bytes: &[u8], how: How) -> io::Result<Replaced> {
    match Staged::new_as(path, bytes, how).and_then(Staged::commit) {
        Ok(()) => Ok(Replaced::Renamed),
        Err(error) if how.in_place && error.raw_os_error() == Some(libc::EBUSY) => {
            write_over(path, bytes)?;
            Ok(Replaced::InPlace)
        }
        Err(error) => Err(error),
    }
}

/// Makes `path` a symlink to `target`, in place of whatever file is there.
///
/// # Errors
///
/// Those of symlink(2) and rename(2); what was there is then as it was.
pub fn replace_by_link(path: &Path, target: &Path) -> io::Result<()> {
    let temporary = beside(path, "")?;
    remove_stale(&temporary)?;
    symlink(target, &temporary)?;
    fs::rename(&temporary, path).inspect_err(|_| {
        // What counts is the error of the rename.
        let _ = fs::remove_file(&temporary);
    })
}

/// Does what [`replace_by_link`] does, for good.
///
/// # Errors
///
/// See [`replace_by_link`]; and those of fsync(2).
pub fn link(target: &Path, path: &Path) -> io::Result<()> {
    replace_by_link(path, target)?;
    File::open(folder_of(path)?)?.sync_all()
}

/// Why [`read_regular`] has no content to give.
#[derive(Debug)]
pub enum Unread {
    /// It is a folder, a FIFO, a socket or a device.
    NotRegular,
    /// It is longer than the limit.
    TooLong,
    /// open(2) or read(2) failed.
    Failed(io::Error),
}

/// Opens the regular file at `path` for reading, through symlinks; never waits, as on a FIFO
/// without a writer, and never opens a device.
///
/// # Errors
///
/// See [`Unread`].
pub fn open_regular(path: &Path) -> Result<File, Unread> {
    let looked = fs::metadata(path).map_err(Unread::Failed)?;
    if !looked.is_file() {
        return Err(Unread::NotRegular);
    }
    let file = OpenOptions::new()
        .read(true)
        .custom_flags(libc::O_NONBLOCK | libc::O_NOCTTY)
        .open(path)
        .map_err(Unread::Failed)?;
    // It may be another one by now.
    let opened = file.metadata().map_err(Unread::Failed)?;
    if opened.is_file() {
        Ok(file)
    } else {
        Err(Unread::NotRegular)
    }
}

/// Reads the regular file at `path`, as [`open_regular`] opens it.
///
/// # Errors
///
/// See [`Unread`].
pub fn read_regular(path: &Path, limit: usize) -> Result<Vec<u8>, Unread> {
    let file = open_regular(path)?;
    let opened = file.metadata().map_err(Unread::Failed)?;
    let size = usize::try_from(opened.len()).unwrap_or(usize::MAX);
    let mut content = Vec::with_capacity(size.min(limit));
    let most = u64::try_from(limit).unwrap_or(u64::MAX).saturating_add(1);
    file.take(most)
        .read_to_end(&mut content)
        .map_err(Unread::Failed)?;
    if content.len() > limit {
        return Err(Unread::TooLong);
    }
    Ok(content)
}

/// Whether this process may execute the file at `path`: neither its mode nor its mount forbids it.
///
/// # Errors
///
/// access(2)'s, `EACCES` being the usual one.
pub fn may_execute(path: &Path) -> io::Result<()> {
    let path = CString::new(path.as_os_str().as_bytes())?;
    // SAFETY: a C string.
    cerr(unsafe { libc::access(path.as_ptr(), libc::X_OK) }).map(drop)
}

/// Removes the file at `path`, for good.
///
/// # Errors
///
/// Those of unlink(2) and fsync(2); a file that does not exist is none.
pub fn remove(path: &Path) -> io::Result<()> {
    // Where a file of an image's layer was replaced, fuse-overlayfs 1.10 shows the old one again
    // after the first unlink(2); the second one is for good.
    for _ in 0..3 {
        match fs::remove_file(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => break,
            outcome => outcome?,
        }
        if !path.exists() && !path.is_symlink() {
            break;
        }
    }
    File::open(folder_of(path)?)?.sync_all()
}

/// Writes over a file that cannot be renamed over. New bytes first, then the cut: a reader in
/// between sees a mix, which is what any writer of a bind-mounted file has to accept.
fn write_over(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).open(path)?;
    let old_len = file.metadata()?.len();
    let len = bytes.len() as u64;
    if len > old_len {
        let end = libc::off_t::try_from(len).map_err(io::Error::other)?;
        // SAFETY: an open descriptor of ours; no memory is passed.
        let status = unsafe { libc::posix_fallocate(file.as_raw_fd(), 0, end) };
        if status == libc::ENOSPC || status == libc::EDQUOT {
            file.set_len(old_len)?;
            return Err(io::Error::from_raw_os_error(status));
        }
    }
    file.write_all(bytes)?;
    file.set_len(len)?;
    file.sync_all()
}

/// Whether the file at `path` gives its caller capabilities, see capabilities(7).
#[must_use]
pub fn has_capabilities(path: &CStr) -> bool {
    let name = c"security.capability";
    // SAFETY: C strings; no buffer is passed, so only the length comes back.
    let len = unsafe { libc::getxattr(path.as_ptr(), name.as_ptr(), std::ptr::null_mut(), 0) };
    len > 0
}

/// An exclusive lock, held until dropped.
#[derive(Debug)]
pub struct Lock {
    _folder: File,
}

/// Locks the folder at `path` against other callers of this function, waiting up to `limit`.
///
/// # Errors
///
/// open(2)'s and flock(2)'s; `TimedOut` if somebody else holds it all the while.
pub fn lock_folder(path: &Path, limit: Duration) -> io::Result<Lock> {
    let folder = File::open(path)?;
    let start = Instant::now();
    loop {
        // SAFETY: an open descriptor of ours; no memory is passed.
        match cerr(unsafe { libc::flock(folder.as_raw_fd(), libc::LOCK_EX | libc::LOCK_NB) }) {
            Ok(_) => return Ok(Lock { _folder: folder }),
            Err(error) if error.raw_os_error() == Some(libc::EWOULDBLOCK) => {
                if start.elapsed() >= limit {
                    return Err(io::ErrorKind::TimedOut.into());
                }
                thread::sleep(Duration::from_millis(2));
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::Permissions;
    use std::os::unix::fs::{MetadataExt, PermissionsExt};
    use std::path::PathBuf;
    use std::process;

    fn folder(name: &str) -> PathBuf {
        let folder = std::env::temp_dir().join(format!("sys-file-{name}-{}", process::id()));
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir(&folder).unwrap();
        folder
    }

    #[test]
    fn a_replaced_file_keeps_its_mode_and_leaves_nothing_behind() {
        let folder = folder("mode");
        let path = folder.join("hosts");
        fs::write(&path, "old").unwrap();
        fs::set_permissions(&path, Permissions::from_mode(0o640)).unwrap();
        assert_eq!(replace(&path, b"new", 0o600).unwrap(), Replaced::Renamed);
        assert_eq!(fs::read(&path).unwrap(), b"new");
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o7777, 0o640);
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 1);
        fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn a_new_file_gets_the_mode_asked_for() {
        let folder = folder("new");
        let path = folder.join("hosts");
        replace(&path, b"new", 0o644).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o7777, 0o644);
        fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn a_lock_that_is_held_is_waited_for_but_not_for_ever() {
        let folder = folder("lock");
        let held = lock_folder(&folder, Duration::ZERO).unwrap();
        let error = lock_folder(&folder, Duration::from_millis(20)).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        drop(held);
        lock_folder(&folder, Duration::ZERO).unwrap();
        fs::remove_dir_all(folder).unwrap();
    }
}
