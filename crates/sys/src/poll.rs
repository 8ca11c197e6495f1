//! Waiting for descriptors.

use std::io;
use std::os::fd::{AsRawFd, BorrowedFd};
use std::time::Duration;

use crate::cerr;

/// Waits until one of `sources` can be read, at most for `limit`; `None` is for ever. False when
/// the time was up first.
///
/// # Errors
///
/// ppoll(2)'s: `ENOMEM`. An interruption counts as something that happened.
pub fn readable(sources: &[BorrowedFd<'_>], limit: Option<Duration>) -> io::Result<bool> {
    let mut polled: Vec<libc::pollfd> = sources
        .iter()
        .map(|source| libc::pollfd {
            fd: source.as_raw_fd(),
            events: libc::POLLIN,
            revents: 0,
        })
        .collect();
    wait(&mut polled, limit)
}

/// Waits until `sink` takes something without blocking, at most for `limit`.
///
/// # Errors
///
/// See [`readable`].
pub fn writable(sink: BorrowedFd<'_>, limit: Duration) -> io::Result<bool> {
    let polled = libc::pollfd {
        fd: sink.as_raw_fd(),
        events: libc::POLLOUT,
        revents: 0,
    };
    wait(&mut [polled], Some(limit))
}

fn wait(polled: &mut [libc::pollfd], limit: Option<Duration>) -> io::Result<bool> {
    let time = limit.map(|limit| libc::timespec {
        tv_sec: libc::time_t::try_from(limit.as_secs()).unwrap_or(libc::time_t::MAX),
        // At most 999,999,999, which fits everywhere.
        tv_nsec: limit.subsec_nanos().into(),
    });
    let time = time.as_ref().map_or(std::ptr::null(), std::ptr::from_ref);
    let count = libc::nfds_t::try_from(polled.len()).unwrap_or_default();
    // SAFETY: `count` records of ours, a time that outlives the call or none, and no mask.
    match cerr(unsafe { libc::ppoll(polled.as_mut_ptr(), count, time, std::ptr::null()) }) {
        Ok(ready) => Ok(ready > 0),
        Err(error) if error.kind() == io::ErrorKind::Interrupted => Ok(true),
        Err(error) => Err(error),
    }
}
