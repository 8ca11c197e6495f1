//! The stages of the end, in their order. Each has a bound, and each comes whatever the one
//! before it did.

use super::{Action, Asked, Event, Job, Limit, Line, Patience, Stage, Turn};
use crate::init::signal::Signal;

impl Turn {
    /// The main command is gone, or there was none.
    pub(super) fn shut_down(&mut self) {
        if self.state.hooks_due {
            self.next_hook(Job::PreHook);
        } else {
            self.end_leftovers();
        }
    }

    /// Notes that we were asked to stop; true if this cuts short what is being waited for, as
    /// every SIGTERM or SIGINT but the first does.
    pub(super) fn is_asked_again(&mut self, signal: Signal) -> bool {
        match self.state.asked {
            Asked::No if self.state.plan.is_asked_by(signal) => {
                self.state.asked = Asked::Once;
                false
            }
            Asked::No => false,
            Asked::Once | Asked::Again => {
                let again = matches!(signal, Signal::TERM | Signal::INT);
                if again {
                    self.state.asked = Asked::Again;
                }
                again
            }
        }
    }

    /// Whether the time of the stage is up.
    fn is_cut(&mut self, event: Event) -> bool {
        match event {
            Event::Deadline => true,
            Event::Signal(signal) => self.is_asked_again(signal),
            _ => false,
        }
    }

    fn next_hook(&mut self, job: Job) {
        self.state.stage = Stage::Hooks(job, Patience::Waiting);
        self.act(Action::Start(job));
        self.act(Action::Arm(Limit::Hook));
    }

    pub(super) fn hooks(&mut self, job: Job, patience: Patience, event: Event) {
        match event {
            Event::Nothing(nothing) if nothing == job => {
                if job == Job::PreHook {
                    self.stop_services();
                } else {
                    self.end_leftovers();
                }
            }
            Event::Ended(ended, ending) if ended == job => {
                if !ending.is_success() {
                    self.log(Line::Failed(job, ending));
                    self.hook_failed();
                }
                self.next_hook(job);
            }
            Event::Refused(refused, errno) if refused == job => {
                self.log(Line::CannotRun(job, errno));
                self.hook_failed();
                self.next_hook(job);
            }
            Event::Stopped(stopped, signal) if stopped == job => match patience {
                Patience::Waiting => self.stopped(job, signal),
                _ => self.act(Action::Continue(job)),
            },
            Event::Deadline if patience == Patience::Waiting => {
                self.log(Line::ShuttingDown(job));
                self.terminate(job);
                self.act(Action::Arm(Limit::Grace));
                self.state.stage = Stage::Hooks(job, Patience::Termed);
            }
            Event::Deadline if patience == Patience::Killed => {
                self.hook_failed();
                self.next_hook(job);
            }
            _ if self.is_cut(event) && patience != Patience::Killed => {
                self.kill(job);
                self.state.stage = Stage::Hooks(job, Patience::Killed);
            }
            _ => {}
        }
    }

    fn hook_failed(&mut self) {
        if self.state.exit == 0 {
            self.state.exit = 1;
        }
    }

    fn stop_services(&mut self) {
        self.state.stage = Stage::Services(Patience::Termed);
        self.act(Action::Arm(Limit::Grace));
        self.act(Action::StopServices);
    }

    pub(super) fn services(&mut self, patience: Patience, event: Event) {
        match event {
            Event::ServicesDown => self.stop_runit(),
            Event::Deadline if patience == Patience::Killed => self.stop_runit(),
            _ if self.is_cut(event) && patience != Patience::Killed => {
                self.state.services_killed = true;
                self.state.stage = Stage::Services(Patience::Killed);
                self.act(Action::Arm(Limit::AfterKill));
                self.act(Action::KillServices);
            }
            _ => {}
        }
    }

    fn stop_runit(&mut self) {
        if self.state.runsvdir_alive {
            self.state.stage = Stage::Runit(Patience::Termed);
            self.log(Line::ShuttingDown(Job::Runsvdir));
            self.terminate(Job::Runsvdir);
            self.act(Action::Arm(Limit::Grace));
        } else {
            self.stop_supervisors();
        }
    }

    pub(super) fn runit(&mut self, patience: Patience, event: Event) {
        match event {
            Event::Ended(Job::Runsvdir, _) => self.stop_supervisors(),
            Event::Deadline if patience == Patience::Killed => self.stop_supervisors(),
            _ if self.is_cut(event) && patience != Patience::Killed => {
                self.kill(Job::Runsvdir);
                self.state.stage = Stage::Runit(Patience::Killed);
            }
            _ => {}
        }
    }

    /// Only now, as runsvdir would start them again.
    fn stop_supervisors(&mut self) {
        self.state.stage = Stage::Supervisors(Patience::Termed);
        // Logs get the time that their services left over.
        self.act(Action::Arm(if self.state.services_killed {
            Limit::AfterKill
        } else {
            Limit::Grace
        }));
        self.act(Action::StopSupervisors);
    }

    pub(super) fn supervisors(&mut self, patience: Patience, event: Event) {
        match event {
            Event::SupervisorsGone => self.next_hook(Job::PostHook),
            Event::Deadline if patience == Patience::Killed => self.next_hook(Job::PostHook),
            _ if self.is_cut(event) && patience != Patience::Killed => {
                self.state.stage = Stage::Supervisors(Patience::Killed);
                self.act(Action::Arm(Limit::AfterKill));
                self.act(Action::KillSupervisors);
            }
            _ => {}
        }
    }

    fn end_leftovers(&mut self) {
        if self.state.aborted {
            self.log(Line::Aborted);
        }
        if !self.state.plan.kill_all {
            self.done();
            return;
        }
        self.state.stage = Stage::Leftovers(Patience::Termed);
        self.log(Line::KillingAll);
        self.act(Action::Arm(Limit::Leftovers));
        self.act(Action::SignalLeft(Signal::TERM));
    }

    pub(super) fn leftovers(&mut self, patience: Patience, event: Event) {
        match event {
            Event::NoneLeft => self.done(),
            Event::SomeLeft if patience == Patience::Killed => {
                self.act(Action::SignalLeft(Signal::KILL));
            }
            // Those whose parent has just ended are in reach only now. PID 1 has reached everyone.
            Event::SomeLeft if !self.state.plan.pid_one => {
                self.act(Action::SignalLeft(Signal::TERM));
            }
            Event::Deadline if patience == Patience::Killed => self.done(),
            _ if self.is_cut(event) && patience != Patience::Killed => {
                self.log(Line::NotAllInTime);
                self.state.stage = Stage::Leftovers(Patience::Killed);
                self.act(Action::Arm(Limit::AfterKill));
                self.act(Action::SignalLeft(Signal::KILL));
            }
            _ => {}
        }
    }

    fn done(&mut self) {
        self.state.stage = Stage::Done;
        self.act(Action::Disarm);
        self.act(Action::Exit(self.state.exit));
    }
}
