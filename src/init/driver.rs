//! Does what the machine says, and tells it what happens. It decides nothing.

use std::collections::VecDeque;
use std::ffi::OsString;
use std::time::Duration;

use super::jobs::Jobs;
use super::kernel::{Command, Kernel, Reaped};
use super::log::{self, Level, Message};
use super::machine::{Action, Event, Job, Plan, State, step};
use super::settings::Settings;
use super::signal::Signal;

/// How often we look for processes that others have put into our PID namespace, as nothing tells
/// us of their end. During a shutdown only.
const LOOK: Duration = Duration::from_millis(5);

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
    jobs: Jobs,
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
            jobs: Jobs::new(command, settings.startup_folder.clone()),
            settings,
            quiet,
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
                    if let Some(job) = self.jobs.ended(pid) {
                        self.feed(Event::Ended(job, ending));
                    }
                }
                Reaped::Stopped(pid, signal) => {
                    if let Some(job) = self.jobs.alive(pid) {
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
                if let Some(pid) = self.jobs.pid(job) {
                    self.kernel.signal(pid, signal);
                }
            }
            Action::Continue(job) => self.let_go_on(job),
            Action::Arm(limit) => {
                self.deadline = Some(self.kernel.now() + self.settings.duration(limit));
            }
            Action::Disarm => self.deadline = None,
            Action::GiveTerminal => {
                if let Some(leader) = self.jobs.leader(Job::Main) {
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
                let subject = self.jobs.subject(line);
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

    fn let_go_on(&mut self, job: Job) {
        if let Some(leader) = self.jobs.leader(job) {
            self.kernel.signal_group(leader, Signal::CONT);
        } else if self.jobs.pid(job).is_some() {
            // Ctrl-Z has stopped all of our group, and so what the script has started too.
            self.kernel.signal_group(0, Signal::CONT);
        }
    }

    fn suspend(&mut self) {
        self.kernel.take_terminal();
        self.kernel.stop_self();
        if let Some(leader) = self.jobs.leader(Job::Main) {
            self.kernel.give_terminal(leader);
        }
    }

    fn start(&mut self, job: Job) -> Event {
        let Some(command) = self.command_of(job) else {
            return Event::Nothing(job);
        };
        self.say(&log::announcement(job, &command.arguments));
        if job == Job::Runsvdir {
            self.kernel.age_services();
        }
        let result = self.kernel.start(&command);
        self.jobs.started(job, command, result.ok());
        match result {
            Ok(_) => Event::Started(job),
            Err(errno) => Event::Refused(job, errno),
        }
    }

    fn command_of(&mut self, job: Job) -> Option<Command> {
        if let Some(folder) = self.jobs.unread_folder(job) {
            let (files, warning) = self.kernel.runnable_in(&folder);
            self.warn(warning.into_iter().collect());
            self.jobs.read(job, files);
        }
        let kernel = &mut self.kernel;
        self.jobs.command(job, |path| kernel.is_runnable(path))
    }
}
