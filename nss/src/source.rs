//! The file, opened anew for each call.
//!
//! Nothing is remembered from one call to the next, so an edit, a rename over the file, a
//! `ConfigMap`'s swapped symlink and a chroot all show at once, and a program that closes every
//! descriptor cannot hand us one of its own.

use core::ffi::CStr;

use hosts::ReadAt;

use crate::kernel::{Errno, Fd};

/// The hosts file. No environment variable moves it: setuid programs load the module.
pub(crate) const PATH: &CStr = c"/etc/workaround-docker-2267/hosts";

/// An open hosts file.
pub(crate) struct File {
    fd: Fd,
    /// Its size when it was opened, in bytes.
    size: u64,
}

impl File {
    /// Opens the regular file at `path`.
    ///
    /// # Errors
    ///
    /// open(2)'s and fstat(2)'s; `EISDIR` for a directory and `EINVAL` for anything else that is
    /// no regular file, which could block or never end.
    pub(crate) fn open(path: &CStr) -> Result<Self, Errno> {
        let fd = Fd::open(path)?;
        let (mode, size) = fd.stat()?;
        match mode & libc::S_IFMT {
            libc::S_IFREG => Ok(Self { fd, size }),
            libc::S_IFDIR => Err(Errno(libc::EISDIR)),
            _ => Err(Errno(libc::EINVAL)),
        }
    }
}

impl ReadAt for &File {
    type Error = Errno;

    fn read_at(&mut self, offset: u64, buffer: &mut [u8]) -> Result<usize, Errno> {
        let mut done = 0;
        // A file system may return less than there is. Where what was read ends at the size that
        // the file is known to have, the end needs no further call to show it.
        while let Some(rest) = buffer.get_mut(done..).filter(|rest| !rest.is_empty()) {
            let end = offset.saturating_add(done as u64);
            if done > 0 && end == self.size {
                break;
            }
            match self.fd.pread(rest, end)? {
                0 => break,
                len => done += len,
            }
        }
        Ok(done)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_regular_files_are_opened() {
        #[rustfmt::skip]
        let table: &[(&CStr, libc::c_int)] = &[
            (c"/nowhere/hosts", libc::ENOENT),
            (c"/tmp",           libc::EISDIR),
            (c"/dev/null",      libc::EINVAL),
        ];
        for &(path, errno) in table {
            assert_eq!(File::open(path).err(), Some(Errno(errno)), "{path:?}");
        }
    }

    #[test]
    fn a_file_reads_as_it_is() {
        let path = c"/proc/self/exe";
        let want = std::fs::read("/proc/self/exe").unwrap();
        let file = File::open(path).unwrap();
        let mut got = vec![0; want.len() + 100];
        assert_eq!((&file).read_at(0, &mut got), Ok(want.len()));
        assert_eq!(got.get(..want.len()), Some(&*want));
        let mut tail = [0; 64];
        assert_eq!((&file).read_at(want.len() as u64 - 10, &mut tail), Ok(10));
        assert_eq!((&file).read_at(want.len() as u64, &mut tail), Ok(0));
    }
}
