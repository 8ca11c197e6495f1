//! A mount namespace with an `/etc` of its own, for programs that work on the system's paths.
//!
//! It takes milliseconds where a container takes a second, and nothing in it reaches the machine.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use super::{Ran, run};

/// Longer than any test in here takes on a busy machine.
const LIMIT: Duration = Duration::from_secs(120);

/// `/etc`, `/var/lib` and `/mnt` are new. In `/mnt`, which everybody may search, are the programs:
/// the very files, so tests that change them work on copies.
const SET_UP: &str = r#"
mount -t tmpfs -o mode=755 tmpfs /mnt
for program in "$SETUSER" "$CONTAINER_ENV" "$BOOT"; do
    : > "/mnt/${program##*/}"
    mount --bind "$program" "/mnt/${program##*/}"
done
mount -t tmpfs -o mode=755 tmpfs /etc
mount -t tmpfs -o mode=755 tmpfs /var/lib
cat > /etc/passwd <<'END'
root:x:0:0:root:/root:/bin/sh
app:x:1000:100:The app:/home/app:/bin/sh
homeless:x:1001:1001:::/bin/sh
4711:x:1002:1002:A name of digits:/home/digits:/bin/sh
END
cat > /etc/group <<'END'
root:x:0:
users:x:100:
web:x:33:app
docker_env:x:8377:app
many:x:65533:app,root
END
echo 'passwd: files' > /etc/nsswitch.conf
echo 'group: files' >> /etc/nsswitch.conf
mkdir /etc/container_environment
cd /
exec env -i PATH=/mnt:/usr/bin:/bin sh -e "#;

/// The program of this package called `name`, built beside this test.
fn built(name: &str) -> PathBuf {
    let own = std::env::current_exe().unwrap();
    let path = own.ancestors().nth(2).unwrap().join("examples").join(name);
    assert!(
        path.exists(),
        "{} is missing: run `cargo build --examples`, as a whole `cargo test` does",
        path.display()
    );
    path
}

/// Runs `script` with `sh -e`, as root of a namespace of its own: `setuser`, `container-env` and
/// `boot` (examples/boot.rs) are in its PATH, and there are users `app` (1000) and others.
#[track_caller]
pub(crate) fn sh(script: &str) -> Ran {
    let mut command = Command::new("unshare");
    command
        .args(["--mount", "--propagation", "private", "sh", "-ec"])
        .arg(format!("{SET_UP} -c \"$0\""))
        .arg(script)
        .env("SETUSER", Path::new(env!("CARGO_BIN_EXE_setuser")))
        .env(
            "CONTAINER_ENV",
            Path::new(env!("CARGO_BIN_EXE_container-env")),
        )
        .env("BOOT", built("boot"));
    run(&mut command, LIMIT)
}

/// A command, its exit status, its standard output, and a part of its standard error (empty: all
/// of it is).
pub(crate) type Row<'a> = (&'a str, i32, &'a str, &'a str);

/// Runs the command of each row after `set_up`, in a namespace of its own.
#[track_caller]
pub(crate) fn check(set_up: &str, table: &[Row<'_>]) {
    for (command, status, out, err) in table {
        let ran = sh(&format!("set +e\n{set_up}\n{command}"));
        assert_eq!(ran.status, Some(*status), "{command}: {}", ran.stderr);
        assert_eq!(ran.stdout, *out, "{command}: {}", ran.stderr);
        let told = ran.stderr.contains(err) && ran.stderr.is_empty() == err.is_empty();
        assert!(told, "{command}: {}", ran.stderr);
    }
}
