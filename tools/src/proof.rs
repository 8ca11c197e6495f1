//! Whether the hosts file is obeyed, shown by a lookup.

use std::fmt;
use std::net::IpAddr;

use anyhow::Result;
use hosts_edit::{Entry, Which};

use crate::hosts_file;
use crate::journal::Mechanism;
use crate::prove::{Addresses, NoProof, Seen, look_up, said_by, show, witness};
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
        mechanism: Mechanism,
    },
    /// It was led to the file, which has no entry that would tell.
    Asked(Mechanism),
    /// It was not led there.
    NotAsked(Mechanism),
    /// Something brought it down; what.
    Died(String),
    /// There could be no such process; why.
    Skipped(String),
}

impl Proof {
    /// Whether it shows that the workaround is not in force.
    pub(crate) fn contradicts(&self) -> bool {
        matches!(
            self,
            Self::Contradicted { .. } | Self::NotAsked(_) | Self::Died(_)
        )
    }
}

impl fmt::Display for Proof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Shown { name, got } => write!(f, "a fresh process got {} for {name}", show(got)),
            Self::Contradicted {
                name,
                want,
                seen,
                mechanism,
            } => {
                let (want, got) = (show(want), show(&seen.addresses));
                write!(
                    f,
                    "a fresh process got {got} for {name}, where {HOSTS} says {want}"
                )?;
                let rest = match (mechanism, seen.was_led_by(*mechanism)) {
                    (_, None) => "",
                    (Mechanism::Nss, Some(false)) => "; libc did not load the module",
                    (Mechanism::Nss, Some(true)) => {
                        "; libc did load the module, so look for what answers before it (nscd, sssd)"
                    }
                    (Mechanism::Patch, Some(false)) => "; it does not run on a patched library",
                    (Mechanism::Patch, Some(true)) => {
                        "; it runs on the patched library, so look for what answers before it (nscd, or a service ahead of files in /etc/nsswitch.conf)"
                    }
                };
                f.write_str(rest)
            }
            Self::Asked(mechanism) => {
                let how = match mechanism {
                    Mechanism::Nss => "asked the module",
                    Mechanism::Patch => "runs on the patched library",
                };
                write!(
                    f,
                    "a fresh process {how}; {HOSTS} has no entry of its own to look up"
                )
            }
            Self::NotAsked(Mechanism::Nss) => f.write_str("a fresh process did not ask the module"),
            Self::NotAsked(Mechanism::Patch) => {
                f.write_str("a fresh process does not run on a patched library")
            }
            Self::Died(how) => f.write_str(how),
            Self::Skipped(why) => write!(f, "not proven by a lookup: {why}"),
        }
    }
}

/// Looks an entry of the hosts file up; changes nothing.
pub(crate) fn prove(root: &Root, mechanism: Mechanism) -> Result<Proof> {
    let text = hosts_file::read(root)?;
    let etc_hosts = std::fs::read(root.resolve("/etc/hosts")?).unwrap_or_default();
    let Some((name, want)) = witness(&text, &etc_hosts) else {
        // Any name makes libc load its modules; this one takes it no further than a hosts file.
        return Ok(match look_up(root, "localhost") {
            Ok(seen) if seen.was_led_by(mechanism) == Some(false) => Proof::NotAsked(mechanism),
            Ok(_) => Proof::Asked(mechanism),
            Err(why) => why.into(),
        });
    };
    Ok(ask(root, name, want, mechanism))
}

impl From<NoProof> for Proof {
    fn from(why: NoProof) -> Self {
        match why {
            NoProof::NotStarted(why) => Self::Skipped(why),
            NoProof::Died(how) => Self::Died(how),
        }
    }
}

fn ask(root: &Root, name: String, mut want: Addresses, mechanism: Mechanism) -> Proof {
    let seen = match look_up(root, &name) {
        Ok(seen) => seen,
        Err(why) => return why.into(),
    };
    if seen.only_v4 {
        // A name that has none tells nothing.
        want.retain(IpAddr::is_ipv4);
        if want.is_empty() {
            return Proof::Asked(mechanism);
        }
    }
    if seen.addresses == want {
        return Proof::Shown { name, got: want };
    }
    Proof::Contradicted {
        name,
        want,
        seen,
        mechanism,
    }
}

/// Like [`prove`]; where the file has nothing to look up, an entry is put in for a moment.
pub(crate) fn prove_with_canary(root: &Root, mechanism: Mechanism) -> Result<Proof> {
    let proof = prove(root, mechanism)?;
    if !matches!(proof, Proof::Asked(_) | Proof::NotAsked(_)) {
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
    let proof = ask(root, name.into(), want, mechanism);
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
