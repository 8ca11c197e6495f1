//! The ways to run a container that take something away from it.

use super::{SOON, boot, images_of_all_releases, on_each};
use crate::support::docker::{Container, Image, cli, sh};

/// A run, and what it is to show.
type Mode = (
    &'static str,
    &'static [&'static str],
    &'static str,
    &'static [&'static str],
);

#[rustfmt::skip]
const MODES: &[Mode] = &[
    ("another user", &["-u", "12345:54321"], "id -u; id -g; echo $HELLO; getent hosts localhost >/dev/null && echo resolves",
        &["12345", "54321", "hello", "resolves"]),
    ("read-only", &["--read-only", "--tmpfs", "/run", "--tmpfs", "/tmp"],
        "for i in $(seq 300); do ! sv status cron | grep -q ^run: || break; sleep 0.1; done; sv status cron | cut -d: -f1; touch /tmp/x && echo writes; echo $HELLO",
        &["run", "writes", "hello"]),
    ("read-only, no tmpfs", &["--read-only"], "echo $HELLO; touch /tmp/x 2>/dev/null || echo refused", &["hello", "refused"]),
    ("no capabilities", &["--cap-drop", "ALL"],
        "for i in $(seq 300); do ! sv status cron | grep -q ^run: || break; sleep 0.1; done; sv status cron | cut -d: -f1; logger -t me m; sleep 0.5; grep -o 'me: m' /var/log/syslog; echo $HELLO",
        &["run", "me: m", "hello"]),
    ("not PID 1", &["--init"],
        "for i in $(seq 300); do ! sv status cron | grep -q ^run: || break; sleep 0.1; done; sv status cron | cut -d: -f1; tr '\\0' ' ' </proc/1/cmdline | grep -o init | head -n 1; echo $HELLO",
        &["run", "init", "hello"]),
    ("no network", &["--network", "none"], "echo $HELLO", &["hello"]),
];

#[test]
#[ignore = "needs docker"]
fn each_mode_runs_the_command_with_the_environment_and_keeps_its_status() {
    on_each(&images_of_all_releases(), 4, |image| {
        for (mode, options, command, wanted) in MODES {
            let mut arguments = vec!["run", "--rm", "-e", "HELLO=hello"];
            arguments.extend(*options);
            let command = format!("{command}; exit 7");
            arguments.extend([
                image,
                "/sbin/my_init",
                "--quiet",
                "--",
                "sh",
                "-c",
                &command,
            ]);
            let ran = cli(&arguments);
            assert_eq!(ran.status, Some(7), "{mode}: {ran:?}");
            for line in *wanted {
                assert!(
                    ran.stdout.lines().any(|shown| shown == *line),
                    "{mode}, {line}: {ran:?}"
                );
            }
        }
    });
}

#[test]
#[ignore = "needs docker"]
fn without_root_the_image_says_once_what_it_leaves_out() {
    on_each(&images_of_all_releases(), 4, |image| {
        let container = Container::run(image, &["-u", "12345"], &[]);
        container.until("test -e /proc/1/stat && sleep 3", SOON);
        let logs = container.logs();
        for (says, times) in [
            ("no logger is started", 1),
            ("no cron job will run", 1),
            ("fatal", 0),
        ] {
            assert_eq!(logs.matches(says).count(), times, "{says}: {logs}");
        }
        assert_eq!(container.stop(), "0", "{}", container.logs());
    });
}

#[test]
#[ignore = "needs docker"]
fn an_exec_gets_the_environment_through_container_env() {
    on_each(&images_of_all_releases(), 4, |image| {
        let container = boot(image, &["-e", "WORDS=two words 两个词"]);
        container
            .sh("printf 'set later' >/etc/container_environment/LATER")
            .ok();
        let exec = [
            "exec",
            "-e",
            "WORDS=",
            container.name(),
            "container-env",
            "run",
            "--",
            "sh",
            "-c",
            "echo $WORDS; echo $LATER",
        ];
        assert_eq!(cli(&exec).ok(), "two words 两个词\nset later\n");
    });
}

#[test]
#[ignore = "needs docker"]
fn the_workaround_holds_in_every_mode() {
    on_each(&images_of_all_releases(), 4, |image| {
        let container = Container::start(image, &[]);
        container.sh("/usr/bin/workaround-docker-2267 && echo 10.1.2.3 db.internal >>/etc/workaround-docker-2267/hosts").ok();
        let committed = format!("{}-committed", container.name());
        cli(&["commit", container.name(), &committed]).ok();
        let committed = Image::named(committed);
        for (mode, options, ..) in MODES {
            let seen = sh(
                committed.name(),
                options,
                "getent hosts db.internal && workaround-docker-2267 status",
            )
            .ok();
            assert!(seen.starts_with("10.1.2.3"), "{mode}: {seen}");
        }
    });
}
