//! The processes that came from us, found in `/proc`.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;

use sys::process::Handle;
use sys::signals;

use super::signal::Signal;

/// A process as `/proc/PID/stat` shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Process {
    pub(super) pid: i32,
    parent: i32,
    /// In clock ticks since the machine's own start: with the PID, this is one process and no
    /// other.
    started: u64,
    command: Vec<u8>,
}

impl Process {
    /// Reads the line; none if it is something else.
    ///
    /// # Source
    ///
    /// `proc_pid_stat(5)`. The command's name stands in parentheses, and may hold some itself.
    fn parse(line: &[u8]) -> Option<Self> {
        let open = line.iter().position(|&byte| byte == b'(')?;
        let close = line.iter().rposition(|&byte| byte == b')')?;
        let number = |bytes: &[u8]| std::str::from_utf8(bytes).ok()?.trim().parse().ok();
        let behind = line.get(close + 1..)?.trim_ascii();
        let mut fields = behind.split(|&byte| byte == b' ');
        // state, ppid, … and starttime is the 22nd field of the line.
        let parent = number(fields.nth(1)?)?;
        let started = std::str::from_utf8(fields.nth(17)?).ok()?.parse().ok()?;
        Some(Self {
            pid: number(line.get(..open)?)?,
            parent,
            started,
            command: line.get(open + 1..close)?.to_vec(),
        })
    }

    fn read(pid: &OsStr) -> Option<Self> {
        let mut path = std::ffi::OsString::from("/proc/");
        path.push(pid);
        path.push("/stat");
        Self::parse(&fs::read(path).ok()?)
    }

    /// Sends it a signal, and no other process.
    fn signal(&self, signal: Signal, own: i32) {
        // A child stays itself until we reap it.
        if self.parent == own {
            let _ = signals::send(self.pid, signal.0);
            return;
        }
        let Ok(handle) = Handle::open(self.pid) else {
            // Before Linux 5.3 it has to wait until its parent has ended: it is our child then.
            return;
        };
        let now = Self::read(OsStr::new(&self.pid.to_string()));
        if now.is_some_and(|now| now.started == self.started) {
            let _ = handle.send(signal.0);
        }
    }
}

fn all() -> Vec<Process> {
    let Ok(entries) = fs::read_dir("/proc") else {
        return Vec::new();
    };
    entries
        .flatten()
        .map(|entry| entry.file_name())
        .filter(|name| name.as_bytes().iter().all(u8::is_ascii_digit))
        .filter_map(|name| Process::read(&name))
        .collect()
}

/// The children of `own` that run `command`.
pub(super) fn children_running(command: &[u8], own: i32) -> Vec<Process> {
    let mut found = all();
    found.retain(|process| process.parent == own && process.command == command);
    found
}

/// Those of `processes` that descend from `own`.
fn descendants_of(own: i32, processes: Vec<Process>) -> Vec<Process> {
    let mut family = BTreeSet::from([own]);
    // A child may stand before its parent, so until nobody is added.
    loop {
        let before = family.len();
        for process in &processes {
            if family.contains(&process.parent) {
                family.insert(process.pid);
            }
        }
        if family.len() == before {
            break;
        }
    }
    let mut processes = processes;
    processes.retain(|process| process.pid != own && family.contains(&process.pid));
    processes
}

/// Sends signals to the descendants of one process, each signal once to each.
#[derive(Debug, Default)]
pub(super) struct Family {
    told: Vec<(i32, u64, Signal)>,
}

impl Family {
    /// Sends `signal` to the descendants of `own` that have not had it.
    pub(super) fn signal(&mut self, signal: Signal, own: i32) {
        for process in descendants_of(own, all()) {
            let key = (process.pid, process.started, signal);
            if !self.told.contains(&key) {
                self.told.push(key);
                process.signal(signal, own);
                if signal == Signal::TERM {
                    // Stopped, it would never see the first.
                    process.signal(Signal::CONT, own);
                }
            }
        }
    }
}

/// Whether anybody but PID 1 itself is left in this PID namespace.
pub(super) fn is_anyone_here() -> bool {
    const ESRCH: i32 = 3;
    !matches!(signals::send(-1, 0), Err(error) if error.raw_os_error() == Some(ESRCH))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn process(pid: i32, parent: i32) -> Process {
        Process {
            pid,
            parent,
            started: 0,
            command: b"x".to_vec(),
        }
    }

    #[test]
    fn a_command_may_hold_parentheses_and_spaces() {
        let line = b"42 (a ) (b) S 7 42 42 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 98765 1 2 3\n";
        assert_eq!(
            Process::parse(line),
            Some(Process {
                pid: 42,
                parent: 7,
                started: 98765,
                command: b"a ) (b".to_vec()
            })
        );
        for line in [&b""[..], b"42 (a", b"42 (a) S", b"x (a) S 7 1 1 1"] {
            assert_eq!(Process::parse(line), None);
        }
    }

    #[test]
    fn a_family_is_found_whatever_the_order() {
        let all = vec![
            process(9, 8),
            process(8, 5),
            process(5, 1),
            process(6, 1),
            process(7, 5),
            process(1, 0),
        ];
        let pids = |own| -> Vec<i32> {
            descendants_of(own, all.clone())
                .iter()
                .map(|process| process.pid)
                .collect()
        };
        assert_eq!(pids(5), [9, 8, 7]);
        assert_eq!(pids(6), [0; 0]);
        assert_eq!(pids(1), [9, 8, 5, 6, 7]);
    }
}
