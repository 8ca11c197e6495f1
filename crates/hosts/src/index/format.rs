//! How an index lies in its file. `docs/index-format.md` has the picture.
//!
//! Everything is in pages of 1 KiB, each sealed with a hash of its content; numbers are
//! little-endian. The buckets come first, and the length of the file says how many they are, so
//! that a lookup reads the page it needs at once, without a header.

use super::hash;
use crate::Address;

/// Size of a page, in bytes.
pub const PAGE: usize = 1024;
/// What a page holds besides its seal, in bytes.
pub const BODY: usize = PAGE - 8;
/// Texts that fit one read, of so many bytes, are searched without an index: nothing is cheaper.
pub const ONE_READ: usize = 4096;
/// The largest text that an index can be made of: offsets in it have 32 bits.
pub const MAX_TEXT: u64 = u32::MAX as u64;

/// What every bucket page starts with. The last byte is the version: whoever does not know it
/// searches the text.
const MAGIC: [u8; 8] = *b"WD2267I\x01";

/// The state of a file (or a folder, whose size counts as 0) that an index was made from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stamp {
    /// In bytes.
    pub size: u64,
    /// Time of the last change of the content, since 1970.
    pub seconds: i64,
    /// The rest of it.
    pub nanoseconds: u32,
}

impl Stamp {
    /// The stamp of what does not exist, or is not read.
    pub const ABSENT: Self = Self {
        size: u64::MAX,
        seconds: 0,
        nanoseconds: 0,
    };
    const LEN: usize = 20;

    /// Whether a file that looks like `now` is still what this stamp was taken of.
    ///
    /// Image layers keep whole seconds only, so a time without nanoseconds is compared without.
    #[must_use]
    pub fn holds(self, now: Self) -> bool {
        let exact = self.nanoseconds == now.nanoseconds || now.nanoseconds == 0;
        self.size == now.size && self.seconds == now.seconds && exact
    }

    fn to_bytes(self) -> [u8; Self::LEN] {
        let mut bytes = [0; Self::LEN];
        put(&mut bytes, 0, &self.size.to_le_bytes());
        put(&mut bytes, 8, &self.seconds.to_le_bytes());
        put(&mut bytes, 16, &self.nanoseconds.to_le_bytes());
        bytes
    }

    fn from_bytes(bytes: &[u8], at: usize) -> Self {
        Self {
            size: u64::from_le_bytes(take(bytes, at)),
            seconds: i64::from_le_bytes(take(bytes, at.saturating_add(8))),
            nanoseconds: u32::from_le_bytes(take(bytes, at.saturating_add(16))),
        }
    }
}

/// What an index was made from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stamps {
    /// `hosts`.
    pub hosts: Stamp,
    /// The folder `hosts.d`; its files have stamps of their own, in the table of sources.
    pub folder: Stamp,
}

impl Stamps {
    /// The key of all hashes. It has no nanoseconds in it, as those may go.
    #[must_use]
    pub fn key(&self) -> u64 {
        let of = |stamp: &Stamp| {
            hash::mix(
                stamp.size ^ 0x2267,
                u64::from_ne_bytes(stamp.seconds.to_ne_bytes()) | 1,
            )
        };
        hash::mix(of(&self.hosts), !of(&self.folder).rotate_left(32))
    }

    pub(super) fn hold(&self, now: &Self) -> bool {
        self.hosts.holds(now.hosts) && self.folder.holds(now.folder)
    }
}

/// What every bucket page says about the index.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// Number of buckets, which are the first pages.
    pub buckets: u32,
    /// What it was made from.
    pub stamps: Stamps,
    /// Length of the text, in bytes. Its pages follow the buckets.
    pub text_len: u64,
    /// Length of the table of sources, in bytes. Its pages follow the text.
    pub sources_len: u32,
    /// A bit for each number of dots that any wildcard has.
    pub depths: u128,
}

impl Head {
    const LEN: usize = 88;

    /// The first page of the table of sources.
    #[must_use]
    pub fn sources_page(&self) -> Option<u32> {
        u32::try_from(self.text_len.div_ceil(BODY as u64))
            .ok()?
            .checked_add(self.buckets)
    }
}

