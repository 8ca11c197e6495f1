//! The command line.

use std::ffi::OsString;

use clap::{Parser, Subcommand, ValueEnum};
use clap_complete::Shell;

/// Reads and edits the environment that this container's processes share.
#[derive(Debug, Parser)]
#[command(version, name = "container-env", max_term_width = 100)]
#[command(
    after_help = "It is kept in /etc/container_environment, one file a variable, and dumped to \
    container_environment.sh and .json beside it.\n\nExit status: 0 done; 1 failed, or NAME is not set (get); 2 usage. run: that of COMMAND; \
    125 run itself failed, 126 COMMAND cannot be executed, 127 it is not found."
)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) task: Task,
}

/// What is to be done.
#[derive(Debug, Subcommand)]
pub(crate) enum Task {
    /// Run COMMAND with the variables of the store over those that it would get anyway
    Run {
        /// The command and its arguments
        #[arg(required = true, trailing_var_arg = true, allow_hyphen_values = true)]
        command: Vec<OsString>,
    },
    /// Print all variables of the store
    List {
        /// How
        #[arg(long, value_enum, default_value_t = Format::Sh)]
        format: Format,
    },
    /// Print the value of NAME
    Get {
        /// The variable
        name: OsString,
    },
    /// Set NAME in the store: later startup scripts, `run` and new shells see it
    Set {
        /// The variable
        name: OsString,
        /// Its value; `-` for standard input; without, the value that NAME has here
        #[arg(allow_hyphen_values = true)]
        value: Option<OsString>,
    },
    /// Remove NAME from the store
    Unset {
        /// The variables
        #[arg(required = true, value_name = "NAME")]
        names: Vec<OsString>,
    },
    /// Write the two dumps, `.sh` and `.json`, anew from the files
    Refresh,
    /// Print completions for a shell
    Completions {
        /// The shell
        shell: Shell,
    },
}

/// How `list` prints.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// Lines that a POSIX shell can source
    Sh,
    /// One JSON object
    Json,
    /// NAME=VALUE, each ended by a NUL byte: exact, whatever the bytes are
    Nul,
}
