//! A fresh process of this very program, inside another root if need be.

use std::ffi::{CStr, CString};
use std::fs::File;
use std::io::{self, Read};
use std::os::fd::AsRawFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// How a [`run_self`] ended.
#[derive(Debug)]
pub struct Output {
    /// Exit status; `None` if a signal ended it.
    pub status: Option<i32>,
    /// What it wrote to its standard output.
    pub stdout: Vec<u8>,
}

/// Runs this program again with `arguments`, with `root` as its root folder, for at most `limit`.
///
/// The program is executed by descriptor, so it need not exist inside `root`; its loader and its
/// libraries are those of `root`.
///
/// # Errors
///
/// Those of open(2), chroot(2) and execve(2): `EPERM` without `CAP_SYS_CHROOT`, `ENOENT` or
/// `ENOEXEC` where `root` has no loader for this program. `TimedOut` if it was killed for taking
/// too long.
pub fn run_self(root: &Path, arguments: &[&str], limit: Duration) -> io::Result<Output> {
    let program = File::open("/proc/self/exe")?;
    let mut command = captured(Command::new("/proc/self/exe"));
    command.args(arguments);
    if root != Path::new("/") {
        let root = CString::new(root.as_os_str().as_bytes())?;
        let mut argv = vec![c"workaround-docker-2267".to_owned()];
        for argument in arguments {
            argv.push(CString::new(*argument)?);
        }
        let fd = program.as_raw_fd();
        let enter = move || exec_in(&root, fd, c"", &argv);
        // SAFETY: between fork and exec the closure makes system calls only, and what it uses was
        // allocated before the fork; the array of pointers is the one exception, made in a child
        // of a process that has no other thread.
        unsafe { command.pre_exec(enter) };
    }
    wait(&mut command.spawn()?, limit)
}

/// Runs the program that is `program` inside `root`, like [`run_self`].
///
/// # Errors
///
/// Those of chroot(2) and execve(2): `ENOENT` without the program or its loader, `ENOEXEC` where
/// it is for a machine that neither this one nor an emulator can be.
pub fn run_in(
    root: &Path,
    program: &CStr,
    arguments: &[&CStr],
    limit: Duration,
) -> io::Result<Output> {
    let root = CString::new(root.as_os_str().as_bytes())?;
    let program = program.to_owned();
    let mut argv = vec![program.clone()];
    argv.extend(arguments.iter().map(|&argument| argument.to_owned()));
    let mut command = captured(Command::new("/proc/self/exe"));
    let enter = move || exec_in(&root, libc::AT_FDCWD, &program, &argv);
    // SAFETY: as in `run_self`.
    unsafe { command.pre_exec(enter) };
    wait(&mut command.spawn()?, limit)
}

/// Nothing in, and nothing out but standard output, which is ours.
fn captured(mut command: Command) -> Command {
    command
        .env_clear()
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null());
    command
}

/// Becomes `program` inside `root`, or the file open as `fd` if it is empty; returns only if that
/// fails.
fn exec_in(root: &CStr, fd: i32, program: &CStr, argv: &[CString]) -> io::Result<()> {
    // SAFETY: a C string.
    crate::cerr(unsafe { libc::chroot(root.as_ptr()) })?;
    // SAFETY: a C string.
    crate::cerr(unsafe { libc::chdir(c"/".as_ptr()) })?;
    let mut pointers: Vec<*const libc::c_char> = argv.iter().map(|a| a.as_ptr()).collect();
    pointers.push(std::ptr::null());
    let environment = [std::ptr::null::<libc::c_char>()];
    // The system call itself: the wrapper is younger (glibc 2.34) than the systems we run on.
    // SAFETY: C strings and arrays that end with a null pointer; all outlive the call.
    let result = unsafe {
        libc::syscall(
            libc::SYS_execveat,
            fd,
            program.as_ptr(),
            pointers.as_ptr(),
            environment.as_ptr(),
            libc::AT_EMPTY_PATH,
        )
    };
    debug_assert_eq!(result, -1);
    Err(io::Error::last_os_error())
}

/// Waits for `child` and kills it when its time is up. What it prints must fit a pipe (64 KiB).
fn wait(child: &mut Child, limit: Duration) -> io::Result<Output> {
    let start = Instant::now();
    let mut pause = Duration::from_micros(500);
    loop {
        if let Some(status) = child.try_wait()? {
            let mut stdout = Vec::new();
            if let Some(mut pipe) = child.stdout.take() {
                pipe.read_to_end(&mut stdout)?;
            }
            return Ok(Output {
                status: status.code(),
                stdout,
            });
        }
        if start.elapsed() >= limit {
            child.kill()?;
            child.wait()?;
            return Err(io::ErrorKind::TimedOut.into());
        }
        thread::sleep(pause);
        pause = (pause * 2).min(Duration::from_millis(20));
    }
}
