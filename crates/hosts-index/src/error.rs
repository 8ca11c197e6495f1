//! What can go wrong.

use std::{fmt, io};

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
