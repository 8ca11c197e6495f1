//! The Debian packages themselves: what is in them, who can read them, what judges say.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use crate::support::docker::{ARM64_TREE, cli};
use crate::support::{deb_folder, dist, run, workspace};

const ARCHES: [&str; 2] = ["amd64", "arm64"];
const LIMIT: Duration = Duration::from_secs(120);

/// The packages of one architecture.
fn packages(arch: &str) -> Vec<PathBuf> {
    let wanted = format!("_{arch}.deb");
    let mut found: Vec<PathBuf> = fs::read_dir(deb_folder())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.to_string_lossy().ends_with(&wanted))
        .collect();
    found.sort();
    assert!(!found.is_empty(), "no package for {arch}");
    found
}

fn all_packages() -> impl Iterator<Item = PathBuf> {
    ARCHES.into_iter().flat_map(packages)
}

/// A package taken apart in a folder, which is removed in the end.
struct Unpacked(PathBuf);

impl Unpacked {
    fn new(package: &Path) -> Self {
        let name = package.file_stem().unwrap().to_string_lossy();
        let folder = std::env::temp_dir().join(format!("unpacked-{}-{name}", std::process::id()));
        let _ = fs::remove_dir_all(&folder);
        run(
            Command::new("dpkg-deb").arg("-R").args([package, &folder]),
            LIMIT,
        )
        .ok();
        Self(folder)
    }

    /// All ELF files.
    fn programs(&self) -> Vec<PathBuf> {
        let mut found = Vec::new();
        let mut folders = vec![self.0.clone()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                } else if fs::read(&path).is_ok_and(|bytes| bytes.starts_with(b"\x7fELF")) {
                    found.push(path);
                }
            }
        }
        found
    }
}

