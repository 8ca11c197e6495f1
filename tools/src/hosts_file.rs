//! The hosts file on disk: made, read, and edited under a lock.

use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use sys::file::Unread;

use crate::failure::refused;
use crate::root::{FOLDER, HOSTS, Root};

/// How long one writer waits for the others.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// What a new file starts with.
const HEADER: &str = "\
# Hosts of this container: ADDRESS NAME [ALIAS...], as in hosts(5).
# Yours to edit; a change counts from the next lookup on. What is not here
# is looked up in /etc/hosts and DNS as before. See workaround-docker-2267(8).
";

/// The file behind the path, wherever its symlinks lead.
pub(crate) fn path(root: &Root) -> Result<PathBuf> {
    root.resolve(HOSTS)
}

/// Its content; empty if it does not exist.
pub(crate) fn read(root: &Root) -> Result<Vec<u8>> {
    let path = path(root)?;
    match sys::file::read_regular(&path, usize::MAX) {
        Ok(text) => Ok(text),
        Err(Unread::Failed(error)) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(Unread::Failed(error)) => Err(explain(&error, "cannot read", &path)),
        Err(Unread::NotRegular | Unread::TooLong) => bail!(
            "cannot read {}: it is no regular file; move away what has that name",
            path.display()
        ),
    }
}

/// Makes the folder and the file where they do not exist. True if the file is new.
pub(crate) fn create(root: &Root) -> Result<bool> {
    if path(root)?.exists() {
        return Ok(false);
    }
    // Another writer may be first.
    edit(root, |text| {
        Ok(text.is_empty().then(|| HEADER.as_bytes().to_vec()))
    })
}

/// Copies what the runtime wrote to `/etc/hosts` into a block of its own. True if that changed
/// anything.
pub(crate) fn merge_runtime(root: &Root) -> Result<bool> {
    let theirs = root.resolve("/etc/hosts")?;
    let runtime = match fs::read(&theirs) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
        outcome => outcome.with_context(|| format!("cannot read {}", theirs.display()))?,
    };
    // Nothing is locked, and a read-only file is no obstacle, where nothing is to be done.
    let text = read(root)?;
    if hosts_edit::merge(&text, &runtime) == text {
        return Ok(false);
    }
    edit(root, |text| Ok(Some(hosts_edit::merge(text, &runtime))))
}

/// Takes that block out again.
pub(crate) fn remove_runtime(root: &Root) -> Result<bool> {
    let text = read(root)?;
    if hosts_edit::without_block(&text) == text {
        return Ok(false);
    }
    edit(root, |text| Ok(Some(hosts_edit::without_block(text))))
}

/// Makes a folder that everybody may read, whatever the umask.
pub(crate) fn make_folder(folder: &std::path::Path) -> Result<()> {
    if folder.is_dir() {
        return Ok(());
    }
    fs::create_dir_all(folder)
        .and_then(|()| fs::set_permissions(folder, Permissions::from_mode(0o755)))
        .map_err(|error| explain(&error, "cannot make", folder))
}

/// Replaces the content by what `edit` makes of it; `None` leaves it alone. Other runs of the
/// command wait meanwhile. True if the file was changed.
pub(crate) fn edit(
    root: &Root,
    edit: impl FnOnce(&[u8]) -> Result<Option<Vec<u8>>>,
) -> Result<bool> {
    let folder = root.resolve(FOLDER)?;
    make_folder(&folder)?;
    let _lock = sys::file::lock_folder(&folder, PATIENCE)
        .with_context(|| format!("cannot lock {}; is another run stuck?", folder.display()))?;
    remove_leftovers(root)?;
    let text = read(root)?;
    let Some(edited) = edit(&text)?.filter(|edited| *edited != text) else {
        return Ok(false);
    };
    replace(&path(root)?, &edited)?;
    if root.is_this_system() {
        flush_nscd();
    }
    Ok(true)
}

/// Removes what a writer that was killed left; to be called under its lock.
fn remove_leftovers(root: &Root) -> Result<()> {
    let path = path(root)?;
    // On a read-only folder there is nothing to be done, nor any harm.
    let _ = sys::staged::remove_leftovers(&path);
    Ok(())
}

fn replace(path: &std::path::Path, bytes: &[u8]) -> Result<()> {
    sys::file::replace(path, bytes, 0o644)
        .map_err(|error| explain(&error, "cannot write", path))?;
    Ok(())
}

/// Adds the remedy to an error that has one.
pub(crate) fn explain(error: &io::Error, what: &str, path: &std::path::Path) -> anyhow::Error {
    let remedy = match error.kind() {
        io::ErrorKind::PermissionDenied => "; run as root, and check for `chattr +i`",
        io::ErrorKind::ReadOnlyFilesystem => {
            "; do it when the image is built, or mount a writable folder there"
        }
        io::ErrorKind::StorageFull => "; make room and try again, nothing was changed",
        io::ErrorKind::IsADirectory => "; a folder stands where the file should be",
        _ => "",
    };
    let path = path.display();
    let text = format!("{what} {path}: {error}{remedy}");
    if error.kind() == io::ErrorKind::PermissionDenied {
        refused(text)
    } else {
        anyhow::Error::msg(text)
    }
}

/// A caching daemon in front of NSS must forget what it knows.
fn flush_nscd() {
    const SOCKETS: [&str; 2] = ["/run/nscd/socket", "/var/run/nscd/socket"];
    if SOCKETS.iter().any(|socket| fs::metadata(socket).is_ok()) {
        // Without the program there is nothing to be done: its entries expire by themselves.
        let _ = Command::new("nscd")
            .args(["-i", "hosts"])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status();
    }
}
