//! Being told when files change.

use std::ffi::CString;
use std::fs::File;
use std::io::{self, Read};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use crate::{cerr, take};

/// A watch on folders.
#[derive(Debug)]
pub struct Watch(File);

impl Watch {
    /// On nothing yet.
    ///
    /// # Errors
    ///
    /// `inotify_init1(2)`'s: `EMFILE` if this user has too many.
    pub fn new() -> io::Result<Self> {
        // SAFETY: plain numbers.
        let fd = cerr(unsafe { libc::inotify_init1(libc::IN_CLOEXEC | libc::IN_NONBLOCK) })?;
        Ok(Self(take(fd)?.into()))
    }

    /// Tells from now on when a file in `folder` is replaced, made or removed. Twice is no more
    /// than once.
    ///
    /// # Errors
    ///
    /// `inotify_add_watch(2)`'s: `ENOENT`, and `ENOSPC` if this user has too many.
    pub fn add(&self, folder: &Path) -> io::Result<()> {
        let folder = CString::new(folder.as_os_str().as_bytes())?;
        let what = libc::IN_MOVED_TO | libc::IN_CREATE | libc::IN_DELETE | libc::IN_ONLYDIR;
        // SAFETY: an open descriptor of ours and a C string.
        cerr(unsafe { libc::inotify_add_watch(self.0.as_raw_fd(), folder.as_ptr(), what) })
            .map(drop)
    }

    /// Forgets what it has to tell.
    pub fn drain(&self) {
        // Room for a few records with the longest names; what they say does not matter.
        let mut buffer = [0; 4096];
        while matches!((&self.0).read(&mut buffer), Ok(len) if len > 0) {}
    }
}

/// Readable when there is something to tell.
impl AsFd for Watch {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}
