//! Under which hashes a line is found.

use std::collections::HashSet;

use hosts::index::{address_hashes, hash};
use hosts::{Address, Subject, is_wildcard, subject, words};

/// How many addresses are remembered, so that only their first line is indexed. What is beyond
/// has more slots than it needs, and no other effect.
const MAX_ADDRESSES: usize = 1 << 16;

/// Makes the hashes of one line after another.
pub(crate) struct Keys {
    key: u64,
    /// Of a question by address only the first line counts.
    seen: HashSet<Address>,
}

/// What a hash stands for.
#[derive(Clone, Copy)]
pub(crate) struct Words<'a> {
    /// Whether it is the line's first.
    pub(crate) is_first: bool,
    /// The wildcard, if it is of one.
    pub(crate) wildcard: Option<&'a [u8]>,
}

impl Keys {
    pub(crate) fn new(key: u64) -> Self {
        Self {
            key,
            seen: HashSet::new(),
        }
    }

    /// Calls `each` for all hashes of `line`.
    pub(crate) fn of<'a>(&mut self, line: &'a [u8], mut each: impl FnMut(u64, Words<'a>)) {
        let mut words = words(line);
        let Some(subject) = words.next().and_then(subject) else {
            return;
        };
        let mut is_first = true;
        let mut each = |hash, wildcard| {
            each(hash, Words { is_first, wildcard });
            is_first = false;
        };
        let mut names = 0_u64;
        let mut plain = 0_u64;
        for name in words {
            let wildcard = is_wildcard(name).then_some(name);
            each(hash::of_name(self.key, name), wildcard);
            names += 1;
            plain += u64::from(wildcard.is_none());
        }
        let Subject::Address(address) = subject else {
            return;
        };
        if names == 0 {
            each(hash::of_name(self.key, b""), None);
        } else if plain == 0 {
            // Nobody is named by wildcards alone.
            return;
        }
        if self.seen.len() < MAX_ADDRESSES {
            if !self.seen.insert(address) {
                return;
            }
        } else if self.seen.contains(&address) {
            return;
        }
        for hash in address_hashes(self.key, address).into_iter().flatten() {
            each(hash, None);
        }
    }
}
