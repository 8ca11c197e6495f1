//! `apply`, `ensure` and `revert`: plan, stage, prove, journal, commit, prove.
//!
//! A mechanism decides what is to change (a list of [`Change`]s); the steps around it are the
//! same for all.

use std::fs;
use std::io;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, bail};

use crate::failure::refused;
use crate::hosts_file::{self, explain};
use crate::journal::{Change, Journal, Stage};
use crate::nsswitch::{self, Defaults, Position};
use crate::proof::{self, Proof};
use crate::root::{Libc, NSSWITCH, Root, STATE};
use crate::staging;

/// How long one run waits for another.
const PATIENCE: Duration = Duration::from_secs(60);

/// The mechanism of this release.
pub(crate) const NSS: &str = "nss";

/// What a run did.
#[derive(Debug, Default)]
pub(crate) struct Done {
    /// What was changed, in order, for people.
    pub(crate) steps: Vec<String>,
    /// Whether a lookup has shown it.
    pub(crate) proof: Option<Proof>,
}

/// What is to be done, before anything is.
pub(crate) struct Plan {
    pub(crate) changes: Vec<Change>,
    libcs: Vec<Libc>,
}

/// Reads the system and decides; changes nothing.
pub(crate) fn plan(root: &Root) -> Result<Plan> {
    let libcs = root.libcs()?;
    let Some(first) = libcs.first() else {
        let root = root.path().display();
        return Err(refused(format!(
            "no glibc for x86_64 or aarch64 under {root}{}",
            "; the module exists for no other architecture"
        )));
    };
    if root.has_musl() {
        return Err(refused(
            "the C library is musl, which has no nsswitch.conf and asks no module",
        ));
    }
    // Every architecture whose programs may run here needs its module.
    for libc in &libcs {
        root.module(libc.arch)
            .map_err(|error| refused(format!("cannot use the NSS module: {error:#}")))?;
    }
    let change = plan_nsswitch(root, first.defaults())?;
    Ok(Plan {
        changes: change.into_iter().collect(),
        libcs,
    })
}

fn plan_nsswitch(root: &Root, defaults: Defaults) -> Result<Option<Change>> {
    let before = read_nsswitch(root)?;
    let text = before.as_deref().unwrap_or_default();
    if nsswitch::position(text) == Position::First {
        return Ok(None);
    }
    Ok(Some(Change {
        path: NSSWITCH.into(),
        after: nsswitch::with_service(text, defaults),
        before,
    }))
}

/// The content of nsswitch.conf; `None` if it does not exist.
pub(crate) fn read_nsswitch(root: &Root) -> Result<Option<Vec<u8>>> {
    let path = root.resolve(NSSWITCH)?;
    match fs::read(&path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(explain(&error, "cannot read", &path)),
    }
}

/// Held while the system is changed.
struct Session<'r> {
    root: &'r Root,
    _lock: sys::file::Lock,
    done: Done,
}

impl<'r> Session<'r> {
    fn open(root: &'r Root) -> Result<Self> {
        if sys::user::effective_uid() != 0 {
            return Err(refused("cannot change the system: run as root"));
        }
        let state = root.resolve(STATE)?;
        hosts_file::make_folder(&state)?;
        let lock = sys::file::lock_folder(&state, PATIENCE)
            .with_context(|| format!("cannot lock {}; is another run stuck?", state.display()))?;
        Ok(Self {
            root,
            _lock: lock,
            done: Done::default(),
        })
    }

    fn step(&mut self, text: impl Into<String>) {
        self.done.steps.push(text.into());
    }

