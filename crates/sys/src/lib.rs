//! Doors to the kernel and to libc, with no policy.
#![deny(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

pub mod child;
pub mod entry;
pub mod exec;
pub mod fifo;
pub mod file;
pub mod pages;
pub mod poll;
pub mod process;
pub mod protection;
pub mod signals;
pub mod spawn;
pub mod staged;
pub mod terminal;
pub mod user;
pub mod watch;

use std::io;
use std::os::fd::{FromRawFd, OwnedFd};

/// Turns libc's -1 into the error behind it.
fn cerr(value: libc::c_int) -> io::Result<libc::c_int> {
    if value == -1 {
        Err(io::Error::last_os_error())
    } else {
        Ok(value)
    }
}

/// Takes over the new descriptor `fd`, with a number above those of the standard streams: where one
/// of them is closed, what is printed must not get into something of ours.
fn take(fd: libc::c_int) -> io::Result<OwnedFd> {
    // SAFETY: callers pass what a system call has just made, and nobody else's.
    let owned = unsafe { OwnedFd::from_raw_fd(fd) };
    if fd > libc::STDERR_FILENO {
        return Ok(owned);
    }
    // SAFETY: an open descriptor of ours and plain numbers.
    let above = cerr(unsafe { libc::fcntl(fd, libc::F_DUPFD_CLOEXEC, libc::STDERR_FILENO + 1) })?;
    // SAFETY: just made, and nobody else's.
    Ok(unsafe { OwnedFd::from_raw_fd(above) })
}
