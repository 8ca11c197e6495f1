//! Whether the hosts file is obeyed, shown by a lookup.

use std::fmt;

use anyhow::Result;
use hosts_edit::{Entry, Which};

use crate::hosts_file;
use crate::prove::{Addresses, Seen, look_up, said_by, show, witness};
use crate::root::{HOSTS, Root};

/// The owner of an entry that lives as long as one lookup.
const CANARY: &[u8] = b"workaround-docker-2267-canary";

/// What a fresh process showed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Proof {
    /// It got for `name` what the hosts file says.
    Shown { name: String, got: Addresses },
    /// It got something else.
    Contradicted {
        name: String,
        want: Addresses,
        seen: Seen,
    },
    /// It asked the module, but the file has no entry that would tell.
    Asked,
    /// Its C library did not load the module.
    NotAsked,
    /// There could be no such process; why.
    Skipped(String),
}

impl fmt::Display for Proof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Shown { name, got } => write!(f, "a fresh process got {} for {name}", show(got)),
            Self::Contradicted { name, want, seen } => {
                let (want, got) = (show(want), show(&seen.addresses));
                write!(
                    f,
                    "a fresh process got {got} for {name}, where {HOSTS} says {want}"
                )?;
                match seen.module {
                    Some(false) => f.write_str("; libc did not load the module"),
                    Some(true) => f.write_str("; libc did load the module, so look for what answers before it (nscd, sssd)"),
                    None => Ok(()),
                }
            }
            Self::Asked => write!(
                f,
                "a fresh process asked the module; {HOSTS} has no entry of its own to look up"
            ),
            Self::NotAsked => f.write_str("a fresh process did not ask the module"),
            Self::Skipped(why) => write!(f, "not proven by a lookup: {why}"),
        }
    }
}

/// Looks an entry of the hosts file up; changes nothing.
pub(crate) fn prove(root: &Root) -> Result<Proof> {
    let text = hosts_file::read(root)?;
    let etc_hosts = std::fs::read(root.resolve("/etc/hosts")?).unwrap_or_default();
    let Some((name, want)) = witness(&text, &etc_hosts) else {
        // Any name makes libc load its modules; this one takes it no further than /etc/hosts.
        return Ok(match look_up(root, "localhost") {
            Ok(Seen {
                module: Some(false),
                ..
            }) => Proof::NotAsked,
            Ok(_) => Proof::Asked,
            Err(why) => Proof::Skipped(why.to_string()),
        });
    };
    Ok(ask(root, name, want))
}

fn ask(root: &Root, name: String, want: Addresses) -> Proof {
    match look_up(root, &name) {
        Ok(seen) if seen.addresses == want => Proof::Shown { name, got: want },
        Ok(seen) => Proof::Contradicted { name, want, seen },
        Err(why) => Proof::Skipped(why.to_string()),
    }
}

/// Like [`prove`]; where the file has nothing to look up, an entry is put in for a moment.
pub(crate) fn prove_with_canary(root: &Root) -> Result<Proof> {
    let proof = prove(root)?;
    if !matches!(proof, Proof::Asked | Proof::NotAsked) {
        return Ok(proof);
    }
    let canary = canary()?;
    let name = "canary.workaround-docker-2267.invalid";
    let added = hosts_file::edit(root, |text| Ok(hosts_edit::add(text, &canary)));
    if added.is_err() {
        // A file that cannot be written (a mounted ConfigMap) cannot be proven that way.
        return Ok(proof);
    }
    let want = said_by(&canary.to_line(), name.as_bytes());
    let proof = ask(root, name.into(), want);
    remove_canary(root)?;
    Ok(proof)
}

fn canary() -> Result<Entry> {
    // Any address would do; one that no other canary has shows that this one was read.
    let [_, a, b, c] = std::process::id().to_be_bytes();
    let address = format!("127.{a}.{b}.{c}");
    let words: [&[u8]; 2] = [address.as_bytes(), b"canary.workaround-docker-2267.invalid"];
    Ok(Entry::new(&words, Some(CANARY))?)
}

/// Takes the canary out; also one that a killed run left.
pub(crate) fn remove_canary(root: &Root) -> Result<()> {
    let (_, changed) = hosts_edit::remove(&hosts_file::read(root)?, Which::All, Some(CANARY));
    if changed > 0 {
        hosts_file::edit(root, |text| {
            Ok(Some(hosts_edit::remove(text, Which::All, Some(CANARY)).0))
        })?;
    }
    Ok(())
}
