//! What a line is made of.

/// Whether `byte` separates words: `isspace` in the C locale.
#[inline]
#[must_use]
pub const fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t'..=b'\r')
}

/// Whether `byte` ends what a line says: a comment, or the NUL at which glibc stops reading it.
#[inline]
pub(crate) const fn ends_line(byte: u8) -> bool {
    matches!(byte, b'#' | 0 | b'\n')
}

/// The words of one line, comment left out; the first one is the address.
///
/// `line` may carry its newline or not. The line is an entry if the first word is an
/// [`Address`](crate::Address); an entry without a second word has one name, the empty one.
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
