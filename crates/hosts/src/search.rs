//! Finds the lines that answer a question, in file order.

use crate::needle::{MAX_NEEDLE, Needle, holds};
use crate::question::{Clues, MAPPED};
use crate::syntax::{ends_line, is_space};
use crate::window::Window;
use crate::{Address, Error, Question, ReadAt, Span};

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

/// Walks over the names of an entry.
#[derive(Clone, Copy, Debug)]
pub struct Names {
    at: u64,
    any: bool,
    done: bool,
}

impl Entry {
    /// The names of this entry: the canonical one, then the aliases. An entry without a name has
    /// one, which is empty.
    #[must_use]
    pub const fn names(&self) -> Names {
        Names {
            at: self.names,
            any: false,
            done: false,
        }
    }
}

/// A hosts file, read through a buffer of the caller's.
pub struct Hosts<'b, S> {
    window: Window<'b, S>,
}

impl<'b, S: ReadAt> Hosts<'b, S> {
    /// Reads `source` through `buffer`, which may have any length from
    /// [`MIN_BUFFER`](Self::MIN_BUFFER) up; a file that fits it is read once.
    pub fn new(source: S, buffer: &'b mut [u8]) -> Self {
        Self {
            window: Window::new(source, buffer),
        }
    }

    /// The shortest buffer that can hold what a search compares at once, in bytes.
    pub const MIN_BUFFER: usize = 2 * MAX_NEEDLE;

