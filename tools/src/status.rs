//! `status` and `verify`: what is in force, as facts and as a lookup shows it.

use std::fs;
use std::io;
use std::net::IpAddr;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use anyhow::Result;
use hosts_edit::lines;
use serde_json::{Value, json};

use crate::explain;
use crate::extras;
use crate::hosts_file;
use crate::journal::{Journal, Mechanism};
use crate::libraries::{self, Described, State};
use crate::mechanism::nss::read_nsswitch;
use crate::mechanism::patch::{self, LINK};
use crate::nsswitch::{self, Position};
use crate::proof::{self, Proof};
use crate::prove::{Addresses, all_said_by, look_up, show};
use crate::root::{FOLDER, HOSTS, NSSWITCH, Root};

/// One thing that has to hold, and whether it does.
pub(crate) struct Fact {
    pub(crate) name: &'static str,
    pub(crate) holds: bool,
    pub(crate) text: String,
}

/// The state of the workaround.
pub(crate) struct Status {
    pub(crate) in_force: bool,
    pub(crate) facts: Vec<Fact>,
    json: Value,
}

impl Status {
    pub(crate) fn to_json(&self) -> Value {
        self.json.clone()
    }
}

/// Finds out; changes nothing, and needs no privileges.
pub(crate) fn status(root: &Root) -> Result<Status> {
    let text = read_nsswitch(root)?;
    let position = nsswitch::position(text.as_deref().unwrap_or_default());
    let journal = Journal::load(root)?;
    let libraries = libraries::describe(root, journal.as_ref())?;
    let mechanism = mechanism(journal.as_ref(), position, &libraries);
    // Without a mechanism, what is missing is what the first choice would need.
    let wanted = mechanism.unwrap_or(Mechanism::Nss);
    // What keeps it from being read is told by the facts.
    let proof =
        proof::prove(root, wanted).unwrap_or_else(|error| Proof::Skipped(format!("{error:#}")));
    let mut facts = match wanted {
        Mechanism::Nss => vec![module(root)?, nsswitch_fact(position)],
        Mechanism::Patch => vec![link(root)],
    };
    facts.extend(libraries.iter().map(|library| Fact {
        name: "library",
        holds: wanted == Mechanism::Nss || library.serves,
        text: library.text(),
    }));
    facts.push(hosts(root)?);
    facts.extend(extras::facts(root, wanted)?);
    facts.push(Fact {
        name: "proof",
        holds: !proof.contradicts(),
        text: proof.to_string(),
    });
    let in_force = facts.iter().all(|fact| fact.holds);
    let json = json!({
        "in_force": in_force,
        "mechanism": mechanism.map(Mechanism::name),
        "applied_by_command": journal.is_some(),
        "libraries": libraries.iter().map(Described::to_json).collect::<Vec<_>>(),
        "facts": facts.iter().map(fact_json).collect::<Vec<_>>(),
        "proof": proof_json(&proof),
    });
    Ok(Status {
        in_force,
        facts,
        json,
    })
}

/// What was chosen, or, in an image without its journal, what is found.
fn mechanism(
    journal: Option<&Journal>,
    position: Position,
    libraries: &[Described],
) -> Option<Mechanism> {
    let is_patched = |library: &Described| matches!(library.state, State::Patched { .. });
    if let Some(journal) = journal {
        Some(journal.mechanism)
    } else if libraries.iter().any(is_patched) {
        Some(Mechanism::Patch)
    } else {
        (position == Position::First).then_some(Mechanism::Nss)
    }
}

fn nsswitch_fact(position: Position) -> Fact {
    Fact {
        name: "nsswitch",
        holds: position == Position::First,
        text: match position {
            Position::First => format!("{NSSWITCH} asks workaround first"),
            Position::Behind => {
                format!("{NSSWITCH} asks others before workaround; apply moves it")
            }
            Position::Absent => format!("{NSSWITCH} does not ask workaround; apply adds it"),
            Position::NoLine => format!("{NSSWITCH} has no hosts line; apply adds one"),
        },
    }
}

fn link(root: &Root) -> Fact {
    let (holds, text) = match patch::link_target(root) {
        Ok(Some(target)) => {
            let leads = format!("{LINK} leads to {}", target.display());
            if target == Path::new(FOLDER) {
                (true, leads)
            } else {
                (false, format!("{leads} instead of {FOLDER}"))
            }
        }
        Ok(None) => (false, format!("{LINK} does not exist; apply makes it")),
        Err(error) => (false, format!("{error:#}")),
    };
    Fact {
        name: "link",
        holds,
        text,
    }
}

fn fact_json(fact: &Fact) -> Value {
    json!({"name": fact.name, "holds": fact.holds, "text": fact.text})
}

fn module(root: &Root) -> Result<Fact> {
    let libcs = root.libcs()?;
    let mut paths = Vec::new();
    let mut fault = libcs
        .is_empty()
        .then(|| "no glibc for x86_64 or aarch64 here".to_owned());
    for libc in libcs {
        match root.module(libc.arch) {
            Ok(path) => paths.push(format!(
                "{} for glibc {}.{}",
                path.display(),
                libc.version.0,
                libc.version.1
            )),
            Err(error) => fault = Some(format!("{error:#}")),
        }
    }
    Ok(Fact {
        name: "module",
        holds: fault.is_none(),
        text: fault.unwrap_or_else(|| paths.join(", ")),
    })
}

