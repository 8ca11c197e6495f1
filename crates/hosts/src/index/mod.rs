//! The index: which lines hold a name, without reading all of them.
//!
//! It lies beside the text in a file of its own and holds a copy of it, so that a lookup needs no
//! other file. The text remains the truth: an index whose stamps do not match it, or that is
//! damaged in any way, is an [`Error::Index`], upon which the text is searched.
//!
//! What it leads to is examined as if a search of the text had found it. So it can only ever say
//! where to look, never what a line means.

mod format;
pub mod hash;

pub use format::{
    BODY, Head, MAX_TEXT, ONE_READ, PAGE, Page, SLOTS, SOURCE_HEAD, Stamp, Stamps, address_hashes,
    buckets_of, place, round_up, source_head, tail_of,
};

use crate::search::Wanted;
use crate::{Error, Question, ReadAt};

/// Slots that look right and turn out wrong, in a row, before the index is given up.
const MAX_MISSES: u16 = 64;
/// Pages of one bucket that hold nothing of what is asked, in a row, before it is given up.
const MAX_PAGES: u16 = 64;

/// An index, open.
pub struct Index<'b, S> {
    source: S,
    /// The bucket page that was read last.
    page: Page<&'b mut [u8]>,
    /// Pages of the text, on their way.
    pages: &'b mut [u8],
    buckets: u32,
    /// The files as they are now.
    now: Stamps,
    key: u64,
    /// Number of `page`.
    loaded: Option<u32>,
    head: Option<Head>,
}

impl<'b, S: ReadAt> Index<'b, S> {
    /// What [`new`](Self::new) takes for its own use, in bytes.
    pub const BUFFER: usize = 3 * PAGE;

    /// An index in a file of `len` bytes, for files that look like `now`. Nothing is read yet.
    pub fn new(source: S, len: u64, now: Stamps, buffer: &'b mut [u8]) -> Option<Self> {
        let (page, rest) = buffer.split_at_mut_checked(PAGE)?;
        let buckets = buckets_of(len);
        (buckets > 0).then_some(Self {
            source,
            page: Page(page),
            pages: rest.get_mut(..2 * PAGE)?,
            buckets,
            key: now.key(),
            now,
            loaded: None,
            head: None,
        })
    }

    /// Reads the page that a question needs first, and checks by it that the index is of the
    /// files as they are; true if `hosts.d` has files that are still to be checked, by
    /// [`next_source`](Self::next_source).
    ///
    /// # Errors
    ///
    /// [`Error::Index`].
    pub fn open(&mut self, question: Question<'_>) -> Result<bool, Error<S::Error>> {
        let key = self.key(Wanted::Answer(question)).unwrap_or_default();
        self.load(place(key, self.buckets).0)?;
        Ok(self.head()?.sources_len > 0)
    }

    /// The next file of `hosts.d` behind `at` in the table of sources: what it was when the index
    /// was made, and the length of its name, which is put into `name`.
    ///
    /// # Errors
    ///
    /// [`Error::Index`].
    pub fn next_source(
        &mut self,
        at: &mut u32,
        name: &mut [u8],
    ) -> Result<Option<(Stamp, usize)>, Error<S::Error>> {
        let head = self.head()?;
        if *at >= head.sources_len {
            return Ok(None);
        }
        let len = u64::from(head.sources_len);
        let page = head.sources_page().ok_or(Error::Index)?;
        let mut bytes = [0; SOURCE_HEAD];
        let read = self.region(page, len, u64::from(*at), &mut bytes)?;
        let (stamp, name_len) = format::read_source_head(&bytes);
        let name = name.get_mut(..name_len).ok_or(Error::Index)?;
        let name_at = u64::from(*at).saturating_add(SOURCE_HEAD as u64);
        let complete = read == SOURCE_HEAD && self.region(page, len, name_at, name)? == name_len;
        let next = name_at.saturating_add(name_len as u64);
        *at = u32::try_from(next).map_err(|_| Error::Index)?;
        if complete && name_len > 0 {
            Ok(Some((stamp, name_len)))
        } else {
            Err(Error::Index)
        }
    }

    fn head(&self) -> Result<Head, Error<S::Error>> {
        self.head.ok_or(Error::Index)
    }

    /// The hash that leads to the lines that are wanted; `None` if only reading all of them does.
    pub(crate) fn key(&self, wanted: Wanted<'_>) -> Option<u64> {
        match wanted {
            Wanted::Answer(Question::Name(word, _)) | Wanted::Word(word) => {
                Some(hash::of_name(self.key, word))
            }
            Wanted::Answer(Question::Address(address)) => {
                Some(format::asked_hash(self.key, address))
            }
            Wanted::Answer(Question::All) | Wanted::Wildcard(..) => None,
        }
    }

