//! Sleeping with nothing mapped but what sleeping takes.

use std::arch::global_asm;
use std::ffi::c_void;
use std::io;
use std::os::fd::{AsRawFd, BorrowedFd};

const PAGE: usize = 4096;

// A page of code of its own. It gives back the ranges of memory that it is handed, its caller's code
// among them, and then sleeps; so it must not touch them in between, and cannot be Rust.
#[cfg(target_arch = "x86_64")]
global_asm!(
    ".pushsection .text.sys_sleeper, \"ax\", @progbits",
    ".balign 4096",
    ".hidden sys_sleeper",
    ".globl sys_sleeper",
    "sys_sleeper:",
    "push rbx",
    "push r12",
    "push r13",
    "mov rbx, rdi",
    "mov r12, rsi",
    "mov r13, rdx",
    "2:",
    "mov rdi, [rbx]",
    "test rdi, rdi",
    "jz 3f",
    "mov rsi, [rbx + 8]",
    "mov edx, {dontneed}",
    "mov eax, {madvise}",
    "syscall",
    "add rbx, 16",
    "jmp 2b",
    "3:",
    "mov rdi, r12",
    "mov rsi, r13",
    "xor edx, edx",
    "xor r10d, r10d",
    "mov r8d, 8",
    "mov eax, {ppoll}",
    "syscall",
    "pop r13",
    "pop r12",
    "pop rbx",
    "ret",
    ".balign 4096",
    ".popsection",
    dontneed = const libc::MADV_DONTNEED,
    madvise = const libc::SYS_madvise,
    ppoll = const libc::SYS_ppoll,
);

#[cfg(target_arch = "aarch64")]
global_asm!(
    ".pushsection .text.sys_sleeper, \"ax\", @progbits",
    ".balign 4096",
    ".hidden sys_sleeper",
    ".globl sys_sleeper",
    "sys_sleeper:",
    "mov x9, x0",
    "mov x10, x1",
    "mov x11, x2",
    "2:",
    "ldp x0, x1, [x9], #16",
    "cbz x0, 3f",
    "mov x2, #{dontneed}",
    "mov x8, #{madvise}",
    "svc #0",
    "b 2b",
    "3:",
    "mov x0, x10",
    "mov x1, x11",
    "mov x2, xzr",
    "mov x3, xzr",
    "mov x4, #8",
    "mov x8, #{ppoll}",
    "svc #0",
    "ret",
    ".balign 4096",
    ".popsection",
    dontneed = const libc::MADV_DONTNEED,
    madvise = const libc::SYS_madvise,
    ppoll = const libc::SYS_ppoll,
);

unsafe extern "C" {
    /// `madvise(DONTNEED)` of each range up to the one that begins at 0, then `ppoll` for ever; its
    /// result.
    fn sys_sleeper(ranges: *const Range, fds: *mut libc::pollfd, count: libc::nfds_t) -> isize;
}

/// Some pages, by where they begin and how many bytes they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
struct Range {
    start: usize,
    len: usize,
}

/// Sleeps until one of some descriptors can be read, and gives the memory back meanwhile that holds
/// this program's code and constants: nothing of them is needed for sleeping, and the kernel maps
/// from the file what is needed afterwards.
#[derive(Debug)]
pub struct Sleeper {
    ranges: Vec<Range>,
}

impl Sleeper {
    /// For this program.
    #[must_use]
    pub fn new() -> Self {
        let mut segments: Vec<Range> = Vec::new();
        // SAFETY: sysconf(3) has no preconditions.
        let page = unsafe { libc::sysconf(libc::_SC_PAGESIZE) };
        // The sleeper's own page is one of 4 KiB; where pages are larger, nothing is given back.
        if usize::try_from(page) == Ok(PAGE) {
            // SAFETY: the callback takes what it is handed here for what it is, a `Vec<Range>`.
            unsafe { libc::dl_iterate_phdr(Some(collect), (&raw mut segments).cast()) };
        }
        let own = Range {
            start: sys_sleeper as *const () as usize,
            len: PAGE,
        };
        // A mapping of its own, or else the kernel maps the pages around it along with it.
        // SAFETY: a page of code; the advice is about reading ahead and changes no byte.
        unsafe { libc::madvise(own.start as *mut c_void, own.len, libc::MADV_RANDOM) };
        let mut ranges: Vec<Range> = segments
            .into_iter()
            .flat_map(|segment| without(segment, own))
            .collect();
        ranges.push(Range { start: 0, len: 0 });
        Self { ranges }
    }

