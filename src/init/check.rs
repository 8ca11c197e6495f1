//! `--check`: what a start would do, without doing it.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, Read, Write};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use sys::file;

use super::jobs::{INSECURE_KEY, POST_HOOKS, PRE_HOOKS, RC_LOCAL, RUNSVDIR, SERVICES, WORKAROUND};
use super::linux::{entries, is_runnable};
use super::machine::{Limit, Plan};
use super::options::Options;
use super::settings::Settings;
use super::{services, start};
use crate::environment::Environment;
use crate::store::{Source, Store, reason};

/// A report under way.
struct Report {
    text: Vec<u8>,
    faults: usize,
}

impl Report {
    fn heading(&mut self, words: &str) {
        self.text.extend_from_slice(words.as_bytes());
        self.text.push(b'\n');
    }

    fn line(&mut self, parts: &[&[u8]]) {
        self.text.extend_from_slice(b"  ");
        for part in parts {
            self.text.extend_from_slice(part);
        }
        self.text.push(b'\n');
    }

    fn warning(&mut self, words: &str) {
        self.line(&[b"warning: ", words.as_bytes()]);
    }

    /// Something that a start would stumble over.
    fn fault(&mut self, subject: &OsStr, why: &str) {
        self.faults += 1;
        self.line(&[b"would fail: ", subject.as_bytes(), b": ", why.as_bytes()]);
    }
}

/// Prints what a start would do; 0, or 1 when something of it would fail.
pub(super) fn check(
    options: &Options,
    settings: &Settings,
    store: &Store,
    process: Environment,
    warnings: &[String],
) -> u8 {
    let plan = start::plan(options, true);
    let mut report = Report {
        text: Vec::new(),
        faults: 0,
    };
    let environment = of_environment(&mut report, store, process, warnings);
    if plan.workaround {
        report.heading("Hosts file:");
        report.line(&[WORKAROUND.as_bytes(), b" ensure --merge-runtime"]);
    }
    of_startup(&mut report, plan, settings);
    of_services(&mut report, plan);
    of_command(&mut report, options, &environment);
    of_shutdown(&mut report, plan, settings);
    let verdict = match report.faults {
        0 => "Nothing of this would fail.".to_owned(),
        1 => "1 thing would fail.".to_owned(),
        count => format!("{count} things would fail."),
    };
    report.heading(&verdict);
    // Who closes our standard output does not want to know.
    let written = io::stdout().lock().write_all(&report.text);
    u8::from(report.faults > 0 || written.is_err())
}

fn of_environment(
    report: &mut Report,
    store: &Store,
    process: Environment,
    warnings: &[String],
) -> Environment {
    report.heading("Environment:");
    let import = store.import(process);
    for (source, words) in [
        (Source::Process, "from the process"),
        (Source::Folder, "from the folder"),
    ] {
        let names: Vec<&[u8]> = import
            .sources()
            .filter(|(_, from)| *from == source)
            .map(|(name, _)| name)
            .collect();
        let count = format!("{} {words}: ", names.len());
        report.line(&[count.as_bytes(), &names.join(&b", "[..])]);
    }
    let removed: Vec<&[u8]> = import.removed().collect();
    if !removed.is_empty() {
        report.line(&[
            b"removed, as an earlier start exported them: ",
            &removed.join(&b", "[..]),
        ]);
    }
    if !import.has_folder() {
        let folder = store.folder().as_os_str().as_bytes();
        report.line(&[folder, b" does not exist, so nothing is exported"]);
    }
    for warning in import.warnings() {
        report.warning(&warning.to_string());
    }
    for warning in warnings {
        report.warning(warning);
    }
    import.environment().clone()
}

fn of_startup(report: &mut Report, plan: Plan, settings: &Settings) {
    report.heading("Startup files:");
    if plan.insecure_key {
        of_file(report, Path::new(INSECURE_KEY), Missing::Fails);
    }
    if plan.startup_files {
        of_folder(report, &settings.startup_folder);
        of_file(report, Path::new(RC_LOCAL), Missing::IsFine);
    } else {
        report.line(&[b"skipped"]);
    }
}

