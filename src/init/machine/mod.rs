//! The life of PID 1 as a function of values to values.
//!
//! [`step`] is total: every event is legal in every state. It knows no system call, no clock and
//! no path; the driver performs its actions, and feeds it what happens. So a container's whole
//! life is a table, and `explore` walks all of it.
//!
//! | file | is |
//! |---|---|
//! | `words` | events, actions |
//! | `boot` | up to the main command |
//! | `running` | while it runs, or runsvdir alone does |
//! | `shutdown` | the stages of the end, each bounded |

mod boot;
#[cfg(test)]
mod explore;
mod running;
mod shutdown;
#[cfg(test)]
mod tables;
mod words;

pub(crate) use words::{Action, Event, Job, Limit, Line};

use super::signal::Signal;

/// What was asked for on the command line, and where we are. It never changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is an option of its own; all combinations are legal but runit and main_command both off"
)]
pub(crate) struct Plan {
    /// The workaround is installed and in force.
    pub(crate) workaround: bool,
    /// `--enable-insecure-key`
    pub(crate) insecure_key: bool,
    /// Not `--skip-startup-files`
    pub(crate) startup_files: bool,
    /// Not `--skip-runit`
    pub(crate) runit: bool,
    /// There is a main command.
    pub(crate) main_command: bool,
    /// Not `--no-kill-all-on-exit`
    pub(crate) kill_all: bool,
    /// We are PID 1 of a PID namespace: what is in it is ours.
    pub(crate) pid_one: bool,
}

impl Plan {
    /// Whether this signal asks us to stop.
    fn is_asked_by(self, signal: Signal) -> bool {
        matches!(signal, Signal::TERM | Signal::INT | Signal::HALT)
            || (signal == Signal::QUIT && !self.main_command)
    }
}

/// How far a process, or a group of them, has been pushed to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Patience {
    /// It runs, and may do so.
    Waiting,
    /// It has the signal that asked us to stop.
    Nudged,
    /// It has SIGTERM.
    Termed,
    /// It has SIGKILL.
    Killed,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Stage {
    Fresh,
    /// The workaround, the key or a startup file.
    Boot(Job, Patience),
    /// runsvdir or the main command is being started.
    Launch(Job),
    Running,
    Main(Patience),
    /// The hooks before and after the services.
    Hooks(Job, Patience),
    Services(Patience),
    Runit(Patience),
    Supervisors(Patience),
    Leftovers(Patience),
    Done,
}

/// How often we were asked to stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Asked {
    No,
    Once,
    Again,
}

/// Where a run has got.
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a fact of its own; what excludes one another is in `stage`"
)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct State {
    plan: Plan,
    stage: Stage,
    asked: Asked,
    runsvdir_alive: bool,
    main_stopped: bool,
    /// The hooks and services have their turn in the shutdown.
    hooks_due: bool,
    /// The services had to be killed: their time is used up.
    services_killed: bool,
    /// The startup or the main command was cut short.
    aborted: bool,
    exit: u8,
}

impl State {
    /// Before anything has happened.
    #[must_use]
    pub(crate) fn new(plan: Plan) -> Self {
        Self {
            plan,
            stage: Stage::Fresh,
            asked: Asked::No,
            runsvdir_alive: false,
            main_stopped: false,
            hooks_due: false,
            services_killed: false,
            aborted: false,
            exit: 0,
        }
    }

    /// Whether nothing more will be done.
    #[cfg(test)]
    #[must_use]
    pub(crate) fn is_done(&self) -> bool {
        self.stage == Stage::Done
    }
}

/// What `event` makes of `state`, and what is to be done.
#[must_use]
pub(crate) fn step(state: State, event: Event) -> (State, Vec<Action>) {
    let mut turn = Turn {
        state,
        actions: Vec::new(),
    };
    turn.take(event);
    (turn.state, turn.actions)
}

/// A step under way.
struct Turn {
    state: State,
    actions: Vec<Action>,
}

impl Turn {
    fn take(&mut self, event: Event) {
        match event {
            Event::Started(Job::Runsvdir) => self.state.runsvdir_alive = true,
            Event::Ended(Job::Runsvdir, _) => self.state.runsvdir_alive = false,
            _ => {}
        }
        match self.state.stage {
            Stage::Fresh => {
                if event == Event::Begin {
                    self.act(Action::ImportEnvironment);
                    self.boot(Job::Workaround);
                }
            }
            Stage::Boot(job, patience) => self.booting(job, patience, event),
            Stage::Launch(job) => self.launching(job, event),
            Stage::Running => self.running(event),
            Stage::Main(patience) => self.stopping_main(patience, event),
            Stage::Hooks(job, patience) => self.hooks(job, patience, event),
            Stage::Services(patience) => self.services(patience, event),
            Stage::Runit(patience) => self.runit(patience, event),
            Stage::Supervisors(patience) => self.supervisors(patience, event),
            Stage::Leftovers(patience) => self.leftovers(patience, event),
            Stage::Done => {}
        }
    }

    fn act(&mut self, action: Action) {
        self.actions.push(action);
    }

    fn log(&mut self, line: Line) {
        self.act(Action::Log(line));
    }

    /// SIGTERM, and SIGCONT behind it: a stopped process would never see the first.
    fn terminate(&mut self, job: Job) {
        self.act(Action::Signal(job, Signal::TERM));
        self.act(Action::Continue(job));
    }

    /// SIGKILL, and a bound for what comes after.
    fn kill(&mut self, job: Job) {
        self.log(Line::NotInTime(job));
        self.act(Action::Signal(job, Signal::KILL));
        self.act(Action::Arm(Limit::AfterKill));
    }

    /// Ctrl-Z stopped `job`. Where a shell waits behind us, it gets its turn. Where none does
    /// (PID 1 cannot be stopped, and has nobody who would continue it), the job goes on at once:
    /// it would stay stopped for good.
    fn stopped(&mut self, job: Job, signal: Signal) {
        if signal != Signal::TSTP {
            return;
        }
        if self.state.plan.pid_one {
            self.log(Line::Continuing(job, signal));
        } else {
            self.act(Action::Suspend);
        }
        self.act(Action::Continue(job));
    }
}

/// The exit status for a program that could not be run, as shells have it.
fn code_of_refusal(errno: i32) -> u8 {
    const ENOENT: i32 = 2;
    const ENOTDIR: i32 = 20;
    if errno == ENOENT || errno == ENOTDIR {
        127
    } else {
        126
    }
}
