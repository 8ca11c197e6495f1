//! Which process is which job, and what each job runs.

use std::collections::VecDeque;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use super::kernel::{Command, Place};
use super::log::Subject;
use super::machine::{Job, Line};

pub(super) const RC_LOCAL: &str = "/etc/rc.local";
pub(super) const PRE_HOOKS: &str = "/etc/my_init.pre_shutdown.d";
pub(super) const POST_HOOKS: &str = "/etc/my_init.post_shutdown.d";
pub(super) const INSECURE_KEY: &str = "/usr/sbin/enable_insecure_key";
pub(super) const WORKAROUND: &str = "/usr/bin/workaround-docker-2267";
pub(super) const RUNSVDIR: &str = "/usr/bin/runsvdir";
pub(super) const SERVICES: &str = "/etc/service";

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

/// The jobs of a run.
#[derive(Debug)]
pub(super) struct Jobs {
    /// The main command.
    command: Vec<OsString>,
    startup_folder: PathBuf,
    known: Vec<Known>,
    /// What is left of the lists that have been read.
    lists: Vec<(Job, VecDeque<PathBuf>)>,
}

impl Jobs {
    /// None of them has begun.
    pub(super) fn new(command: Vec<OsString>, startup_folder: PathBuf) -> Self {
        Self {
            command,
            startup_folder,
            known: Vec::new(),
            lists: Vec::new(),
        }
    }

    /// The job of the process `pid`, if it is one.
    pub(super) fn alive(&self, pid: i32) -> Option<Job> {
        let known = self
            .known
            .iter()
            .find(|known| known.alive && known.pid == pid);
        known.map(|known| known.job)
    }

    /// The same for one that has just been reaped: from now on its PID may be anybody's.
    pub(super) fn ended(&mut self, pid: i32) -> Option<Job> {
        let mut known = self.known.iter_mut();
        let known = known.find(|known| known.alive && known.pid == pid)?;
        known.alive = false;
        Some(known.job)
    }

    /// Notes that `job` runs `command` now, as `pid` if it could be run.
    pub(super) fn started(&mut self, job: Job, command: Command, pid: Option<i32>) {
        // The last of this job is history, if it has one.
        self.known.retain(|known| known.job != job);
        self.known.push(Known {
            job,
            pid: pid.unwrap_or_default(),
            alive: pid.is_some(),
            name: command.arguments.into_iter().next().unwrap_or_default(),
            leads: matches!(command.place, Place::Foreground | Place::Session),
        });
    }

    fn known(&self, job: Job) -> Option<&Known> {
        self.known.iter().find(|known| known.job == job)
    }

    /// The PID of `job`, while it is alive.
    pub(super) fn pid(&self, job: Job) -> Option<i32> {
        let known = self.known(job).filter(|known| known.alive);
        known.map(|known| known.pid)
    }

    /// The same, if it leads a process group of its own.
    pub(super) fn leader(&self, job: Job) -> Option<i32> {
        let known = self.known(job).filter(|known| known.leads);
        known.and_then(|known| self.pid(known.job))
    }

    /// Whom `line` is about.
    pub(super) fn subject(&self, line: Line) -> Subject<'_> {
        let nobody = Subject {
            name: OsStr::new(""),
            pid: 0,
        };
        let job = match line {
            Line::Ended(job, _)
            | Line::Failed(job, _)
            | Line::Missed(job, _)
            | Line::CannotRun(job, _)
            | Line::Continuing(job, _)
            | Line::ShuttingDown(job)
            | Line::NotInTime(job) => job,
            Line::RunitStarted => Job::Runsvdir,
            Line::Aborting | Line::Aborted | Line::KillingAll | Line::NotAllInTime => {
                return nobody;
            }
        };
        self.known(job).map_or(nobody, |known| Subject {
            name: &known.name,
            pid: known.pid,
        })
    }

    /// The folder whose files `job` runs, if they have not been read: that is done when their turn
    /// comes, and once.
    pub(super) fn unread_folder(&self, job: Job) -> Option<PathBuf> {
        let folder = match job {
            Job::Startup => self.startup_folder.clone(),
            Job::PreHook => PRE_HOOKS.into(),
            Job::PostHook => POST_HOOKS.into(),
            _ => return None,
        };
        (!self.lists.iter().any(|(of, _)| *of == job)).then_some(folder)
    }

    /// Takes the files of that folder.
    pub(super) fn read(&mut self, job: Job, mut files: Vec<PathBuf>) {
        if job == Job::Startup {
            files.push(RC_LOCAL.into());
        }
        self.lists.push((job, files.into()));
    }

    /// What to run for `job`: of a list, the next file that `is_runnable`, as an earlier one may
    /// have made or removed it.
    pub(super) fn command(
        &mut self,
        job: Job,
        mut is_runnable: impl FnMut(&Path) -> bool,
    ) -> Option<Command> {
        let words = |words: &[&str]| words.iter().map(OsString::from).collect();
        let (arguments, place) = match job {
            Job::Workaround => (
                words(&[WORKAROUND, "ensure", "--merge-runtime"]),
                Place::OursQuiet,
            ),
            Job::InsecureKey => (words(&[INSECURE_KEY]), Place::Ours),
            Job::Runsvdir => (words(&[RUNSVDIR, "-P", SERVICES]), Place::Session),
            Job::Main => (self.command.clone(), Place::Foreground),
            Job::Startup | Job::PreHook | Job::PostHook => {
                let (_, files) = self.lists.iter_mut().find(|(of, _)| *of == job)?;
                let mut rest = std::iter::from_fn(|| files.pop_front());
                let file = rest.find(|file| is_runnable(file))?;
                (vec![file.into_os_string()], Place::Ours)
            }
        };
        Some(Command { arguments, place })
    }
}