    fn write(&mut self, path: &str, bytes: Option<&[u8]>) -> Result<()> {
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

    /// Finishes or undoes what a killed run left. Both are safe: either way each file is whole.
    fn recover(&mut self) -> Result<Option<Journal>> {
        proof::remove_canary(self.root)?;
        let journal = Journal::load(self.root)?;
        let Some(journal) = journal.filter(|journal| journal.stage == Stage::Pending) else {
            return Journal::load(self.root);
        };
        for change in &journal.changes {
            let now = read_file(&self.root.resolve(&change.path)?)?;
            if now != change.before {
                self.write(&change.path, change.before.as_deref())?;
            }
        }
        Journal::delete(self.root)?;
        self.step("undid what an interrupted run had begun");
        Ok(None)
    }

    /// Puts `changes` in force, or leaves everything as it was.
    fn commit(&mut self, changes: Vec<Change>) -> Result<()> {
        let mut journal = Journal {
            mechanism: NSS.into(),
            stage: Stage::Pending,
            changes,
        };
        journal.save(self.root)?;
        let outcome = self.change_and_prove(&journal);
        if let Err(error) = outcome {
            self.undo(&journal)
                .with_context(|| format!("cannot undo either, after: {error:#}"))?;
            return Err(error);
        }
        journal.stage = Stage::Applied;
        journal.save(self.root)
    }

    fn change_and_prove(&mut self, journal: &Journal) -> Result<()> {
        for change in &journal.changes {
            self.write(&change.path, Some(&change.after))?;
            self.step(format!("{} asks {} first", change.path, "workaround"));
        }
        self.prove()
    }

    fn prove(&mut self) -> Result<()> {
        let proof = proof::prove_with_canary(self.root)?;
        if let Proof::Contradicted { .. } | Proof::NotAsked = proof {
            bail!("{proof}; everything is as it was before");
        }
        self.done.proof = Some(proof);
        Ok(())
    }

    fn undo(&mut self, journal: &Journal) -> Result<()> {
        for change in &journal.changes {
            self.write(&change.path, change.before.as_deref())?;
        }
        Journal::delete(self.root)
    }
}

fn read_file(path: &Path) -> Result<Option<Vec<u8>>> {
    match fs::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).context(format!("cannot read {}", path.display())),
    }
}

/// Switches the workaround on, and shows that it is.
pub(crate) fn apply(root: &Root) -> Result<Done> {
    let plan = plan(root)?;
    let mut session = Session::open(root)?;
    let journal = session.recover()?;
    // Recovery may have changed what the plan was made from.
    let plan = if session.done.steps.is_empty() {
        plan
    } else {
        self::plan(root)?
    };
    if hosts_file::create(root)? {
        session.step(format!("made {}", crate::root::HOSTS));
    }
    if plan.changes.is_empty() {
        session.prove()?;
        return Ok(session.done);
    }
    if let Some(note) = staging::prove(root, &plan.libcs)? {
        session.step(note);
    }
    session.commit(keep_first_original(journal, plan.changes))?;
    Ok(session.done)
}

/// What was there before the first `apply` is what `revert` gives back, unless somebody else has
/// edited the file since: then it is their version, without us.
fn keep_first_original(journal: Option<Journal>, changes: Vec<Change>) -> Vec<Change> {
    let known = journal.map_or(Vec::new(), |journal| journal.changes);
    let original = |change: Change| {
        let ours_is_all_that_differs = |old: &&Change| {
            old.path == change.path && old.before.is_some() && old.before == change.before
        };
        let before = match known.iter().find(ours_is_all_that_differs) {
            Some(old) => old.before.clone(),
            None => change.before.as_deref().map(nsswitch::without_service),
        };
        Change { before, ..change }
    };
    changes.into_iter().map(original).collect()
}

/// Re-applies what was applied before; quick where nothing is to be done.
pub(crate) fn ensure(root: &Root) -> Result<Done> {
    let Some(journal) = Journal::load(root)? else {
        let mut done = Done::default();
        done.steps
            .push("nothing to ensure: the workaround was never applied here".into());
        return Ok(done);
    };
    if journal.stage == Stage::Applied && plan(root)?.changes.is_empty() {
        return Ok(Done::default());
    }
    apply(root)
}

/// Undoes `apply`, to the same bytes.
pub(crate) fn revert(root: &Root) -> Result<Done> {
    let mut session = Session::open(root)?;
    let journal = session.recover()?;
    for change in journal.iter().flat_map(|journal| &journal.changes) {
        let now = read_file(&root.resolve(&change.path)?)?;
        if now.as_ref() == Some(&change.after) {
            session.write(&change.path, change.before.as_deref())?;
            let what = if change.before.is_some() {
                "restored"
            } else {
                "removed"
            };
            session.step(format!("{what} {}", change.path));
        }
    }
    // Edited since, or never recorded (an image made from another): our word comes out, and
    // nothing else.
    if let Some(text) = read_nsswitch(root)? {
        let without = nsswitch::without_service(&text);
        if without != text {
            session.write(NSSWITCH, Some(&without))?;
            session.step(format!("took workaround off the hosts line of {NSSWITCH}"));
        }
    }
    Journal::delete(root)?;
    if session.done.steps.is_empty() {
        session.step("nothing to revert: the workaround is not applied");
    } else {
        session.step(format!("left {} alone: it is yours", crate::root::HOSTS));
    }
    Ok(session.done)
}
