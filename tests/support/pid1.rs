//! A Debian tree with runit in which `my_init` runs as a real PID 1, in namespaces of its own.

use std::fs;
use std::io::Read;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use super::{dist, workspace};

/// Longer than anything here takes, on a busy machine too.
const LIMIT: Duration = Duration::from_secs(60);

/// What becomes PID 1: mounts the tree, enters it, and becomes its `my_init`.
const ENTER: &str = r#"
set -e
mount -t overlay overlay -o "lowerdir=$LOWER,upperdir=$TREE/upper,workdir=$TREE/work" "$TREE/root"
mount -t proc proc "$TREE/root/proc"
mount --rbind /dev "$TREE/root/dev"
eval "$PREPARE"
cd /
exec $LIMITS env -i "$@"
"#;

static COUNT: AtomicU32 = AtomicU32::new(0);

/// The tree, as files over the image's; removed in the end.
pub(crate) struct Tree {
    folder: PathBuf,
    variables: Vec<String>,
    prepare: String,
}

impl Tree {
    /// With `my_init`, `setuser` and `container-env` in it, no service and no script.
    pub(crate) fn new() -> Self {
        let nth = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("baseimage-test-tree-{}-{nth}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        for part in ["upper/usr/sbin", "upper/usr/bin", "work", "root"] {
            fs::create_dir_all(folder.join(part)).unwrap();
        }
        let tree = Self {
            folder,
            variables: Vec::new(),
            prepare: String::new(),
        };
        for file in [
            "usr/sbin/my_init",
            "usr/sbin/setuser",
            "usr/bin/container-env",
        ] {
            fs::copy(dist("amd64").join(file), tree.path(file)).unwrap();
        }
        tree.variable(
            "PATH",
            "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        )
        .folder("etc/service")
    }

    /// Where a file of the tree lies from outside.
    pub(crate) fn path(&self, path: &str) -> PathBuf {
        self.folder.join("upper").join(path)
    }

    pub(crate) fn file(self, path: &str, content: &str, mode: u32) -> Self {
        let to = self.path(path);
        fs::create_dir_all(to.parent().unwrap()).unwrap();
        fs::write(&to, content).unwrap();
        fs::set_permissions(&to, fs::Permissions::from_mode(mode)).unwrap();
        self
    }

    /// A script of `sh`.
    pub(crate) fn script(self, path: &str, body: &str) -> Self {
        self.file(path, &format!("#!/bin/sh\n{body}\n"), 0o755)
    }

    pub(crate) fn service(self, name: &str, body: &str) -> Self {
        self.script(&format!("etc/service/{name}/run"), body)
    }

    pub(crate) fn folder(self, path: &str) -> Self {
        fs::create_dir_all(self.path(path)).unwrap();
        self
    }

    pub(crate) fn link(self, path: &str, target: &str) -> Self {
        let at = self.path(path);
        fs::create_dir_all(at.parent().unwrap()).unwrap();
        symlink(target, at).unwrap();
        self
    }

    /// A variable of the process environment of PID 1.
    pub(crate) fn variable(mut self, name: &str, value: &str) -> Self {
        self.variables.push(format!("{name}={value}"));
        self
    }

    /// Shell code that is run as PID 1 before `my_init` is, outside of the tree (`$TREE/root`).
    pub(crate) fn prepared(mut self, code: &str) -> Self {
        self.prepare.push_str(code);
        self.prepare.push('\n');
        self
    }

    /// The command that runs `words` as PID 1 of the tree.
    pub(crate) fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new("unshare");
        command
            .args([
                "--mount",
                "--pid",
                "--fork",
                "--kill-child",
                "sh",
                "-c",
                ENTER,
                "sh",
            ])
            .args(&self.variables)
            .arg("/usr/sbin/chroot")
            .arg(self.folder.join("root"))
            .args(words)
            .env("LOWER", workspace().join("target/setup/tree-init"))
            .env("TREE", &self.folder)
            .env("PREPARE", &self.prepare)
            .env("LIMITS", "")
            .stdin(Stdio::null());
        command
    }

    /// Starts `my_init` with `arguments`.
    #[track_caller]
    pub(crate) fn start(&self, arguments: &[&str]) -> Running {
        let mut words = vec!["/sbin/my_init"];
        words.extend(arguments);
        Running::new(&mut self.command(&words))
    }

