//! From the name that is asked for to the word whose lines answer: the name itself, a wildcard
//! that stands for it, or what an alias leads to.
//!
//! The rules are in `docs/hosts-format.md`. In short: a name that stands anywhere wins over all
//! wildcards, and the longest wildcard over the shorter ones; the first line with the word that
//! has won says what kind of answer it is.

use crate::index::Cursor;
use crate::line::Line;
use crate::search::{Lead, Search, Wanted};
use crate::syntax::{MAX_NAME, Subject, copy};
use crate::window::Text;
use crate::{Error, Hosts, ReadAt, Span};

/// How many aliases lead from one to the next; a longer chain counts as a loop.
pub const MAX_ALIASES: usize = 8;

/// What the files say about a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Nothing: the next service is asked.
    Absent,
    /// That it does not exist: no other service is asked.
    Refused,
    /// Addresses, on lines that hold [`Resolution::word`]: this is the first of them.
    Found(Lead),
}

/// Where a name has led to.
#[derive(Clone, Copy, Debug)]
pub struct Resolution<'q> {
    asked: &'q [u8],
    /// What the aliases led to.
    target: Option<Word>,
    /// The wildcard that stands for it.
    wildcard: Option<Word>,
}

/// A word of at most [`MAX_NAME`] bytes.
#[derive(Clone, Copy, Debug)]
struct Word {
    bytes: [u8; MAX_NAME],
    len: u8,
}

impl Word {
    /// Room for `len` bytes; `None` if there is not so much.
    fn new(len: usize) -> Option<Self> {
        Some(Self {
            bytes: [0; MAX_NAME],
            len: u8::try_from(len).ok()?,
        })
    }

    fn get(&self) -> &[u8] {
        let bytes = self.bytes.get(..usize::from(self.len));
        bytes.unwrap_or_default()
    }

    fn get_mut(&mut self) -> &mut [u8] {
        let bytes = self.bytes.get_mut(..usize::from(self.len));
        bytes.unwrap_or_default()
    }

    /// Puts the wildcard of `len` bytes that stands for `name` into `slot`; `None` if there can be
    /// none.
    // Not inlined, and no value handed on: the stack is short.
    #[inline(never)]
    fn put_wildcard(slot: &mut Option<Self>, name: &[u8], len: usize) -> Option<()> {
        let tail = name.get(name.len().checked_sub(len.checked_sub(1)?)?..)?;
        let word = slot.insert(Self::new(len)?);
        let (star, rest) = word.get_mut().split_first_mut()?;
        *star = b'*';
        copy(rest, tail);
        Some(())
    }
}

/// The first line with a word, and where the search for it has got to in the index.
struct First {
    line: Line,
    cursor: Cursor,
}

impl<'q> Resolution<'q> {
    /// Nothing but the name itself.
    #[must_use]
    pub const fn new(asked: &'q [u8]) -> Self {
        Self {
            asked,
            target: None,
            wildcard: None,
        }
    }

    /// The word that the lines hold: a name, or a wildcard as it is written.
    #[must_use]
    pub fn word(&self) -> &[u8] {
        self.wildcard.as_ref().map_or(self.name(), Word::get)
    }

    /// The name that they answer: what was asked, or what aliases made of it. In the answer it
    /// takes the place of a wildcard.
    #[must_use]
    pub fn name(&self) -> &[u8] {
        self.target.as_ref().map_or(self.asked, Word::get)
    }

    /// The name that was asked, where an alias led away from it.
    #[must_use]
    pub fn alias(&self) -> Option<&'q [u8]> {
        self.target.as_ref().map(|_| self.asked)
    }
}

