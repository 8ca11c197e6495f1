//! `container_environment.json`: one object, in ASCII, as Python's `json.dumps` writes it.

use std::collections::BTreeMap;
use std::fmt::Write;

use crate::environment::Environment;

/// The file for `environment`, and the names of the variables that JSON cannot carry: bytes that
/// are not UTF-8, in name or value, become U+FFFD.
pub(super) fn dump(environment: &Environment) -> (Vec<u8>, Vec<Vec<u8>>) {
    let mut pairs: BTreeMap<String, &[u8]> = BTreeMap::new();
    let mut bent = Vec::new();
    for (name, value) in environment.iter() {
        let exact = std::str::from_utf8(name).is_ok();
        if !exact || std::str::from_utf8(value).is_err() {
            bent.push(name.to_vec());
        }
        let text = String::from_utf8_lossy(name).into_owned();
        // A key stands once in an object; of two names that become one the exact one wins.
        if exact || !pairs.contains_key(&text) {
            pairs.insert(text, value);
        }
    }
    let mut dump = String::from("{");
    for (nth, (name, value)) in pairs.iter().enumerate() {
        if nth > 0 {
            dump.push_str(", ");
        }
        quote(name, &mut dump);
        dump.push_str(": ");
        quote(&String::from_utf8_lossy(value), &mut dump);
    }
    dump.push('}');
    (dump.into_bytes(), bent)
}

fn quote(text: &str, out: &mut String) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            ' '..='~' => out.push(c),
            _ => {
                for unit in c.encode_utf16(&mut [0; 2]) {
                    // Writing to a string cannot fail.
                    let _ = write!(out, "\\u{unit:04x}");
                }
            }
        }
    }
    out.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;

    type Pairs<'a> = &'a [(&'a [u8], &'a [u8])];

    #[test]
    fn json_is_what_python_writes() {
        #[rustfmt::skip]
        let table: [(&str, Pairs<'_>, &str); 7] = [
            ("none",        &[],                                           "{}"),
            ("two",         &[(b"A", b"b"), (b"C", b"d")],                 r#"{"A": "b", "C": "d"}"#),
            ("escapes",     &[(b"A", b"\"\\\n\r\t\x08\x0c\x1f\x7f")],      r#"{"A": "\"\\\n\r\t\b\f\u001f\u007f"}"#),
            ("Chinese",     &[("中".as_bytes(), "中文".as_bytes())],       r#"{"\u4e2d": "\u4e2d\u6587"}"#),
            ("emoji",       &[(b"A", "\u{1f600}".as_bytes())],             r#"{"A": "\ud83d\ude00"}"#),
            ("not UTF-8",   &[(b"A", b"a\xffb")],                          r#"{"A": "a\ufffdb"}"#),
            ("same in the end", &[(b"\xff", b"1"), ("\u{fffd}".as_bytes(), b"2"), (b"\xfe", b"3")], r#"{"\ufffd": "2"}"#),
        ];
        for (case, pairs, want) in table {
            let (got, _) = dump(&pairs.iter().copied().collect());
            assert_eq!(String::from_utf8(got).unwrap(), want, "{case}");
        }
    }

    #[test]
    fn what_json_cannot_carry_is_named() {
        let pairs: [(&[u8], &[u8]); 3] = [(b"A", b"ok"), (b"B", b"\xff"), (b"\xfe", b"ok")];
        let (_, bent) = dump(&pairs.into_iter().collect());
        assert_eq!(bent, [b"B", b"\xfe"]);
    }
}
