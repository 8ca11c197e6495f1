//! What happens to a patched system: upgrades, other tools, other runs, processes that run on.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use super::tree::{Tree, differing, glibc};
use crate::support::docker::{Builder, Container, Context, Image, RELEASES, cli, sh};
use crate::support::{dist, run, workspace};

const PATCH: [&str; 3] = ["apply", "--mechanism", "patch"];
const LIMIT: Duration = Duration::from_secs(10);
const HOSTS: &str = "etc/workaround-docker-2267/hosts";

fn glibc_folder(name: &str) -> std::path::PathBuf {
    workspace().join("target/glibc").join(name)
}

#[test]
#[ignore = "needs root and tests/setup/glibcs"]
fn every_copy_is_patched_and_a_new_one_is_noticed() {
    let (amd64, i386) = (glibc("2.36", "amd64"), glibc("2.36", "i386"));
    let tree = Tree::new(&[&amd64]);
    let said = tree.command(&PATCH).ok();
    assert!(!said.contains("i386"), "{said}");
    assert_eq!(tree.command(&["ensure"]).ok(), "");
    // As `apt-get install libc6:i386` does it.
    tree.add(&glibc_folder(&i386));
    let status = tree.command(&["status"]);
    assert_eq!(status.status, Some(3), "{status:?}");
    let said = tree.command(&["ensure"]).ok();
    assert!(
        said.contains("/lib/i386-linux-gnu/libc.so.6 reads /cte/hosts"),
        "{said}"
    );
    let status = tree.command(&["status"]).ok();
    assert_eq!(
        status.matches("patched by us; 2 bytes").count(),
        2,
        "{status}"
    );
    tree.command(&["revert"]).ok();
    let mut files = tree.files();
    files.remove(Path::new(HOSTS));
    let as_they_came = Tree::new(&[&amd64, &i386]).files();
    assert_eq!(differing(&as_they_came, &files), [] as [&Path; 0]);
}

#[test]
#[ignore = "needs root and tests/setup/glibcs"]
fn an_upgrade_is_noticed_patched_and_never_undone() {
    let table = [
        (
            "within a release",
            glibc("2.31-13+deb11u11", "amd64"),
            glibc("2.31-13+deb11u14", "amd64"),
        ),
        (
            "within a release",
            glibc("2.36-9+deb12u7", "amd64"),
            glibc("2.36-9+deb12u14", "amd64"),
        ),
        (
            "to the next release",
            glibc("2.31", "amd64"),
            glibc("2.36", "amd64"),
        ),
        (
            "the same again",
            glibc("2.36", "amd64"),
            glibc("2.36", "amd64"),
        ),
    ];
    for (case, from, to) in &table {
        let tree = Tree::new(&[from]);
        tree.command(&PATCH).ok();
        fs::remove_dir_all(tree.path("lib/x86_64-linux-gnu")).unwrap();
        tree.add(&glibc_folder(to));
        let upgraded = tree.files();
        let status = tree.command(&["status"]);
        assert_eq!(status.status, Some(3), "{case}: {status:?}");
        let says_stale = status.stdout.contains("stale, an upgrade has replaced");
        // The file that was patched may be gone; the one that now counts is its package's own.
        assert!(
            says_stale || status.stdout.contains("the package's own"),
            "{case}: {status:?}"
        );
        let said = tree.command(&["ensure"]).ok();
        assert!(said.contains("reads /cte/hosts"), "{case}: {said}");
        tree.command(&["status"]).ok();
        assert_eq!(
            tree.command(&["ensure"]).ok(),
            "",
            "{case}: nothing is left to do"
        );
        tree.command(&["revert"]).ok();
        let changed = differing(&upgraded, &tree.files());
        let library = |path: &&std::path::PathBuf| path.to_string_lossy().contains(".so");
        assert_eq!(changed.iter().find(library), None, "{case}: {from} -> {to}");

        // And if nobody runs `ensure` in between, the new library is left alone.
        let tree = Tree::new(&[from]);
        tree.command(&PATCH).ok();
        fs::remove_dir_all(tree.path("lib/x86_64-linux-gnu")).unwrap();
        tree.add(&glibc_folder(to));
        tree.command(&["revert"]).ok();
        let changed = differing(&upgraded, &tree.files());
        assert_eq!(changed.iter().find(library), None, "{case}: {from} -> {to}");
    }
}

