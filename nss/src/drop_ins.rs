//! `hosts` and the files of `hosts.d`, read as if they were one file.
//!
//! They follow each other in the byte order of their names, with a newline between them. The
//! folder is read through a few hundred bytes of memory: the next file is the one with the least
//! name beyond the last one's, which takes a walk over the folder for each. Where that is too
//! slow there is the index.

use core::ffi::CStr;

use crate::kernel::{Errno, Fd};
use crate::source::File;

/// How many files of the folder are read; also the builder of the index stops there.
pub(crate) const MAX_FILES: u32 = 1000;

/// The longest name that a file may have, and its NUL.
const NAME: usize = 256;
/// Entries of the folder that are read at once, in bytes: one has at most 280.
const ENTRIES: usize = 1024;
/// Where the name of an entry starts, and where its length stands (getdents64(2)).
const ENTRY_NAME: usize = 19;
const ENTRY_LEN: usize = 16;

const SUFFIX: &[u8] = b".hosts";

/// All the files; see the module's head.
pub(crate) struct DropIns<'b> {
    hosts: Option<File>,
    folder: Fd,
    /// The name of the file at hand, then that of the next one, each with a NUL behind it, then
    /// entries of the folder. Not on the stack, which is short.
    memory: &'b mut [u8],
    /// Length of the first name; 0 in front of all of them.
    name_len: usize,
    /// The file that was read last, unless that is `hosts`.
    current: Option<File>,
    /// Where its text starts in the whole.
    base: u64,
    /// How many files of the folder were passed.
    count: u32,
    /// What the files up to this one looked like, folded.
    shape: u64,
    /// The same of all files, when they were first walked through.
    whole: Option<u64>,
    /// Whether they looked otherwise at a later walk.
    changed: bool,
}

impl<'b> DropIns<'b> {
    /// What [`new`](Self::new) takes for its own use, in bytes.
    pub(crate) const BUFFER: usize = 2 * NAME + ENTRIES;

    pub(crate) fn new(hosts: Option<File>, folder: Fd, memory: &'b mut [u8]) -> Self {
        let mut files = Self {
            hosts,
            folder,
            memory,
            name_len: 0,
            current: None,
            base: 0,
            count: 0,
            shape: 0,
            whole: None,
            changed: false,
        };
        files.rewind();
        files
    }

    fn rewind(&mut self) {
        self.current = None;
        self.name_len = 0;
        self.base = 0;
        self.count = 0;
        self.shape = self.hosts.as_ref().map_or(1, |hosts| fold(1, hosts));
    }

    /// The file that is at hand, and its length.
    fn at_hand(&self) -> (Option<&File>, u64) {
        let file = if self.name_len == 0 {
            self.hosts.as_ref()
        } else {
            self.current.as_ref()
        };
        (file, file.map_or(0, |file| file.stat.size))
    }

    /// Fills `buffer` from the whole.
    pub(crate) fn read(&mut self, offset: u64, buffer: &mut [u8]) -> Result<usize, Errno> {
        if offset < self.base {
            self.rewind();
        }
        let mut done = 0;
        while done < buffer.len() {
            let at = offset.saturating_add(done as u64);
            let (file, size) = self.at_hand();
            let within = at.saturating_sub(self.base);
            let rest = buffer.get_mut(done..).unwrap_or_default();
            if within < size {
                let wanted = usize::try_from(size - within).unwrap_or(usize::MAX);
                let len = wanted.min(rest.len());
                let rest = rest.get_mut(..len).unwrap_or_default();
                let read = match file {
                    Some(file) => file.read(within, rest)?,
                    None => 0,
                };
                if read < len {
                    // Cut short under our hands: what is missing counts as blank.
                    rest.iter_mut().skip(read).for_each(|byte| *byte = b'\n');
                    self.changed = true;
                }
                done += len;
            } else if within == size {
                // The newline behind each file.
                if let Some(byte) = rest.first_mut() {
                    *byte = b'\n';
                }
                done += 1;
            } else if !self.advance()? {
                break;
            }
        }
        Ok(done)
    }

    /// Whether all walks through the files saw the same.
    pub(crate) fn is_unchanged(&mut self) -> Result<bool, Errno> {
        while self.advance()? {}
        Ok(!self.changed)
    }

    /// Goes on to the next file; false if there is none.
    #[inline(never)]
    fn advance(&mut self) -> Result<bool, Errno> {
        let (_, size) = self.at_hand();
        if self.count == MAX_FILES || !self.find_next()? {
            match self.whole {
                None => self.whole = Some(self.shape),
                Some(whole) => self.changed |= whole != self.shape,
            }
            return Ok(false);
        }
        self.base = self.base.saturating_add(size).saturating_add(1);
        self.count += 1;
        self.current = match File::open(self.folder.at(), self.name()) {
            Ok(file) => {
                self.shape = fold(self.shape, &file);
                Some(file)
            }
            // What is no file, or not for us, is as good as empty.
            Err(Errno(
                libc::ENOENT
                | libc::EACCES
                | libc::EPERM
                | libc::ELOOP
                | libc::EISDIR
                | libc::EINVAL
                | libc::ENXIO
                | libc::ENOTDIR,
            )) => {
                self.shape = self.shape.rotate_left(7) ^ 1;
                None
            }
            Err(error) => return Err(error),
        };
        Ok(true)
    }

    /// The name of the file at hand.
    fn name(&self) -> &CStr {
        CStr::from_bytes_until_nul(self.memory).unwrap_or(c"")
    }

