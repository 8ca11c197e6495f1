//! The answer, laid out in the caller's buffer.
//!
//! The file is read twice: a survey adds up what the answer takes, then, when all of it fits, it
//! is filled in. A file that fits the read buffer is in memory by then, and of a larger one only
//! the stretch from the first line that answers to the last is read again. Should the two
//! readings differ, somebody has edited the file in place, and the call starts over.
//!
//! Pointers are written as plain addresses, byte by byte, so the buffer may have any alignment
//! and this file needs no `unsafe`.
#![deny(clippy::arithmetic_side_effects)]

use core::mem::size_of;

use hosts::{Address, Error, Family, Hosts, Name, Question, ReadAt, Resolution, Span, Verdict};

use crate::abi::gaih_addrtuple;
use crate::kernel::Errno;
use crate::outcome::Failure;

const POINTER: usize = size_of::<usize>();
const TUPLE: usize = size_of::<gaih_addrtuple>();
/// How much of a name is compared at once, in bytes; the stack is short.
const HEAD: usize = 16;

/// What is packed, and where.
pub(crate) struct Buffer<'a> {
    /// The memory to fill.
    pub(crate) bytes: &'a mut [u8],
    /// Its address.
    pub(crate) base: usize,
}

/// A packed `struct hostent`, as offsets into the buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PackedHost {
    pub(crate) name: usize,
    pub(crate) aliases: usize,
    pub(crate) addresses: usize,
    /// What the addresses are.
    pub(crate) v6: bool,
    /// Where the search for the next entry starts.
    pub(crate) next: u64,
}

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

/// What the lines are searched for, and what the answer says besides.
#[derive(Clone, Copy)]
struct Asked<'q> {
    question: Question<'q>,
    /// What stands for a wildcard.
    name: &'q [u8],
    /// One more alias: the name that led to these lines.
    alias: Option<&'q [u8]>,
}

impl<'q> Asked<'q> {
    const fn plain(question: Question<'q>) -> Self {
        Self {
            question,
            name: b"",
            alias: None,
        }
    }

    fn resolved(resolution: &'q Resolution<'_>, family: Family) -> Self {
        Self {
            question: Question::Name(resolution.word(), family),
            name: resolution.name(),
            alias: resolution.alias(),
        }
    }

    /// Length of a name, in bytes.
    const fn len(&self, name: Name) -> u64 {
        match name {
            Name::Written(span) => span.len,
            Name::Asked => self.name.len() as u64,
        }
    }

    /// Whether all lines that match belong to the answer, or the first one only.
    const fn is_multi(&self) -> bool {
        matches!(self.question, Question::Name(..))
    }
}

/// What an answer consists of, added up.
struct Survey {
    /// Where the first line that answers starts.
    start: u64,
    /// The address on it.
    address: Address,
    canonical: Canonical,
    entries: usize,
    aliases: usize,
    /// Bytes of all names, NULs included.
    text: usize,
    next: u64,
}

/// The canonical name, with its head at hand: each further line is compared with it.
struct Canonical {
    name: Name,
    len: u64,
    head: [u8; HEAD],
}

impl Canonical {
    fn read<S: ReadAt>(
        &mut self,
        hosts: &mut Hosts<'_, S>,
        asked: &Asked<'_>,
        name: Name,
    ) -> Result<(), Error<S::Error>> {
        self.name = name;
        self.len = asked.len(name);
        read_part(hosts, asked, name, 0, self.len, &mut self.head)
    }

    /// Whether `other` is the same name, bytewise.
    fn is<S: ReadAt>(
        &self,
        hosts: &mut Hosts<'_, S>,
        asked: &Asked<'_>,
        other: Name,
    ) -> Result<bool, Error<S::Error>> {
        if asked.len(other) != self.len {
            return Ok(false);
        }
        let mut head = [0; HEAD];
        read_part(hosts, asked, other, 0, self.len, &mut head)?;
        if head != self.head {
            return Ok(false);
        }
        let mut done = head.len() as u64;
        while done < self.len {
            let (mut a, mut b) = ([0; HEAD], [0; HEAD]);
            read_part(hosts, asked, self.name, done, self.len, &mut a)?;
            read_part(hosts, asked, other, done, self.len, &mut b)?;
            if a != b {
                return Ok(false);
            }
            done = done.saturating_add(a.len() as u64);
        }
        Ok(true)
    }
}

