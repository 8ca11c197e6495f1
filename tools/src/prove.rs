//! What a fresh process gets from the system's own C library.
//!
//! Nothing here reasons about files: the command runs itself again, inside the root if there is
//! one, and has libc's `getaddrinfo` look a name up.

use std::collections::BTreeSet;
use std::ffi::{CString, OsStr};
use std::fmt;
use std::fs;
use std::io::{self, Write};
use std::net::{IpAddr, ToSocketAddrs};
use std::os::unix::ffi::OsStrExt;
use std::time::Duration;

use hosts::{Address, Family, Hosts, Question, Resolution};
use hosts_edit::lines;
use memchr::memmem;

use crate::explain::Text;
use crate::journal::Mechanism;
use crate::plan::NEW;
use crate::root::Root;

/// The hidden subcommand of the fresh process.
pub(crate) const LOOKUP: &str = "internal-lookup";

/// Longer than any resolver's patience with a dead DNS server (resolv.conf(5): 2 tries of 5 s on
/// each of 3 servers).
const LIMIT: Duration = Duration::from_secs(35);

/// Addresses, as a set: libc sorts its list.
pub(crate) type Addresses = BTreeSet<IpAddr>;

/// The program that stands in where this one cannot run.
pub(crate) const GETENT: &str = "/usr/bin/getent";

/// What the fresh process saw.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Seen {
    pub(crate) addresses: Addresses,
    /// Whether the module was in its memory; `None` where it could not tell.
    pub(crate) module: Option<bool>,
    /// Whether a patched library was; `None` where it could not tell.
    pub(crate) patched: Option<bool>,
    /// It could see IPv4 addresses only.
    pub(crate) only_v4: bool,
}

impl Seen {
    /// Whether it was led to the hosts file by `mechanism`; `None` where it could not tell.
    pub(crate) fn was_led_by(&self, mechanism: Mechanism) -> Option<bool> {
        match mechanism {
            Mechanism::Nss => self.module,
            Mechanism::Patch => self.patched,
        }
    }
}

/// Why there is no answer.
#[derive(Debug)]
pub(crate) enum NoProof {
    /// There could be no such process.
    NotStarted(String),
    /// Something brought it down.
    Died(String),
}

impl fmt::Display for NoProof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotStarted(why) | Self::Died(why) => f.write_str(why),
        }
    }
}

/// Looks `name` up in a fresh process: this program, or, in a tree that it cannot run in, the
/// tree's own `getent`.
pub(crate) fn look_up(root: &Root, name: &str) -> Result<Seen, NoProof> {
    let output = sys::child::run_self(root.path(), &[LOOKUP, name], LIMIT);
    match answered(root, output) {
        Err(NoProof::NotStarted(why)) if !root.is_this_system() => {
            let has_getent = root.resolve(GETENT).is_ok_and(|path| path.exists());
            if has_getent {
                ask_getent(root, name)
            } else {
                Err(NoProof::NotStarted(why))
            }
        }
        answer => Ok(seen(&answer?)),
    }
}

/// Looks `name` up with the `getent` of a tree. Of IPv6 it shows no more than the machine's own
/// network could reach, so it is asked for IPv4.
pub(crate) fn ask_getent(root: &Root, name: &str) -> Result<Seen, NoProof> {
    let program = CString::new(GETENT).unwrap_or_default();
    let name = CString::new(name).unwrap_or_default();
    let output = sys::child::run_in(root.path(), &program, &[c"ahostsv4", &name], LIMIT);
    let text = match output {
        // getent(1): the name was not found.
        Ok(output) if output.status == Some(2) => String::new(),
        output => answered(root, output)?,
    };
    let addresses = text
        .lines()
        .filter_map(|line| line.split_whitespace().next()?.parse().ok());
    Ok(Seen {
        addresses: addresses.collect(),
        module: None,
        patched: None,
        only_v4: true,
    })
}

fn answered(root: &Root, output: io::Result<sys::child::Output>) -> Result<String, NoProof> {
    let output = output.map_err(|error| NoProof::NotStarted(why_not(root, &error)))?;
    match output.status {
        Some(0) => Ok(String::from_utf8_lossy(&output.stdout).into_owned()),
        // A loader that misses a library exits; it does not crash.
        Some(status) => Err(NoProof::NotStarted(format!(
            "the process that was to look a name up ended with status {status}"
        ))),
        None => Err(NoProof::Died(
            "a signal ended the process that looked a name up".into(),
        )),
    }
}

fn seen(text: &str) -> Seen {
    let mut seen = Seen {
        addresses: Addresses::new(),
        module: None,
        patched: None,
        only_v4: false,
    };
    for line in text.lines() {
        match line.split_once(' ') {
            Some(("address", address)) => seen.addresses.extend(address.parse::<IpAddr>()),
            Some(("module", loaded)) => seen.module = Some(loaded == "yes"),
            Some(("patched", loaded)) => seen.patched = Some(loaded == "yes"),
            _ => {}
        }
    }
    seen
}

fn why_not(root: &Root, error: &io::Error) -> String {
    if root.is_this_system() {
        return format!("cannot start a process: {error}");
    }
    let root = root.path().display();
    match error.kind() {
        io::ErrorKind::PermissionDenied => format!("cannot change the root to {root}: {error}"),
        _ => format!("cannot run programs of {root} here: {error}"),
    }
}

