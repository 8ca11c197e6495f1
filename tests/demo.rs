//! The demonstration, on this machine, which it must leave as it was.

use std::process::Command;
use std::time::Duration;

use crate::support::{run, workspace};

#[test]
#[ignore = "needs root"]
fn it_shows_the_main_job_and_leaves_the_machine_alone() {
    let traces = [
        "/etc/workaround-docker-2267",
        "/var/lib/workaround-docker-2267",
        "/demo-steps",
    ];
    let before = std::fs::read("/etc/nsswitch.conf").ok();
    let mut make = Command::new("make");
    make.args(["--no-print-directory", "demo"])
        .current_dir(workspace());
    let shown = run(&mut make, Duration::from_secs(300)).ok();
    let mut rest = shown.as_str();
    for expected in [
        "# Before: nobody knows the name.",
        "$ /usr/bin/workaround-docker-2267",
        "in force (nss): a fresh process got ",
        "$ ping -c1 zhulux.dev",
        "1 packets transmitted, 1 received",
        "$ getent hosts zhulux.dev",
        "127.0.0.1       zhulux.dev",
        "$ python3 -c",
        "127.0.0.1",
        "zhulux.dev is 127.0.0.1",
        "restored /etc/nsswitch.conf",
        "the machine is as it was",
    ] {
        let at = rest
            .find(expected)
            .unwrap_or_else(|| panic!("{expected} is missing in:\n{shown}"));
        rest = &rest[at..];
    }
    assert_eq!(std::fs::read("/etc/nsswitch.conf").ok(), before);
    for trace in traces {
        assert!(!std::path::Path::new(trace).exists(), "{trace}");
    }
}
