//! PID 1 of the base image; see `my_init(8)`.
#![forbid(unsafe_code)]

use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments: Vec<_> = std::env::args_os().collect();
    baseimage::init::start(&arguments).into()
}
