//! Systems that are not as they should be: each has a clear outcome, and nothing is lost.

use crate::support::dist;
use crate::support::docker::sh;

/// What is done to the system first, what the command must end with and say, and what must hold
/// afterwards.
struct Case {
    name: &'static str,
    prepare: &'static str,
    command: &'static str,
    status: i32,
    says: &'static str,
    after: &'static str,
}

const UNCHANGED: &str = "cmp /etc/nsswitch.conf /before";

#[rustfmt::skip]
const CASES: &[Case] = &[
    // nsswitch.conf in every state; `revert` gives back what there was.
    Case { name: "no nsswitch.conf", prepare: "rm /etc/nsswitch.conf", command: "apply", status: 0, says: "in force",
        // What it says, not what is there: fuse-overlayfs shows the image's file again.
        after: "grep -q '^hosts:  *workaround files dns$' /etc/nsswitch.conf && workaround-docker-2267 revert | grep -q '^removed /etc/nsswitch.conf'" },
    Case { name: "an empty nsswitch.conf", prepare: ": >/etc/nsswitch.conf", command: "apply", status: 0, says: "in force",
        after: "workaround-docker-2267 revert && test -e /etc/nsswitch.conf && ! test -s /etc/nsswitch.conf" },
    Case { name: "no hosts line", prepare: "echo passwd: files >/etc/nsswitch.conf; cp /etc/nsswitch.conf /before", command: "apply", status: 0, says: "in force",
        after: "workaround-docker-2267 revert && cmp /etc/nsswitch.conf /before" },
    Case { name: "two hosts lines", prepare: "printf 'hosts: dns\\n# c\\nhosts: files # x\\n' >/etc/nsswitch.conf; cp /etc/nsswitch.conf /before", command: "apply", status: 0, says: "in force",
        after: "grep -q '^hosts: workaround files # x$' /etc/nsswitch.conf && workaround-docker-2267 revert && cmp /etc/nsswitch.conf /before" },
    Case { name: "an action that ends the search", prepare: "echo 'hosts: mdns4_minimal [NOTFOUND=return] files' >/etc/nsswitch.conf; cp /etc/nsswitch.conf /before", command: "apply", status: 0, says: "in force",
        after: "workaround-docker-2267 revert && cmp /etc/nsswitch.conf /before" },
    Case { name: "a dangling nsswitch.conf", prepare: "rm /etc/nsswitch.conf; ln -s ../run/ns.conf /etc/nsswitch.conf", command: "apply", status: 0, says: "in force",
        after: "test -L /etc/nsswitch.conf && test -f /run/ns.conf && workaround-docker-2267 revert && test -L /etc/nsswitch.conf && ! test -e /run/ns.conf" },
    Case { name: "a folder for nsswitch.conf", prepare: "rm /etc/nsswitch.conf; mkdir /etc/nsswitch.conf", command: "apply", status: 1, says: "cannot read /etc/nsswitch.conf", after: "test -d /etc/nsswitch.conf" },
    // The hosts file in every state.
    Case { name: "a binary hosts file", prepare: "mkdir /etc/workaround-docker-2267; head -c 100000 /dev/urandom >/etc/workaround-docker-2267/hosts; echo >>/etc/workaround-docker-2267/hosts; cp /etc/workaround-docker-2267/hosts /hosts", command: "apply", status: 0, says: "in force", after: "head -c 100001 /etc/workaround-docker-2267/hosts | cmp - /hosts" },
    Case { name: "a folder for the hosts file", prepare: "mkdir -p /etc/workaround-docker-2267/hosts", command: "apply", status: 1, says: "/etc/workaround-docker-2267/hosts", after: UNCHANGED },
    Case { name: "a FIFO for the hosts file", prepare: "mkdir /etc/workaround-docker-2267; mkfifo /etc/workaround-docker-2267/hosts", command: "apply", status: 1, says: "no regular file", after: UNCHANGED },
    Case { name: "a FIFO, edited", prepare: "mkdir /etc/workaround-docker-2267; mkfifo /etc/workaround-docker-2267/hosts", command: "hosts add 10.0.0.1 x", status: 1, says: "no regular file", after: "test -p /etc/workaround-docker-2267/hosts" },
    Case { name: "a FIFO, looked at", prepare: "mkdir /etc/workaround-docker-2267; mkfifo /etc/workaround-docker-2267/hosts", command: "status", status: 3, says: "no regular file", after: UNCHANGED },
    Case { name: "a file for the folder", prepare: "touch /etc/workaround-docker-2267", command: "apply", status: 1, says: "/etc/workaround-docker-2267", after: UNCHANGED },
    // Systems that cannot be served.
    Case { name: "no module", prepare: "rm /usr/lib/x86_64-linux-gnu/libnss_workaround.so.2", command: "apply --mechanism nss", status: 4, says: "install the module", after: UNCHANGED },
    Case { name: "a broken module", prepare: "echo x >/usr/lib/x86_64-linux-gnu/libnss_workaround.so.2", command: "apply --mechanism nss", status: 4, says: "no 64-bit ELF file", after: UNCHANGED },
    Case { name: "an empty root", prepare: "mkdir /r", command: "--root /r", status: 4, says: "no glibc", after: "test -z \"$(find /r -type f)\"" },
    Case { name: "a musl root", prepare: "mkdir -p /r/lib; touch /r/lib/ld-musl-x86_64.so.1", command: "--root /r", status: 4, says: "musl", after: "! test -e /r/etc" },
];

