//! A sliding view of a file that may be larger than memory.

use crate::index::Index;
use crate::needle::holds;
use crate::syntax::{WORD_END, WORD_START, copy, is_of};

/// Where the bytes come from: a file, or a slice in tests and tools.
pub trait ReadAt {
    /// Why a read failed.
    type Error;

    /// Fills `buffer` from `offset` on, and says how much of it; less than asked for only at the
    /// end of the file.
    ///
    /// # Errors
    ///
    /// Whatever the source has to say; it is handed on unchanged.
    fn read_at(&mut self, offset: u64, buffer: &mut [u8]) -> Result<usize, Self::Error>;

    /// Whether all that was read belongs to one state of the source, as far as it can tell; asked
    /// when an answer took more than one pass.
    ///
    /// # Errors
    ///
    /// As for [`read_at`](Self::read_at).
    fn is_unchanged(&mut self) -> Result<bool, Self::Error> {
        Ok(true)
    }
}

impl ReadAt for &[u8] {
    type Error = core::convert::Infallible;

    fn read_at(&mut self, offset: u64, buffer: &mut [u8]) -> Result<usize, Self::Error> {
        let rest = usize::try_from(offset)
            .ok()
            .and_then(|offset| self.get(offset..))
            .unwrap_or_default();
        Ok(copy(buffer, rest))
    }
}

/// Why an answer could not be had.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Error<E> {
    /// The source failed.
    Source(E),
    /// Bytes that were there a moment ago are gone: someone edits the file in place.
    Changed,
    /// The index is not to be trusted, or cannot answer: the text has to.
    Index,
    /// There may be more files than what was handed in, and they may have the answer.
    More,
}

/// A run of bytes of the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// Offset of the first byte.
    pub start: u64,
    /// Length, in bytes.
    pub len: u64,
}

/// Where a window's bytes come from.
pub(crate) enum Text<'b, S> {
    /// The files themselves.
    Plain(S),
    /// The copy of them that an index holds.
    Indexed(&'b mut Index<'b, S>),
}

impl<S: ReadAt> Text<'_, S> {
    fn read(&mut self, offset: u64, buffer: &mut [u8]) -> Result<usize, Error<S::Error>> {
        match self {
            Self::Plain(source) => source.read_at(offset, buffer).map_err(Error::Source),
            Self::Indexed(index) => index.text(offset, buffer),
        }
    }
}

/// The part of the file that is in memory.
pub(crate) struct Window<'b, S> {
    pub(crate) text: Text<'b, S>,
    buffer: &'b mut [u8],
    /// File offset of `buffer[0]`.
    start: u64,
    /// How much of `buffer` holds bytes of the file.
    len: usize,
    /// Whether the window reaches to the end of the file.
    last: bool,
    /// Whether any byte that was ever in the window is a star: without one there is no wildcard.
    stars: bool,
}

impl<'b, S: ReadAt> Window<'b, S> {
    /// A window whose buffer holds the first `len` bytes already, which are all if `last`.
    pub(crate) fn new(text: Text<'b, S>, buffer: &'b mut [u8], len: usize, last: bool) -> Self {
        let mut window = Self {
            text,
            buffer,
            start: 0,
            len,
            last,
            stars: false,
        };
        window.note_stars();
        window
    }

    fn note_stars(&mut self) {
        let loaded = self.buffer.get(..self.len).unwrap_or_default();
        self.stars = self.stars || holds(loaded, b'*');
    }

    pub(crate) const fn saw_a_star(&self) -> bool {
        self.stars
    }

    /// The loaded bytes from `offset` on: at least `wanted` of them (or as many as the buffer
    /// holds), fewer only at the end of the file, none if `offset` lies behind it.
    pub(crate) fn from(&mut self, offset: u64, wanted: usize) -> Result<&[u8], Error<S::Error>> {
        // What lies in front of the window wraps around, to far behind it.
        let skip = offset.wrapping_sub(self.start);
        let rest = (self.len as u64).saturating_sub(skip);
        if rest == 0 || rest < wanted as u64 {
            self.move_to(offset, rest)?;
        }
        let skip = usize::try_from(offset.wrapping_sub(self.start)).unwrap_or(usize::MAX);
        Ok(self.buffer.get(skip..self.len).unwrap_or_default())
    }

