//! The kernel as it is: the doors of `sys`, behind the driver's seam.

use std::ffi::{CString, OsStr, OsString};
use std::fs;
use std::io::{self, Write};
use std::os::fd::AsFd;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use sys::pages::Sleeper;
use sys::process::{self, Change};
use sys::signals::{self, Signals};
use sys::spawn::{Group, Program};
use sys::{file, poll, spawn};

use super::descendants::{self, Family};
use super::kernel::{Command, Kernel, Place, Reaped, Stubborn};
use super::services::Services;
use super::signal::{Ending, Signal};
use super::terminal::Terminal;
use crate::environment::Environment;
use crate::exec::{PATH, candidates};
use crate::store::{Live, Store, reason};

/// How long a line may wait for whoever reads our standard error. A reader that is stuck must not
/// keep PID 1 from its work; the line is lost.
const LOG_LIMIT: Duration = Duration::from_secs(1);

/// How long nothing happens before we sleep in earnest, which takes a little to wake from.
const DOZE: Duration = Duration::from_secs(1);

/// How often services are looked at while they stop: where nothing tells us of changes, and where
/// something does (a supervisor that is killed changes no file).
const LOOK: Duration = Duration::from_millis(5);
const LOOK_BESIDE_WATCH: Duration = Duration::from_millis(100);

const EIO: i32 = 5;
const EINVAL: i32 = 22;

/// The doors, and what has to be remembered between two uses of them.
#[derive(Debug)]
pub(crate) struct Linux {
    signals: Signals,
    begin: Instant,
    pid: i32,
    pid_one: bool,
    store: Store,
    process: Option<Environment>,
    live: Live,
    terminal: Terminal,
    services: Services,
    services_stopping: bool,
    family: Family,
    supervisors: Vec<i32>,
    log_stuck: bool,
    sleeper: Option<Sleeper>,
}

impl Linux {
    /// For a process with the environment `process`.
    #[must_use]
    pub(crate) fn new(
        signals: Signals,
        store: Store,
        process: Environment,
        services: PathBuf,
    ) -> Self {
        let pid = process::own_pid();
        Self {
            signals,
            begin: Instant::now(),
            pid,
            pid_one: pid == 1,
            store,
            process: Some(process),
            live: Live::default(),
            terminal: Terminal::find(),
            services: Services::new(services),
            services_stopping: false,
            family: Family::default(),
            supervisors: Vec::new(),
            log_stuck: false,
            sleeper: None,
        }
    }
}

/// Where the program `name` may be for a process with this environment.
pub(super) fn paths_of(name: &OsStr, environment: &Environment) -> Vec<PathBuf> {
    let path = environment.get(b"PATH").unwrap_or(PATH);
    candidates(name.as_bytes(), path)
        .into_iter()
        .map(|path| OsString::from_vec(path).into())
        .collect()
}

impl Kernel for Linux {
    fn now(&self) -> Duration {
        self.begin.elapsed()
    }

    fn wait(&mut self, limit: Option<Duration>) -> Vec<Signal> {
        let mut sources = vec![self.signals.as_fd()];
        let mut limit = limit;
        if self.services_stopping {
            let watch = self.services.watch();
            let look = if watch.is_some() {
                LOOK_BESIDE_WATCH
            } else {
                LOOK
            };
            limit = Some(limit.map_or(look, |limit| limit.min(look)));
            sources.extend(watch.map(AsFd::as_fd));
        }
        // What fails here fails for want of memory, and the next turn tries again.
        let soon = poll::readable(&sources, Some(limit.unwrap_or(DOZE)));
        if limit.is_none() && soon.is_ok_and(|soon| !soon) {
            let _ = self.sleeper.get_or_insert_default().sleep(&sources);
        }
        let mut numbers = Vec::new();
        let _ = self.signals.read(&mut numbers);
        numbers.into_iter().map(Signal).collect()
    }

    fn reap(&mut self) -> Reaped {
        match process::reap() {
            Ok(Some((pid, Change::Exited(status)))) => Reaped::Ended(pid, Ending::Exited(status)),
            Ok(Some((pid, Change::Killed(signal)))) => {
                Reaped::Ended(pid, Ending::Killed(Signal(signal)))
            }
            Ok(Some((pid, Change::Stopped(signal)))) => Reaped::Stopped(pid, Signal(signal)),
            Ok(None) => Reaped::NoMore,
            Err(_) => Reaped::NoChild,
        }
    }

