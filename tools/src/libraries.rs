//! What `status` says of each library that reads, or might read, the hosts file.

use anyhow::Result;
use serde_json::{Value, json};

use crate::inspect::{Inspected, inspect};
use crate::journal::{Journal, Mechanism};
use crate::plan::{self, Reads};
use crate::root::Root;

/// The state of one library.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum State {
    /// As its package brought it, or, where no package's checksum is known, without our path.
    Own { proven: bool },
    /// Reads our path. `Some(true)`: nothing else differs from the package's file.
    Patched { only_us: Option<bool> },
    /// Not as its package brought it, and not by us.
    Changed(String),
    /// Patched once, and replaced by an upgrade.
    Stale,
    /// Nothing of ours to do there; why.
    NotApplicable(String),
}

impl State {
    const fn name(&self) -> &'static str {
        match self {
            Self::Own { .. } => "own",
            Self::Patched { .. } => "patched",
            Self::Changed(_) => "changed",
            Self::Stale => "stale",
            Self::NotApplicable(_) => "not applicable",
        }
    }
}

/// One library, for people and for programs.
#[derive(Debug)]
pub(crate) struct Described {
    pub(crate) path: String,
    pub(crate) state: State,
    /// Whether it reads the workaround's hosts file, or need not.
    pub(crate) serves: bool,
    differences: Vec<String>,
    package: Option<String>,
}

/// Looks into all of them.
pub(crate) fn describe(root: &Root, journal: Option<&Journal>) -> Result<Vec<Described>> {
    let mut described = Vec::new();
    for (_, both) in inspect(root)? {
        let reads_one = |library: &Inspected| {
            matches!(
                library.reads(),
                Ok(Reads::EtcHosts(_) | Reads::Workaround(_) | Reads::Else(_))
            )
        };
        let reader = both.iter().find(|library| reads_one(library));
        let reader = reader.map(|library| library.path.clone());
        for library in &both {
            described.push(describe_one(library, reader.as_deref(), journal)?);
        }
    }
    Ok(described)
}

fn describe_one(
    library: &Inspected,
    reader: Option<&str>,
    journal: Option<&Journal>,
) -> Result<Described> {
    let original = library.original().map_err(anyhow::Error::msg)?;
    let is_own = library.is_packages_own(&original);
    let was_patched = journal
        .filter(|journal| journal.mechanism == Mechanism::Patch)
        .is_some_and(|journal| journal.libraries().any(|known| known.path == library.path));
    let package = library.recorded.as_ref().map(|known| known.package.clone());
    let state = match library.reads() {
        Err(why) => State::NotApplicable(why.clone()),
        Ok(Reads::Workaround(_)) => State::Patched { only_us: is_own },
        Ok(Reads::Else(other)) => State::Changed(format!("it reads {other}")),
        _ if is_own == Some(false) => {
            let package = package.as_deref().unwrap_or_default();
            State::Changed(format!("it differs from the file in {package}"))
        }
        Ok(Reads::EtcHosts(_)) if was_patched => State::Stale,
        Ok(Reads::EtcHosts(_)) => State::Own {
            proven: is_own == Some(true),
        },
        Ok(Reads::Nothing) => State::NotApplicable(match reader {
            Some(reader) => format!("it reads no hosts file, {reader} does"),
            None => "there is no /etc/hosts in it".into(),
        }),
    };
    let serves = match &state {
        State::Patched { .. } => true,
        State::NotApplicable(_) | State::Changed(_) => {
            reader.is_some_and(|path| path != library.path)
        }
        State::Own { .. } | State::Stale => false,
    };
    Ok(Described {
        path: library.path.clone(),
        serves,
        differences: plan::differences(&original, &library.image),
        package,
        state,
    })
}

impl Described {
    /// A line for people.
    pub(crate) fn text(&self) -> String {
        let path = &self.path;
        let bytes = format!(
            "{} bytes ({})",
            self.differences.len(),
            self.differences.join(", ")
        );
        match &self.state {
            State::Own { proven: true } => format!("{path}: the package's own"),
            State::Own { proven: false } => {
                format!("{path}: not patched; no package's checksum tells more")
            }
            State::Patched {
                only_us: Some(true),
            } => {
                format!(
                    "{path}: patched by us; {bytes} differ from the package's file, nothing else"
                )
            }
            State::Patched {
                only_us: Some(false),
            } => format!("{path}: patched by us in {bytes}, and changed by something else as well"),
            State::Patched { only_us: None } => {
                format!("{path}: patched by us in {bytes}; no package's checksum tells more")
            }
            State::Changed(how) => format!("{path}: changed by something else: {how}"),
            State::Stale => format!(
                "{path}: stale, an upgrade has replaced the patched file; `workaround-docker-2267 ensure` patches it"
            ),
            State::NotApplicable(why) => format!("{path}: not applicable: {why}"),
        }
    }

    pub(crate) fn to_json(&self) -> Value {
        json!({
            "path": self.path,
            "state": self.state.name(),
            "text": self.text(),
            "package": self.package,
            "differences": self.differences,
            "same_as_package_without_us": match self.state {
                State::Own { proven } => proven.then_some(true),
                State::Patched { only_us } => only_us,
                State::Changed(_) => Some(false),
                State::Stale => Some(true),
                State::NotApplicable(_) => None,
            },
        })
    }
}