/// The hosts file: whether everybody can read it, and what it holds.
fn hosts(root: &Root) -> Result<Fact> {
    let path = hosts_file::path(root)?;
    let fact = |holds, text| {
        Ok(Fact {
            name: "hosts",
            holds,
            text,
        })
    };
    let metadata = match fs::metadata(&path) {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return fact(
                true,
                format!("{HOSTS} does not exist yet; nothing is answered from it"),
            );
        }
        Err(error) => return fact(false, format!("{HOSTS}: {error}")),
    };
    if !metadata.is_file() {
        return fact(
            false,
            format!("{HOSTS} is no regular file; lookups pass it by"),
        );
    }
    let folder = root.resolve(FOLDER)?;
    if let Some(closed) = closed_to_others(&folder, &path)? {
        return fact(
            false,
            format!("{closed} is not readable by all; `chmod a+rX {FOLDER} {HOSTS}`"),
        );
    }
    let text = match fs::read(&path) {
        Ok(text) => text,
        Err(error) => return fact(false, format!("{HOSTS}: {error}")),
    };
    let entries = lines(&text).filter(|line| line.subject().is_some()).count();
    let noun = if entries == 1 { "entry" } else { "entries" };
    let skipped = lines(&text)
        .find(|line| hosts::words(line.text).next().is_some() && line.subject().is_none());
    let note = skipped.map_or(String::new(), |line| {
        format!(
            "; line {} is skipped, as its first word is no address",
            line.number
        )
    });
    fact(
        true,
        format!("{HOSTS}, {entries} {noun}, readable by all{note}"),
    )
}

/// The first of the two that a non-root user could not get through.
fn closed_to_others<'a>(
    folder: &'a Path,
    file: &'a Path,
) -> Result<Option<std::path::Display<'a>>> {
    let lacks =
        |path: &Path, bit: u32| -> Result<bool> { Ok(fs::metadata(path)?.mode() & bit == 0) };
    if folder.exists() && lacks(folder, 0o001)? {
        return Ok(Some(folder.display()));
    }
    if lacks(file, 0o004)? {
        return Ok(Some(file.display()));
    }
    Ok(None)
}

fn proof_json(proof: &Proof) -> Value {
    let texts = |addresses: &Addresses| addresses.iter().map(IpAddr::to_string).collect::<Vec<_>>();
    match proof {
        Proof::Shown { name, got } => json!({"result": "shown", "name": name, "got": texts(got)}),
        Proof::Contradicted {
            name, want, seen, ..
        } => json!({
            "result": "contradicted", "name": name, "expected": texts(want),
            "got": texts(&seen.addresses), "module_loaded": seen.module,
            "library_patched": seen.patched,
        }),
        Proof::Asked(_) => json!({"result": "asked"}),
        Proof::NotAsked(_) => json!({"result": "not asked"}),
        Proof::Died(how) => json!({"result": "died", "reason": how}),
        Proof::Skipped(why) => json!({"result": "skipped", "reason": why}),
    }
}

/// What `verify` found.
pub(crate) struct Verdict {
    pub(crate) holds: bool,
    pub(crate) text: String,
    pub(crate) json: Value,
}

/// Whether a fresh process gets for `name` what the hosts file says, or `address`.
pub(crate) fn verify(root: &Root, name: &str, address: Option<IpAddr>) -> Result<Verdict> {
    let texts = explain::read(root)?;
    let said = all_said_by(&texts, name.as_bytes());
    let want = address.map_or_else(|| said.clone(), |address| Addresses::from([address]));
    let seen =
        look_up(root, name).map_err(|why| anyhow::anyhow!("cannot look {name} up: {why}"))?;
    let got = show(&seen.addresses);
    let (holds, text) = if want.is_empty() && explain::is_refused(&texts, name) {
        let text = if seen.addresses.is_empty() {
            format!("{name} is not found, as {HOSTS} or hosts.d refuses it")
        } else {
            format!("{name} is {got} for a fresh process, where the files refuse it")
        };
        (seen.addresses.is_empty(), text)
    } else if want.is_empty() {
        let remedy = format!("add it with `workaround-docker-2267 hosts add ADDRESS {name}`");
        (
            false,
            format!("{name} is not in {HOSTS}; a fresh process got {got}; {remedy}"),
        )
    } else if want.is_subset(&seen.addresses) && (address.is_some() || want == seen.addresses) {
        (true, format!("{name} is {got}"))
    } else {
        let (want, source) = (
            show(&want),
            if address.is_some() {
                "was expected"
            } else {
                "is in the hosts file"
            },
        );
        let was_led = seen.module.zip(seen.patched).map(|(a, b)| a || b);
        let remedy = match (was_led, want == show(&said)) {
            (Some(false), _) => {
                "; libc neither loaded the module nor is patched: see `workaround-docker-2267 status`, then apply"
            }
            (_, false) => "; the hosts file says otherwise",
            _ => "",
        };
        (
            false,
            format!("{name} is {got} for a fresh process, where {want} {source}{remedy}"),
        )
    };
    let texts = |addresses: &Addresses| addresses.iter().map(IpAddr::to_string).collect::<Vec<_>>();
    let json = json!({
        "holds": holds, "name": name, "expected": texts(&want), "got": texts(&seen.addresses),
        "module_loaded": seen.module, "library_patched": seen.patched,
    });
    Ok(Verdict { holds, text, json })
}
