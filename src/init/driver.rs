//! Does what the machine says, and tells it what happens. It decides nothing.

use std::collections::VecDeque;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::kernel::{Command, Kernel, Place, Reaped};
use super::log::{self, Level, Message, Subject};
use super::machine::{Action, Event, Job, Plan, State, step};
use super::settings::Settings;
use super::signal::Signal;

pub(super) const RC_LOCAL: &str = "/etc/rc.local";
pub(super) const PRE_HOOKS: &str = "/etc/my_init.pre_shutdown.d";
pub(super) const POST_HOOKS: &str = "/etc/my_init.post_shutdown.d";
pub(super) const INSECURE_KEY: &str = "/usr/sbin/enable_insecure_key";
pub(super) const WORKAROUND: &str = "/usr/bin/workaround-docker-2267";
pub(super) const RUNSVDIR: &str = "/usr/bin/runsvdir";
pub(super) const SERVICES: &str = "/etc/service";

/// How often we look for processes that others have put into our PID namespace, as nothing tells
/// us of their end. During a shutdown only.
const LOOK: Duration = Duration::from_millis(5);

/// A process that the machine knows, alive or the last of its job.
#[derive(Debug)]
struct Known {
    job: Job,
    pid: i32,
    alive: bool,
    name: OsString,
    /// It leads a process group of its own.
    leads: bool,
}

/// What the machine wants to hear of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Watching {
    Nothing,
    Services,
    Supervisors,
    Left,
}

/// The driver of one run.
#[derive(Debug)]
pub(crate) struct Driver<K> {
    kernel: K,
    state: State,
    settings: Settings,
    quiet: bool,
    command: Vec<OsString>,
    known: Vec<Known>,
    lists: Vec<(Job, VecDeque<PathBuf>)>,
    deadline: Option<Duration>,
    watching: Watching,
    childless: bool,
    exit: Option<u8>,
}

impl<K: Kernel> Driver<K> {
    /// A run that has not begun.
    pub(crate) fn new(
        kernel: K,
        plan: Plan,
        settings: Settings,
        quiet: bool,
        command: Vec<OsString>,
    ) -> Self {
        Self {
            kernel,
            state: State::new(plan),
            settings,
            quiet,
            command,
            known: Vec::new(),
            lists: Vec::new(),
            deadline: None,
            watching: Watching::Nothing,
            childless: false,
            exit: None,
        }
    }

    /// Writes a line, unless `--quiet` leaves it out.
    pub(crate) fn say(&mut self, message: &Message) {
        if !self.quiet || message.level > Level::Info {
            self.kernel.write(&message.to_bytes());
        }
    }

    /// The whole run; its exit status.
    pub(crate) fn run(mut self) -> u8 {
        self.feed(Event::Begin);
        loop {
            if let Some(exit) = self.exit {
                return exit;
            }
            self.turn();
        }
    }

    /// Sleeps until something happens, and tells the machine.
    fn turn(&mut self) {
        let now = self.kernel.now();
        let limit = self.deadline.map(|deadline| deadline.saturating_sub(now));
        let looks = self.watching == Watching::Left && self.childless;
        let limit = limit.map(|limit| if looks { limit.min(LOOK) } else { limit });
        for signal in self.kernel.wait(limit) {
            if signal != Signal::CHLD {
                self.feed(Event::Signal(signal));
            }
        }
        let reaped = self.reap();
        self.look(reaped);
        if self
            .deadline
            .is_some_and(|deadline| deadline <= self.kernel.now())
        {
            self.deadline = None;
            self.feed(Event::Deadline);
        }
    }

    /// Reaps all that has ended; whether anything has.
    fn reap(&mut self) -> bool {
        let mut any = false;
        loop {
            match self.kernel.reap() {
                Reaped::Ended(pid, ending) => {
                    any = true;
                    if let Some(known) = self.alive(pid) {
                        known.alive = false;
                        let job = known.job;
                        self.feed(Event::Ended(job, ending));
                    }
                }
                Reaped::Stopped(pid, signal) => {
                    if let Some(known) = self.alive(pid) {
                        let job = known.job;
                        self.feed(Event::Stopped(job, signal));
                    }
                }
                Reaped::NoMore => {
                    self.childless = false;
                    return any;
                }
                Reaped::NoChild => {
                    self.childless = true;
                    return any;
                }
            }
        }
    }

