//! `setuser USER COMMAND [ARGS...]`: becomes a user, then a command.
#![forbid(unsafe_code)]
#![no_main]

sys::main!(baseimage::setuser::main);