/// How many slots a bucket page has.
pub const SLOTS: usize = (BODY - Head::LEN) / 6;
/// How many of them are looked at together.
const SLOTS_AT_ONCE: usize = 16;
const FINGERPRINTS: usize = Head::LEN;
const OFFSETS: usize = FINGERPRINTS + 2 * SLOTS;

/// A bucket page in memory.
pub struct Page<B>(pub B);

impl<B: AsRef<[u8]>> Page<B> {
    /// The head; `None` if this is no bucket page that this code can read.
    #[must_use]
    pub fn head(&self) -> Option<Head> {
        let bytes = self.0.as_ref();
        bytes.starts_with(&MAGIC).then(|| Head {
            buckets: u32::from_le_bytes(take(bytes, 8)),
            stamps: Stamps {
                hosts: Stamp::from_bytes(bytes, 16),
                folder: Stamp::from_bytes(bytes, 36),
            },
            text_len: u64::from_le_bytes(take(bytes, 56)),
            sources_len: u32::from_le_bytes(take(bytes, 64)),
            depths: u128::from_le_bytes(take(bytes, 72)),
        })
    }

    /// The page on which the bucket goes on; 0 if it does not.
    #[must_use]
    pub fn next(&self) -> u32 {
        u32::from_le_bytes(take(self.0.as_ref(), 12))
    }

    /// How many slots are in use.
    #[must_use]
    pub fn len(&self) -> usize {
        usize::from(u16::from_le_bytes(take(self.0.as_ref(), 68))).min(SLOTS)
    }

    /// Whether no slot is in use.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The first slot from `from` on with this fingerprint.
    #[must_use]
    pub fn find(&self, from: usize, fingerprint: u16) -> Option<usize> {
        let wanted = fingerprint.to_le_bytes();
        let end = FINGERPRINTS + 2 * self.len();
        let mut slots = self.0.as_ref().get(FINGERPRINTS + 2 * from..end)?;
        let mut passed = from;
        // Most blocks have none: whole ones at a time are vector instructions.
        while let Some((block, rest)) = slots.split_first_chunk::<{ 2 * SLOTS_AT_ONCE }>() {
            let hits = block.chunks_exact(2).filter(|slot| *slot == wanted);
            if hits.count() > 0 {
                break;
            }
            slots = rest;
            passed += SLOTS_AT_ONCE;
        }
        let found = slots.chunks_exact(2).position(|slot| slot == wanted)?;
        Some(passed + found)
    }

    /// Offset of the line that a slot stands for.
    #[must_use]
    pub fn line(&self, slot: usize) -> u32 {
        u32::from_le_bytes(take(self.0.as_ref(), OFFSETS + 4 * slot))
    }

    /// Whether the seal is that of this content on this page.
    #[must_use]
    pub fn is_sealed(&self, key: u64, number: u32) -> bool {
        let bytes = self.0.as_ref();
        bytes.split_at_checked(BODY).is_some_and(|(body, seal)| {
            seal.len() == 8 && u64::from_le_bytes(take(seal, 0)) == hash::of_page(key, number, body)
        })
    }
}

impl Page<[u8; PAGE]> {
    /// A page without slots.
    #[must_use]
    pub fn new(head: &Head) -> Self {
        let mut page = [0; PAGE];
        put(&mut page, 0, &MAGIC);
        put(&mut page, 8, &head.buckets.to_le_bytes());
        put(&mut page, 16, &head.stamps.hosts.to_bytes());
        put(&mut page, 36, &head.stamps.folder.to_bytes());
        put(&mut page, 56, &head.text_len.to_le_bytes());
        put(&mut page, 64, &head.sources_len.to_le_bytes());
        put(&mut page, 72, &head.depths.to_le_bytes());
        Self(page)
    }

    /// Puts a line into the next slot; false if there is none.
    pub fn push(&mut self, fingerprint: u16, line: u32) -> bool {
        let slot = self.len();
        if slot == SLOTS {
            return false;
        }
        put(
            &mut self.0,
            FINGERPRINTS + 2 * slot,
            &fingerprint.to_le_bytes(),
        );
        put(&mut self.0, OFFSETS + 4 * slot, &line.to_le_bytes());
        let len = u16::try_from(slot + 1).unwrap_or(u16::MAX);
        put(&mut self.0, 68, &len.to_le_bytes());
        true
    }

