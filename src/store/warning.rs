//! What people should know about their folder; nothing of it stops anybody.

use std::fmt;
use std::io;
use std::path::PathBuf;

use super::name::{Unstorable, shown};
use crate::environment::NoVariable;

/// Why an entry of the folder is no variable.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Skipped {
    /// Its name or its content cannot be a variable.
    NoVariable(NoVariable),
    /// It is a folder, a FIFO, a socket or a device.
    NotRegular,
    /// It is longer than any program can be handed.
    TooLong,
    /// It cannot be read; the reason is the system's.
    Unreadable(String),
}

/// A warning about the store; [`Display`](fmt::Display) is one line for people.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Warning {
    /// The folder is there but cannot be read.
    FolderUnreadable {
        /// The folder.
        folder: PathBuf,
        /// The system's reason.
        reason: String,
    },
    /// An entry of the folder is left out.
    Skipped {
        /// The folder.
        folder: PathBuf,
        /// The entry's name.
        name: Vec<u8>,
        /// Why.
        why: Skipped,
    },
    /// A variable is not written to the folder, as it cannot hold it; it stays in the environment.
    Unstorable {
        /// The folder.
        folder: PathBuf,
        /// The variable's name.
        name: Vec<u8>,
        /// Why.
        why: Unstorable,
    },
    /// Files that the environment should have been written to were not, all for one reason.
    NotWritten {
        /// The first of them.
        path: PathBuf,
        /// How many more.
        others: usize,
        /// The system's reason.
        reason: String,
    },
    /// The memory of what was exported cannot be kept, so exported files stay for good.
    NotRemembered {
        /// The file that should hold it.
        path: PathBuf,
        /// The system's reason.
        reason: String,
    },
    /// Values that JSON cannot carry have U+FFFD in them there.
    NotUtf8 {
        /// The JSON file.
        path: PathBuf,
        /// The first variable.
        name: Vec<u8>,
        /// How many more.
        others: usize,
    },
}

impl Warning {
    /// Whether somebody who has been told this need not be told `other` too.
    pub(super) fn says(&self, other: &Self) -> bool {
        match (self, other) {
            // The files differ from time to time, what to do about it does not.
            (
                Self::NotWritten { reason, .. },
                Self::NotWritten {
                    reason: another, ..
                },
            ) => reason == another,
            _ => self == other,
        }
    }
}

/// `error` without the number that Rust adds: the words say it.
pub(crate) fn reason(error: &io::Error) -> String {
    let text = error.to_string();
    match text.split_once(" (os error") {
        Some((words, _)) => words.to_owned(),
        None => text,
    }
}

/// ` and 3 others`
struct Others(usize);

impl fmt::Display for Others {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            0 => Ok(()),
            1 => f.write_str(" and 1 other"),
            n => write!(f, " and {n} others"),
        }
    }
}

impl fmt::Display for Skipped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoVariable(reason @ NoVariable::NulInValue) => {
                write!(f, "{reason}; take it out of the file")
            }
            Self::NoVariable(reason) => write!(f, "{reason}; rename the file"),
            Self::NotRegular => f.write_str("it is not a regular file; move it elsewhere"),
            Self::TooLong => f.write_str(
                "it is longer than any program can be handed; shorten it, or keep it elsewhere and its path here",
            ),
            Self::Unreadable(reason) => f.write_str(reason),
        }
    }
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::FolderUnreadable { folder, reason } => {
                write!(f, "cannot read {}: {reason}", folder.display())
            }
            Self::Skipped { folder, name, why } => {
                write!(
                    f,
                    "cannot use {}/{} as a variable: {why}",
                    folder.display(),
                    shown(name)
                )
            }
            Self::Unstorable { folder, name, why } => write!(
                f,
                "cannot write {} to {}: {why}; it stays in the environment only",
                shown(name),
                folder.display()
            ),
            Self::NotWritten {
                path,
                others,
                reason,
            } => write!(
                f,
                "cannot write {}{}: {reason}; going on with the environment in memory",
                path.display(),
                Others(*others)
            ),
            Self::NotRemembered { path, reason } => write!(
                f,
                "cannot write {}: {reason}; variables exported now will still be set in a container or image made from this one",
                path.display()
            ),
            Self::NotUtf8 { path, name, others } => write!(
                f,
                "cannot write {}{} exactly to {}: not UTF-8; U+FFFD stands there instead",
                shown(name),
                Others(*others),
                path.display()
            ),
        }
    }
}
