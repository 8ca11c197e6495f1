//! Named pipes that somebody else reads.

use std::fs::OpenOptions;
use std::io::{self, Write};
use std::os::unix::fs::{FileTypeExt, OpenOptionsExt};
use std::path::Path;

/// Writes `bytes` into the named pipe at `path`, without waiting for anybody. No bytes only find
/// out whether somebody reads it.
///
/// # Errors
///
/// `ENXIO` if nobody reads it; `EAGAIN` if it is full; `InvalidInput` if it is no named pipe;
/// those of open(2).
pub fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut fifo = OpenOptions::new()
        .write(true)
        .custom_flags(libc::O_NONBLOCK | libc::O_NOCTTY)
        .open(path)?;
    if !fifo.metadata()?.file_type().is_fifo() {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    fifo.write_all(bytes)
}
