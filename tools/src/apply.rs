//! `apply`, `ensure` and `revert`: plan, stage, prove, journal, commit, prove.
//!
//! A mechanism decides what is to change; the steps around it are the same for all. Whatever
//! instant a run is killed at, each file is whole, old or new, and any mix of them works.

use anyhow::{Context, Result};

use crate::cli::Wish;
use crate::failure::NssCannotServe;
use crate::hosts_file;
use crate::journal::{Journal, Mechanism, Stage};
use crate::mechanism::{self, Plan};
use crate::proof::Proof;
use crate::root::{HOSTS, Root, STATE};
use crate::session::Session;

/// What a run did.
#[derive(Debug, Default)]
pub(crate) struct Done {
    /// What was changed, in order, for people.
    pub(crate) steps: Vec<String>,
    /// What is in force now.
    pub(crate) mechanism: Option<Mechanism>,
    /// Whether a lookup has shown it.
    pub(crate) proof: Option<Proof>,
}

/// What `apply` would do; changes nothing. A note says why nsswitch.conf cannot serve, if so.
pub(crate) fn plan(root: &Root, wish: Wish) -> Result<Plan> {
    if let Some(asked) = asked_for(wish) {
        return mechanism::plan(root, asked);
    }
    if let Some(journal) = Journal::load(root)?.filter(|journal| journal.stage != Stage::Reverting)
    {
        return mechanism::plan(root, journal.mechanism);
    }
    let error = match mechanism::plan(root, Mechanism::Nss) {
        Err(error) if error.is::<NssCannotServe>() => error,
        plan => return plan,
    };
    let mut plan = mechanism::plan(root, Mechanism::Patch)?;
    plan.notes.insert(0, fallen_back(&error));
    Ok(plan)
}

fn asked_for(wish: Wish) -> Option<Mechanism> {
    match wish {
        Wish::Auto => None,
        Wish::Nss => Some(Mechanism::Nss),
        Wish::Patch => Some(Mechanism::Patch),
    }
}

fn fallen_back(why: &anyhow::Error) -> String {
    format!("nsswitch.conf cannot serve here, so the C library itself is patched: {why:#}")
}

/// Switches the workaround on, and shows that it is.
pub(crate) fn apply(root: &Root, wish: Wish) -> Result<Done> {
    // What is refused leaves no trace.
    plan(root, wish)?;
    let mut session = Session::open(root)?;
    session.recover()?;
    let before = session.mechanism();
    match (asked_for(wish), before) {
        (None, None) => apply_auto(&mut session)?,
        (None, Some(kept)) => put_in_force(&mut session, kept)?,
        (Some(asked), Some(other)) if asked != other => switch(&mut session, other, asked)?,
        (Some(asked), _) => put_in_force(&mut session, asked)?,
    }
    Ok(session.done)
}

fn apply_auto(session: &mut Session<'_>) -> Result<()> {
    let error = match put_in_force(session, Mechanism::Nss) {
        Err(error) if error.is::<NssCannotServe>() => error,
        outcome => return outcome,
    };
    session.done = Done::default();
    let why = fallen_back(&error);
    session.step(&why);
    put_in_force(session, Mechanism::Patch).context(why)
}

/// From one mechanism to the other. Should the new one fail, the old one is put back.
fn switch(session: &mut Session<'_>, from: Mechanism, to: Mechanism) -> Result<()> {
    undo(session)?;
    let outcome = put_in_force(session, to);
    if outcome.is_err() {
        put_in_force(session, from)?;
    }
    outcome
}

fn put_in_force(session: &mut Session<'_>, mechanism: Mechanism) -> Result<()> {
    // The lock is held now, so what the plan is made from stays as it is.
    let plan = mechanism::plan(session.root, mechanism)?;
    if hosts_file::create(session.root)? {
        session.step(format!("made {HOSTS}"));
    }
    for note in &plan.notes {
        session.step(note);
    }
    if !plan.due.is_empty() {
        for note in mechanism::rehearse(session.root, &plan)? {
            session.step(note);
        }
    }
    session.commit(&plan)
}

/// Re-applies what was applied before; quick where nothing is to be done. With `merge_runtime`,
/// what the runtime wrote to `/etc/hosts` for this start is copied, if the mechanism needs that.
pub(crate) fn ensure(root: &Root, merge_runtime: bool) -> Result<Done> {
    let Some(journal) = Journal::load(root)? else {
        return ensure_nothing(root);
    };
    if journal.stage == Stage::Applied && mechanism::holds(root, &journal)? {
        let mut done = Done::default();
        let needs_copy = merge_runtime && journal.mechanism == Mechanism::Patch;
        if needs_copy && hosts_file::merge_runtime(root)? {
            done.steps
                .push(format!("copied /etc/hosts to its block in {HOSTS}"));
        }
        return Ok(done);
    }
    let mut session = Session::open(root)?;
    session.recover()?;
    // The other run that was waited for may have done all there was to do, or have reverted it.
    if let Some(mechanism) = session.mechanism() {
        put_in_force(&mut session, mechanism)?;
    }
    Ok(session.done)
}

/// Without a journal there is no promise to keep; but a run that was killed before it had one may
/// have left something lying about.
fn ensure_nothing(root: &Root) -> Result<Done> {
    let state = root.resolve(STATE)?;
    let is_empty = std::fs::read_dir(&state).map_or(true, |mut entries| entries.next().is_none());
    let mut done = Done::default();
    if !is_empty {
        let mut session = Session::open(root)?;
        session.recover()?;
        done = session.done;
    }
    done.steps
        .push("nothing to ensure: the workaround was never applied here".into());
    Ok(done)
}

/// Undoes `apply`, to the same bytes.
pub(crate) fn revert(root: &Root) -> Result<Done> {
    let mut session = Session::open(root)?;
    session.recover()?;
    undo(&mut session)?;
    if session.done.steps.is_empty() {
        session.step("nothing to revert: the workaround is not applied");
    } else {
        session.step(format!("left {HOSTS} alone: it is yours"));
    }
    Ok(session.done)
}

fn undo(session: &mut Session<'_>) -> Result<()> {
    session.begin_reverting()?;
    session.finish_reverting()
}
