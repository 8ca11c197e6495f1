//! Becoming a command: where it is, and what it means that it cannot be run.

use std::ffi::{CString, OsStr};
use std::fmt;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use crate::environment::Environment;

/// Where commands are looked for without a `PATH`, as in execvp(3).
pub(crate) const PATH: &[u8] = b"/bin:/usr/bin";

/// Why a command was not run.
#[derive(Debug)]
#[non_exhaustive]
pub enum NotRun {
    /// There is no such file; with the folders that were searched, if any.
    NotFound {
        /// The command.
        command: Vec<u8>,
        /// The `PATH`, for a command without a `/`.
        path: Option<Vec<u8>>,
    },
    /// It is there but cannot be executed.
    NotExecutable {
        /// The file.
        file: Vec<u8>,
        /// The system's reason.
        error: io::Error,
    },
}

impl NotRun {
    /// The exit status for it: 127 for what is not found, else 126, as of any shell.
    #[must_use]
    pub fn status(&self) -> u8 {
        match self {
            Self::NotFound { .. } => 127,
            Self::NotExecutable { .. } => 126,
        }
    }
}

impl fmt::Display for NotRun {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        match self {
            Self::NotFound {
                command,
                path: None,
            } => {
                write!(
                    f,
                    "cannot execute {}: No such file or directory",
                    text(command)
                )
            }
            Self::NotFound {
                command,
                path: Some(path),
            } => {
                write!(
                    f,
                    "cannot execute {}: not found in {}",
                    text(command),
                    text(path)
                )
            }
            // The file itself is there.
            Self::NotExecutable { file, error } if error.kind() == io::ErrorKind::NotFound => {
                write!(
                    f,
                    "cannot execute {}: its interpreter (the `#!` line) or its loader does not exist",
                    text(file)
                )
            }
            Self::NotExecutable { file, error }
                if error.kind() == io::ErrorKind::ArgumentListTooLong =>
            {
                write!(
                    f,
                    "cannot execute {}: arguments and environment are too long together; shorten them",
                    text(file)
                )
            }
            Self::NotExecutable { file, error } => {
                write!(
                    f,
                    "cannot execute {}: {}",
                    text(file),
                    crate::store::reason(error)
                )
            }
        }
    }
}

/// The files that a command may be, in order, as execvp(3) has them.
pub(crate) fn candidates(command: &[u8], path: &[u8]) -> Vec<Vec<u8>> {
    if command.contains(&b'/') {
        return vec![command.to_vec()];
    }
    if command.is_empty() {
        return Vec::new();
    }
    let folders = path.split(|&byte| byte == b':');
    folders
        .map(|folder| match folder {
            // An empty one is the current folder.
            [] => command.to_vec(),
            folder => [folder, b"/", command].concat(),
        })
        .collect()
}

/// Becomes `command`, which is looked for in the `PATH` of `environment`; returns only if that
/// fails. A script without a `#!` line is run by `/bin/sh`, as execvp(3) and every shell do it.
///
/// `command` is the program and its arguments.
#[must_use]
pub fn exec(command: &[CString], environment: &Environment) -> NotRun {
    let program = command.first().map(CString::as_bytes).unwrap_or_default();
    let path = environment.get(b"PATH").unwrap_or(PATH);
    // Nothing in an environment has a NUL.
    let variables: Vec<CString> = environment
        .strings()
        .filter_map(|string| CString::new(string).ok())
        .collect();
    let searched = !program.contains(&b'/');
    let mut refused = None;
    for file in candidates(program, path) {
        let Ok(c_file) = CString::new(file.as_slice()) else {
            continue;
        };
        let mut error = sys::exec::exec(&c_file, command, &variables);
        if sys::exec::is_no_program(&error) {
            let script = [c"/bin/sh".to_owned(), c_file];
            let arguments: Vec<CString> = script
                .into_iter()
                .chain(command.iter().skip(1).cloned())
                .collect();
            error = sys::exec::exec(c"/bin/sh", &arguments, &variables);
        }
        let exists = || Path::new(OsStr::from_bytes(&file)).exists();
        match error.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::NotADirectory if !exists() => {}
            // A folder of PATH that is closed to this user, as root's own may be.
            io::ErrorKind::PermissionDenied if searched && !exists() => {}
            // Another folder may have one that can be executed.
            io::ErrorKind::PermissionDenied => drop(refused.get_or_insert((file, error))),
            _ => return NotRun::NotExecutable { file, error },
        }
    }
    match refused {
        Some((file, error)) => NotRun::NotExecutable { file, error },
        None => NotRun::NotFound {
            command: program.to_vec(),
            path: searched.then(|| path.to_vec()),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_looked_for_as_execvp_does() {
        #[rustfmt::skip]
        let table: [(&str, &str, &str, &[&str]); 6] = [
            ("in PATH",        "ls",    "/a:/b",  &["/a/ls", "/b/ls"]),
            ("with a slash",   "./ls",  "/a:/b",  &["./ls"]),
            ("absolute",       "/x/ls", "/a",     &["/x/ls"]),
            ("current folder", "ls",    "/a::/b", &["/a/ls", "ls", "/b/ls"]),
            ("empty PATH",     "ls",    "",       &["ls"]),
            ("no name",        "",      "/a",     &[]),
        ];
        for (case, command, path, want) in table {
            let want: Vec<Vec<u8>> = want.iter().map(|file| file.as_bytes().to_vec()).collect();
            assert_eq!(
                candidates(command.as_bytes(), path.as_bytes()),
                want,
                "{case}"
            );
        }
    }
}
