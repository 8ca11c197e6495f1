//! Finds the lines that answer a question, in file order.

use crate::index::{Cursor, Index};
use crate::line::{Entry, Line};
use crate::needle::{MAX_NEEDLE, Needle, holds};
use crate::question::{Clues, MAPPED};
use crate::syntax::{Subject, WORD_END, is_of};
use crate::window::{Text, Window};
use crate::{Error, Question, ReadAt};

/// What a line has to hold.
#[derive(Clone, Copy)]
pub(crate) enum Wanted<'q> {
    /// What a question asks for.
    Answer(Question<'q>),
    /// This name or wildcard, whatever the line says about it.
    Word(&'q [u8]),
    /// A wildcard of more than so many bytes that stands for this name.
    Wildcard(&'q [u8], usize),
}

impl<'q> Wanted<'q> {
    /// The word that stands in each line, where that is all there is to search for.
    const fn word(self) -> Option<&'q [u8]> {
        match self {
            Self::Answer(Question::Name(word, _)) | Self::Word(word) => Some(word),
            _ => None,
        }
    }

    const fn is_address(self) -> bool {
        matches!(self, Self::Answer(Question::Address(_)))
    }
}

/// The hosts files, read through a buffer of the caller's.
///
/// Where there is more than one they follow each other as if they were one file, and the first of
/// them, `hosts`, has the last word: what it says about a name or an address counts alone.
pub struct Hosts<'b, S> {
    pub(crate) window: Window<'b, S>,
    /// Length of `hosts`, in bytes; lines from there on are other files'.
    main: u64,
    /// Whether these are all files that there are.
    complete: bool,
}

impl<'b, S: ReadAt> Hosts<'b, S> {
    /// Reads one file, `source`, through `buffer`, which may have any length from
    /// [`MIN_BUFFER`](Self::MIN_BUFFER) up; a file that fits it is read once.
    pub fn new(source: S, buffer: &'b mut [u8]) -> Self {
        Self::with_more(source, buffer, u64::MAX)
    }

    /// The same for a source that has more files behind the first `main` bytes.
    pub fn with_more(source: S, buffer: &'b mut [u8], main: u64) -> Self {
        Self {
            window: Window::new(Text::Plain(source), buffer, 0, false),
            main,
            complete: true,
        }
    }

    /// The same for one file that `buffer` holds already: its first `len` bytes, and no more.
    /// Unless this is `complete`, and all that there is, what it does not say is
    /// [`Error::More`].
    pub fn loaded(source: S, buffer: &'b mut [u8], len: usize, complete: bool) -> Self {
        Self {
            window: Window::new(Text::Plain(source), buffer, len, true),
            main: u64::MAX,
            complete,
        }
    }

    /// Answers from an index and the copy of the text in it, of which the first `main` bytes are
    /// those of `hosts`.
    pub fn indexed(index: &'b mut Index<'b, S>, buffer: &'b mut [u8], main: u64) -> Self {
        Self {
            window: Window::new(Text::Indexed(index), buffer, 0, false),
            main,
            complete: true,
        }
    }

    /// The error where nothing was found and there may be more.
    pub(crate) fn nothing_more(&self) -> Result<(), Error<S::Error>> {
        if self.complete {
            Ok(())
        } else {
            Err(Error::More)
        }
    }

    /// The shortest buffer that can hold what a search compares at once, in bytes.
    pub const MIN_BUFFER: usize = 2 * MAX_NEEDLE;

