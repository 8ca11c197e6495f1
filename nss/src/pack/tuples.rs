//! `struct gaih_addrtuple`: the answer to `getaddrinfo`, addresses of both families.

use core::mem::size_of;

use hosts::{Address, Error, Family, Hosts, ReadAt, Resolution};

use super::survey::{Asked, Start, Survey, take_survey};
use super::{Buffer, Part, padding, put, put_name, resolve, settled};
use crate::abi::gaih_addrtuple;
use crate::kernel::Errno;
use crate::outcome::Failure;

const TUPLE: usize = size_of::<gaih_addrtuple>();

/// A packed chain of `struct gaih_addrtuple`: the first one as a value, as the caller may have
/// brought the memory for it, the others as offsets into the buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PackedTuples {
    pub(crate) first: Address,
    pub(crate) name: usize,
    /// Where the first tuple is to be written; `None` if the caller brought it.
    pub(crate) first_at: Option<usize>,
    pub(crate) second_at: Option<usize>,
}

/// Packs the chain of `struct gaih_addrtuple` that answers `name`; with `has_first` the caller
/// brings the first one.
///
/// # Errors
///
/// See [`Failure`]; the buffer's content is then unspecified.
pub(crate) fn tuples<S: ReadAt<Error = Errno>>(
    hosts: &mut Hosts<'_, S>,
    name: &[u8],
    has_first: bool,
    buffer: &mut Buffer<'_>,
) -> Result<PackedTuples, Failure> {
    let mut resolution = Resolution::new(name);
    let lead = resolve(hosts, &mut resolution)?;
    let asked = &Asked::resolved(&resolution, Family::Any);
    let mut survey = Survey::new();
    take_survey(hosts, asked, Start::Lead(lead), &mut survey)?;
    if survey.lead.is_none() {
        return Err(Failure::NotFound);
    }
    let in_buffer = survey.entries.saturating_sub(usize::from(has_first));
    let (tuples, text) = TupleParts::new(&survey, buffer.base, in_buffer)
        .filter(|parts| parts.total <= buffer.bytes.len())
        .map(|parts| (parts.tuples, parts.text))
        .ok_or(Failure::BufferTooSmall)?;
    let packed = fill_tuples(hosts, asked, &survey, tuples, text, has_first, buffer)?;
    settled(hosts, asked)?;
    Ok(packed)
}

/// The parts of a packed chain, each as large as the survey says.
struct TupleParts {
    tuples: Part,
    text: Part,
    total: usize,
}

impl TupleParts {
    /// `None` if they would not fit any address space.
    fn new(survey: &Survey, base: usize, in_buffer: usize) -> Option<Self> {
        let (tuples, at) = Part::new(padding(base), in_buffer.checked_mul(TUPLE))?;
        let name = usize::try_from(survey.canonical.len).ok()?;
        let (text, total) = Part::new(at, name.checked_add(1))?;
        Some(Self {
            tuples,
            text,
            total,
        })
    }
}

// Kept apart, so that its frame is not on the stack while the other pass runs.
#[inline(never)]
fn fill_tuples<S: ReadAt>(
    hosts: &mut Hosts<'_, S>,
    asked: &Asked<'_>,
    survey: &Survey,
    mut tuples: Part,
    mut text: Part,
    has_first: bool,
    buffer: &mut Buffer<'_>,
) -> Result<PackedTuples, Error<S::Error>> {
    // The first tuple is written by the caller, who knows where.
    let first_at = if has_first {
        None
    } else {
        Some(put(&mut tuples, buffer, &[0; TUPLE])?)
    };
    let second_at = (survey.entries > 1).then_some(tuples.at);
    let (mut search, entry) = survey.again(hosts, asked)?;
    let canonical = hosts.next_name(&mut entry.names(), asked.question)?;
    let canonical = canonical.ok_or(Error::Changed)?;
    let name = put_name(&mut text, hosts, buffer, asked, canonical)?;
    for nth in 1..survey.entries {
        let entry = hosts.next(&mut search)?.ok_or(Error::Changed)?;
        let is_last = nth.checked_add(1) == Some(survey.entries);
        let next = if is_last {
            0
        } else {
            buffer.base.wrapping_add(tuples.at).wrapping_add(TUPLE)
        };
        put(&mut tuples, buffer, &tuple_bytes(next, entry.address))?;
    }
    if !tuples.is_full() || !text.is_full() {
        return Err(Error::Changed);
    }
    Ok(PackedTuples {
        first: entry.address,
        name,
        first_at,
        second_at,
    })
}

/// The four words of an address in a tuple; an IPv4 address is the first of them.
pub(crate) fn tuple_words(address: Address) -> [u32; 4] {
    match address {
        Address::V4(bytes) => [u32::from_ne_bytes(bytes), 0, 0, 0],
        Address::V6(bytes) => {
            let mut words = [0; 4];
            for (word, bytes) in words.iter_mut().zip(bytes.chunks_exact(4)) {
                *word = bytes.try_into().map_or(0, u32::from_ne_bytes);
            }
            words
        }
    }
}

/// `AF_INET` or `AF_INET6`.
pub(crate) const fn family(address: Address) -> i32 {
    match address {
        Address::V4(_) => libc::AF_INET,
        Address::V6(_) => libc::AF_INET6,
    }
}

/// A tuple without a name, as memory.
fn tuple_bytes(next: usize, address: Address) -> [u8; TUPLE] {
    const {
        assert!(core::mem::offset_of!(gaih_addrtuple, next) == 0);
        assert!(core::mem::offset_of!(gaih_addrtuple, name) == 8);
        assert!(core::mem::offset_of!(gaih_addrtuple, family) == 16);
        assert!(core::mem::offset_of!(gaih_addrtuple, addr) == 20);
        assert!(core::mem::offset_of!(gaih_addrtuple, scopeid) == 36);
        assert!(TUPLE == 40);
    }
    let [a, b, c, d] = tuple_words(address);
    let family = u32::from_ne_bytes(family(address).to_ne_bytes());
    let mut memory = [0; TUPLE];
    let (head, words) = memory.split_at_mut(16);
    for (to, from) in head.iter_mut().zip(next.to_ne_bytes()) {
        *to = from;
    }
    let fields = [family, a, b, c, d, 0];
    for (to, from) in words.chunks_exact_mut(4).zip(fields) {
        for (to, from) in to.iter_mut().zip(from.to_ne_bytes()) {
            *to = from;
        }
    }
    memory
}
