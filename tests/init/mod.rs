//! `my_init` as a real PID 1: every row of `docs/my_init.md`, and every place where it differs from
//! the reference.

mod alone;
mod boot;
mod command_line;
mod docker;
mod exits;
mod reaping;
mod services;
mod shutdown;
mod signals;
mod terminal;