#[test]
#[ignore = "needs root and tests/setup/glibcs"]
fn auto_patches_where_there_is_no_module_and_a_rerun_keeps_it() {
    let tree = Tree::new(&[&glibc("2.36", "s390x")]);
    let dry = tree.command(&["apply", "--dry-run"]).ok();
    assert!(
        dry.contains("/lib/s390x-linux-gnu/libc.so.6 at 0x"),
        "{dry}"
    );
    assert!(!tree.path("var/lib/workaround-docker-2267").exists());
    let said = tree.command(&["apply"]).ok();
    let why = "nsswitch.conf cannot serve here, so the C library itself is patched: the NSS module exists for amd64 and arm64 only, and the C library is for s390x";
    assert!(said.contains(why), "{said}");
    assert_eq!(
        tree.command(&["apply", "--mechanism", "nss"]).status,
        Some(4)
    );

    // Where both could serve, the first choice is nss, and what was chosen stays.
    let tree = Tree::new(&[&glibc("2.36", "amd64")]);
    tree.command(&PATCH).ok();
    let said = tree.command(&["apply"]).ok();
    assert!(said.contains("in force (patch)"), "{said}");
    let said = tree.command(&["apply", "--mechanism", "nss"]).ok();
    assert!(
        said.contains("restored") && said.contains("in force (nss)"),
        "{said}"
    );
    let said = tree.command(&["apply"]).ok();
    assert!(said.contains("in force (nss)"), "{said}");
    let said = tree.command(&PATCH).ok();
    assert!(said.contains("restored /etc/nsswitch.conf"), "{said}");
    let nsswitch = fs::read_to_string(tree.path("etc/nsswitch.conf")).unwrap();
    assert_eq!(nsswitch, "hosts: files dns\n");
}

/// What is done to a tree before `apply`, and what the refusal says.
type Refusal = (&'static str, fn(&Tree), &'static str);

