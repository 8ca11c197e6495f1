//! Beside others: not PID 1, as another user, without a writable disk.

use std::fs;
use std::thread;
use std::time::Duration;

use crate::support::pid1::{Running, Tree};

/// Runs `script` as PID 1, which starts `my_init` itself.
fn beside(tree: &Tree, script: &str) -> crate::support::pid1::Ended {
    Running::new(&mut tree.command(&["/bin/sh", "-c", script])).end()
}

/// The reference kills every process that it may signal.
#[test]
#[ignore = "needs root"]
fn bystanders_live_on_where_we_are_not_pid_1() {
    let tree = Tree::new()
        .service(
            "web",
            "trap 'echo web over; exit' TERM; echo web up; while :; do sleep 0.02; done",
        )
        .script(
            "x/daemon",
            "trap 'echo daemon over; exit' TERM; echo daemon up; while :; do sleep 0.02; done",
        )
        // A daemon as daemons are: its parent is gone, its session its own.
        .script("etc/my_init.d/a", "(setsid /x/daemon &) ; exit 0");
    beside(
        &tree,
        "sleep 1000 & bystander=$!\n\
         my_init sh -c 'sleep 0.5; exit 9'; echo status $?\n\
         kill -0 $bystander && echo bystander lives\n\
         pgrep -c 'daemon|runsv' || true; kill -9 $bystander",
    )
    .in_order(&[
        "not as PID 1: reaping and ending only what was started here.\n",
        "web over\n",
        "daemon over\n",
        "status 9\n",
        "bystander lives\n",
        "0\n",
    ]);
}

#[test]
#[ignore = "needs root"]
fn descendants_that_ignore_term_are_killed_however_deep() {
    let tree = Tree::new()
        .script("x/deep", "trap '' TERM; echo deep $1; [ $1 -gt 0 ] && setsid /x/deep $(($1 - 1)) & while :; do sleep 0.1; done")
        .variable("KILL_ALL_PROCESSES_TIMEOUT", "1");
    beside(
        &tree,
        "my_init --skip-runit sh -c '/x/deep 3 & sleep 0.5; exit 9'; echo status $?\n\
         sleep 0.1; pgrep -c deep || true",
    )
    .in_order(&[
        "Killing all processes...\n",
        "Not all processes have exited in time. Forcing them to exit.\n",
        "status 9\n",
        "0\n",
    ]);
}

#[test]
#[ignore = "needs root"]
fn an_orphan_comes_to_us_and_is_reaped_where_we_are_not_pid_1() {
    let script = "(sleep 0.1 & exit 0); sleep 0.3; ps -o stat= --ppid $PPID | grep -c Z; exit 9";
    beside(
        &Tree::new(),
        &format!("my_init --skip-runit sh -c '{script}'; echo status $?"),
    )
    .in_order(&["0\n", "status 9\n"]);
}

#[test]
#[ignore = "needs root"]
fn a_user_without_privileges_can_use_it() {
    let tree = Tree::new()
        .file("etc/container_environment/FOO", "bar", 0o644)
        .script("etc/my_init.d/a", "echo \"script as $(id -u) with $FOO\"")
        .file("etc/my_init.d/b", "#!/bin/sh\necho no", 0o700);
    // As `docker run --user` does it: PID 1 is that user from the start.
    let mut words = vec![
        "/usr/bin/setpriv",
        "--reuid=1234",
        "--regid=1234",
        "--clear-groups",
    ];
    words.extend([
        "/sbin/my_init",
        "--skip-runit",
        "sh",
        "-c",
        "id -u; echo $FOO; exit 3",
    ]);
    let ended = Running::new(&mut tree.command(&words)).end().expect(3);
    let warnings = ended.text.matches("cannot write").count();
    ended
        .without("no\n")
        .in_order(&["script as 1234 with bar\n", "1234\nbar\n"]);
    assert_eq!(warnings, 1);
}

#[test]
#[ignore = "needs root"]
fn a_read_only_root_is_one_warning() {
    let tree = Tree::new()
        .file("etc/container_environment/FOO", "bar", 0o644)
        .script("etc/my_init.d/a", "echo \"script with $FOO $NEW\"")
        .variable("NEW", "new")
        .prepared("mount -o remount,ro $TREE/root");
    let ended = tree
        .run(&["--skip-runit", "sh", "-c", "echo $FOO $NEW; exit 3"])
        .expect(3);
    let warnings = ended.text.matches("cannot").count();
    let ended = ended.in_order(&["script with bar new\n", "bar new\n"]);
    assert_eq!(warnings, 1, "{}", ended.text);
}

#[test]
#[ignore = "needs root"]
fn without_proc_it_works_all_the_same() {
    let tree = Tree::new()
        .service(
            "web",
            "trap 'echo over; exit' TERM; echo up; while :; do sleep 0.02; done",
        )
        .prepared("umount $TREE/root/proc");
    let mut running = tree.start(&[
        "sh",
        "-c",
        "trap 'exit 3' TERM; echo main; while :; do sleep 0.02; done",
    ]);
    running.until_all(&["up\n", "main\n"], 1);
    running.signal(15);
    running.end().expect(3).in_order(&["over\n", "Killing all"]);
}

/// tini wakes once a second.
#[test]
#[ignore = "needs root"]
fn while_nothing_happens_nothing_is_done_and_no_code_is_kept() {
    let tree = Tree::new();
    let mut running = tree.start(&[]);
    running.until("*** Runit started");
    let init = running.init();
    let read = |file: &str| fs::read_to_string(format!("/proc/{init}/{file}")).unwrap();
    let switches = || {
        let status = read("status");
        let counts = status.lines().filter(|line| line.contains("ctxt_switches"));
        counts.map(str::to_owned).collect::<Vec<_>>()
    };
    // Up to a second after the last event it is only dozing.
    let mut before = switches();
    for _ in 0..20 {
        thread::sleep(Duration::from_secs(2));
        let after = switches();
        if after == before {
            break;
        }
        before = after;
    }
    thread::sleep(Duration::from_secs(2));
    assert_eq!(switches(), before);
    let mapped: u64 = read("smaps")
        .split("VmFlags")
        .filter(|mapping| mapping.contains(" r-xp ") && mapping.contains("my_init"))
        .filter_map(|mapping| mapping.split("Rss:").nth(1))
        .filter_map(|rest| rest.split_whitespace().next()?.parse::<u64>().ok())
        .sum();
    assert!(mapped <= 4, "{mapped} KiB of code are mapped");
    // And it wakes up.
    running.signal(15);
    running.end().expect(0);
}
