//! New content beside a file, and the old content while it may still be wanted back.

use std::ffi::{CString, OsString};
use std::fs::{self, File, Metadata, OpenOptions, Permissions};
use std::io::{self, Write};
use std::os::fd::AsRawFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt, fchown};
use std::path::{Path, PathBuf};
use std::process;
use std::time::SystemTime;

/// New content for a file: on disk beside it, with the owner, mode and extended attributes that
/// it is to have, and not in force yet. Dropped without [`commit`](Self::commit), it goes away.
#[derive(Debug)]
pub struct Staged {
    temporary: PathBuf,
    path: PathBuf,
}

impl Staged {
    /// Writes `bytes` beside `path`; a file that does not exist is to get `mode`.
    ///
    /// # Errors
    ///
    /// Those of open(2), write(2) and fsync(2).
    pub fn new(path: &Path, bytes: &[u8], mode: u32) -> io::Result<Self> {
        Self::write(path, mode, |file| file.write_all(bytes))
    }

    /// The same with a content that `write` writes, piece by piece, to a file that is open for
    /// reading too.
    ///
    /// # Errors
    ///
    /// As for [`new`](Self::new), and `write`'s own.
    pub fn write<E: From<io::Error>>(
        path: &Path,
        mode: u32,
        write: impl FnOnce(&mut File) -> Result<(), E>,
    ) -> Result<Self, E> {
        let existing = match fs::metadata(path) {
            Ok(metadata) => Some(metadata),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(error.into()),
        };
        let staged = Self {
            temporary: beside(path, "")?,
            path: path.to_owned(),
        };
        write_new(&staged.temporary, write, mode, existing.as_ref(), path)?;
        Ok(staged)
    }

    /// Gives the new content a time of modification.
    ///
    /// # Errors
    ///
    /// utimensat(2)'s.
    pub fn set_modified(&self, time: SystemTime) -> io::Result<()> {
        File::open(&self.temporary)?.set_modified(time)
    }

    /// Puts it in force by one rename, for good.
    ///
    /// # Errors
    ///
    /// Those of rename(2), `EBUSY` where the file is mounted, and of fsync(2).
    pub fn commit(self) -> io::Result<()> {
        fs::rename(&self.temporary, &self.path)?;
        File::open(folder_of(&self.path)?)?.sync_all()
    }
}

impl Drop for Staged {
    fn drop(&mut self) {
        // Renamed, or never made; or left for `remove_leftovers`.
        let _ = fs::remove_file(&self.temporary);
    }
}

/// A second name of a file that is about to be replaced, so that it can be had back without
/// space, as the very inode it was. Dropped, the name goes away.
#[derive(Debug)]
pub struct Kept {
    name: PathBuf,
    path: PathBuf,
}

impl Kept {
    /// Keeps the file at `path`.
    ///
    /// # Errors
    ///
    /// Those of link(2): not every file system can.
    pub fn new(path: &Path) -> io::Result<Self> {
        let name = beside(path, "-before")?;
        remove_stale(&name)?;
        fs::hard_link(path, &name)?;
        let path = path.to_owned();
        Ok(Self { name, path })
    }

    /// Puts it back.
    ///
    /// # Errors
    ///
    /// Those of rename(2) and fsync(2).
    pub fn restore(self) -> io::Result<()> {
        fs::rename(&self.name, &self.path)?;
        File::open(folder_of(&self.path)?)?.sync_all()
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        // As with `Staged`.
        let _ = fs::remove_file(&self.name);
    }
}

/// Removes what processes that were killed left beside `path` ([`Staged`], [`Kept`]). The caller
/// holds the lock under which they worked. True if there was anything.
///
/// # Errors
///
/// Those of opendir(3), readdir(3) and unlink(2); a folder that does not exist is none.
pub fn remove_leftovers(path: &Path) -> io::Result<bool> {
    let name = path.file_name().ok_or(io::ErrorKind::IsADirectory)?;
    let entries = match fs::read_dir(folder_of(path)?) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        entries => entries?,
    };
    let mut any = false;
    for entry in entries {
        let entry = entry?;
        if is_temporary(entry.file_name().as_bytes(), name.as_bytes()) {
            remove_stale(&entry.path())?;
            any = true;
        }
    }
    Ok(any)
}

/// The folder that holds `path`.
pub(crate) fn folder_of(path: &Path) -> io::Result<&Path> {
    match path.parent() {
        Some(parent) if parent.as_os_str().is_empty() => Ok(Path::new(".")),
        Some(parent) => Ok(parent),
        None => Err(io::ErrorKind::IsADirectory.into()),
    }
}

/// A name in the same folder that no `*.conf` or `lib*` pattern takes for a file of its own.
pub(crate) fn beside(path: &Path, what: &str) -> io::Result<PathBuf> {
    let mut name = OsString::from(".");
    name.push(path.file_name().ok_or(io::ErrorKind::IsADirectory)?);
    name.push(format!(".{}{what}~", process::id()));
    Ok(folder_of(path)?.join(name))
}

/// Whether `name` is one that [`beside`] makes for `file`, in any process.
fn is_temporary(name: &[u8], file: &[u8]) -> bool {
    let number = name
        .strip_prefix(b".")
        .and_then(|rest| rest.strip_prefix(file))
        .and_then(|rest| rest.strip_prefix(b"."))
        .and_then(|rest| rest.strip_suffix(b"~"));
    let number = number.map(|rest| rest.strip_suffix(b"-before").unwrap_or(rest));
    number.is_some_and(|number| !number.is_empty() && number.iter().all(u8::is_ascii_digit))
}

fn write_new<E: From<io::Error>>(
    temporary: &Path,
    write: impl FnOnce(&mut File) -> Result<(), E>,
    mode: u32,
    existing: Option<&Metadata>,
    model: &Path,
) -> Result<(), E> {
    // Left behind by a process of the same id that was killed.
    remove_stale(temporary)?;
    let mut file = OpenOptions::new()
        .read(true)
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(temporary)?;
    write(&mut file)?;
    let mode = existing.map_or(mode, |existing| existing.mode() & 0o7777);
    if let Some(existing) = existing {
        let own = file.metadata()?;
        if (own.uid(), own.gid()) != (existing.uid(), existing.gid()) {
            fchown(&file, Some(existing.uid()), Some(existing.gid()))?;
        }
        copy_attributes(model, &file)?;
    }
    file.set_permissions(Permissions::from_mode(mode))?;
    Ok(file.sync_all()?)
}

pub(crate) fn remove_stale(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Copies the extended attributes (ACLs, security labels) that the file system lets us copy.
fn copy_attributes(from: &Path, to: &File) -> io::Result<()> {
    let path = CString::new(from.as_os_str().as_bytes())?;
    let mut names = vec![0_u8; 64 * 1024];
    // SAFETY: a C string and a buffer of the given length.
    let len = unsafe { libc::listxattr(path.as_ptr(), names.as_mut_ptr().cast(), names.len()) };
    let Ok(len) = usize::try_from(len) else {
        return Ok(()); // The file system has none.
    };
    names.truncate(len);
    for name in names.split_inclusive(|&byte| byte == 0) {
        let Ok(name) = std::ffi::CStr::from_bytes_with_nul(name) else {
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