    /// Starts a search at `from`, which must be the start of a line.
    pub fn search<'q>(&self, question: Question<'q>, from: u64) -> Search<'q> {
        Search {
            question,
            line: from,
        }
    }

    /// The first start of a line at or behind `offset`.
    ///
    /// # Errors
    ///
    /// The source's.
    pub fn line_from(&mut self, offset: u64) -> Result<u64, Error<S::Error>> {
        match offset.checked_sub(1) {
            None => Ok(0),
            Some(before) => self.window.next_line(before),
        }
    }

    /// The next name of an entry.
    ///
    /// # Errors
    ///
    /// The source's.
    pub fn next_name(&mut self, names: &mut Names) -> Result<Option<Span>, Error<S::Error>> {
        if names.done {
            return Ok(None);
        }
        let window = &mut self.window;
        let start = window.seek(names.at, |byte| ends_line(byte) || !is_space(byte))?;
        let end = window.seek(start, |byte| ends_line(byte) || is_space(byte))?;
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

    /// Copies the bytes at `offset` into `out`, all of it.
    ///
    /// # Errors
    ///
    /// The source's; [`Error::Changed`] if the file has become shorter.
    pub fn copy(&mut self, offset: u64, out: &mut [u8]) -> Result<(), Error<S::Error>> {
        self.window.copy(offset, out)
    }

    /// The next entry that answers the question of `search`.
    ///
    /// # Errors
    ///
    /// The source's.
    pub fn next(&mut self, search: &mut Search<'_>) -> Result<Option<Entry>, Error<S::Error>> {
        let clues;
        let (needle, other) = match search.question {
            Question::Name(name, _) => (Needle::word(name), None),
            Question::Address(address) => {
                clues = Clues::new(address);
                match &clues {
                    Some(Clues::V4 { quad }) => {
                        (Needle::word(quad.as_bytes()), Needle::anywhere(MAPPED))
                    }
                    Some(Clues::V6 { group, quad }) => (
                        Needle::anywhere(group.as_bytes()),
                        Needle::anywhere(quad.as_bytes()),
                    ),
                    None => (None, None),
                }
            }
            Question::All => (None, None),
        };
        match needle {
            Some(needle) => self.next_with(needle, other, search),
            None => self.next_of_all(search),
        }
    }

    /// Looks at every line.
    fn next_of_all(&mut self, search: &mut Search<'_>) -> Result<Option<Entry>, Error<S::Error>> {
        while self.window.byte(search.line)?.is_some() {
            if let Some(entry) = self.examine(search)? {
                return Ok(Some(entry));
            }
        }
        Ok(None)
    }

    /// Looks at the lines that hold one of the needles.
    fn next_with(
        &mut self,
        mut needle: Needle<'_, 2>,
        mut other: Option<Needle<'_, 1>>,
        search: &mut Search<'_>,
    ) -> Result<Option<Entry>, Error<S::Error>> {
        let longest = other.as_ref().map_or(0, Needle::len).max(needle.len());
        let whole_word = match search.question {
            Question::Name(name, _) if name.len() <= MAX_NEEDLE => Some(name.len()),
            _ => None,
        };
        // Needles are found behind the byte in front of them, and the file's first has none.
        if search.line == 0 {
            if let Some(entry) = self.examine(search)? {
                return Ok(Some(entry));
            }
        }
        let Some(mut before) = search.line.checked_sub(1) else {
            return Ok(None);
        };
        loop {
            // What stands at the very end of the window and may be the head of a needle is for
            // the next window to find.
            let bytes = self.window.from(before, longest + 1)?;
            let mut nearest = needle.find(bytes);
            // The other needle is the tail of an IPv6 address: no colon, no hit.
            if let Some(other) = other.as_mut().filter(|_| holds(bytes, b':')) {
                // Only a hit in front of the other one counts.
                let hay = match nearest {
                    Some(found) => bytes.get(..bytes.len().min(found + other.len())),
                    None => Some(bytes),
                };
                nearest = hay.and_then(|hay| other.find(hay)).or(nearest);
            }
            let seen = nearest.unwrap_or(bytes.len());
            let seen = bytes.get(..seen).unwrap_or_default();
            if let Some(newline) = seen.iter().rposition(|&byte| byte == b'\n') {
                search.line = before + newline as u64 + 1;
            }
            let Some(found) = nearest else {
                if bytes.len() <= longest {
                    return Ok(None);
                }
                before = (search.line - 1).max(before + (bytes.len() - longest) as u64);
                continue;
            };
            let behind = whole_word.and_then(|len| bytes.get(found + len));
            if behind.is_some_and(|&byte| !is_space(byte) && !ends_line(byte)) {
                before += found as u64;
                continue;
            }
            if let Some(entry) = self.examine(search)? {
                return Ok(Some(entry));
            }
            before = search.line - 1;
        }
    }

    /// Reads one line, and goes on to the next.
    fn examine(&mut self, search: &mut Search<'_>) -> Result<Option<Entry>, Error<S::Error>> {
        let start = search.line;
        let found = self.entry(start)?;
        let end = self
            .window
            .next_line(found.map_or(start, |(_, names)| names))?;
        search.line = end;
        let Some((address, names)) = found else {
            return Ok(None);
        };
        let entry = Entry {
            address,
            start,
            names,
            end,
        };
        let answers = search.question.admit(address).is_some()
            && match search.question {
                Question::Name(name, _) => self.has_name(&entry, name)?,
                Question::Address(_) | Question::All => true,
            };
        Ok(answers.then_some(entry))
    }

    /// The address at the start of a line, and where its names begin.
    #[inline(never)]
    fn entry(&mut self, line: u64) -> Result<Option<(Address, u64)>, Error<S::Error>> {
        let window = &mut self.window;
        let start = window.seek(line, |byte| ends_line(byte) || !is_space(byte))?;
        let end = window.seek(start, |byte| ends_line(byte) || is_space(byte))?;
        let mut text = [0; Address::MAX_TEXT];
        let text = usize::try_from(end - start)
            .ok()
            .and_then(|len| text.get_mut(..len));
        let Some(text) = text else {
            return Ok(None);
        };
        window.copy(start, text)?;
        Ok(Address::parse(text).map(|address| (address, end)))
    }

    fn has_name(&mut self, entry: &Entry, name: &[u8]) -> Result<bool, Error<S::Error>> {
        let mut names = entry.names();
        while let Some(span) = self.next_name(&mut names)? {
            if span.len == name.len() as u64 && self.window.is(span.start, name)? {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

/// Where a search has got to.
#[derive(Clone, Copy, Debug)]
pub struct Search<'q> {
    question: Question<'q>,
    /// The first line that has not been examined.
    line: u64,
}

impl Search<'_> {
    /// Offset of the first line that has not been looked at.
    #[must_use]
    pub const fn line(&self) -> u64 {
        self.line
    }
}
