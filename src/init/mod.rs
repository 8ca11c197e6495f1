//! PID 1.
//!
//! | module | is |
//! |---|---|
//! | `options`, `settings` | what the command line and the environment ask for |
//! | `machine` | the life of PID 1: events in, actions out |
//! | `driver` | does what the machine says, and decides nothing |
//! | `jobs` | which process is which job, and what it runs |
//! | `kernel` | the one seam to everything outside; `linux` stands behind it |
//! | `log` | the lines on standard error |
//! | `services`, `status` | runit's services, through runsv's own interface |
//! | `descendants` | the processes that came from us |
//! | `terminal` | who is in the foreground |
//! | `check` | `--check` |
//! | `start` | from the command line to the driver |

mod check;
mod descendants;
mod driver;
mod jobs;
mod kernel;
mod linux;
#[cfg(test)]
mod lives;
mod log;
mod machine;
mod options;
mod services;
mod settings;
mod signal;
mod start;
mod status;
mod terminal;

pub use start::main;
