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

use hosts::{Address, Entry, Error, Family, Hosts, Question, ReadAt, Span};

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

type Outcome<T> = Result<T, Error<Errno>>;

/// What an answer consists of, added up.
struct Survey {
    first: Entry,
    canonical: Canonical,
    entries: usize,
    aliases: usize,
    /// Bytes of all names, NULs included.
    text: usize,
    next: u64,
}

/// The canonical name, with its head at hand: each further line is compared with it.
struct Canonical {
    span: Span,
    head: [u8; HEAD],
}

impl Canonical {
    fn read<S: ReadAt>(hosts: &mut Hosts<'_, S>, span: Span) -> Result<Self, Error<S::Error>> {
        let mut head = [0; HEAD];
        read_head(hosts, span.start, span.len, &mut head)?;
        Ok(Self { span, head })
    }

    /// Whether `other` is the same name, bytewise.
    fn is<S: ReadAt>(
        &self,
        hosts: &mut Hosts<'_, S>,
        other: Span,
    ) -> Result<bool, Error<S::Error>> {
        if other.len != self.span.len {
            return Ok(false);
        }
        let mut head = [0; HEAD];
        read_head(hosts, other.start, other.len, &mut head)?;
        if head != self.head {
            return Ok(false);
        }
        let mut done = head.len() as u64;
        while done < other.len {
            let len = other.len.saturating_sub(done);
            let (mut a, mut b) = ([0; HEAD], [0; HEAD]);
            read_head(hosts, self.span.start.saturating_add(done), len, &mut a)?;
            read_head(hosts, other.start.saturating_add(done), len, &mut b)?;
            if a != b {
                return Ok(false);
            }
            done = done.saturating_add(a.len() as u64);
        }
        Ok(true)
    }
}

/// Reads `len` bytes, or as many as `head` holds; the rest of it stays as it is.
fn read_head<S: ReadAt>(
    hosts: &mut Hosts<'_, S>,
    start: u64,
    len: u64,
    head: &mut [u8; HEAD],
) -> Result<(), Error<S::Error>> {
    let len = usize::try_from(len).unwrap_or(usize::MAX).min(head.len());
    match head.get_mut(..len) {
        Some(head) => hosts.copy(start, head),
        None => Ok(()),
    }
}

/// Whether all lines that match belong to the answer, or the first one only.
const fn is_multi(question: Question<'_>) -> bool {
    matches!(question, Question::Name(..))
}

// Kept apart, so that its frame is not on the stack while the other pass runs.
#[inline(never)]
fn survey<S: ReadAt>(
    hosts: &mut Hosts<'_, S>,
    question: Question<'_>,
    from: u64,
) -> Result<Option<Survey>, Error<S::Error>> {
    let mut search = hosts.search(question, from);
    let mut survey: Option<Survey> = None;
    while let Some(entry) = hosts.next(&mut search)? {
        let mut names = entry.names();
        let Some(name) = hosts.next_name(&mut names)? else {
            return Err(Error::Changed);
        };
        let survey = match &mut survey {
            Some(survey) => {
                if !survey.canonical.is(hosts, name)? {
                    survey.add_alias(name)?;
                }
                survey
            }
            none => none.insert(Survey {
                first: entry,
                canonical: Canonical::read(hosts, name)?,
                entries: 0,
                aliases: 0,
                text: text_len(name)?,
                next: entry.end,
            }),
        };
        survey.entries = survey.entries.checked_add(1).ok_or(Error::Changed)?;
        while let Some(alias) = hosts.next_name(&mut names)? {
            survey.add_alias(alias)?;
        }
        if !is_multi(question) {
            break;
        }
    }
    Ok(survey)
}

impl Survey {
    fn add_alias<E>(&mut self, name: Span) -> Result<(), Error<E>> {
        let len = text_len(name)?;
        self.aliases = self.aliases.checked_add(1).ok_or(Error::Changed)?;
        self.text = self.text.checked_add(len).ok_or(Error::Changed)?;
        Ok(())
    }
}

/// Length of a name with its NUL.
fn text_len<E>(name: Span) -> Result<usize, Error<E>> {
    // No address space holds a longer one, so no file can have been read that far.
    usize::try_from(name.len)
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
        name: Span,
    ) -> Result<usize, Error<S::Error>> {
        let at = put_name(&mut self.text, hosts, buffer, name)?;
        Ok(buffer.base.wrapping_add(at))
    }

    fn put_alias<S: ReadAt>(
        &mut self,
        hosts: &mut Hosts<'_, S>,
        buffer: &mut Buffer<'_>,
        name: Span,
    ) -> Result<(), Error<S::Error>> {
        let pointer = self.put_name(hosts, buffer, name)?;
        put(&mut self.aliases, buffer, &pointer.to_ne_bytes())?;
        Ok(())
    }
}

/// Copies `bytes` into a part; the offset they got.
fn put<E>(part: &mut Part, buffer: &mut Buffer<'_>, bytes: &[u8]) -> Result<usize, Error<E>> {
    let (at, slot) = part.take(buffer.bytes, bytes.len()).ok_or(Error::Changed)?;
    for (to, &from) in slot.iter_mut().zip(bytes) {
        *to = from;
    }
    Ok(at)
}