/// Reads what follows the first `done` of a name's `len` bytes, or as much as `part` holds; the
/// rest of it stays as it is.
#[inline(never)]
fn read_part<S: ReadAt>(
    hosts: &mut Hosts<'_, S>,
    asked: &Asked<'_>,
    name: Name,
    done: u64,
    len: u64,
    part: &mut [u8; HEAD],
) -> Result<(), Error<S::Error>> {
    let rest = usize::try_from(len.saturating_sub(done)).unwrap_or(usize::MAX);
    let Some(part) = part.get_mut(..rest.min(HEAD)) else {
        return Ok(());
    };
    match name {
        Name::Written(span) => hosts.copy(span.start.saturating_add(done), part),
        Name::Asked => {
            let skip = usize::try_from(done).unwrap_or(usize::MAX);
            hosts::copy(part, asked.name.get(skip..).unwrap_or_default());
            Ok(())
        }
    }
}

// Kept apart, so that its frame is not on the stack while the other pass runs.
#[inline(never)]
fn take_survey<S: ReadAt>(
    hosts: &mut Hosts<'_, S>,
    asked: &Asked<'_>,
    from: u64,
    survey: &mut Survey,
) -> Result<(), Error<S::Error>> {
    let mut search = hosts.search(asked.question, from);
    while let Some(entry) = hosts.next(&mut search)? {
        let mut names = entry.names();
        let Some(name) = hosts.next_name(&mut names, asked.question)? else {
            return Err(Error::Changed);
        };
        if survey.entries == 0 {
            survey.start = entry.start;
            survey.address = entry.address;
            survey.next = entry.end;
            survey.canonical.read(hosts, asked, name)?;
            survey.text = text_len(asked.len(name))?;
            if let Some(alias) = asked.alias {
                survey.add_alias(alias.len() as u64)?;
            }
        } else if !survey.canonical.is(hosts, asked, name)? {
            survey.add_alias(asked.len(name))?;
        }
        survey.entries = survey.entries.checked_add(1).ok_or(Error::Changed)?;
        while let Some(alias) = hosts.next_name(&mut names, asked.question)? {
            survey.add_alias(asked.len(alias))?;
        }
        if !asked.is_multi() {
            break;
        }
    }
    Ok(())
}

impl Survey {
    /// Nothing yet.
    const fn new() -> Self {
        Self {
            start: 0,
            address: Address::V4([0; 4]),
            canonical: Canonical {
                name: Name::Asked,
                len: 0,
                head: [0; HEAD],
            },
            entries: 0,
            aliases: 0,
            text: 0,
            next: 0,
        }
    }

    fn add_alias<E>(&mut self, len: u64) -> Result<(), Error<E>> {
        let len = text_len(len)?;
        self.aliases = self.aliases.checked_add(1).ok_or(Error::Changed)?;
        self.text = self.text.checked_add(len).ok_or(Error::Changed)?;
        Ok(())
    }
}

/// Length of a name of `len` bytes with its NUL.
fn text_len<E>(len: u64) -> Result<usize, Error<E>> {
    // No address space holds a longer one, so no file can have been read that far.
    usize::try_from(len)
        .ok()
        .and_then(|len| len.checked_add(1))
        .ok_or(Error::Changed)
}

/// Fills one part of the buffer after another, each from its own start to its own end.
struct Part {
    at: usize,
    end: usize,
}

impl Part {
    /// The part of `len` bytes behind `start`, and where the next one starts.
    fn new(start: usize, len: Option<usize>) -> Option<(Self, usize)> {
        let end = start.checked_add(len?)?;
        Some((Self { at: start, end }, end))
    }

    /// Takes `len` bytes from the front.
    fn take<'b>(&mut self, buffer: &'b mut [u8], len: usize) -> Option<(usize, &'b mut [u8])> {
        let at = self.at;
        let next = at.checked_add(len).filter(|&next| next <= self.end)?;
        self.at = next;
        Some((at, buffer.get_mut(at..next)?))
    }

    fn is_full(&self) -> bool {
        self.at == self.end
    }
}

/// The padding in front of the first pointer.
fn padding(base: usize) -> usize {
    base.wrapping_neg() & POINTER.wrapping_sub(1)
}

/// The parts of a packed host, each as large as the survey says.
struct HostParts {
    aliases: Part,
    addresses: Part,
    data: Part,
    text: Part,
    total: usize,
}

