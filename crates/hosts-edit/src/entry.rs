//! An entry to be written, checked.

use std::fmt;

use hosts::{Subject, is_space, is_wildcard, subject};

/// An entry that reads back as what it says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The first word as it was written: `::1` does not become `0:0:0:0:0:0:0:1`.
    text: Vec<u8>,
    subject: Subject<Vec<u8>>,
    names: Vec<Vec<u8>>,
    owner: Option<Vec<u8>>,
}

/// What is wrong with an entry, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Byte in the line, counted from 1.
    pub column: usize,
    /// What is wrong, and what would be right.
    pub reason: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "column {}: {}", self.column, self.reason)
    }
}

impl std::error::Error for Fault {}

impl Entry {
    /// Makes an entry of words: an address, the canonical name, aliases; or `=target` or `!`, and
    /// names (`docs/hosts-format.md`).
    ///
    /// # Errors
    ///
    /// A [`Fault`] whose column counts as if the words stood in a line with one blank between
    /// them.
    pub fn new(words: &[&[u8]], owner: Option<&[u8]>) -> Result<Self, Fault> {
        Self::parse(&words.join(&b' '), owner)?.ok_or_else(|| Fault {
            column: 1,
            reason: "no address; write ADDRESS NAME [ALIAS...]".into(),
        })
    }

    /// Reads a line of hosts(5), strictly; `None` if it is blank or a comment.
    ///
    /// # Errors
    ///
    /// See [`Fault`]. What the file format would silently skip or misread is refused here.
    pub fn parse(line: &[u8], owner: Option<&[u8]>) -> Result<Option<Self>, Fault> {
        let end = line.iter().position(|&byte| byte == b'#');
        let line = line.get(..end.unwrap_or(line.len())).unwrap_or(line);
        let mut words = columns(line);
        let Some((column, text)) = words.next() else {
            return Ok(None);
        };
        let shown = String::from_utf8_lossy(text);
        let at = |column: usize| {
            move |fault: Fault| Fault {
                column: column + fault.column - 1,
                ..fault
            }
        };
        let subject = match subject(text) {
            Some(Subject::Address(address)) => Subject::Address(address),
            Some(Subject::Refusal) => Subject::Refusal,
            Some(Subject::Alias(target)) => {
                check_name(target).map_err(at(column + 1))?;
                Subject::Alias(target.to_vec())
            }
            None => {
                return Err(Fault {
                    column,
                    reason: format!("{shown} is no IPv4 or IPv6 address{}", hint(text)),
                });
            }
        };
        let mut names = Vec::new();
        for (column, name) in words {
            match name.strip_prefix(b"*.").filter(|_| is_wildcard(name)) {
                Some(tail) => check_name(tail).map_err(at(column + 2))?,
                None => check_name(name).map_err(at(column))?,
            }
            names.push(name.to_vec());
        }
        if names.is_empty() {
            return Err(Fault {
                column: column + text.len(),
                reason: format!("no name behind {shown}; write ADDRESS NAME [ALIAS...]"),
            });
        }
        if let Some(owner) = owner {
            check_owner(owner)?;
        }
        Ok(Some(Self {
            text: text.to_vec(),
            subject,
            names,
            owner: owner.map(<[u8]>::to_vec),
        }))
    }

    /// What it says about its names.
    #[must_use]
    pub fn subject(&self) -> Subject<&[u8]> {
        match &self.subject {
            Subject::Address(address) => Subject::Address(*address),
            Subject::Alias(target) => Subject::Alias(target),
            Subject::Refusal => Subject::Refusal,
        }
    }

    /// The names, canonical one first.
    pub fn names(&self) -> impl Iterator<Item = &[u8]> {
        self.names.iter().map(Vec::as_slice)
    }

    /// The owner.
    #[must_use]
    pub fn owner(&self) -> Option<&[u8]> {
        self.owner.as_deref()
    }

    /// The entry as a line, newline included.
    #[must_use]
    pub fn to_line(&self) -> Vec<u8> {
        let mut line = self.text.clone();
        for name in &self.names {
            line.push(b' ');
            line.extend_from_slice(name);
        }
        if let Some(owner) = &self.owner {
            line.extend_from_slice(b" # owner=");
            line.extend_from_slice(owner);
        }
        line.push(b'\n');
        line
    }
}

/// The words of a line with the columns at which they start.
fn columns(line: &[u8]) -> impl Iterator<Item = (usize, &[u8])> {
    let mut start = 0;
    line.split(|&byte| is_space(byte))
        .map(move |word| {
            let column = start + 1;
            start += word.len() + 1;
            (column, word)
        })
        .filter(|(_, word)| !word.is_empty())
}

fn hint(text: &[u8]) -> &'static str {
    if text.contains(&b'%') {
        "; hosts files know no scope ids, leave out % and what follows"
    } else if text.starts_with(b"[") {
        "; write it without brackets"
    } else if text.starts_with(b"!") {
        "; `!` stands apart from the names that there are not"
    } else if text.starts_with(b"=") {
        "; write =NAME, 255 bytes at most"
    } else if text
        .iter()
        .all(|byte| byte.is_ascii_digit() || *byte == b'.')
    {
        "; it takes four numbers from 0 to 255 without leading zeros"
    } else {
        "; the address comes first, then the names"
    }
}

