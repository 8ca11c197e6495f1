//! The table of rooms in docs/architecture.md, held against cargo and the sources.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use crate::support::workspace;

/// A room: its package, its folder, what it may use besides `core` and `std`, and the files in
/// which `unsafe` may stand.
type Room = (
    &'static str,
    &'static str,
    &'static [&'static str],
    &'static [&'static str],
);

#[rustfmt::skip]
const ROOMS: &[Room] = &[
    ("hosts",                  "crates/hosts",      &[], &[]),
    ("hosts-edit",             "crates/hosts-edit", &["hosts"], &[]),
    ("hosts-index",            "crates/hosts-index", &["hosts"], &[]),
    ("sys",                    "crates/sys",        &["libc"],
        &["src/child.rs", "src/exec.rs", "src/file.rs", "src/lib.rs", "src/pages.rs", "src/poll.rs", "src/process.rs", "src/protection.rs",
          "src/signals.rs", "src/spawn.rs", "src/staged.rs", "src/terminal.rs", "src/user.rs", "src/watch.rs"]),
    ("nss-workaround",         "nss",               &["hosts", "libc"],
        &["src/exports.rs", "src/kernel/aarch64.rs", "src/kernel/mod.rs", "src/kernel/x86_64.rs", "src/outcome.rs", "src/panic.rs"]),
    ("workaround-docker-2267", "tools",             &["anyhow", "clap", "clap_complete", "goblin", "hosts", "hosts-edit", "hosts-index", "md-5", "memchr", "serde_json", "sys"], &[]),
    ("baseimage",              "",                  &["anyhow", "clap", "clap_complete", "siphasher", "sys"], &[]),
];

/// The names below `[dependencies]`.
fn dependencies(manifest: &str) -> BTreeSet<String> {
    manifest
        .lines()
        .skip_while(|line| *line != "[dependencies]")
        .skip(1)
        .take_while(|line| !line.starts_with('['))
        .filter(|line| !line.starts_with('#') && !line.trim().is_empty())
        .map(|line| line.split(['.', ' ', '=']).next().unwrap().to_owned())
        .collect()
}

fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            found.extend(sources(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
    found
}

/// Lines of code, comments left out.
fn code(source: &str) -> impl Iterator<Item = &str> {
    source
        .lines()
        .filter(|line| !line.trim_start().starts_with("//"))
}

fn without_tests(source: &str) -> &str {
    let end = source.find("#[cfg(test)]").unwrap_or(source.len());
    &source[..end]
}

#[test]
fn rooms_use_what_the_table_lets_them() {
    for (package, folder, allowed, _) in ROOMS {
        let manifest = fs::read_to_string(workspace().join(folder).join("Cargo.toml")).unwrap();
        assert!(
            manifest.contains(&format!("name = \"{package}\"")),
            "{folder}"
        );
        for used in dependencies(&manifest) {
            assert!(
                allowed.contains(&used.as_str()),
                "{package} may not use {used}"
            );
        }
    }
}

#[test]
fn every_member_is_in_the_table() {
    let manifest = fs::read_to_string(workspace().join("Cargo.toml")).unwrap();
    let members = manifest
        .lines()
        .find_map(|line| line.strip_prefix("members = ["))
        .unwrap();
    for member in members.trim_end_matches(']').split(", ") {
        let member = member.trim_matches('"');
        assert!(
            ROOMS.iter().any(|(_, folder, ..)| *folder == member),
            "{member}"
        );
    }
}

#[test]
fn every_dependency_has_its_reason() {
    for (_, folder, ..) in ROOMS {
        let manifest = fs::read_to_string(workspace().join(folder).join("Cargo.toml")).unwrap();
        let mut above = "";
        for line in manifest
            .lines()
            .skip_while(|line| *line != "[dependencies]")
            .skip(1)
        {
            if line.starts_with('[') {
                break;
            }
            let external = line.contains(" = ") && !line.contains(".workspace");
            let explained = line.starts_with('#') || above.starts_with('#');
            assert!(!external || explained, "{folder}: {line}");
            above = line;
        }
    }
}

#[test]
fn unsafe_stands_at_the_boundary_only() {
    for (package, folder, _, boundary) in ROOMS {
        let room = workspace().join(folder);
        for path in sources(&room.join("src")) {
            let name = path.strip_prefix(&room).unwrap().to_str().unwrap();
            let source = fs::read_to_string(&path).unwrap();
            let is_unsafe = |line: &str| line.contains("unsafe {") || line.contains("unsafe fn");
            let holds = code(without_tests(&source)).any(is_unsafe);
            assert!(
                !holds || boundary.contains(&name),
                "unsafe in {package}, {name}"
            );
        }
        for name in *boundary {
            assert!(room.join(name).exists(), "{package} has no {name}");
        }
        if boundary.is_empty() {
            let files =
                ["src/lib.rs", "src/main.rs"].map(|name| fs::read_to_string(room.join(name)));
            let forbids = |source: &String| source.contains("#![forbid(unsafe_code)]");
            assert!(
                files.iter().flatten().all(forbids),
                "{package} does not forbid unsafe"
            );
        }
    }
}

#[test]
fn pure_files_neither_read_nor_start_anything() {
    let pure = [
        "crates/hosts/src",
        "crates/hosts-edit/src",
        "crates/hosts-index/src",
        "tools/src/elf.rs",
        "tools/src/nsswitch.rs",
        "tools/src/plan.rs",
        "nss/src/pack",
        "nss/src/outcome.rs",
        "src/init/machine",
        "src/init/options.rs",
        "src/init/settings.rs",
        "src/init/signal.rs",
        "src/init/status.rs",
        "src/environment.rs",
        "src/setuser/who.rs",
        "src/store/json.rs",
        "src/store/memory.rs",
        "src/store/name.rs",
        "src/store/plan.rs",
        "src/store/shell.rs",
    ];
    for place in pure {
        let place = workspace().join(place);
        let files = if place.is_dir() {
            sources(&place)
        } else {
            vec![place]
        };
        assert!(!files.is_empty());
        for file in files {
            let source = fs::read_to_string(&file).unwrap();
            for door in [
                "std::fs",
                "std::process",
                "std::net",
                "std::env",
                "libc::open",
                "sys::",
            ] {
                let opens = code(without_tests(&source)).any(|line| line.contains(door));
                assert!(!opens, "{door} in {}", file.display());
            }
        }
    }
}
