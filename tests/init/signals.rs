//! Signals: forwarded, asked to stop by, and in between.

use crate::support::pid1::Tree;

const TERM: i32 = 15;
const INT: i32 = 2;

/// A main command that says which signals it gets, and ends on TERM only when told to.
fn listener(signals: &str) -> String {
    format!(
        "for s in {signals}; do trap \"echo got $s\" $s; done; echo ready; \
         while :; do sleep 0.02; done"
    )
}

#[test]
#[ignore = "needs root"]
fn signals_are_forwarded_to_the_main_command() {
    let tree = Tree::new();
    let mut running = tree.start(&[
        "--skip-runit",
        "sh",
        "-c",
        &listener("1 3 10 12 18 28 34 35 64"),
    ]);
    running.until("ready\n");
    for signal in [1, 3, 10, 12, 18, 28, 34, 35, 64] {
        running.signal(signal);
        running.until(&format!("got {signal}\n"));
    }
    // Others are not.
    for signal in [13, 14, 20, 23, 29] {
        running.signal(signal);
    }
    running.signal(1);
    running.until_all(&["got 1\n"], 2);
    running.signal(9);
}

#[test]
#[ignore = "needs root"]
fn asked_to_stop_the_status_is_the_command_s_own() {
    let tree = Tree::new();
    for (name, signal, status) in [("TERM", TERM, 7), ("INT", INT, 8), ("37", 37, 9)] {
        let script =
            format!("trap 'exit {status}' {name}; echo ready; while :; do sleep 0.02; done");
        let mut running = tree.start(&["sh", "-c", &script]);
        running.until("ready\n");
        running.signal(signal);
        running.end().expect(status).in_order(&[
            "*** Shutting down sh (PID ",
            &format!("*** sh exited with status {status}.\n"),
            "*** Shutting down runit daemon (PID ",
            "*** Init system aborted.\n",
            "*** Killing all processes...\n",
        ]);
    }
    // Without a handler, by the signal that asked.
    let mut running = tree.start(&["--skip-runit", "sh", "-c", "echo ready; exec sleep 100"]);
    running.until("ready\n");
    running.signal(TERM);
    running.end().expect(143);
}

/// SIGTERM at once would cut short what a program does on SIGINT.
#[test]
#[ignore = "needs root"]
fn after_int_comes_term_with_half_of_the_grace() {
    let tree = Tree::new().variable("KILL_PROCESS_TIMEOUT", "1");
    let script = "trap 'echo int' INT; trap 'echo term; exit 5' TERM; echo ready; \
                  while :; do sleep 0.02; done";
    let mut running = tree.start(&["--skip-runit", "sh", "-c", script]);
    running.until("ready\n");
    running.signal(INT);
    running.end().expect(5).in_order(&["int\n", "term\n"]);
}

#[test]
#[ignore = "needs root"]
fn a_main_command_that_ignores_term_is_killed_after_its_grace() {
    let tree = Tree::new().variable("KILL_PROCESS_TIMEOUT", "1");
    let mut running = tree.start(&[
        "--skip-runit",
        "sh",
        "-c",
        "trap '' TERM; echo ready; while :; do sleep 0.1; done",
    ]);
    running.until("ready\n");
    running.signal(TERM);
    running.end().expect(137).in_order(&[
        "*** sh (PID ",
        "did not shut down in time. Forcing it to exit.\n",
        "*** sh was killed by signal 9 (SIGKILL).\n",
    ]);
}

#[test]
#[ignore = "needs root"]
fn a_grace_of_zero_means_kill() {
    let tree = Tree::new().variable("KILL_PROCESS_TIMEOUT", "0");
    let mut running = tree.start(&[
        "--skip-runit",
        "sh",
        "-c",
        "trap '' TERM; echo ready; while :; do sleep 0.1; done",
    ]);
    running.until("ready\n");
    running.signal(TERM);
    running.end().expect(137).in_order(&["Forcing it to exit"]);
}

#[test]
#[ignore = "needs root"]
fn asked_twice_the_grace_is_over() {
    for second in [TERM, INT] {
        // The grace is longer than the test may take.
        let tree = Tree::new()
            .variable("KILL_PROCESS_TIMEOUT", "1000")
            .script("etc/my_init.post_shutdown.d/h", "echo hook");
        let mut running = tree.start(&[
            "sh",
            "-c",
            "trap 'echo heard' TERM; echo ready; while :; do sleep 0.02; done",
        ]);
        running.until("ready\n");
        running.signal(TERM);
        running.until("heard\n");
        running.signal(second);
        // Later stages still happen.
        running
            .end()
            .expect(137)
            .in_order(&["Forcing it to exit", "hook\n", "Killing all"]);
    }
}

#[test]
#[ignore = "needs root"]
fn a_stopped_main_command_gets_the_term_it_was_sent() {
    let tree = Tree::new().variable("KILL_PROCESS_TIMEOUT", "1000");
    let script = "trap 'echo term; exit 5' TERM; echo ready; kill -STOP $$; \
                  while :; do sleep 0.02; done";
    let mut running = tree.start(&["--skip-runit", "sh", "-c", script]);
    running.until("ready\n");
    // STOP came after the line; a moment for it to be noticed is not needed, as both orders work.
    running.signal(TERM);
    running.end().expect(5).in_order(&["term\n"]);
}

