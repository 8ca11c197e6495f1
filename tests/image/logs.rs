//! The system logger: where messages go, what the output may be, that none is lost.

use std::fs;
use std::time::Duration;

use super::{SOON, boot, image, images, images_of_all_releases, on_a_terminal, on_each};
use crate::support::docker::{Container, cli, sh};

const LIGHT: &str = "baseimage-test/image:light";

fn both_loggers() -> Vec<String> {
    let mut images = images();
    images.push(LIGHT.to_owned());
    images
}

#[test]
#[ignore = "needs docker"]
fn all_but_auth_goes_to_syslog_and_docker_logs_and_auth_to_its_own_file() {
    on_each(&both_loggers(), 4, |image| {
        let container = boot(image, &[]);
        let facilities = "kern user mail daemon syslog lpr news uucp cron ftp local0 local7";
        let script = format!(
            "for f in {facilities}; do logger -p $f.info -t me \"of $f 你好\"; done; logger -p auth.info -t me 'of auth'; logger -p authpriv.info -t me 'of authpriv'; logger -t me 'the last'"
        );
        container.sh(&script).ok();
        container.until(
            "grep 'me: the last' /var/log/syslog && grep 'of authpriv' /var/log/auth.log",
            SOON,
        );
        let syslog = container.sh("cat /var/log/syslog").ok();
        let auth = container.sh("cat /var/log/auth.log").ok();
        let logs = container.logs();
        // The C library makes messages of a program that says "kern" into "user".
        for facility in facilities.split(' ') {
            let message = format!("of {facility} 你好");
            assert!(
                syslog.contains(&message) && logs.contains(&message),
                "{message}: {syslog}\n{logs}"
            );
            assert!(!auth.contains(&message), "{auth}");
        }
        for message in ["of auth", "of authpriv"] {
            assert!(auth.contains(message), "{auth}");
            assert!(
                !syslog.contains(message) && !logs.contains(message),
                "{syslog}\n{logs}"
            );
        }
        let modes = container
            .sh("stat -c '%a %U %G' /var/log/syslog /var/log/auth.log")
            .ok();
        assert_eq!(modes, "640 root adm\n640 root adm\n");
    });
}

#[test]
#[ignore = "needs docker"]
fn ten_thousand_messages_sent_at_the_stop_are_all_written() {
    on_each(&both_loggers(), 3, |image| {
        let make = "mkdir /etc/service/last; printf '#!/bin/bash\\ntrap \"seq -f \\\"message %%.0f of the last\\\" 10000 | logger -t last; exit\" TERM\\n\
                    touch /ready; while :; do sleep 0.05; done\\n' >/etc/service/last/run; chmod +x /etc/service/last/run; exec /sbin/my_init";
        // The machine may be busy; the logger is what is tested, not its speed.
        let options = ["-e", "KILL_PROCESS_TIMEOUT=100"];
        let container = Container::run(image, &options, &["sh", "-c", make]);
        container.until("test -e /ready", SOON);
        cli(&["stop", "-t", "120", container.name()]).ok();
        let from = format!("{}:/var/log/syslog", container.name());
        let syslog = cli(&["cp", &from, "-"]).ok();
        let mut places = vec![("/var/log/syslog", syslog)];
        // busybox does not wait for a reader of the output that falls behind.
        if image != LIGHT {
            places.push(("docker logs", container.logs()));
        }
        for (place, text) in places {
            for nth in [1, 5000, 10000] {
                let message = format!("message {nth} of the last");
                assert!(text.contains(&message), "{place} has no {message}");
            }
            assert_eq!(text.matches(" of the last").count(), 10_000, "{place}");
        }
    });
}

/// An output that nobody reads until the logger is about to be stopped, and a bit longer.
const READ_LATE: &str = r#"mkdir /etc/service/last
    printf '%s\n' '#!/bin/bash' 'trap "seq -f \"message %.0f of the last\" 10000 | logger -t last; exit" TERM' \
        'touch /ready; while :; do sleep 0.05; done' >/etc/service/last/run
    chmod +x /etc/service/last/run
    exec /sbin/my_init > >(
        trap '' TERM
        until grep -q 'the container stops' /var/log/syslog; do sleep 0.02; done
        sleep 0.3
        cat >/output
    )"#;

#[test]
#[ignore = "needs docker"]
fn an_output_that_is_read_late_gets_all_the_same() {
    on_each(&images_of_all_releases(), 4, |image| {
        let options = ["-e", "KILL_PROCESS_TIMEOUT=100"];
        let container = Container::run(image, &options, &["bash", "-c", READ_LATE]);
        container.until("test -e /ready", SOON);
        cli(&["stop", "-t", "120", container.name()]).ok();
        let from = format!("{}:/output", container.name());
        let output = cli(&["cp", &from, "-"]).ok();
        assert_eq!(output.matches(" of the last").count(), 10_000);
    });
}

#[test]
#[ignore = "needs docker"]
fn the_output_is_looked_at_anew_at_each_start() {
    let images = [
        image("trixie", "classic"),
        image("bullseye", "classic"),
        LIGHT.to_owned(),
    ];
    on_each(&images, 3, |image| {
        // A pipe, which is Docker's default.
        let container = boot(image, &[]);
        container.sh("logger to-a-pipe").ok();
        container.until("grep to-a-pipe /var/log/syslog", SOON);
        assert!(container.logs().contains("to-a-pipe"));
        // What the same file system then starts with is a terminal, after that a file.
        cli(&["stop", container.name()]).ok();
        let committed = format!("{}-committed", container.name());
        cli(&["commit", container.name(), &committed]).ok();
        let main = "logger to-it; sleep 1";
        let docker = [
            &committed,
            "/sbin/my_init",
            "--quiet",
            "--",
            "sh",
            "-c",
            main,
        ];
        let terminal = on_a_terminal(&docker, &[]);
        let file = cli(&[
            "run",
            "--rm",
            &committed,
            "sh",
            "-c",
            "/sbin/my_init --quiet -- sh -c 'logger to-it; sleep 1' >/output; cat /output",
        ]);
        cli(&["rmi", &committed]).ok();
        assert!(terminal.stdout.contains(": to-it"), "{terminal:?}");
        assert!(file.stdout.contains(": to-it"), "{file:?}");
    });
}

