//! The environment store: `/etc/container_environment`, one file a variable, and its two dumps.
//!
//! `my_init` boots with it and reloads it after each startup script; `container-env` is its
//! command line. Warnings are returned, never printed, and nothing here is fatal.
//!
//! ```no_run
//! use baseimage::environment::Environment;
//! use baseimage::store::Store;
//!
//! let store = Store::system();
//! let process = Environment::from_os(std::env::vars_os());
//! // Reads only: this is also what `--check` shows.
//! let import = store.import(process);
//! // Writes: the folder, the two dumps, the memory of what was exported.
//! let mut live = store.export(import);
//! for warning in live.warnings() {
//!     // those of the import are among them
//! }
//! // A startup script ran:
//! let news = store.reload(&mut live);
//! // For the next process:
//! let variables = live.environment().os_pairs();
//! ```
//!
//! | file | is |
//! |---|---|
//! | `name` | which names are variables; file content and value |
//! | `shell`, `json` | the two dumps, bytes |
//! | `plan` | what is imported, exported, restored, kept; values in, values out |
//! | `memory` | what was exported, as bytes |
//! | `warning` | what people are told |
//! | `folder`, `write` | the driver: reads and writes, decides nothing |
//! | `live` | a boot: import, export, reload |
//! | `edit` | one variable at a time |

mod edit;
mod folder;
mod json;
mod live;
mod memory;
mod name;
mod plan;
mod shell;
mod warning;
mod write;

use std::path::{Path, PathBuf};

pub use self::edit::Error;
pub use self::live::{Import, Live};
pub use self::name::Unstorable;
pub use self::plan::Source;
pub(crate) use self::warning::reason;
pub use self::warning::{Skipped, Warning};
use crate::environment::Environment;

/// Where a store is.
#[derive(Clone, Debug)]
pub struct Store {
    folder: PathBuf,
    shell: PathBuf,
    json: PathBuf,
    memory: PathBuf,
}

impl Store {
    /// The one of this system: `/etc/container_environment`, with `.sh` and `.json` beside it, and
    /// `/var/lib/baseimage/exported`.
    #[must_use]
    pub fn system() -> Self {
        Self::below(Path::new("/"))
    }

    /// The same below another folder than `/`. Symlinks in it that begin with `/` lead out of it.
    #[must_use]
    pub fn below(root: &Path) -> Self {
        Self {
            folder: root.join("etc/container_environment"),
            shell: root.join("etc/container_environment.sh"),
            json: root.join("etc/container_environment.json"),
            memory: root.join("var/lib/baseimage/exported"),
        }
    }

    /// The folder with a file for each variable.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }
}

/// `export NAME=VALUE` lines that any POSIX shell can source, as in `container_environment.sh`.
#[must_use]
pub fn to_shell(environment: &Environment) -> Vec<u8> {
    shell::dump(environment)
}

/// One JSON object in ASCII, as in `container_environment.json`; bytes that are not UTF-8 are
/// U+FFFD in it.
#[must_use]
pub fn to_json(environment: &Environment) -> Vec<u8> {
    json::dump(environment).0
}
