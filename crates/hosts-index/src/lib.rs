//! Builds the index that lies beside a hosts file; `hosts::index` reads it.
//!
//! A crate of its own, and no part of `hosts`: it needs std, and Cargo unifies features over a
//! workspace, so that std in the crate that the freestanding module links would be the end of it.
//!
//! The text is read three times: to count, to copy and weigh the buckets, and to fill them. Memory
//! is bounded whatever the size of the text: where the slots of all buckets do not fit
//! [`MAX_SLOTS`], they are filled a range of buckets at a time, in one more pass each.
#![forbid(unsafe_code)]
#![deny(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod error;
mod keys;
mod pages;
#[cfg(test)]
mod tests;

pub use error::Error;

use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom, Write};

use hosts::index::{Head, MAX_TEXT, Stamp, Stamps, place, round_up, source_head, tail_of};

use crate::keys::{Keys, Words};
use crate::pages::{Sealed, Writer};

/// How many slots are in memory at once: 6 bytes each.
pub const MAX_SLOTS: usize = 6_000_000;
/// How many slots of a bucket are used on average, of the 154 that its page has: one bucket in
/// a hundred spills over.
const FILL: u64 = 128;
/// The longest line that is taken, in bytes.
const MAX_LINE: u64 = 1 << 20;

/// A file to be indexed.
#[derive(Debug)]
pub struct Source<R> {
    /// Its name in `hosts.d`; empty for `hosts` itself, which comes first.
    pub name: Vec<u8>,
    /// What it looked like before it was opened.
    pub stamp: Stamp,
    /// Its content; `None` where there is nothing to be read, and the stamp says so.
    pub text: Option<R>,
}

/// What came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Built {
    /// Size of the index, in bytes.
    pub size: u64,
    /// Size of the texts, in bytes.
    pub text: u64,
    /// Number of lines that say something.
    pub entries: u64,
}

/// Writes the index of `sources` to `out`, which is empty. `folder` is the stamp of `hosts.d`.
///
/// # Errors
///
/// See [`Error`]; `out` then holds nothing that anybody should read.
pub fn build<R: Read + Seek, W: Write + Seek>(
    folder: Stamp,
    sources: &mut [Source<R>],
    out: &mut W,
) -> Result<Built, Error> {
    build_with(folder, sources, out, MAX_SLOTS)
}

fn build_with<R: Read + Seek, W: Write + Seek>(
    folder: Stamp,
    sources: &mut [Source<R>],
    out: &mut W,
    max_slots: usize,
) -> Result<Built, Error> {
    let hosts = sources.first().map_or(Stamp::ABSENT, |source| source.stamp);
    let stamps = Stamps { hosts, folder };
    let mut keys = Keys::new(stamps.key());
    let mut counted = Counted::default();
    let text_len = read(sources, |line, _| {
        keys.of(line, |_, words| counted.add(words));
        Ok(())
    })?;
    let table = table_of(sources);
    let buckets = u32::try_from(counted.keys.div_ceil(FILL)).map_err(|_| Error::TooLong)?;
    let head = Head {
        buckets: round_up(buckets),
        stamps,
        text_len,
        sources_len: u32::try_from(table.len()).map_err(|_| Error::TooLong)?,
        depths: counted.depths,
    };
    let mut weights = vec![0_u32; usize::try_from(head.buckets).map_err(|_| Error::TooLong)?];
    let mut keys = Keys::new(stamps.key());
    let mut pages = Sealed::new(out, stamps.key(), head.buckets);
    let copied = read(sources, |line, _| {
        keys.of(line, |hash, _| {
            let bucket = place(hash, head.buckets).0 as usize;
            if let Some(weight) = weights.get_mut(bucket) {
                *weight += 1;
            }
        });
        pages.write(line).map_err(Error::Write)
    })?;
    pages.end().map_err(Error::Write)?;
    pages.write(&table).map_err(Error::Write)?;
    let behind = pages.end().map_err(Error::Write)?;
    if copied != text_len {
        return Err(Error::Changed(0));
    }
    let end = fill(sources, &head, &weights, behind, out, max_slots)?;
    let tail = tail_of(head.buckets).ok_or(Error::TooLong)?;
    finish(out, end, tail).map_err(Error::Write)?;
    Ok(Built {
        size: end + tail,
        text: text_len,
        entries: counted.entries,
    })
}

/// What the first pass finds out.
#[derive(Default)]
struct Counted {
    keys: u64,
    entries: u64,
    depths: u128,
}

impl Counted {
    fn add(&mut self, words: Words<'_>) {
        self.keys += 1;
        self.entries += u64::from(words.is_first);
        if let Some(wildcard) = words.wildcard {
            self.depths |= hosts::depth_of(wildcard);
        }
    }
}