/// Copies a name and its NUL from the file into a part; the offset it got.
fn put_name<S: ReadAt>(
    part: &mut Part,
    hosts: &mut Hosts<'_, S>,
    buffer: &mut Buffer<'_>,
    name: Span,
) -> Result<usize, Error<S::Error>> {
    let (at, slot) = part
        .take(buffer.bytes, text_len(name)?)
        .ok_or(Error::Changed)?;
    let Some((nul, text)) = slot.split_last_mut() else {
        return Err(Error::Changed);
    };
    *nul = 0;
    hosts.copy(name.start, text)?;
    Ok(at)
}

/// Packs the `struct hostent` that answers `question`, from the line at `from` on.
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
    retry(|| {
        let from = hosts.line_from(from)?;
        let Some(survey) = survey(hosts, question, from)? else {
            return Ok(Err(Failure::NotFound));
        };
        let v6 = matches!(question.admit(survey.first.address), Some(Address::V6(_)));
        let parts = HostParts::new(&survey, buffer.base, if v6 { 16 } else { 4 })
            .filter(|parts| parts.total <= buffer.bytes.len());
        match parts {
            Some(parts) => fill_host(hosts, question, &survey, parts, v6, buffer).map(Ok),
            None => Ok(Err(Failure::BufferTooSmall)),
        }
    })
}

/// Tries again when the file was edited under our hands, a few times.
fn retry<T>(mut attempt: impl FnMut() -> Outcome<Result<T, Failure>>) -> Result<T, Failure> {
    for _ in 0..4 {
        match attempt() {
            Ok(outcome) => return outcome,
            Err(Error::Source(errno)) => return Err(Failure::Source(errno)),
            Err(Error::Changed) => {}
        }
    }
    Err(Failure::Changed)
}

// Kept apart, so that its frame is not on the stack while the other pass runs.
#[inline(never)]
fn fill_host<S: ReadAt>(
    hosts: &mut Hosts<'_, S>,
    question: Question<'_>,
    survey: &Survey,
    mut parts: HostParts,
    v6: bool,
    buffer: &mut Buffer<'_>,
) -> Result<PackedHost, Error<S::Error>> {
    let (aliases, addresses, name) = (parts.aliases.at, parts.addresses.at, parts.text.at);
    let mut search = hosts.search(question, survey.first.start);
    for nth in 0..survey.entries {
        let entry = hosts.next(&mut search)?.ok_or(Error::Changed)?;
        let mut names = entry.names();
        let first = hosts.next_name(&mut names)?.ok_or(Error::Changed)?;
        if nth == 0 {
            parts.put_name(hosts, buffer, first)?;
        }
        while let Some(alias) = hosts.next_name(&mut names)? {
            parts.put_alias(hosts, buffer, alias)?;
        }
        // A canonical name that differs comes behind the aliases of its line.
        if nth > 0 && !survey.canonical.is(hosts, first)? {
            parts.put_alias(hosts, buffer, first)?;
        }
        let at = match (v6, question.admit(entry.address)) {
            (true, Some(Address::V6(bytes))) => put(&mut parts.data, buffer, &bytes)?,
            (false, Some(Address::V4(bytes))) => put(&mut parts.data, buffer, &bytes)?,
            _ => return Err(Error::Changed),
        };
        let pointer = buffer.base.wrapping_add(at);
        put(&mut parts.addresses, buffer, &pointer.to_ne_bytes())?;
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
    let question = Question::Name(name, Family::Any);
    retry(|| {
        let Some(survey) = survey(hosts, question, 0)? else {
            return Ok(Err(Failure::NotFound));
        };
        let in_buffer = survey.entries.saturating_sub(usize::from(has_first));
        let parts = Part::new(padding(buffer.base), in_buffer.checked_mul(TUPLE)).and_then(
            |(tuples, at)| {
                let (text, total) = Part::new(
                    at,
                    usize::try_from(survey.canonical.span.len)
                        .ok()?
                        .checked_add(1),
                )?;
                (total <= buffer.bytes.len()).then_some((tuples, text))
            },
        );
        match parts {
            Some((tuples, text)) => {
                fill_tuples(hosts, question, &survey, tuples, text, has_first, buffer).map(Ok)
            }
            None => Ok(Err(Failure::BufferTooSmall)),
        }
    })
}

// Kept apart, so that its frame is not on the stack while the other pass runs.
#[inline(never)]
fn fill_tuples<S: ReadAt>(
    hosts: &mut Hosts<'_, S>,
    question: Question<'_>,
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
    let mut search = hosts.search(question, survey.first.start);
    let entry = hosts.next(&mut search)?.ok_or(Error::Changed)?;
    let canonical = hosts.next_name(&mut entry.names())?.ok_or(Error::Changed)?;
    let name = put_name(&mut text, hosts, buffer, canonical)?;
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
