//! What a build can leave out, and that a step that fails fails the build.

use std::process::Command;
use std::time::Duration;

use super::boot;
use crate::support::docker::{Image, sh};
use crate::support::{Ran, run, workspace};

/// `image/build` on Debian 13.
fn build(name: &str, arguments: &[&str]) -> (Image, Ran) {
    let name = format!("baseimage-test/options-{name}-{}", std::process::id());
    let mut command = Command::new(workspace().join("image/build"));
    command.env("DOCKER_BUILDKIT", "0").args([
        "-t",
        &name,
        "-b",
        "baseimage-test/base:trixie",
        "--force-rm",
    ]);
    for argument in arguments {
        command.args(["--build-arg", argument]);
    }
    let ran = run(&mut command, Duration::from_secs(500));
    (Image::named(name), ran)
}

#[test]
#[ignore = "needs docker"]
fn what_is_left_out_is_not_there_and_the_rest_works() {
    let (image, ran) = build(
        "less",
        &["DISABLE_SYSLOG=1", "DISABLE_CRON=1", "DISABLE_LOCALE=1"],
    );
    ran.ok();
    let left = sh(image.name(), &[], "ls /usr/sbin/syslog-ng /usr/sbin/locale-gen /etc/service /etc/my_init.d /etc/my_init.post_shutdown.d /usr/lib/baseimage; echo $LANG; locale 2>&1 | grep -i cannot; date +%Z%z").ok();
    for gone in ["syslog", "cron\n"] {
        assert!(!left.contains(gone), "{left}");
    }
    assert!(
        left.contains("logrotate\n") && left.ends_with("C.UTF-8\nCST+0800\n"),
        "{left}"
    );
    let container = crate::support::docker::Container::run(image.name(), &[], &[]);
    container.until(
        "sv status logrotate | grep ^run: && test ! -e /dev/log",
        super::SOON,
    );
    assert_eq!(container.stop(), "0", "{}", container.logs());
}

#[test]
#[ignore = "needs docker"]
fn the_light_logger_takes_the_place_of_syslog_ng() {
    let container = boot("baseimage-test/image:light", &[]);
    let programs = container
        .sh("cat /proc/[0-9]*/comm; ls /usr/sbin/syslog-ng /etc/syslog-ng 2>&1")
        .stdout;
    assert!(
        programs.contains("busybox\n") && !programs.contains("\nsyslog-ng\n"),
        "{programs}"
    );
}

#[test]
#[ignore = "needs docker"]
fn a_step_that_fails_fails_the_build_and_says_why() {
    #[rustfmt::skip]
    let table = [
        ("SYSLOG=rsyslog",   "cannot build with SYSLOG=rsyslog; it takes syslog-ng or busybox"),
        ("DISABLE_CRON=yes", "cannot build with DISABLE_CRON=yes; it takes 0 or 1"),
        ("DISABLE_LOCALE=0", "cannot build with DISABLE_LOCALE=0; it takes 1"),
    ];
    for (argument, says) in table {
        let (_image, ran) = build("refused", &[argument]);
        assert_ne!(ran.status, Some(0), "{argument}: {ran:?}");
        assert!(
            format!("{}{}", ran.stdout, ran.stderr).contains(says),
            "{argument}: {ran:?}"
        );
    }
}
