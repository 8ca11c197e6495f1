//! What stands on a line: what it is about, and its names.

use crate::search::{Search, Wanted};
use crate::syntax::{ALIAS, MAX_NAME, REFUSAL, Subject, is_wildcard_head};
use crate::{Address, Error, Hosts, Question, ReadAt, Span};

/// An entry: a line with an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The address as the line writes it.
    pub address: Address,
    /// Offset of the line's first byte.
    pub start: u64,
    /// Offset of the first byte behind the address.
    names: u64,
    /// Offset of the first byte behind the line and its newline.
    pub end: u64,
}

/// A line that says something.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Line {
    pub(crate) subject: Subject<Span>,
    pub(crate) start: u64,
    /// Offset of the first byte behind the first word.
    names: u64,
    end: u64,
}

/// What a line is about, and where its names begin.
type Said = (Subject<Span>, u64);

/// A name in an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Name {
    /// As it is written in the file.
    Written(Span),
    /// As it was asked for, as the file has a wildcard there.
    Asked,
}

/// Walks over the names of an entry.
#[derive(Clone, Copy, Debug)]
pub struct Names {
    at: u64,
    any: bool,
    done: bool,
}

impl Entry {
    /// The names of this entry: the canonical one, then the aliases. An entry without a name has
    /// one, which is empty. A wildcard is no name, unless it is the one that was searched for: it
    /// then stands for the name that was asked.
    #[must_use]
    pub const fn names(&self) -> Names {
        Names::from(self.names)
    }
}

impl Line {
    /// The same as an entry, whose address is known.
    pub(crate) const fn entry(&self, address: Address) -> Entry {
        Entry {
            address,
            start: self.start,
            names: self.names,
            end: self.end,
        }
    }
}

impl Names {
    const fn from(at: u64) -> Self {
        Self {
            at,
            any: false,
            done: false,
        }
    }
}

impl<S: ReadAt> Hosts<'_, S> {
    /// The next name of an entry that answers `question`.
    ///
    /// # Errors
    ///
    /// The source's.
    pub fn next_name(
        &mut self,
        names: &mut Names,
        question: Question<'_>,
    ) -> Result<Option<Name>, Error<S::Error>> {
        while let Some(span) = self.next_word(names)? {
            if !self.is_wildcard(span)? {
                return Ok(Some(Name::Written(span)));
            }
            if let Question::Name(word, _) = question {
                if self.is_word(span, word)? {
                    return Ok(Some(Name::Asked));
                }
            }
        }
        Ok(None)
    }

    /// The next name as it is written; the empty one where there is none.
    #[inline(never)]
    fn next_word(&mut self, names: &mut Names) -> Result<Option<Span>, Error<S::Error>> {
        if names.done {
            return Ok(None);
        }
        let window = &mut self.window;
        let start = window.word_start(names.at)?;
        let end = window.word_end(start)?;
        let first = !names.any;
        names.at = end;
        names.any = true;
        if start == end {
            names.done = true;
            return Ok(first.then_some(Span { start, len: 0 }));
        }
        Ok(Some(Span {
            start,
            len: end - start,
        }))
    }

    fn is_wildcard(&mut self, word: Span) -> Result<bool, Error<S::Error>> {
        let head = self.window.from(word.start, 2)?;
        Ok(is_wildcard_head(head, word.len))
    }

    fn is_word(&mut self, word: Span, wanted: &[u8]) -> Result<bool, Error<S::Error>> {
        Ok(word.len == wanted.len() as u64 && self.window.is(word.start, wanted)?)
    }

    /// Reads one line, and goes on to the next.
    #[inline(never)]
    pub(crate) fn examine(
        &mut self,
        search: &mut Search<'_>,
    ) -> Result<Option<Line>, Error<S::Error>> {
        let start = search.line;
        let found = self.subject(start)?;
        let end = self
            .window
            .next_line(found.map_or(start, |(_, names)| names))?;
        search.line = end;
        let Some((subject, names)) = found else {
            return Ok(None);
        };
        let line = Line {
            subject,
            start,
            names,
            end,
        };
        Ok(self.has(&line, search.wanted)?.then_some(line))
    }

    /// What a line is about, and where its names begin.
    #[inline(never)]
    fn subject(&mut self, line: u64) -> Result<Option<Said>, Error<S::Error>> {
        let window = &mut self.window;
        let start = window.word_start(line)?;
        let end = window.word_end(start)?;
        let len = end - start;
        let mut text = [0; Address::MAX_TEXT];
        let text = usize::try_from(len)
            .ok()
            .and_then(|len| text.get_mut(..len));
        let subject = match text {
            Some(text) => {
                window.copy(start, text)?;
                match &*text {
                    [ALIAS, _, ..] => Some(alias(start, len)),
                    REFUSAL => Some(Subject::Refusal),
                    text => Address::parse(text).map(Subject::Address),
                }
            }
            // Longer than any address.
            None => (window.byte(start)? == Some(ALIAS) && len <= MAX_NAME as u64 + 1)
                .then(|| alias(start, len)),
        };
        Ok(subject.map(|subject| (subject, end)))
    }

    fn has(&mut self, line: &Line, wanted: Wanted<'_>) -> Result<bool, Error<S::Error>> {
        let question = match wanted {
            Wanted::Word(word) => return self.has_word(line, word),
            Wanted::Wildcard(name, longer) => {
                return Ok(self.wildcard(line, name, longer)?.is_some());
            }
            Wanted::Answer(question) => question,
        };
        let Subject::Address(address) = line.subject else {
            return Ok(false);
        };
        if question.admit(address).is_none() {
            return Ok(false);
        }
        match question {
            Question::Name(word, _) => self.has_word(line, word),
            // Wildcards alone name nobody.
            Question::Address(_) | Question::All => {
                let first = self.next_name(&mut Names::from(line.names), question)?;
                Ok(first.is_some())
            }
        }
    }

    fn has_word(&mut self, line: &Line, word: &[u8]) -> Result<bool, Error<S::Error>> {
        let mut names = Names::from(line.names);
        // Only an address without names has the empty one.
        names.any = !matches!(line.subject, Subject::Address(_));
        while let Some(span) = self.next_word(&mut names)? {
            if self.is_word(span, word)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Length of the longest wildcard on a line that stands for `name`, if it exceeds `longer`.
    #[inline(never)]
    pub(crate) fn wildcard(
        &mut self,
        line: &Line,
        name: &[u8],
        mut longer: usize,
    ) -> Result<Option<usize>, Error<S::Error>> {
        let mut names = Names::from(line.names);
        let mut longest = None;
        while let Some(span) = self.next_word(&mut names)? {
            let len = usize::try_from(span.len).unwrap_or(usize::MAX);
            if len <= longer || !self.is_wildcard(span)? {
                continue;
            }
            // What stands behind the star, and as much of the name; at least a byte is before it.
            let tail = name
                .len()
                .checked_sub(len)
                .and_then(|at| name.get(at + 1..));
            let Some(tail) = tail else { continue };
            if self.window.is(span.start + 1, tail)? {
                longer = len;
                longest = Some(len);
            }
        }
        Ok(longest)
    }
}

const fn alias(start: u64, len: u64) -> Subject<Span> {
    Subject::Alias(Span {
        start: start.saturating_add(1),
        len: len.saturating_sub(1),
    })
}
