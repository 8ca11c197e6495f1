//! What the themes share.

pub(crate) mod docker;
pub(crate) mod namespace;
pub(crate) mod pid1;

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// The folder of the workspace.
pub(crate) fn workspace() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The root-file-system overlay that `make test` has built.
pub(crate) fn dist(arch: &str) -> PathBuf {
    let dist = workspace().join("target/dist").join(arch);
    assert!(
        dist.exists(),
        "{} is missing: run `packaging/dist {arch}`, as make test does",
        dist.display()
    );
    dist
}

/// Where `make test` has put the Debian packages.
pub(crate) fn deb_folder() -> PathBuf {
    let folder = workspace().join("target/deb");
    assert!(
        folder.exists(),
        "{} is missing: run `packaging/deb amd64 arm64`, as make test does",
        folder.display()
    );
    folder
}

/// How a command ended, and all that it printed.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) status: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Ran {
    /// What it printed, if it succeeded; else the test fails with all of it.
    #[track_caller]
    pub(crate) fn ok(self) -> String {
        assert_eq!(self.status, Some(0), "{}\n{}", self.stdout, self.stderr);
        self.stdout
    }
}

/// Runs a command to its end, for at most `limit`.
#[track_caller]
pub(crate) fn run(command: &mut Command, limit: Duration) -> Ran {
    command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let child = command
        .spawn()
        .unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let pid = child.id();
    // `wait_with_output` reads both pipes, so neither fills up; a watchdog bounds it.
    let waiter = thread::spawn(move || child.wait_with_output());
    let start = Instant::now();
    while !waiter.is_finished() {
        if start.elapsed() > limit {
            let _ = Command::new("kill").args(["-9", &pid.to_string()]).status();
            panic!("{command:?} took more than {limit:?}");
        }
        thread::sleep(Duration::from_millis(5));
    }
    let Output {
        status,
        stdout,
        stderr,
    } = waiter.join().unwrap().unwrap();
    Ran {
        status: status.code(),
        stdout: String::from_utf8_lossy(&stdout).into_owned(),
        stderr: String::from_utf8_lossy(&stderr).into_owned(),
    }
}
