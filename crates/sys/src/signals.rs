//! Signals as things to be read, one after the other.

use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};

use crate::{cerr, take};

/// The highest signal number.
const LAST: i32 = 64;

/// What must not wait: faults of this very process. Blocked, they would end it without a core.
const FAULTS: [i32; 7] = [
    libc::SIGSEGV,
    libc::SIGBUS,
    libc::SIGFPE,
    libc::SIGILL,
    libc::SIGTRAP,
    libc::SIGSYS,
    libc::SIGABRT,
];

/// All signals but the faults, blocked and collected.
#[derive(Debug)]
pub struct Signals(OwnedFd);

impl Signals {
    /// Blocks and collects all signals from now on. None is lost: what came before, and was not
    /// ignored, has ended the process.
    ///
    /// # Errors
    ///
    /// signalfd(2)'s: no descriptor or no memory is left.
    pub fn collect() -> io::Result<Self> {
        let set = all_but_faults();
        // SAFETY: an initialised set; the old one is not asked for.
        cerr(unsafe { libc::sigprocmask(libc::SIG_BLOCK, &raw const set, std::ptr::null_mut()) })?;
        // SAFETY: an initialised set, and a new descriptor asked for.
        let fd = cerr(unsafe {
            libc::signalfd(-1, &raw const set, libc::SFD_CLOEXEC | libc::SFD_NONBLOCK)
        })?;
        Ok(Self(take(fd)?))
    }

    /// The signals that have come, appended to `into` in the order in which the kernel has them.
    ///
    /// # Errors
    ///
    /// None is expected; read(2)'s.
    pub fn read(&self, into: &mut Vec<i32>) -> io::Result<()> {
        let mut buffer = [MaybeUninit::<libc::signalfd_siginfo>::uninit(); 8];
        loop {
            // SAFETY: the buffer's own size; the kernel writes whole records only.
            let len = unsafe {
                libc::read(
                    self.0.as_raw_fd(),
                    buffer.as_mut_ptr().cast(),
                    size_of_val(&buffer),
                )
            };
            let Ok(len) = usize::try_from(len) else {
                let error = io::Error::last_os_error();
                return match error.kind() {
                    io::ErrorKind::WouldBlock => Ok(()),
                    io::ErrorKind::Interrupted => continue,
                    _ => Err(error),
                };
            };
            let count = len / size_of::<libc::signalfd_siginfo>();
            for record in buffer.iter().take(count) {
                // SAFETY: one of the first `count`, which the kernel has filled.
                let record = unsafe { record.assume_init_ref() };
                into.push(i32::try_from(record.ssi_signo).unwrap_or_default());
            }
            if count < buffer.len() {
                return Ok(());
            }
        }
    }
}

impl AsFd for Signals {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

fn all_but_faults() -> libc::sigset_t {
    let mut set = empty();
    // SAFETY: an initialised set of ours.
    unsafe { libc::sigfillset(&raw mut set) };
    for fault in FAULTS {
        // SAFETY: an initialised set of ours.
        unsafe { libc::sigdelset(&raw mut set, fault) };
    }
    set
}

pub(crate) fn empty() -> libc::sigset_t {
    let mut set = MaybeUninit::<libc::sigset_t>::uninit();
    // SAFETY: sigemptyset(3) initialises what it is given.
    unsafe { libc::sigemptyset(set.as_mut_ptr()) };
    // SAFETY: see above.
    unsafe { set.assume_init() }
}

/// Gives every signal its default disposition, so that children begin with it: what a parent of
/// ours ignores (`nohup`, a Docker client), or the runtime of a language, is not inherited.
///
/// SIGCHLD is the one that matters to ourselves: ignored, it makes the kernel throw the statuses
/// of children away.
pub fn reset_dispositions() {
    // What the kernel calls `struct sigaction` is all zeroes for `SIG_DFL`, and no larger than
    // this on any architecture.
    let default = [0_u64; 4];
    for signal in 1..=LAST {
        // The system call itself: the C library keeps 32 and 33 to itself, and a parent may have
        // ignored them all the same.
        // SAFETY: the kernel reads one `struct sigaction` and writes none; KILL and STOP fail.
        unsafe {
            libc::syscall(
                libc::SYS_rt_sigaction,
                signal,
                default.as_ptr(),
                std::ptr::null_mut::<u64>(),
                8_usize,
            )
        };
    }
}

/// Clears the mask of blocked signals; for a child about to become another program.
pub(crate) fn unblock_all() -> io::Result<()> {
    // The system call itself, for the two signals that the C library keeps to itself.
    let none = 0_u64;
    // SAFETY: a mask of the 8 bytes that the kernel takes; the old one is not asked for.
    let result = unsafe {
        libc::syscall(
            libc::SYS_rt_sigprocmask,
            libc::SIG_SETMASK,
            &raw const none,
            std::ptr::null_mut::<u64>(),
            size_of_val(&none),
        )
    };
    if result == -1 {
        return Err(io::Error::last_os_error());
    }
    Ok(())
}

/// Sends `signal` to a process, or to a process group (negative), or to everything (-1).
///
/// # Errors
///
/// kill(2)'s: `ESRCH` if there is none, `EPERM` if none of them may be signalled.
pub fn send(pid: i32, signal: i32) -> io::Result<()> {
    // SAFETY: no memory is passed.
    cerr(unsafe { libc::kill(pid, signal) }).map(drop)
}
