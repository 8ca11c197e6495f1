//! Where an enumeration (`gethostent`) has got to: the only state that the module has.
//!
//! It is an offset into the file, not a descriptor. glibc calls under a lock of its own; callers
//! that do without one share the entries among them and never crash.

use core::sync::atomic::{AtomicU64, Ordering};

static OFFSET: AtomicU64 = AtomicU64::new(0);

/// Starts again at the first entry.
pub(crate) fn reset() {
    OFFSET.store(0, Ordering::Relaxed);
}

/// Offset of the first line that has not been handed out.
pub(crate) fn offset() -> u64 {
    OFFSET.load(Ordering::Relaxed)
}

/// Moves on from `from` to `to`; false if somebody else has moved in the meantime.
pub(crate) fn advance(from: u64, to: u64) -> bool {
    OFFSET
        .compare_exchange(from, to, Ordering::Relaxed, Ordering::Relaxed)
        .is_ok()
}
