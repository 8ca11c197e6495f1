//! What happens to the hosts file while a container runs.

use std::fs;
use std::os::unix::fs::symlink;

use crate::support::dist;
use crate::support::docker::{Builder, Container, Context, Image, sh};

fn applied() -> Image {
    let (image, ran) = Context::new(
        "FROM baseimage-test/ping:bookworm\nCOPY amd64/ /\nRUN /usr/bin/workaround-docker-2267\n",
    )
    .copy(&dist("amd64"), "amd64")
    .build(Builder::Classic);
    ran.ok();
    image
}

/// A folder of the host's, removed in the end.
struct Folder(std::path::PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let folder =
            std::env::temp_dir().join(format!("baseimage-test-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir(&folder).unwrap();
        Self(folder)
    }

    fn volume(&self, at: &str) -> String {
        format!("{}:{at}", self.0.display())
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Publishes a version of a `ConfigMap` the way kubelet does it: a new folder, then one rename.
fn publish(folder: &Folder, version: &str, hosts: &str) {
    let data = folder.0.join(version);
    fs::create_dir(&data).unwrap();
    fs::write(data.join("hosts"), hosts).unwrap();
    let next = folder.0.join("..data_tmp");
    symlink(version, &next).unwrap();
    fs::rename(next, folder.0.join("..data")).unwrap();
    let link = folder.0.join("hosts");
    if !link.is_symlink() {
        symlink("..data/hosts", link).unwrap();
    }
}

#[test]
#[ignore = "needs docker"]
fn a_mounted_configmap_is_live() {
    let image = applied();
    let folder = Folder::new("configmap");
    publish(&folder, "..2026_1", "10.0.0.1 db\n");
    let volume = format!("{}:ro", folder.volume("/etc/workaround-docker-2267"));
    let container = Container::start(image.name(), &["-v", &volume, "--read-only"]);
    let ask = "getent hosts db; workaround-docker-2267 status";
    let first = container.sh(ask).ok();
    assert!(first.starts_with("10.0.0.1 "), "{first}");
    publish(&folder, "..2026_2", "10.0.0.2 db\n");
    let second = container.sh(ask).ok();
    assert!(
        second.starts_with("10.0.0.2 ") && second.contains("in force"),
        "{second}"
    );
    // It cannot be edited there; the error says so, and what to do.
    let refused = container.sh("workaround-docker-2267 hosts add 10.0.0.3 x");
    assert_eq!(refused.status, Some(1), "{refused:?}");
    assert!(
        refused.stderr.contains("Read-only file system")
            && refused.stderr.contains("when the image is built"),
        "{refused:?}"
    );
}

#[test]
#[ignore = "needs docker"]
fn a_bind_mounted_hosts_file_is_edited_in_place() {
    let image = applied();
    let folder = Folder::new("bind");
    let file = folder.0.join("hosts");
    fs::write(&file, "# mine\n10.0.0.1 db").unwrap();
    let volume = format!("{}:/etc/workaround-docker-2267/hosts", file.display());
    let container = Container::start(image.name(), &["-v", &volume]);
    container
        .sh("workaround-docker-2267 hosts add 10.0.0.2 web && getent hosts web")
        .ok();
    assert_eq!(
        fs::read_to_string(&file).unwrap(),
        "# mine\n10.0.0.1 db\n10.0.0.2 web\n"
    );
}

#[test]
#[ignore = "needs docker"]
fn a_bind_mounted_nsswitch_is_written_in_place_and_restored() {
    let folder = Folder::new("nsswitch");
    let file = folder.0.join("nsswitch.conf");
    let before = "# mine\nhosts:\tfiles mdns4_minimal [NOTFOUND=return] dns\n";
    fs::write(&file, before).unwrap();
    let volume = format!("{}:/etc/nsswitch.conf", file.display());
    let dist = format!("{}:/dist:ro", dist("amd64").display());
    let script = "cp -r /dist/. / && workaround-docker-2267 && cat /etc/nsswitch.conf && workaround-docker-2267 revert";
    let output = sh(
        "baseimage-test/base:bookworm",
        &["-v", &volume, "-v", &dist],
        script,
    )
    .ok();
    assert!(output.contains("written in place"), "{output}");
    assert!(
        output.contains("hosts:\tworkaround files mdns4_minimal [NOTFOUND=return] dns"),
        "{output}"
    );
    assert_eq!(fs::read_to_string(&file).unwrap(), before);
}

#[test]
#[ignore = "needs docker"]
fn many_writers_lose_nothing() {
    let image = applied();
    let script = "for i in $(seq 60); do workaround-docker-2267 -q hosts add 10.0.0.$i h$i --owner t$((i % 3)) & done; wait; \
                  for i in $(seq 60); do getent hosts h$i >/dev/null || echo lost h$i; done; \
                  workaround-docker-2267 hosts list | wc -l; \
                  workaround-docker-2267 -q hosts remove --owner t1; workaround-docker-2267 hosts list | wc -l";
    assert_eq!(image.sh(&[], script).ok(), "60\n40\n");
}

#[test]
#[ignore = "needs docker"]
fn without_privileges_it_is_refused_and_says_why() {
    let image = applied();
    #[rustfmt::skip]
    let table = [
        (&["-u", "12345"][..], "workaround-docker-2267 apply",                4, "run as root"),
        (&["-u", "12345"],     "workaround-docker-2267 revert",               4, "run as root"),
        (&["-u", "12345"],     "workaround-docker-2267 hosts add 1.1.1.1 x",  4, "run as root"),
        (&["--read-only"],     "workaround-docker-2267 revert",               1, "when the image is built"),
        (&["--read-only"],     "workaround-docker-2267 ensure",               0, ""),
        (&[],                  "workaround-docker-2267 aply",                 2, "similar subcommand exists: 'apply'"),
        (&[],                  "workaround-docker-2267 hosts add 1.1.1 x",    1, "column 1: 1.1.1 is no IPv4 or IPv6 address"),
        (&[],                  "workaround-docker-2267 --root /nowhere",      1, "cannot use /nowhere as the root"),
    ];
    for (options, script, status, says) in table {
        let ran = image.sh(options, script);
        assert_eq!(ran.status, Some(status), "{script}: {ran:?}");
        assert!(ran.stderr.contains(says), "{script}: {ran:?}");
    }
}