fn of_services(report: &mut Report, plan: Plan) {
    report.heading("Services:");
    if !plan.runit {
        report.line(&[b"skipped"]);
        return;
    }
    of_file(report, Path::new(RUNSVDIR), Missing::Fails);
    let folder = Path::new(SERVICES);
    match services::names_in(folder) {
        Ok(names) => {
            for name in names {
                of_service(report, &folder.join(name));
            }
        }
        Err(error) => report.warning(&format!("cannot read {SERVICES}: {}", reason(&error))),
    }
}

fn of_service(report: &mut Report, folder: &Path) {
    let name = folder.as_os_str();
    let run = folder.join("run");
    if let Some(why) = obstacle(&run) {
        // runsv tries once a second, for ever; nothing of ours fails.
        report.warning(&format!("{}: {why}", run.display()));
    } else if folder.join("down").exists() {
        report.line(&[name.as_bytes(), b" (down until `sv up`)"]);
    } else {
        report.line(&[name.as_bytes()]);
    }
}

fn of_command(report: &mut Report, options: &Options, environment: &Environment) {
    report.heading("Main command:");
    let Some(name) = options.command.first() else {
        report.line(&[b"none: the services are what the container is for"]);
        return;
    };
    match start::find(name, environment) {
        Some(path) => {
            let words: Vec<&[u8]> = options.command.iter().map(|word| word.as_bytes()).collect();
            report.line(&[&words.join(&b' ')]);
            if let Some(why) = obstacle(&path) {
                report.fault(path.as_os_str(), &why);
            }
        }
        None => report.fault(name, "no such program"),
    }
}

fn of_shutdown(report: &mut Report, plan: Plan, settings: &Settings) {
    report.heading("Shutdown:");
    if plan.runit {
        of_folder(report, Path::new(PRE_HOOKS));
        report.line(&[b"services"]);
        of_folder(report, Path::new(POST_HOOKS));
    }
    let seconds = |limit| settings.duration(limit).as_secs();
    let graces = format!(
        "{} s for the main command, as much for the services, {} s for each hook, {} s for the rest",
        seconds(Limit::Grace),
        seconds(Limit::Hook),
        seconds(Limit::Leftovers)
    );
    report.line(&[graces.as_bytes()]);
}

fn of_folder(report: &mut Report, folder: &Path) {
    match entries(folder) {
        Ok(paths) => {
            for path in paths {
                of_file(report, &path, Missing::IsFine);
            }
        }
        Err(error) => {
            report.warning(&format!(
                "cannot read {}: {}",
                folder.display(),
                reason(&error)
            ));
        }
    }
}

#[derive(Clone, Copy, PartialEq)]
enum Missing {
    IsFine,
    Fails,
}

fn of_file(report: &mut Report, path: &Path, missing: Missing) {
    let name = path.as_os_str();
    if is_runnable(path) {
        match obstacle(path) {
            None => report.line(&[name.as_bytes()]),
            Some(why) => report.fault(name, &why),
        }
    } else if missing == Missing::Fails {
        report.fault(name, "no such program");
    } else if path.is_file() {
        report.line(&[name.as_bytes(), b" (skipped: not executable)"]);
    } else if path.exists() {
        report.line(&[name.as_bytes(), b" (skipped: no regular file)"]);
    }
}

/// Why the file at `path` could not be run; none if it could.
fn obstacle(path: &Path) -> Option<String> {
    if let Err(error) = file::may_execute(path) {
        return Some(reason(&error));
    }
    let interpreter = interpreter(path)?;
    match file::may_execute(&interpreter) {
        Ok(()) => None,
        Err(error) => Some(format!(
            "its interpreter {} cannot be run: {}",
            interpreter.display(),
            reason(&error)
        )),
    }
}

/// What the `#!` line names. A file that cannot be read has none that we know of.
///
/// # Source
///
/// execve(2): the first 256 bytes count, and blanks around the name do not.
fn interpreter(path: &Path) -> Option<PathBuf> {
    let mut head = Vec::new();
    File::open(path)
        .ok()?
        .take(256)
        .read_to_end(&mut head)
        .ok()?;
    let line = head
        .strip_prefix(b"#!")?
        .split(|&byte| byte == b'\n')
        .next()?
        .trim_ascii();
    let name = line
        .split(|&byte| byte == b' ' || byte == b'\t')
        .next()
        .filter(|name| !name.is_empty())?;
    Some(Path::new(OsStr::from_bytes(name)).to_owned())
}
