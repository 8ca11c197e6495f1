//! Orphans: all reaped, none mistaken for another.

use std::fs;
use std::process::Command;
use std::time::Duration;

use crate::support::pid1::Tree;
use crate::support::{run, workspace};

/// A tree with the program that makes orphans, as fast as the machine can.
fn tree() -> Tree {
    let tree = Tree::new().folder("x");
    let mut compiler = Command::new("cc");
    compiler
        .args(["-O2", "-static", "-o"])
        .arg(tree.path("x/orphans"))
        .arg(workspace().join("tests/c/orphans.c"));
    run(&mut compiler, Duration::from_secs(60)).ok();
    tree
}

#[test]
#[ignore = "needs root"]
fn twenty_thousand_orphans_leave_no_zombie_and_no_trace_in_the_status() {
    tree()
        .run(&["/x/orphans", "20000", "5"])
        .expect(5)
        .in_order(&["0 zombies\n", "*** /x/orphans exited with status 5.\n"]);
}

/// After the first round the kernel gives out the PIDs from 300 on, so a limit of 600 is a space of
/// 300. Linux 6.14 and later have a limit a PID namespace; before, it is the whole machine's.
fn has_own_pid_space() -> bool {
    let release = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap();
    let mut numbers = release
        .split(|c: char| !c.is_ascii_digit())
        .filter_map(|part| part.parse::<u32>().ok());
    (numbers.next(), numbers.next()) >= (Some(6), Some(14))
}

/// Processes with 1 and 77 as their status come and go under every PID, those of ended jobs
/// included.
#[test]
#[ignore = "needs root"]
fn a_pid_that_is_used_again_is_not_mistaken() {
    let mut tree = tree()
        .service("web", "exec sleep 100")
        .script("etc/my_init.pre_shutdown.d/1", "/x/orphans 400 0");
    if has_own_pid_space() {
        tree = tree.prepared("echo 600 >$TREE/root/proc/sys/kernel/pid_max");
    } else {
        println!("this kernel has no PID space of its own to offer; PIDs are not used again here");
    }
    for nth in 0..5 {
        tree = tree.script(&format!("etc/my_init.d/{nth}"), "/x/orphans 300 0");
    }
    let script = "kill -9 $(pgrep runsvdir); /x/orphans 600 0; exit 42";
    let ended = tree.run(&["sh", "-c", script]).expect(42);
    assert_eq!(
        ended.text.matches("0 zombies\n").count(),
        7,
        "{}",
        ended.text
    );
    assert_eq!(
        ended.text.matches("*** Runit was killed").count(),
        1,
        "{}",
        ended.text
    );
}