    /// Starts a search at `from`, which must be the start of a line. Of a name it knows all lines
    /// with it; which of them count, [`resolve`](Self::resolve) says.
    pub fn search<'q>(&self, question: Question<'q>, from: u64) -> Search<'q> {
        let mut search = Search::new(Wanted::Answer(question), from);
        search.main = matches!(question, Question::Name(..)) && from < self.main;
        search
    }

    /// Starts a search where another one has found an entry with the word of `question`, and says
    /// whether that answers. If it is in `hosts`, so are all that count.
    pub fn search_from<'q>(
        &self,
        question: Question<'q>,
        lead: Lead,
    ) -> (Search<'q>, Option<Entry>) {
        let Lead { entry, cursor } = lead;
        let mut search = self.search(question, entry.start);
        search.line = entry.end;
        search.cursor = cursor;
        (search, question.admit(entry.address).map(|_| entry))
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

    /// Copies the bytes at `offset` into `out`, all of it.
    ///
    /// # Errors
    ///
    /// The source's; [`Error::Changed`] if the file has become shorter.
    pub fn copy(&mut self, offset: u64, out: &mut [u8]) -> Result<(), Error<S::Error>> {
        self.window.copy(offset, out)
    }

    /// Whether all that was read belongs to one state of the files, as far as it can be told.
    ///
    /// # Errors
    ///
    /// The source's.
    pub fn is_unchanged(&mut self) -> Result<bool, Error<S::Error>> {
        match &mut self.window.text {
            Text::Plain(source) => source.is_unchanged().map_err(Error::Source),
            // It is replaced as a whole, so the open one never changes.
            Text::Indexed(_) => Ok(true),
        }
    }

    /// The next entry that answers the question of `search`.
    ///
    /// # Errors
    ///
    /// The source's.
    pub fn next(&mut self, search: &mut Search<'_>) -> Result<Option<Entry>, Error<S::Error>> {
        while let Some(line) = self.next_line(search)? {
            if let Subject::Address(address) = line.subject {
                if search.main && line.start >= self.main {
                    return Ok(None);
                }
                return Ok(Some(line.entry(address)));
            }
        }
        // Of a name it is known by then that there is more, or that it does not matter.
        if let Wanted::Answer(Question::Address(_)) = search.wanted {
            self.nothing_more()?;
        }
        Ok(None)
    }

    /// The next line that holds what `search` is for.
    pub(crate) fn next_line(
        &mut self,
        search: &mut Search<'_>,
    ) -> Result<Option<Line>, Error<S::Error>> {
        if let Text::Indexed(index) = &mut self.window.text {
            if let Some(key) = index.key(search.wanted) {
                return self.next_candidate(key, search);
            }
        }
        self.next_in_text(search)
    }

    /// Looks for it in the text.
    // Apart, so that its frame is not on the stack while the index is asked.
    #[inline(never)]
    fn next_in_text(&mut self, search: &mut Search<'_>) -> Result<Option<Line>, Error<S::Error>> {
        let clues;
        let (needle, other) = match search.wanted {
            Wanted::Answer(Question::Name(name, _)) | Wanted::Word(name) => {
                (Needle::name(name), None)
            }
            Wanted::Wildcard(..) => (Needle::word(b"*."), None),
            Wanted::Answer(Question::Address(address)) => {
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
            Wanted::Answer(Question::All) => (None, None),
        };
        match needle {
            Some(needle) => self.next_with(needle, other, search),
            None => self.next_of_all(search),
        }
    }

    /// Looks at the lines that the index names.
    #[inline(never)]
    fn next_candidate(
        &mut self,
        key: u64,
        search: &mut Search<'_>,
    ) -> Result<Option<Line>, Error<S::Error>> {
        loop {
            let Text::Indexed(index) = &mut self.window.text else {
                return Err(Error::Index);
            };
            let Some(line) = index.next_line(key, search.line, &mut search.cursor)? else {
                return Ok(None);
            };
            search.line = line;
            if let Some(found) = self.examine(search)? {
                search.cursor.found();
                return Ok(Some(found));
            }
        }
    }

    /// Looks at every line.
    fn next_of_all(&mut self, search: &mut Search<'_>) -> Result<Option<Line>, Error<S::Error>> {
        while self.window.byte(search.line)?.is_some() {
            if let Some(line) = self.examine(search)? {
                return Ok(Some(line));
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
    ) -> Result<Option<Line>, Error<S::Error>> {
        let longest = other.as_ref().map_or(0, Needle::len).max(needle.len());
        let whole_word = search
            .wanted
            .word()
            .map(<[u8]>::len)
            .filter(|&len| len <= MAX_NEEDLE);
        // Needles are found behind the byte in front of them, and the file's first has none. No
        // name stands there, but an address may.
        if search.line == 0 && search.wanted.is_address() {
            if let Some(line) = self.examine(search)? {
                return Ok(Some(line));
            }
        }
        let mut before = search.line.saturating_sub(1);
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
                before = search
                    .line
                    .saturating_sub(1)
                    .max(before + (bytes.len() - longest) as u64);
                continue;
            };
            let behind = whole_word.and_then(|len| bytes.get(found + len));
            if behind.is_some_and(|&byte| !is_of(byte, WORD_END)) {
                before += found as u64;
                continue;
            }
            if let Some(line) = self.examine(search)? {
                return Ok(Some(line));
            }
            before = search.line.saturating_sub(1);
        }
    }
}

/// Where a search has got to.
#[derive(Clone, Copy)]
pub struct Search<'q> {
    pub(crate) wanted: Wanted<'q>,
    /// Whether only lines of `hosts` count.
    main: bool,
    /// The first line that has not been examined.
    pub(crate) line: u64,
    /// Where the search has got to in the index.
    pub(crate) cursor: Cursor,
}

/// An entry that a search has found: another one can start with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lead {
    pub(crate) entry: Entry,
    /// Where that search had got to in the index.
    pub(crate) cursor: Cursor,
}

impl Lead {
    /// The entry.
    #[must_use]
    pub const fn entry(&self) -> &Entry {
        &self.entry
    }
}

impl<'q> Search<'q> {
    pub(crate) const fn new(wanted: Wanted<'q>, line: u64) -> Self {
        Self {
            wanted,
            main: false,
            line,
            cursor: Cursor::START,
        }
    }

    /// Where another search can start that is to find again what this one has just found.
    #[must_use]
    pub const fn lead_to(&self, entry: Entry) -> Lead {
        Lead {
            entry,
            cursor: self.cursor,
        }
    }

    /// Offset of the first line that has not been looked at.
    #[must_use]
    pub const fn line(&self) -> u64 {
        self.line
    }
}