impl Drop for Unpacked {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[test]
#[ignore = "needs what make test builds"]
fn the_packages_hold_this() {
    for (arch, triplet) in [
        ("amd64", "x86_64-linux-gnu"),
        ("arm64", "aarch64-linux-gnu"),
    ] {
        let module = format!("./usr/lib/{triplet}/libnss_workaround.so.2");
        #[rustfmt::skip]
        let workaround = [
            ("-rwxr-xr-x", "./usr/bin/workaround-docker-2267"),
            ("-rw-r--r--", &*module),
            ("-rw-r--r--", "./usr/share/bash-completion/completions/workaround-docker-2267"),
            ("-rw-r--r--", "./usr/share/doc/workaround-docker-2267/changelog.gz"),
            ("-rw-r--r--", "./usr/share/doc/workaround-docker-2267/copyright"),
            ("-rw-r--r--", "./usr/share/fish/vendor_completions.d/workaround-docker-2267.fish"),
            ("-rw-r--r--", "./usr/share/lintian/overrides/workaround-docker-2267"),
            ("-rw-r--r--", "./usr/share/man/man5/hosts.workaround.5.gz"),
            ("-rw-r--r--", "./usr/share/man/man8/libnss_workaround.so.2.8.gz"),
            ("-rw-r--r--", "./usr/share/man/man8/workaround-docker-2267.8.gz"),
            ("-rw-r--r--", "./usr/share/zsh/vendor-completions/_workaround-docker-2267"),
        ];
        assert_eq!(
            listing("workaround-docker-2267", arch),
            sorted(&workaround),
            "{arch}"
        );
        #[rustfmt::skip]
        let init = [
            ("-rwxr-xr-x", "./usr/bin/container-env"),
            ("-rwxr-xr-x", "./usr/sbin/my_init"),
            ("-rwxr-xr-x", "./usr/sbin/setuser"),
            ("-rw-r--r--", "./usr/share/bash-completion/completions/container-env"),
            ("-rw-r--r--", "./usr/share/bash-completion/completions/my_init"),
            ("-rw-r--r--", "./usr/share/bash-completion/completions/setuser"),
            ("-rw-r--r--", "./usr/share/doc/baseimage-init/changelog.gz"),
            ("-rw-r--r--", "./usr/share/doc/baseimage-init/copyright"),
            ("-rw-r--r--", "./usr/share/fish/vendor_completions.d/container-env.fish"),
            ("-rw-r--r--", "./usr/share/fish/vendor_completions.d/my_init.fish"),
            ("-rw-r--r--", "./usr/share/fish/vendor_completions.d/setuser.fish"),
            ("-rw-r--r--", "./usr/share/lintian/overrides/baseimage-init"),
            ("-rw-r--r--", "./usr/share/man/man1/container-env.1.gz"),
            ("-rw-r--r--", "./usr/share/man/man5/container_environment.5.gz"),
            ("-rw-r--r--", "./usr/share/man/man8/my_init.8.gz"),
            ("-rw-r--r--", "./usr/share/man/man8/setuser.8.gz"),
            ("-rw-r--r--", "./usr/share/zsh/vendor-completions/_container-env"),
            ("-rw-r--r--", "./usr/share/zsh/vendor-completions/_my_init"),
            ("-rw-r--r--", "./usr/share/zsh/vendor-completions/_setuser"),
        ];
        assert_eq!(listing("baseimage-init", arch), sorted(&init), "{arch}");
    }
}

fn sorted(files: &[(&str, &str)]) -> Vec<(String, String)> {
    let mut files: Vec<_> = files
        .iter()
        .map(|(mode, path)| ((*mode).to_owned(), (*path).to_owned()))
        .collect();
    files.sort_unstable_by(|one, other| one.1.cmp(&other.1));
    files
}

/// Modes and paths of the files of a package.
fn listing(name: &str, arch: &str) -> Vec<(String, String)> {
    let version = env!("CARGO_PKG_VERSION");
    let package = deb_folder().join(format!("{name}_{version}_{arch}.deb"));
    let listing = run(Command::new("dpkg-deb").arg("-c").arg(&package), LIMIT).ok();
    let files: Vec<(&str, &str)> = listing
        .lines()
        .filter(|line| !line.ends_with('/'))
        .filter_map(|line| Some((line.split(' ').next()?, line.split(' ').next_back()?)))
        .collect();
    sorted(&files)
}

#[test]
#[ignore = "needs what make test builds"]
fn completions_know_every_option() {
    let usr = dist("amd64").join("usr");
    for name in ["my_init", "setuser"] {
        let help = run(
            Command::new(usr.join("sbin").join(name)).arg("--help"),
            LIMIT,
        )
        .ok();
        let options: Vec<&str> = help
            .split_whitespace()
            .filter_map(|word| word.strip_prefix("--"))
            .filter(|option| !option.is_empty())
            .collect();
        assert!(
            options.contains(&"help") && options.contains(&"version"),
            "{help}"
        );
        for (file, dashes) in [
            (format!("bash-completion/completions/{name}"), "--"),
            (format!("zsh/vendor-completions/_{name}"), "--"),
            (format!("fish/vendor_completions.d/{name}.fish"), "-l "),
        ] {
            let text = fs::read_to_string(usr.join("share").join(&file)).unwrap();
            for option in &options {
                assert!(
                    text.contains(&format!("{dashes}{option}")),
                    "--{option} in {file}"
                );
            }
        }
    }
}

/// dpkg 1.18 of Ubuntu 16.04 knows xz, and no zstd.
#[test]
#[ignore = "needs what make test builds"]
fn every_dpkg_can_read_them() {
    for package in all_packages() {
        let members = run(Command::new("ar").arg("t").arg(&package), LIMIT).ok();
        let members: Vec<&str> = members.lines().collect();
        let want = ["debian-binary", "control.tar.xz", "data.tar.xz"];
        assert_eq!(members, want, "{}", package.display());
    }
}

#[test]
#[ignore = "needs what make test builds"]
fn the_programs_need_no_glibc_above_2_17() {
    for package in all_packages() {
        let unpacked = Unpacked::new(&package);
        let programs = unpacked.programs();
        assert!(!programs.is_empty(), "{}", package.display());
        for program in programs {
            let symbols = run(
                Command::new("readelf")
                    .args(["-W", "--dyn-syms"])
                    .arg(&program),
                LIMIT,
            )
            .ok();
            let versions = glibc_versions(&symbols);
            // The module is freestanding, PID 1 and what runs in its scripts are static.
            let name = program.file_name().unwrap().to_string_lossy();
            let is_dynamic = matches!(&*name, "workaround-docker-2267" | "setuser");
            assert_eq!(is_dynamic, !versions.is_empty(), "{name}: {versions:?}");
            assert!(
                versions.iter().all(|version| *version <= (2, 17)),
                "{}, {}: {versions:?}",
                package.display(),
                program.display()
            );
        }
    }
}

fn glibc_versions(symbols: &str) -> Vec<(u32, u32)> {
    let version = |rest: &str| {
        let end = rest
            .find(|c: char| !c.is_ascii_digit() && c != '.')
            .unwrap_or(rest.len());
        let mut parts = rest[..end].split('.').map(|part| part.parse().unwrap());
        Some((parts.next()?, parts.next()?))
    };
    symbols
        .split("GLIBC_")
        .skip(1)
        .filter_map(version)
        .collect()
}

/// So that another machine makes the same bytes, and nobody's folders are published.
#[test]
#[ignore = "needs what make test builds"]
fn the_programs_do_not_tell_where_they_were_built() {
    let here = workspace().to_string_lossy().into_owned();
    for package in all_packages() {
        let unpacked = Unpacked::new(&package);
        for program in unpacked.programs() {
            let image = fs::read(&program).unwrap();
            for trace in [here.as_str(), "registry/src", "/root/", "/home/"] {
                let found = image.windows(trace.len()).any(|w| w == trace.as_bytes());
                assert!(!found, "{trace} in {}", program.display());
            }
        }
    }
}

#[test]
#[ignore = "needs what make test builds"]
fn packing_twice_gives_the_same_bytes() {
    let again = std::env::temp_dir().join(format!("packed-again-{}", std::process::id()));
    fs::create_dir(&again).unwrap();
    let script = workspace().join("packaging/deb");
    run(
        Command::new(script).arg("-o").arg(&again).args(ARCHES),
        LIMIT,
    )
    .ok();
    for package in all_packages() {
        let second = fs::read(again.join(package.file_name().unwrap())).unwrap();
        assert!(
            fs::read(&package).unwrap() == second,
            "{}",
            package.display()
        );
    }
    fs::remove_dir_all(again).unwrap();
}

#[test]
fn a_release_whose_versions_differ_is_refused() {
    let copy = std::env::temp_dir().join(format!("versions-{}", std::process::id()));
    fs::create_dir(&copy).unwrap();
    run(
        Command::new("cp").arg("-a").args([
            &workspace().join("packaging"),
            &workspace().join("Cargo.toml"),
            &copy,
        ]),
        LIMIT,
    )
    .ok();
    let manifest = fs::read_to_string(copy.join("Cargo.toml")).unwrap();
    let version = format!("version = \"{}\"", env!("CARGO_PKG_VERSION"));
    let changed = manifest.replacen(&version, "version = \"99.0.0\"", 1);
    assert_ne!(changed, manifest);
    fs::write(copy.join("Cargo.toml"), changed).unwrap();
    let ran = run(Command::new(copy.join("packaging/deb")).arg("amd64"), LIMIT);
    fs::remove_dir_all(&copy).unwrap();
    assert_eq!(ran.status, Some(1), "{ran:?}");
    assert!(
        ran.stderr
            .contains("Cargo.toml 99.0.0; add an entry with 99.0.0"),
        "{ran:?}"
    );
}

#[test]
#[ignore = "needs docker"]
fn lintian_finds_nothing() {
    let debs = format!("{}:/debs:ro", deb_folder().display());
    let script = "cd /debs && exec lintian --allow-root --fail-on error,warning *.deb";
    let image = "baseimage-test/lintian";
    let ran = cli(&[
        "run",
        "--rm",
        "--network",
        "none",
        "-v",
        &debs,
        image,
        "sh",
        "-c",
        script,
    ]);
    assert_eq!(
        (ran.status, ran.stdout.as_str()),
        (Some(0), ""),
        "{}",
        ran.stderr
    );
}

/// The package in an arm64 tree: dpkg is this machine's, its maintainer scripts find the tree by
/// `DPKG_ROOT`, and what they call is the tree's own, run by qemu-user.
#[test]
#[ignore = "needs docker"]
fn arm64_comes_and_goes_under_qemu() {
    let debs = format!("{}:/debs:ro", deb_folder().display());
    let script = r#"
mkdir -p /arm64/var/lib/dpkg/updates /arm64/var/lib/dpkg/info /arm64/var/lib/dpkg/triggers
# The tree was made without dpkg, which is to know all the same that a C library is there.
printf 'Package: libc6\nStatus: install ok installed\nArchitecture: arm64\nVersion: 2.41\nMaintainer: nobody <nobody@localhost>\nDescription: C library\n' >/arm64/var/lib/dpkg/status
printf '#!/bin/sh\nexec qemu-aarch64 -L /arm64 /arm64/usr/bin/workaround-docker-2267 "$@"\n' >/usr/local/bin/workaround-docker-2267
chmod 755 /usr/local/bin/workaround-docker-2267
dpkg="dpkg --root=/arm64 --force-architecture --force-script-chrootless"
$dpkg -i /debs/workaround-docker-2267_*_arm64.deb
echo "installed: $(cat /arm64/etc/nsswitch.conf 2>/dev/null || echo nothing changed)"
workaround-docker-2267 --root /arm64 apply
echo 127.0.0.77 zhulux.dev >>/arm64/etc/workaround-docker-2267/hosts
echo "applied: $(in_tree /usr/bin/getent hosts zhulux.dev)"
echo 'hosts: files dns' >/arm64/etc/nsswitch.conf
mkdir -p /service/DEBIAN /service/usr/lib/aarch64-linux-gnu
echo module >/service/usr/lib/aarch64-linux-gnu/libnss_wins.so.2
printf 'Package: service\nVersion: 1\nArchitecture: arm64\nMaintainer: nobody <nobody@localhost>\nDescription: service\n' >/service/DEBIAN/control
dpkg-deb -b /service /service.deb
$dpkg -i /service.deb
echo "triggered: $(in_tree /usr/bin/getent hosts zhulux.dev)"
$dpkg -r workaround-docker-2267
echo "removed: $(grep hosts /arm64/etc/nsswitch.conf) $(in_tree /usr/bin/getent hosts zhulux.dev || echo and no answer)"
$dpkg -P workaround-docker-2267
echo "purged: $(find /arm64 -name '*workaround*' | grep -v dpkg.log)."
"#;
    let ran = cli(&[
        "run",
        "--rm",
        "--network",
        "none",
        "-v",
        &debs,
        "baseimage-test/arm64",
        "sh",
        "-c",
        &format!("set -e\n{ARM64_TREE}{script}"),
    ]);
    let output = format!("{}{}", ran.stdout, ran.stderr);
    assert_eq!(ran.status, Some(0), "{output}");
    for wanted in [
        "installed: nothing changed",
        "applied: 127.0.0.77      zhulux.dev",
        "triggered: 127.0.0.77      zhulux.dev",
        "removed: hosts: files dns and no answer",
        "purged: .",
    ] {
        assert!(
            output.lines().any(|line| line == wanted),
            "{wanted} is missing:\n{output}"
        );
    }
}
