//! The four system calls that a lookup makes, without a C library and its `errno`.
#![expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "system calls take machine words, which have 64 bits on both architectures"
)]

use core::ffi::{CStr, c_int};
use core::mem::MaybeUninit;

#[cfg_attr(target_arch = "x86_64", path = "x86_64.rs")]
#[cfg_attr(target_arch = "aarch64", path = "aarch64.rs")]
mod arch;

use arch::syscall;
#[cfg(all(not(test), panic = "abort", debug_assertions))]
pub(crate) use arch::trap;

/// An `errno` value, positive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Errno(pub(crate) c_int);

impl Errno {
    /// Splits what the kernel returns: -4095 to -1 are errors (syscall(2)).
    fn check(value: isize) -> Result<usize, Self> {
        match usize::try_from(value) {
            Ok(value) => Ok(value),
            Err(_) => Err(Self(
                c_int::try_from(value.wrapping_neg()).unwrap_or(libc::EIO),
            )),
        }
    }
}

/// A descriptor of ours, closed when dropped.
pub(crate) struct Fd(usize);

impl Fd {
    /// Opens `path` for reading. Does not block on a FIFO, nor take a terminal over.
    pub(crate) fn open(path: &CStr) -> Result<Self, Errno> {
        const FLAGS: c_int = libc::O_RDONLY | libc::O_CLOEXEC | libc::O_NONBLOCK | libc::O_NOCTTY;
        // SAFETY: openat(2) reads a C string, which `path` is, and writes no memory of ours.
        let fd = unsafe {
            syscall(
                libc::SYS_openat as usize,
                [
                    libc::AT_FDCWD as usize,
                    path.as_ptr().expose_provenance(),
                    FLAGS as usize,
                    0,
                ],
            )
        };
        Errno::check(fd).map(Self)
    }

    /// The file's mode and its size in bytes.
    pub(crate) fn stat(&self) -> Result<(libc::mode_t, u64), Errno> {
        let mut stat = MaybeUninit::<libc::stat>::uninit();
        // SAFETY: fstat(2) writes one `struct stat`, for which there is room; on 64-bit
        // architectures the kernel's and the C library's are the same.
        let status = unsafe {
            syscall(
                libc::SYS_fstat as usize,
                [self.0, stat.as_mut_ptr().expose_provenance(), 0, 0],
            )
        };
        Errno::check(status)?;
        // SAFETY: the call succeeded, so the kernel has filled it.
        let stat = unsafe { stat.assume_init_ref() };
        Ok((stat.st_mode, u64::try_from(stat.st_size).unwrap_or(0)))
    }

    /// Reads up to `buffer.len()` bytes at `offset`; 0 at the end of the file.
    pub(crate) fn pread(&self, buffer: &mut [u8], offset: u64) -> Result<usize, Errno> {
        loop {
            // SAFETY: pread(2) writes at most `buffer.len()` bytes to `buffer`.
            let len = unsafe {
                syscall(
                    libc::SYS_pread64 as usize,
                    [
                        self.0,
                        buffer.as_mut_ptr().expose_provenance(),
                        buffer.len(),
                        offset as usize,
                    ],
                )
            };
            match Errno::check(len) {
                Err(Errno(libc::EINTR)) => {}
                Ok(len) => return Ok(len.min(buffer.len())),
                Err(error) => return Err(error),
            }
        }
    }
}

impl Drop for Fd {
    fn drop(&mut self) {
        // SAFETY: the descriptor is ours alone. close(2) releases it even when it reports an
        // error, so there is nothing to do about one.
        let _ = unsafe { syscall(libc::SYS_close as usize, [self.0, 0, 0, 0]) };
    }
}
