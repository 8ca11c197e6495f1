//! Which names are variables of the folder.

use std::fmt::{self, Write};

use crate::environment::{self, NoVariable};

/// The longest file name of the usual file systems, `NAME_MAX` of `<limits.h>`.
const LONGEST: usize = 255;

/// Variables that belong to a user or a shell rather than to the container: in neither the folder
/// nor the shell file. bash even refuses to assign some of them.
const PERSONAL: [&[u8]; 6] = [b"HOME", b"USER", b"GROUP", b"UID", b"GID", b"SHELL"];

/// Whether `name` stays in the environment of its process, see [`PERSONAL`].
pub(super) fn is_personal(name: &[u8]) -> bool {
    PERSONAL.contains(&name)
}

/// Whether an entry of the folder is none of ours to look at: Kubernetes keeps the files of a
/// mounted `ConfigMap` in `..data`, and a file that is being replaced begins with two dots too.
pub(super) fn is_hidden(name: &[u8]) -> bool {
    name.starts_with(b"..")
}

/// Why a variable cannot be a file of the folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Unstorable {
    /// It is no variable at all.
    NoVariable(NoVariable),
    /// Its name has a `/`: the file would be somewhere else.
    Slash,
    /// Its name begins with `..` or is `.`: such files are not read.
    Hidden,
    /// Its name is longer than a file name can be.
    TooLong,
}

impl fmt::Display for Unstorable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoVariable(reason) => reason.fmt(f),
            Self::Slash => f.write_str("its name has a `/`"),
            Self::Hidden => f.write_str("files whose names begin with `..` are not read"),
            Self::TooLong => write!(f, "its name is longer than {LONGEST} bytes"),
        }
    }
}

/// Whether a variable `name` can be a file of the folder, and be read from there again.
pub(super) fn check(name: &[u8]) -> Result<(), Unstorable> {
    environment::check(name, b"").map_err(Unstorable::NoVariable)?;
    if name.contains(&b'/') {
        Err(Unstorable::Slash)
    } else if is_hidden(name) || name == b"." {
        Err(Unstorable::Hidden)
    } else if name.len() > LONGEST {
        Err(Unstorable::TooLong)
    } else {
        Ok(())
    }
}

/// The value that a file with this content stands for: exactly one newline at the end is not part
/// of it, as editors and `echo` leave one there.
pub(super) fn value_of(content: &[u8]) -> &[u8] {
    content.strip_suffix(b"\n").unwrap_or(content)
}

/// The content of a file that stands for this value. A value that ends in a newline gets one more,
/// or it would come back shorter.
pub(super) fn content_of(value: &[u8]) -> Vec<u8> {
    let mut content = value.to_vec();
    if value.ends_with(b"\n") {
        content.push(b'\n');
    }
    content
}

/// `name` for people: on one line whatever is in it, and not without end.
pub(super) fn shown(name: &[u8]) -> String {
    const LIMIT: usize = 80;
    let cut = name.get(..LIMIT);
    let mut text = String::new();
    for chunk in cut.unwrap_or(name).utf8_chunks() {
        for c in chunk.valid().chars() {
            if c.is_control() {
                text.extend(c.escape_default());
            } else {
                text.push(c);
            }
        }
        for byte in chunk.invalid() {
            // Writing to a string cannot fail.
            let _ = write!(text, "\\x{byte:02x}");
        }
    }
    if cut.is_some() && name.len() > LIMIT {
        text.push('\u{2026}');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_stored_only_where_it_is_read_again() {
        let long = [b'A'; 256];
        #[rustfmt::skip]
        let table: [(&str, &[u8], Result<(), Unstorable>); 12] = [
            ("plain",          b"PATH",           Ok(())),
            ("Chinese",        "变量".as_bytes(), Ok(())),
            ("not UTF-8",      b"\xff",           Ok(())),
            ("newline",        b"A\nB",           Ok(())),
            ("leading digit",  b"1A",             Ok(())),
            ("one dot",        b".A",             Ok(())),
            ("longest",        &long[1..],        Ok(())),
            ("too long",       &long,             Err(Unstorable::TooLong)),
            ("slash",          b"../etc/passwd",  Err(Unstorable::Slash)),
            ("two dots",       b"..data",         Err(Unstorable::Hidden)),
            ("the folder",     b".",              Err(Unstorable::Hidden)),
            ("empty",          b"",               Err(Unstorable::NoVariable(NoVariable::EmptyName))),
        ];
        for (case, name, want) in table {
            assert_eq!(check(name), want, "{case}");
        }
    }

    #[test]
    fn exactly_one_newline_at_the_end_is_dropped() {
        #[rustfmt::skip]
        let table: [(&[u8], &[u8]); 7] = [
            (b"",         b""),
            (b"a",        b"a"),
            (b"a\n",      b"a"),
            (b"a\n\n",    b"a\n"),
            (b"\n",       b""),
            (b"a\r\n",    b"a\r"),
            (b"a\nb\n",   b"a\nb"),
        ];
        for (content, value) in table {
            assert_eq!(value_of(content), value, "{content:?}");
            assert_eq!(value_of(&content_of(value)), value, "{value:?}");
        }
        assert_eq!(content_of(b"a"), b"a");
    }

    #[test]
    fn a_shown_name_is_one_short_line() {
        #[rustfmt::skip]
        let table: [(&[u8], &str); 5] = [
            (b"PATH",           "PATH"),
            ("变量".as_bytes(), "变量"),
            (b"A\n*** B",       "A\\n*** B"),
            (b"\x1b[31m\xff",   "\\u{1b}[31m\\xff"),
            (b"=",              "="),
        ];
        for (name, want) in table {
            assert_eq!(shown(name), want);
        }
        assert!(shown(&[b'A'; 5000]).len() < 100);
    }
}
