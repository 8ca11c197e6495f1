//! The answer, laid out in the caller's buffer.
//!
//! The file is read twice: a survey adds up what the answer takes, then, when all of it fits, it
//! is filled in. A file that fits the read buffer is in memory by then, and of a larger one only
//! the stretch from the first line that answers to the last is read again. Should the two
//! readings differ, somebody has edited the file in place, and the call starts over.
//!
//! Pointers are written as plain addresses, byte by byte, so the buffer may have any alignment
//! and this file needs no `unsafe`.
#![deny(clippy::arithmetic_side_effects)]

mod host;
mod survey;
mod tuples;

use core::mem::size_of;

use hosts::{Error, Hosts, Lead, Name, ReadAt, Resolution, Span, Verdict};

use crate::kernel::Errno;
use crate::outcome::Failure;

pub(crate) use host::{PackedHost, host, host_by_name};
use survey::{Asked, text_len};
pub(crate) use tuples::{PackedTuples, family, tuple_words, tuples};

const POINTER: usize = size_of::<usize>();

/// What is packed, and where.
pub(crate) struct Buffer<'a> {
    /// The memory to fill.
    pub(crate) bytes: &'a mut [u8],
    /// Its address.
    pub(crate) base: usize,
}

/// Fills one part of the buffer after another, each from its own start to its own end.
struct Part {
    at: usize,
    end: usize,
}

impl Part {
    /// The part of `len` bytes behind `start`, and where the next one starts.
    fn new(start: usize, len: Option<usize>) -> Option<(Self, usize)> {
        let end = start.checked_add(len?)?;
        Some((Self { at: start, end }, end))
    }

    /// Takes `len` bytes from the front.
    fn take<'b>(&mut self, buffer: &'b mut [u8], len: usize) -> Option<(usize, &'b mut [u8])> {
        let at = self.at;
        let next = at.checked_add(len).filter(|&next| next <= self.end)?;
        self.at = next;
        Some((at, buffer.get_mut(at..next)?))
    }

    fn is_full(&self) -> bool {
        self.at == self.end
    }
}

/// The padding in front of the first pointer.
fn padding(base: usize) -> usize {
    base.wrapping_neg() & POINTER.wrapping_sub(1)
}

/// Copies `bytes` into a part; the offset they got.
#[inline(never)]
fn put<E>(part: &mut Part, buffer: &mut Buffer<'_>, bytes: &[u8]) -> Result<usize, Error<E>> {
    let (at, slot) = part.take(buffer.bytes, bytes.len()).ok_or(Error::Changed)?;
    hosts::copy(slot, bytes);
    Ok(at)
}

/// Copies a name and its NUL into a part; the offset it got.
#[inline(never)]
fn put_name<S: ReadAt>(
    part: &mut Part,
    hosts: &mut Hosts<'_, S>,
    buffer: &mut Buffer<'_>,
    asked: &Asked<'_>,
    name: Name,
) -> Result<usize, Error<S::Error>> {
    match name {
        Name::Written(Span { start, len }) => {
            let (at, slot) = part
                .take(buffer.bytes, text_len(len)?)
                .ok_or(Error::Changed)?;
            let Some((nul, text)) = slot.split_last_mut() else {
                return Err(Error::Changed);
            };
            *nul = 0;
            hosts.copy(start, text)?;
            Ok(at)
        }
        Name::Asked => put_text(part, buffer, asked.name),
    }
}

/// Copies a text and a NUL into a part; the offset it got.
#[inline(never)]
fn put_text<E>(part: &mut Part, buffer: &mut Buffer<'_>, text: &[u8]) -> Result<usize, Error<E>> {
    let at = put(part, buffer, text)?;
    put(part, buffer, &[0])?;
    Ok(at)
}

/// The first line that says which addresses a name has.
#[inline(never)]
fn resolve<S: ReadAt<Error = Errno>>(
    hosts: &mut Hosts<'_, S>,
    resolution: &mut Resolution<'_>,
) -> Result<Lead, Failure> {
    match hosts.resolve(resolution)? {
        Verdict::Absent => Err(Failure::NotFound),
        Verdict::Refused => Err(Failure::Refused),
        Verdict::Found(lead) => Ok(lead),
    }
}

/// An answer of more than one pass must be of one state of the files.
fn settled<S: ReadAt<Error = Errno>>(
    hosts: &mut Hosts<'_, S>,
    asked: &Asked<'_>,
) -> Result<(), Failure> {
    if asked.is_multi() && !hosts.is_unchanged()? {
        return Err(Failure::Changed);
    }
    Ok(())
}