impl HostParts {
    /// `None` if they would not fit any address space.
    fn new(survey: &Survey, base: usize, address_len: usize) -> Option<Self> {
        let list = |count: usize| count.checked_add(1)?.checked_mul(POINTER);
        let (aliases, at) = Part::new(padding(base), list(survey.aliases))?;
        let (addresses, at) = Part::new(at, list(survey.entries))?;
        let (data, at) = Part::new(at, survey.entries.checked_mul(address_len))?;
        let (text, total) = Part::new(at, Some(survey.text))?;
        Some(Self {
            aliases,
            addresses,
            data,
            text,
            total,
        })
    }

    /// Copies a name into the text part; its address.
    fn put_name<S: ReadAt>(
        &mut self,
        hosts: &mut Hosts<'_, S>,
        buffer: &mut Buffer<'_>,
        asked: &Asked<'_>,
        name: Name,
    ) -> Result<usize, Error<S::Error>> {
        let at = put_name(&mut self.text, hosts, buffer, asked, name)?;
        Ok(buffer.base.wrapping_add(at))
    }

    fn put_alias<S: ReadAt>(
        &mut self,
        hosts: &mut Hosts<'_, S>,
        buffer: &mut Buffer<'_>,
        asked: &Asked<'_>,
        name: Name,
    ) -> Result<(), Error<S::Error>> {
        let pointer = self.put_name(hosts, buffer, asked, name)?;
        put(&mut self.aliases, buffer, &pointer.to_ne_bytes())?;
        Ok(())
    }
}

/// Copies `bytes` into a part; the offset they got.
#[inline(never)]
fn put<E>(part: &mut Part, buffer: &mut Buffer<'_>, bytes: &[u8]) -> Result<usize, Error<E>> {
    let (at, slot) = part.take(buffer.bytes, bytes.len()).ok_or(Error::Changed)?;
    hosts::copy(slot, bytes);
    Ok(at)
}

/// Copies a name and its NUL into a part; the offset it got.
#[inline(never)]
fn put_name<S: ReadAt>(
    part: &mut Part,
    hosts: &mut Hosts<'_, S>,
    buffer: &mut Buffer<'_>,
    asked: &Asked<'_>,
    name: Name,
) -> Result<usize, Error<S::Error>> {
    match name {
        Name::Written(Span { start, len }) => {
            let (at, slot) = part
                .take(buffer.bytes, text_len(len)?)
                .ok_or(Error::Changed)?;
            let Some((nul, text)) = slot.split_last_mut() else {
                return Err(Error::Changed);
            };
            *nul = 0;
            hosts.copy(start, text)?;
            Ok(at)
        }
        Name::Asked => put_text(part, buffer, asked.name),
    }
}

/// Copies a text and a NUL into a part; the offset it got.
#[inline(never)]
fn put_text<E>(part: &mut Part, buffer: &mut Buffer<'_>, text: &[u8]) -> Result<usize, Error<E>> {
    let at = put(part, buffer, text)?;
    put(part, buffer, &[0])?;
    Ok(at)
}

/// Packs the `struct hostent` that answers a question by name.
///
/// # Errors
///
/// See [`Failure`]; the buffer's content is then unspecified.
pub(crate) fn host_by_name<S: ReadAt<Error = Errno>>(
    hosts: &mut Hosts<'_, S>,
    name: &[u8],
    family: Family,
    buffer: &mut Buffer<'_>,
) -> Result<PackedHost, Failure> {
    let mut resolution = Resolution::new(name);
    let from = resolve(hosts, &mut resolution)?;
    pack_host(hosts, &Asked::resolved(&resolution, family), from, buffer)
}

/// Where the lines begin that answer for a name.
#[inline(never)]
fn resolve<S: ReadAt<Error = Errno>>(
    hosts: &mut Hosts<'_, S>,
    resolution: &mut Resolution<'_>,
) -> Result<u64, Failure> {
    match hosts.resolve(resolution)? {
        Verdict::Absent => Err(Failure::NotFound),
        Verdict::Refused => Err(Failure::Refused),
        Verdict::Found { from } => Ok(from),
    }
}

/// Packs the `struct hostent` of the first entry from `from` on that answers a question by
/// address, or of the next one at all.
///
/// # Errors
///
/// See [`Failure`]; the buffer's content is then unspecified.
pub(crate) fn host<S: ReadAt<Error = Errno>>(
    hosts: &mut Hosts<'_, S>,
    question: Question<'_>,
    from: u64,
    buffer: &mut Buffer<'_>,
) -> Result<PackedHost, Failure> {
    let from = hosts.line_from(from)?;
    pack_host(hosts, &Asked::plain(question), from, buffer)
}

