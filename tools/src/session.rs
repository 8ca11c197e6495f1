//! One run that changes the system: alone, and with a journal.

use std::fs;
use std::io;
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Error, Result};
use sys::staged::{Staged, remove_leftovers};

use crate::apply::Done;
use crate::failure::refused;
use crate::hosts_file::{self, explain};
use crate::journal::{Change, Journal, Mechanism, Stage, Text};
use crate::mechanism::patch;
use crate::plan;
use crate::proof;
use crate::revert;
use crate::root::{Root, STATE};
use crate::staging;

/// How long one run waits for another.
const PATIENCE: Duration = Duration::from_secs(60);

/// Held while the system is changed.
pub(crate) struct Session<'r> {
    pub(crate) root: &'r Root,
    pub(crate) done: Done,
    pub(crate) journal: Option<Journal>,
    _lock: sys::file::Lock,
}

impl<'r> Session<'r> {
    pub(crate) fn open(root: &'r Root) -> Result<Self> {
        if sys::user::effective_uid() != 0 {
            return Err(refused("cannot change the system: run as root"));
        }
        let state = root.resolve(STATE)?;
        hosts_file::make_folder(&state)?;
        let lock = sys::file::lock_folder(&state, PATIENCE)
            .with_context(|| format!("cannot lock {}; is another run stuck?", state.display()))?;
        Ok(Self {
            root,
            journal: Journal::load(root)?,
            done: Done::default(),
            _lock: lock,
        })
    }

    /// What was chosen before and is to be kept.
    pub(crate) fn mechanism(&self) -> Option<Mechanism> {
        self.journal.as_ref().map(|journal| journal.mechanism)
    }

    pub(crate) fn step(&mut self, text: impl Into<String>) {
        self.done.steps.push(text.into());
    }

    /// Makes sure of a state to go on from, whatever instant another run was killed at.
    pub(crate) fn recover(&mut self) -> Result<()> {
        staging::remove_leftovers(self.root)?;
        self.remove_leftovers(&format!("{STATE}/journal"))?;
        proof::remove_canary(self.root)?;
        let Some(journal) = self.journal.clone() else {
            return Ok(());
        };
        match journal.stage {
            Stage::Applied => {}
            // Small files go back to what they were: one that is bind-mounted may be half written.
            // A library is whole either way, and stays.
            Stage::Pending => {
                for change in &journal.changes {
                    self.remove_leftovers(change.path())?;
                    if let Change::Text(text) = change {
                        self.restore(text)?;
                    }
                }
                self.step("went on from an interrupted run");
            }
            Stage::Reverting => {
                for change in &journal.changes {
                    self.remove_leftovers(change.path())?;
                }
                self.finish_reverting()?;
                self.step("finished an interrupted revert");
            }
        }
        Ok(())
    }

    fn remove_leftovers(&self, path: &str) -> Result<()> {
        let real = if path == patch::LINK {
            patch::link_path(self.root)
        } else {
            self.root.resolve(path)?
        };
        remove_leftovers(&real)
            .map_err(|error| explain(&error, "cannot remove what was left beside", &real))?;
        Ok(())
    }

    pub(crate) fn record(&mut self, journal: Journal) -> Result<()> {
        journal.save(self.root)?;
        self.journal = Some(journal);
        Ok(())
    }

    pub(crate) fn record_again(&mut self, journal: Option<Journal>) -> Result<()> {
        match journal {
            Some(journal) if self.journal.as_ref() != Some(&journal) => self.record(journal),
            Some(_) => Ok(()),
            None => self.forget(),
        }
    }

    /// Deletes the journal.
    pub(crate) fn forget(&mut self) -> Result<()> {
        Journal::delete(self.root)?;
        self.journal = None;
        Ok(())
    }

    pub(crate) fn write(&mut self, path: &str, bytes: Option<&[u8]>) -> Result<()> {
        let real = self.root.resolve(path)?;
        let Some(bytes) = bytes else {
            return sys::file::remove(&real).map_err(|e| explain(&e, "cannot remove", &real));
        };
        let how = sys::file::replace(&real, bytes, 0o644)
            .map_err(|error| explain(&error, "cannot write", &real))?;
        if how == sys::file::Replaced::InPlace {
            self.step(format!(
                "{path} is bind-mounted, so it was written in place"
            ));
        }
        Ok(())
    }

    pub(crate) fn restore(&mut self, text: &Text) -> Result<()> {
        let now = read_file(&self.root.resolve(&text.path)?)?;
        if now != text.before {
            self.write(&text.path, text.before.as_deref())?;
        }
        Ok(())
    }

    /// Gives a library its own path back, and its time, if the journal has it.
    pub(crate) fn unpatch(&mut self, path: &str, modified: Option<(u64, u32)>) -> Result<()> {
        let real = self.root.resolve(path)?;
        let image = fs::read(&real).map_err(|error| explain(&error, "cannot read", &real))?;
        let found = plan::examine(&image);
        let Ok(plan::Reads::Workaround(at)) = found.map(|found| found.reads) else {
            return Ok(()); // An upgrade has replaced it.
        };
        let original = plan::with_path(&image, at, plan::OLD).map_err(Error::msg)?;
        let staged = Staged::new(&real, &original, 0o644)
            .map_err(|error| explain(&error, "cannot write beside", &real))?;
        if let Some(time) = modified.and_then(system_time) {
            staged
                .set_modified(time)
                .map_err(|error| explain(&error, "cannot set the time of", &real))?;
        }
        staged
            .commit()
            .map_err(|error| explain_rename(&error, &real))
    }

    pub(crate) fn begin_reverting(&mut self) -> Result<()> {
        if let Some(mut journal) = self.journal.clone() {
            journal.stage = Stage::Reverting;
            self.record(journal)?;
        }
        Ok(())
    }

    pub(crate) fn finish_reverting(&mut self) -> Result<()> {
        revert::perform(self)
    }
}

pub(crate) fn explain_rename(error: &io::Error, path: &Path) -> Error {
    if error.kind() == io::ErrorKind::ResourceBusy {
        let path = path.display();
        return refused(format!(
            "cannot replace {path}: it is mounted by itself, and to write over a library crashes the programs that run on it"
        ));
    }
    explain(error, "cannot replace", path)
}

fn system_time((seconds, nanos): (u64, u32)) -> Option<SystemTime> {
    UNIX_EPOCH.checked_add(Duration::new(seconds, nanos.min(999_999_999)))
}

pub(crate) fn read_file(path: &Path) -> Result<Option<Vec<u8>>> {
    match fs::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).context(format!("cannot read {}", path.display())),
    }
}
