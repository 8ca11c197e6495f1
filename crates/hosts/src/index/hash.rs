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
    of_bytes(key, name, to_lowercase)
}

/// Eight letters of ASCII in lower case, and other bytes as they are.
#[inline]
const fn to_lowercase(word: u64) -> u64 {
    const EACH: u64 = 0x0101_0101_0101_0101;
    // The eighth bit of each byte says whether its other seven are above `Z`, or at least `A`.
    let low = word & (0x7f * EACH);
    let above = low + ((0x7f - b'Z' as u64) * EACH);
    let least = low + ((0x80 - b'A' as u64) * EACH);
    let upper = (least ^ above) & !word & (0x80 * EACH);
    word | upper >> 2
}

/// Hash of an address's bytes.
pub(super) fn of_address(key: u64, address: &[u8]) -> u64 {
    of_bytes(key ^ C, address, |word| word)
}

fn of_bytes(key: u64, mut bytes: &[u8], fold: impl Fn(u64) -> u64) -> u64 {
    let len = bytes.len() as u64;
    let mut state = key ^ B;
    while let Some((word, rest)) = bytes.split_first_chunk() {
        state = step(state, fold(u64::from_le_bytes(*word)));
        bytes = rest;
    }
    if !bytes.is_empty() {
        let mut word = [0; 8];
        copy(&mut word, bytes);
        state = step(state, fold(u64::from_le_bytes(word)));
    }
    // A short last word is padded; the length tells what is padding.
    mix(state ^ len, C)
}

/// What a page is sealed with.
pub(super) fn of_page(key: u64, number: u32, body: &[u8]) -> u64 {
    // Two words a product, and four at a time, which do not wait for each other.
    let mut lanes = [A, B, C, key ^ u64::from(number)];
    let mut chunks = body.chunks_exact(64);
    for chunk in &mut chunks {
        for (lane, words) in lanes.iter_mut().zip(chunk.chunks_exact(16)) {
            let (a, b) = words.split_at(8);
            let [a, b] = [a, b].map(|word| word.try_into().map_or(0, u64::from_le_bytes));
            *lane = lane.rotate_left(29) ^ mix(*lane ^ a, b ^ A);
        }
    }
    let rest = of_address(key, chunks.remainder());
    lanes.iter().fold(rest, |state, &lane| step(state, lane))
}
