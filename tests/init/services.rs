//! runit's services: up, down, and everything that can happen to them meanwhile.

use crate::support::pid1::Tree;

const TERM: i32 = 15;

#[test]
#[ignore = "needs root"]
fn services_are_stopped_by_term_and_their_finish_is_run() {
    let tree = Tree::new()
        .service(
            "a",
            "trap 'echo a got term; exit 0' TERM; echo a up; while :; do sleep 0.02; done",
        )
        .script("etc/service/a/finish", "echo a finished $1 $2")
        .service("b", "echo b up; exec sleep 100")
        .script(
            "etc/my_init.post_shutdown.d/h",
            "ps ax | grep -c '[r]unsv' || true",
        );
    let mut running = tree.start(&[]);
    running.until_all(&["a up\n", "b up\n"], 1);
    running.signal(TERM);
    running.end().expect(0).without("Forcing").in_order(&[
        "a got term\n",
        "a finished 0 0\n",
        "*** Shutting down runit daemon (PID ",
        // The supervisors are gone when the hooks behind them run.
        "*** Running /etc/my_init.post_shutdown.d/h...\n0\n",
        "*** Killing all processes...\n",
    ]);
}

#[test]
#[ignore = "needs root"]
fn a_service_that_ignores_term_is_killed_by_name_after_its_grace() {
    let tree = Tree::new()
        .service(
            "stubborn",
            "trap '' TERM; echo up; while :; do sleep 0.1; done",
        )
        .service(
            "obedient",
            "trap 'echo obeyed; exit' TERM; echo up; while :; do sleep 0.02; done",
        )
        .variable("KILL_PROCESS_TIMEOUT", "1");
    let mut running = tree.start(&[]);
    running.until_all(&["up\n"], 2);
    running.signal(TERM);
    running.end().expect(0).without("obedient (PID").in_order(&[
        "obeyed\n",
        "*** stubborn (PID ",
        "did not shut down in time. Forcing it to exit.\n",
        "*** Shutting down runit daemon",
    ]);
}

#[test]
#[ignore = "needs root"]
fn asked_twice_stubborn_services_are_killed_at_once() {
    let tree = Tree::new()
        .service(
            "web",
            "trap 'echo heard' TERM; echo up; while :; do sleep 0.02; done",
        )
        .variable("KILL_PROCESS_TIMEOUT", "1000");
    let mut running = tree.start(&[]);
    running.until("up\n");
    running.signal(TERM);
    running.until("heard\n");
    running.signal(TERM);
    running
        .end()
        .expect(0)
        .in_order(&["*** web (PID ", "Forcing it"]);
}

#[test]
#[ignore = "needs root"]
fn services_that_crash_are_down_or_odd_do_not_hold_the_shutdown_up() {
    let tree = Tree::new()
        .service("crashing", "echo crash; exit 1")
        .service("down", "echo never; exec sleep 100")
        .file("etc/service/down/down", "", 0o644)
        .folder("etc/service/empty")
        .file("etc/service/file", "", 0o644)
        .link("etc/service/dangling", "/nowhere")
        .link("etc/service/linked", "/x/linked")
        .script("x/linked/run", "echo linked up; exec sleep 100")
        .service(".hidden", "echo never")
        .file("etc/service/no-exec/run", "#!/bin/sh\n", 0o644)
        .service("paused", "echo paused up; exec sleep 100")
        .script(
            "etc/service/own-control/control/t",
            "echo own control; kill -KILL $(cat supervise/pid)",
        )
        .service(
            "own-control",
            "trap '' TERM; echo own up; while :; do sleep 0.1; done",
        );
    let mut running = tree.start(&[]);
    running.until_all(&["crash\n"], 2);
    running.until_all(&["linked up\n", "paused up\n", "own up\n"], 1);
    running.signal(TERM);
    running
        .end()
        .expect(0)
        .without("never")
        .without("Forcing")
        .in_order(&["own control\n", "Killing all"]);
}

#[test]
#[ignore = "needs root"]
fn services_may_appear_and_vanish_during_the_shutdown() {
    let tree = Tree::new()
        .service(
            "slow",
            "trap 'echo slow heard; mkdir /etc/service/late; cp /x/late /etc/service/late/run; \
             rm -rf /etc/service/vanishing; sleep 6; echo slow over; exit' TERM; \
             echo slow up; while :; do sleep 0.02; done",
        )
        .script("x/late", "echo late up; exec sleep 100")
        .service(
            "vanishing",
            "trap 'sleep 1; exit' TERM; echo vanishing up; while :; do sleep 0.02; done",
        )
        .variable("KILL_PROCESS_TIMEOUT", "20");
    let mut running = tree.start(&[]);
    running.until_all(&["slow up\n", "vanishing up\n"], 1);
    running.signal(TERM);
    // runsvdir finds the late one within 5 s; it is taken down like the others, or never begins.
    running.end().expect(0).without("Forcing").in_order(&[
        "slow heard\n",
        "slow over\n",
        "*** Shutting down runit daemon",
    ]);
}

