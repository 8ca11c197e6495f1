//! The lines that people see on standard error.

use std::ffi::OsStr;
use std::io;
use std::os::unix::ffi::OsStrExt;

use super::kernel::Stubborn;
use super::machine::{Job, Line};
use super::signal::Ending;
use crate::store;
use sys::spawn::NO_INTERPRETER;

/// How much it matters: `--quiet` leaves the first out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Level {
    /// What goes on.
    Info,
    /// What somebody should look at.
    Warning,
    /// What stopped the boot, or a hook.
    Error,
}

/// A line, and how much it matters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Message {
    /// How much it matters.
    pub(crate) level: Level,
    text: Vec<u8>,
}

impl Message {
    fn new(level: Level, parts: &[&[u8]]) -> Self {
        Self {
            level,
            text: parts.concat(),
        }
    }

    /// What goes on.
    #[must_use]
    pub(crate) fn info(text: &str) -> Self {
        Self::new(Level::Info, &[text.as_bytes()])
    }

    /// What somebody should look at.
    #[must_use]
    pub(crate) fn warning(text: &str) -> Self {
        Self::new(Level::Warning, &[text.as_bytes()])
    }

    /// As it is written: an error is followed by a blank line. What is longer than a pipe takes at
    /// once is cut, so that no reader can keep us waiting in the middle of it.
    #[must_use]
    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        /// `PIPE_BUF` of pipe(7), less the prefix and the end.
        const LONGEST: usize = 4096 - 16;
        let end: &[u8] = if self.level == Level::Error {
            b"\n\n"
        } else {
            b"\n"
        };
        match self.text.get(..LONGEST) {
            Some(head) => [b"*** ", head, b"...", end].concat(),
            None => [b"*** ", self.text.as_slice(), end].concat(),
        }
    }
}

/// A process as lines name it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Subject<'a> {
    /// A path, or the first word of the command.
    pub(crate) name: &'a OsStr,
    /// Its PID, or its last one.
    pub(crate) pid: i32,
}

/// What is said when a process is about to be started.
#[must_use]
pub(crate) fn announcement(job: Job, command: &[impl AsRef<OsStr>]) -> Message {
    let words: Vec<&[u8]> = command
        .iter()
        .map(|word| word.as_ref().as_bytes())
        .collect();
    match job {
        Job::InsecureKey => Message::info("Installing insecure SSH key for user root"),
        Job::Runsvdir => Message::info("Booting runit daemon..."),
        _ => Message::new(Level::Info, &[b"Running ", &words.join(&b' '), b"..."]),
    }
}

/// The text of a line about `subject`.
#[must_use]
pub(crate) fn message(line: Line, subject: Subject<'_>) -> Message {
    let name = subject.name.as_bytes();
    match line {
        Line::RunitStarted => Message::info(&format!("Runit started as PID {}", subject.pid)),
        // Without a full stop, as ever.
        Line::Ended(Job::Runsvdir, Ending::Exited(status)) => {
            Message::info(&format!("Runit exited with status {status}"))
        }
        Line::Ended(Job::Runsvdir, ending) => ended(Level::Info, b"Runit", ending),
        Line::Ended(_, ending) => ended(Level::Info, name, ending),
        Line::Failed(_, Ending::Exited(status)) => Message::new(
            Level::Error,
            &[name, format!(" failed with status {status}").as_bytes()],
        ),
        Line::Failed(_, ending) => ended(Level::Error, name, ending),
        Line::Missed(_, Ending::Exited(status)) => Message::new(
            Level::Warning,
            &[
                name,
                format!(" failed with status {status}. Going on.").as_bytes(),
            ],
        ),
        Line::Missed(_, ending) => ended(Level::Warning, name, ending),
        Line::CannotRun(job, errno) => {
            let level = match job {
                Job::Workaround => Level::Warning,
                _ => Level::Error,
            };
            let reason = reason(errno);
            Message::new(level, &[b"cannot run ", name, b": ", reason.as_bytes()])
        }
        Line::Continuing(_, signal) => Message::new(
            Level::Info,
            &[
                name,
                format!(
                    " was stopped by {signal}, and nobody else could continue it. Continuing it."
                )
                .as_bytes(),
            ],
        ),
        Line::Aborting => Message::warning("An error occurred. Aborting."),
        Line::Aborted => Message::warning("Init system aborted."),
        Line::ShuttingDown(job) => Message::new(
            Level::Info,
            &[
                b"Shutting down ",
                called(job, name),
                format!(" (PID {})...", subject.pid).as_bytes(),
            ],
        ),
        Line::NotInTime(job) => not_in_time(called(job, name), i64::from(subject.pid)),
        Line::KillingAll => Message::info("Killing all processes..."),
        Line::NotAllInTime => {
            Message::warning("Not all processes have exited in time. Forcing them to exit.")
        }
    }
}

