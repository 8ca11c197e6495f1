//! `docker stop`, restarts and what is kept.

use super::{SOON, boot, images, images_of_all_releases, on_each};
use crate::support::docker::{Container, cli};

/// Three services, one of their children and an orphan, none of which heeds SIGTERM; and hooks.
const STUBBORN: &str = "set -e
    for n in 1 2 3; do
        mkdir -p /etc/service/stubborn$n
        printf '#!/bin/bash\\ntrap \"\" TERM HUP INT\\ntouch /up.'$n'\\nwhile :; do sleep 1; done\\n' >/etc/service/stubborn$n/run
        chmod +x /etc/service/stubborn$n/run
    done
    printf '#!/bin/sh\\nsetsid bash -c \"trap \\\"\\\" TERM HUP; while :; do sleep 1; done\" &\\n' >/etc/my_init.d/50_orphan
    mkdir -p /etc/my_init.pre_shutdown.d /etc/my_init.post_shutdown.d
    printf '#!/bin/sh\\nlogger -t hook before; touch /before\\n' >/etc/my_init.pre_shutdown.d/50_mine
    printf '#!/bin/sh\\ntouch /after\\n' >/etc/my_init.post_shutdown.d/50_mine
    chmod +x /etc/my_init.d/50_orphan /etc/my_init.*_shutdown.d/50_mine
    exec /sbin/my_init";

#[test]
#[ignore = "needs docker"]
fn a_full_container_of_stubborn_processes_stops_within_dockers_limit_and_runs_its_hooks() {
    on_each(&images(), 4, |image| {
        let container = Container::run(image, &[], &["sh", "-c", STUBBORN]);
        container.until("ls /up.1 /up.2 /up.3", SOON);
        // 137 would say that Docker has lost patience.
        let status = container.stop();
        let logs = container.logs();
        assert_eq!(status, "0", "{logs}");
        for says in [
            "*** stubborn3 (PID",
            "*** Killing all processes...",
            "*** Not all processes have exited in time.",
        ] {
            assert!(logs.contains(says), "{says}: {logs}");
        }
        let copied = |path: &str| {
            let from = format!("{}:{path}", container.name());
            cli(&["cp", &from, "-"]).ok()
        };
        copied("/before");
        copied("/after");
        assert!(copied("/var/log/syslog").contains("hook: before"));
    });
}

#[test]
#[ignore = "needs docker"]
fn ten_restarts_lose_and_add_nothing() {
    on_each(&images_of_all_releases(), 4, |image| {
        let container = boot(image, &["-e", "ONCE=1"]);
        container.sh("/usr/bin/workaround-docker-2267 && echo 10.0.0.1 kept >>/etc/workaround-docker-2267/hosts").ok();
        let state = "ls -A /etc/container_environment; cat /etc/container_environment.sh | sort; ls -A /etc/service /run | grep -v pid; getent hosts kept";
        let before = container.sh(state).ok();
        for nth in 0..10 {
            cli(&["restart", container.name()]).ok();
            container.until("sv status cron | grep ^run:", SOON);
            assert_eq!(container.sh(state).ok(), before, "restart {nth}");
        }
        container.sh("logger -t me still-here").ok();
        container.until("grep still-here /var/log/syslog", SOON);
        assert_eq!(container.stop(), "0");
    });
}

#[test]
#[ignore = "needs docker"]
fn a_commit_keeps_the_files_and_not_what_one_start_was_given() {
    on_each(&images_of_all_releases(), 4, |image| {
        let container = boot(image, &["-e", "SECRET=once"]);
        container.sh("test -e /etc/container_environment/SECRET && echo always >/etc/container_environment/OWN && /usr/bin/workaround-docker-2267 && echo 10.0.0.1 kept >>/etc/workaround-docker-2267/hosts").ok();
        assert_eq!(container.stop(), "0");
        let committed = format!("{}-committed", container.name());
        cli(&["commit", "-c", "ENV SECRET=", container.name(), &committed]).ok();
        let second = boot(&committed, &[]);
        let seen = second.sh("getent hosts kept; container-env run -- sh -c 'echo [$OWN] [$SECRET]'; grep -c once /etc/container_environment.sh").stdout;
        drop(second);
        cli(&["rmi", &committed]).ok();
        let words: Vec<_> = seen.split_whitespace().collect();
        assert_eq!(words, ["10.0.0.1", "kept", "[always]", "[]", "0"], "{seen}");
    });
}