    /// See [`Head::depths`].
    pub(crate) fn wildcard_depths(&self) -> u128 {
        self.head.map_or(0, |head| head.depths)
    }

    /// Reads a bucket page, unless it is there already.
    // Not inlined: as for all parts of a lookup, the stack is short.
    #[inline(never)]
    fn load(&mut self, number: u32) -> Result<(), Error<S::Error>> {
        if self.loaded == Some(number) {
            return Ok(());
        }
        self.loaded = None;
        let at = u64::from(number) * PAGE as u64;
        let read = self.source.read_at(at, self.page.0);
        if read.ok() != Some(PAGE) || !self.page.is_sealed(self.key, number) {
            return Err(Error::Index);
        }
        let head = self.page.head().ok_or(Error::Index)?;
        let same = self.head.is_none_or(|known| known == head);
        if !same || head.buckets != self.buckets || !head.stamps.hold(&self.now) {
            return Err(Error::Index);
        }
        self.head = Some(head);
        self.loaded = Some(number);
        Ok(())
    }

    /// The next line at or behind `from` that may hold what `key` is the hash of.
    pub(crate) fn next_line(
        &mut self,
        key: u64,
        from: u64,
        cursor: &mut Cursor,
    ) -> Result<Option<u64>, Error<S::Error>> {
        let (bucket, fingerprint) = place(key, self.buckets);
        let mut number = cursor.page.unwrap_or(bucket);
        loop {
            self.load(number)?;
            cursor.page = Some(number);
            while let Some(slot) = self.page.find(usize::from(cursor.slot), fingerprint) {
                cursor.slot = u16::try_from(slot + 1).unwrap_or(u16::MAX);
                let line = u64::from(self.page.line(slot));
                if line < from {
                    continue;
                }
                cursor.misses += 1;
                if cursor.misses > MAX_MISSES {
                    return Err(Error::Index);
                }
                return Ok(Some(line));
            }
            match self.page.next() {
                0 => return Ok(None),
                // They only ever lead onwards, so there is an end to it.
                next if next > number => number = next,
                _ => return Err(Error::Index),
            }
            cursor.slot = 0;
            cursor.pages += 1;
            if cursor.pages > MAX_PAGES {
                return Err(Error::Index);
            }
        }
    }

    /// Fills `buffer` from the copy of the text.
    pub(crate) fn text(
        &mut self,
        offset: u64,
        buffer: &mut [u8],
    ) -> Result<usize, Error<S::Error>> {
        let head = self.head()?;
        self.region(head.buckets, head.text_len, offset, buffer)
    }

    /// Fills `buffer` from the `len` bytes that are on the pages from `first` on.
    #[inline(never)]
    fn region(
        &mut self,
        first: u32,
        len: u64,
        offset: u64,
        buffer: &mut [u8],
    ) -> Result<usize, Error<S::Error>> {
        let body = BODY as u64;
        let mut done = 0;
        let wanted = usize::try_from(len.saturating_sub(offset)).unwrap_or(usize::MAX);
        let mut rest = buffer
            .get_mut(..wanted.min(buffer.len()))
            .unwrap_or_default();
        while !rest.is_empty() {
            let at = offset.saturating_add(done as u64);
            let skip = usize::try_from(at % body).unwrap_or_default();
            let number = u32::try_from(at / body)
                .ok()
                .and_then(|page| page.checked_add(first))
                .ok_or(Error::Index)?;
            let pages = if skip + rest.len() > BODY { 2 } else { 1 };
            let pages = self.pages.get_mut(..pages * PAGE).ok_or(Error::Index)?;
            let read = self.source.read_at(u64::from(number) * PAGE as u64, pages);
            if read.ok() != Some(pages.len()) {
                return Err(Error::Index);
            }
            let mut skip = skip;
            for (page, number) in pages.chunks_exact(PAGE).zip(number..) {
                if !Page(page).is_sealed(self.key, number) {
                    return Err(Error::Index);
                }
                let bytes = page.get(skip..BODY).unwrap_or_default();
                let taken = bytes.len().min(rest.len());
                let (Some(bytes), Some((to, behind))) =
                    (bytes.get(..taken), rest.split_at_mut_checked(taken))
                else {
                    return Err(Error::Index);
                };
                to.copy_from_slice(bytes);
                rest = behind;
                done += taken;
                skip = 0;
            }
        }
        Ok(done)
    }
}

/// Where a search has got to in a bucket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Cursor {
    page: Option<u32>,
    /// The next slot on it.
    slot: u16,
    misses: u16,
    pages: u16,
}

impl Cursor {
    pub(crate) const START: Self = Self {
        page: None,
        slot: 0,
        misses: 0,
        pages: 0,
    };

    /// The last line was one that was wanted.
    pub(crate) const fn found(&mut self) {
        self.misses = 0;
        self.pages = 0;
    }
}
