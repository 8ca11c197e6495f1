//! In containers of a real Docker engine.

use std::sync::OnceLock;

use crate::support::dist;
use crate::support::docker::{Builder, Context, Image, cli};
use crate::support::pid1::processes;

/// Debian with runit and `my_init`, a service and a main command that listens.
fn image() -> &'static str {
    static IMAGE: OnceLock<Image> = OnceLock::new();
    let make = || {
        let dockerfile = "FROM baseimage-test/init\n\
            COPY root /\n\
            CMD [\"/sbin/my_init\"]\n";
        let (image, _) = Context::new(dockerfile)
            .copy(&dist("amd64"), "root")
            .build(Builder::Classic);
        image
    };
    IMAGE.get_or_init(make).name()
}

/// A container, removed in the end.
struct Container(String);

impl Container {
    #[track_caller]
    fn run(options: &[&str], words: &[&str]) -> Self {
        let mut arguments = vec!["run", "-d"];
        arguments.extend(options);
        arguments.push(image());
        arguments.extend(words);
        Self(cli(&arguments).ok().trim().to_owned())
    }

    fn logs(&self) -> String {
        let ran = cli(&["logs", &self.0]);
        ran.stdout + &ran.stderr
    }

    #[track_caller]
    fn until(&self, part: &str, times: usize) {
        for _ in 0..3000 {
            if self.logs().matches(part).count() >= times {
                return;
            }
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
        panic!("waited for {part:?} in\n{}", self.logs());
    }

    #[track_caller]
    fn status(&self) -> i32 {
        cli(&["wait", &self.0]).ok().trim().parse().unwrap()
    }
}

impl Drop for Container {
    fn drop(&mut self) {
        let _ = cli(&["rm", "-f", &self.0]);
    }
}

const SERVICE: &str = "mkdir -p /etc/service/web; printf '#!/bin/sh\\ntrap \"echo web over; exit\" TERM\\n\
    echo web up\\nwhile :; do sleep 0.02; done\\n' >/etc/service/web/run; chmod +x /etc/service/web/run; \
    exec /sbin/my_init \"$@\"";

#[test]
#[ignore = "needs docker"]
fn docker_stop_takes_the_services_down_in_order_and_restart_works_ten_times() {
    // A busy machine must not look like a stubborn service.
    let options = ["-e", "KILL_PROCESS_TIMEOUT=100"];
    let container = Container::run(&options, &["sh", "-c", SERVICE, "sh"]);
    container.until("web up", 1);
    for nth in 2..=11 {
        cli(&["restart", "-t", "120", &container.0]).ok();
        container.until("web up", nth);
    }
    cli(&["stop", "-t", "120", &container.0]).ok();
    assert_eq!(container.status(), 0, "{}", container.logs());
    let logs = container.logs();
    assert_eq!(logs.matches("web over").count(), 11, "{logs}");
    assert_eq!(logs.matches("Killing all processes").count(), 11, "{logs}");
    assert!(!logs.contains("Forcing"), "{logs}");
}

#[test]
#[ignore = "needs docker"]
fn docker_kill_s_signals_reach_the_main_command() {
    let script = "for s in HUP USR1 WINCH; do trap \"echo got $s\" $s; done; trap 'exit 4' TERM; \
        echo ready; while :; do sleep 0.02; done";
    let container = Container::run(&[], &["/sbin/my_init", "sh", "-c", script]);
    container.until("ready", 1);
    for signal in ["HUP", "USR1", "WINCH"] {
        cli(&["kill", "-s", signal, &container.0]).ok();
        container.until(&format!("got {signal}"), 1);
    }
    cli(&["stop", &container.0]).ok();
    assert_eq!(container.status(), 4, "{}", container.logs());
}

#[test]
#[ignore = "needs docker"]
fn docker_s_own_init_may_be_pid_1() {
    let container = Container::run(&["--init"], &["sh", "-c", SERVICE, "sh"]);
    container.until("web up", 1);
    cli(&["stop", &container.0]).ok();
    let logs = container.logs();
    assert!(logs.contains("not as PID 1"), "{logs}");
    assert!(logs.contains("web over"), "{logs}");
    assert_eq!(container.status(), 0, "{logs}");
}

#[test]
#[ignore = "needs docker"]
fn in_a_shared_pid_namespace_the_others_live_on() {
    let other = Container::run(&[], &["sleep", "1000"]);
    let shared = format!("--pid=container:{}", other.0);
    let container = Container::run(
        &[&shared],
        &["sh", "-c", SERVICE, "sh", "sh", "-c", "sleep 0.5; exit 6"],
    );
    assert_eq!(container.status(), 6, "{}", container.logs());
    let running = cli(&["inspect", "-f", "{{.State.Running}}", &other.0]).ok();
    assert_eq!(running.trim(), "true");
    assert!(!processes("sleep 1000").is_empty());
}

#[test]
#[ignore = "needs docker"]
fn a_terminal_in_docker_is_given_and_taken_back() {
    // `-t` makes PID 1 the leader of the terminal's session.
    let script = "ps -o pid=,pgid=,tpgid= -p $$ | awk '{ print ($2 == $3 && $2 == $1) ? \"in front\" : \"behind\" }'; exit 3";
    let container = Container::run(&["-t"], &["/sbin/my_init", "sh", "-c", script]);
    assert_eq!(container.status(), 3, "{}", container.logs());
    assert!(
        container.logs().contains("in front"),
        "{}",
        container.logs()
    );
}

#[test]
#[ignore = "needs docker"]
fn any_user_and_a_read_only_container_will_do() {
    let options = [
        "--user",
        "1234:4321",
        "--read-only",
        "--cap-drop",
        "ALL",
        "-e",
        "FOO=bar",
    ];
    let words = [
        "/sbin/my_init",
        "--skip-runit",
        "sh",
        "-c",
        "echo \"$(id -u) $FOO\"; exit 3",
    ];
    let container = Container::run(&options, &words);
    assert_eq!(container.status(), 3, "{}", container.logs());
    assert!(
        container.logs().contains("1234 bar"),
        "{}",
        container.logs()
    );
}

/// What `docker exec` has started is no child of PID 1, but in its namespace.
#[test]
#[ignore = "needs docker"]
fn what_docker_exec_has_started_is_ended_too() {
    let script = "trap 'exit 4' TERM; echo ready; while :; do sleep 0.02; done";
    let container = Container::run(&[], &["/sbin/my_init", "--skip-runit", "sh", "-c", script]);
    container.until("ready", 1);
    let guest = "trap 'echo guest over >/proc/1/fd/1; exit' TERM; echo guest up >/proc/1/fd/1; \
        while :; do sleep 0.02; done";
    cli(&["exec", "-d", &container.0, "sh", "-c", guest]).ok();
    container.until("guest up", 1);
    cli(&["stop", &container.0]).ok();
    assert_eq!(container.status(), 4, "{}", container.logs());
    assert!(
        container.logs().contains("guest over"),
        "{}",
        container.logs()
    );
}