    fn alive(&mut self, pid: i32) -> Option<&mut Known> {
        self.known
            .iter_mut()
            .find(|known| known.alive && known.pid == pid)
    }

    /// Looks after what is watched; `reaped` says that a process has ended since.
    fn look(&mut self, reaped: bool) {
        match self.watching {
            Watching::Nothing => {}
            Watching::Services => {
                if self.kernel.stop_services() {
                    self.watched(Event::ServicesDown);
                }
            }
            Watching::Supervisors => {
                if reaped && self.kernel.stop_supervisors() {
                    self.watched(Event::SupervisorsGone);
                }
            }
            Watching::Left => {
                if self.childless && !self.kernel.is_any_left() {
                    self.watched(Event::NoneLeft);
                } else if reaped {
                    self.feed(Event::SomeLeft);
                }
            }
        }
    }

    fn watched(&mut self, event: Event) {
        self.watching = Watching::Nothing;
        self.feed(event);
    }

    /// Steps the machine, and performs what it says, answers included.
    fn feed(&mut self, event: Event) {
        let mut events = VecDeque::from([event]);
        while let Some(event) = events.pop_front() {
            let (state, actions) = step(self.state, event);
            self.state = state;
            for action in actions {
                events.extend(self.perform(action));
            }
        }
    }

    /// Performs one action; the answer, if it has one.
    fn perform(&mut self, action: Action) -> Option<Event> {
        match action {
            Action::ImportEnvironment => {
                let warnings = self.kernel.import_environment();
                self.warn(warnings);
            }
            Action::ReloadEnvironment => {
                let warnings = self.kernel.reload_environment();
                self.warn(warnings);
            }
            Action::Start(job) => return Some(self.start(job)),
            Action::Signal(job, signal) => {
                if let Some(pid) = self.known(job).filter(|known| known.alive).map(|k| k.pid) {
                    self.kernel.signal(pid, signal);
                }
            }
            Action::Continue(job) => self.let_go_on(job),
            Action::Arm(limit) => {
                self.deadline = Some(self.kernel.now() + self.settings.duration(limit));
            }
            Action::Disarm => self.deadline = None,
            Action::GiveTerminal => {
                if let Some(leader) = self.leader(Job::Main) {
                    self.kernel.give_terminal(leader);
                }
            }
            Action::TakeTerminal => self.kernel.take_terminal(),
            Action::Suspend => self.suspend(),
            Action::StopServices => {
                self.watching = Watching::Services;
                return self.answer(K::stop_services, Event::ServicesDown);
            }
            Action::KillServices => {
                for service in self.kernel.kill_services() {
                    self.say(&log::stubborn(&service));
                }
            }
            Action::StopSupervisors => {
                self.watching = Watching::Supervisors;
                return self.answer(K::stop_supervisors, Event::SupervisorsGone);
            }
            Action::KillSupervisors => self.kernel.kill_supervisors(),
            Action::SignalLeft(signal) => {
                self.watching = Watching::Left;
                self.kernel.signal_left(signal);
                self.reap();
                let none = |kernel: &mut K| !kernel.is_any_left();
                if self.childless {
                    return self.answer(none, Event::NoneLeft);
                }
            }
            Action::Log(line) => {
                let known = line_job(line).and_then(|job| self.known(job));
                let subject = known.map_or(
                    Subject {
                        name: OsStr::new(""),
                        pid: 0,
                    },
                    |known| Subject {
                        name: &known.name,
                        pid: known.pid,
                    },
                );
                let message = log::message(line, subject);
                self.say(&message);
            }
            Action::Exit(code) => self.exit = Some(code),
        }
        None
    }

    /// The answer that `is_over` gives at once, if it does.
    fn answer(&mut self, is_over: impl Fn(&mut K) -> bool, event: Event) -> Option<Event> {
        is_over(&mut self.kernel).then(|| {
            self.watching = Watching::Nothing;
            event
        })
    }

