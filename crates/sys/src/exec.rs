//! Becoming another program.

use std::ffi::{CStr, CString, c_char};
use std::io;
use std::ptr;

/// The longest string, `NAME=VALUE` with its NUL, that execve(2) carries: 32 pages.
///
/// # Source
///
/// `MAX_ARG_STRLEN` of `<linux/binfmts.h>`, execve(2).
#[must_use]
pub fn longest_string() -> usize {
    // SAFETY: sysconf(3) has no preconditions.
    let page = unsafe { libc::sysconf(libc::_SC_PAGESIZE) };
    usize::try_from(page).unwrap_or(4096) * 32
}

/// Becomes the program at `path`, with these arguments (the first is its name) and this
/// environment; returns only if that fails.
///
/// Ignored signals stay ignored. The Rust runtime ignores `SIGPIPE`, so this is for programs made
/// with [`main!`](crate::main).
#[must_use]
pub fn exec(path: &CStr, arguments: &[CString], environment: &[CString]) -> io::Error {
    let pointers = |strings: &[CString]| -> Vec<*const c_char> {
        let strings = strings.iter().map(|string| string.as_ptr());
        strings.chain([ptr::null()]).collect()
    };
    let (arguments, environment) = (pointers(arguments), pointers(environment));
    // SAFETY: C strings, and arrays of them that end with a null pointer; all outlive the call.
    unsafe { libc::execve(path.as_ptr(), arguments.as_ptr(), environment.as_ptr()) };
    io::Error::last_os_error()
}

/// Whether `error` says that the file is in no format that the kernel executes: a script without
/// a `#!` line, for one.
#[must_use]
pub fn is_no_program(error: &io::Error) -> bool {
    error.raw_os_error() == Some(libc::ENOEXEC)
}
