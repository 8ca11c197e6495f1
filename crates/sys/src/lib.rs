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

/// Turns libc's -1 into the error behind it.
fn cerr(value: libc::c_int) -> io::Result<libc::c_int> {
    if value == -1 {
        Err(io::Error::last_os_error())
    } else {
        Ok(value)
    }
}
