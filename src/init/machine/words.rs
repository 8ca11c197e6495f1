//! What the machine hears and says.

use crate::init::signal::{Ending, Signal};

/// A process that we start and wait for. Of the lists (startup files, hooks) it is the one whose
/// turn it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Job {
    /// `workaround-docker-2267 ensure`.
    Workaround,
    /// `enable_insecure_key`.
    InsecureKey,
    /// A file of `/etc/my_init.d`, then `/etc/rc.local`.
    Startup,
    /// The service daemon.
    Runsvdir,
    /// The main command.
    Main,
    /// A file of `/etc/my_init.pre_shutdown.d`.
    PreHook,
    /// A file of `/etc/my_init.post_shutdown.d`.
    PostHook,
}

/// Something that happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Event {
    /// The first of all.
    Begin,
    /// Answer to [`Action::Start`]: it runs.
    Started(Job),
    /// Answer to [`Action::Start`]: it could not be run, for the `errno` given.
    Refused(Job, i32),
    /// Answer to [`Action::Start`]: the list is through, or there is no such program.
    Nothing(Job),
    /// It has ended and has been reaped.
    Ended(Job, Ending),
    /// It was stopped by a signal.
    Stopped(Job, Signal),
    /// We got a signal.
    Signal(Signal),
    /// The time set by [`Action::Arm`] is up.
    Deadline,
    /// Every service is down.
    ServicesDown,
    /// Every supervisor of a service has ended.
    SupervisorsGone,
    /// Some process has ended, and others are left.
    SomeLeft,
    /// No process is left that is ours to end.
    NoneLeft,
}

/// How long something may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Limit {
    /// The workaround's look at its state.
    Workaround,
    /// `KILL_PROCESS_TIMEOUT`.
    Grace,
    /// Half of it: for the signal that asked, before SIGTERM follows.
    FirstHalf,
    /// The rest of it.
    SecondHalf,
    /// A shutdown hook.
    Hook,
    /// `KILL_ALL_PROCESSES_TIMEOUT`.
    Leftovers,
    /// What the kernel may need to end a process after SIGKILL.
    AfterKill,
}

/// Something to do. The driver does it and decides nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Action {
    /// Import the environment and export it.
    ImportEnvironment,
    /// Take the environment over as the last startup file left it.
    ReloadEnvironment,
    /// Announce it and start it; for a list, the next of it. Answered at once.
    Start(Job),
    /// Send it a signal.
    Signal(Job, Signal),
    /// Let it go on, with its process group.
    Continue(Job),
    /// Set the time after which [`Event::Deadline`] comes; there is one such time.
    Arm(Limit),
    /// Forget that time.
    Disarm,
    /// Give the terminal to the main command, if it is ours to give.
    GiveTerminal,
    /// Take the terminal back, if we gave it away.
    TakeTerminal,
    /// Stop ourselves, as the shell that started us expects of a stopped job.
    Suspend,
    /// Tell every supervisor to take its service down with SIGTERM, and watch.
    StopServices,
    /// Tell those whose service is up to send it SIGKILL.
    KillServices,
    /// Tell every supervisor to end, once its log has been written, and watch.
    StopSupervisors,
    /// SIGKILL to the logs and supervisors that are left.
    KillSupervisors,
    /// The signal to everything that is ours to end and has not had it yet; watch what is left.
    SignalLeft(Signal),
    /// Write a line.
    Log(Line),
    /// Exit with this status.
    Exit(u8),
}

/// A line of the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Line {
    /// The service daemon runs.
    RunitStarted,
    /// The main command or the service daemon has ended.
    Ended(Job, Ending),
    /// A startup file or a hook has failed.
    Failed(Job, Ending),
    /// Not vital, but it failed.
    Missed(Job, Ending),
    /// It could not be run, for the `errno` given.
    CannotRun(Job, i32),
    /// It was stopped, and nobody but us could ever let it go on.
    Continuing(Job, Signal),
    /// A startup file is stopped because we were asked to stop.
    Aborting,
    /// The startup or the main command was cut short.
    Aborted,
    /// It is asked to end.
    ShuttingDown(Job),
    /// It did not, and is killed.
    NotInTime(Job),
    /// Everything that is left is asked to end.
    KillingAll,
    /// Not everything did, and the rest is killed.
    NotAllInTime,
}
