//! The one seam between the driver and everything outside it. Tests put a made-up world here.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::signal::{Ending, Signal};

/// A process to start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Command {
    /// Its name and arguments; without a `/` the name is looked for along `PATH`.
    pub(crate) arguments: Vec<OsString>,
    /// Whom it belongs with.
    pub(crate) place: Place,
}

/// Whom a process belongs with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// Our process group, so that Ctrl-C reaches it too.
    Ours,
    /// The same, and what it prints must not get into the main command's output.
    OursQuiet,
    /// A process group of its own, in the foreground of the terminal if that is ours to give.
    Foreground,
    /// A session of its own: nothing typed on the terminal reaches it.
    Session,
}

/// What became of one child.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reaped {
    /// It has ended and is gone.
    Ended(i32, Ending),
    /// It was stopped.
    Stopped(i32, Signal),
    /// Children are left, and none has changed.
    NoMore,
    /// No child is left.
    NoChild,
}

/// A service that had to be forced.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Stubborn {
    /// Its folder's name.
    pub(crate) name: OsString,
    /// The process that did not end.
    pub(crate) pid: u32,
}

/// Everything that the driver needs done. None of it can fail in a way that matters to PID 1, but
/// for what the results say.
pub(crate) trait Kernel {
    /// A clock that only goes forward.
    fn now(&self) -> Duration;
    /// Sleeps until a signal comes, a watched file changes or the time is up; the signals.
    fn wait(&mut self, limit: Option<Duration>) -> Vec<Signal>;
    /// Reaps one child, without waiting.
    fn reap(&mut self) -> Reaped;
    /// Starts a process; its PID, or the `errno`.
    fn start(&mut self, command: &Command) -> Result<i32, i32>;
    /// Signals a child that has not been reaped.
    fn signal(&mut self, pid: i32, signal: Signal);
    /// Signals a process group that a child of ours leads, or our own (0).
    fn signal_group(&mut self, leader: i32, signal: Signal);
    /// Writes a line to standard error.
    fn write(&mut self, line: &[u8]);

    /// Imports and exports the environment; the warnings.
    fn import_environment(&mut self) -> Vec<String>;
    /// Takes over what a startup file has changed; the warnings.
    fn reload_environment(&mut self) -> Vec<String>;
    /// The files of `folder` that are to be run, in order, and a warning if it cannot be read.
    fn runnable_in(&mut self, folder: &Path) -> (Vec<PathBuf>, Option<String>);
    /// Whether `path` is a file that is to be run.
    fn is_runnable(&mut self, path: &Path) -> bool;

    /// Gives the terminal to the process group `leader`, if we are in its foreground.
    fn give_terminal(&mut self, leader: i32);
    /// Takes it back, if we gave it away.
    fn take_terminal(&mut self);
    /// Stops this very process; returns when somebody lets it go on.
    fn stop_self(&mut self);

    /// Makes the folder of the services look as if nobody had touched it just now.
    fn age_services(&mut self);
    /// Tells the services to go down, those that have turned up since included; whether all are.
    fn stop_services(&mut self) -> bool;
    /// Kills those that are not.
    fn kill_services(&mut self) -> Vec<Stubborn>;
    /// Tells the supervisors to end that have not been told; whether all have.
    fn stop_supervisors(&mut self) -> bool;
    /// Kills those that have not.
    fn kill_supervisors(&mut self);
    /// Signals everything that is ours to end.
    fn signal_left(&mut self, signal: Signal);
    /// Whether something that is ours to end, but no child of ours, is left.
    fn is_any_left(&mut self) -> bool;
}