    /// Runs `my_init` with `arguments` to its end.
    #[track_caller]
    pub(crate) fn run(&self, arguments: &[&str]) -> Ended {
        self.start(arguments).end()
    }
}

impl Drop for Tree {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// How a run ended, and all that it printed, both streams in one.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) status: i32,
    pub(crate) text: String,
}

impl Ended {
    #[track_caller]
    pub(crate) fn expect(self, status: i32) -> Self {
        assert_eq!(self.status, status, "{}", self.text);
        self
    }

    /// Each of `parts` is in the text, behind the one before it.
    #[track_caller]
    pub(crate) fn in_order(self, parts: &[&str]) -> Self {
        let mut rest = self.text.as_str();
        for part in parts {
            let Some(at) = rest.find(part) else {
                panic!("no {part:?} where expected in\n{}", self.text);
            };
            rest = &rest[at + part.len()..];
        }
        self
    }

    #[track_caller]
    pub(crate) fn without(self, part: &str) -> Self {
        assert!(!self.text.contains(part), "{part:?} in\n{}", self.text);
        self
    }
}

/// A run under way; ended by force if a test fails meanwhile.
pub(crate) struct Running {
    child: Child,
    text: Arc<Mutex<Vec<u8>>>,
    reader: Option<JoinHandle<()>>,
}

impl Running {
    #[track_caller]
    pub(crate) fn new(command: &mut Command) -> Self {
        let (mut reader, writer) = std::io::pipe().unwrap();
        command.stdout(writer.try_clone().unwrap()).stderr(writer);
        let child = command.spawn().unwrap();
        // The command holds the writing end too, and would keep the pipe open.
        command.stdout(Stdio::null()).stderr(Stdio::null());
        let text = Arc::new(Mutex::new(Vec::new()));
        let sink = Arc::clone(&text);
        let reader = thread::spawn(move || {
            let mut buffer = [0; 4096];
            while let Ok(len @ 1..) = reader.read(&mut buffer) {
                sink.lock().unwrap().extend_from_slice(&buffer[..len]);
            }
        });
        Self {
            child,
            text,
            reader: Some(reader),
        }
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.text.lock().unwrap()).into_owned()
    }

    /// Waits until `part` has been printed.
    #[track_caller]
    pub(crate) fn until(&mut self, part: &str) {
        self.until_all(&[part], 1);
    }

    /// Waits until each of `parts` has been printed `times` times.
    #[track_caller]
    pub(crate) fn until_all(&mut self, parts: &[&str], times: usize) {
        let start = Instant::now();
        loop {
            let text = self.text();
            if parts.iter().all(|part| text.matches(part).count() >= times) {
                return;
            }
            let over = self.child.try_wait().unwrap();
            assert!(
                over.is_none() && start.elapsed() < LIMIT,
                "waited for {parts:?} ({over:?}) in\n{text}"
            );
            thread::sleep(Duration::from_millis(2));
        }
    }

    /// The PID of PID 1, seen from here.
    pub(crate) fn init(&self) -> i32 {
        let child = self.child.id();
        let children = format!("/proc/{child}/task/{child}/children");
        let text = fs::read_to_string(children).unwrap();
        text.split_whitespace().next().unwrap().parse().unwrap()
    }

    /// Sends a signal to PID 1.
    pub(crate) fn signal(&self, signal: i32) {
        sys::signals::send(self.init(), signal).unwrap();
    }

    /// Waits for the end.
    #[track_caller]
    pub(crate) fn end(mut self) -> Ended {
        let start = Instant::now();
        let status = loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                break status;
            }
            assert!(start.elapsed() < LIMIT, "does not end\n{}", self.text());
            thread::sleep(Duration::from_millis(2));
        };
        self.reader.take().unwrap().join().unwrap();
        Ended {
            status: status.code().unwrap_or(-1),
            text: self.text(),
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // `--kill-child` takes PID 1 along, and that everything else.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The processes of this machine whose command line holds `part`.
pub(crate) fn processes(part: &str) -> Vec<String> {
    let entries = fs::read_dir("/proc").unwrap().flatten();
    entries
        .filter_map(|entry| fs::read(entry.path().join("cmdline")).ok())
        .map(|bytes| String::from_utf8_lossy(&bytes).replace('\0', " "))
        .filter(|line| line.contains(part))
        .collect()
}

/// Whether there is something at `path`.
pub(crate) fn exists(path: &Path) -> bool {
    path.symlink_metadata().is_ok()
}
