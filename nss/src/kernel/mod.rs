//! The system calls that a lookup makes, without a C library and its `errno`.
#![expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "system calls take machine words, which have 64 bits on both architectures"
)]

use core::arch::asm;
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

/// What a file is, and what it was when its content changed last.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stat {
    /// Type and permissions.
    pub(crate) mode: libc::mode_t,
    /// Its owner.
    pub(crate) uid: libc::uid_t,
    /// Size, in bytes.
    pub(crate) size: u64,
    /// Time of the last change, since 1970.
    pub(crate) seconds: i64,
    /// The rest of it.
    pub(crate) nanoseconds: u32,
}

impl Stat {
    fn new(stat: &libc::stat) -> Self {
        Self {
            mode: stat.st_mode,
            uid: stat.st_uid,
            size: u64::try_from(stat.st_size).unwrap_or(0),
            seconds: stat.st_mtime,
            nanoseconds: u32::try_from(stat.st_mtime_nsec).unwrap_or(0),
        }
    }

    /// Whether this is a file of type `kind`, as `S_IFREG`.
    pub(crate) const fn is(&self, kind: libc::mode_t) -> bool {
        self.mode & libc::S_IFMT == kind
    }
}

/// Where a path starts: a folder that is open, or the working folder if it matters at all.
#[derive(Clone, Copy)]
pub(crate) struct At(usize);

impl At {
    /// For absolute paths.
    pub(crate) const ROOT: Self = Self(libc::AT_FDCWD as usize);
}

/// What the file at `path` is; symlinks are followed.
pub(crate) fn stat(at: At, path: &CStr) -> Result<Stat, Errno> {
    let mut stat = MaybeUninit::<libc::stat>::uninit();
    // SAFETY: newfstatat(2) reads a C string, which `path` is, and writes one `struct stat`, for
    // which there is room; on 64-bit architectures the kernel's and the C library's are the same.
    let status = unsafe {
        syscall(
            libc::SYS_newfstatat as usize,
            [
                at.0,
                path.as_ptr().expose_provenance(),
                stat.as_mut_ptr().expose_provenance(),
                0,
            ],
        )
    };
    Errno::check(status)?;
    // SAFETY: the call succeeded, so the kernel has filled it.
    Ok(Stat::new(unsafe { stat.assume_init_ref() }))
}

/// Memory on the stack for the kernel to write to; to fill it with zeros first would take as long
/// as searching it.
pub(crate) struct Scratch<const LEN: usize>(MaybeUninit<[u8; LEN]>);

impl<const LEN: usize> Scratch<LEN> {
    pub(crate) const fn new() -> Self {
        Self(MaybeUninit::uninit())
    }

    /// The bytes, which have any value.
    pub(crate) fn bytes(&mut self) -> &mut [u8; LEN] {
        // SAFETY: no instruction at all, but for all that the compiler knows it has written each
        // byte of the memory that it was given the address of.
        unsafe {
            asm!("/* {0} */", in(reg) self.0.as_mut_ptr(), options(nostack, preserves_flags));
        };
        // SAFETY: initialized, as the assembly has written it; any bytes are valid ones.
        unsafe { self.0.assume_init_mut() }
    }
}

/// A descriptor of ours, closed when dropped.
pub(crate) struct Fd(usize);

impl Fd {
    /// Opens `path` for reading. Does not block on a FIFO, nor take a terminal over.
    pub(crate) fn open(at: At, path: &CStr) -> Result<Self, Errno> {
        const FLAGS: c_int = libc::O_RDONLY | libc::O_CLOEXEC | libc::O_NONBLOCK | libc::O_NOCTTY;
        // SAFETY: openat(2) reads a C string, which `path` is, and writes no memory of ours.
        let fd = unsafe {
            syscall(
                libc::SYS_openat as usize,
                [at.0, path.as_ptr().expose_provenance(), FLAGS as usize, 0],
            )
        };
        Errno::check(fd).map(Self)
    }

    /// A folder as the start of paths.
    pub(crate) const fn at(&self) -> At {
        At(self.0)
    }

    /// What the file is.
    pub(crate) fn stat(&self) -> Result<Stat, Errno> {
        let mut stat = MaybeUninit::<libc::stat>::uninit();
        // SAFETY: fstat(2) writes one `struct stat`, for which there is room; see `stat` above.
        let status = unsafe {
            syscall(
                libc::SYS_fstat as usize,
                [self.0, stat.as_mut_ptr().expose_provenance(), 0, 0],
            )
        };
        Errno::check(status)?;
        // SAFETY: the call succeeded, so the kernel has filled it.
        Ok(Stat::new(unsafe { stat.assume_init_ref() }))
    }

    /// Goes back to a folder's first entry.
    pub(crate) fn rewind(&self) -> Result<(), Errno> {
        // SAFETY: lseek(2) touches no memory.
        let at = unsafe { syscall(libc::SYS_lseek as usize, [self.0, 0, 0, 0]) };
        Errno::check(at).map(drop)
    }

    /// Reads the next entries of a folder, in the form of getdents64(2); 0 behind the last one.
    pub(crate) fn entries(&self, buffer: &mut [u8]) -> Result<usize, Errno> {
        // SAFETY: getdents64(2) writes at most `buffer.len()` bytes to `buffer`.
        let len = unsafe {
            syscall(
                libc::SYS_getdents64 as usize,
                [
                    self.0,
                    buffer.as_mut_ptr().expose_provenance(),
                    buffer.len(),
                    0,
                ],
            )
        };
        Ok(Errno::check(len)?.min(buffer.len()))
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
