//! While the main command runs, or runsvdir alone.

use super::{Action, Asked, Event, Job, Limit, Line, Patience, Stage, Turn};
use crate::init::signal::{Ending, Signal};

impl Turn {
    pub(super) fn running(&mut self, event: Event) {
        let command = self.state.plan.main_command;
        match event {
            Event::Ended(Job::Main, ending) => {
                self.main_ended(ending);
                self.shut_down();
            }
            Event::Ended(Job::Runsvdir, ending) => {
                self.log(Line::Ended(Job::Runsvdir, ending));
                // A main command goes on without: it was not started for the services' sake.
                if !command {
                    self.state.exit = ending.code();
                    self.shut_down();
                }
            }
            Event::Stopped(Job::Main, signal) => {
                self.state.main_stopped = signal != Signal::TSTP;
                self.stopped(Job::Main, signal);
            }
            Event::Signal(signal) if self.state.plan.is_asked_by(signal) => {
                self.state.asked = Asked::Once;
                if command {
                    self.state.aborted = true;
                    self.stop_main(signal);
                } else {
                    self.shut_down();
                }
            }
            Event::Signal(signal) if command => self.forward(signal),
            _ => {}
        }
    }

    fn forward(&mut self, signal: Signal) {
        if signal == Signal::CONT {
            // A shell has put us into the foreground again, perhaps.
            self.act(Action::GiveTerminal);
            self.act(Action::Continue(Job::Main));
            self.state.main_stopped = false;
        } else if signal.is_forwarded() {
            self.act(Action::Signal(Job::Main, signal));
        }
    }

    /// The terminal comes back, and the status becomes ours.
    fn main_ended(&mut self, ending: Ending) {
        self.act(Action::TakeTerminal);
        self.log(Line::Ended(Job::Main, ending));
        self.state.exit = ending.code();
    }

    /// Hands the signal that asked us on. Unless it is SIGTERM, that follows after half of the
    /// grace: many programs end on SIGINT in a way of their own, which SIGTERM would cut short,
    /// and what ignores SIGINT (every background job of a shell does) has to get it all the same.
    pub(super) fn stop_main(&mut self, signal: Signal) {
        self.log(Line::ShuttingDown(Job::Main));
        self.act(Action::Signal(Job::Main, signal));
        if self.state.main_stopped {
            self.act(Action::Continue(Job::Main));
            self.state.main_stopped = false;
        }
        let (limit, patience) = if signal == Signal::TERM {
            (Limit::Grace, Patience::Termed)
        } else {
            (Limit::FirstHalf, Patience::Nudged)
        };
        self.act(Action::Arm(limit));
        self.state.stage = Stage::Main(patience);
    }

    pub(super) fn stopping_main(&mut self, patience: Patience, event: Event) {
        match event {
            Event::Ended(Job::Main, ending) => {
                self.main_ended(ending);
                self.shut_down();
            }
            Event::Stopped(Job::Main, _) => self.act(Action::Continue(Job::Main)),
            Event::Deadline => match patience {
                Patience::Nudged => {
                    self.terminate(Job::Main);
                    self.act(Action::Arm(Limit::SecondHalf));
                    self.state.stage = Stage::Main(Patience::Termed);
                }
                // Not even SIGKILL could end it, so the rest has to do without.
                Patience::Killed => {
                    self.act(Action::TakeTerminal);
                    self.state.exit = Ending::Killed(Signal::KILL).code();
                    self.shut_down();
                }
                _ => self.kill_main(),
            },
            Event::Signal(signal) => {
                if self.is_asked_again(signal) && patience != Patience::Killed {
                    self.kill_main();
                } else if !self.state.plan.is_asked_by(signal) {
                    self.forward(signal);
                }
            }
            _ => {}
        }
    }

    fn kill_main(&mut self) {
        self.kill(Job::Main);
        self.state.stage = Stage::Main(Patience::Killed);
    }
}
