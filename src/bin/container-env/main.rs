//! `container-env`: the environment store, for people, cron jobs and `docker exec`.
#![forbid(unsafe_code)]
#![no_main]

mod cli;

use std::ffi::{CString, OsStr, OsString};
use std::io::{self, Read, Write};
use std::os::unix::ffi::{OsStrExt, OsStringExt};

use anyhow::{Context, Result, bail};
use baseimage::environment::Environment;
use baseimage::store::{self, Store, Warning};
use clap::{CommandFactory, Parser};

use crate::cli::{Cli, Format, Task};

sys::main!(program);

/// `run` itself failed, as for env(1), chroot(1) and the like.
const NOT_RUN: u8 = 125;

fn program(arguments: &mut dyn Iterator<Item = OsString>) -> u8 {
    let name = OsString::from("container-env");
    let cli = match Cli::try_parse_from([name].into_iter().chain(arguments)) {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version are of this kind too. Who cannot be told cannot be told.
            let _ = error.print();
            return u8::try_from(error.exit_code()).unwrap_or(2);
        }
    };
    let store = Store::system();
    let failed = if matches!(cli.task, Task::Run { .. }) {
        NOT_RUN
    } else {
        1
    };
    match perform(&store, cli.task) {
        Ok(status) => status,
        Err(error) => {
            complain(&format!("{error:#}"));
            failed
        }
    }
}

/// Does what was asked; its exit status.
fn perform(store: &Store, task: Task) -> Result<u8> {
    match task {
        Task::Run { command } => return run(store, command),
        Task::List { format } => {
            let environment = load(store)?;
            print(&match format {
                Format::Sh => store::to_shell(&environment),
                Format::Json => [store::to_json(&environment), b"\n".to_vec()].concat(),
                Format::Nul => {
                    let strings = environment.strings();
                    strings
                        .flat_map(|string| [string, vec![0]].concat())
                        .collect()
                }
            })?;
        }
        Task::Get { name } => {
            let environment = load(store)?;
            match environment.get(name.as_bytes()) {
                Some(value) => print(&[value, b"\n"].concat())?,
                None => return Ok(1),
            }
        }
        Task::Set { name, value } => {
            let value = value_of(&name, value)?;
            store.set(name.as_bytes(), &value)?;
            refresh(store)?;
        }
        Task::Unset { names } => {
            for name in names {
                store.unset(name.as_bytes())?;
            }
            refresh(store)?;
        }
        Task::Refresh => refresh(store)?,
        Task::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Cli::command(), "container-env", &mut script);
            print(&script)?;
        }
    }
    Ok(0)
}

/// Becomes `command`, with the variables of the store over those of the caller.
fn run(store: &Store, command: Vec<OsString>) -> Result<u8> {
    let mut environment = Environment::from_os(std::env::vars_os());
    for (name, value) in load(store)?.iter() {
        environment.insert(name, value).ok();
    }
    let words = command
        .into_iter()
        .map(|word| CString::new(word.into_vec()));
    let words: Vec<CString> = words.collect::<Result<_, _>>()?;
    let error = baseimage::exec::exec(&words, &environment);
    complain(&error.to_string());
    Ok(error.status())
}

/// The value to set: the word itself, standard input for `-`, the caller's own variable without.
fn value_of(name: &OsStr, value: Option<OsString>) -> Result<Vec<u8>> {
    match value {
        Some(value) if value != "-" => Ok(value.into_vec()),
        Some(_) => {
            // Somewhat more than any value can be, so that a longer one is refused for its length.
            let most = u64::try_from(sys::exec::longest_string())?.saturating_add(2);
            let mut value = Vec::new();
            let stdin = io::stdin().lock();
            stdin
                .take(most)
                .read_to_end(&mut value)
                .context("cannot read standard input")?;
            if value.last() == Some(&b'\n') {
                value.pop();
            }
            Ok(value)
        }
        None => match std::env::var_os(name) {
            Some(value) => Ok(value.into_vec()),
            None => bail!(
                "cannot set {0}: no value given, and no variable {0} here to take it from; write `set {0} VALUE`, or `set {0} -` for standard input",
                name.to_string_lossy()
            ),
        },
    }
}

fn load(store: &Store) -> Result<Environment> {
    let (environment, warnings) = store.load()?;
    warn(&warnings);
    Ok(environment)
}

fn refresh(store: &Store) -> Result<()> {
    warn(&store.refresh(&Environment::from_os(std::env::vars_os()))?);
    Ok(())
}

fn print(bytes: &[u8]) -> Result<()> {
    let mut out = io::stdout().lock();
    let written = out.write_all(bytes).and_then(|()| out.flush());
    written.context("cannot write to standard output")
}

fn warn(warnings: &[Warning]) {
    for warning in warnings {
        complain(&format!("warning: {warning}"));
    }
}

fn complain(text: &str) {
    // Who cannot be told cannot be told.
    let _ = io::stderr()
        .lock()
        .write_all(format!("container-env: {text}\n").as_bytes());
}