    fn start(&mut self, command: &Command) -> Result<i32, i32> {
        let c_string = |bytes: Vec<u8>| CString::new(bytes).map_err(|_| EINVAL);
        let arguments: Vec<CString> = command
            .arguments
            .iter()
            .map(|word| c_string(word.clone().into_vec()))
            .collect::<Result<_, _>>()?;
        let environment: Vec<CString> = self
            .live
            .environment()
            .strings()
            .map(c_string)
            .collect::<Result<_, _>>()?;
        let name = command.arguments.first().ok_or(EINVAL)?;
        let group = match command.place {
            Place::Ours | Place::OursQuiet => Group::Ours,
            Place::Foreground => self.terminal.offer().map_or(Group::Own, Group::Foreground),
            Place::Session => Group::Session,
        };
        let paths: Vec<CString> = paths_of(name, self.live.environment())
            .into_iter()
            .map(|path| c_string(path.into_os_string().into_vec()))
            .collect::<Result<_, _>>()?;
        let program = Program {
            paths: &paths,
            arguments: &arguments,
            environment: &environment,
            group,
            stdout_to_stderr: command.place == Place::OursQuiet,
        };
        spawn::spawn(&program).map_err(|error| error.raw_os_error().unwrap_or(EIO))
    }

    fn signal(&mut self, pid: i32, signal: Signal) {
        // It may have ended; then it has been told enough.
        let _ = signals::send(pid, signal.0);
    }

    fn signal_group(&mut self, leader: i32, signal: Signal) {
        let _ = signals::send(-leader, signal.0);
    }

    fn write(&mut self, line: &[u8]) {
        let stderr = io::stderr();
        let limit = if self.log_stuck {
            Duration::ZERO
        } else {
            LOG_LIMIT
        };
        self.log_stuck = !poll::writable(stderr.as_fd(), limit).unwrap_or(true);
        if !self.log_stuck {
            // One write. A log that is closed or full is no reason to stop.
            let _ = stderr.lock().write(line);
        }
    }

    fn import_environment(&mut self) -> Vec<String> {
        let import = self.store.import(self.process.take().unwrap_or_default());
        self.live = self.store.export(import);
        self.live
            .warnings()
            .iter()
            .map(ToString::to_string)
            .collect()
    }

    fn reload_environment(&mut self) -> Vec<String> {
        let news = self.store.reload(&mut self.live);
        news.iter().map(ToString::to_string).collect()
    }

    fn runnable_in(&mut self, folder: &Path) -> (Vec<PathBuf>, Option<String>) {
        runnable_in(folder)
    }

    fn is_runnable(&mut self, path: &Path) -> bool {
        is_runnable(path)
    }

    fn give_terminal(&mut self, leader: i32) {
        self.terminal.give(leader);
    }

    fn take_terminal(&mut self) {
        self.terminal.take();
    }

    fn stop_self(&mut self) {
        let _ = signals::send(self.pid, Signal::STOP.0);
    }

    fn age_services(&mut self) {
        self.services.age();
    }

    fn stop_services(&mut self) -> bool {
        let down = self.services.stop();
        self.services_stopping = !down;
        down
    }

    fn kill_services(&mut self) -> Vec<Stubborn> {
        self.services.kill()
    }

    fn stop_supervisors(&mut self) -> bool {
        self.services_stopping = false;
        let left = descendants::children_running(b"runsv", self.pid);
        for supervisor in &left {
            if !self.supervisors.contains(&supervisor.pid) {
                self.supervisors.push(supervisor.pid);
                self.signal(supervisor.pid, Signal::TERM);
            }
        }
        left.is_empty()
    }

    fn kill_supervisors(&mut self) {
        self.services.kill_logs();
        for supervisor in descendants::children_running(b"runsv", self.pid) {
            self.signal(supervisor.pid, Signal::KILL);
        }
    }

    fn signal_left(&mut self, signal: Signal) {
        if self.pid_one {
            // Each time the kernel looks through all processes of the machine.
            if !descendants::is_anyone_here() {
                return;
            }
            let _ = signals::send(-1, signal.0);
            if signal == Signal::TERM {
                // Stopped, they would never see the first.
                let _ = signals::send(-1, Signal::CONT.0);
            }
        } else {
            self.family.signal(signal, self.pid);
        }
    }

    fn is_any_left(&mut self) -> bool {
        self.pid_one && descendants::is_anyone_here()
    }
}

/// The files of `folder` that are to be run, in byte order of their names. A folder that does not
/// exist has none; one that cannot be read has a warning.
pub(super) fn runnable_in(folder: &Path) -> (Vec<PathBuf>, Option<String>) {
    match entries(folder) {
        Ok(paths) => {
            let runnable = paths.into_iter().filter(|path| is_runnable(path));
            (runnable.collect(), None)
        }
        Err(error) => {
            let warning = format!("cannot read {}: {}", folder.display(), reason(&error));
            (Vec::new(), Some(warning))
        }
    }
}

/// Everything in `folder`, in byte order.
pub(super) fn entries(folder: &Path) -> io::Result<Vec<PathBuf>> {
    if !folder.is_dir() {
        return Ok(Vec::new());
    }
    let mut paths: Vec<PathBuf> = fs::read_dir(folder)?
        .flatten()
        .map(|entry| entry.path())
        .collect();
    paths.sort_unstable_by(|a, b| a.as_os_str().as_bytes().cmp(b.as_os_str().as_bytes()));
    Ok(paths)
}

/// Whether `path` is a regular file, after symlinks, that we may execute.
pub(super) fn is_runnable(path: &Path) -> bool {
    path.is_file() && file::may_execute(path).is_ok()
}
