//! Addresses, as `inet_pton(3)` of glibc reads them.

/// An address as the file writes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Address {
    /// Four bytes, network order.
    V4([u8; 4]),
    /// Sixteen bytes, network order.
    V6([u8; 16]),
}

impl Address {
    /// Length of the longest text that [`parse`](Self::parse) takes, in bytes: six groups of four
    /// hexadecimal digits and a dotted quad.
    pub const MAX_TEXT: usize = "ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255".len();

    const LOOPBACK: [u8; 16] = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1];

    /// Reads `text`; `None` if it is no address.
    ///
    /// As strict as glibc: no scope id, no brackets, four decimal parts without leading zeros,
    /// no hexadecimal or short IPv4 forms.
    // Not inlined: what it keeps on the stack is not there while the file is read.
    #[inline(never)]
    #[must_use]
    pub fn parse(text: &[u8]) -> Option<Self> {
        parse_v4(text)
            .map(Self::V4)
            .or_else(|| parse_v6(text).map(Self::V6))
    }

    /// The IPv4 address that this one stands for where one is asked for.
    ///
    /// Besides IPv4 itself these are the v4-mapped addresses (`::ffff:10.0.0.1`), and `::1`, which
    /// the `files` service reads as 127.0.0.1.
    #[must_use]
    pub fn to_v4(self) -> Option<[u8; 4]> {
        let bytes = match self {
            Self::V4(bytes) => return Some(bytes),
            Self::V6(bytes) => bytes,
        };
        let value = u128::from_be_bytes(bytes);
        if value == 1 {
            return Some([127, 0, 0, 1]);
        }
        let [.., a, b, c, d] = bytes;
        (value >> 32 == 0xffff).then_some([a, b, c, d])
    }

    /// Whether this is `::1`.
    pub(crate) fn is_loopback(self) -> bool {
        self == Self::V6(Self::LOOPBACK)
    }

    /// Whether this address and `line`'s are the same IPv4 address, as a question by address sees
    /// it.
    pub(crate) fn is_v4_of(self, line: Self) -> bool {
        match (self, line) {
            (Self::V4(asked), line) => line.to_v4() == Some(asked),
            // Only mapped addresses: `::1` is not found on a line for 127.0.0.1.
            (asked, Self::V4(line)) => {
                asked != Self::V6(Self::LOOPBACK) && asked.to_v4() == Some(line)
            }
            (Self::V6(_), Self::V6(_)) => false,
        }
    }
}

fn parse_v4(text: &[u8]) -> Option<[u8; 4]> {
    let mut bytes = [0; 4];
    let mut parts = text.split(|&byte| byte == b'.');
    for byte in &mut bytes {
        *byte = decimal(parts.next()?)?;
    }
    parts.next().is_none().then_some(bytes)
}

fn decimal(text: &[u8]) -> Option<u8> {
    if text.is_empty() || text.len() > 3 || (text.len() > 1 && text.first() == Some(&b'0')) {
        return None;
    }
    let mut value = 0_u16;
    for &digit in text {
        if !digit.is_ascii_digit() {
            return None;
        }
        value = value * 10 + u16::from(digit - b'0');
    }
    u8::try_from(value).ok()
}

/// Collects the bytes of an IPv6 address from the left.
struct Groups {
    bytes: [u8; 16],
    len: usize,
}

impl Groups {
    fn push(&mut self, group: [u8; 2]) -> Option<()> {
        let next = self.len + 2;
        self.bytes.get_mut(self.len..next)?.copy_from_slice(&group);
        self.len = next;
        Some(())
    }
}

