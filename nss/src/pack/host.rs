//! `struct hostent`: the answer to `gethostbyname` and its relatives.

use hosts::{Address, Error, Family, Hosts, Lead, Name, Question, ReadAt, Resolution};

use super::survey::{Asked, Start, Survey, take_survey};
use super::{Buffer, POINTER, Part, padding, put, put_name, put_text, resolve, settled};
use crate::kernel::Errno;
use crate::outcome::Failure;

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
    let lead = resolve(hosts, &mut resolution)?;
    let asked = &Asked::resolved(&resolution, family);
    pack_host(hosts, asked, Start::Lead(lead), buffer)
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
    pack_host(hosts, &Asked::plain(question), Start::Line(from), buffer)
}

fn pack_host<S: ReadAt<Error = Errno>>(
    hosts: &mut Hosts<'_, S>,
    asked: &Asked<'_>,
    start: Start,
    buffer: &mut Buffer<'_>,
) -> Result<PackedHost, Failure> {
    let mut survey = Survey::new();
    take_survey(hosts, asked, start, &mut survey)?;
    let first = survey.lead.as_ref().map(Lead::entry);
    let address = first.ok_or(Failure::NotFound)?.address;
    let v6 = matches!(asked.question.admit(address), Some(Address::V6(_)));
    let parts = HostParts::new(&survey, buffer.base, if v6 { 16 } else { 4 })
        .filter(|parts| parts.total <= buffer.bytes.len())
        .ok_or(Failure::BufferTooSmall)?;
    let packed = fill_host(hosts, asked, &survey, parts, v6, buffer)?;
    settled(hosts, asked)?;
    Ok(packed)
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
    let (mut search, mut entry) = survey.again(hosts, asked)?;
    let next = entry.end;
    for nth in 0..survey.entries {
        if nth > 0 {
            entry = hosts.next(&mut search)?.ok_or(Error::Changed)?;
        }
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
        next,
    })
}