fn pack_host<S: ReadAt<Error = Errno>>(
    hosts: &mut Hosts<'_, S>,
    asked: &Asked<'_>,
    from: u64,
    buffer: &mut Buffer<'_>,
) -> Result<PackedHost, Failure> {
    let mut survey = Survey::new();
    take_survey(hosts, asked, from, &mut survey)?;
    if survey.entries == 0 {
        return Err(Failure::NotFound);
    }
    let v6 = matches!(asked.question.admit(survey.address), Some(Address::V6(_)));
    let parts = HostParts::new(&survey, buffer.base, if v6 { 16 } else { 4 })
        .filter(|parts| parts.total <= buffer.bytes.len())
        .ok_or(Failure::BufferTooSmall)?;
    let packed = fill_host(hosts, asked, &survey, parts, v6, buffer)?;
    settled(hosts, asked)?;
    Ok(packed)
}

/// An answer of more than one pass must be of one state of the files.
fn settled<S: ReadAt<Error = Errno>>(
    hosts: &mut Hosts<'_, S>,
    asked: &Asked<'_>,
) -> Result<(), Failure> {
    if asked.is_multi() && !hosts.is_unchanged()? {
        return Err(Failure::Changed);
    }
    Ok(())
}

// Kept apart, so that its frame is not on the stack while the other pass runs.
#[inline(never)]
fn fill_host<S: ReadAt>(
    hosts: &mut Hosts<'_, S>,
    asked: &Asked<'_>,
    survey: &Survey,
    mut parts: HostParts,
    v6: bool,
    buffer: &mut Buffer<'_>,
) -> Result<PackedHost, Error<S::Error>> {
    let (aliases, addresses, name) = (parts.aliases.at, parts.addresses.at, parts.text.at);
    let mut search = hosts.search(asked.question, survey.start);
    for nth in 0..survey.entries {
        let entry = hosts.next(&mut search)?.ok_or(Error::Changed)?;
        let mut names = entry.names();
        let first = hosts.next_name(&mut names, asked.question)?;
        let first = first.ok_or(Error::Changed)?;
        if nth == 0 {
            parts.put_name(hosts, buffer, asked, first)?;
        }
        while let Some(alias) = hosts.next_name(&mut names, asked.question)? {
            parts.put_alias(hosts, buffer, asked, alias)?;
        }
        // A canonical name that differs comes behind the aliases of its line.
        if nth > 0 && !survey.canonical.is(hosts, asked, first)? {
            parts.put_alias(hosts, buffer, asked, first)?;
        }
        let at = match (v6, asked.question.admit(entry.address)) {
            (true, Some(Address::V6(bytes))) => put(&mut parts.data, buffer, &bytes)?,
            (false, Some(Address::V4(bytes))) => put(&mut parts.data, buffer, &bytes)?,
            _ => return Err(Error::Changed),
        };
        let pointer = buffer.base.wrapping_add(at);
        put(&mut parts.addresses, buffer, &pointer.to_ne_bytes())?;
    }
    if let Some(alias) = asked.alias {
        let at = put_text(&mut parts.text, buffer, alias)?;
        let pointer = buffer.base.wrapping_add(at);
        put(&mut parts.aliases, buffer, &pointer.to_ne_bytes())?;
    }
    put(&mut parts.aliases, buffer, &[0; POINTER])?;
    put(&mut parts.addresses, buffer, &[0; POINTER])?;
    let full = parts.aliases.is_full()
        && parts.addresses.is_full()
        && parts.data.is_full()
        && parts.text.is_full();
    if !full {
        return Err(Error::Changed);
    }
    Ok(PackedHost {
        name,
        aliases,
        addresses,
        v6,
        next: survey.next,
    })
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
    let from = resolve(hosts, &mut resolution)?;
    let asked = &Asked::resolved(&resolution, Family::Any);
    let mut survey = Survey::new();
    take_survey(hosts, asked, from, &mut survey)?;
    if survey.entries == 0 {
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
    let mut search = hosts.search(asked.question, survey.start);
    let entry = hosts.next(&mut search)?.ok_or(Error::Changed)?;
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
