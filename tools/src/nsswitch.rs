//! `nsswitch.conf(5)`: our service on the `hosts` line, and nothing else touched.
//!
//! Pure: bytes in, bytes out. The grammar is what glibc's `nss_action_parse.c` and
//! `nss_database.c` accept, which is more than the manual page says: white space may stand
//! around, a comment may end a line, and a database may have several lines, of which glibc takes
//! the first up to 2.33 and the last from 2.34 on. So every one of them is edited.

/// The name of our service.
pub(crate) const SERVICE: &[u8] = b"workaround";

/// Which glibc's defaults apply where the file says nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Defaults {
    /// Up to 2.33.
    DnsFirst,
    /// From 2.34 on.
    FilesFirst,
}

impl Defaults {
    const fn services(self) -> &'static [u8] {
        match self {
            Self::DnsFirst => b"dns [!UNAVAIL=return] files",
            Self::FilesFirst => b"files dns",
        }
    }
}

/// Where our service stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Position {
    /// First on every `hosts` line, so nothing can end the search before it.
    First,
    /// On a `hosts` line, but others are asked before.
    Behind,
    /// On no `hosts` line, or not on all of them.
    Absent,
    /// There is no `hosts` line; glibc goes by its defaults.
    NoLine,
}

/// A run of bytes in the file.
type Range = std::ops::Range<usize>;

/// The services of a `hosts` line, as they stand in the file: comment and actions left out.
fn services_of(text: &[u8], line: Range) -> Option<(Range, Vec<Range>)> {
    let bytes = text.get(line.clone())?;
    let bytes = bytes.strip_suffix(b"\n").unwrap_or(bytes);
    let end = bytes.iter().position(|&byte| byte == b'#');
    let bytes = bytes.get(..end.unwrap_or(bytes.len()))?;
    let start = bytes.iter().position(|byte| !is_space(*byte))?;
    let name = bytes.get(start..)?;
    let name_len = name
        .iter()
        .position(|&byte| is_space(byte) || byte == b':')?;
    if name.get(..name_len)? != b"hosts" {
        return None;
    }
    // glibc takes one separator, a colon or a blank, and reads services from there on.
    let from = line.start + start + name_len + 1;
    let to = line.start + bytes.len();
    let mut services = Vec::new();
    let mut at = from;
    while at < to {
        let byte = *text.get(at)?;
        if is_space(byte) {
            at += 1;
        } else if byte == b'[' {
            let rest = text.get(at..to)?;
            at += rest
                .iter()
                .position(|&byte| byte == b']')
                .unwrap_or(rest.len())
                + 1;
        } else {
            let rest = text.get(at..to)?;
            let len = rest.iter().position(|&byte| is_space(byte) || byte == b'[');
            let len = len.unwrap_or(rest.len()).max(1);
            services.push(at..at + len);
            at += len;
        }
    }
    Some((from..to, services))
}

const fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t'..=b'\r')
}

fn lines(text: &[u8]) -> impl Iterator<Item = Range> {
    let mut start = 0;
    text.split_inclusive(|&byte| byte == b'\n')
        .map(move |line| {
            let range = start..start + line.len();
            start = range.end;
            range
        })
}

/// All `hosts` lines.
fn hosts_lines(text: &[u8]) -> Vec<(Range, Vec<Range>)> {
    lines(text)
        .filter_map(|line| services_of(text, line))
        .collect()
}

fn is_ours(text: &[u8], service: &Range) -> bool {
    text.get(service.clone()) == Some(SERVICE)
}

/// Where our service stands in `text`.
pub(crate) fn position(text: &[u8]) -> Position {
    let lines = hosts_lines(text);
    if lines.is_empty() {
        return Position::NoLine;
    }
    let first = |(_, services): &(Range, Vec<Range>)| {
        services
            .first()
            .is_some_and(|service| is_ours(text, service))
    };
    let any =
        |(_, services): &(Range, Vec<Range>)| services.iter().any(|service| is_ours(text, service));
    if lines.iter().all(first) {
        Position::First
    } else if lines.iter().all(any) {
        Position::Behind
    } else {
        Position::Absent
    }
}

/// `text` with our service first on every `hosts` line; a line with glibc's own `defaults` is
/// appended where there is none.
pub(crate) fn with_service(text: &[u8], defaults: Defaults) -> Vec<u8> {
    // Where it stands too far back it is moved.
    let text = without_service(text);
    let lines = hosts_lines(&text);
    let mut edited = Vec::with_capacity(text.len() + 64);
    if lines.is_empty() {
        edited.extend_from_slice(&text);
        if text.last().is_some_and(|&byte| byte != b'\n') {
            edited.push(b'\n');
        }
        edited.extend_from_slice(b"hosts:          ");
        edited.extend_from_slice(SERVICE);
        edited.push(b' ');
        edited.extend_from_slice(defaults.services());
        edited.push(b'\n');
        return edited;
    }
    let mut done = 0;
    for (rest, services) in lines {
        // In front of the first service; without one, right behind the colon.
        let at = services.first().map_or(rest.start, |service| service.start);
        edited.extend_from_slice(text.get(done..at).unwrap_or_default());
        if services.is_empty() {
            edited.push(b' ');
        }
        edited.extend_from_slice(SERVICE);
        if !services.is_empty() {
            edited.push(b' ');
        }
        done = at;
    }
    edited.extend_from_slice(text.get(done..).unwrap_or_default());
    edited
}