#[test]
#[ignore = "needs docker"]
fn without_a_writable_root_the_output_alone_has_the_messages() {
    let mut images = images_of_all_releases().to_vec();
    images.push(LIGHT.to_owned());
    on_each(&images, 4, |image| {
        let options = ["--read-only", "--tmpfs", "/run", "--tmpfs", "/tmp"];
        let container = boot(image, &options);
        container.sh("logger -t me read-only").ok();
        assert_eq!(container.stop(), "0", "{}", container.logs());
        assert!(
            container.logs().contains("me: read-only"),
            "{}",
            container.logs()
        );
    });
}

#[test]
#[ignore = "needs docker"]
fn a_logger_that_cannot_start_is_reported_and_the_container_runs() {
    let image = image("trixie", "classic");
    let script = "echo nonsense >/etc/syslog-ng/syslog-ng.conf; exec /sbin/my_init";
    let container = Container::run(&image, &[], &["sh", "-c", script]);
    container.until("sv status cron | grep ^run:", SOON);
    let logs = container.logs();
    assert!(
        logs.contains("syslog-ng.conf") && logs.contains("*** syslog: the logger does not start"),
        "{logs}"
    );
    assert_eq!(container.stop(), "0");
}

#[test]
#[ignore = "needs docker"]
fn a_logger_that_dies_comes_back() {
    for image in [image("bookworm", "classic"), LIGHT.to_owned()] {
        let container = boot(&image, &[]);
        container.sh("kill -9 $(cat /run/runsv.syslog/pid)").ok();
        container.until(
            "logger -t me again && grep 'me: again' /var/log/syslog",
            SOON,
        );
    }
}

#[test]
#[ignore = "needs docker"]
fn the_hosts_own_logger_is_left_alone() {
    let folder = std::env::temp_dir().join(format!("baseimage-test-log-{}", std::process::id()));
    fs::create_dir(&folder).unwrap();
    let socket = std::os::unix::net::UnixDatagram::bind(folder.join("log")).unwrap();
    socket
        .set_read_timeout(Some(Duration::from_secs(30)))
        .unwrap();
    let volume = format!("{}:/dev/log", folder.join("log").display());
    let ran = cli(&[
        "run",
        "--rm",
        "-v",
        &volume,
        &image("trixie", "classic"),
        "/sbin/my_init",
        "--",
        "logger",
        "to-the-host",
    ]);
    let mut message = [0; 4096];
    let mut found = false;
    while let Ok(length) = socket.recv(&mut message) {
        found = String::from_utf8_lossy(&message[..length]).contains("to-the-host");
        if found {
            break;
        }
    }
    let _ = fs::remove_dir_all(&folder);
    assert!(
        found && ran.stdout.contains("/dev/log is mounted from outside"),
        "{ran:?}"
    );
}

/// Sets the files' dates as if the days had passed, so that logrotate does what it would then do.
const ROTATE: &str = "set -e
    logger -t me before-rotation; logger -p auth.info -t me auth-before-rotation; sleep 0.5
    state=/var/lib/logrotate/status
    logrotate /etc/logrotate.conf; test -z \"$(logrotate -d /etc/logrotate.conf 2>&1 | grep -i error)\"
    for day in 1 2 3 4 5 6 7 8 9; do
        sed -i -E '/syslog|auth/s/ 20[0-9-]+:.*/ 2020-1-1-0:0:0/' $state
        echo line >>/var/log/syslog; logrotate /etc/logrotate.conf
    done
    ls /var/log | grep -E '^(syslog|auth.log)'
    for i in $(seq 50); do logger -t me after-rotation; ! grep -q after-rotation /var/log/syslog || break; sleep 0.1; done
    grep -c . /var/log/syslog >/dev/null && grep -q after-rotation /var/log/syslog && echo reopened
    stat -c '%a %U %G' /var/log/syslog; gzip -t /var/log/syslog.7.gz && echo compressed
    head -c 60000000 /dev/zero | tr '\\0' x >>/var/log/syslog; logrotate /etc/logrotate.conf
    test $(stat -c %s /var/log/syslog) -lt 1000000 && echo large-one-rotated";

#[test]
#[ignore = "needs docker"]
fn logs_that_are_written_are_rotated_kept_as_long_as_promised_and_reopened() {
    on_each(&both_loggers(), 3, |image| {
        let container = boot(image, &[]);
        let shown = container.sh(ROTATE).ok();
        for kept in [
            "syslog.1",
            "syslog.2.gz",
            "syslog.7.gz",
            "auth.log.1",
            "reopened",
            "640 root adm",
            "compressed",
            "large-one-rotated",
        ] {
            assert!(shown.lines().any(|line| line == kept), "{kept}: {shown}");
        }
        for dropped in ["syslog.8", "auth.log.5"] {
            assert!(!shown.contains(dropped), "{dropped}: {shown}");
        }
    });
}

#[test]
#[ignore = "needs docker"]
fn the_hourly_rotation_works_with_the_files_of_each_release() {
    let script = "grep -v '^#' /etc/cron.d/baseimage | sed 's/.* root //' | sh -e";
    on_each(&images(), 4, |image| {
        sh(image, &[], script).ok();
    });
}