/// A service that had to be forced.
#[must_use]
pub(crate) fn stubborn(service: &Stubborn) -> Message {
    not_in_time(service.name.as_bytes(), i64::from(service.pid))
}

fn called(job: Job, name: &[u8]) -> &[u8] {
    if job == Job::Runsvdir {
        b"runit daemon"
    } else {
        name
    }
}

fn not_in_time(name: &[u8], pid: i64) -> Message {
    let rest = format!(" (PID {pid}) did not shut down in time. Forcing it to exit.");
    Message::new(Level::Warning, &[name, rest.as_bytes()])
}

fn ended(level: Level, name: &[u8], ending: Ending) -> Message {
    let how = match ending {
        Ending::Exited(status) => format!(" exited with status {status}."),
        Ending::Killed(signal) => format!(" was killed by {signal}."),
    };
    Message::new(level, &[name, how.as_bytes()])
}

/// The words for an `errno` of [`spawn`](sys::spawn::spawn).
fn reason(errno: i32) -> String {
    if errno == NO_INTERPRETER {
        "its interpreter (the `#!` line) or its loader does not exist".to_owned()
    } else {
        store::reason(&io::Error::from_raw_os_error(errno))
    }
}

#[cfg(test)]
mod tests {
    use super::super::signal::Signal;
    use super::*;

    #[test]
    fn every_line_has_the_words_that_people_search_for() {
        let main = Job::Main;
        let hook = Job::PreHook;
        #[rustfmt::skip]
        let table: &[(Line, Level, &str)] = &[
            (Line::RunitStarted, Level::Info, "*** Runit started as PID 7\n"),
            (Line::Ended(main, Ending::Exited(3)), Level::Info, "*** x exited with status 3.\n"),
            (Line::Ended(main, Ending::Killed(Signal::KILL)), Level::Info, "*** x was killed by signal 9 (SIGKILL).\n"),
            (Line::Ended(Job::Runsvdir, Ending::Exited(111)), Level::Info, "*** Runit exited with status 111\n"),
            (Line::Ended(Job::Runsvdir, Ending::Killed(Signal::TERM)), Level::Info, "*** Runit was killed by signal 15 (SIGTERM).\n"),
            (Line::Failed(hook, Ending::Exited(2)), Level::Error, "*** x failed with status 2\n\n"),
            (Line::Failed(hook, Ending::Killed(Signal::KILL)), Level::Error, "*** x was killed by signal 9 (SIGKILL).\n\n"),
            (Line::Missed(Job::Workaround, Ending::Exited(1)), Level::Warning, "*** x failed with status 1. Going on.\n"),
            (Line::CannotRun(main, 2), Level::Error, "*** cannot run x: No such file or directory\n\n"),
            (Line::CannotRun(Job::Workaround, 13), Level::Warning, "*** cannot run x: Permission denied\n"),
            (Line::Aborting, Level::Warning, "*** An error occurred. Aborting.\n"),
            (Line::Aborted, Level::Warning, "*** Init system aborted.\n"),
            (Line::ShuttingDown(main), Level::Info, "*** Shutting down x (PID 7)...\n"),
            (Line::ShuttingDown(Job::Runsvdir), Level::Info, "*** Shutting down runit daemon (PID 7)...\n"),
            (Line::NotInTime(main), Level::Warning, "*** x (PID 7) did not shut down in time. Forcing it to exit.\n"),
            (Line::NotInTime(Job::Runsvdir), Level::Warning, "*** runit daemon (PID 7) did not shut down in time. Forcing it to exit.\n"),
            (Line::KillingAll, Level::Info, "*** Killing all processes...\n"),
            (Line::NotAllInTime, Level::Warning, "*** Not all processes have exited in time. Forcing them to exit.\n"),
        ];
        let subject = Subject {
            name: OsStr::new("x"),
            pid: 7,
        };
        for &(line, level, text) in table {
            let message = message(line, subject);
            let written = String::from_utf8(message.to_bytes()).unwrap();
            assert_eq!((message.level, written.as_str()), (level, text), "{line:?}");
        }
    }

    #[test]
    fn a_line_fits_a_pipe() {
        let long = Message::info(&"x".repeat(100_000)).to_bytes();
        assert!(
            long.len() <= 4096 && long.ends_with(b"x...\n"),
            "{}",
            long.len()
        );
        assert_eq!(Message::info("x").to_bytes(), b"*** x\n");
    }

    #[test]
    fn what_is_started_is_announced() {
        for (job, want) in [
            (Job::Main, "*** Running ls -l...\n"),
            (Job::Startup, "*** Running ls -l...\n"),
            (
                Job::InsecureKey,
                "*** Installing insecure SSH key for user root\n",
            ),
            (Job::Runsvdir, "*** Booting runit daemon...\n"),
        ] {
            let bytes = announcement(job, &["ls", "-l"]).to_bytes();
            assert_eq!(String::from_utf8(bytes).unwrap(), want, "{job:?}");
        }
    }
}