/// `text` without our service, the actions behind it, and one blank.
pub(crate) fn without_service(text: &[u8]) -> Vec<u8> {
    let mut edited = Vec::with_capacity(text.len());
    let mut done = 0;
    for (rest, services) in hosts_lines(text) {
        for service in services.iter().filter(|service| is_ours(text, service)) {
            let end = end_of_actions(text, service.end, rest.end);
            let (start, end) = if text
                .get(end)
                .is_some_and(|&byte| byte == b' ' || byte == b'\t')
                && end < rest.end
            {
                (service.start, end + 1)
            } else {
                // The last one takes the blank in front of it along.
                let before = text.get(..service.start).unwrap_or_default();
                let blank = before.last().is_some_and(|&b| b == b' ' || b == b'\t');
                (service.start - usize::from(blank), end)
            };
            edited.extend_from_slice(text.get(done..start).unwrap_or_default());
            done = end;
        }
    }
    edited.extend_from_slice(text.get(done..).unwrap_or_default());
    edited
}

/// Where the actions that belong to the service ending at `at` end.
fn end_of_actions(text: &[u8], at: usize, to: usize) -> usize {
    let rest = text.get(at..to).unwrap_or_default();
    let blanks = rest.iter().position(|&byte| !is_space(byte));
    match blanks.and_then(|blanks| Some((blanks, rest.get(blanks..)?))) {
        Some((blanks, actions)) if actions.first() == Some(&b'[') => {
            let close = actions.iter().position(|&byte| byte == b']');
            at + blanks + close.map_or(actions.len(), |close| close + 1)
        }
        _ => at,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_service_goes_first_and_comes_out_again() {
        #[rustfmt::skip]
        let table: &[(&str, &str, &str)] = &[
            ("Debian's",      "passwd: files\nhosts:          files dns\nnetworks: files\n", "passwd: files\nhosts:          workaround files dns\nnetworks: files\n"),
            ("actions",       "hosts: mymachines resolve [!UNAVAIL=return] files dns # c\n", "hosts: workaround mymachines resolve [!UNAVAIL=return] files dns # c\n"),
            ("mdns",          "hosts:\tfiles mdns4_minimal [NOTFOUND=return] dns",        "hosts:\tworkaround files mdns4_minimal [NOTFOUND=return] dns"),
            ("no blank",      "hosts:files dns\n",                                         "hosts:workaround files dns\n"),
            ("indented",      "  hosts:  files\n",                                         "  hosts:  workaround files\n"),
            ("CRLF",          "hosts: files dns\r\n",                                      "hosts: workaround files dns\r\n"),
            ("two lines",     "hosts: files\nhosts: dns\n",                                "hosts: workaround files\nhosts: workaround dns\n"),
            ("commented out", "#hosts: dns\nhosts: files\n",                               "#hosts: dns\nhosts: workaround files\n"),
            ("glued action",  "hosts: dns[NOTFOUND=return] files\n",                       "hosts: workaround dns[NOTFOUND=return] files\n"),
            ("no services",   "hosts:\n",                                                  "hosts: workaround\n"),
            ("only comment",  "hosts: # none\n",                                           "hosts: workaround # none\n"),
            ("other names",   "myhosts: x\nhosts2: y\nhosts: files\n",                     "myhosts: x\nhosts2: y\nhosts: workaround files\n"),
            ("not UTF-8",     "# \u{e4}\nhosts: files\n",                                  "# \u{e4}\nhosts: workaround files\n"),
        ];
        for &(case, before, after) in table {
            let got = with_service(before.as_bytes(), Defaults::FilesFirst);
            assert_eq!(String::from_utf8_lossy(&got), after, "{case}");
            assert_eq!(position(&got), Position::First, "{case}");
            assert_eq!(
                with_service(&got, Defaults::FilesFirst),
                got,
                "{case}: twice"
            );
            let back = without_service(&got);
            assert_eq!(String::from_utf8_lossy(&back), before, "{case}: back");
        }
    }

    #[test]
    fn without_a_line_glibcs_own_default_is_written() {
        #[rustfmt::skip]
        let table: &[(&str, Defaults, &str)] = &[
            ("",                Defaults::FilesFirst, "hosts:          workaround files dns\n"),
            ("",                Defaults::DnsFirst,   "hosts:          workaround dns [!UNAVAIL=return] files\n"),
            ("passwd: files",   Defaults::FilesFirst, "passwd: files\nhosts:          workaround files dns\n"),
            ("# only\n",        Defaults::FilesFirst, "# only\nhosts:          workaround files dns\n"),
            ("hosts\n",         Defaults::FilesFirst, "hosts\nhosts:          workaround files dns\n"),
        ];
        for &(before, defaults, after) in table {
            let got = with_service(before.as_bytes(), defaults);
            assert_eq!(String::from_utf8_lossy(&got), after, "{before:?}");
        }
    }

    #[test]
    fn a_service_that_is_asked_too_late_is_moved() {
        #[rustfmt::skip]
        let table: &[(&str, Position, &str)] = &[
            ("hosts: files workaround dns\n",                      Position::Behind, "hosts: workaround files dns\n"),
            ("hosts: files dns workaround\n",                      Position::Behind, "hosts: workaround files dns\n"),
            ("hosts: dns [!UNAVAIL=return] workaround [NOTFOUND=return] files\n", Position::Behind, "hosts: workaround dns [!UNAVAIL=return] files\n"),
            ("hosts: workaround files\nhosts: dns\n",              Position::Absent, "hosts: workaround files\nhosts: workaround dns\n"),
            ("hosts: workaround2 files\n",                         Position::Absent, "hosts: workaround workaround2 files\n"),
        ];
        for &(before, position_before, after) in table {
            assert_eq!(position(before.as_bytes()), position_before, "{before:?}");
            let got = with_service(before.as_bytes(), Defaults::FilesFirst);
            assert_eq!(String::from_utf8_lossy(&got), after, "{before:?}");
        }
    }
}
