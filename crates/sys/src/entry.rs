//! A program's first function, without the Rust runtime's preparations.
//!
//! The runtime ignores `SIGPIPE`, opens `/dev/null` where a standard descriptor is closed, and
//! reads `/proc/self/maps`. A program whose work is to become another one hands the first two on
//! by mistake, and pays for the third at each start.

use std::ffi::{OsString, c_int};
use std::io::{self, Write};

/// What [`main!`](crate::main) calls: runs `program` with the arguments of this process, without
/// the first, and makes sure that all it printed is out.
pub fn run(program: fn(&mut dyn Iterator<Item = OsString>) -> u8) -> c_int {
    let status = program(&mut std::env::args_os().skip(1));
    // The runtime would do this. Who has closed its end does not want the rest.
    let _ = io::stdout().flush();
    c_int::from(status)
}

/// Makes `$program`, a `fn(&mut dyn Iterator<Item = OsString>) -> u8`, the program; the crate is
/// `#![no_main]`.
#[macro_export]
macro_rules! main {
    ($program:path) => {
        // SAFETY: no other function of a program is called `main`, and this is its C prototype
        // with both parameters left out, as main() may have it; the C library keeps the arguments
        // for `std::env::args_os`.
        #[unsafe(no_mangle)]
        extern "C" fn main() -> std::ffi::c_int {
            $crate::entry::run($program)
        }
    };
}
