//! Exit statuses.

use crate::support::pid1::Tree;

const PLAIN: [&str; 3] = ["--quiet", "--skip-startup-files", "--skip-runit"];

fn run(tree: &Tree, script: &str) -> i32 {
    let mut arguments = PLAIN.to_vec();
    arguments.extend(["sh", "-c", script]);
    tree.run(&arguments).status
}

#[test]
#[ignore = "needs root"]
fn each_exit_status_of_the_main_command_is_ours() {
    let tree = Tree::new();
    for status in 0..=255 {
        assert_eq!(run(&tree, &format!("exit {status}")), status);
    }
}

/// The reference exits 0 (phusion #583).
#[test]
#[ignore = "needs root"]
fn a_signal_that_ends_the_main_command_is_128_and_its_number() {
    let tree = Tree::new();
    // Those that stop, continue or do nothing end nobody; the shell cannot name 32 and 33.
    let harmless = [17, 18, 19, 20, 21, 22, 23, 28, 32, 33];
    for signal in (1..=64).filter(|signal| !harmless.contains(signal)) {
        let status = run(&tree, &format!("kill -{signal} $$; sleep 10"));
        assert_eq!(status, 128 + signal, "signal {signal}");
    }
    for signal in [17, 18, 23, 28] {
        assert_eq!(
            run(&tree, &format!("kill -{signal} $$; exit 3")),
            3,
            "{signal}"
        );
    }
}

#[test]
#[ignore = "needs root"]
fn a_main_command_that_cannot_be_run_is_127_or_126_with_the_reason() {
    let tree = Tree::new()
        .file("x/plain", "text", 0o644)
        .file("x/orphaned", "#!/no/such/interpreter\n", 0o755)
        .file("x/garbage", "\x7fELF but no more", 0o755)
        .folder("x/folder");
    #[rustfmt::skip]
    let table = [
        ("no-such-command", 127, "cannot run no-such-command: No such file or directory"),
        ("/no/such/file",   127, "cannot run /no/such/file: No such file or directory"),
        ("/x/plain/file",   127, "cannot run /x/plain/file: No such file or directory"),
        ("",                127, "cannot run : No such file or directory"),
        ("/x/plain",        126, "cannot run /x/plain: Permission denied"),
        ("/x/folder",       126, "cannot run /x/folder: Permission denied"),
        ("/x/orphaned",     126, "cannot run /x/orphaned: its interpreter (the `#!` line) or its loader does not exist"),
    ];
    for (command, status, reason) in table {
        // Quiet does not hide why nothing runs.
        let ended = tree.run(&["--quiet", "--skip-runit", "--", command]);
        ended.expect(status).in_order(&[&format!("*** {reason}\n")]);
    }
}

#[test]
#[ignore = "needs root"]
fn a_main_command_without_interpreter_line_is_run_by_the_shell() {
    let tree = Tree::new().file("x/script", "echo \"$0 $*\"; exit 4\n", 0o755);
    let ended = tree.run(&["--skip-runit", "/x/script", "a", "b c"]);
    ended.expect(4).in_order(&["/x/script a b c\n"]);
}

#[test]
#[ignore = "needs root"]
fn runsvdir_that_ends_by_itself_passes_its_status_on() {
    for (body, status, line) in [
        ("exit 111", 111, "*** Runit exited with status 111\n"),
        ("exit 0", 0, "*** Runit exited with status 0\n"),
        (
            "kill -9 $$",
            137,
            "*** Runit was killed by signal 9 (SIGKILL).\n",
        ),
    ] {
        let tree = Tree::new().script("usr/bin/runsvdir", body);
        tree.run(&[])
            .expect(status)
            .in_order(&[line, "Killing all"]);
    }
}

#[test]
#[ignore = "needs root"]
fn runsvdir_that_is_not_there_is_127_alone_and_no_matter_beside_a_command() {
    let tree = Tree::new().prepared("rm $TREE/root/usr/bin/runsvdir");
    tree.run(&[])
        .expect(127)
        .in_order(&["cannot run /usr/bin/runsvdir: No such file or directory"]);
    // A new tree, as the file is gone from this one.
    let tree = Tree::new().prepared("rm $TREE/root/usr/bin/runsvdir");
    tree.run(&["sh", "-c", "echo here; exit 3"])
        .expect(3)
        .in_order(&["cannot run /usr/bin/runsvdir", "here"]);
}
