//! What keeps a file from being changed, though its mode does not.

use std::ffi::CString;
use std::io;
use std::mem::MaybeUninit;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// What keeps a file from being changed, whatever its mode says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Protection {
    /// `chattr +i`.
    pub immutable: bool,
    /// `chattr +a`.
    pub append_only: bool,
    /// Signed by fs-verity.
    pub verity: bool,
}

/// The protection of the file at `path`; none where neither the kernel nor the file system knows
/// of any.
///
/// # Errors
///
/// Those of statx(2), but for kernels that have none (before 4.11).
pub fn protection(path: &Path) -> io::Result<Protection> {
    const VERITY: u64 = 0x0010_0000; // STATX_ATTR_VERITY of linux/stat.h, since Linux 5.5.
    let path = CString::new(path.as_os_str().as_bytes())?;
    let mut stat = MaybeUninit::<libc::statx>::zeroed();
    // The system call itself: the wrapper is younger (glibc 2.28) than the systems we run on.
    // SAFETY: a C string and room for one struct statx; both outlive the call.
    let status = unsafe {
        libc::syscall(
            libc::SYS_statx,
            libc::AT_FDCWD,
            path.as_ptr(),
            0,
            0,
            stat.as_mut_ptr(),
        )
    };
    if status == -1 {
        let error = io::Error::last_os_error();
        // EPERM is what old seccomp filters say to a system call that they do not know.
        return match error.raw_os_error() {
            Some(libc::ENOSYS | libc::EPERM) => Ok(Protection::default()),
            _ => Err(error),
        };
    }
    // SAFETY: plain integers, all of them zeroed or filled by the kernel.
    let attributes = unsafe { stat.assume_init() }.stx_attributes;
    let has = |bit: u64| attributes & bit != 0;
    Ok(Protection {
        immutable: has(libc::STATX_ATTR_IMMUTABLE as u64),
        append_only: has(libc::STATX_ATTR_APPEND as u64),
        verity: has(VERITY),
    })
}
