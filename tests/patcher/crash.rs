//! The command is killed at each of its system calls, and has each of them fail. Whatever
//! instant it is: names resolve, and the next `ensure` gets the system to a state that is whole.

use std::collections::BTreeMap;
use std::path::Path;

use super::tree::{Files, Tree, differing, glibc};

const COMMAND: &str = "/usr/bin/workaround-docker-2267";

/// The states of a system with two copies of glibc.
struct States {
    tree: Tree,
    /// Applied once and reverted, so that the hosts file is there.
    reverted: Files,
    patched: Files,
    /// Patched, and then both libraries upgraded.
    stale: Files,
    nss: Files,
}

impl States {
    fn new() -> Self {
        let tree = Tree::new(&[&glibc("2.36", "i386"), &glibc("2.36", "amd64")]);
        tree.rewrite();
        let command = |arguments: &[&str]| {
            let ran = tree.inject(&["run"], &[&[COMMAND], arguments].concat());
            assert_eq!(ran.ending, "exit 0", "{arguments:?}: {ran:?}");
        };
        command(&["apply", "--mechanism", "patch"]);
        let patched = tree.files();
        command(&["revert"]);
        let reverted = tree.files();
        let is_library = |path: &Path| path.to_string_lossy().contains("libc.so.6");
        let mut stale = patched.clone();
        for (path, file) in &reverted {
            if is_library(path) {
                stale.insert(path.clone(), file.clone());
            }
        }
        command(&["apply", "--mechanism", "nss"]);
        let nss = tree.files();
        assert!(differing(&patched, &reverted).len() >= 4);
        assert!(differing(&patched, &stale).len() == 2);
        assert!(differing(&nss, &reverted).len() == 2);
        Self {
            tree,
            reverted,
            patched,
            stale,
            nss,
        }
    }

    /// What is done, from which state to which, and the one that it may be undone to.
    fn tasks(&self) -> [Task<'_>; 5] {
        let task = |arguments, start, end, undone| Task {
            arguments,
            start,
            end,
            undone,
        };
        let patch = &["apply", "--mechanism", "patch"];
        let nss = &["apply", "--mechanism", "nss"];
        [
            task(patch, &self.reverted, &self.patched, &self.reverted),
            task(&["revert"], &self.patched, &self.reverted, &self.patched),
            task(&["ensure"], &self.stale, &self.patched, &self.patched),
            task(nss, &self.reverted, &self.nss, &self.reverted),
            task(&["revert"], &self.nss, &self.reverted, &self.nss),
        ]
    }

    /// Names resolve here and now; `ensure` gets to one of the ends, where they do as well.
    #[track_caller]
    fn is_sound(&self, case: &str, task: &Task<'_>) {
        self.resolves(case);
        let ensured = self.tree.inject(&["run"], &[COMMAND, "ensure"]);
        assert_eq!(ensured.ending, "exit 0", "{case}: {ensured:?}");
        self.resolves(case);
        let files = self.tree.files();
        let ends = [task.end, task.undone];
        assert!(
            ends.contains(&&files),
            "{case}: {ensured:?}\nbut for the end, {:?}\nbut for the start, {:?}",
            differing(task.end, &files),
            differing(task.undone, &files)
        );
    }

    #[track_caller]
    fn resolves(&self, case: &str) {
        let ask = ["/usr/bin/getent", "ahostsv4", "localhost"];
        let seen = self.tree.inject(&["run"], &ask);
        assert!(seen.output.starts_with("127.0.0.1 "), "{case}: {seen:?}");
    }
}

struct Task<'a> {
    arguments: &'a [&'a str],
    start: &'a Files,
    end: &'a Files,
    undone: &'a Files,
}