#[test]
#[ignore = "needs root and tests/setup/glibcs"]
fn what_is_not_understood_is_refused_and_left_as_it_is() {
    const LIBC: &str = "lib/x86_64-linux-gnu/libc.so.6";
    fn edit(tree: &Tree, edit: impl FnOnce(&mut Vec<u8>)) {
        let mut bytes = fs::read(tree.path(LIBC)).unwrap();
        edit(&mut bytes);
        fs::write(tree.path(LIBC), bytes).unwrap();
    }
    fn chattr(tree: &Tree, flag: &str) {
        let mut chattr = Command::new("chattr");
        run(chattr.arg(flag).arg(tree.path(LIBC)), LIMIT).ok();
    }
    fn replace(tree: &Tree, from: &[u8], to: &[u8]) {
        edit(tree, |bytes| {
            let at = bytes.windows(from.len()).position(|w| w == from).unwrap();
            bytes[at..at + to.len()].copy_from_slice(to);
        });
    }
    #[rustfmt::skip]
    let table: &[Refusal] = &[
        ("a folder /cte",    |t| fs::create_dir(t.path("cte")).unwrap(),             "something else than a symlink has that name"),
        ("a file /cte",      |t| fs::write(t.path("cte"), "").unwrap(),              "something else than a symlink has that name"),
        ("another link",     |t| symlink("/opt/cte", t.path("cte")).unwrap(),        "it leads to /opt/cte; remove it"),
        ("a byte more",      |t| edit(t, |bytes| bytes.push(0)),                     "differs from the file in libc6:amd64; reinstall"),
        ("a byte changed",   |t| edit(t, |bytes| bytes[0x400] ^= 1),                 "differs from the file in libc6:amd64; reinstall"),
        ("the first patch",  |t| replace(t, b"\0/etc/hosts\0", b"\0/tmp/hosts\0"),   "something else has made it read /tmp/hosts"),
        ("two strings",      |t| edit(t, |bytes| bytes.extend(b"\0/etc/hosts\0")),   "refusing to choose"),
        ("cut off",          |t| edit(t, |bytes| bytes.truncate(500_000)),           "beyond the end of the file"),
        ("no library",       |t| fs::write(t.path(LIBC), "/etc/hosts").unwrap(),     "no ELF file"),
        ("empty",            |t| fs::write(t.path(LIBC), "").unwrap(),               "no ELF file"),
        ("immutable",        |t| chattr(t, "+i"),                                    "it is immutable; see chattr(1)"),
        ("append-only",      |t| chattr(t, "+a"),                                    "it is immutable; see chattr(1)"),
        ("no glibc",         |t| fs::remove_file(t.path(LIBC)).unwrap(),             "no glibc here"),
    ];
    for (case, prepare, says) in table {
        let tree = Tree::new(&[&glibc("2.36", "amd64")]);
        prepare(&tree);
        let before = tree.files();
        let ran = tree.command(&PATCH);
        assert_eq!(ran.status, Some(4), "{case}: {ran:?}");
        assert!(ran.stderr.contains(says), "{case}: {ran:?}");
        assert_eq!(
            differing(&before, &tree.files()),
            [] as [&Path; 0],
            "{case}"
        );
        if case.contains("immutable") || case.contains("append") {
            chattr(&tree, "-ia");
        }
        // `status` copes with it, and `revert` finds nothing of ours.
        assert_ne!(tree.command(&["status"]).status, Some(0), "{case}");
        tree.command(&["revert"]).ok();
        assert_eq!(
            differing(&before, &tree.files()),
            [] as [&Path; 0],
            "{case}"
        );
    }
}

fn build(release: &str, builder: Builder) -> Image {
    let (image, ran) = Context::new(&format!(
        "FROM baseimage-test/ping:{release}\nCOPY amd64/ /\n\
         RUN workaround-docker-2267 apply --mechanism patch\n\
         RUN echo 127.0.0.1 zhulux.dev >>/etc/workaround-docker-2267/hosts\n\
         RUN ping -c1 zhulux.dev && getent hosts localhost\n"
    ))
    .copy(&dist("amd64"), "amd64")
    .build(builder);
    ran.ok();
    image
}

