//! One variable at a time, for people and scripts.

use std::fmt;
use std::io;
use std::path::PathBuf;
use std::time::Duration;

use sys::file::{self, How, Lock, NewMode, lock_folder};

use super::name::{self, Unstorable, content_of, shown};
use super::plan::{self, Unsaved};
use super::warning::{Warning, reason};
use super::{Store, folder};
use crate::environment::{self, Environment};

/// How long to wait for another writer.
const PATIENCE: Duration = Duration::from_secs(5);

/// A file that somebody sets is to survive a crash; a bind mount that they name is theirs to write.
const SET: How = How {
    mode: NewMode::Umasked(0o644),
    durable: true,
    in_place: true,
};

/// Why the folder was not edited, or not read.
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// There is no folder.
    NoFolder(PathBuf),
    /// The folder cannot hold such a variable.
    Unstorable {
        /// The variable's name.
        name: Vec<u8>,
        /// Why.
        why: Unstorable,
    },
    /// Name and value together are longer than execve(2) carries.
    TooLong {
        /// The variable's name.
        name: Vec<u8>,
        /// The longest value that it can have, in bytes.
        most: usize,
    },
    /// Another writer does not end.
    Busy(PathBuf),
    /// The system refuses.
    Failed {
        /// `read`, `write` or `remove`.
        what: &'static str,
        /// The file.
        path: PathBuf,
        /// Its reason.
        error: io::Error,
    },
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoFolder(folder) => write!(
                f,
                "cannot find {0}: there is no environment store here; make it with `mkdir {0}`",
                folder.display()
            ),
            Self::Unstorable { name, why } => {
                write!(f, "cannot keep a variable {}: {why}", shown(name))
            }
            Self::TooLong { name, most } => write!(
                f,
                "cannot set {}: its value is longer than {most} bytes, more than any program can be handed; keep it in a file, and the file's path in the variable",
                shown(name)
            ),
            Self::Busy(folder) => write!(
                f,
                "cannot lock {}: somebody else has held it for {} s; try again, or find them with `fuser`",
                folder.display(),
                PATIENCE.as_secs()
            ),
            Self::Failed { what, path, error } => {
                write!(f, "cannot {what} {}: {}", path.display(), reason(error))?;
                match error.kind() {
                    io::ErrorKind::PermissionDenied => f.write_str("; run this as root"),
                    _ => Ok(()),
                }
            }
        }
    }
}

impl std::error::Error for Error {}

impl Store {
    /// The variables of the folder. Without a folder there are none.
    ///
    /// # Errors
    ///
    /// The folder is there but cannot be read.
    pub fn load(&self) -> Result<(Environment, Vec<Warning>), Error> {
        let mut warnings = Vec::new();
        let snapshot = folder::read(&self.folder, &mut warnings)
            .map_err(|error| self.failed("read", self.folder.clone(), error))?
            .unwrap_or_default();
        let environment = plan::reload(&Environment::new(), &Unsaved::new(), &snapshot);
        Ok((environment, warnings))
    }

    /// Gives the variable `name` the value `value`; the file is the user's from now on.
    ///
    /// # Errors
    ///
    /// Nothing is changed, see [`Error`].
    pub fn set(&self, name: &[u8], value: &[u8]) -> Result<(), Error> {
        let refused = |why| Error::Unstorable {
            name: name.to_vec(),
            why,
        };
        name::check(name).map_err(refused)?;
        environment::check(name, value).map_err(|why| refused(Unstorable::NoVariable(why)))?;
        let most = sys::exec::longest_string().saturating_sub(name.len() + 2);
        if value.len() > most {
            let name = name.to_vec();
            return Err(Error::TooLong { name, most });
        }
        let _lock = self.lock_for_edit()?;
        self.forget(name)?;
        let path = self.path_of(name);
        file::replace_as(&path, &content_of(value), SET)
            .map(drop)
            .map_err(|error| self.failed("write", path, error))
    }

    /// Removes the variable `name`; one that does not exist is no error.
    ///
    /// # Errors
    ///
    /// Nothing is changed, see [`Error`].
    pub fn unset(&self, name: &[u8]) -> Result<(), Error> {
        name::check(name).map_err(|why| Error::Unstorable {
            name: name.to_vec(),
            why,
        })?;
        let _lock = self.lock_for_edit()?;
        self.forget(name)?;
        let path = self.path_of(name);
        file::remove(&path).map_err(|error| self.failed("remove", path, error))
    }

    /// Writes the two dumps anew: the content of the folder, and `HOME` and the like of `kept`.
    ///
    /// # Errors
    ///
    /// The folder cannot be read, or a dump cannot be written.
    pub fn refresh(&self, kept: &Environment) -> Result<Vec<Warning>, Error> {
        let _lock = self.lock_for_edit()?;
        let mut warnings = Vec::new();
        let snapshot = folder::read(&self.folder, &mut warnings)
            .map_err(|error| self.failed("read", self.folder.clone(), error))?
            .ok_or_else(|| Error::NoFolder(self.folder.clone()))?;
        let environment = plan::reload(kept, &Unsaved::new(), &snapshot);
        let (failed, warning) = self.write_dumps(&environment);
        if let Some((path, error)) = failed.into_iter().next() {
            return Err(self.failed("write", path, error));
        }
        warnings.extend(warning);
        Ok(warnings)
    }

    /// The file `name` is no longer one that was exported.
    fn forget(&self, name: &[u8]) -> Result<(), Error> {
        let before = self.remembered();
        let mut memory = before.clone();
        memory.remove(name);
        self.remember(&memory, &before)
            .map_err(|error| self.failed("write", self.memory.clone(), error))
    }

    fn lock_for_edit(&self) -> Result<Lock, Error> {
        lock_folder(&self.folder, PATIENCE).map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => Error::NoFolder(self.folder.clone()),
            io::ErrorKind::TimedOut => Error::Busy(self.folder.clone()),
            _ => self.failed("lock", self.folder.clone(), error),
        })
    }

    #[expect(clippy::unused_self, reason = "reads better beside the others")]
    fn failed(&self, what: &'static str, path: PathBuf, error: io::Error) -> Error {
        Error::Failed { what, path, error }
    }
}