impl Task<'_> {
    fn program(&self) -> Vec<&str> {
        [&[COMMAND], self.arguments].concat()
    }

    /// The system calls that it makes, from the start to the end.
    fn calls(&self, tree: &Tree) -> Vec<Call> {
        tree.restore(self.start);
        let listed = tree.inject(&["list"], &self.program());
        assert_eq!(listed.ending, "exit 0", "{listed:?}");
        assert_eq!(differing(&tree.files(), self.end), [] as [&Path; 0]);
        let mut counts = BTreeMap::new();
        let calls = listed.output.lines().filter_map(Call::parse);
        calls
            .map(|call| {
                let count = counts.entry(call.number).or_insert(0);
                *count += 1;
                Call {
                    nth: *count - 1,
                    ..call
                }
            })
            .collect()
    }
}

/// A system call: its number on `x86_64`, how many of that number came before it, and its third
/// argument.
struct Call {
    number: u64,
    nth: usize,
    third: u64,
}

impl Call {
    fn parse(line: &str) -> Option<Self> {
        let words: Vec<&str> = line.split(' ').collect();
        let [number, first, second, third] = *words.as_slice() else {
            return None;
        };
        // The command's own output may lie in between.
        u64::from_str_radix(first, 16)
            .and(u64::from_str_radix(second, 16))
            .ok()?;
        Some(Self {
            number: number.parse().ok()?,
            nth: 0,
            third: u64::from_str_radix(third, 16).ok()?,
        })
    }

    /// What `inject` knows it by.
    fn name(&self) -> String {
        format!("{}:{}", self.number, self.nth)
    }

    /// Whether it leaves every file as it is: it reads, or is about memory, descriptors, time or
    /// processes. Whatever is not known here is taken to change something.
    fn only_reads(&self) -> bool {
        #[rustfmt::skip]
        const READS: [u64; 54] = [
            // read, close, stat, fstat, lstat, poll, lseek, mmap, mprotect, munmap, brk
            0, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12,
            // rt_sigaction, rt_sigprocmask, pread64, access, pipe, sched_yield, madvise
            13, 14, 17, 21, 22, 24, 28,
            // dup, dup2, nanosleep, getpid, clone, fork, vfork, wait4, fcntl, flock
            32, 33, 35, 39, 56, 57, 58, 61, 72, 73,
            // getcwd, readlink, getuid, geteuid, sigaltstack, arch_prctl, gettid, futex
            79, 89, 102, 107, 131, 158, 186, 202,
            // sched_getaffinity, getdents64, set_tid_address, restart_syscall, clock_gettime, clock_nanosleep
            204, 217, 218, 219, 228, 230,
            // newfstatat, readlinkat, set_robust_list, ppoll, pipe2, prlimit64, getrandom, statx,
            // rseq, clone3, socketpair, sendmsg, recvmsg and the like among processes
            262, 267, 273, 271, 293, 302, 318, 332, 334, 435, 53, 47,
        ];
        READS.contains(&self.number) || (self.number == 257 && !self.opens_to_write())
    }

    /// openat with `O_WRONLY`, `O_RDWR`, `O_CREAT` or `O_TRUNC`.
    fn opens_to_write(&self) -> bool {
        self.number == 257 && self.third & 0o1103 != 0
    }

    /// The errors that it could well fail with.
    fn errors(&self) -> &'static [(&'static str, &'static str)] {
        const EIO: (&str, &str) = ("EIO", "5");
        const EACCES: (&str, &str) = ("EACCES", "13");
        const ENOSPC: (&str, &str) = ("ENOSPC", "28");
        const EROFS: (&str, &str) = ("EROFS", "30");
        match self.number {
            // openat
            257 if self.opens_to_write() => &[EIO, EACCES, ENOSPC, EROFS],
            257 => &[EIO, EACCES],
            // write, fsync, copy_file_range
            1 | 74 | 326 => &[EIO, ENOSPC],
            // rename, mkdir, link, unlink, symlink, linkat, unlinkat
            82 | 83 | 86 | 87 | 88 | 265 | 263 => &[EIO, EACCES, ENOSPC, EROFS],
            // fchmod, fchown, utimensat, fsetxattr
            91 | 93 | 280 | 190 => &[EIO, EROFS],
            // read, getdents64, flock, statx, newfstatat
            0 | 217 | 73 | 332 | 262 => &[EIO],
            _ => &[],
        }
    }
}