    /// Has the window start at `offset`, unless it is as good as it gets with the `rest` bytes
    /// that it holds from there on.
    #[inline(never)]
    fn move_to(&mut self, offset: u64, rest: u64) -> Result<(), Error<S::Error>> {
        if offset >= self.start && (self.last || (offset == self.start && rest > 0)) {
            return Ok(());
        }
        // If the read fails, nothing is loaded.
        self.len = 0;
        self.last = false;
        self.start = offset;
        self.len = self.text.read(offset, self.buffer)?;
        self.last = self.len < self.buffer.len();
        self.note_stars();
        Ok(())
    }

    /// The byte at `offset`; `None` at the end of the file.
    pub(crate) fn byte(&mut self, offset: u64) -> Result<Option<u8>, Error<S::Error>> {
        Ok(self.from(offset, 1)?.first().copied())
    }

    /// Where the next word starts, from `offset` on, or what the line says ends.
    pub(crate) fn word_start(&mut self, offset: u64) -> Result<u64, Error<S::Error>> {
        self.seek(offset, WORD_START)
    }

    /// Where the word at `offset` ends.
    pub(crate) fn word_end(&mut self, offset: u64) -> Result<u64, Error<S::Error>> {
        self.seek(offset, WORD_END)
    }

    /// The first position from `offset` on with a byte of one of these kinds, or the end of the
    /// file.
    // Once in the module: it has 48 KiB.
    #[inline(never)]
    fn seek(&mut self, mut offset: u64, kinds: u8) -> Result<u64, Error<S::Error>> {
        loop {
            let bytes = self.from(offset, 1)?;
            if let Some(found) = bytes.iter().position(|&byte| is_of(byte, kinds)) {
                return Ok(offset.saturating_add(found as u64));
            }
            if bytes.is_empty() {
                return Ok(offset);
            }
            offset = offset.saturating_add(bytes.len() as u64);
        }
    }

    /// The start of the line behind the one that `offset` is in, or the end of the file.
    #[inline(never)]
    pub(crate) fn next_line(&mut self, mut offset: u64) -> Result<u64, Error<S::Error>> {
        loop {
            let bytes = self.from(offset, 1)?;
            if let Some(found) = bytes.iter().position(|&byte| byte == b'\n') {
                return Ok(offset.saturating_add(found as u64).saturating_add(1));
            }
            if bytes.is_empty() {
                return Ok(offset);
            }
            offset = offset.saturating_add(bytes.len() as u64);
        }
    }

    /// Copies the bytes from `offset` on; the window stays where it is.
    #[inline(never)]
    pub(crate) fn copy(&mut self, offset: u64, out: &mut [u8]) -> Result<(), Error<S::Error>> {
        let loaded = offset
            .checked_sub(self.start)
            .and_then(|skip| usize::try_from(skip).ok())
            .and_then(|skip| self.buffer.get(skip..self.len))
            .and_then(|bytes| bytes.get(..out.len()));
        if let Some(bytes) = loaded {
            out.copy_from_slice(bytes);
            return Ok(());
        }
        let len = self.text.read(offset, out)?;
        if len < out.len() {
            return Err(Error::Changed);
        }
        Ok(())
    }

    /// Whether the bytes from `offset` on are `wanted`, ASCII case apart.
    #[inline(never)]
    pub(crate) fn is(
        &mut self,
        mut offset: u64,
        mut wanted: &[u8],
    ) -> Result<bool, Error<S::Error>> {
        while !wanted.is_empty() {
            let bytes = self.from(offset, wanted.len())?;
            let len = bytes.len().min(wanted.len());
            let (Some(bytes), Some((head, tail))) =
                (bytes.get(..len), wanted.split_at_checked(len))
            else {
                return Ok(false);
            };
            if len == 0 || !bytes.eq_ignore_ascii_case(head) {
                return Ok(false);
            }
            offset = offset.saturating_add(len as u64);
            wanted = tail;
        }
        Ok(true)
    }
}
