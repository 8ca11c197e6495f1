//! How the command ends: its exit statuses, and what belongs to each.

use std::fmt;
use std::process::ExitCode;

/// Why the command did not do what was asked; the number is its exit status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    /// Something failed; the system is as it was before.
    Failed = 1,
    /// The workaround is not in force (`status`, `verify`).
    NotInForce = 3,
    /// Not done, for a reason that trying again does not change.
    Refused = 4,
}

/// An error that knows its exit status; all others are [`Ending::Failed`].
#[derive(Debug)]
pub(crate) struct Refusal(pub(crate) Ending, pub(crate) String);

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.1)
    }
}

impl std::error::Error for Refusal {}

/// Shorthand for a refusal.
pub(crate) fn refused(reason: impl Into<String>) -> anyhow::Error {
    Refusal(Ending::Refused, reason.into()).into()
}

/// The exit status that `error` stands for.
pub(crate) fn ending_of(error: &anyhow::Error) -> Ending {
    error
        .downcast_ref::<Refusal>()
        .map_or(Ending::Failed, |refusal| refusal.0)
}

impl From<Ending> for ExitCode {
    fn from(ending: Ending) -> Self {
        Self::from(ending as u8)
    }
}