/// Hands out the lines of all sources, each with its newline, and their offset in the whole.
/// Returns the length of the whole.
fn read<R: Read + Seek>(
    sources: &mut [Source<R>],
    mut each: impl FnMut(&[u8], u32) -> Result<(), Error>,
) -> Result<u64, Error> {
    let mut offset = 0_u64;
    let mut line = Vec::new();
    for (n, source) in sources.iter_mut().enumerate() {
        let size = source.stamp.size;
        if let Some(text) = &mut source.text {
            let fault = |error| Error::Read(n, error);
            text.seek(SeekFrom::Start(0)).map_err(fault)?;
            // No more than the stamp says: what is appended meanwhile is for the next index.
            let mut text = BufReader::with_capacity(1 << 18, text.take(size));
            let mut done = 0;
            for number in 1.. {
                line.clear();
                let len = (&mut text)
                    .take(MAX_LINE)
                    .read_until(b'\n', &mut line)
                    .map_err(fault)? as u64;
                done += len;
                if len == MAX_LINE {
                    return Err(Error::LongLine(n, number));
                }
                if len == 0 {
                    break;
                }
                // The newline behind a file's last line is added below.
                let start = u32::try_from(offset).map_err(|_| Error::TooLong)?;
                each(&line, start)?;
                offset += len;
            }
            if done != size {
                return Err(Error::Changed(n));
            }
        }
        each(b"\n", u32::try_from(offset).map_err(|_| Error::TooLong)?)?;
        offset += 1;
        if offset > MAX_TEXT {
            return Err(Error::TooLong);
        }
    }
    Ok(offset)
}

/// The table of sources: all but `hosts`, whose stamp is in the head.
fn table_of<R>(sources: &[Source<R>]) -> Vec<u8> {
    let mut table = Vec::new();
    for source in sources.iter().skip(1) {
        let len = u8::try_from(source.name.len()).unwrap_or(u8::MAX);
        table.extend(source_head(source.stamp, len));
        table.extend(source.name.iter().take(usize::from(len)));
    }
    table
}

/// Writes the bucket pages; returns the length of the file.
fn fill<R: Read + Seek, W: Write + Seek>(
    sources: &mut [Source<R>],
    head: &Head,
    weights: &[u32],
    behind: u32,
    out: &mut W,
    max_slots: usize,
) -> Result<u64, Error> {
    let mut writer = Writer::new(head, behind);
    let mut first = 0;
    while first < weights.len() {
        let (last, starts) = range(weights, first, max_slots);
        let slots = starts.last().copied().unwrap_or_default() as usize;
        let mut fingerprints = vec![0_u16; slots];
        let mut lines = vec![0_u32; slots];
        let mut next = starts.clone();
        let mut keys = Keys::new(head.stamps.key());
        let mut fits = true;
        let len = read(sources, |line, offset| {
            keys.of(line, |hash, _| {
                let (bucket, fingerprint) = place(hash, head.buckets);
                let Some(nth) = (bucket as usize)
                    .checked_sub(first)
                    .filter(|nth| first + nth < last)
                else {
                    return;
                };
                let slot = next.get_mut(nth).map(|next| {
                    *next += 1;
                    *next as usize - 1
                });
                let end = starts.get(nth + 1).copied().unwrap_or_default() as usize;
                let slot = slot.filter(|&slot| slot < end);
                let place =
                    slot.and_then(|slot| fingerprints.get_mut(slot).zip(lines.get_mut(slot)));
                match place {
                    Some((to_fingerprint, to_line)) => {
                        (*to_fingerprint, *to_line) = (fingerprint, offset);
                    }
                    None => fits = false,
                }
            });
            Ok(())
        })?;
        let full = next.iter().zip(starts.iter().skip(1)).all(|(a, b)| a == b);
        if len != head.text_len || !fits || !full {
            return Err(Error::Changed(0));
        }
        for span in starts.windows(2) {
            let &[start, end] = span else { continue };
            let span = start as usize..end as usize;
            let fingerprints = fingerprints.get(span.clone()).unwrap_or_default();
            let lines = lines.get(span).unwrap_or_default();
            writer
                .bucket(fingerprints, lines, out)
                .map_err(Error::Write)?;
        }
        first = last;
    }
    writer.end(out).map_err(Error::Write)
}

/// The buckets from `first` on whose slots fit: where they end, and at which slot each starts.
fn range(weights: &[u32], first: usize, max_slots: usize) -> (usize, Vec<u32>) {
    let mut starts = vec![0];
    let mut sum = 0_u32;
    let mut last = first;
    for &weight in weights.iter().skip(first) {
        let more = sum.saturating_add(weight);
        // One bucket at least, however heavy it is.
        if more as usize > max_slots && last > first {
            break;
        }
        sum = more;
        starts.push(sum);
        last += 1;
    }
    (last, starts)
}

fn finish<W: Write + Seek>(out: &mut W, end: u64, tail: u64) -> io::Result<()> {
    out.seek(SeekFrom::Start(end))?;
    io::copy(&mut io::repeat(0).take(tail), out)?;
    out.flush()
}
