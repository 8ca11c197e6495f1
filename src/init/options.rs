//! The command line: `my_init [OPTIONS] [--] [MAIN_COMMAND ...]`.

use std::ffi::{OsStr, OsString};
use std::fmt::Write;
use std::os::unix::ffi::OsStrExt;

/// What to do differently, and what to run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a flag of the command line, and all combinations are legal"
)]
pub(crate) struct Options {
    /// `--enable-insecure-key`
    pub(crate) insecure_key: bool,
    /// `--skip-startup-files`
    pub(crate) skip_startup_files: bool,
    /// `--skip-runit`
    pub(crate) skip_runit: bool,
    /// `--no-kill-all-on-exit`
    pub(crate) no_kill_all: bool,
    /// `--quiet`
    pub(crate) quiet: bool,
    /// `--check`
    pub(crate) check: bool,
    /// The main command; empty if there is none.
    pub(crate) command: Vec<OsString>,
}

impl Options {
    /// These options with those of the `inner` command line, which `my_init` was to run.
    #[must_use]
    pub(crate) fn with_inner(self, inner: Self) -> Self {
        Self {
            insecure_key: self.insecure_key || inner.insecure_key,
            skip_startup_files: self.skip_startup_files || inner.skip_startup_files,
            skip_runit: self.skip_runit || inner.skip_runit,
            no_kill_all: self.no_kill_all || inner.no_kill_all,
            quiet: self.quiet || inner.quiet,
            check: self.check || inner.check,
            command: inner.command,
        }
    }
}

/// What the command line asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Request {
    /// The help.
    Help,
    /// The version.
    Version,
    /// A start, or a look at what one would do.
    Run(Options),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Flag {
    Help,
    Version,
    InsecureKey,
    SkipStartupFiles,
    SkipRunit,
    NoKillAll,
    Quiet,
    Check,
}

/// Every flag, as the help lists them; help, man page and completions are tested against this.
#[rustfmt::skip]
const FLAGS: [(Flag, &str, &str); 8] = [
    (Flag::InsecureKey,      "enable-insecure-key",  "install the insecure SSH key for root"),
    (Flag::SkipStartupFiles, "skip-startup-files",   "run neither /etc/my_init.d/* nor /etc/rc.local"),
    (Flag::SkipRunit,        "skip-runit",           "start no services and run no shutdown hooks; needs MAIN_COMMAND"),
    (Flag::NoKillAll,        "no-kill-all-on-exit",  "leave other processes alone at exit"),
    (Flag::Quiet,            "quiet",                "print warnings and errors only"),
    (Flag::Check,            "check",                "print what a start would do, and whether something would fail"),
    (Flag::Version,          "version",              "print the version"),
    (Flag::Help,             "help",                 "print this help"),
];

const USAGE: &str = "Usage: my_init [OPTIONS] [--] [MAIN_COMMAND ...]";

/// Reads the arguments behind the program's name.
///
/// # Errors
///
/// An option that does not exist or could mean several: what to print, usage included.
pub(crate) fn parse(arguments: &[OsString]) -> Result<Request, String> {
    let mut options = Options::default();
    let mut rest = arguments.iter();
    while let Some(word) = rest.as_slice().first() {
        let bytes = word.as_bytes();
        if bytes == b"--" {
            rest.next();
            break;
        }
        // A lone `-` is a word like any other.
        if bytes.len() < 2 || bytes.first() != Some(&b'-') {
            break;
        }
        rest.next();
        match flag(word)? {
            Flag::Help => return Ok(Request::Help),
            Flag::Version => return Ok(Request::Version),
            Flag::InsecureKey => options.insecure_key = true,
            Flag::SkipStartupFiles => options.skip_startup_files = true,
            Flag::SkipRunit => options.skip_runit = true,
            Flag::NoKillAll => options.no_kill_all = true,
            Flag::Quiet => options.quiet = true,
            Flag::Check => options.check = true,
        }
    }
    options.command = rest.as_slice().to_vec();
    Ok(Request::Run(options))
}

/// The flag that `word` names, by a prefix that no other has.
fn flag(word: &OsStr) -> Result<Flag, String> {
    let shown = word.to_string_lossy();
    if word.as_bytes() == b"-h" {
        return Ok(Flag::Help);
    }
    let Some(name) = word.as_bytes().strip_prefix(b"--") else {
        return Err(usage(&format!("unknown option {shown}")));
    };
    if let Some((flag, ..)) = FLAGS.iter().find(|(_, long, _)| long.as_bytes() == name) {
        return Ok(*flag);
    }
    let mut matching = FLAGS
        .iter()
        .filter(|(_, long, _)| long.as_bytes().starts_with(name));
    match (matching.next(), matching.next()) {
        (Some((flag, ..)), None) => Ok(*flag),
        (None, _) => Err(usage(&format!("unknown option {shown}"))),
        (Some((_, one, _)), Some((_, other, _))) => Err(usage(&format!(
            "ambiguous option {shown}: could be --{one} or --{other}"
        ))),
    }
}

fn usage(fault: &str) -> String {
    format!("{USAGE}\nmy_init: {fault}; see my_init --help\n")
}

