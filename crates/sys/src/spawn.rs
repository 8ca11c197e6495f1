//! A new process that becomes another program.

use std::ffi::{CStr, CString};
use std::io;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::ptr;
use std::time::Duration;

use crate::{cerr, poll, process, signals, take, terminal};

/// Whom the new process belongs with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Group {
    /// Us: what the terminal sends us, it gets too.
    Ours,
    /// A process group of its own.
    Own,
    /// A process group of its own, in the foreground of the terminal open as this descriptor.
    Foreground(i32),
    /// A session of its own, without a terminal.
    Session,
}

/// What to run.
#[derive(Debug)]
pub struct Program<'a> {
    /// Where it may be; the first that can be run is taken, as execvp(3) does it.
    pub paths: &'a [CString],
    /// Its arguments, the first being its name.
    pub arguments: &'a [CString],
    /// `NAME=VALUE` strings.
    pub environment: &'a [CString],
    /// Whom it belongs with.
    pub group: Group,
    /// Its standard output goes where its standard error does.
    pub stdout_to_stderr: bool,
}

const SHELL: &CStr = c"/bin/sh";

/// The `errno` of [`spawn`] for a file that is there, but whose interpreter or loader is not: what
/// execve(2) says itself, `ENOENT`, would read as if the file were not.
pub const NO_INTERPRETER: i32 = libc::ELIBACC;

/// How long a child may take to become another program before it is told to go on: a Ctrl-Z at
/// that very moment stops it, and nobody else would know.
const PATIENCE: Duration = Duration::from_millis(100);

/// Starts `program` with default dispositions, an empty mask of blocked signals, and our folder,
/// umask, limits and descriptors. A file without `#!` line is run by `/bin/sh`.
///
/// Returns its PID once it has become that program.
///
/// # Errors
///
/// Those of fork(2) and execve(2): `ENOENT` if there is no such program, `EACCES` if there is one
/// that cannot be executed, [`NO_INTERPRETER`]. The child is gone then, but for being reaped.
pub fn spawn(program: &Program<'_>) -> io::Result<i32> {
    let arguments = pointers(program.arguments.iter().map(CString::as_c_str));
    let environment = pointers(program.environment.iter().map(CString::as_c_str));
    // `sh PATH ARGUMENTS...`; the path is put in by the child.
    let rest = program.arguments.iter().skip(1).map(CString::as_c_str);
    let by_shell = pointers([SHELL, SHELL].into_iter().chain(rest));
    let (reader, writer) = pipe()?;
    // SAFETY: this process has one thread, so the child may do all that it may.
    let pid = cerr(unsafe { libc::fork() })?;
    if pid == 0 {
        let error = become_program(program, &arguments, by_shell, &environment);
        let bytes = error.raw_os_error().unwrap_or(libc::EINVAL).to_ne_bytes();
        // SAFETY: a buffer of ours; if nobody reads it, nobody is left to be told.
        unsafe { libc::write(writer.as_raw_fd(), bytes.as_ptr().cast(), bytes.len()) };
        // SAFETY: ends this process without any of the parent's clean-up.
        unsafe { libc::_exit(127) };
    }
    drop(writer);
    match told(&reader, pid) {
        None => Ok(pid),
        Some(errno) => Err(io::Error::from_raw_os_error(errno)),
    }
}

/// Pointers to `strings`, with the null pointer that ends them.
fn pointers<'a>(strings: impl Iterator<Item = &'a CStr>) -> Vec<*const libc::c_char> {
    strings
        .map(CStr::as_ptr)
        .chain(std::iter::once(ptr::null()))
        .collect()
}

fn pipe() -> io::Result<(OwnedFd, OwnedFd)> {
    let mut ends = [-1; 2];
    // SAFETY: room for the two descriptors.
    cerr(unsafe { libc::pipe2(ends.as_mut_ptr(), libc::O_CLOEXEC) })?;
    let [reader, writer] = ends.map(take);
    Ok((reader?, writer?))
}

/// The `errno` that the child reports; none if it has become the program, or has been killed.
fn told(reader: &OwnedFd, pid: i32) -> Option<i32> {
    while !poll::readable(&[reader.as_fd()], Some(PATIENCE)).unwrap_or(true) {
        // Not reaped by anybody but us, and so still that child.
        let _ = signals::send(pid, libc::SIGCONT);
    }
    let mut bytes = [0; size_of::<i32>()];
    // SAFETY: a buffer of ours.
    let len = unsafe { libc::read(reader.as_raw_fd(), bytes.as_mut_ptr().cast(), bytes.len()) };
    (usize::try_from(len) == Ok(bytes.len())).then(|| i32::from_ne_bytes(bytes))
}

/// In the child; returns only if it cannot be done.
fn become_program(
    program: &Program<'_>,
    arguments: &[*const libc::c_char],
    mut by_shell: Vec<*const libc::c_char>,
    environment: &[*const libc::c_char],
) -> io::Error {
    if let Err(error) = set_up(program) {
        return error;
    }
    let mut result = io::Error::from_raw_os_error(libc::ENOENT);
    for path in program.paths {
        let mut error = execute(path, arguments, environment);
        if error.raw_os_error() == Some(libc::ENOEXEC) {
            if let Some(script) = by_shell.get_mut(1) {
                *script = path.as_ptr();
            }
            error = execute(SHELL, &by_shell, environment);
        }
        match error.raw_os_error() {
            Some(libc::ENOENT | libc::ENOTDIR) if exists(path) => {
                return io::Error::from_raw_os_error(NO_INTERPRETER);
            }
            Some(libc::ENOENT | libc::ENOTDIR) => {}
            // A folder of PATH that is closed to us, as root's own may be.
            Some(libc::EACCES) if program.paths.len() > 1 && !exists(path) => {}
            // Perhaps there is one further on that can be executed.
            Some(libc::EACCES) => result = error,
            _ => return error,
        }
    }
    result
}

fn set_up(program: &Program<'_>) -> io::Result<()> {
    match program.group {
        Group::Ours => {}
        Group::Own => terminal::lead_group()?,
        Group::Foreground(fd) => {
            terminal::lead_group()?;
            // SIGTTOU is still blocked. If the terminal has gone, we do without.
            let _ = terminal::set_foreground(fd, process::own_pid());
        }
        Group::Session => terminal::lead_session()?,
    }
    if program.stdout_to_stderr {
        // SAFETY: plain numbers; a descriptor that is not open is an error.
        cerr(unsafe { libc::dup2(libc::STDERR_FILENO, libc::STDOUT_FILENO) })?;
    }
    signals::unblock_all()
}

fn exists(path: &CStr) -> bool {
    // SAFETY: a C string.
    unsafe { libc::access(path.as_ptr(), libc::F_OK) == 0 }
}

fn execute(
    path: &CStr,
    arguments: &[*const libc::c_char],
    environment: &[*const libc::c_char],
) -> io::Error {
    // SAFETY: a C string, and two arrays of C strings that end with a null pointer, by `pointers`.
    unsafe { libc::execve(path.as_ptr(), arguments.as_ptr(), environment.as_ptr()) };
    io::Error::last_os_error()
}
