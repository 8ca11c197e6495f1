//! Editing the text of a hosts file: what is not asked for stays as it is, to the byte.
//!
//! A crate of its own, and no feature of `hosts`: Cargo unifies features over a workspace, and std
//! in the crate that the freestanding module links would be the end of it.
//!
//! An entry may carry an owner, so that one tool can replace its own entries as a set. The owner
//! is a comment that hosts(5) knows nothing of:
//!
//! ```text
//! 10.0.0.7 db.internal db  # owner=compose
//! ```
#![forbid(unsafe_code)]
#![deny(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod block;
mod entry;

pub use block::{merge, without_block};
pub use entry::{Entry, Fault};

use hosts::{Address, words};

/// What introduces an owner in a comment.
const OWNER: &[u8] = b"owner=";

/// One line of a hosts file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line<'a> {
    /// Counted from 1.
    pub number: usize,
    /// The line as it stands, newline included.
    pub text: &'a [u8],
}

impl<'a> Line<'a> {
    /// The address, if the line is an entry.
    #[must_use]
    pub fn address(&self) -> Option<Address> {
        Address::parse(words(self.text).next()?)
    }

    /// The names, canonical one first; none if the line is no entry.
    pub fn names(&self) -> impl Iterator<Item = &'a [u8]> {
        let is_entry = self.address().is_some();
        words(self.text).skip(1).filter(move |_| is_entry)
    }

    /// The owner that the comment names.
    #[must_use]
    pub fn owner(&self) -> Option<&'a [u8]> {
        let start = self.text.iter().position(|&byte| byte == b'#')?;
        let comment = self.text.get(start + 1..)?.trim_ascii_start();
        let owner = comment.strip_prefix(OWNER)?;
        let end = owner.iter().position(u8::is_ascii_whitespace);
        owner.get(..end.unwrap_or(owner.len()))
    }

    fn is_entry_of(&self, owner: Option<&[u8]>) -> bool {
        self.address().is_some() && (owner.is_none() || self.owner() == owner)
    }
}

/// The lines of `text`.
pub fn lines(text: &[u8]) -> impl Iterator<Item = Line<'_>> {
    text.split_inclusive(|&byte| byte == b'\n')
        .zip(1..)
        .map(|(text, number)| Line { number, text })
}

/// `text` with `entry` at its end; `None` if a line says just that already: the same address and
/// owner, and all the names.
#[must_use]
pub fn add(text: &[u8], entry: &Entry) -> Option<Vec<u8>> {
    let says = |line: Line<'_>| {
        line.address() == Some(entry.address())
            && line.owner() == entry.owner()
            && line.names().next() == entry.names().next()
            && entry.names().all(|name| line.names().any(|n| n == name))
    };
    if lines(text).any(says) {
        return None;
    }
    let mut text = text.to_vec();
    append(&mut text, entry);
    Some(text)
}

fn append(text: &mut Vec<u8>, entry: &Entry) {
    if text.last().is_some_and(|&byte| byte != b'\n') {
        text.push(b'\n');
    }
    text.extend(entry.to_line());
}

/// What [`remove`] takes out.
#[derive(Clone, Copy, Debug)]
pub enum Which<'a> {
    /// A name, ASCII case apart; its line stays if it has others.
    Name(&'a [u8]),
    /// The lines with an address.
    Address(Address),
    /// All entries (of an owner).
    All,
}

/// `text` without what `which` says, of `owner`'s entries if there is one; and how many lines
/// were changed.
#[must_use]
pub fn remove(text: &[u8], which: Which<'_>, owner: Option<&[u8]>) -> (Vec<u8>, usize) {
    let mut kept = Vec::with_capacity(text.len());
    let mut changed = 0;
    for line in lines(text) {
        let without = line.is_entry_of(owner).then(|| match which {
            Which::Name(name) => without_name(&line, name),
            Which::Address(address) if line.address() != Some(address) => None,
            Which::Address(_) | Which::All => Some(Vec::new()),
        });
        match without.flatten() {
            Some(rest) => {
                kept.extend(rest);
                changed += 1;
            }
            None => kept.extend(line.text),
        }
    }
    (kept, changed)
}

/// The line without a name; empty if it had no other. `None` if it does not have it.
fn without_name(line: &Line<'_>, name: &[u8]) -> Option<Vec<u8>> {
    let is_it = |word: &[u8]| word.eq_ignore_ascii_case(name);
    if !line.names().any(is_it) {
        return None;
    }
    if line.names().all(is_it) {
        return Some(Vec::new());
    }
    let mut rest = Vec::new();
    let mut done = 0;
    for word in line.names().filter(|word| is_it(word)) {
        // Words are parts of the line; the blanks in front of one go with it.
        let start = word.as_ptr().addr() - line.text.as_ptr().addr();
        let before = line.text.get(done..start)?.trim_ascii_end();
        rest.extend_from_slice(before);
        done = start + word.len();
    }
    rest.extend_from_slice(line.text.get(done..)?);
    Some(rest)
}

