//! What a container does from its start on: the terminal, the order, orphans.

use super::{SOON, boot, images, images_of_all_releases, on_a_terminal, on_each, the_other_images};
use crate::support::docker::{Container, sh};

#[test]
#[ignore = "needs docker"]
fn a_shell_on_a_terminal_has_the_environment_and_its_status_is_kept() {
    on_each(&images(), 3, |image| {
        let command = [
            "-e",
            "FOO=bar 你好",
            image,
            "/sbin/my_init",
            "--",
            "bash",
            "-l",
        ];
        let lines = [
            "echo \"[$FOO] [$LANG]\"",
            "tty",
            "logger -t me from-the-shell",
            // Ctrl-C ends what is in the foreground, and neither the shell nor a service.
            "sleep 1000",
            "^C",
            "echo interrupted: $?",
            "for i in $(seq 100); do sv status cron | grep ^run: && break; sleep 0.1; done",
            "exit 7",
        ];
        let ran = on_a_terminal(&command, &lines);
        assert_eq!(ran.status, Some(7), "{ran:?}");
        for shown in [
            "*** Running bash -l...",
            "[bar 你好] [zh_CN.utf8]",
            "/dev/pts/0",
            "me: from-the-shell",
            "interrupted: 130",
            "run: cron",
        ] {
            assert!(ran.stdout.contains(shown), "{shown}: {}", ran.stdout);
        }
        assert!(!ran.stdout.contains("no job control"), "{}", ran.stdout);
    });
}

#[test]
#[ignore = "needs docker"]
fn the_logger_answers_before_any_service_starts() {
    on_each(&images(), 4, |image| {
        let early = "mkdir /etc/service/early; printf '#!/bin/sh\\nlogger -t early first || touch /refused\\nexec sleep 1000\\n' >/etc/service/early/run; \
                     chmod +x /etc/service/early/run; printf '#!/bin/sh\\nlogger -t startup script\\n' >/etc/my_init.d/11_early; chmod +x /etc/my_init.d/11_early; \
                     exec /sbin/my_init";
        let container = Container::run(image, &[], &["sh", "-c", early]);
        container.until("grep 'startup: script' /var/log/syslog && grep 'early: first' /var/log/syslog && test ! -e /refused", SOON);
    });
}

#[test]
#[ignore = "needs docker"]
fn no_zombie_is_left_after_a_thousand_orphans() {
    on_each(&images_of_all_releases(), 4, |image| {
        let container = boot(image, &[]);
        container
            .sh("for i in $(seq 1000); do (sh -c 'exit 3' & exec true); done")
            .ok();
        let zombies = "! cat /proc/[0-9]*/stat 2>/dev/null | grep -E '^[0-9]+ \\(.*\\) Z'";
        container.until(zombies, SOON);
    });
}

#[test]
#[ignore = "needs docker"]
fn the_programs_status_is_the_containers() {
    on_each(&the_other_images(), 4, |image| {
        for (command, status) in [("exit 0", 0), ("exit 42", 42), ("kill -9 $$", 137)] {
            let name = ["/sbin/my_init", "--quiet", "--", "sh", "-c", command];
            let ran = sh(
                image,
                &[],
                &format!("exec {} '{command}'", name[..5].join(" ")),
            );
            assert_eq!(ran.status, Some(status), "{command}: {ran:?}");
        }
    });
}
