//! The ways in which programs are led to the hosts file. Each decides what is to change; the
//! steps around that are the same for all (`apply`).

pub(crate) mod nss;
pub(crate) mod patch;

use anyhow::Result;

use crate::journal::{Change, Journal, Mechanism};
use crate::root::Root;

/// What is to be done, before anything is.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) mechanism: Mechanism,
    /// What is to be changed, in this order; undone in the other.
    pub(crate) due: Vec<Change>,
    /// What is as it should be already.
    pub(crate) standing: Vec<Change>,
    /// What people should know of it.
    pub(crate) notes: Vec<String>,
}

/// Reads the system and decides; changes nothing.
pub(crate) fn plan(root: &Root, mechanism: Mechanism) -> Result<Plan> {
    match mechanism {
        Mechanism::Nss => nss::plan(root),
        Mechanism::Patch => patch::plan(root),
    }
}

/// Shows in a throw-away root that what is planned works; notes say where that was not possible.
pub(crate) fn rehearse(root: &Root, plan: &Plan) -> Result<Vec<String>> {
    match plan.mechanism {
        Mechanism::Nss => nss::rehearse(root),
        Mechanism::Patch => patch::rehearse(root, plan),
    }
}

/// Whether all that `journal` says is in force still is, told by as few reads as are sure.
pub(crate) fn holds(root: &Root, journal: &Journal) -> Result<bool> {
    match journal.mechanism {
        Mechanism::Nss => nss::holds(root),
        Mechanism::Patch => patch::holds(root, journal),
    }
}
