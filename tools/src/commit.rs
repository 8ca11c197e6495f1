//! What is planned is put in force as a whole, and shown; or everything is as it was.

use std::path::Path;

use anyhow::{Context, Error, Result};
use sys::staged::{Kept, Staged};

use crate::failure::{Ending, NssCannotServe, ending_of};
use crate::hosts_file::{self, explain};
use crate::journal::{Change, Journal, Library, Mechanism, Stage, Text};
use crate::mechanism::{Plan, patch};
use crate::nsswitch;
use crate::proof;
use crate::revert;
use crate::root::{NSSWITCH, Root};
use crate::session::{Session, explain_rename};

impl Session<'_> {
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
