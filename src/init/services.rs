//! Taking runit's services down through runsv's own interface: `supervise/control` takes commands,
//! `supervise/status` tells what became of them (runsv(8)). `sv` does the same, but looks at the
//! status every 420 ms only.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use sys::watch::Watch;
use sys::{fifo, file};

use super::kernel::Stubborn;
use super::status::Status;

/// The services below a folder, as far as they have been told to go down.
#[derive(Debug)]
pub(super) struct Services {
    folder: PathBuf,
    told: Vec<Told>,
    watch: Option<Watch>,
}

/// A service that has been told.
#[derive(Debug)]
struct Told {
    name: OsString,
    /// The supervisor's status has shown the command.
    heard: bool,
    /// And that the service has obeyed it.
    down: bool,
}

impl Services {
    /// Those below `folder`, none of which has been told.
    pub(super) fn new(folder: PathBuf) -> Self {
        Self {
            folder,
            told: Vec::new(),
            watch: None,
        }
    }

    /// Sets the folder's time back by a second if it was changed in this one, as by a startup file.
    ///
    /// runsvdir sleeps a whole second then (runsvdir.c: `if (now.sec.x <= mtime) sleep(1)`), lest it
    /// miss a change that leaves the time as it is. With the time set back, every later change
    /// shows.
    pub(super) fn age(&self) {
        let second =
            |time: SystemTime| time.duration_since(UNIX_EPOCH).map(|since| since.as_secs());
        let age = || -> io::Result<()> {
            let folder = File::open(&self.folder)?;
            let now = SystemTime::now();
            let changed = folder.metadata()?.modified()?;
            if second(changed).ok() >= second(now).ok() {
                folder.set_modified(now - Duration::from_secs(1))?;
            }
            Ok(())
        };
        // Read-only, or not there: runsvdir will do as it does.
        let _ = age();
    }

    /// What can be read when something has changed; none where the system gives us no watch.
    pub(super) fn watch(&self) -> Option<&Watch> {
        self.watch.as_ref()
    }

    /// Tells those that have not been told, such as turn up meanwhile, to go down with SIGTERM.
    /// Whether all are down; those without a supervisor count as such.
    pub(super) fn stop(&mut self) -> bool {
        if self.watch.is_none() {
            self.watch = Watch::new().ok();
            if let Some(watch) = &self.watch {
                // Without the folder there are no services.
                let _ = watch.add(&self.folder);
            }
        }
        if let Some(watch) = &self.watch {
            watch.drain();
        }
        // Those that were down are looked at again only when all seem to be: with many services
        // there are many changes.
        if !self.stop_all() {
            return false;
        }
        self.told.iter_mut().for_each(|told| told.down = false);
        self.stop_all()
    }

    fn stop_all(&mut self) -> bool {
        let mut all_down = true;
        for name in self.names() {
            if !self.told.iter().any(|told| told.name == name && told.down) {
                all_down &= self.stop_one(name);
            }
        }
        all_down
    }

    fn stop_one(&mut self, name: OsString) -> bool {
        let supervise = self.supervise(&name);
        let told = self.told.iter_mut().find(|told| told.name == name);
        if let (None, Some(watch)) = (&told, &self.watch) {
            // Before the status is read, so that no change is missed.
            let _ = watch.add(&supervise);
        }
        let control = supervise.join("control");
        // No supervisor reads it: it has not begun, or it has ended and the status is of the past.
        if fifo::write(&control, b"").is_err() {
            return true;
        }
        let status = status(&supervise);
        let down = status.is_some_and(Status::is_down);
        let is_heard = status.is_some_and(|status| status.wanted_down);
        let Some(told) = told else {
            if !down {
                let _ = fifo::write(&control, b"d");
            }
            self.told.push(Told {
                name,
                heard: down,
                down,
            });
            return down;
        };
        if told.heard && !is_heard {
            // Somebody has put it up since. Each time is a SIGTERM for the service, so not twice.
            let _ = fifo::write(&control, b"d");
        }
        told.heard = is_heard;
        told.down = down;
        down
    }

    /// Kills those that are not down.
    pub(super) fn kill(&mut self) -> Vec<Stubborn> {
        let mut killed = Vec::new();
        for name in self.names() {
            let supervise = self.supervise(&name);
            let Some(status) = status(&supervise).filter(|status| !status.is_down()) else {
                continue;
            };
            if fifo::write(&supervise.join("control"), b"k").is_ok() && status.pid != 0 {
                let pid = status.pid;
                killed.push(Stubborn { name, pid });
            }
        }
        killed
    }

    /// Kills the logs. Their supervisors do not wait for them any longer then.
    pub(super) fn kill_logs(&self) {
        for name in self.names() {
            let control = self.folder.join(name).join("log/supervise/control");
            // Most have none.
            let _ = fifo::write(&control, b"k");
        }
    }

    fn supervise(&self, name: &OsString) -> PathBuf {
        self.folder.join(name).join("supervise")
    }

    /// What runsvdir takes for a service: every folder whose name does not begin with a dot.
    fn names(&self) -> Vec<OsString> {
        names_in(&self.folder).unwrap_or_default()
    }
}

/// The services below `folder`, in byte order.
pub(super) fn names_in(folder: &Path) -> io::Result<Vec<OsString>> {
    let mut names: Vec<OsString> = fs::read_dir(folder)?
        .flatten()
        .filter(|entry| entry.path().is_dir())
        .map(|entry| entry.file_name())
        .filter(|name| name.as_bytes().first() != Some(&b'.'))
        .collect();
    names.sort();
    Ok(names)
}

fn status(supervise: &Path) -> Option<Status> {
    let bytes = file::read_regular(&supervise.join("status"), 64).ok()?;
    Status::parse(&bytes)
}
