//! The stages of the end: in order, each bounded, none skipped.

use crate::support::pid1::Tree;

const TERM: i32 = 15;

#[test]
#[ignore = "needs root"]
fn the_stages_come_in_their_order() {
    let tree = Tree::new()
        .script(
            "etc/my_init.pre_shutdown.d/2",
            "echo pre 2; ps ax | grep -c '[r]unsvdir'",
        )
        .script("etc/my_init.pre_shutdown.d/1", "echo pre 1")
        .file("etc/my_init.pre_shutdown.d/3", "not executable", 0o644)
        .script("etc/my_init.post_shutdown.d/1", "echo post 1")
        .service(
            "web",
            "trap 'echo web over; exit' TERM; echo up; while :; do sleep 0.02; done",
        )
        .script(
            "etc/my_init.d/a",
            "setsid sh -c 'trap \"echo daemon over; exit\" TERM; while :; do sleep 0.02; done' &",
        );
    tree.run(&["sh", "-c", "sleep 0.3; echo main over"])
        .expect(0)
        .in_order(&[
            "main over\n",
            "*** sh exited with status 0.\n",
            "*** Running /etc/my_init.pre_shutdown.d/1...\npre 1\n",
            "*** Running /etc/my_init.pre_shutdown.d/2...\npre 2\n1\n",
            "web over\n",
            "*** Shutting down runit daemon (PID ",
            "*** Running /etc/my_init.post_shutdown.d/1...\npost 1\n",
            "*** Killing all processes...\n",
            "daemon over\n",
        ]);
}

/// The reference skips the others.
#[test]
#[ignore = "needs root"]
fn a_hook_that_fails_skips_no_other_and_makes_the_status_1() {
    let tree = Tree::new()
        .script("etc/my_init.pre_shutdown.d/1", "exit 3")
        .file("etc/my_init.pre_shutdown.d/2", "#!/no/such\n", 0o755)
        .script("etc/my_init.pre_shutdown.d/3", "kill -9 $$")
        .script("etc/my_init.pre_shutdown.d/4", "echo pre 4")
        .script("etc/my_init.post_shutdown.d/1", "echo post 1");
    for (status, want) in [("0", 1), ("5", 5)] {
        tree.run(&["sh", "-c", &format!("exit {status}")])
            .expect(want)
            .in_order(&[
                "*** /etc/my_init.pre_shutdown.d/1 failed with status 3\n\n",
                "*** cannot run /etc/my_init.pre_shutdown.d/2: its interpreter",
                "*** /etc/my_init.pre_shutdown.d/3 was killed by signal 9 (SIGKILL).\n\n",
                "pre 4\n",
                "post 1\n",
                "Killing all",
            ]);
    }
}

#[test]
#[ignore = "needs root"]
fn without_runit_there_are_no_hooks() {
    let tree = Tree::new().script("etc/my_init.pre_shutdown.d/1", "echo hook");
    tree.run(&["--skip-runit", "true"])
        .expect(0)
        .without("hook");
}

/// The reference runs them only after a boot that went well.
#[test]
#[ignore = "needs root"]
fn hooks_run_also_when_the_boot_failed_after_a_script_had_started() {
    let hooks = |tree: Tree| {
        tree.script("etc/my_init.pre_shutdown.d/1", "echo pre")
            .script("etc/my_init.post_shutdown.d/1", "echo post")
    };
    let tree = hooks(Tree::new())
        .script("etc/my_init.d/a", "sleep 100 &")
        .script("etc/my_init.d/b", "exit 3");
    tree.run(&["true"]).expect(1).in_order(&[
        "b failed with status 3",
        "pre\n",
        "post\n",
        "Killing",
    ]);
    let tree = hooks(Tree::new()).script("etc/my_init.d/a", "echo here; exec sleep 100");
    let mut running = tree.start(&["true"]);
    running.until("here\n");
    running.signal(TERM);
    running
        .end()
        .expect(143)
        .in_order(&["Aborting", "pre\n", "post\n", "aborted"]);
    // Nothing was started that they could end.
    hooks(Tree::new())
        .run(&["--enable-insecure-key", "true"])
        .expect(1)
        .without("pre\n");
}

