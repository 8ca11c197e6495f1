//! What can be asked of a hosts file.

use crate::Address;

/// Which addresses a question by name is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    /// IPv4, and the IPv6 addresses that stand for one ([`Address::to_v4`]).
    V4,
    /// IPv6, as the file writes it.
    V6,
    /// Both, as the file writes them.
    Any,
}

impl Family {
    /// The address under which an entry with `address` answers, if it does.
    #[must_use]
    pub fn admit(self, address: Address) -> Option<Address> {
        match (self, address) {
            (Self::V4, address) => address.to_v4().map(Address::V4),
            (Self::V6, Address::V4(_)) => None,
            (Self::V6 | Self::Any, address) => Some(address),
        }
    }
}

/// One question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Question<'q> {
    /// Every line that holds this name, ASCII case apart.
    Name(&'q [u8], Family),
    /// The lines with this address. An IPv4 address is also found in the forms of
    /// [`Address::to_v4`], and a v4-mapped one on an IPv4 line (as by `files` from glibc 2.38 on).
    Address(Address),
    /// Every line that stands for an IPv4 address: `files` enumerates no others.
    All,
}

impl Question<'_> {
    /// The address under which an entry with `address` answers, if its address lets it answer.
    #[must_use]
    #[inline(never)]
    pub fn admit(self, address: Address) -> Option<Address> {
        match self {
            Self::Name(_, family) => family.admit(address),
            Self::Address(asked) => (address == asked || asked.is_v4_of(address)).then_some(asked),
            Self::All => Family::V4.admit(address),
        }
    }
}

/// The texts one of which stands in every line that may answer a question by address.
pub(crate) enum Clues {
    /// The quad as a word of its own, or [`MAPPED`].
    V4 { quad: Text },
    /// The group without its leading zeros, or the quad.
    V6 { group: Text, quad: Text },
}

/// The group that no mapped address in hexadecimal can do without.
pub(crate) const MAPPED: &[u8] = b"ffff:";

const QUAD_LEN: usize = "255.255.255.255".len();

/// A dotted quad, or a group in hexadecimal.
#[derive(Clone, Copy)]
pub(crate) struct Text {
    bytes: [u8; QUAD_LEN],
    len: usize,
}

impl Text {
    const EMPTY: Self = Self {
        bytes: [0; QUAD_LEN],
        len: 0,
    };

    fn push(&mut self, byte: u8) {
        if let Some(slot) = self.bytes.get_mut(self.len) {
            *slot = byte;
            self.len += 1;
        }
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        self.bytes.get(..self.len).unwrap_or_default()
    }

    fn dotted(bytes: [u8; 4]) -> Self {
        let mut text = Self::EMPTY;
        for (at, byte) in bytes.into_iter().enumerate() {
            if at > 0 {
                text.push(b'.');
            }
            for unit in [100, 10] {
                if byte >= unit {
                    text.push(b'0' + byte / unit % 10);
                }
            }
            text.push(b'0' + byte % 10);
        }
        text
    }

    /// A group without leading zeros, which stands in it however many zeros it is written with.
    fn group(group: u16) -> Self {
        let mut text = Self::EMPTY;
        for shift in [12, 8, 4, 0] {
            let digit = (group >> shift & 0xf) as u8;
            if digit > 0 || text.len > 0 || shift == 0 {
                text.push(if digit < 10 {
                    b'0' + digit
                } else {
                    b'a' + digit - 10
                });
            }
        }
        text
    }
}

impl Clues {
    /// `None` where no text is telling enough to be worth a search.
    pub(crate) fn new(address: Address) -> Option<Self> {
        match address {
            // 127.0.0.1 is also `::1`, in all its spellings.
            Address::V4([127, 0, 0, 1]) => None,
            Address::V4(bytes)
            | Address::V6([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, bytes @ ..]) => {
                Some(Self::V4 {
                    quad: Text::dotted(bytes),
                })
            }
            // Of the last two groups the longer one, or the last four bytes as a quad.
            Address::V6(bytes) => {
                let [.., a, b, c, d] = bytes;
                let seventh = Text::group(u16::from_be_bytes([a, b]));
                let eighth = Text::group(u16::from_be_bytes([c, d]));
                let group = if eighth.len >= seventh.len {
                    eighth
                } else {
                    seventh
                };
                (group.len >= 3).then(|| Self::V6 {
                    group,
                    quad: Text::dotted([a, b, c, d]),
                })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_spelling_of_an_address_holds_a_clue() {
        #[rustfmt::skip]
        let table: &[(&str, &[&str])] = &[
            ("10.0.0.200",     &["10.0.0.200", "::ffff:10.0.0.200", "::FFFF:a00:c8", "0:0:0:0:0:ffff:0a00:00c8"]),
            ("255.1.20.3",     &["255.1.20.3", "::ffff:ff01:1403"]),
            ("::ffff:10.0.0.1", &["10.0.0.1", "::ffff:10.0.0.1", "::ffff:a00:1"]),
            ("fd00::1:abc",    &["fd00::1:abc", "FD00::0001:0ABC", "fd00:0:0:0:0:0:0.1.10.188"]),
            ("fe80::1234:5",   &["fe80::1234:5", "fe80::1234:0005", "fe80::18.52.0.5"]),
        ];
        for &(asked, spellings) in table {
            let clues = Clues::new(Address::parse(asked.as_bytes()).unwrap()).unwrap();
            for spelling in spellings {
                let lower = spelling.to_ascii_lowercase();
                let found = match &clues {
                    Clues::V4 { quad } => {
                        lower.as_bytes() == quad.as_bytes() || lower.contains("ffff:")
                    }
                    Clues::V6 { group, quad } => [group, quad]
                        .iter()
                        .any(|text| lower.contains(std::str::from_utf8(text.as_bytes()).unwrap())),
                };
                assert!(found, "{spelling} for {asked}");
            }
        }
    }

    #[test]
    fn addresses_without_a_telling_text_have_no_clues() {
        for text in ["127.0.0.1", "::1", "::", "fd00::2:10", "fd00::"] {
            assert!(
                Clues::new(Address::parse(text.as_bytes()).unwrap()).is_none(),
                "{text}"
            );
        }
    }
}
