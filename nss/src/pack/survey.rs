//! What an answer consists of: one pass over the lines, which adds up what it takes.

use hosts::{Entry, Error, Family, Hosts, Lead, Name, Question, ReadAt, Resolution, Search};

/// How much of a name is compared at once, in bytes; the stack is short.
const HEAD: usize = 16;

/// What the lines are searched for, and what the answer says besides.
#[derive(Clone, Copy)]
pub(super) struct Asked<'q> {
    pub(super) question: Question<'q>,
    /// What stands for a wildcard.
    pub(super) name: &'q [u8],
    /// One more alias: the name that led to these lines.
    pub(super) alias: Option<&'q [u8]>,
    /// Whether aliases belong into the answer at all.
    pub(super) aliases: bool,
}

impl<'q> Asked<'q> {
    pub(super) const fn plain(question: Question<'q>) -> Self {
        Self {
            question,
            name: b"",
            alias: None,
            aliases: true,
        }
    }

    pub(super) fn resolved(resolution: &'q Resolution<'_>, family: Family) -> Self {
        Self {
            question: Question::Name(resolution.word(), family),
            name: resolution.name(),
            alias: resolution.alias(),
            aliases: family != Family::Any,
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
    pub(super) const fn is_multi(&self) -> bool {
        matches!(self.question, Question::Name(..))
    }
}

/// Where the lines that answer may begin.
#[derive(Clone, Copy)]
pub(super) enum Start {
    /// At this offset, the start of a line.
    Line(u64),
    /// With this one.
    Lead(Lead),
}

/// What an answer consists of, added up.
pub(super) struct Survey {
    /// The first entry that answers.
    pub(super) lead: Option<Lead>,
    pub(super) canonical: Canonical,
    pub(super) entries: usize,
    pub(super) aliases: usize,
    /// Bytes of all names, NULs included.
    pub(super) text: usize,
}

/// The canonical name, with its head at hand: each further line is compared with it.
pub(super) struct Canonical {
    pub(super) name: Name,
    pub(super) len: u64,
    pub(super) head: [u8; HEAD],
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
    pub(super) fn is<S: ReadAt>(
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
pub(super) fn take_survey<S: ReadAt>(
    hosts: &mut Hosts<'_, S>,
    asked: &Asked<'_>,
    start: Start,
    survey: &mut Survey,
) -> Result<(), Error<S::Error>> {
    let (mut search, mut found) = match start {
        Start::Line(from) => (hosts.search(asked.question, from), None),
        Start::Lead(lead) => hosts.search_from(asked.question, lead),
    };
    if found.is_none() {
        found = hosts.next(&mut search)?;
    }
    while let Some(entry) = found {
        let mut names = entry.names();
        let Some(name) = hosts.next_name(&mut names, asked.question)? else {
            return Err(Error::Changed);
        };
        if survey.entries == 0 {
            survey.lead = Some(search.lead_to(entry));
            survey.canonical.read(hosts, asked, name)?;
            survey.text = text_len(asked.len(name))?;
            if let Some(alias) = asked.alias {
                survey.add_alias(alias.len() as u64)?;
            }
        } else if asked.aliases && !survey.canonical.is(hosts, asked, name)? {
            survey.add_alias(asked.len(name))?;
        }
        survey.entries = survey.entries.checked_add(1).ok_or(Error::Changed)?;
        if asked.aliases {
            while let Some(alias) = hosts.next_name(&mut names, asked.question)? {
                survey.add_alias(asked.len(alias))?;
            }
        }
        if !asked.is_multi() {
            break;
        }
        found = hosts.next(&mut search)?;
    }
    Ok(())
}

impl Survey {
    /// Nothing yet.
    pub(super) const fn new() -> Self {
        Self {
            lead: None,
            canonical: Canonical {
                name: Name::Asked,
                len: 0,
                head: [0; HEAD],
            },
            entries: 0,
            aliases: 0,
            text: 0,
        }
    }

    /// The same search again, and the first entry that it finds.
    pub(super) fn again<'q, S: ReadAt>(
        &self,
        hosts: &Hosts<'_, S>,
        asked: &Asked<'q>,
    ) -> Result<(Search<'q>, Entry), Error<S::Error>> {
        let lead = self.lead.ok_or(Error::Changed)?;
        let (search, entry) = hosts.search_from(asked.question, lead);
        Ok((search, entry.ok_or(Error::Changed)?))
    }

    fn add_alias<E>(&mut self, len: u64) -> Result<(), Error<E>> {
        let len = text_len(len)?;
        self.aliases = self.aliases.checked_add(1).ok_or(Error::Changed)?;
        self.text = self.text.checked_add(len).ok_or(Error::Changed)?;
        Ok(())
    }
}

/// Length of a name of `len` bytes with its NUL.
pub(super) fn text_len<E>(len: u64) -> Result<usize, Error<E>> {
    // No address space holds a longer one, so no file can have been read that far.
    usize::try_from(len)
        .ok()
        .and_then(|len| len.checked_add(1))
        .ok_or(Error::Changed)
}