fn parse_v6(text: &[u8]) -> Option<[u8; 16]> {
    let mut groups = Groups {
        bytes: [0; 16],
        len: 0,
    };
    let mut gap = None;
    let mut rest = text;
    if let Some(after) = text.strip_prefix(b"::") {
        gap = Some(0);
        rest = after;
    }
    while !rest.is_empty() {
        let end = rest.iter().position(|&byte| byte == b':');
        let (group, after) = rest.split_at_checked(end.unwrap_or(rest.len()))?;
        if group.contains(&b'.') {
            // A dotted quad can only be the tail.
            let [a, b, c, d] = parse_v4(rest)?;
            groups.push([a, b])?;
            groups.push([c, d])?;
            break;
        }
        groups.push(hexadecimal(group)?)?;
        rest = match after {
            [] => after,
            [b':', b':', after @ ..] => {
                if gap.replace(groups.len).is_some() {
                    return None;
                }
                after
            }
            // A single colon at the end is an error, not an empty group.
            [b':'] => return None,
            [_, after @ ..] => after,
        };
    }
    match gap {
        None => (groups.len == 16).then_some(groups.bytes),
        // glibc wants the gap to stand for at least one group.
        Some(gap) => {
            let missing = 16_usize.checked_sub(groups.len).filter(|&n| n > 0)?;
            let tail = groups.bytes.get_mut(gap..)?;
            tail.rotate_right(missing.min(tail.len()));
            Some(groups.bytes)
        }
    }
}

fn hexadecimal(group: &[u8]) -> Option<[u8; 2]> {
    if group.is_empty() || group.len() > 4 {
        return None;
    }
    let mut value = 0_u16;
    for &digit in group {
        let digit = match digit {
            b'0'..=b'9' => digit - b'0',
            b'a'..=b'f' => digit - b'a' + 10,
            b'A'..=b'F' => digit - b'A' + 10,
            _ => return None,
        };
        value = value << 4 | u16::from(digit);
    }
    Some(value.to_be_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_read_as_the_standard_library_reads_them() {
        // The standard library follows the same grammar as glibc, but for the length of a gap:
        // it too wants `::` to stand for one group at least.
        #[rustfmt::skip]
        let texts = [
            "0.0.0.0", "127.0.0.1", "255.255.255.255", "256.0.0.1", "01.2.3.4", "1.2.3", "1.2.3.4.", "1.2.3.4.5",
            "1..3.4", ".1.2.3.4", "0x7f.0.0.1", "127.1", "", "1.2.3.4 ", "::", "::1", "1::", "::1::", ":::", ":1",
            "1:", ":", "1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7:8:9", "1:2:3:4:5:6:7::", "::2:3:4:5:6:7:8",
            "1::3:4:5:6:7:8", "1:2:3:4::5:6:7:8", "1:2:3:4:5:6:7", "12345::", "::ffff:1.2.3.4", "::FFFF:102:304",
            "::1.2.3.4", "1:2:3:4:5:6:1.2.3.4", "1:2:3:4:5:6:7:1.2.3.4", "::1.2.3.4:5", "::1.2.3", "fe80::1%eth0",
            "[::1]", "g::", "::g", "1:2:3:4:5:6:7:8::", "::1:2:3:4:5:6:7:8", "0000:0000:0000:0000:0000:0000:255.255.255.255",
            "::00001", "::1.2.3.04", "abcd:EF01::", "\u{feff}127.0.0.1", "1:::2", "1::2::3", "::.1.2.3",
        ];
        for text in texts {
            let want = match text.parse::<std::net::IpAddr>() {
                Ok(std::net::IpAddr::V4(v4)) => Some(Address::V4(v4.octets())),
                Ok(std::net::IpAddr::V6(v6)) => Some(Address::V6(v6.octets())),
                Err(_) => None,
            };
            assert_eq!(Address::parse(text.as_bytes()), want, "{text:?}");
        }
    }

    #[test]
    fn some_v6_addresses_answer_v4_questions() {
        #[rustfmt::skip]
        let table: &[(&str, Option<[u8; 4]>)] = &[
            ("10.0.0.1",        Some([10, 0, 0, 1])),
            ("::ffff:10.0.0.1", Some([10, 0, 0, 1])),
            ("::ffff:a00:1",    Some([10, 0, 0, 1])),
            ("::1",             Some([127, 0, 0, 1])),
            ("::10.0.0.1",      None),
            ("::",              None),
            ("fd00::1",         None),
        ];
        for &(text, want) in table {
            let address = Address::parse(text.as_bytes()).unwrap();
            assert_eq!(address.to_v4(), want, "{text}");
        }
    }
}
