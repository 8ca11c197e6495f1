//! One run that changes the system: alone, with a journal, and all or nothing.

use std::fs;
use std::io;
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Error, Result};
use sys::staged::{Kept, Staged, remove_leftovers};

use crate::apply::Done;
use crate::failure::{Ending, NssCannotServe, ending_of, refused};
use crate::hosts_file::{self, explain};
use crate::journal::{Change, Journal, Library, Mechanism, Stage, Text};
use crate::mechanism::{Plan, patch};
use crate::nsswitch;
use crate::plan;
use crate::proof;
use crate::revert;
use crate::root::{NSSWITCH, Root, STATE};
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

    /// Puts what is planned in force and shows it, or leaves everything as it was.
    pub(crate) fn commit(&mut self, plan: &Plan) -> Result<()> {
        let before = self.journal.clone();
        let changes = self.to_be_recorded(plan);
        let mut journal = Journal {
            mechanism: plan.mechanism,
            stage: Stage::Applied,
            changes,
        };
        if !plan.due.is_empty() {
            journal.stage = Stage::Pending;
            self.record(journal.clone())?;
        }
        let mut undo = Undo::default();
        let outcome = self.put_in_force(plan, &mut undo).and_then(|()| {
            // From here on the old inodes are let go; a failure is undone by rewriting.
            undo.kept.clear();
            journal.stage = Stage::Applied;
            if self.journal.as_ref() == Some(&journal) {
                return Ok(());
            }
            self.record(journal)
        });
        let Err(error) = outcome else {
            self.done.mechanism = Some(plan.mechanism);
            return Ok(());
        };
        undo.perform(self)
            .and_then(|()| self.record_again(before))
            .with_context(|| {
                format!("cannot undo either, so `workaround-docker-2267 ensure` is to be run when that can be, after: {error:#}")
            })?;
        Err(error)
    }

    fn record(&mut self, journal: Journal) -> Result<()> {
        journal.save(self.root)?;
        self.journal = Some(journal);
        Ok(())
    }

    fn record_again(&mut self, journal: Option<Journal>) -> Result<()> {
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

    /// What the journal is to say. What it said before of a file stays, where that still holds.
    fn to_be_recorded(&self, plan: &Plan) -> Vec<Change> {
        let known = self.journal.as_ref();
        let known = known.filter(|journal| journal.mechanism == plan.mechanism);
        let known = known.map_or(&[][..], |journal| &journal.changes);
        let all = plan.standing.iter().chain(&plan.due);
        let mut changes: Vec<Change> = all.map(|change| with_original(change, known)).collect();
        if plan.mechanism == Mechanism::Nss && changes.is_empty() {
            changes = known.to_vec();
        }
        changes
    }

    fn put_in_force(&mut self, plan: &Plan, undo: &mut Undo) -> Result<()> {
        // All the space that it takes is taken before the first file changes.
        let mut staged = Vec::new();
        for change in &plan.due {
            if let Change::Library(library) = change {
                let content = patch::content(self.root, library)?;
                let real = self.root.resolve(&library.path)?;
                let new = Staged::new(&real, &content, 0o644);
                staged.push(new.map_err(|error| explain(&error, "cannot write beside", &real))?);
            }
        }
        if plan.mechanism == Mechanism::Patch {
            undo.block = !had_block(self.root)?;
            if hosts_file::merge_runtime(self.root)? {
                self.step(format!("copied /etc/hosts to {}", crate::root::HOSTS));
            }
        }
        let mut staged = staged.into_iter();
        for change in &plan.due {
            undo.done.push(change.clone());
            match change {
                Change::Text(text) => {
                    let written = self.write(&text.path, Some(&text.after));
                    written.map_err(|error| cannot_serve(&text.path, error))?;
                    self.step(format!("{} asks workaround first", text.path));
                }
                Change::Link(link) => {
                    let path = patch::link_path(self.root);
                    sys::file::link(Path::new(&link.target), &path)
                        .map_err(|error| explain(&error, "cannot make", &path))?;
                    self.step(format!("{} leads to {}", link.path, link.target));
                }
                Change::Library(library) => {
                    let real = self.root.resolve(&library.path)?;
                    // Not every file system can; undoing then takes space.
                    undo.kept
                        .push((library.path.clone(), Kept::new(&real).ok()));
                    if let Some(staged) = staged.next() {
                        staged
                            .commit()
                            .map_err(|error| explain_rename(&error, &real))?;
                    }
                    self.step(format!(
                        "{} reads {}/hosts instead of /etc/hosts",
                        library.path,
                        patch::LINK
                    ));
                }
            }
        }
        self.prove(plan.mechanism)
    }

    fn prove(&mut self, mechanism: Mechanism) -> Result<()> {
        let proof = proof::prove_with_canary(self.root, mechanism)?;
        if proof.contradicts() {
            let text = format!("{proof}; everything is as it was before");
            return Err(match mechanism {
                Mechanism::Nss => NssCannotServe::error(Ending::Failed, text),
                Mechanism::Patch => Error::msg(text),
            });
        }
        self.done.proof = Some(proof);
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

    fn restore(&mut self, text: &Text) -> Result<()> {
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

/// What was there before the first `apply` is what `revert` gives back, unless somebody else has
/// changed the file since: then it is their version, without us.
fn with_original(change: &Change, known: &[Change]) -> Change {
    let old = known.iter().find(|old| old.path() == change.path());
    match (change, old) {
        (Change::Text(new), Some(Change::Text(old)))
            if old.before.is_some() && old.before == new.before =>
        {
            change.clone()
        }
        (Change::Text(new), _) => Change::Text(Text {
            before: new.before.as_deref().map(nsswitch::without_service),
            ..new.clone()
        }),
        // The time of the file as it came is lost once it is patched.
        (Change::Library(new), Some(Change::Library(old))) if old.after == new.after => {
            Change::Library(Library {
                modified: old.modified,
                ..new.clone()
            })
        }
        _ => change.clone(),
    }
}

/// What a run that fails has to take back.
#[derive(Default)]
struct Undo {
    done: Vec<Change>,
    kept: Vec<(String, Option<Kept>)>,
    /// The hosts file had no block before.
    block: bool,
}

impl Undo {
    /// In the other order, so that no library ever reads a link that is gone.
    fn perform(mut self, session: &mut Session<'_>) -> Result<()> {
        for change in self.done.iter().rev() {
            match change {
                Change::Text(text) => session.restore(text)?,
                Change::Library(library) => {
                    let kept = self.kept.iter().position(|(path, _)| *path == library.path);
                    match kept.and_then(|nth| self.kept.swap_remove(nth).1) {
                        Some(kept) => kept
                            .restore()
                            .with_context(|| format!("cannot put the old {} back", library.path))?,
                        None => session.unpatch(&library.path, Some(library.modified))?,
                    }
                }
                Change::Link(_) => revert::remove_link(session)?,
            }
        }
        if self.block {
            hosts_file::remove_runtime(session.root)?;
        }
        Ok(())
    }
}

fn had_block(root: &Root) -> Result<bool> {
    let text = hosts_file::read(root)?;
    Ok(hosts_edit::without_block(&text) != text)
}

/// A nsswitch.conf that cannot be written is what the other mechanism is for.
fn cannot_serve(path: &str, error: Error) -> Error {
    if path == NSSWITCH {
        NssCannotServe::error(ending_of(&error), format!("{error:#}"))
    } else {
        error
    }
}

fn explain_rename(error: &io::Error, path: &Path) -> Error {
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
