//! `workaround-docker-2267`: makes the programs of a container obey a hosts file of its own.
//!
//! | file | is |
//! |---|---|
//! | `cli`, `report`, `failure` | what people see: options, output, exit statuses |
//! | `root`, `copies`, `inspect`, `dpkg`, `processes` | the system worked on: paths inside a root, its C libraries, what dpkg and `/proc` know of them |
//! | `mechanism` | what is to change, for each of the two ways |
//! | `nsswitch` | the `hosts` line of nsswitch.conf; bytes in, bytes out |
//! | `elf`, `plan` | the path in a library; bytes in, bytes out |
//! | `apply`, `session`, `commit`, `revert` | what is done when: stage, journal, commit, prove, undo |
//! | `journal` | what was done, and how to undo it |
//! | `staging` | a rehearsal in a throw-away root |
//! | `prove`, `proof` | what a fresh process gets, and what that shows |
//! | `status`, `libraries` | `status` and `verify` |
//! | `hosts_file`, `entries` | the hosts file: made, read, edited under a lock |
#![forbid(unsafe_code)]

mod apply;
mod cli;
mod commit;
mod copies;
mod dpkg;
mod elf;
mod entries;
mod failure;
mod hosts_file;
mod inspect;
mod journal;
mod libraries;
mod mechanism;
mod nsswitch;
mod plan;
mod processes;
mod proof;
mod prove;
mod report;
mod revert;
mod root;
mod session;
mod staging;
mod status;

use std::io;
use std::process::ExitCode;

use anyhow::Result;
use clap::{CommandFactory, Parser};
use serde_json::json;

use crate::apply::Done;
use crate::cli::{Cli, HostsTask, How, Task};
use crate::failure::Ending;
use crate::journal::Mechanism;
use crate::proof::Proof;
use crate::report::Report;
use crate::root::{HOSTS, Root};

fn main() -> ExitCode {
    let cli = Cli::parse();
    match run(cli) {
        Ok(None) => ExitCode::SUCCESS,
        Ok(Some(ending)) => ending.into(),
        Err(error) => {
            report::error(&error);
            failure::ending_of(&error).into()
        }
    }
}

/// Does what was asked; an ending that is no error has been reported already.
fn run(cli: Cli) -> Result<Option<Ending>> {
    let report = Report {
        json: cli.options.json,
        quiet: cli.options.quiet,
    };
    let task = cli.command.unwrap_or(Task::Apply(cli.how));
    // These two need no system to work on.
    match &task {
        Task::Lookup { name } => {
            prove::answer(name, &mut io::stdout().lock())?;
            return Ok(None);
        }
        Task::Completions { shell } => {
            let command = &mut Cli::command();
            clap_complete::generate(*shell, command, "workaround-docker-2267", &mut io::stdout());
            return Ok(None);
        }
        _ => {}
    }
    let root = Root::new(&cli.options.root)?;
    match task {
        Task::Apply(how) if how.dry_run => dry_run(&root, &report, &how)?,
        Task::Apply(how) => {
            let done = apply::apply(&root, how.mechanism)?;
            let by = done.mechanism.map_or("", Mechanism::name);
            let verdict = match &done.proof {
                Some(proof @ Proof::Skipped(_)) => format!("applied ({by}), but {proof}"),
                Some(proof) => format!("in force ({by}): {proof}"),
                None => format!("in force ({by})"),
            };
            tell(&report, &done, &verdict);
        }
        Task::Ensure { merge_runtime } => {
            tell(&report, &apply::ensure(&root, merge_runtime)?, "");
        }
        Task::Revert => tell(&report, &apply::revert(&root)?, ""),
        Task::Status => {
            let status = status::status(&root)?;
            report.facts(&status.facts, status.in_force, || status.to_json());
            return Ok((!status.in_force).then_some(Ending::NotInForce));
        }
        Task::Verify { name, address } => {
            let verdict = status::verify(&root, &name, address)?;
            report.say(&verdict.text, || verdict.json.clone());
            return Ok((!verdict.holds).then_some(Ending::NotInForce));
        }
        Task::Hosts(task) => hosts(&root, &report, task)?,
        Task::Lookup { .. } | Task::Completions { .. } => {}
    }
    Ok(None)
}

fn tell(report: &Report, done: &Done, verdict: &str) {
    let mut lines = done.steps.clone();
    lines.extend((!verdict.is_empty()).then(|| verdict.to_owned()));
    let proof = done.proof.as_ref().map(ToString::to_string);
    if report.json || !lines.is_empty() {
        report.say(
            &lines.join("\n"),
            || json!({"steps": done.steps, "mechanism": done.mechanism.map(Mechanism::name), "proof": proof}),
        );
    }
}

fn dry_run(root: &Root, report: &Report, how: &How) -> Result<()> {
    let plan = apply::plan(root, how.mechanism)?;
    let changes: Vec<String> = plan.due.iter().map(report::change).collect();
    let mut rows = plan.notes.clone();
    rows.extend(changes.iter().cloned());
    if changes.is_empty() {
        rows.push("nothing to change".into());
    }
    report.say(
        &rows.join("\n"),
        || json!({"mechanism": plan.mechanism.name(), "notes": plan.notes, "changes": changes}),
    );
    Ok(())
}

fn hosts(root: &Root, report: &Report, task: HostsTask) -> Result<()> {
    match task {
        HostsTask::Add {
            address,
            names,
            owner,
        } => {
            let added = entries::add(root, &address, &names, owner.as_deref())?;
            let what = if added { "added to" } else { "already in" };
            let name = names.join(" ");
            report.say(
                &format!("{address} {name}: {what} {HOSTS}"),
                || json!({"added": added}),
            );
        }
        HostsTask::Remove { what, owner } => {
            let count = entries::remove(root, what.as_deref(), owner.as_deref())?;
            let lines = if count == 1 { "line" } else { "lines" };
            report.say(
                &format!("removed from {count} {lines} of {HOSTS}"),
                || json!({"lines": count}),
            );
        }
        HostsTask::Replace { owner } => {
            let count = entries::replace(root, &owner, &mut io::stdin().lock())?;
            report.say(
                &format!("{owner} has {count} entries in {HOSTS}"),
                || json!({"entries": count}),
            );
        }
        HostsTask::List { owner } => {
            let entries = entries::list(root, owner.as_deref())?;
            if report.json {
                report.say("", || {
                    entries.iter().map(|entry| entry.json.clone()).collect()
                });
            } else {
                for entry in entries {
                    report::raw(&entry.text);
                }
            }
        }
    }
    Ok(())
}
