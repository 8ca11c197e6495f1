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

mod keys;
mod pages;

use std::fmt;
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

/// Why there is no index.
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// A source (by its place in the list) could not be read.
    Read(usize, io::Error),
    /// The index could not be written.
    Write(io::Error),
    /// A source is no longer what its stamp says.
    Changed(usize),
    /// The texts are too long for the offsets of an index.
    TooLong,
    /// A line, counted from 1, is longer than a mebibyte.
    LongLine(usize, u64),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Read(_, error) => write!(f, "cannot read it: {error}"),
            Self::Write(error) => write!(f, "cannot write the index: {error}"),
            Self::Changed(_) => f.write_str("it was changed meanwhile"),
            Self::TooLong => f.write_str("the texts exceed 4 GiB; divide them, or do without"),
            Self::LongLine(_, line) => write!(
                f,
                "line {line} is longer than a mebibyte; divide it, or do without"
            ),
        }
    }
}

impl std::error::Error for Error {}

impl Error {
    /// Which source it is about, by its place in the list.
    #[must_use]
    pub fn source_number(&self) -> Option<usize> {
        match *self {
            Self::Read(n, _) | Self::Changed(n) | Self::LongLine(n, _) => Some(n),
            Self::Write(_) | Self::TooLong => None,
        }
    }
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

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;
    use std::io::Cursor;

    use hosts::index::{BODY, Index, PAGE, SLOTS, buckets_of};
    use hosts::{Address, Family, Hosts, Question, Resolution, Verdict};

    const FOLDER: Stamp = Stamp::ABSENT;

    fn stamp(text: &[u8]) -> Stamp {
        Stamp {
            size: text.len() as u64,
            seconds: 1_700_000_000,
            nanoseconds: 77,
        }
    }

    fn sources(text: &[u8]) -> [Source<Cursor<&[u8]>>; 1] {
        [Source {
            name: Vec::new(),
            stamp: stamp(text),
            text: Some(Cursor::new(text)),
        }]
    }

    fn index(text: &[u8], max_slots: usize) -> Vec<u8> {
        let mut out = Cursor::new(Vec::new());
        let built = build_with(FOLDER, &mut sources(text), &mut out, max_slots).unwrap();
        assert_eq!(built.size, out.get_ref().len() as u64);
        out.into_inner()
    }

    /// Addresses of `name`, as bytes; `None` if the index has given up.
    fn ask(index: &[u8], now: Stamp, name: &[u8]) -> Option<Vec<Address>> {
        let stamps = Stamps {
            hosts: now,
            folder: FOLDER,
        };
        let mut memory = [0; Index::<&[u8]>::BUFFER];
        let mut window = [0; 512];
        let mut index = Index::new(index, index.len() as u64, stamps, &mut memory)?;
        index.open(Question::Name(name, Family::Any)).ok()?;
        let mut hosts = Hosts::indexed(&mut index, &mut window, now.size);
        let mut resolution = Resolution::new(name);
        let Verdict::Found { from } = hosts.resolve(&mut resolution).ok()? else {
            return Some(Vec::new());
        };
        let mut search = hosts.search(Question::Name(resolution.word(), Family::Any), from);
        let mut addresses = Vec::new();
        while let Some(entry) = hosts.next(&mut search).ok()? {
            addresses.push(entry.address);
        }
        Some(addresses)
    }

    fn lines(count: u32) -> Vec<u8> {
        let line = |n: u32| {
            let [_, a, b, c] = n.to_be_bytes();
            format!("10.{a}.{b}.{c} host{n}.example.com h{n}\n")
        };
        (0..count).flat_map(|n| line(n).into_bytes()).collect()
    }

    #[test]
    fn memory_bounds_do_not_show_in_the_result() {
        let text = lines(3000);
        let whole = index(&text, MAX_SLOTS);
        for max_slots in [0, 1, 100, 1000] {
            assert!(index(&text, max_slots) == whole, "{max_slots}");
        }
        for n in [0, 1, 1499, 2999] {
            let want = [Address::V4([10, 0, (n / 256) as u8, (n % 256) as u8])];
            let got = ask(&whole, stamp(&text), format!("H{n}").as_bytes());
            assert_eq!(got.as_deref(), Some(&want[..]), "{n}");
        }
    }

    #[test]
    fn a_name_may_have_more_lines_than_a_page_has_slots() {
        let count = 5 * SLOTS as u32;
        let text: Vec<u8> = (0..count)
            .flat_map(|n| format!("10.0.{}.{} many x{n}\n", n / 256, n % 256).into_bytes())
            .collect();
        let index = index(&text, MAX_SLOTS);
        let got = ask(&index, stamp(&text), b"many").unwrap();
        let want = (0..count).map(|n| Address::V4([10, 0, (n / 256) as u8, (n % 256) as u8]));
        assert!(got.into_iter().eq(want));
    }

