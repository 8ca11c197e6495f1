//! New content beside a file, and the old content while it may still be wanted back.

use std::ffi::{CStr, CString, OsString};
use std::fs::{self, File, Metadata, OpenOptions, Permissions};
use std::io::{self, Write};
use std::os::fd::AsRawFd;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt, fchown};
use std::path::{Path, PathBuf};
use std::process;
use std::time::SystemTime;

/// How new content for a file is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct How {
    /// The mode of a file that does not exist yet.
    pub mode: NewMode,
    /// Whether the content and the folder are on disk when it is in force. If not, readers still
    /// see the old content or the new, but a crash of the machine may leave an empty file.
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

/// New content for a file: on disk beside it, with the owner, mode and extended attributes that
/// it is to have, and not in force yet. Dropped without [`commit`](Self::commit), it goes away.
#[derive(Debug)]
pub struct Staged {
    temporary: PathBuf,
    path: PathBuf,
    durable: bool,
}

impl Staged {
    /// Writes `bytes` beside `path`, for good; a file that does not exist is to get `mode`.
    ///
    /// # Errors
    ///
    /// Those of open(2), write(2) and fsync(2).
    pub fn new(path: &Path, bytes: &[u8], mode: u32) -> io::Result<Self> {
        let how = How {
            mode: NewMode::Exact(mode),
            durable: true,
            in_place: false,
        };
        Self::new_as(path, bytes, how)
    }

    /// Writes `bytes` beside `path`, as `how` says.
    ///
    /// # Errors
    ///
    /// See [`new`](Self::new).
    pub fn new_as(path: &Path, bytes: &[u8], how: How) -> io::Result<Self> {
        let existing = match fs::metadata(path) {
            Ok(metadata) => Some(metadata),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(error),
        };
        let staged = Self {
            temporary: beside(path, "")?,
            path: path.to_owned(),
            durable: how.durable,
        };
        write_new(&staged.temporary, bytes, how, existing.as_ref(), path)?;
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

    /// Puts it in force by one rename.
    ///
    /// # Errors
    ///
    /// Those of rename(2), `EBUSY` where the file is mounted, and of fsync(2).
    pub fn commit(self) -> io::Result<()> {
        fs::rename(&self.temporary, &self.path)?;
        if self.durable {
            File::open(folder_of(&self.path)?)?.sync_all()?;
        }
        Ok(())
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

/// As much of a file's name as goes into the names of temporary files, which must not be longer
/// than a name can be.
const LONGEST: usize = 200;

fn head(name: &[u8]) -> &[u8] {
    name.get(..LONGEST).unwrap_or(name)
}

/// A name in the same folder that no `*.conf` or `lib*` pattern takes for a file of its own. It
/// begins with two dots, which readers of folders of variables leave alone.
pub(crate) fn beside(path: &Path, what: &str) -> io::Result<PathBuf> {
    let name = path.file_name().ok_or(io::ErrorKind::IsADirectory)?;
    let mut temporary = b"..".to_vec();
    temporary.extend_from_slice(head(name.as_bytes()));
    temporary.extend_from_slice(format!(".{}{what}~", process::id()).as_bytes());
    Ok(folder_of(path)?.join(OsString::from_vec(temporary)))
}

/// Whether `name` is one that [`beside`] makes for `file`, in any process.
fn is_temporary(name: &[u8], file: &[u8]) -> bool {
    let number = name
        .strip_prefix(b"..")
        .and_then(|rest| rest.strip_prefix(head(file)))
        .and_then(|rest| rest.strip_prefix(b"."))
        .and_then(|rest| rest.strip_suffix(b"~"));
    let number = number.map(|rest| rest.strip_suffix(b"-before").unwrap_or(rest));
    number.is_some_and(|number| !number.is_empty() && number.iter().all(u8::is_ascii_digit))
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

pub(crate) fn remove_stale(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
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
