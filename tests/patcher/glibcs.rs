//! Libraries as data: each is found, changed in two bytes, and given back.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use super::tree::{File, Files, Tree, differing, glibc, glibcs};
use crate::support::docker::cli;
use crate::support::workspace;

const PATCH: [&str; 3] = ["apply", "--mechanism", "patch"];

fn is_library(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    name.starts_with("libc") || name.starts_with("libnss_files")
}

fn content(file: Option<&File>) -> &[u8] {
    match file {
        Some(File::Regular(_, content)) => content,
        other => panic!("no file: {other:?}"),
    }
}

fn count(bytes: &[u8], text: &[u8]) -> usize {
    bytes
        .windows(text.len())
        .filter(|window| *window == text)
        .count()
}

/// The one library that differs, and that it does so in the two bytes that it may.
#[track_caller]
fn patched_library(case: &str, before: &Files, after: &Files) -> std::path::PathBuf {
    let mut changed = differing(before, after);
    changed.retain(|path| is_library(path));
    let [path] = changed.as_slice() else {
        panic!("{case}: {changed:?}");
    };
    let (old, new) = (content(before.get(path)), content(after.get(path)));
    assert_eq!(old.len(), new.len(), "{case}");
    let bytes: Vec<(u8, u8)> = old
        .iter()
        .zip(new)
        .filter(|(old, new)| old != new)
        .map(|(old, new)| (*old, *new))
        .collect();
    assert_eq!(bytes, [(b'e', b'c'), (b'c', b'e')], "{case}");
    let has = |text: &[u8]| (count(old, text), count(new, text));
    assert_eq!(has(b"\0/etc/hosts\0"), (1, 0), "{case}");
    assert_eq!(has(b"\0/cte/hosts\0"), (0, 1), "{case}");
    // In libc.so.6 only, also where it is not libc.so.6 that changes.
    let equiv = has(b"/etc/hosts.equiv\0");
    assert_eq!(equiv.0, equiv.1, "{case}");
    let is_libc = path.ends_with("libc.so.6");
    assert_eq!(equiv.0, usize::from(is_libc), "{case}");
    path.clone()
}

#[test]
#[ignore = "needs root and tests/setup/glibcs"]
fn every_glibc_of_the_archive_is_patched_and_given_back() {
    let names = glibcs();
    let mut architectures = BTreeSet::new();
    for name in &names {
        let tree = Tree::new(&[name]);
        let before = tree.files();
        let said = tree.command(&PATCH).ok();
        let arch = name.rsplit('_').next().unwrap();
        architectures.insert(arch);
        let runs_here = arch == "amd64" || arch == "i386";
        let proven = "in force (patch): a fresh process got ";
        let skipped = "applied (patch), but not proven by a lookup: ";
        assert_eq!(said.contains(proven), runs_here, "{name}: {said}");
        assert_eq!(said.contains(skipped), !runs_here, "{name}: {said}");
        let path = patched_library(name, &before, &tree.files());
        // The stub from 2.34 on, and the libc of before, stay as they are.
        let is_files = path.to_string_lossy().contains("libnss_files");
        assert_eq!(
            is_files,
            name.starts_with("2.31"),
            "{name}: {}",
            path.display()
        );
        let status = tree.command(&["status"]).stdout;
        let wanted = "patched by us; 2 bytes (";
        assert!(
            status.contains(wanted)
                && status.contains("differ from the package's file, nothing else"),
            "{name}: {status}"
        );
        tree.command(&["revert"]).ok();
        let mut after = tree.files();
        // The hosts file is the user's, and stays.
        after
            .remove(Path::new("etc/workaround-docker-2267/hosts"))
            .unwrap();
        assert_eq!(differing(&before, &after), [] as [&Path; 0], "{name}");
        let original = workspace().join("target/glibc").join(name).join(&path);
        let time = |path: &Path| fs::metadata(path).unwrap().mtime();
        assert_eq!(
            time(&tree.path(path.to_str().unwrap())),
            time(&original),
            "{name}"
        );
        let status = tree.command(&["status"]).stdout;
        let own = format!("{}: the package's own", path.display());
        assert!(status.contains(&own), "{name}: {status}");
    }
    let wanted = [
        "amd64", "arm64", "armhf", "i386", "ppc64el", "riscv64", "s390x",
    ];
    assert_eq!(architectures, BTreeSet::from(wanted));
    for version in ["2.31-", "2.36-", "2.41-", "2.4"] {
        glibc(version, "amd64");
    }
}

#[test]
#[ignore = "needs root and tests/setup/glibcs"]
fn a_hundred_rounds_end_with_the_same_bytes() {
    // No program of it runs here, so all the time goes into what is tested.
    let tree = Tree::new(&[&glibc("2.36", "s390x")]);
    tree.command(&PATCH).ok();
    let patched = tree.files();
    tree.command(&["revert"]).ok();
    let reverted = tree.files();
    for round in 0..100 {
        tree.command(&PATCH).ok();
        assert_eq!(
            differing(&patched, &tree.files()),
            [] as [&Path; 0],
            "{round}"
        );
        tree.command(&["revert"]).ok();
        assert_eq!(
            differing(&reverted, &tree.files()),
            [] as [&Path; 0],
            "{round}"
        );
    }
}

#[test]
#[ignore = "needs docker"]
fn patched_arm64_libraries_resolve_under_qemu() {
    let names: Vec<String> = glibcs()
        .into_iter()
        .filter(|name| name.ends_with("_arm64"))
        .collect();
    assert!(names.len() >= 4, "{names:?}");
    let mut arguments = vec!["run".to_owned(), "--rm".into()];
    let trees: Vec<Tree> = names.iter().map(|name| Tree::new(&[name])).collect();
    for (nth, tree) in trees.iter().enumerate() {
        tree.command(&PATCH).ok();
        let hosts = tree.path("etc/workaround-docker-2267/hosts");
        let text = fs::read_to_string(&hosts).unwrap();
        fs::write(&hosts, format!("{text}127.0.0.9 patched.test\n")).unwrap();
        arguments.extend([
            "-v".into(),
            format!("{}:/trees/{nth}", tree.path("").display()),
        ]);
    }
    let script = "set -e; for tree in /trees/*; do cp /usr/bin/qemu-aarch64 $tree/; \
        for f in $(ldd /usr/bin/qemu-aarch64 | grep -o '/[^ ]*'); do mkdir -p $tree/$(dirname $f); cp -n $f $tree/$f; done; \
        chroot $tree /qemu-aarch64 /usr/bin/getent hosts patched.test localhost; done";
    arguments.extend(["baseimage-test/arm64", "sh", "-c", script].map(str::to_owned));
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let output = cli(&arguments).ok();
    assert_eq!(
        output.matches("127.0.0.9       patched.test").count(),
        names.len(),
        "{output}"
    );
    assert_eq!(output.matches("localhost").count(), names.len(), "{output}");
}