    #[test]
    fn an_index_is_of_one_state_of_the_files() {
        let text = lines(50);
        let index = index(&text, MAX_SLOTS);
        let made = stamp(&text);
        #[rustfmt::skip]
        let table = [
            ("the same",             made,                                            true),
            ("whole seconds only",   Stamp { nanoseconds: 0, ..made },                true),
            ("another nanosecond",   Stamp { nanoseconds: 78, ..made },               false),
            ("a second later",       Stamp { seconds: made.seconds + 1, ..made },     false),
            ("a second earlier",     Stamp { seconds: made.seconds - 1, ..made },     false),
            ("a byte longer",        Stamp { size: made.size + 1, ..made },           false),
            ("gone",                 Stamp::ABSENT,                                   false),
        ];
        for (case, now, holds) in table {
            assert_eq!(ask(&index, now, b"h7").is_some(), holds, "{case}");
        }
    }

    #[test]
    fn whatever_happens_to_an_index_it_says_nothing_wrong() {
        let text = lines(60);
        let index = index(&text, MAX_SLOTS);
        let names: Vec<String> = (0..61).map(|n| format!("h{n}")).collect();
        let want: Vec<_> = names
            .iter()
            .map(|name| ask(&index, stamp(&text), name.as_bytes()).unwrap())
            .collect();
        let mut given_up = 0;
        let mut check = |damaged: &[u8], case: &str| {
            for (name, want) in names.iter().zip(&want) {
                match ask(damaged, stamp(&text), name.as_bytes()) {
                    Some(got) => assert_eq!(got, *want, "{case}: {name}"),
                    None => given_up += 1,
                }
            }
        };
        for at in (0..index.len()).step_by(3) {
            let mut damaged = index.clone();
            damaged[at] ^= 1 << (at % 8);
            check(&damaged, &format!("byte {at}"));
        }
        for len in (0..index.len()).step_by(7) {
            check(&index[..len], &format!("{len} bytes left"));
            let mut padded = index[..len].to_vec();
            padded.resize(index.len(), 0);
            check(&padded, &format!("{len} bytes left, then zeros"));
        }
        for (a, b) in [(0, 1), (1, 2), (0, 3)] {
            let mut swapped = index.clone();
            for at in 0..PAGE {
                swapped.swap(a * PAGE + at, b * PAGE + at);
            }
            check(&swapped, &format!("pages {a} and {b} swapped"));
        }
        // As written by a machine with the other byte order, or a later version.
        let mut foreign = index.clone();
        foreign.chunks_exact_mut(8).for_each(<[u8]>::reverse);
        check(&foreign, "foreign");
        let mut newer = index.clone();
        newer[7] += 1;
        check(&newer, "newer");
        assert!(given_up > 1000);
    }

    #[test]
    fn the_length_of_the_file_says_how_many_buckets_there_are() {
        let said: BTreeSet<u32> = (0..PAGE as u64).map(buckets_of).collect();
        for &buckets in said.iter().filter(|&&buckets| buckets > 0) {
            let tail = tail_of(buckets).unwrap();
            assert_eq!(buckets_of(7 * PAGE as u64 + tail), buckets);
            assert_eq!(round_up(buckets), buckets);
        }
        for buckets in (1..100_000).chain([1 << 20, (1 << 24) + 1]) {
            let up = round_up(buckets);
            assert!(said.contains(&up) && up >= buckets, "{buckets} {up}");
            assert!(
                u64::from(up) * 32 <= u64::from(buckets) * 33,
                "{buckets} {up}"
            );
        }
    }

    #[test]
    fn what_does_not_fit_an_index_is_said() {
        let long = vec![b'x'; (1 << 20) + 1];
        let changed = [Source {
            stamp: stamp(b"longer"),
            ..sources(b"short")[0].take()
        }];
        let outcome = |mut sources: [Source<Cursor<&[u8]>>; 1]| {
            let error = build(FOLDER, &mut sources, &mut Cursor::new(Vec::new())).unwrap_err();
            format!("{error:?}")
        };
        assert_eq!(outcome(sources(&long)), "LongLine(0, 1)");
        assert_eq!(outcome(changed), "Changed(0)");
    }

    impl<R> Source<R> {
        fn take(&mut self) -> Self {
            Self {
                name: std::mem::take(&mut self.name),
                stamp: self.stamp,
                text: self.text.take(),
            }
        }
    }

    #[test]
    fn an_index_is_at_most_twice_as_long_as_its_text() {
        for text in [lines(20_000), block_list(20_000)] {
            let index = index(&text, MAX_SLOTS);
            assert!(
                index.len() <= 2 * text.len(),
                "{} of {}",
                index.len(),
                text.len()
            );
            assert_eq!(
                index.len() % PAGE,
                usize::try_from(tail_of(buckets_of(index.len() as u64)).unwrap()).unwrap()
            );
        }
        assert!(BODY < PAGE);
    }

    fn block_list(count: u32) -> Vec<u8> {
        (0..count)
            .flat_map(|n| format!("0.0.0.0 ad{n}.example.net\n").into_bytes())
            .collect()
    }
}