    /// Puts the least name beyond the one at hand in its place; false if there is none.
    #[inline(never)]
    fn find_next(&mut self) -> Result<bool, Errno> {
        let Some((name, rest)) = self.memory.split_at_mut_checked(NAME) else {
            return Ok(false);
        };
        let Some((next, entries)) = rest.split_at_mut_checked(NAME) else {
            return Ok(false);
        };
        let last = name.get(..self.name_len).unwrap_or_default();
        let mut next_len = 0;
        self.folder.rewind()?;
        loop {
            let len = match self.folder.entries(entries) {
                // The folder itself has been removed.
                Err(Errno(libc::ENOENT)) => 0,
                len => len?,
            };
            let mut rest = entries.get(..len).unwrap_or_default();
            if rest.is_empty() {
                break;
            }
            while let Some((name, behind)) = split_entry(rest) {
                rest = behind;
                let nearest = next.get(..next_len).unwrap_or_default();
                let is_nearer = next_len == 0 || name < nearest;
                if is_drop_in(name) && name > last && is_nearer && name.len() < NAME {
                    next_len = hosts::copy(next, name);
                }
            }
        }
        if next_len == 0 {
            return Ok(false);
        }
        hosts::copy(name, next.get(..next_len).unwrap_or_default());
        if let Some(nul) = name.get_mut(next_len) {
            *nul = 0;
        }
        self.name_len = next_len;
        Ok(true)
    }

    /// Whether there is anything to read at all.
    pub(crate) fn is_empty(&mut self) -> Result<bool, Errno> {
        Ok(self.hosts.is_none() && self.count == 0 && !self.advance()?)
    }
}

/// Whether a file of the folder is read: as a shell's `*.hosts` says.
fn is_drop_in(name: &[u8]) -> bool {
    name.ends_with(SUFFIX) && !name.starts_with(b".")
}

/// The name of the first entry, and the entries behind it.
fn split_entry(entries: &[u8]) -> Option<(&[u8], &[u8])> {
    let len = entries.get(ENTRY_LEN..)?.first_chunk()?;
    let (entry, rest) = entries.split_at_checked(usize::from(u16::from_ne_bytes(*len)))?;
    let name = entry.get(ENTRY_NAME..)?;
    let end = name.iter().position(|&byte| byte == 0)?;
    Some((name.get(..end)?, rest))
}

/// Takes what a file looks like into a shape.
fn fold(shape: u64, file: &File) -> u64 {
    let words = [
        file.stat.size,
        u64::from_ne_bytes(file.stat.seconds.to_ne_bytes()),
        u64::from(file.stat.nanoseconds),
    ];
    words.into_iter().fold(shape, |shape, word| {
        (shape.rotate_left(23) ^ word).wrapping_mul(0x9e37_79b9_7f4a_7c15)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::ffi::CString;
    use std::fs;
    use std::os::unix::ffi::OsStrExt;

    use crate::kernel::At;

    #[test]
    fn files_follow_each_other_in_the_byte_order_of_their_names() {
        let folder = std::env::temp_dir().join(format!("nss-drop-ins-{}", std::process::id()));
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir(&folder).unwrap();
        // As long as it may be where fuse-overlayfs puts four bytes before a name of its own.
        let long = "l".repeat(245);
        #[rustfmt::skip]
        let files: &[(&str, &str)] = &[
            ("b.hosts", "b\n"), ("B.hosts", "B"), ("10.hosts", "10\n10"), ("9.hosts", ""), ("\u{e4}.hosts", "\u{e4}"),
            ("c.conf", "no"), (".hidden.hosts", "no"), (".hosts", "no"), ("hosts", "no"), (".b.hosts.77~", "no"),
            (&format!("{long}.hosts"), "long"),
        ];
        for (name, text) in files {
            fs::write(folder.join(name), text).unwrap();
        }
        fs::create_dir(folder.join("folder.hosts")).unwrap();
        std::os::unix::fs::symlink("nowhere", folder.join("dangling.hosts")).unwrap();
        for n in 0..60 {
            fs::write(folder.join(format!("m{n:02}.hosts")), format!("{n}")).unwrap();
        }
        let mut want = "10\n10\n\nB\nb\n\n\n\nlong\n".to_owned();
        want.extend((0..60).map(|n| format!("{n}\n")));
        want += "\u{e4}\n";
        // Without `hosts` there is still the newline behind it.
        want.insert(0, '\n');
        let path = CString::new(folder.as_os_str().as_bytes()).unwrap();
        let mut buffer = [0; DropIns::BUFFER];
        let fd = Fd::open(At::ROOT, &path).unwrap();
        let mut all = DropIns::new(None, fd, &mut buffer);
        // In pieces, from front to back and again.
        for piece in [1, 7, 4096] {
            let mut got = Vec::new();
            loop {
                let mut bytes = vec![0; piece];
                let len = all.read(got.len() as u64, &mut bytes).unwrap();
                got.extend_from_slice(&bytes[..len]);
                if len < piece {
                    break;
                }
            }
            assert_eq!(
                got.escape_ascii().to_string(),
                want.as_bytes().escape_ascii().to_string()
            );
            assert!(all.is_unchanged().unwrap());
        }
        fs::write(folder.join("9.hosts"), "more").unwrap();
        all.read(0, &mut [0; 10]).unwrap();
        assert!(!all.is_unchanged().unwrap());
        fs::remove_dir_all(folder).unwrap();
    }
}