/// What the fresh process does: the other end of [`look_up`].
pub(crate) fn answer(name: &str, out: &mut impl Write) -> io::Result<()> {
    // The standard library calls getaddrinfo(3).
    let found = (name, 0).to_socket_addrs();
    for address in found.into_iter().flatten() {
        writeln!(out, "address {}", address.ip())?;
    }
    let yes_or_no = |yes| if yes { "yes" } else { "no" };
    if let Ok(maps) = fs::read("/proc/self/maps") {
        let module = memmem::find(&maps, b"/libnss_workaround.so").is_some();
        writeln!(out, "module {}", yes_or_no(module))?;
        writeln!(out, "patched {}", yes_or_no(runs_on_patched(&maps)))?;
    }
    Ok(())
}

/// Whether one of the libraries in memory reads our path.
fn runs_on_patched(maps: &[u8]) -> bool {
    let paths: BTreeSet<&[u8]> = maps
        .split(|&byte| byte == b'\n')
        .filter_map(|line| line.get(memchr::memchr(b'/', line)?..))
        .collect();
    let reads_ours = |path: &&[u8]| {
        let name = path.rsplit(|&byte| byte == b'/').next().unwrap_or_default();
        let is_library = name.starts_with(b"libc") || name.starts_with(b"libnss_files");
        let whole = [b"\0", &NEW[..], b"\0"].concat();
        let read = || fs::read(OsStr::from_bytes(path)).unwrap_or_default();
        is_library && memmem::find(&read(), &whole).is_some()
    };
    paths.iter().any(reads_ours)
}

/// What a hosts file of ours says about `name`.
pub(crate) fn said_by(text: &[u8], name: &[u8]) -> Addresses {
    let mut buffer = [0; 4096];
    said(&mut Hosts::new(text, &mut buffer), name)
}

/// What all files say about `name`.
pub(crate) fn all_said_by(texts: &[Text], name: &[u8]) -> Addresses {
    let mut all = Vec::new();
    for text in texts {
        all.extend_from_slice(&text.bytes);
        all.push(b'\n');
    }
    let main = texts.first().map_or(0, |text| text.bytes.len() as u64);
    let mut buffer = [0; 4096];
    said(&mut Hosts::with_more(&all[..], &mut buffer, main), name)
}

fn said(hosts: &mut Hosts<'_, &[u8]>, name: &[u8]) -> Addresses {
    let mut addresses = Addresses::new();
    let mut resolution = Resolution::new(name);
    let Ok(hosts::Verdict::Found(lead)) = hosts.resolve(&mut resolution) else {
        return addresses;
    };
    let question = Question::Name(resolution.word(), Family::Any);
    let (mut search, mut found) = hosts.search_from(question, lead);
    if found.is_none() {
        found = hosts.next(&mut search).unwrap_or(None);
    }
    while let Some(entry) = found {
        addresses.insert(to_ip(entry.address));
        found = hosts.next(&mut search).unwrap_or(None);
    }
    addresses
}

/// What glibc itself reads in a hosts file: address lines, and nothing else.
fn plainly_said_by(text: &[u8], name: &[u8]) -> Addresses {
    let mut buffer = [0; 4096];
    let mut hosts = Hosts::new(text, &mut buffer);
    let mut search = hosts.search(Question::Name(name, Family::Any), 0);
    let mut addresses = Addresses::new();
    while let Ok(Some(entry)) = hosts.next(&mut search) {
        addresses.insert(to_ip(entry.address));
    }
    addresses
}

pub(crate) fn to_ip(address: Address) -> IpAddr {
    match address {
        Address::V4(bytes) => IpAddr::from(bytes),
        Address::V6(bytes) => IpAddr::from(bytes),
    }
}

/// An entry that shows which file is obeyed: `workaround` answers otherwise than `etc_hosts`.
pub(crate) fn witness(workaround: &[u8], etc_hosts: &[u8]) -> Option<(String, Addresses)> {
    // Each try reads both files, so there is an end to it.
    const MAX_TRIES: usize = 64;
    lines(workaround)
        .flat_map(|line| line.names().collect::<Vec<_>>())
        .filter(|name| is_plain(name))
        .take(MAX_TRIES)
        .find_map(|name| {
            // A name that all mechanisms read in the same way.
            let said = plainly_said_by(workaround, name);
            let name_text = String::from_utf8(name.to_vec()).ok()?;
            let tells = said != plainly_said_by(etc_hosts, name);
            (tells && said == said_by(workaround, name)).then_some((name_text, said))
        })
}

/// Whether libc asks for such a name as it stands.
fn is_plain(name: &[u8]) -> bool {
    name.iter().any(u8::is_ascii_alphabetic)
        && name
            .iter()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_'))
}

/// Addresses for people.
pub(crate) fn show(addresses: &Addresses) -> String {
    if addresses.is_empty() {
        return "nothing".into();
    }
    let texts: Vec<String> = addresses.iter().map(IpAddr::to_string).collect();
    texts.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_witness_tells_the_two_files_apart() {
        #[rustfmt::skip]
        let table: &[(&str, &str, Option<&str>)] = &[
            ("10.0.0.1 db",                         "",                   Some("db")),
            ("127.0.0.1 localhost\n10.0.0.1 db",    "127.0.0.1 localhost", Some("db")),
            ("127.0.0.1 localhost",                 "127.0.0.1 localhost", None),
            ("127.0.0.2 localhost",                 "127.0.0.1 localhost", Some("localhost")),
            ("10.0.0.1 10.0.0.2 a\u{e4}\n# 1.1.1.1 x", "",                 None),
            ("! db\n10.0.0.1 db\n10.0.0.2 db2",       "",                   Some("db2")),
            ("=x db\n! no",                            "",                   None),
            ("",                                    "127.0.0.1 localhost", None),
        ];
        for &(workaround, etc_hosts, want) in table {
            let got = witness(workaround.as_bytes(), etc_hosts.as_bytes());
            assert_eq!(
                got.as_ref().map(|(name, _)| name.as_str()),
                want,
                "{workaround:?}"
            );
        }
    }
}