    /// Says where the bucket goes on.
    pub fn set_next(&mut self, page: u32) {
        put(&mut self.0, 12, &page.to_le_bytes());
    }

    /// Seals the page.
    pub fn seal(&mut self, key: u64, number: u32) {
        let seal = hash::of_page(key, number, self.0.get(..BODY).unwrap_or_default());
        put(&mut self.0, BODY, &seal.to_le_bytes());
    }
}

/// An entry of the table of sources: a stamp, the length of a name, the name (a file of
/// `hosts.d`, or of its stamp a `hosts.d` that is not there).
pub const SOURCE_HEAD: usize = Stamp::LEN + 1;

/// The head of an entry of the table of sources.
#[must_use]
pub fn source_head(stamp: Stamp, name_len: u8) -> [u8; SOURCE_HEAD] {
    let mut bytes = [0; SOURCE_HEAD];
    put(&mut bytes, 0, &stamp.to_bytes());
    put(&mut bytes, Stamp::LEN, &[name_len]);
    bytes
}

/// What [`source_head`] put in.
pub(super) fn read_source_head(bytes: &[u8; SOURCE_HEAD]) -> (Stamp, usize) {
    let [.., len] = bytes;
    (Stamp::from_bytes(bytes, 0), usize::from(*len))
}

/// How many bytes the file is longer than its pages: that says how many buckets there are. From
/// 64 on not all numbers can be said, but one in 32.
#[must_use]
pub const fn tail_of(buckets: u32) -> Option<u64> {
    if buckets < 64 {
        return Some(buckets as u64);
    }
    let exponent = buckets.ilog2() - 5;
    let mantissa = buckets >> exponent;
    if mantissa << exponent == buckets {
        Some((exponent as u64 + 1) * 32 + mantissa as u64 - 32)
    } else {
        None
    }
}

/// The least number not below `buckets` that [`tail_of`] can say.
#[must_use]
pub const fn round_up(buckets: u32) -> u32 {
    if buckets < 64 {
        return if buckets == 0 { 1 } else { buckets };
    }
    let step = 1 << (buckets.ilog2() - 5);
    buckets.div_ceil(step) * step
}

/// What a file of `len` bytes says about the number of its buckets; 0 if it says nothing.
#[must_use]
#[expect(clippy::cast_possible_truncation, reason = "it is below 1024")]
pub const fn buckets_of(len: u64) -> u32 {
    let tail = (len % PAGE as u64) as u32;
    if tail < 64 {
        return tail;
    }
    let exponent = tail / 32 - 1;
    if exponent > 26 {
        return 0;
    }
    (32 + tail % 32) << exponent
}

/// The bucket of a hash, and the mark by which its slot is told from others there.
#[must_use]
#[expect(
    clippy::cast_possible_truncation,
    reason = "a bucket's number is below `buckets`"
)]
pub const fn place(hash: u64, buckets: u32) -> (u32, u16) {
    let bucket = (hash as u128 * buckets as u128) >> 64;
    (bucket as u32, hash as u16)
}

/// The hashes under which a line with `address` is found by address.
#[must_use]
pub fn address_hashes(key: u64, address: Address) -> [Option<u64>; 2] {
    let v4 = address.to_v4().map(|v4| hash::of_address(key, &v4));
    let v6 = match address {
        // A mapped address is found under the IPv4 one.
        Address::V6(v6) if address.to_v4().is_none() || address.is_loopback() => {
            Some(hash::of_address(key, &v6))
        }
        _ => None,
    };
    [v4, v6]
}

/// The hash under which the lines are that answer a question for `address`.
pub(super) fn asked_hash(key: u64, address: Address) -> u64 {
    let [v4, v6] = address_hashes(key, address);
    v6.or(v4).unwrap_or_default()
}

fn take<const N: usize>(bytes: &[u8], at: usize) -> [u8; N] {
    let found = bytes.get(at..).and_then(|bytes| bytes.first_chunk());
    found.copied().unwrap_or([0; N])
}

fn put(to: &mut [u8], at: usize, bytes: &[u8]) {
    for (to, from) in to.iter_mut().skip(at).zip(bytes) {
        *to = *from;
    }
}