    /// Sleeps until one of `sources` can be read.
    ///
    /// # Errors
    ///
    /// ppoll(2)'s; an interruption is none.
    pub fn sleep(&self, sources: &[BorrowedFd<'_>]) -> io::Result<()> {
        let mut polled: Vec<libc::pollfd> = sources
            .iter()
            .map(|source| libc::pollfd {
                fd: source.as_raw_fd(),
                events: libc::POLLIN,
                revents: 0,
            })
            .collect();
        let count = libc::nfds_t::try_from(polled.len()).unwrap_or_default();
        // SAFETY: `count` records of ours, and ranges that end with one at 0. What is in them is
        // mapped from this program's file and never written to, so the same bytes come back.
        let result = unsafe { sys_sleeper(self.ranges.as_ptr(), polled.as_mut_ptr(), count) };
        match i32::try_from(result) {
            Ok(error) if error < 0 && error != -libc::EINTR => {
                Err(io::Error::from_raw_os_error(-error))
            }
            _ => Ok(()),
        }
    }
}

impl Default for Sleeper {
    fn default() -> Self {
        Self::new()
    }
}

/// `segment` but for the page `hole`.
fn without(segment: Range, hole: Range) -> Vec<Range> {
    let end = segment.start.wrapping_add(segment.len);
    let after = hole.start.wrapping_add(hole.len);
    if hole.start < segment.start || end < after {
        return vec![segment];
    }
    let before = Range {
        start: segment.start,
        len: hole.start - segment.start,
    };
    let after = Range {
        start: after,
        len: end - after,
    };
    [before, after]
        .into_iter()
        .filter(|range| range.len > 0)
        .collect()
}

/// Adds the segments of the program itself that cannot be written to; its libraries, if it has any,
/// are shared with others anyway.
unsafe extern "C" fn collect(
    info: *mut libc::dl_phdr_info,
    _size: usize,
    segments: *mut c_void,
) -> libc::c_int {
    // SAFETY: `new` hands us this.
    let segments = unsafe { &mut *segments.cast::<Vec<Range>>() };
    // SAFETY: dl_iterate_phdr(3) passes a record that outlives the call.
    let info = unsafe { &*info };
    for nth in 0..usize::from(info.dlpi_phnum) {
        // SAFETY: `dlpi_phdr` is an array of that many headers.
        let header = unsafe { info.dlpi_phdr.add(nth) };
        // SAFETY: see above.
        let header = unsafe { &*header };
        if header.p_type != libc::PT_LOAD || header.p_flags & libc::PF_W != 0 {
            continue;
        }
        let start = info.dlpi_addr.wrapping_add(header.p_vaddr);
        let end = start.wrapping_add(header.p_memsz);
        if let (Ok(start), Ok(end)) = (usize::try_from(start), usize::try_from(end)) {
            let start = start & !(PAGE - 1);
            let len = end.next_multiple_of(PAGE) - start;
            segments.push(Range { start, len });
        }
    }
    // The first object is the program.
    1
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;
    use std::os::fd::AsFd;
    use std::os::unix::net::UnixStream;

    #[test]
    fn a_segment_is_given_back_but_for_the_page_that_does_it() {
        let range = |start, len| Range { start, len };
        let page = range(0x3000, 0x1000);
        for (segment, want) in [
            (
                range(0x1000, 0x4000),
                vec![range(0x1000, 0x2000), range(0x4000, 0x1000)],
            ),
            (range(0x3000, 0x2000), vec![range(0x4000, 0x1000)]),
            (range(0x2000, 0x2000), vec![range(0x2000, 0x1000)]),
            (range(0x3000, 0x1000), vec![]),
            (range(0x1000, 0x2000), vec![range(0x1000, 0x2000)]),
            (range(0x4000, 0x1000), vec![range(0x4000, 0x1000)]),
        ] {
            assert_eq!(without(segment, page), want, "{segment:x?}");
        }
    }

    #[test]
    fn a_sleeper_wakes_when_there_is_something_to_read_and_all_is_as_before() {
        let (reader, mut writer) = UnixStream::pair().unwrap();
        writer.write_all(b"x").unwrap();
        let sleeper = Sleeper::new();
        assert!(sleeper.ranges.len() > 1);
        for _ in 0..3 {
            sleeper.sleep(&[reader.as_fd()]).unwrap();
        }
        // Code and constants that were given back.
        assert_eq!(
            format!("{:?} {}", sleeper.ranges.last(), 1.5),
            "Some(Range { start: 0, len: 0 }) 1.5"
        );
    }
}
