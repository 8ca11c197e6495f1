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
pub mod file;
pub mod user;

use std::io;

/// Turns libc's -1 into the error behind it.
fn cerr(value: libc::c_int) -> io::Result<libc::c_int> {
    if value == -1 {
        Err(io::Error::last_os_error())
    } else {
        Ok(value)
    }
}