/// `text` with `owner`'s entries replaced by `entries`: the first of the old ones says where.
#[must_use]
pub fn replace_owned(text: &[u8], owner: &[u8], entries: &[Entry]) -> Vec<u8> {
    let mut kept = Vec::with_capacity(text.len());
    let mut placed = false;
    for line in lines(text) {
        if !line.is_entry_of(Some(owner)) {
            kept.extend(line.text);
        } else if !placed {
            placed = true;
            for entry in entries {
                append(&mut kept, entry);
            }
        }
    }
    if !placed {
        for entry in entries {
            append(&mut kept, entry);
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(line: &str) -> Entry {
        Entry::parse(line.as_bytes(), None).unwrap().unwrap()
    }

    #[test]
    fn adding_keeps_every_byte_that_is_there() {
        type Row = (
            &'static str,
            &'static str,
            &'static str,
            Option<&'static str>,
        );
        #[rustfmt::skip]
        let table: &[Row] = &[
            ("to nothing",        "",                      "10.0.0.1 db",       Some("10.0.0.1 db\n")),
            ("no final newline",  "# mine",                "10.0.0.1 db",       Some("# mine\n10.0.0.1 db\n")),
            ("CRLF stays",        "10.0.0.2 x\r\n",        "10.0.0.1 db",       Some("10.0.0.2 x\r\n10.0.0.1 db\n")),
            ("there already",     "10.0.0.1\tdb  # c\n",   "10.0.0.1 db",       None),
            ("among others",      "10.0.0.1 db a b\n",     "10.0.0.1 db b",     None),
            ("other address",     "10.0.0.2 db\n",         "10.0.0.1 db",       Some("10.0.0.2 db\n10.0.0.1 db\n")),
            ("other canonical",   "10.0.0.1 a db\n",       "10.0.0.1 db",       Some("10.0.0.1 a db\n10.0.0.1 db\n")),
            ("commented out",     "#10.0.0.1 db\n",        "10.0.0.1 db",       Some("#10.0.0.1 db\n10.0.0.1 db\n")),
            ("another spelling",  "::0:1 six\n",           "::1 six",           None),
        ];
        for &(case, text, line, want) in table {
            let got = add(text.as_bytes(), &entry(line));
            assert_eq!(got.as_deref(), want.map(str::as_bytes), "{case}");
        }
    }

    #[test]
    fn removing_takes_what_is_named_and_nothing_else() {
        type Row = (
            &'static str,
            &'static str,
            Which<'static>,
            Option<&'static str>,
            &'static str,
            usize,
        );
        let address = Address::parse(b"10.0.0.1").unwrap();
        #[rustfmt::skip]
        let table: &[Row] = &[
            ("only name",     "10.0.0.1 db # c\n1.1.1.1 x\n", Which::Name(b"DB"),      None,      "1.1.1.1 x\n",          1),
            ("first of two",  "10.0.0.1\tdb  db2 # c\n",      Which::Name(b"db"),      None,      "10.0.0.1  db2 # c\n",  1),
            ("last of two",   "10.0.0.1 db\tdb2 # c\r\n",     Which::Name(b"db2"),     None,      "10.0.0.1 db # c\r\n",  1),
            ("twice",         "10.0.0.1 db x db\n",           Which::Name(b"db"),      None,      "10.0.0.1 x\n",         1),
            ("in a comment",  "10.0.0.1 x # db\n#1.1.1.1 db", Which::Name(b"db"),      None,      "10.0.0.1 x # db\n#1.1.1.1 db", 0),
            ("no entry",      "oops db\n",                    Which::Name(b"db"),      None,      "oops db\n",            0),
            ("address",       "10.0.0.1 a\n10.0.0.2 b",       Which::Address(address), None,      "10.0.0.2 b",           1),
            ("owner",         "1.1.1.1 a # owner=t\n1.1.1.2 b # owner=tt\n", Which::All, Some("t"), "1.1.1.2 b # owner=tt\n", 1),
            ("owner's name",  "1.1.1.1 a # owner=t x\n1.1.1.2 a\n", Which::Name(b"a"), Some("t"), "1.1.1.2 a\n",          1),
        ];
        for &(case, text, which, owner, want, count) in table {
            let (got, changed) = remove(text.as_bytes(), which, owner.map(str::as_bytes));
            assert_eq!(
                (got.as_slice(), changed),
                (want.as_bytes(), count),
                "{case}"
            );
        }
    }

    #[test]
    fn an_owners_entries_are_replaced_where_they_stood() {
        let text = b"1.1.1.1 a\n1.1.1.2 b # owner=t\n# c\n1.1.1.3 d # owner=t\n1.1.1.4 e";
        let new = [Entry::parse(b"2.2.2.2 x y", Some(b"t")).unwrap().unwrap()];
        let got = replace_owned(text, b"t", &new);
        let want = b"1.1.1.1 a\n2.2.2.2 x y # owner=t\n# c\n1.1.1.4 e";
        assert_eq!(
            got.escape_ascii().to_string(),
            want.escape_ascii().to_string()
        );
        let none = replace_owned(&got, b"t", &[]);
        assert_eq!(none, b"1.1.1.1 a\n# c\n1.1.1.4 e");
        assert_eq!(
            replace_owned(b"# x", b"t", &new),
            b"# x\n2.2.2.2 x y # owner=t\n"
        );
    }
}
