//! `my_init` as a real PID 1: every row of docs/my_init.md, and every place where it differs from
//! the reference.

mod boot;
mod command_line;
mod exits;
mod services;
mod shutdown;
mod signals;