/// Refuses what no resolver would ask for or what would read back as something else.
fn check_name(name: &[u8]) -> Result<(), Fault> {
    let fault = |at: usize, reason: String| {
        Err(Fault {
            column: at + 1,
            reason,
        })
    };
    let shown = String::from_utf8_lossy(name);
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_');
    if let Some(at) = name.iter().position(|&byte| !allowed(byte)) {
        let byte = name.get(at..=at).unwrap_or_default();
        let what = match byte {
            [byte] if byte.is_ascii_graphic() => format!("{}", char::from(*byte)),
            [byte @ 0..=0x7f] => format!("byte {byte:#04x}"),
            _ => "a byte beyond ASCII (write international names in their xn-- form)".into(),
        };
        return fault(
            at,
            format!("{what} in the name {shown}; names are letters, digits, -, _ and ."),
        );
    }
    if name.len() > 253 {
        return fault(
            253,
            format!("a name of {} bytes; 253 is the longest", name.len()),
        );
    }
    let mut start = 0;
    for label in name
        .strip_suffix(b".")
        .unwrap_or(name)
        .split(|&byte| byte == b'.')
    {
        if label.is_empty() {
            return fault(
                start,
                format!("an empty label in the name {shown}; remove a dot"),
            );
        }
        if label.len() > 63 {
            let len = label.len();
            return fault(
                start,
                format!("a label of {len} bytes in the name {shown}; 63 is the longest"),
            );
        }
        start += label.len() + 1;
    }
    if name
        .iter()
        .all(|byte| byte.is_ascii_digit() || *byte == b'.')
    {
        return fault(
            0,
            format!("{shown} as a name; libc takes it for an address and never asks"),
        );
    }
    Ok(())
}

fn check_owner(owner: &[u8]) -> Result<(), Fault> {
    let allowed = |byte: &u8| byte.is_ascii_graphic() && *byte != b'#';
    if owner.is_empty() || !owner.iter().all(allowed) {
        let shown = String::from_utf8_lossy(owner);
        return Err(Fault {
            column: 1,
            reason: format!("{shown:?} as an owner; it takes one word of ASCII without #"),
        });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_name_the_column() {
        let label = format!("10.0.0.1 {}", "a".repeat(64));
        let long = format!("10.0.0.1 {}a", "a.".repeat(127));
        #[rustfmt::skip]
        let table: &[(&str, usize, &str)] = &[
            ("10.0.0 db",              1,  "four numbers"),
            (" 10.0.0.01 db",          2,  "leading zeros"),
            ("fe80::1%eth0 db",        1,  "scope ids"),
            ("[::1] db",               1,  "brackets"),
            ("db 10.0.0.1",            1,  "address comes first"),
            ("10.0.0.1",               9,  "no name"),
            ("10.0.0.1 db,db2",        12, ", in the name"),
            ("10.0.0.1 ok d\u{e4}",    14, "beyond ASCII"),
            ("10.0.0.1 a..b",          12, "empty label"),
            ("10.0.0.1 .b",            10, "empty label"),
            ("10.0.0.1 10.0.0.2",      10, "takes it for an address"),
            (&label,                   10, "63 is the longest"),
            (&long,                    263, "253 is the longest"),
            ("10.0.0.1 a\0b",          11, "byte 0x00"),
            ("10.0.0.1 *",             10, "* in the name"),
            ("10.0.0.1 a.*.b",         12, "* in the name"),
            ("10.0.0.1 *.a*",          13, "* in the name"),
            ("10.0.0.1 *..",           12, "empty label"),
            ("! *.10",                 5,  "takes it for an address"),
            ("!ads.test x",            1,  "stands apart"),
            ("!",                      2,  "no name"),
            ("= x",                    1,  "write =NAME"),
            ("=a,b x",                 3,  ", in the name"),
            ("=*.dev.test x",          2,  "* in the name"),
        ];
        for &(line, column, reason) in table {
            let fault = Entry::parse(line.as_bytes(), None).unwrap_err();
            assert_eq!(fault.column, column, "{line:?}: {fault}");
            assert!(fault.reason.contains(reason), "{line:?}: {fault}");
        }
    }

    #[test]
    fn good_entries_are_written_as_they_were_given() {
        #[rustfmt::skip]
        let table: &[(&str, Option<&str>)] = &[
            ("10.0.0.1 db",                     Some("10.0.0.1 db\n")),
            ("  ::0:1\tsix  ip6. _srv x-1 # c", Some("::0:1 six ip6. _srv x-1\n")),
            ("10.0.0.1 *.dev.test dev.test",    Some("10.0.0.1 *.dev.test dev.test\n")),
            ("=db.internal\tdb  *.db",          Some("=db.internal db *.db\n")),
            ("! ads.test *.ads.test # c",       Some("! ads.test *.ads.test\n")),
            ("# 10.0.0.1 db",                   None),
            ("",                                None),
        ];
        for &(line, want) in table {
            let entry = Entry::parse(line.as_bytes(), None).unwrap();
            let got = entry.map(|entry| entry.to_line());
            assert_eq!(got.as_deref(), want.map(str::as_bytes), "{line:?}");
        }
        let owned = Entry::parse(b"10.0.0.1 db", Some(b"t")).unwrap().unwrap();
        assert_eq!(owned.to_line(), b"10.0.0.1 db # owner=t\n");
        for owner in ["", "a b", "a#b", "\u{e4}"] {
            assert!(
                Entry::parse(b"10.0.0.1 db", Some(owner.as_bytes())).is_err(),
                "{owner}"
            );
        }
    }
}
