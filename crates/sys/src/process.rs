//! Processes: ours, our children, and those that become ours.

use std::io;
use std::os::fd::{AsRawFd, OwnedFd};

use crate::{cerr, take};

/// What became of a child.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// It exited with this status.
    Exited(u8),
    /// This signal ended it.
    Killed(i32),
    /// This signal stopped it; it is still there.
    Stopped(i32),
}

/// Reaps one child that has ended, or tells of one that was stopped; never blocks. `None` means
/// that no other has changed.
///
/// # Errors
///
/// `ECHILD` when no child is left.
///
/// # Source
///
/// waitpid(2). A PID stays taken until its process is reaped, so it cannot be mistaken here.
pub fn reap() -> io::Result<Option<(i32, Change)>> {
    let mut status = 0;
    // SAFETY: `status` outlives the call, and waitpid writes nothing else.
    let pid = cerr(unsafe { libc::waitpid(-1, &raw mut status, libc::WNOHANG | libc::WUNTRACED) })?;
    if pid == 0 {
        return Ok(None);
    }
    let change = if libc::WIFEXITED(status) {
        Change::Exited(u8::try_from(libc::WEXITSTATUS(status)).unwrap_or(u8::MAX))
    } else if libc::WIFSTOPPED(status) {
        Change::Stopped(libc::WSTOPSIG(status))
    } else {
        Change::Killed(libc::WTERMSIG(status))
    };
    Ok(Some((pid, change)))
}

/// The id of this process.
#[must_use]
pub fn own_pid() -> i32 {
    // SAFETY: getpid(2) has no preconditions and cannot fail.
    unsafe { libc::getpid() }
}

/// Makes orphans among our descendants our children, as PID 1 has it by itself.
///
/// # Errors
///
/// `EINVAL` before Linux 3.4.
pub fn become_subreaper() -> io::Result<()> {
    // SAFETY: plain numbers.
    cerr(unsafe { libc::prctl(libc::PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) }).map(drop)
}

/// A process by descriptor: it cannot become another one behind our back.
#[derive(Debug)]
pub struct Handle(OwnedFd);

impl Handle {
    /// Of the process `pid`.
    ///
    /// # Errors
    ///
    /// `pidfd_open(2)`'s: `ESRCH` if there is none, `ENOSYS` before Linux 5.3.
    pub fn open(pid: i32) -> io::Result<Self> {
        // The system call itself: the wrapper is younger than the systems we build on.
        // SAFETY: plain numbers.
        let fd = unsafe { libc::syscall(libc::SYS_pidfd_open, pid, 0) };
        let fd = cerr(i32::try_from(fd).unwrap_or(-1))?;
        Ok(Self(take(fd)?))
    }

    /// Sends it `signal`.
    ///
    /// # Errors
    ///
    /// `pidfd_send_signal(2)`'s: `ESRCH` if it is gone, `EPERM` if we may not.
    pub fn send(&self, signal: i32) -> io::Result<()> {
        // SAFETY: an open descriptor of ours and plain numbers; a null `siginfo` means kill's.
        let result = unsafe {
            libc::syscall(
                libc::SYS_pidfd_send_signal,
                self.0.as_raw_fd(),
                signal,
                std::ptr::null::<libc::siginfo_t>(),
                0,
            )
        };
        cerr(i32::try_from(result).unwrap_or(-1)).map(drop)
    }
}
