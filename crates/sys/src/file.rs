//! Files that are replaced, never written over, and locks on folders.

use std::ffi::{CStr, CString, OsString};
use std::fs::{self, File, Metadata, OpenOptions, Permissions};
use std::io::{self, Read, Write};
use std::os::fd::AsRawFd;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt, fchown, symlink};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use std::{process, thread};

use crate::cerr;

/// How a file came to its new content.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Replaced {
    /// By a rename: every reader sees the old content or the new, whole.
    Renamed,
    /// By writing over it, as a bind mount is bound to its inode and cannot be renamed over.
    InPlace,
}

/// How [`replace_as`] goes about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct How {
    /// The mode of a file that does not exist yet.
    pub mode: NewMode,
    /// Whether the content and the folder are on disk when it returns. If not, readers still see
    /// the old content or the new, but a crash of the machine may leave an empty file.
    pub durable: bool,
    /// Whether a bind mount, which cannot be renamed over, may be written over.
    pub in_place: bool,
}

/// The mode of a file that does not exist yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NewMode {
    /// This one, whatever the umask.
    Exact(u32),
    /// This one without the bits of the umask.
    Umasked(u32),
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
    let existing = match fs::metadata(path) {
        Ok(metadata) => Some(metadata),
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => return Err(error),
    };
    let (folder, temporary) = temporary_beside(path)?;
    let outcome = write_new(&temporary, bytes, how, existing.as_ref(), path)
        .and_then(|()| fs::rename(&temporary, path));
    match outcome {
        Ok(()) => {
            if how.durable {
                File::open(folder)?.sync_all()?;
            }
            Ok(Replaced::Renamed)
        }
        Err(error) => {
            // It may not have been made at all; what counts is the error above.
            let _ = fs::remove_file(&temporary);
            match (error.raw_os_error(), existing) {
                (Some(libc::EBUSY), Some(existing)) if how.in_place => {
                    write_over(path, bytes, existing.size())?;
                    Ok(Replaced::InPlace)
                }
                _ => Err(error),
            }
        }
    }
}

/// Puts a symlink to `target` at `path`, over whatever file is there.
///
/// # Errors
///
/// Those of symlink(2) and rename(2); what was there is then as it was.
pub fn replace_by_link(path: &Path, target: &Path) -> io::Result<()> {
    let (_, temporary) = temporary_beside(path)?;
    remove_stale(&temporary)?;
    symlink(target, &temporary)?;
    fs::rename(&temporary, path).inspect_err(|_| {
        // What counts is the error of the rename.
        let _ = fs::remove_file(&temporary);
    })
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

/// Reads the regular file at `path`, through symlinks; never waits, as on a FIFO without a writer,
/// and never opens a device.
///
/// # Errors
///
/// See [`Unread`].
pub fn read_regular(path: &Path, limit: usize) -> Result<Vec<u8>, Unread> {
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
    if !opened.is_file() {
        return Err(Unread::NotRegular);
    }
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
    match fs::remove_file(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        outcome => outcome?,
    }
    File::open(folder_of(path)?)?.sync_all()
}

fn folder_of(path: &Path) -> io::Result<&Path> {
    match path.parent() {
        Some(parent) if parent.as_os_str().is_empty() => Ok(Path::new(".")),
        Some(parent) => Ok(parent),
        None => Err(io::ErrorKind::IsADirectory.into()),
    }
}

/// A name in the same folder that no `*.conf` or `lib*` pattern takes for a file of its own. It
/// begins with two dots, which readers of folders of variables leave alone, and is never longer
/// than a name can be.
fn temporary_beside(path: &Path) -> io::Result<(&Path, PathBuf)> {
    const LONGEST: usize = 200;
    let folder = folder_of(path)?;
    let name = path.file_name().ok_or(io::ErrorKind::IsADirectory)?;
    let name = name.as_bytes();
    let mut temporary = b"..".to_vec();
    temporary.extend_from_slice(name.get(..LONGEST).unwrap_or(name));
    temporary.extend_from_slice(format!(".{}~", process::id()).as_bytes());
    Ok((folder, folder.join(OsString::from_vec(temporary))))
}

fn write_new(
    temporary: &Path,
    bytes: &[u8],
    how: How,
    existing: Option<&Metadata>,
    model: &Path,
) -> io::Result<()> {
    // Left behind by a process of the same id that was killed.
    remove_stale(temporary)?;
    let create = |mode| {
        OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(mode)
            .open(temporary)
    };
    let mut file = match (existing, how.mode) {
        (None, NewMode::Umasked(mode)) => create(mode)?,
        // Nobody else reads it before it has its final mode.
        _ => create(0o600)?,
    };
    file.write_all(bytes)?;
    if let Some(existing) = existing {
        let own = file.metadata()?;
        if (own.uid(), own.gid()) != (existing.uid(), existing.gid()) {
            fchown(&file, Some(existing.uid()), Some(existing.gid()))?;
        }
        copy_attributes(model, &file)?;
    }
    match (existing, how.mode) {
        (Some(existing), _) => {
            file.set_permissions(Permissions::from_mode(existing.mode() & 0o7777))?;
        }
        (None, NewMode::Exact(mode)) => file.set_permissions(Permissions::from_mode(mode))?,
        (None, NewMode::Umasked(_)) => {}
    }
    if how.durable {
        file.sync_all()?;
    }
    Ok(())
}

fn remove_stale(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Writes over a file that cannot be renamed over. New bytes first, then the cut: a reader in
/// between sees a mix, which is what any writer of a bind-mounted file has to accept.
fn write_over(path: &Path, bytes: &[u8], old_len: u64) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).open(path)?;
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

/// Copies the extended attributes (ACLs, security labels) that the file system lets us copy.
fn copy_attributes(from: &Path, to: &File) -> io::Result<()> {
    let path = CString::new(from.as_os_str().as_bytes())?;
    // SAFETY: a C string; no buffer is passed, so only the length comes back.
    let len = unsafe { libc::listxattr(path.as_ptr(), std::ptr::null_mut(), 0) };
    if len <= 0 {
        return Ok(()); // The file system has none, or the file.
    }
    let mut names = vec![0_u8; 64 * 1024];
    // SAFETY: a C string and a buffer of the given length.
    let len = unsafe { libc::listxattr(path.as_ptr(), names.as_mut_ptr().cast(), names.len()) };
    let Ok(len) = usize::try_from(len) else {
        return Ok(()); // They went away meanwhile.
    };
    names.truncate(len);
    for name in names.split_inclusive(|&byte| byte == 0) {
        let Ok(name) = CStr::from_bytes_with_nul(name) else {
            continue;
        };
        let mut value = vec![0_u8; 64 * 1024];
        // SAFETY: C strings and a buffer of the given length.
        let len = unsafe {
            libc::getxattr(
                path.as_ptr(),
                name.as_ptr(),
                value.as_mut_ptr().cast(),
                value.len(),
            )
        };
        let Ok(len) = usize::try_from(len) else {
            continue; // Gone, or not for us to read.
        };
        // SAFETY: an open descriptor, a C string, and `len` bytes that getxattr has filled.
        let status = unsafe {
            libc::fsetxattr(to.as_raw_fd(), name.as_ptr(), value.as_ptr().cast(), len, 0)
        };
        let error = io::Error::last_os_error();
        let refused = matches!(
            error.raw_os_error(),
            Some(libc::EPERM | libc::EACCES | libc::EOPNOTSUPP)
        );
        // Labels that only the system may set are set by the system.
        if status == -1 && !refused {
            return Err(error);
        }
    }
    Ok(())
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
