//! The engine that `make test` found or started, through its own command line.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use super::{Ran, run};

/// The releases that everything is shown on: glibc 2.31, 2.36, 2.41 and 2.43.
pub(crate) const RELEASES: [&str; 4] = ["bullseye", "bookworm", "trixie", "sid"];

/// A whole change of release, on a busy machine.
const LIMIT: Duration = Duration::from_secs(600);

static COUNT: AtomicU32 = AtomicU32::new(0);

/// A name that no other test has.
pub(crate) fn unique(what: &str) -> String {
    let nth = COUNT.fetch_add(1, Ordering::Relaxed);
    format!("baseimage-test-{what}-{}-{nth}", std::process::id())
}

fn docker() -> Command {
    Command::new(std::env::var_os("DOCKER").unwrap_or_else(|| "docker".into()))
}

/// Makes the tree in `baseimage-test/arm64` a system whose programs `in_tree PROGRAM...` runs.
pub(crate) const ARM64_TREE: &str = r#"
for folder in bin lib sbin; do [ -e /arm64/$folder ] || ln -s usr/$folder /arm64/$folder; done
mkdir -p /arm64/etc /arm64/proc /arm64/dev /arm64/var/lib
cp /usr/bin/qemu-aarch64 /arm64/
for file in $(ldd /usr/bin/qemu-aarch64 | grep -o '/[^ ]*'); do
    mkdir -p /arm64/$(dirname $file)
    cp $file /arm64/$file
done
in_tree() { chroot /arm64 /qemu-aarch64 "$@"; }
"#;

/// `docker ARGUMENTS...`
#[track_caller]
pub(crate) fn cli(arguments: &[&str]) -> Ran {
    run(docker().args(arguments), LIMIT)
}

/// Which of Docker's two builders.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Builder {
    Classic,
    BuildKit,
}

/// A folder with a Dockerfile and what it copies, removed in the end.
pub(crate) struct Context(PathBuf);

impl Context {
    pub(crate) fn new(dockerfile: &str) -> Self {
        let folder = std::env::temp_dir().join(unique("context"));
        fs::create_dir(&folder).unwrap();
        fs::write(folder.join("Dockerfile"), dockerfile).unwrap();
        Self(folder)
    }

    /// Puts a copy of `from` (a file or a folder) into the context as `to`.
    pub(crate) fn copy(self, from: &Path, to: &str) -> Self {
        let to = self.0.join(to);
        run(Command::new("cp").arg("-a").arg(from).arg(&to), LIMIT).ok();
        self
    }

    /// Puts an executable file with this text into the context.
    pub(crate) fn script(self, name: &str, text: &str) -> Self {
        let path = self.0.join(name);
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        self
    }

    /// Builds the image; what the builder printed comes with it.
    #[track_caller]
    pub(crate) fn build(&self, builder: Builder) -> (Image, Ran) {
        let name = unique("image");
        let buildkit = if builder == Builder::BuildKit {
            "1"
        } else {
            "0"
        };
        let mut command = docker();
        command
            .env("DOCKER_BUILDKIT", buildkit)
            .env("BUILDKIT_PROGRESS", "plain")
            .args(["build", "--no-cache", "--force-rm", "-t", &name])
            .arg(&self.0);
        (Image(name), run(&mut command, LIMIT))
    }
}

impl Drop for Context {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// An image, removed in the end.
pub(crate) struct Image(String);

impl Image {
    /// One that was not built here, to be removed in the end all the same.
    pub(crate) fn named(name: String) -> Self {
        Self(name)
    }

    pub(crate) fn name(&self) -> &str {
        &self.0
    }

    /// `docker run --rm OPTIONS IMAGE sh -c SCRIPT`
    #[track_caller]
    pub(crate) fn sh(&self, options: &[&str], script: &str) -> Ran {
        sh(&self.0, options, script)
    }
}

impl Drop for Image {
    fn drop(&mut self) {
        let _ = cli(&["rmi", "-f", &self.0]);
    }
}

/// `docker run --rm OPTIONS IMAGE sh -c SCRIPT`
#[track_caller]
pub(crate) fn sh(image: &str, options: &[&str], script: &str) -> Ran {
    let name = unique("run");
    let mut arguments = vec!["run", "--rm", "--name", &name];
    arguments.extend(options);
    arguments.extend([image, "sh", "-c", script]);
    cli(&arguments)
}

/// A container that runs until dropped.
pub(crate) struct Container(String);

impl Container {
    #[track_caller]
    pub(crate) fn start(image: &str, options: &[&str]) -> Self {
        Self::run(image, options, &["sleep", "1000"])
    }

    /// `docker run -d OPTIONS IMAGE COMMAND...`; without a command it is the image's own.
    #[track_caller]
    pub(crate) fn run(image: &str, options: &[&str], command: &[&str]) -> Self {
        let name = unique("container");
        let mut arguments = vec!["run", "-d", "--name", &name];
        arguments.extend(options);
        arguments.push(image);
        arguments.extend(command);
        let container = Self(name.clone());
        cli(&arguments).ok();
        container
    }

    pub(crate) fn name(&self) -> &str {
        &self.0
    }

    /// `docker exec CONTAINER sh -c SCRIPT`
    #[track_caller]
    pub(crate) fn sh(&self, script: &str) -> Ran {
        cli(&["exec", &self.0, "sh", "-c", script])
    }

    /// Runs `script` in it again and again until it succeeds, for at most `limit`.
    #[track_caller]
    pub(crate) fn until(&self, script: &str, limit: Duration) -> String {
        let start = Instant::now();
        loop {
            let ran = self.sh(script);
            if ran.status == Some(0) {
                return ran.stdout;
            }
            assert!(
                start.elapsed() < limit,
                "{script}: {ran:?}\n{}",
                self.logs()
            );
            thread::sleep(Duration::from_millis(200));
        }
    }

    /// What it has printed so far, on both streams.
    #[track_caller]
    pub(crate) fn logs(&self) -> String {
        let ran = cli(&["logs", &self.0]);
        ran.stdout + &ran.stderr
    }

    /// `docker stop`, with Docker's own limit of 10 s; returns the exit status, which is 137 when
    /// that limit was needed.
    #[track_caller]
    pub(crate) fn stop(&self) -> String {
        cli(&["stop", &self.0]).ok();
        let format = "{{.State.ExitCode}}";
        cli(&["inspect", "-f", format, &self.0])
            .ok()
            .trim()
            .to_owned()
    }
}

impl Drop for Container {
    fn drop(&mut self) {
        let _ = cli(&["rm", "-f", &self.0]);
    }
}
