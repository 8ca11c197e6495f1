//! The scripts in `tests/verify`, which the README tells people to run in their containers: one
//! line and an exit status, right in every state.

use crate::support::docker::Container;
use crate::support::{deb_folder, workspace};

/// How a system gets into a state, and what each script then says.
type State = (&'static str, &'static str, [(&'static str, i32); 2]);

#[rustfmt::skip]
const STATES: &[State] = &[
    ("not installed", "true",
        [("not in force: workaround-docker-2267 is not installed", 3), ("cannot tell: the workaround is not in force", 1)]),
    ("not applied", "dpkg -i /debs/workaround-docker-2267_*_amd64.deb",
        [("not in force: there is no /etc/workaround-docker-2267/hosts", 3), ("cannot tell: the workaround is not in force", 1)]),
    ("applied", "workaround-docker-2267",
        [("in force: ping zhulux.dev pings 127.0.0.1", 0), ("kept: all ", 0)]),
    ("with an entry of the user's", "echo 127.0.0.9 zhulux.dev >>/etc/workaround-docker-2267/hosts",
        [("in force: ping zhulux.dev pings 127.0.0.9", 0), ("kept: all ", 0)]),
    ("switched off behind its back", "sed -i 's/workaround //' /etc/nsswitch.conf",
        [("not in force: ping: zhulux.dev: ", 3), ("cannot tell: the workaround is not in force", 1)]),
    ("/etc/hosts happens to say the same", "echo 127.0.0.9 zhulux.dev >>/etc/hosts",
        [("not in force: ping zhulux.dev pings 127.0.0.9, but not because", 3), ("cannot tell: the workaround is not in force", 1)]),
    ("/etc/hosts is not asked", "workaround-docker-2267; sed -i 's/^hosts:.*/hosts: workaround/' /etc/nsswitch.conf",
        [("in force: ping zhulux.dev pings 127.0.0.9", 0), ("lost: ", 3)]),
];

fn container() -> Container {
    let debs = format!("{}:/debs:ro", deb_folder().display());
    let verify = format!("{}:/verify:ro", workspace().join("tests/verify").display());
    let options = [
        "--network",
        "none",
        "--add-host",
        "added:10.9.8.7",
        "-v",
        &debs,
        "-v",
        &verify,
    ];
    Container::start("baseimage-test/upgrade:trixie", &options)
}

#[test]
#[ignore = "needs docker"]
fn each_state_is_told_in_one_line() {
    let container = container();
    for (state, script, said) in STATES {
        container.sh(script).ok();
        for (script, (line, status)) in ["ping-zhulux-dev", "etc-hosts-still-counts"]
            .iter()
            .zip(said)
        {
            let ran = container.sh(&format!("/verify/{script}"));
            assert_eq!(ran.status, Some(*status), "{script}, {state}: {ran:?}");
            assert!(ran.stdout.starts_with(line), "{script}, {state}: {ran:?}");
            assert_eq!(ran.stdout.lines().count(), 1, "{script}, {state}: {ran:?}");
        }
    }
    let hosts = container.sh("cat /etc/workaround-docker-2267/hosts").ok();
    assert!(
        !hosts.contains("verify"),
        "an entry was left behind: {hosts}"
    );
}

#[test]
#[ignore = "needs docker"]
fn an_upgrade_of_libc_is_shown_to_be_survived_or_not() {
    let container = container();
    container
        .sh("dpkg -i /debs/workaround-docker-2267_*_amd64.deb && workaround-docker-2267")
        .ok();
    let kept = container.sh("/verify/survives-libc-upgrade").ok();
    assert!(kept.starts_with("kept with libc6 2.41"), "{kept}");
    // Somebody who edits nsswitch.conf after dpkg is done undoes it, and is told.
    let lost = container.sh("printf 'DPkg::Post-Invoke { \"sed -i s/workaround// /etc/nsswitch.conf\"; };\\n' >/etc/apt/apt.conf.d/rude; /verify/survives-libc-upgrade");
    assert_eq!(lost.status, Some(3), "{lost:?}");
    assert!(lost.stdout.starts_with("lost with libc6 2.41"), "{lost:?}");
}
