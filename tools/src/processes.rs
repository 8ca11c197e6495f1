//! Processes that run on a library which has been replaced since they began.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use memchr::memmem;

/// What tells those who have a patched library in memory from those who have an older one.
#[derive(Debug, Default)]
pub(crate) struct Marks {
    inodes: Vec<u64>,
    /// Whether `/proc/PID/maps` and stat(2) agree on inodes here; not all overlays let them.
    are_telling: bool,
}

impl Marks {
    /// To be made while the patched `libraries` are still in place.
    pub(crate) fn of(libraries: &[PathBuf]) -> Self {
        let inode = |path: &PathBuf| fs::metadata(path).ok().map(|metadata| metadata.ino());
        Self {
            inodes: libraries.iter().filter_map(inode).collect(),
            are_telling: inodes_agree(),
        }
    }

    /// Whether a line of `/proc/PID/maps` shows a patched library that has no name any more; or,
    /// where inodes do not tell, any C library or files service that has none.
    fn shown_by(&self, line: &[u8]) -> bool {
        let Some(path) = line.strip_suffix(b" (deleted)") else {
            return false;
        };
        let names: [&[u8]; 3] = [b"/libc.so.6", b"/libc-2.", b"/libnss_files"];
        let is_library = names.iter().any(|name| memmem::find(path, name).is_some());
        is_library
            && (!self.are_telling || inode_of(line).is_some_and(|ino| self.inodes.contains(&ino)))
    }
}

/// The fifth field: address, permissions, offset, device, inode, path (proc(5)).
fn inode_of(line: &[u8]) -> Option<u64> {
    let words = line.split(|&byte| byte == b' ');
    let inode = words.filter(|word| !word.is_empty()).nth(4)?;
    std::str::from_utf8(inode).ok()?.parse().ok()
}

/// Tried on the program of this process.
fn inodes_agree() -> bool {
    let agree = || {
        let program = fs::read_link("/proc/self/exe").ok()?;
        let inode = fs::metadata("/proc/self/exe").ok()?.ino();
        let maps = fs::read("/proc/self/maps").ok()?;
        let name = program.as_os_str().as_encoded_bytes();
        let mut lines = maps.split(|&byte| byte == b'\n');
        let line = lines.find(|line| line.ends_with(name))?;
        Some(inode_of(line) == Some(inode))
    };
    agree() == Some(true)
}

/// The ids of the processes that `marks` tells; this one and those that it descends from left
/// out, as they wait for it and look nothing up meanwhile.
pub(crate) fn running_on(marks: &Marks) -> Vec<u32> {
    let own = lineage();
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    let runs_on = |pid: &u32| {
        let maps = fs::read(Path::new("/proc").join(pid.to_string()).join("maps"));
        let maps = maps.unwrap_or_default();
        maps.split(|&byte| byte == b'\n')
            .any(|line| marks.shown_by(line))
    };
    let mut pids: Vec<u32> = pids
        .filter(|pid| !own.contains(pid))
        .filter(runs_on)
        .collect();
    pids.sort_unstable();
    pids
}

/// This process, its parent, and so on.
fn lineage() -> Vec<u32> {
    let mut pid = std::process::id();
    let mut pids = Vec::new();
    while pid != 0 && !pids.contains(&pid) {
        pids.push(pid);
        let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
        let parent = status
            .lines()
            .find_map(|line| line.strip_prefix("PPid:")?.trim().parse().ok());
        pid = parent.unwrap_or(0);
    }
    pids
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_patched_library_without_a_name_counts() {
        let telling = Marks {
            inodes: vec![9],
            are_telling: true,
        };
        let blind = Marks::default();
        #[rustfmt::skip]
        let table: [(&str, bool, bool); 7] = [
            ("7f-7f r-xp 00 08:01 9                   /usr/lib/x86_64-linux-gnu/libc.so.6 (deleted)",               true,  true),
            ("7f-7f r-xp 00 08:01 8                   /usr/lib/x86_64-linux-gnu/libc.so.6 (deleted)",               false, true),
            ("7f-7f r-xp 00 08:01 9 /usr/lib/x86_64-linux-gnu/libnss_files-2.31.so (deleted)",                      true,  true),
            ("7f-7f r-xp 00 08:01 9 /usr/lib/x86_64-linux-gnu/libc-2.31.so (deleted)",                              true,  true),
            ("7f-7f r-xp 00 08:01 9 /usr/lib/x86_64-linux-gnu/libc.so.6",                                           false, false),
            ("7f-7f r-xp 00 08:01 9 /usr/lib/x86_64-linux-gnu/libcrypto.so.3 (deleted)",                            false, false),
            ("7f-7f r-xp 00 00:00 0",                                                                               false, false),
        ];
        for (line, if_telling, if_blind) in table {
            assert_eq!(telling.shown_by(line.as_bytes()), if_telling, "{line}");
            assert_eq!(blind.shown_by(line.as_bytes()), if_blind, "{line}");
        }
    }

    #[test]
    fn this_process_is_its_own_first_ancestor() {
        assert_eq!(lineage().first(), Some(&std::process::id()));
    }
}
