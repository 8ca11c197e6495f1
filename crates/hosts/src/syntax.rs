//! What a line is made of.

use crate::Address;

/// Copies as much of `from` as `to` has room for; how much that is.
// One call: as a loop this is a few hundred bytes of code in each place.
#[inline(never)]
pub fn copy(to: &mut [u8], from: &[u8]) -> usize {
    let len = to.len().min(from.len());
    if let (Some(to), Some(from)) = (to.get_mut(..len), from.get(..len)) {
        to.copy_from_slice(from);
    }
    len
}

/// Whether `byte` separates words: `isspace` in the C locale.
#[inline]
#[must_use]
pub const fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t'..=b'\r')
}

/// What a byte is, as a bit of its own; the newline both ends a line and is no more than that.
const SPACE: u8 = 1;
const END: u8 = 2;
const WORD: u8 = 4;

/// Where a search for the start of a word stops, and where one for its end does.
pub(crate) const WORD_START: u8 = WORD | END;
pub(crate) const WORD_END: u8 = SPACE | END;

/// One load a byte, where the rules written out would be six comparisons.
const KINDS: [u8; 256] = {
    let mut kinds = [WORD; 256];
    let mut rest: &mut [u8] = &mut kinds;
    let mut byte = 0_u8;
    while let Some((kind, behind)) = rest.split_first_mut() {
        if ends_line(byte) {
            *kind = END;
        } else if is_space(byte) {
            *kind = SPACE;
        }
        rest = behind;
        byte = byte.wrapping_add(1);
    }
    kinds
};

/// Whether `byte` is of one of these kinds.
#[inline]
pub(crate) fn is_of(byte: u8, kinds: u8) -> bool {
    KINDS
        .get(usize::from(byte))
        .is_some_and(|kind| kind & kinds != 0)
}

/// Whether `byte` ends what a line says: a comment, or the NUL at which glibc stops reading it.
#[inline]
pub(crate) const fn ends_line(byte: u8) -> bool {
    matches!(byte, b'#' | 0 | b'\n')
}

/// The longest name that a wildcard or the target of an alias may be, in bytes: longer than any
/// that DNS knows. Longer ones are taken for odd names, or passed by.
pub const MAX_NAME: usize = 255;

/// Whether a name stands for all names that end in what follows its star: `*.dev.test`.
#[must_use]
pub fn is_wildcard(name: &[u8]) -> bool {
    is_wildcard_head(name, name.len() as u64)
}

/// The same of a name of which only the first bytes are at hand.
pub(crate) fn is_wildcard_head(head: &[u8], len: u64) -> bool {
    len > 2 && len <= MAX_NAME as u64 && head.starts_with(b"*.")
}

/// Whether a wildcard stands for `name`: at least one byte in front of what follows the star.
#[must_use]
pub fn wildcard_covers(wildcard: &[u8], name: &[u8]) -> bool {
    let tail = wildcard.get(1..).unwrap_or_default();
    let end = name.len().checked_sub(tail.len()).filter(|&len| len > 0);
    let end = end.and_then(|start| name.get(start..));
    is_wildcard(wildcard) && end.is_some_and(|end| end.eq_ignore_ascii_case(tail))
}

/// What a line says about the names on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subject<T> {
    /// They have this address.
    Address(Address),
    /// They stand for another name.
    Alias(T),
    /// There are no such names, here or anywhere.
    Refusal,
}

/// What introduces the target of an alias, and what stands for an address that there is not.
/// Neither begins an address, so hosts(5) passes such lines by.
pub(crate) const ALIAS: u8 = b'=';
pub(crate) const REFUSAL: &[u8] = b"!";

/// What the first word of a line makes of it; `None` if the line says nothing.
#[must_use]
pub fn subject(word: &[u8]) -> Option<Subject<&[u8]>> {
    match word {
        REFUSAL => Some(Subject::Refusal),
        [ALIAS, target @ ..] => (1..=MAX_NAME)
            .contains(&target.len())
            .then_some(Subject::Alias(target)),
        _ => Address::parse(word).map(Subject::Address),
    }
}

/// The words of one line, comment left out; the first one is the address.
///
/// `line` may carry its newline or not. The line is an entry if the first word is an
/// [`Address`]; an entry without a second word has one name, the empty one.
#[must_use]
pub fn words(line: &[u8]) -> Words<'_> {
    let end = line.iter().position(|&byte| ends_line(byte));
    Words {
        rest: line.get(..end.unwrap_or(line.len())).unwrap_or(line),
    }
}

/// See [`words`].
#[derive(Clone, Debug)]
pub struct Words<'a> {
    rest: &'a [u8],
}

impl<'a> Iterator for Words<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        let start = self.rest.iter().position(|&byte| !is_space(byte))?;
        let rest = self.rest.get(start..)?;
        let end = rest
            .iter()
            .position(|&byte| is_space(byte))
            .unwrap_or(rest.len());
        let (word, rest) = rest.split_at_checked(end)?;
        self.rest = rest;
        Some(word)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_split_as_glibc_splits_them() {
        type Row = (&'static str, &'static [u8], &'static [&'static [u8]]);
        #[rustfmt::skip]
        let table: &[Row] = &[
            ("plain",            b"127.0.0.1 localhost",       &[b"127.0.0.1", b"localhost"]),
            ("aliases, tabs",    b"::1\tip6\t ip6-loopback\n", &[b"::1", b"ip6", b"ip6-loopback"]),
            ("leading blanks",   b" \t10.0.0.1 db",            &[b"10.0.0.1", b"db"]),
            ("CRLF",             b"10.0.0.1 db\r\n",           &[b"10.0.0.1", b"db"]),
            ("VT and FF",        b"10.0.0.1\x0bdb\x0cdb2",     &[b"10.0.0.1", b"db", b"db2"]),
            ("comment at end",   b"10.0.0.1 db # primary",     &[b"10.0.0.1", b"db"]),
            ("comment glued on", b"10.0.0.1 db#primary",       &[b"10.0.0.1", b"db"]),
            ("NUL",              b"10.0.0.1 db\0x y",          &[b"10.0.0.1", b"db"]),
            ("not UTF-8",        b"10.0.0.1 \xff",             &[b"10.0.0.1", b"\xff"]),
            ("no name",          b"10.0.0.1",                  &[b"10.0.0.1"]),
            ("only a comment",   b"# 10.0.0.1 db",             &[]),
            ("empty",            b"",                          &[]),
        ];
        for &(case, line, want) in table {
            assert_eq!(words(line).collect::<Vec<_>>(), want, "{case}");
        }
    }
}