#[test]
#[ignore = "needs root"]
fn a_stopped_main_command_stays_so_until_cont_is_forwarded() {
    let tree = Tree::new();
    let script = "echo ready; kill -STOP $$; echo went on; exit 6";
    let mut running = tree.start(&["--skip-runit", "sh", "-c", script]);
    running.until("ready\n");
    while !running.text().contains("went on") {
        running.signal(18);
        std::thread::sleep(std::time::Duration::from_millis(5));
        if running_is_over(&running) {
            break;
        }
    }
    running.end().expect(6).in_order(&["went on\n"]);
}

fn running_is_over(running: &crate::support::pid1::Running) -> bool {
    running.text().contains("Killing all")
}

#[test]
#[ignore = "needs root"]
fn without_a_command_term_int_quit_and_halt_end_the_container() {
    for signal in [TERM, INT, 3, 37] {
        let tree = Tree::new().service("web", "echo up; exec sleep 100");
        let mut running = tree.start(&[]);
        running.until("up\n");
        // What would be forwarded has nobody to be forwarded to.
        for other in [1, 10, 12, 28, 40] {
            running.signal(other);
        }
        running.signal(signal);
        running
            .end()
            .expect(0)
            .without("Init system aborted")
            .in_order(&["*** Shutting down runit daemon (PID ", "*** Killing all"]);
    }
}

#[test]
#[ignore = "needs root"]
fn quit_is_forwarded_and_stops_nobody_else() {
    let tree = Tree::new();
    let mut running = tree.start(&["--skip-runit", "sh", "-c", &listener("3")]);
    running.until("ready\n");
    running.signal(3);
    running.until("got 3\n");
    assert!(
        !running.text().contains("Shutting down"),
        "{}",
        running.text()
    );
}

#[test]
#[ignore = "needs root"]
fn asked_at_each_stage_of_the_boot_the_status_is_128_and_the_signal() {
    let slow = "echo here; sleep 100 & wait";
    #[rustfmt::skip]
    let table: [(&str, &str, &[&str]); 4] = [
        ("key",        "usr/sbin/enable_insecure_key",   &["--enable-insecure-key"]),
        ("script",     "etc/my_init.d/a",                &[]),
        ("rc.local",   "etc/rc.local",                   &[]),
        ("workaround", "usr/bin/workaround-docker-2267", &[]),
    ];
    for (case, path, options) in table {
        for signal in [TERM, INT, 3, 37] {
            let tree = Tree::new().script(path, slow).file(
                "var/lib/workaround-docker-2267/journal",
                "",
                0o644,
            );
            let mut running = tree.start(options);
            running.until("here\n");
            running.signal(signal);
            running
                .end()
                .expect(128 + signal)
                .without("Booting")
                .in_order(&[
                    "*** An error occurred. Aborting.\n",
                    &format!("*** Shutting down /{path} (PID "),
                    "*** Init system aborted.\n",
                    "*** Killing all processes...\n",
                ]);
            println!("{case}, signal {signal}");
        }
    }
}

#[test]
#[ignore = "needs root"]
fn a_startup_file_that_ignores_term_is_killed_after_its_grace_or_when_asked_twice() {
    let script = "trap 'echo heard' TERM; echo here; while :; do sleep 0.02; done";
    for (grace, twice) in [("1", false), ("1000", true)] {
        let tree = Tree::new()
            .script("etc/my_init.d/a", script)
            .variable("KILL_PROCESS_TIMEOUT", grace);
        let mut running = tree.start(&["true"]);
        running.until("here\n");
        running.signal(TERM);
        running.until("heard\n");
        if twice {
            running.signal(TERM);
        }
        running
            .end()
            .expect(143)
            .in_order(&["/etc/my_init.d/a (PID ", "Forcing it to exit"]);
    }
}

/// To PID 1 the kernel delivers no signal that is neither blocked nor handled.
#[test]
#[ignore = "needs root"]
fn a_term_before_anything_else_is_not_lost() {
    let script = "trap 'echo told; exit' TERM; kill -TERM 1; sleep 100 & wait";
    let tree = Tree::new().script("etc/my_init.d/a", script);
    tree.run(&["true"])
        .expect(143)
        .in_order(&["Aborting", "told\n"]);
    // While the environment is being imported, before the first script: `sh` becomes my_init with
    // the signal on its way.
    for delay in ["0", "0.0005", "0.001", "0.002"] {
        let tree = Tree::new()
            .script("etc/my_init.d/a", "exec sleep 100")
            .prepared(&format!(
                "trap '' TERM; (sleep {delay}; kill -TERM 1) & trap - TERM"
            ));
        let mut running = tree.start(&["true"]);
        // Sent before the exec it may have come too early for anybody; then we send another.
        running.until("*** Running /etc/my_init.d/a");
        running.signal(TERM);
        running.end().expect(143);
    }
}
