//! The controlling terminal and its foreground process group.

use std::io;

use crate::cerr;

/// The process group in the foreground of the terminal open as `fd`; 0 if it is not of our PID
/// namespace.
///
/// # Errors
///
/// `ENOTTY` if it is no terminal, or not ours.
pub fn foreground(fd: i32) -> io::Result<i32> {
    // SAFETY: no memory is passed; a descriptor that is not open is an error.
    cerr(unsafe { libc::tcgetpgrp(fd) })
}

/// Puts `group` into the foreground. From the background this needs SIGTTOU blocked.
///
/// # Errors
///
/// tcsetpgrp(3)'s: `EPERM` if `group` is not of our session.
pub fn set_foreground(fd: i32, group: i32) -> io::Result<()> {
    // SAFETY: no memory is passed; a descriptor that is not open is an error.
    cerr(unsafe { libc::tcsetpgrp(fd, group) }).map(drop)
}

/// The process group of this process; 0 if its leader is not of our PID namespace.
#[must_use]
pub fn own_group() -> i32 {
    // SAFETY: getpgrp(2) has no preconditions and cannot fail.
    unsafe { libc::getpgrp() }
}

/// Puts this process into a process group of its own.
///
/// # Errors
///
/// `EPERM` for the leader of a session, which has one already.
pub fn lead_group() -> io::Result<()> {
    // SAFETY: plain numbers.
    cerr(unsafe { libc::setpgid(0, 0) }).map(drop)
}

/// Puts this process into a session of its own, without a terminal.
///
/// # Errors
///
/// `EPERM` for the leader of a process group.
pub(crate) fn lead_session() -> io::Result<()> {
    // SAFETY: no preconditions.
    cerr(unsafe { libc::setsid() }).map(drop)
}
