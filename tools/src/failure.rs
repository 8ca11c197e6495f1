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

/// Why nsswitch.conf cannot lead programs to the hosts file here: what makes `auto` turn to the
/// library itself.
#[derive(Debug)]
pub(crate) struct NssCannotServe {
    ending: Ending,
    text: String,
}

impl NssCannotServe {
    /// As an error.
    pub(crate) fn error(ending: Ending, text: impl Into<String>) -> anyhow::Error {
        let text = text.into();
        Self { ending, text }.into()
    }
}

impl fmt::Display for NssCannotServe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl std::error::Error for NssCannotServe {}

/// Shorthand for a refusal.
pub(crate) fn refused(reason: impl Into<String>) -> anyhow::Error {
    Refusal(Ending::Refused, reason.into()).into()
}

/// The exit status that `error` stands for.
pub(crate) fn ending_of(error: &anyhow::Error) -> Ending {
    if let Some(refusal) = error.downcast_ref::<Refusal>() {
        return refusal.0;
    }
    error
        .downcast_ref::<NssCannotServe>()
        .map_or(Ending::Failed, |cause| cause.ending)
}

impl From<Ending> for ExitCode {
    fn from(ending: Ending) -> Self {
        Self::from(ending as u8)
    }
}
