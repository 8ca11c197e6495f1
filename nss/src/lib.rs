//! `libnss_workaround.so.2`: glibc asks it for hosts, and it answers from
//! `/etc/workaround-docker-2267/hosts`.
//!
//! The module is a guest in every process of a container. It is freestanding: no C library is
//! linked, nothing is allocated, no descriptor outlives a call, no thread-local exists, and no
//! path through it can panic, which the linker proves (see [`panic`]).
//!
//! | file | is |
//! |---|---|
//! | `exports` | the entry points that glibc calls; raw pointers end here |
//! | `outcome` | what is reported to glibc, and how |
//! | `pack` | the answer, laid out in the caller's buffer; safe code |
//! | `cursor` | where an enumeration has got to |
//! | `lookup` | how a question is answered: from the text, or from the index |
//! | `source` | the files, opened and read anew for each call |
//! | `drop_ins` | `hosts` and what is in `hosts.d`, as if they were one file |
//! | `kernel` | the system calls |
//! | `memory` | what the compiler calls behind our backs: `memcpy` and its like |
//! | `abi` | glibc's types, as bindgen reads them from `<nss.h>` |
//!
//! Test builds unwind, which needs std; everything shipped is built with `panic = "abort"`.
#![cfg_attr(all(not(test), panic = "abort"), no_std)]
#![deny(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

#[allow(
    dead_code,
    missing_docs,
    non_camel_case_types,
    unreachable_pub,
    clippy::allow_attributes_without_reason,
    clippy::indexing_slicing,
    clippy::pedantic,
    reason = "made by bindgen, with glibc's own names"
)]
mod abi;
mod cursor;
mod drop_ins;
mod exports;
mod kernel;
mod lookup;
#[cfg(all(not(test), panic = "abort"))]
mod memory;
mod outcome;
mod pack;
#[cfg(all(not(test), panic = "abort"))]
mod panic;
mod source;
