//! Hashes of names, addresses and pages: products of 64 by 64 bits, folded.
//!
//! Names are spread by a key that depends on the files' sizes and dates, so that a list from
//! elsewhere cannot have been made to pile up in one place; where one does, probes are bounded.

use crate::syntax::copy;

const A: u64 = 0x9e37_79b9_7f4a_7c15;
const B: u64 = 0xd6e8_feb8_6659_fd93;
const C: u64 = 0xa076_1d64_78bd_642f;

/// Both halves of a product, folded.
#[inline]
#[expect(clippy::cast_possible_truncation, reason = "the two halves")]
pub(super) const fn mix(a: u64, b: u64) -> u64 {
    let product = (a as u128).wrapping_mul(b as u128);
    product as u64 ^ (product >> 64) as u64
}

/// Takes one word in; unlike a bare product it cannot lose what came before.
#[inline]
const fn step(state: u64, word: u64) -> u64 {
    state.rotate_left(29) ^ mix(state ^ word, A)
}

/// Hash of a name, ASCII case apart.
#[must_use]
pub fn of_name(key: u64, name: &[u8]) -> u64 {
    of_bytes(key, name, |word| word.map(|byte| byte.to_ascii_lowercase()))
}

/// Hash of an address's bytes.
pub(super) fn of_address(key: u64, address: &[u8]) -> u64 {
    of_bytes(key ^ C, address, |word| word)
}

fn of_bytes(key: u64, bytes: &[u8], fold: impl Fn([u8; 8]) -> [u8; 8]) -> u64 {
    let mut state = key ^ B;
    for chunk in bytes.chunks(8) {
        let mut word = [0; 8];
        copy(&mut word, chunk);
        state = step(state, u64::from_le_bytes(fold(word)));
    }
    // A short last word is padded; the length tells what is padding.
    mix(state ^ bytes.len() as u64, C)
}

/// What a page is sealed with.
pub(super) fn of_page(key: u64, number: u32, body: &[u8]) -> u64 {
    // Four at a time: the products do not wait for each other.
    let mut lanes = [A, B, C, key ^ u64::from(number)];
    let mut words = body.chunks_exact(32);
    for chunk in &mut words {
        for (lane, word) in lanes.iter_mut().zip(chunk.chunks_exact(8)) {
            *lane = step(*lane, word.try_into().map_or(0, u64::from_le_bytes));
        }
    }
    let rest = of_address(key, words.remainder());
    lanes.iter().fold(rest, |state, &lane| step(state, lane))
}
