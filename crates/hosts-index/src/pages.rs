//! Pages on their way to the file.

use std::io::{self, Seek, SeekFrom, Write};

use hosts::index::{BODY, Head, PAGE, Page, SLOTS};

/// Bytes that are written at once.
const BATCH: usize = 256 * PAGE;

/// Pages that follow each other, collected and written.
struct Run {
    /// The next page's number.
    next: u32,
    pages: Vec<u8>,
}

impl Run {
    const fn new(first: u32) -> Self {
        Self {
            next: first,
            pages: Vec::new(),
        }
    }

    fn push<W: Write + Seek>(&mut self, page: &[u8; PAGE], out: &mut W) -> io::Result<()> {
        self.pages.extend_from_slice(page);
        self.next = self
            .next
            .checked_add(1)
            .ok_or_else(|| io::Error::from(io::ErrorKind::FileTooLarge))?;
        if self.pages.len() >= BATCH {
            self.flush(out)?;
        }
        Ok(())
    }

    fn flush<W: Write + Seek>(&mut self, out: &mut W) -> io::Result<()> {
        let end = u64::from(self.next) * PAGE as u64;
        out.seek(SeekFrom::Start(end - self.pages.len() as u64))?;
        out.write_all(&self.pages)?;
        self.pages.clear();
        Ok(())
    }
}

/// Bytes, divided into sealed pages.
pub(crate) struct Sealed<'w, W> {
    out: &'w mut W,
    run: Run,
    key: u64,
    body: Vec<u8>,
}

impl<'w, W: Write + Seek> Sealed<'w, W> {
    pub(crate) fn new(out: &'w mut W, key: u64, first: u32) -> Self {
        Self {
            out,
            run: Run::new(first),
            key,
            body: Vec::with_capacity(PAGE),
        }
    }

    pub(crate) fn write(&mut self, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            let len = bytes.len().min(BODY - self.body.len());
            let (head, rest) = bytes.split_at(len);
            self.body.extend_from_slice(head);
            bytes = rest;
            if self.body.len() == BODY {
                self.page()?;
            }
        }
        Ok(())
    }

    fn page(&mut self) -> io::Result<()> {
        let mut page = Page([0; PAGE]);
        for (to, from) in page.0.iter_mut().zip(&self.body) {
            *to = *from;
        }
        page.seal(self.key, self.run.next);
        self.body.clear();
        self.run.push(&page.0, self.out)
    }

    /// Ends the page that was begun; the number of the next one.
    pub(crate) fn end(&mut self) -> io::Result<u32> {
        if !self.body.is_empty() {
            self.page()?;
        }
        self.run.flush(self.out)?;
        Ok(self.run.next)
    }
}

/// Writes buckets, one after another.
pub(crate) struct Writer {
    head: Head,
    key: u64,
    buckets: Run,
    overflow: Run,
}

impl Writer {
    /// `behind` is the first page that is free for what does not fit a bucket's own.
    pub(crate) fn new(head: &Head, behind: u32) -> Self {
        Self {
            head: *head,
            key: head.stamps.key(),
            buckets: Run::new(0),
            overflow: Run::new(behind),
        }
    }

    pub(crate) fn bucket<W: Write + Seek>(
        &mut self,
        fingerprints: &[u16],
        lines: &[u32],
        out: &mut W,
    ) -> io::Result<()> {
        let count = fingerprints.len().div_ceil(SLOTS).max(1);
        let mut slots = fingerprints.iter().zip(lines);
        for nth in 0..count {
            let mut page = Page::new(&self.head);
            for (&fingerprint, &line) in slots.by_ref().take(SLOTS) {
                page.push(fingerprint, line);
            }
            let is_first = nth == 0;
            let is_last = nth + 1 == count;
            let run = if is_first {
                &self.buckets
            } else {
                &self.overflow
            };
            let number = run.next;
            if !is_last {
                // A bucket's pages beyond the first one follow each other.
                let next = if is_first {
                    self.overflow.next
                } else {
                    number + 1
                };
                page.set_next(next);
            }
            page.seal(self.key, number);
            let run = if is_first {
                &mut self.buckets
            } else {
                &mut self.overflow
            };
            run.push(&page.0, out)?;
        }
        Ok(())
    }

    /// Writes what is left; the length of all pages.
    pub(crate) fn end<W: Write + Seek>(&mut self, out: &mut W) -> io::Result<u64> {
        self.buckets.flush(out)?;
        self.overflow.flush(out)?;
        Ok(u64::from(self.overflow.next) * PAGE as u64)
    }
}
