//! What execve(2) carries.

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
