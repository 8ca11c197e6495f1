//! PID 1 of the base image; see `my_init(8)`.
#![forbid(unsafe_code)]
#![no_main]

sys::main!(baseimage::init::main);
