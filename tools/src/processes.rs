//! Processes that run on a library which has been replaced since they began.

use std::fs;

use memchr::memmem;

/// Their ids; this process and those that it descends from left out, as they wait for it and
/// look nothing up meanwhile.
pub(crate) fn on_replaced_libraries() -> Vec<u32> {
    let own = lineage();
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    let mut pids: Vec<u32> = pids
        .filter(|pid| !own.contains(pid))
        .filter(|pid| {
            let maps = fs::read(format!("/proc/{pid}/maps")).unwrap_or_default();
            maps.split(|&byte| byte == b'\n').any(is_replaced_library)
        })
        .collect();
    pids.sort_unstable();
    pids
}

/// Whether a line of `/proc/PID/maps` shows a C library, or its files service, that has no name
/// any more.
fn is_replaced_library(line: &[u8]) -> bool {
    let Some(path) = line.strip_suffix(b" (deleted)") else {
        return false;
    };
    ["/libc.so.6", "/libc-2.", "/libnss_files"]
        .iter()
        .any(|name| memmem::find(path, name.as_bytes()).is_some())
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
    fn only_a_library_without_a_name_counts() {
        #[rustfmt::skip]
        let table: [(&str, bool); 6] = [
            ("7f-7f r-xp 00 08:01 9 /usr/lib/x86_64-linux-gnu/libc.so.6 (deleted)",               true),
            ("7f-7f r-xp 00 08:01 9 /usr/lib/x86_64-linux-gnu/libnss_files-2.31.so (deleted)",    true),
            ("7f-7f r-xp 00 08:01 9 /usr/lib/x86_64-linux-gnu/libc-2.31.so (deleted)",            true),
            ("7f-7f r-xp 00 08:01 9 /usr/lib/x86_64-linux-gnu/libc.so.6",                         false),
            ("7f-7f r-xp 00 08:01 9 /usr/lib/x86_64-linux-gnu/libcrypto.so.3 (deleted)",          false),
            ("7f-7f r-xp 00 00:00 0",                                                             false),
        ];
        for (line, want) in table {
            assert_eq!(is_replaced_library(line.as_bytes()), want, "{line}");
        }
    }

    #[test]
    fn this_process_is_its_own_first_ancestor() {
        assert_eq!(lineage().first(), Some(&std::process::id()));
    }
}
