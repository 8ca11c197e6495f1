//! `container_environment.sh`: lines that any POSIX shell can source.

use std::collections::BTreeMap;

use super::name::is_personal;
use crate::environment::Environment;

/// Variables that are a shell's own. A line that assigns one of the first five ends a POSIX shell;
/// the value of the others is an expression to bash, which may even run commands.
const SHELLS_OWN: [&[u8]; 9] = [
    b"EUID",
    b"PPID",
    b"SHELLOPTS",
    b"BASHOPTS",
    b"BASH_VERSINFO",
    b"OPTIND",
    b"RANDOM",
    b"SRANDOM",
    b"HISTCMD",
];

/// The file for `environment`.
pub(super) fn dump(environment: &Environment) -> Vec<u8> {
    let mut lines: BTreeMap<Vec<u8>, &[u8]> = BTreeMap::new();
    for (name, value) in environment.iter() {
        let shell_name = shell_name(name);
        let left_out = |name: &[u8]| is_personal(name) || SHELLS_OWN.contains(&name);
        if left_out(name) || left_out(&shell_name) {
            continue;
        }
        // Of two names that become one the exact one wins, else the first.
        if shell_name == name || !lines.contains_key(&shell_name) {
            lines.insert(shell_name, value);
        }
    }
    let mut dump = Vec::new();
    for (name, value) in lines {
        dump.extend_from_slice(b"export ");
        dump.extend_from_slice(&name);
        dump.push(b'=');
        quote(value, &mut dump);
        dump.push(b'\n');
    }
    dump
}

/// `name` as a shell takes it: each character (and each byte that is no part of one) outside
/// `[A-Za-z0-9_]` becomes `_`, and a leading digit gets a `_` before it.
fn shell_name(name: &[u8]) -> Vec<u8> {
    let mut shell_name = Vec::with_capacity(name.len());
    if name.first().is_some_and(u8::is_ascii_digit) {
        shell_name.push(b'_');
    }
    for chunk in name.utf8_chunks() {
        for c in chunk.valid().chars() {
            let kept = u8::try_from(c).ok().filter(u8::is_ascii_alphanumeric);
            shell_name.push(kept.unwrap_or(b'_'));
        }
        shell_name.extend(chunk.invalid().iter().map(|_| b'_'));
    }
    shell_name
}

/// Writes `value` as one word of a shell: bare where nothing in it means anything, else in single
/// quotes. That is Python's `shlex.quote`, which people's tools have read for ten years.
fn quote(value: &[u8], out: &mut Vec<u8>) {
    let bare = |byte: &u8| byte.is_ascii_alphanumeric() || b"_@%+=:,./-".contains(byte);
    if !value.is_empty() && value.iter().all(bare) {
        out.extend_from_slice(value);
        return;
    }
    out.push(b'\'');
    for &byte in value {
        if byte == b'\'' {
            out.extend_from_slice(br#"'"'"'"#);
        } else {
            out.push(byte);
        }
    }
    out.push(b'\'');
}

#[cfg(test)]
mod tests {
    use super::*;

    type Pairs<'a> = &'a [(&'a [u8], &'a [u8])];

    fn dumped(pairs: Pairs<'_>) -> Vec<u8> {
        dump(&pairs.iter().map(|&(name, value)| (name, value)).collect())
    }

    #[test]
    fn values_are_quoted_as_little_as_safe() {
        #[rustfmt::skip]
        let table: [(&[u8], &[u8]); 10] = [
            (b"bar",                b"bar"),
            (b"a_@%+=:,./-Z9",      b"a_@%+=:,./-Z9"),
            (b"",                   b"''"),
            (b"my beautiful world", b"'my beautiful world'"),
            (b"it's",               br#"'it'"'"'s'"#),
            (b"$(reboot)`x`",       b"'$(reboot)`x`'"),
            (b"a\nb",               b"'a\nb'"),
            (b"~",                  b"'~'"),
            (b"\\",                 b"'\\'"),
            (b"\xff\r",             b"'\xff\r'"),
        ];
        for (value, want) in table {
            assert_eq!(
                dumped(&[(b"A", value)]),
                [b"export A=", want, b"\n"].concat()
            );
        }
    }

    #[test]
    fn names_become_what_a_shell_takes() {
        #[rustfmt::skip]
        let table: [(&[u8], &str); 8] = [
            (b"A_1",            "A_1"),
            (b"a.b-c",          "a_b_c"),
            (b"1A",             "_1A"),
            (b"a/b",            "a_b"),
            (b"A\nB",           "A_B"),
            ("变量".as_bytes(), "__"),
            (b"\xff\xfe",       "__"),
            (b"A;reboot",       "A_reboot"),
        ];
        for (name, want) in table {
            let want = format!("export {want}=v\n");
            assert_eq!(dumped(&[(name, b"v")]), want.as_bytes(), "{name:?}");
        }
    }

    #[test]
    fn the_exact_name_wins() {
        #[rustfmt::skip]
        let table: [(&str, Pairs<'_>, &str); 3] = [
            ("exact last",  &[(b"A.B", b"1"), (b"A_B", b"2")],  "export A_B=2\n"),
            ("exact first", &[(b"A_B", b"2"), (b"A~B", b"1")],  "export A_B=2\n"),
            ("neither",     &[(b"A-B", b"1"), (b"A.B", b"2")],  "export A_B=1\n"),
        ];
        for (case, pairs, want) in table {
            assert_eq!(dumped(pairs), want.as_bytes(), "{case}");
        }
    }

    #[test]
    fn what_a_shell_keeps_to_itself_is_left_out() {
        for name in [
            "HOME", "USER", "GROUP", "UID", "GID", "SHELL", "EUID", "PPID", "RANDOM", "OPTIND",
        ] {
            assert_eq!(dumped(&[(name.as_bytes(), b"1")]), b"", "{name}");
        }
    }
}
