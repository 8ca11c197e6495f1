//! The files, opened anew for each call.
//!
//! Nothing is remembered from one call to the next, so an edit, a rename over a file, a
//! `ConfigMap`'s swapped symlink and a chroot all show at once, and a program that closes every
//! descriptor cannot hand us one of its own.

use core::ffi::CStr;

use hosts::ReadAt;
use hosts::index::Stamp;

use crate::drop_ins::DropIns;
use crate::kernel::{At, Errno, Fd, Stat};

// No environment variable moves them: setuid programs load the module.
/// The hosts file.
pub(crate) const HOSTS: &CStr = c"/etc/workaround-docker-2267/hosts";
/// The folder of further files.
pub(crate) const FOLDER: &CStr = c"/etc/workaround-docker-2267/hosts.d";
/// The index of them all.
pub(crate) const INDEX: &CStr = c"/etc/workaround-docker-2267/hosts.index";

/// A stamp as an index has it.
pub(crate) fn stamp(stat: &Stat) -> Stamp {
    Stamp {
        // What a file system counts as the size of a folder differs between them.
        size: if stat.is(libc::S_IFDIR) { 0 } else { stat.size },
        seconds: stat.seconds,
        nanoseconds: stat.nanoseconds,
    }
}

/// An open regular file.
pub(crate) struct File {
    pub(crate) fd: Fd,
    /// What it was when it was opened.
    pub(crate) stat: Stat,
}

impl File {
    /// Opens the regular file at `path`.
    ///
    /// # Errors
    ///
    /// open(2)'s and fstat(2)'s; `EISDIR` for a directory and `EINVAL` for anything else that is
    /// no regular file, which could block or never end.
    pub(crate) fn open(at: At, path: &CStr) -> Result<Self, Errno> {
        Self::new(Fd::open(at, path)?)
    }

    /// The same for a descriptor.
    #[inline(never)]
    pub(crate) fn new(fd: Fd) -> Result<Self, Errno> {
        let stat = fd.stat()?;
        match stat.mode & libc::S_IFMT {
            libc::S_IFREG => Ok(Self { fd, stat }),
            libc::S_IFDIR => Err(Errno(libc::EISDIR)),
            _ => Err(Errno(libc::EINVAL)),
        }
    }

    /// Fills `buffer` from `offset` on, up to the end of the file.
    pub(crate) fn read(&self, offset: u64, buffer: &mut [u8]) -> Result<usize, Errno> {
        read(&self.fd, offset, buffer, Some(self.stat.size))
    }

    /// Whether it looks as it did when it was opened.
    pub(crate) fn is_unchanged(&self) -> Result<bool, Errno> {
        Ok(stamp(&self.fd.stat()?) == stamp(&self.stat))
    }
}

/// Fills `buffer`. A file system may return less than there is; where what was read ends at the
/// `size` that the file is known to have, the end needs no further call to show it.
#[inline(never)]
pub(crate) fn read(
    fd: &Fd,
    offset: u64,
    buffer: &mut [u8],
    size: Option<u64>,
) -> Result<usize, Errno> {
    let mut done = 0;
    while let Some(rest) = buffer.get_mut(done..).filter(|rest| !rest.is_empty()) {
        let end = offset.saturating_add(done as u64);
        if done > 0 && Some(end) == size {
            break;
        }
        match fd.pread(rest, end)? {
            0 => break,
            len => done += len,
        }
    }
    Ok(done)
}

/// Where a search reads.
pub(crate) enum Source<'a, 'b> {
    /// A file that is in the buffer, whole; there is no more to read.
    Loaded,
    /// One file: the text, or an index.
    File(&'a File),
    /// `hosts` and what is in `hosts.d`, as if they were one file.
    All(&'a mut DropIns<'b>),
}

impl ReadAt for Source<'_, '_> {
    type Error = Errno;

    fn read_at(&mut self, offset: u64, buffer: &mut [u8]) -> Result<usize, Errno> {
        match self {
            Self::Loaded => Ok(0),
            Self::File(file) => file.read(offset, buffer),
            Self::All(files) => files.read(offset, buffer),
        }
    }

    fn is_unchanged(&mut self) -> Result<bool, Errno> {
        match self {
            Self::Loaded => Ok(true),
            Self::File(file) => file.is_unchanged(),
            Self::All(files) => files.is_unchanged(),
        }
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
            let error = File::open(At::ROOT, path).err();
            assert_eq!(error, Some(Errno(errno)), "{path:?}");
        }
    }

    #[test]
    fn a_file_reads_as_it_is() {
        let path = c"/proc/self/exe";
        let want = std::fs::read("/proc/self/exe").unwrap();
        let file = File::open(At::ROOT, path).unwrap();
        let mut got = vec![0; want.len() + 100];
        assert_eq!(file.read(0, &mut got), Ok(want.len()));
        assert_eq!(got.get(..want.len()), Some(&*want));
        let mut tail = [0; 64];
        assert_eq!(file.read(want.len() as u64 - 10, &mut tail), Ok(10));
        assert_eq!(file.read(want.len() as u64, &mut tail), Ok(0));
    }
}