#[test]
#[ignore = "needs docker"]
fn a_patched_image_serves_programs_and_the_runtimes_names() {
    for release in RELEASES {
        let builder = if release == "bookworm" {
            Builder::BuildKit
        } else {
            Builder::Classic
        };
        let image = build(release, builder);
        let ask = "set -e; getent hosts zhulux.dev; ping -c1 -W2 zhulux.dev | grep '1 received'; getent hosts localhost; \
                   python3 -c 'import socket; print(socket.gethostbyname(\"zhulux.dev\"))'; workaround-docker-2267 status";
        image.sh(&[], ask).ok();
        image.sh(&["-u", "12345"], ask).ok();
        image
            .sh(
                &["--read-only", "--cap-drop", "ALL", "--cap-add", "NET_RAW"],
                ask,
            )
            .ok();
        // What a start brings is merged, and what the user wrote is not touched.
        let merge = "set -e; cd /etc/workaround-docker-2267; ! getent hosts added; echo '10.7.7.7 Mine # mine' >>hosts; \
                     workaround-docker-2267 ensure --merge-runtime; getent hosts added $(hostname) mine; \
                     sha256sum hosts; workaround-docker-2267 ensure --merge-runtime; sha256sum hosts; cat hosts";
        let output = image
            .sh(
                &[
                    "--add-host",
                    "added:10.9.8.7",
                    "--add-host",
                    "mine:10.0.0.9",
                ],
                merge,
            )
            .ok();
        assert!(
            output.contains("10.9.8.7        added"),
            "{release}: {output}"
        );
        assert!(
            output.contains("10.7.7.7        Mine"),
            "{release}: {output}"
        );
        assert!(!output.contains("10.0.0.9"), "{release}: {output}");
        assert!(
            output.contains("10.7.7.7 Mine # mine\n"),
            "{release}: {output}"
        );
        let sums: Vec<&str> = output
            .lines()
            .filter(|line| line.ends_with("  hosts"))
            .collect();
        assert_eq!(sums.len(), 2, "{release}: {output}");
        assert_eq!(sums.first(), sums.last(), "{release}: {output}");
        let undo = "set -e; workaround-docker-2267 revert; dpkg --verify libc6; test -z \"$(ls -A /var/lib/workaround-docker-2267)\"; \
                    ! test -e /cte; ! test -L /cte; getent hosts localhost; ! getent hosts zhulux.dev; \
                    grep zhulux /etc/workaround-docker-2267/hosts; ! grep -q BEGIN /etc/workaround-docker-2267/hosts; ldconfig; getent hosts localhost";
        image.sh(&["--network", "none"], undo).ok();
    }
}

fn volume(from: &Path, to: &str) -> String {
    format!("{}:{to}", from.display())
}

