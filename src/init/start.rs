//! From the command line to the driver.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use sys::signals::{self, Signals};
use sys::{file, process};

use super::check;
use super::driver::Driver;
use super::jobs::{SERVICES, WORKAROUND};
use super::linux::{Linux, is_runnable, paths_of};
use super::log::Message;
use super::machine::Plan;
use super::options::{self, Options, Request};
use super::settings::Settings;
use crate::environment::Environment;
use crate::store::{Store, reason};

/// The exit status for a command line that cannot be understood.
const USAGE: u8 = 2;

/// That a run of the workaround is to be looked after: the record of what it has changed.
const WORKAROUND_JOURNAL: &str = "/var/lib/workaround-docker-2267/journal";

/// All of `my_init`: its arguments, without its name, to its exit status.
#[must_use]
pub fn main(arguments: &mut dyn Iterator<Item = OsString>) -> u8 {
    // Before anything else: to PID 1 the kernel delivers no signal that is neither blocked nor
    // handled, so that an early SIGTERM would be lost.
    let signals = match Signals::collect() {
        Ok(signals) => signals,
        Err(error) => {
            let line = format!("*** cannot collect signals: {}\n", reason(&error));
            return refuse(&line, 1);
        }
    };
    signals::reset_dispositions();
    let arguments: Vec<OsString> = arguments.collect();
    let mut options = match options::parse(&arguments) {
        Ok(Request::Help) => return print(&options::help()),
        Ok(Request::Version) => return print(options::version()),
        Ok(Request::Run(options)) => options,
        Err(usage) => return refuse(&usage, USAGE),
    };
    let environment = Environment::from_os(std::env::vars_os());
    let mut warnings = Vec::new();
    while let Some(inner) = inner_arguments(&options, &environment) {
        match options::parse(inner) {
            Ok(Request::Help) => return print(&options::help()),
            Ok(Request::Version) => return print(options::version()),
            Ok(Request::Run(inner)) => options = options.with_inner(inner),
            Err(usage) => return refuse(&usage, USAGE),
        }
        warnings = vec![
            "my_init was to start my_init once more. Taking the arguments of the inner one as its own."
                .to_owned(),
        ];
    }
    if options.skip_runit && options.command.is_empty() {
        let line = "*** When --skip-runit is given, you must also pass a main command.\n";
        return refuse(line, 1);
    }
    let (settings, unread) = Settings::from_environment(&environment);
    warnings.extend(unread);
    let store = Store::system();
    if options.check {
        return check::check(&options, &settings, &store, environment, &warnings);
    }
    run(signals, options, settings, store, environment, &warnings)
}

fn run(
    signals: Signals,
    options: Options,
    settings: Settings,
    store: Store,
    environment: Environment,
    warnings: &[String],
) -> u8 {
    let pid = process::own_pid();
    let plan = plan(&options, pid == 1);
    let kernel = Linux::new(signals, store, environment, SERVICES.into());
    let mut driver = Driver::new(kernel, plan, settings, options.quiet, options.command);
    for warning in warnings {
        driver.say(&Message::warning(warning));
    }
    if pid != 1 {
        match process::become_subreaper() {
            Ok(()) => driver.say(&Message::info(&format!(
                "Running as PID {pid}, not as PID 1: reaping and ending only what was started here."
            ))),
            Err(error) => driver.say(&Message::warning(&format!(
                "cannot become a child subreaper: {}. Orphans go to PID 1.",
                reason(&error)
            ))),
        }
    }
    driver.run()
}

pub(super) fn plan(options: &Options, pid_one: bool) -> Plan {
    Plan {
        workaround: is_workaround_in_force(),
        insecure_key: options.insecure_key,
        startup_files: !options.skip_startup_files,
        runit: !options.skip_runit,
        main_command: !options.command.is_empty(),
        kill_all: !options.no_kill_all,
        pid_one,
    }
}

fn is_workaround_in_force() -> bool {
    file::may_execute(Path::new(WORKAROUND)).is_ok() && Path::new(WORKAROUND_JOURNAL).exists()
}

/// The arguments of an inner `my_init`: an image with an ENTRYPOINT inherits the CMD of its base.
fn inner_arguments<'a>(options: &'a Options, environment: &Environment) -> Option<&'a [OsString]> {
    let (command, arguments) = options.command.split_first()?;
    // Without /proc there is no telling.
    let own = identity(Path::new("/proc/self/exe"))?;
    let other = find(command, environment).and_then(|path| identity(&path))?;
    (own == other).then_some(arguments)
}

fn identity(path: &Path) -> Option<(u64, u64)> {
    let metadata = fs::metadata(path).ok()?;
    Some((metadata.dev(), metadata.ino()))
}

/// The file that `command` would run.
pub(super) fn find(command: &OsStr, environment: &Environment) -> Option<PathBuf> {
    let mut paths = paths_of(command, environment).into_iter();
    paths.find(|path| is_runnable(path))
}

fn print(text: &str) -> u8 {
    match io::stdout().lock().write_all(text.as_bytes()) {
        Ok(()) => 0,
        Err(error) => refuse(&format!("my_init: cannot write: {}\n", reason(&error)), 1),
    }
}

/// Tells why nothing is started. A closed standard error changes nothing about that.
fn refuse(text: &str, status: u8) -> u8 {
    let _ = io::stderr().lock().write_all(text.as_bytes());
    status
}