/// Of the calls that change nothing, one in so many is made to fail.
const SAMPLE: usize = 16;

#[test]
#[ignore = "needs root and tests/setup/glibcs"]
fn killed_at_any_system_call_names_resolve_and_ensure_gets_on() {
    let states = States::new();
    for task in states.tasks() {
        let what = task.arguments.join(" ");
        let calls = task.calls(&states.tree);
        let mut seen: Vec<Files> = Vec::new();
        let mut tried = 0;
        for nth in 0..calls.len() {
            // A kill at a call finds the files as the calls before it left them, so it is the same
            // as at the call before, if that one only reads.
            if nth > 0 && calls[nth - 1].only_reads() {
                continue;
            }
            tried += 1;
            states.tree.restore(task.start);
            let killed = states
                .tree
                .inject(&["kill", &calls[nth].name()], &task.program());
            assert_eq!(killed.ending, "signal 9", "{what}, {nth}: {killed:?}");
            let files = states.tree.files();
            // What has been left like this before has been seen to.
            if !seen.contains(&files) {
                let case = format!("{what}, killed at {nth} of {}", calls.len());
                states.is_sound(&case, &task);
                seen.push(files);
            }
        }
        let (calls, left) = (calls.len(), seen.len());
        println!(
            "{what}: of {calls} system calls killed at {tried}, all that differ; {left} states"
        );
        assert!(tried > 20 && left > 3, "{what}: {tried}, {left}");
    }
}

#[test]
#[ignore = "needs root and tests/setup/glibcs"]
fn failing_at_any_system_call_leaves_the_system_as_it_was() {
    let states = States::new();
    for (nth_task, task) in states.tasks().iter().enumerate() {
        let what = task.arguments.join(" ");
        let calls = task.calls(&states.tree);
        let (mut tried, mut failed, mut half_way) = (0, 0, 0);
        // States that have been seen to.
        let mut seen = vec![task.start.clone(), task.end.clone()];
        for (nth, call) in calls.iter().enumerate() {
            if call.only_reads() && nth % SAMPLE != 0 {
                continue;
            }
            // The first of them will do where the same code has failed with all of them.
            let some = if nth_task < 2 { usize::MAX } else { 1 };
            for (name, number) in call.errors().iter().take(some) {
                let case = format!(
                    "{what}, {name} at {nth} of {}, call {}",
                    calls.len(),
                    call.number
                );
                states.tree.restore(task.start);
                let ran = states.tree.inject(&[number, &call.name()], &task.program());
                let files = states.tree.files();
                tried += 1;
                // Done all the same: it was none that mattered, or there was another way.
                let done = ran.ending == "exit 0";
                if !done {
                    failed += 1;
                    assert!(ran.ending.starts_with("exit "), "{case}: {ran:?}");
                    assert!(
                        ran.stderr.starts_with("workaround-docker-2267: "),
                        "{case}: {ran:?}"
                    );
                    let says_so =
                        ran.stderr.contains("cannot undo") || ran.stderr.contains("half done");
                    assert!(
                        files == *task.start || says_so,
                        "{case}: {ran:?}: {:?}",
                        differing(&files, task.start)
                    );
                    half_way += i32::from(files != *task.start);
                }
                if !seen.contains(&files) {
                    states.is_sound(&case, task);
                    seen.push(files);
                }
            }
        }
        println!(
            "{what}: {tried} errors injected, {failed} made it fail, {half_way} of them half-way, and it said so"
        );
        assert!(tried > 25 && failed > 10, "{what}: {tried}, {failed}");
    }
}