#[test]
#[ignore = "needs root"]
fn a_log_gets_all_that_its_service_wrote_last() {
    let tree = Tree::new()
        .service(
            "web",
            "trap 'echo last words; exit' TERM; echo up; while :; do sleep 0.02; done",
        )
        .script(
            "etc/service/web/log/run",
            "while read line; do sleep 0.1; echo \"log: $line\" >&2; done; echo log over >&2",
        );
    let mut running = tree.start(&[]);
    running.until("log: up\n");
    running.signal(TERM);
    running.end().expect(0).without("Forcing").in_order(&[
        "log: last words\n",
        "log over\n",
        "*** Killing all",
    ]);
}

#[test]
#[ignore = "needs root"]
fn a_log_that_does_not_end_is_killed_after_a_grace() {
    let tree = Tree::new()
        .service("web", "echo up; exec sleep 100")
        .script(
            "etc/service/web/log/run",
            "trap '' TERM; while :; do read line && echo \"log: $line\" >&2; sleep 0.1; done",
        )
        .script("etc/my_init.post_shutdown.d/h", "echo hook")
        .variable("KILL_PROCESS_TIMEOUT", "1");
    let mut running = tree.start(&[]);
    running.until("log: up\n");
    running.signal(TERM);
    running
        .end()
        .expect(0)
        .in_order(&["hook\n", "*** Killing all"]);
}

#[test]
#[ignore = "needs root"]
fn a_finish_that_hangs_is_not_waited_for_for_ever() {
    let tree = Tree::new()
        .service("web", "echo up; exec sleep 100")
        .script(
            "etc/service/web/finish",
            "echo finishing; trap '' TERM; while :; do sleep 0.1; done",
        )
        .variable("KILL_PROCESS_TIMEOUT", "1")
        .variable("KILL_ALL_PROCESSES_TIMEOUT", "1");
    let mut running = tree.start(&[]);
    running.until("up\n");
    running.signal(TERM);
    running
        .end()
        .expect(0)
        .in_order(&["finishing\n", "*** Killing all"]);
}

/// The reference does not notice.
#[test]
#[ignore = "needs root"]
fn runsvdir_that_dies_is_noticed_and_the_command_goes_on() {
    let tree = Tree::new().service(
        "web",
        "trap 'echo web got term; exit' TERM; echo up; while :; do sleep 0.02; done",
    );
    let script = "sleep 0.3; kill -9 $(pgrep runsvdir); sleep 0.2; echo still here; exit 4";
    let mut running = tree.start(&["sh", "-c", script]);
    running.until("up\n");
    // Its supervisors live on, and their services are still taken down in order.
    running.end().expect(4).in_order(&[
        "*** Runit was killed by signal 9 (SIGKILL).\n",
        "still here\n",
        "*** sh exited with status 4.\n",
        "web got term\n",
        "*** Killing all processes...\n",
    ]);
}

#[test]
#[ignore = "needs root"]
fn twenty_services_stop_together() {
    let mut tree = Tree::new();
    for nth in 0..20 {
        let body =
            format!("trap 'echo over {nth}; exit' TERM; echo up; while :; do sleep 0.02; done");
        tree = tree.service(&format!("s{nth}"), &body);
    }
    let mut running = tree.start(&[]);
    running.until_all(&["up\n"], 20);
    running.signal(TERM);
    let ended = running.end().expect(0).without("Forcing");
    assert_eq!(ended.text.matches("over ").count(), 20, "{}", ended.text);
}

#[test]
#[ignore = "needs root"]
fn sv_keeps_working() {
    let tree = Tree::new().service("web", "echo up; exec sleep 100");
    tree.run(&[
        "sh",
        "-c",
        "sleep 0.2; sv stop web; sv start web; sv status web",
    ])
    .expect(0)
    .in_order(&["ok: down: web", "ok: run: web", "run: web"]);
}

#[test]
#[ignore = "needs root"]
fn the_service_folder_may_be_a_link_as_debian_s_is() {
    let tree = Tree::new()
        .service(
            "web",
            "trap 'echo over; exit' TERM; echo up; while :; do sleep 0.02; done",
        )
        .prepared(
            "mv $TREE/root/etc/service $TREE/root/etc/runit/runsvdir/mine; \
             ln -s runit/runsvdir/mine $TREE/root/etc/service",
        );
    let mut running = tree.start(&[]);
    running.until("up\n");
    running.signal(TERM);
    running
        .end()
        .expect(0)
        .without("Forcing")
        .in_order(&["over\n"]);
}