#[test]
#[ignore = "needs docker"]
fn every_state_of_the_system_has_its_outcome() {
    let volume = format!("{}:/dist:ro", dist("amd64").display());
    let mut wrong = Vec::new();
    for case in CASES {
        let script = format!(
            "cp -r /dist/. /; cp /etc/nsswitch.conf /before; {}; timeout 20 workaround-docker-2267 {} >/out 2>&1; \
             status=$?; cat /out; [ $status = {} ] || {{ echo \"status $status\"; exit 1; }}; {}",
            case.prepare, case.command, case.status, case.after
        );
        let ran = sh(
            "baseimage-test/base:bookworm",
            &["--network", "none", "-v", &volume],
            &script,
        );
        if ran.status != Some(0) || !ran.stdout.contains(case.says) {
            wrong.push(format!("{}: {ran:#?}", case.name));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Places where nothing can be written, and what must be so afterwards.
#[test]
#[ignore = "needs docker"]
fn what_cannot_be_written_is_left_as_it_was() {
    let dist = dist("amd64");
    let mounts = [
        "usr/lib/x86_64-linux-gnu/libnss_workaround.so.2",
        "usr/bin/workaround-docker-2267",
    ]
    .map(|path| format!("{}:/{path}:ro", dist.join(path).display()));
    let folder = std::env::temp_dir().join(format!("baseimage-test-ro-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let nsswitch = folder.join("nsswitch.conf");
    std::fs::write(&nsswitch, "hosts: files dns\n").unwrap();
    let nsswitch = format!("{}:/etc/nsswitch.conf:ro", nsswitch.display());
    let full = "dd if=/dev/zero of=/var/lib/workaround-docker-2267/fill bs=1k 2>/dev/null;";
    let full_hosts = "dd if=/dev/zero of=/etc/workaround-docker-2267/fill bs=1k 2>/dev/null;";
    #[rustfmt::skip]
    let table: [(&[&str], &str, i32, &str); 4] = [
        (&["--tmpfs", "/var/lib/workaround-docker-2267:size=16k"], full,       1, "No space left on device"),
        (&["--tmpfs", "/etc/workaround-docker-2267:size=16k"],     full_hosts, 1, "No space left on device"),
        (&["-v", &nsswitch],                                       "",         1, "Read-only file system"),
        (&["--read-only"],                                         "",         1, "Read-only file system"),
    ];
    for (options, prepare, status, says) in table {
        let mut all = vec!["--network", "none", "-v", &mounts[0], "-v", &mounts[1]];
        all.extend(options);
        let script = format!(
            "{prepare} before=$(sha256sum </etc/nsswitch.conf); workaround-docker-2267 apply --mechanism nss; status=$?; \
             [ \"$before\" = \"$(sha256sum </etc/nsswitch.conf)\" ] && [ $status = {status} ] && getent hosts localhost"
        );
        let ran = sh("baseimage-test/base:bookworm", &all, &script);
        assert_eq!(ran.status, Some(0), "{options:?}: {ran:?}");
        assert!(ran.stderr.contains(says), "{options:?}: {ran:?}");
        assert!(
            !ran.stderr.contains("cannot undo"),
            "nothing was done: {ran:?}"
        );
    }
    std::fs::remove_dir_all(folder).unwrap();
}
