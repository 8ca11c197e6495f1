//! From the first event to the main command.

use super::{Action, Asked, Event, Job, Limit, Line, Patience, Stage, Turn, code_of_refusal};
use crate::init::signal::{Signal, code_of};

impl Turn {
    /// Starts `job` of the boot, or the first one behind it that is wanted.
    pub(super) fn boot(&mut self, job: Job) {
        let plan = self.state.plan;
        match job {
            Job::Workaround if plan.workaround => {
                self.boot_job(job);
                self.act(Action::Arm(Limit::Workaround));
            }
            Job::InsecureKey if plan.insecure_key => self.boot_job(job),
            Job::Startup if plan.startup_files => self.boot_job(job),
            Job::Workaround => self.boot(Job::InsecureKey),
            Job::InsecureKey => self.boot(Job::Startup),
            _ => self.launch(Job::Runsvdir),
        }
    }

    fn boot_job(&mut self, job: Job) {
        self.state.stage = Stage::Boot(job, Patience::Waiting);
        self.act(Action::Start(job));
    }

    pub(super) fn booting(&mut self, job: Job, patience: Patience, event: Event) {
        match event {
            Event::Started(started) if started == job => {
                // From now on there may be something that the hooks have to end.
                self.state.hooks_due |= job == Job::Startup && self.state.plan.runit;
                // Only where the answer comes late, and the signal was faster.
                if patience == Patience::Termed {
                    self.terminate(job);
                }
            }
            Event::Nothing(nothing) if nothing == job => self.boot_after(job, false),
            Event::Ended(ended, ending) if ended == job => {
                if self.state.asked != Asked::No || ending.is_success() {
                    if job == Job::Startup && ending.is_success() {
                        self.act(Action::ReloadEnvironment);
                    }
                    self.boot_after(job, true);
                } else if job == Job::Workaround {
                    self.log(Line::Missed(job, ending));
                    self.boot_after(job, false);
                } else {
                    self.log(Line::Failed(job, ending));
                    self.boot_failed();
                }
            }
            Event::Refused(refused, errno) if refused == job => {
                self.log(Line::CannotRun(job, errno));
                if self.state.asked != Asked::No || job == Job::Workaround {
                    self.boot_after(job, false);
                } else {
                    self.boot_failed();
                }
            }
            Event::Stopped(stopped, signal) if stopped == job => self.stopped(job, signal),
            Event::Deadline if patience == Patience::Killed => self.boot_after(job, false),
            Event::Deadline => self.kill_boot_job(job),
            Event::Signal(signal) => self.asked_in_boot(job, patience, signal),
            _ => {}
        }
    }

    fn asked_in_boot(&mut self, job: Job, patience: Patience, signal: Signal) {
        match self.state.asked {
            Asked::No if self.state.plan.is_asked_by(signal) => {
                self.abort_boot(signal);
                // Killed already means the workaround, whose time was up: nothing to add.
                if patience != Patience::Killed {
                    self.log(Line::Aborting);
                    self.log(Line::ShuttingDown(job));
                    self.terminate(job);
                    self.act(Action::Arm(Limit::Grace));
                    self.state.stage = Stage::Boot(job, Patience::Termed);
                }
            }
            Asked::Once if matches!(signal, Signal::TERM | Signal::INT) => {
                self.state.asked = Asked::Again;
                if patience != Patience::Killed {
                    self.kill_boot_job(job);
                }
            }
            _ => {}
        }
    }

    fn abort_boot(&mut self, signal: Signal) {
        self.state.asked = Asked::Once;
        self.state.aborted = true;
        self.state.exit = code_of(signal);
    }

    fn kill_boot_job(&mut self, job: Job) {
        self.kill(job);
        self.state.stage = Stage::Boot(job, Patience::Killed);
    }

    /// `job` is over; what comes next depends on whether we were asked to stop, and on whether the
    /// list that it was of may hold more (`again`).
    fn boot_after(&mut self, job: Job, again: bool) {
        self.act(Action::Disarm);
        match job {
            _ if self.state.asked != Asked::No => self.shut_down(),
            Job::Workaround => self.boot(Job::InsecureKey),
            Job::InsecureKey => self.boot(Job::Startup),
            _ if again => self.boot(Job::Startup),
            _ => self.launch(Job::Runsvdir),
        }
    }

    fn boot_failed(&mut self) {
        self.state.exit = 1;
        self.shut_down();
    }

    /// Starts runsvdir, or the main command where it is not wanted.
    pub(super) fn launch(&mut self, job: Job) {
        let plan = self.state.plan;
        match job {
            Job::Runsvdir if plan.runit => {
                self.state.hooks_due = true;
                self.state.stage = Stage::Launch(job);
                self.act(Action::Start(job));
            }
            Job::Runsvdir => self.launch(Job::Main),
            _ if plan.main_command => {
                self.state.stage = Stage::Launch(Job::Main);
                self.act(Action::Start(Job::Main));
            }
            _ => self.state.stage = Stage::Running,
        }
    }

    pub(super) fn launching(&mut self, job: Job, event: Event) {
        let asked = self.state.asked != Asked::No;
        match event {
            Event::Started(Job::Runsvdir) if job == Job::Runsvdir => {
                self.log(Line::RunitStarted);
                if asked {
                    self.shut_down();
                } else {
                    self.launch(Job::Main);
                }
            }
            Event::Started(Job::Main) if job == Job::Main => {
                self.state.stage = Stage::Running;
                if asked {
                    self.stop_main(Signal::TERM);
                }
            }
            Event::Refused(refused, errno) if refused == job => {
                self.log(Line::CannotRun(job, errno));
                if asked {
                    self.shut_down();
                } else if job == Job::Runsvdir && self.state.plan.main_command {
                    // As a daemon that ended: the main command does not depend on it.
                    self.launch(Job::Main);
                } else {
                    self.state.exit = code_of_refusal(errno);
                    self.shut_down();
                }
            }
            // Only where the answer comes late, and the signal was faster.
            Event::Signal(signal) if !asked && self.state.plan.is_asked_by(signal) => {
                self.abort_boot(signal);
            }
            _ => {}
        }
    }
}