#[test]
#[ignore = "needs docker"]
fn what_the_container_forbids_is_refused_and_left_as_it_is() {
    let libc = "/usr/lib/x86_64-linux-gnu/libc.so.6";
    let folder =
        std::env::temp_dir().join(format!("baseimage-test-forbidden-{}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    let copy = folder.join("libc.so.6");
    let out = volume(&folder, "/out");
    sh(
        "baseimage-test/ping:bookworm",
        &["-v", &out],
        &format!("cp {libc} /out/"),
    )
    .ok();
    let mounted = volume(&copy, libc);
    let nsswitch = folder.join("nsswitch.conf");
    fs::write(&nsswitch, "hosts: files dns\n").unwrap();
    let read_only = format!("{}:ro", volume(&nsswitch, "/etc/nsswitch.conf"));
    let patch = "workaround-docker-2267 apply --mechanism patch";
    #[rustfmt::skip]
    let table: &[(&str, &[&str], String, i32, &str)] = &[
        ("not root",       &["-u", "12345"],                       patch.into(), 4, "run as root"),
        ("mounted",        &["-v", &mounted],                      patch.into(), 4, "it is mounted by itself"),
        ("no chroot",      &["--cap-drop", "SYS_CHROOT"],          patch.into(), 4, "before a program has run on the patched copy"),
        ("nss read-only",  &["-v", &read_only],                    "workaround-docker-2267 && getent hosts localhost && workaround-docker-2267 status".into(), 0, "nsswitch.conf cannot serve here"),
        ("nss asked for",  &["-v", &read_only],                    "workaround-docker-2267 apply --mechanism nss".into(), 1, "Read-only file system"),
    ];
    let (image, ran) = Context::new("FROM baseimage-test/ping:bookworm\nCOPY amd64/ /\n")
        .copy(&dist("amd64"), "amd64")
        .build(Builder::Classic);
    ran.ok();
    for (case, options, script, status, says) in table {
        let sums = format!(
            "sha256sum {libc}; {script}; s=$?; sha256sum {libc}; ls -A /var/lib/workaround-docker-2267 2>/dev/null; exit $s"
        );
        let ran = image.sh(options, &sums);
        assert_eq!(ran.status, Some(*status), "{case}: {ran:?}");
        let said = format!("{}{}", ran.stdout, ran.stderr);
        assert!(said.contains(says), "{case}: {said}");
        let sums: Vec<&str> = ran
            .stdout
            .lines()
            .filter(|line| line.ends_with("libc.so.6"))
            .collect();
        assert_eq!(sums.first() == sums.last(), *status != 0, "{case}: {said}");
        let left = ran
            .stdout
            .lines()
            .any(|line| line.contains("journal") || line.contains("stage"));
        assert_eq!(left, *status == 0, "{case}: {said}");
    }
    fs::remove_dir_all(folder).unwrap();
}

#[test]
#[ignore = "needs docker"]
fn running_processes_survive() {
    let container = with_command("bookworm");
    // Each looks a name up a hundred times a second, and tells if it once gets no answer.
    let looks_up = "use Socket; $n = 0; while (1) { inet_aton(\"localhost\") or do { open F, \">>\", \"/lost\"; print F \"$$ $n\\n\"; close F }; \
                    select undef, undef, undef, 0.01; if (++$n % 5 == 0) { open F, \">\", \"/alive.$$\"; close F } }";
    let start =
        format!("for i in $(seq 20); do perl -e '{looks_up}' </dev/null >/dev/null 2>&1 & done");
    // How many have looked something up since the question was asked.
    let alive = |wanted: u32| {
        let script = format!(
            "rm -f /alive.*; for i in $(seq 100); do n=$(ls / | grep -c ^alive); test $n = {wanted} && break; sleep 0.1; done; echo $n"
        );
        let count = container.sh(&script).ok();
        assert_eq!(count, format!("{wanted}\n"));
    };
    container.sh(&start).ok();
    alive(20);
    container
        .sh("workaround-docker-2267 apply --mechanism patch")
        .ok();
    alive(20);
    // Twenty more, on the patched library.
    container.sh(&start).ok();
    alive(40);
    // The first twenty have what they began with, and need nothing of ours.
    let said = container.sh("workaround-docker-2267 revert").ok();
    assert!(
        said.contains("left /cte, which leads to /etc now, for 20 processes that began before"),
        "{said}"
    );
    alive(40);
    assert_eq!(container.sh("cat /lost 2>/dev/null | wc -l").ok(), "0\n");
    // With the last of them gone, so is the link.
    let script = "for p in /proc/[0-9]*; do grep -q ^perl $p/comm && kill ${p#/proc/}; done; sleep 0.5; workaround-docker-2267 revert; ls -d /cte";
    let ran = container.sh(script);
    assert!(
        ran.stdout.contains("removed /cte") && ran.status == Some(2),
        "{ran:?}"
    );
}

/// A container of a release, with the command in it.
fn with_command(release: &str) -> Container {
    let container = Container::start(&format!("baseimage-test/client:{release}"), &[]);
    let to = format!("{}:/", container.name());
    cli(&["cp", &format!("{}/.", dist("amd64").display()), &to]).ok();
    container
}

#[test]
#[ignore = "needs docker"]
fn runs_at_the_same_time_wait_for_each_other() {
    let container = with_command("trixie");
    let script = "w=workaround-docker-2267; for i in 1 2 3 4 5 6; do \
        ($w -q apply --mechanism patch || echo apply $?) & ($w -q ensure --merge-runtime || echo ensure $?) & \
        ($w -q hosts add 10.0.0.$i h$i || echo add $?) & ($w -q revert || echo revert $?) & \
        (getent hosts localhost >/dev/null || echo lookup $?) & done; wait; \
        $w -q apply --mechanism patch && for i in 1 2 3 4 5 6; do getent hosts h$i >/dev/null || echo lost h$i; done; \
        $w -q status; $w -q revert; dpkg --verify libc6; ls -A /var/lib/workaround-docker-2267; ls -A /usr/lib/x86_64-linux-gnu | grep '^[.].*~'; \
        grep -c canary /etc/workaround-docker-2267/hosts";
    let ran = container.sh(script);
    assert_eq!(
        (ran.stdout.as_str(), ran.stderr.as_str()),
        ("0\n", ""),
        "{ran:?}"
    );
}