    fn warn(&mut self, warnings: Vec<String>) {
        for warning in warnings {
            self.say(&Message::warning(&warning));
        }
    }

    fn known(&self, job: Job) -> Option<&Known> {
        self.known.iter().rev().find(|known| known.job == job)
    }

    fn leader(&self, job: Job) -> Option<i32> {
        self.known(job)
            .filter(|known| known.alive && known.leads)
            .map(|known| known.pid)
    }

    fn let_go_on(&mut self, job: Job) {
        match self.known(job) {
            Some(known) if known.alive && known.leads => {
                let pid = known.pid;
                self.kernel.signal_group(pid, Signal::CONT);
            }
            // Ctrl-Z has stopped all of our group, and so what the script has started too.
            Some(known) if known.alive => self.kernel.signal_group(0, Signal::CONT),
            _ => {}
        }
    }

    fn suspend(&mut self) {
        self.kernel.take_terminal();
        self.kernel.stop_self();
        if let Some(leader) = self.leader(Job::Main) {
            self.kernel.give_terminal(leader);
        }
    }

    fn start(&mut self, job: Job) -> Event {
        let Some((arguments, place)) = self.command_of(job) else {
            return Event::Nothing(job);
        };
        self.say(&log::announcement(job, &arguments));
        if job == Job::Runsvdir {
            self.kernel.age_services();
        }
        let name = arguments.first().cloned().unwrap_or_default();
        let result = self.kernel.start(&Command { arguments, place });
        // The last of this job is history, if it has one.
        self.known.retain(|known| known.job != job);
        self.known.push(Known {
            job,
            pid: result.unwrap_or_default(),
            alive: result.is_ok(),
            name,
            leads: matches!(place, Place::Foreground | Place::Session),
        });
        match result {
            Ok(_) => Event::Started(job),
            Err(errno) => Event::Refused(job, errno),
        }
    }

    fn command_of(&mut self, job: Job) -> Option<(Vec<OsString>, Place)> {
        let words = |words: &[&str]| words.iter().map(OsString::from).collect();
        Some(match job {
            Job::Workaround => (
                words(&[WORKAROUND, "ensure", "--merge-runtime"]),
                Place::OursQuiet,
            ),
            Job::InsecureKey => (words(&[INSECURE_KEY]), Place::Ours),
            Job::Runsvdir => (words(&[RUNSVDIR, "-P", SERVICES]), Place::Session),
            Job::Main => (self.command.clone(), Place::Foreground),
            Job::Startup | Job::PreHook | Job::PostHook => {
                (vec![self.next_of(job)?.into_os_string()], Place::Ours)
            }
        })
    }

    /// The next file of a list, which is read when its turn comes, and once.
    fn next_of(&mut self, job: Job) -> Option<PathBuf> {
        if !self.lists.iter().any(|(of, _)| *of == job) {
            let (folder, behind) = match job {
                Job::Startup => (
                    self.settings.startup_folder.clone(),
                    Some(Path::new(RC_LOCAL)),
                ),
                Job::PreHook => (PRE_HOOKS.into(), None),
                _ => (POST_HOOKS.into(), None),
            };
            let (mut files, warning) = self.kernel.runnable_in(&folder);
            self.warn(warning.into_iter().collect());
            files.extend(behind.map(PathBuf::from));
            self.lists.push((job, files.into()));
        }
        let (_, files) = self.lists.iter_mut().find(|(of, _)| *of == job)?;
        while let Some(file) = files.pop_front() {
            // An earlier one may have made or removed it.
            if self.kernel.is_runnable(&file) {
                return Some(file);
            }
        }
        None
    }
}

/// Whom a line is about.
fn line_job(line: super::machine::Line) -> Option<Job> {
    use super::machine::Line;
    match line {
        Line::Ended(job, _)
        | Line::Failed(job, _)
        | Line::Missed(job, _)
        | Line::CannotRun(job, _)
        | Line::Continuing(job, _)
        | Line::ShuttingDown(job)
        | Line::NotInTime(job) => Some(job),
        Line::RunitStarted => Some(Job::Runsvdir),
        Line::Aborting | Line::Aborted | Line::KillingAll | Line::NotAllInTime => None,
    }
}
