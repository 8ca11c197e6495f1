//! The hosts file, once: syntax, matching, answers.
//!
//! No allocation, no I/O and no `unsafe`: the code runs inside every process of a container. It
//! is handed bytes through [`ReadAt`] and works in bounded memory, whatever the size of the file
//! or the length of a line.
//!
//! The rules are those of glibc's own `files` service, measured, with the differences that
//! `docs/nss.md` lists and the additions of `docs/hosts-format.md`.
#![cfg_attr(not(test), no_std)]
#![forbid(unsafe_code)]
#![deny(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod address;
pub mod index;
mod line;
mod needle;
mod question;
mod resolve;
mod search;
mod syntax;
mod window;

pub use address::Address;
pub use line::{Entry, Name, Names};
pub use needle::holds;
pub use question::{Family, Question};
pub use resolve::{MAX_ALIASES, Resolution, Verdict, depth_of};
pub use search::{Hosts, Lead, Search};
pub use syntax::{
    MAX_NAME, Subject, Words, copy, is_space, is_wildcard, subject, wildcard_covers, words,
};
pub use window::{Error, ReadAt, Span};