/// The text of `--help`.
#[must_use]
pub(crate) fn help() -> String {
    let mut text = format!(
        "{USAGE}\n\n\
         PID 1 of a container: runs the startup files, the services and MAIN_COMMAND (or the\n\
         services alone), reaps what they leave behind, and shuts them down in order.\n\
         Options end at the first word that is not one.\n\nOptions:\n"
    );
    for (flag, long, what) in FLAGS {
        let short = if flag == Flag::Help { "-h," } else { "   " };
        // Writing to a `String` cannot fail.
        let _ = writeln!(text, "  {short} --{long:<20}  {what}");
    }
    text.push_str(
        "\nEnvironment:\n\
         \x20 KILL_PROCESS_TIMEOUT        seconds for the main command and for the services to end (5)\n\
         \x20 KILL_ALL_PROCESSES_TIMEOUT  seconds for everything else to end (2)\n\
         \x20 SHUTDOWN_HOOK_TIMEOUT       seconds for each shutdown hook (60)\n\
         \x20 ENV_INIT_DIRECTORY          folder of the startup files (/etc/my_init.d)\n\
         \nThe exit status is that of MAIN_COMMAND, 128 + n if signal n ended it. See my_init(8).\n",
    );
    text
}

/// The text of `--version`.
#[must_use]
pub(crate) fn version() -> &'static str {
    concat!("my_init ", env!("CARGO_PKG_VERSION"), "\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(line: &str) -> Vec<OsString> {
        line.split_whitespace().map(OsString::from).collect()
    }

    fn run(line: &str) -> Options {
        match parse(&words(line)) {
            Ok(Request::Run(options)) => options,
            other => panic!("{line}: {other:?}"),
        }
    }

    #[test]
    fn options_end_at_the_first_word_that_is_none() {
        for (line, command) in [
            ("ls -l", "ls -l"),
            ("--quiet ls --quiet", "ls --quiet"),
            ("-- ls -l", "ls -l"),
            ("-- echo a -- b", "echo a -- b"),
            ("-- -- b", "-- b"),
            ("--quiet -- --quiet", "--quiet"),
            ("- x", "- x"),
            ("", ""),
            ("--", ""),
        ] {
            assert_eq!(run(line).command, words(command), "{line}");
        }
    }

    #[test]
    fn a_prefix_that_is_unambiguous_is_enough() {
        for (line, want) in [
            (
                "--q",
                Options {
                    quiet: true,
                    ..Options::default()
                },
            ),
            (
                "--quiet",
                Options {
                    quiet: true,
                    ..Options::default()
                },
            ),
            (
                "--skip-r",
                Options {
                    skip_runit: true,
                    ..Options::default()
                },
            ),
            (
                "--skip-s",
                Options {
                    skip_startup_files: true,
                    ..Options::default()
                },
            ),
            (
                "--e",
                Options {
                    insecure_key: true,
                    ..Options::default()
                },
            ),
            (
                "--n",
                Options {
                    no_kill_all: true,
                    ..Options::default()
                },
            ),
            (
                "--c",
                Options {
                    check: true,
                    ..Options::default()
                },
            ),
        ] {
            assert_eq!(run(line), want, "{line}");
        }
        assert_eq!(parse(&words("--h")), Ok(Request::Help));
        assert_eq!(parse(&words("--quiet -h x")), Ok(Request::Help));
        assert_eq!(parse(&words("--v")), Ok(Request::Version));
    }

    #[test]
    fn what_is_no_option_is_refused_with_usage() {
        for (line, fault) in [
            (
                "--skip",
                "ambiguous option --skip: could be --skip-startup-files or --skip-runit",
            ),
            ("--skip-", "ambiguous option --skip-"),
            ("--nope", "unknown option --nope"),
            ("-l", "unknown option -l"),
            ("-hq", "unknown option -hq"),
            ("--quiet=yes", "unknown option --quiet=yes"),
            ("---", "unknown option ---"),
        ] {
            let text = parse(&words(line)).unwrap_err();
            assert!(
                text.starts_with(USAGE) && text.contains(fault),
                "{line}: {text}"
            );
        }
    }

    #[test]
    fn help_lists_every_flag() {
        for (_, long, what) in FLAGS {
            assert!(
                help().contains(&format!("--{long}")) && help().contains(what),
                "{long}"
            );
        }
    }

    /// The files that people read and shells load are written by hand, and held to the code here.
    #[test]
    fn man_page_and_completions_know_every_flag_and_no_other() {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("packaging");
        for (file, marker) in [
            ("man/my_init.8", "\\-\\-"),
            ("completions.d/my_init.bash", "--"),
            ("completions.d/my_init.zsh", "--"),
            ("completions.d/my_init.fish", "-l "),
        ] {
            let text = std::fs::read_to_string(folder.join(file)).unwrap();
            // Other programs' options are theirs.
            let own = |line: &&str| {
                !["workaround", "docker run"]
                    .iter()
                    .any(|of| line.contains(of))
            };
            let text: Vec<&str> = text.lines().filter(own).collect();
            let text = text.join("\n").replace("\\-", "-");
            let marker = marker.replace("\\-", "-");
            for (_, long, _) in FLAGS {
                assert!(text.contains(&format!("{marker}{long}")), "{file}: {long}");
            }
            let named = text
                .match_indices(&marker)
                .map(|(at, _)| &text[at + marker.len()..])
                .map(|rest| {
                    rest.split(|c: char| !(c.is_ascii_lowercase() || c == '-'))
                        .next()
                        .unwrap()
                })
                .filter(|name| !name.is_empty());
            for name in named {
                assert!(
                    FLAGS.iter().any(|(_, long, _)| *long == name),
                    "{file}: --{name}"
                );
            }
        }
    }
}