#[test]
#[ignore = "needs root"]
fn a_hook_that_hangs_is_asked_then_killed() {
    let tree = Tree::new()
        .script(
            "etc/my_init.pre_shutdown.d/1",
            "trap 'echo trapped; exit 0' TERM; while :; do sleep 0.02; done",
        )
        .script(
            "etc/my_init.pre_shutdown.d/2",
            "trap '' TERM; while :; do sleep 0.1; done",
        )
        .script("etc/my_init.post_shutdown.d/1", "echo post")
        .variable("SHUTDOWN_HOOK_TIMEOUT", "1")
        .variable("KILL_PROCESS_TIMEOUT", "1");
    tree.run(&["true"]).expect(1).in_order(&[
        "*** Shutting down /etc/my_init.pre_shutdown.d/1 (PID ",
        "trapped\n",
        "*** Shutting down /etc/my_init.pre_shutdown.d/2 (PID ",
        "*** /etc/my_init.pre_shutdown.d/2 (PID ",
        "did not shut down in time. Forcing it to exit.\n",
        "post\n",
    ]);
}

#[test]
#[ignore = "needs root"]
fn asked_twice_a_hook_is_killed_and_the_rest_still_happens() {
    let tree = Tree::new()
        .script(
            "etc/my_init.pre_shutdown.d/1",
            "trap '' TERM; echo hanging; while :; do sleep 0.1; done",
        )
        .script("etc/my_init.pre_shutdown.d/2", "echo second")
        .script("etc/my_init.post_shutdown.d/1", "echo post");
    let mut running = tree.start(&["sh", "-c", "exit 4"]);
    running.until("hanging\n");
    // The first only tells that somebody wants it; the shutdown is under way by itself.
    running.signal(TERM);
    running.signal(2);
    running
        .end()
        .expect(4)
        .in_order(&["Forcing it to exit", "second\n", "post\n"]);
}

#[test]
#[ignore = "needs root"]
fn hooks_can_trap_signals() {
    let tree = Tree::new().script(
        "etc/my_init.pre_shutdown.d/1",
        "trap 'echo trapped' USR1; kill -USR1 $$; echo after",
    );
    tree.run(&["true"])
        .expect(0)
        .in_order(&["trapped\n", "after\n"]);
}

#[test]
#[ignore = "needs root"]
fn what_ignores_term_is_killed_after_its_grace() {
    let tree = Tree::new()
        .script(
            "etc/my_init.d/a",
            "setsid sh -c 'trap \"\" TERM; while :; do sleep 0.1; done' >/dev/null 2>&1 &",
        )
        .variable("KILL_ALL_PROCESSES_TIMEOUT", "1");
    tree.run(&["--skip-runit", "sleep", "0.1"])
        .expect(0)
        .in_order(&[
            "*** Killing all processes...\n",
            "*** Not all processes have exited in time. Forcing them to exit.\n",
        ]);
}

#[test]
#[ignore = "needs root"]
fn what_is_stopped_gets_the_term_it_was_sent() {
    let tree = Tree::new().script(
        "etc/my_init.d/a",
        "setsid sh -c 'trap \"echo daemon over; exit\" TERM; kill -STOP $$; sleep 100' &",
    );
    tree.run(&["--skip-runit", "sleep", "0.2"])
        .expect(0)
        .without("Forcing")
        .in_order(&["Killing all", "daemon over\n"]);
}

#[test]
#[ignore = "needs root"]
fn others_can_be_left_alone() {
    let tree = Tree::new().script(
        "etc/my_init.d/a",
        "setsid sh -c 'trap \"echo daemon heard\" TERM; while :; do sleep 0.02; done' &",
    );
    tree.run(&["--skip-runit", "--no-kill-all-on-exit", "sleep", "0.1"])
        .expect(0)
        .without("Killing all")
        .without("heard");
}