impl<S: ReadAt> Hosts<'_, S> {
    /// Finds out what the files say about the name in `resolution`, which is new.
    ///
    /// # Errors
    ///
    /// The source's.
    pub fn resolve(&mut self, resolution: &mut Resolution<'_>) -> Result<Verdict, Error<S::Error>> {
        for _ in 0..=MAX_ALIASES {
            let mut first = self.first(resolution.name())?;
            if first.is_none() {
                self.nothing_more()?;
                first = self.first_wildcard(resolution)?;
            }
            let Some(First { line, cursor }) = first else {
                return Ok(Verdict::Absent);
            };
            match line.subject {
                Subject::Address(address) => {
                    let entry = line.entry(address);
                    return Ok(Verdict::Found(Lead { entry, cursor }));
                }
                Subject::Refusal => return Ok(Verdict::Refused),
                Subject::Alias(target) => self.follow(resolution, target)?,
            }
        }
        Ok(Verdict::Absent)
    }

    /// The first line that holds `word`.
    #[inline(never)]
    fn first(&mut self, word: &[u8]) -> Result<Option<First>, Error<S::Error>> {
        let mut search = Search::new(Wanted::Word(word), 0);
        let line = self.next_line(&mut search)?;
        let cursor = search.cursor;
        Ok(line.map(|line| First { line, cursor }))
    }

    #[inline(never)]
    fn follow(
        &mut self,
        resolution: &mut Resolution<'_>,
        target: Span,
    ) -> Result<(), Error<S::Error>> {
        resolution.wildcard = None;
        let len = usize::try_from(target.len).ok();
        let word = len.and_then(Word::new).ok_or(Error::Changed)?;
        self.copy(target.start, resolution.target.insert(word).get_mut())
    }

    /// The first line with the longest wildcard that stands for the name.
    #[inline(never)]
    fn first_wildcard(
        &mut self,
        resolution: &mut Resolution<'_>,
    ) -> Result<Option<First>, Error<S::Error>> {
        if let Text::Indexed(index) = &self.window.text {
            let depths = index.wildcard_depths();
            return if depths == 0 {
                Ok(None)
            } else {
                self.probe_wildcards(resolution, depths)
            };
        }
        if !self.window.saw_a_star() {
            return Ok(None);
        }
        let Resolution {
            asked,
            target,
            wildcard,
        } = resolution;
        let name = target.as_ref().map_or(*asked, Word::get);
        let mut from = 0;
        let mut found = None;
        let mut longest = 0;
        loop {
            let mut search = Search::new(Wanted::Wildcard(name, longest), from);
            let Some(line) = self.next_line(&mut search)? else {
                break;
            };
            if let Some(len) = self.wildcard(&line, name, longest)? {
                longest = len;
                let cursor = search.cursor;
                found = Some(First { line, cursor });
            }
            from = search.line();
        }
        if found.is_some() {
            Word::put_wildcard(wildcard, name, longest).ok_or(Error::Changed)?;
        }
        Ok(found)
    }

    /// The same by asking the index for one wildcard after another; `depths` has a bit for each
    /// number of dots that any of them has.
    fn probe_wildcards(
        &mut self,
        resolution: &mut Resolution<'_>,
        depths: u128,
    ) -> Result<Option<First>, Error<S::Error>> {
        // From the longest wildcard that fits to the shortest.
        let mut at = resolution.name().len().saturating_sub(MAX_NAME - 1).max(1);
        loop {
            let Resolution {
                asked,
                target,
                wildcard,
            } = &mut *resolution;
            let name = target.as_ref().map_or(*asked, Word::get);
            let Some(tail) = name.get(at..).filter(|tail| tail.len() > 1) else {
                break;
            };
            if tail.first() == Some(&b'.') && depths & depth_of(tail) != 0 {
                Word::put_wildcard(wildcard, name, tail.len() + 1).ok_or(Error::Changed)?;
                let first = self.first(resolution.word())?;
                if first.is_some() {
                    return Ok(first);
                }
            }
            at += 1;
        }
        resolution.wildcard = None;
        Ok(None)
    }
}

/// The bit that stands for wildcards with as many dots as `word` has.
#[must_use]
pub fn depth_of(word: &[u8]) -> u128 {
    // Dots may be as many as bytes; the last bit stands for all that are too many.
    word.iter().filter(|&&byte| byte == b'.').fold(
        1,
        |bit: u128, _| {
            if bit >> 127 == 0 { bit << 1 } else { bit }
        },
    )
}
