//! The command line.

use std::net::IpAddr;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;

/// Makes the programs of a container obey /etc/workaround-docker-2267/hosts.
///
/// Without a subcommand: apply.
#[derive(Debug, Parser)]
#[command(version, name = "workaround-docker-2267", max_term_width = 100)]
#[command(
    after_help = "Exit status: 0 done, or already in force; 1 failed, everything as before; \
    2 usage; 3 not in force (status, verify); 4 refused."
)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Option<Task>,

    #[command(flatten)]
    pub(crate) options: Options,

    #[command(flatten)]
    pub(crate) how: How,
}

/// Options of all subcommands.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Work on the system whose root folder is DIR
    #[arg(long, global = true, value_name = "DIR", default_value = "/")]
    pub(crate) root: PathBuf,

    /// Print one JSON object instead of text
    #[arg(long, global = true)]
    pub(crate) json: bool,

    /// Print errors only
    #[arg(short, long, global = true)]
    pub(crate) quiet: bool,
}

/// Options of `apply`.
#[derive(Debug, Clone, Args)]
pub(crate) struct How {
    /// How programs are led to the hosts file
    #[arg(long, value_enum, default_value_t = Wish::Auto)]
    pub(crate) mechanism: Wish,

    /// Show what would be changed, and change nothing
    #[arg(short = 'n', long)]
    pub(crate) dry_run: bool,
}

/// See `--mechanism`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Wish {
    /// What was chosen before; else nss, or patch where nsswitch.conf cannot serve
    Auto,
    /// An NSS module, asked first for hosts; /etc/hosts still counts for other names
    Nss,
    /// The C library reads the file instead of /etc/hosts, whose lines are copied into it
    Patch,
}

/// What is to be done.
#[derive(Debug, Subcommand)]
pub(crate) enum Task {
    /// Switch the workaround on, and show by a lookup that it works
    Apply(How),
    /// Tell whether the workaround is in force
    Status,
    /// Tell whether programs get what the hosts file says about NAME
    Verify {
        /// The name to look up
        name: String,
        /// The address to expect, instead of what the hosts file says
        address: Option<IpAddr>,
    },
    /// Switch the workaround off, and restore what apply changed to the same bytes
    Revert,
    /// Switch it on again if it was on before and no longer is, as after an upgrade
    Ensure {
        /// Also copy the lines of /etc/hosts that the runtime wrote for this start, where the
        /// hosts file replaces it (mechanism patch)
        #[arg(long)]
        merge_runtime: bool,
    },
    /// Make the index that lookups in long files are answered from
    Index,
    /// List and edit the entries of the hosts file
    #[command(subcommand)]
    Hosts(HostsTask),
    /// Print completions for a shell
    Completions {
        /// The shell
        shell: Shell,
    },
    #[command(hide = true, name = crate::prove::LOOKUP)]
    Lookup {
        /// The name to look up
        name: String,
    },
}

/// What is to be done to the hosts file.
#[derive(Debug, Subcommand)]
pub(crate) enum HostsTask {
    /// Add an entry at the end, unless it is there already
    Add {
        /// IPv4 or IPv6 address; =NAME to make the names stand for NAME; ! to have them not found,
        /// without asking DNS
        address: String,
        /// Canonical name, then aliases; *.NAME stands for all names that end in .NAME
        #[arg(required = true)]
        names: Vec<String>,
        /// Mark the entry as belonging to TAG
        #[arg(long, value_name = "TAG")]
        owner: Option<String>,
        /// Leave the index of long files for later
        #[arg(long)]
        no_index: bool,
    },
    /// Remove a name, or all entries with an address, or all of an owner
    Remove {
        /// Name or address
        #[arg(required_unless_present = "owner")]
        what: Option<String>,
        /// Only entries that belong to TAG
        #[arg(long, value_name = "TAG")]
        owner: Option<String>,
        /// Leave the index of long files for later
        #[arg(long)]
        no_index: bool,
    },
    /// Replace all entries of an owner by the lines on standard input
    Replace {
        /// Whose entries
        #[arg(long, value_name = "TAG", required = true)]
        owner: String,
        /// Leave the index of long files for later
        #[arg(long)]
        no_index: bool,
    },
    /// Tell which line of which file answers for NAME, and what it keeps from answering
    Explain {
        /// The name
        name: String,
    },
    /// Print the entries of `hosts` and `hosts.d`, in the order of lookups
    List {
        /// Only entries that belong to TAG
        #[arg(long, value_name = "TAG")]
        owner: Option<String>,
    },
}
