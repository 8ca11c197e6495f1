//! Ctrl-C, Ctrl-Z and who is in the foreground, on a real terminal.

use std::process::Command;

use crate::support::pid1::{Ended, Running, Tree};
use crate::support::workspace;

const CTRL_C: &str = r"type \x03";
const CTRL_Z: &str = r"type \x1a";

/// Runs `words` as PID 1 of `tree` on a terminal.
#[track_caller]
fn on_terminal(tree: &Tree, steps: &[&str], words: &[&str]) -> Ended {
    let inner = tree.command(words);
    let mut command = Command::new("python3");
    command
        .arg(workspace().join("tests/init/terminal.py"))
        .args(steps)
        .arg("--")
        .arg(inner.get_program())
        .args(inner.get_args())
        .stdin(std::process::Stdio::null());
    for (name, value) in inner.get_envs() {
        command.env(name, value.unwrap());
    }
    Running::new(&mut command).end()
}

#[test]
#[ignore = "needs root"]
fn ctrl_c_reaches_the_main_command_and_nobody_else() {
    let tree = Tree::new().service(
        "web",
        "trap 'echo web got int' INT; trap 'echo web got term; exit' TERM; echo web up; \
         while :; do sleep 0.02; done",
    );
    let script = "trap 'echo main got int; exit 7' INT; sleep 0.2; echo $((40+2)) ready; \
                  while :; do sleep 0.02; done";
    on_terminal(
        &tree,
        &["see web up", "see 42 ready", CTRL_C],
        &["/sbin/my_init", "sh", "-c", script],
    )
    .expect(7)
    .without("web got int")
    // Nobody asked us to stop: the command ended by itself.
    .without("Init system aborted")
    .in_order(&[
        "main got int\n",
        "sh exited with status 7.\n",
        "web got term\n",
    ]);
}

#[test]
#[ignore = "needs root"]
fn ctrl_c_without_a_command_stops_the_services_in_order() {
    let tree = Tree::new().service(
        "web",
        "trap 'echo web got int' INT; trap 'echo web got term; exit' TERM; echo web up; \
         while :; do sleep 0.02; done",
    );
    on_terminal(&tree, &["see web up", CTRL_C], &["/sbin/my_init"])
        .expect(0)
        .without("web got int")
        .without("Runit was killed")
        .in_order(&[
            "web got term\n",
            "Shutting down runit daemon",
            "Killing all",
        ]);
}

/// tini stays stopped for good.
#[test]
#[ignore = "needs root"]
fn ctrl_z_on_a_command_that_is_no_shell_does_not_stop_the_container_for_good() {
    let script =
        "trap 'echo went on; exit 6' CONT; echo $((40+2)) ready; while :; do sleep 0.02; done";
    on_terminal(
        &Tree::new(),
        &["see 42 ready", CTRL_Z],
        &["/sbin/my_init", "--skip-runit", "sh", "-c", script],
    )
    .expect(6)
    .in_order(&[
        "*** sh was stopped by signal 20 (SIGTSTP), and nobody else could continue it. Continuing it.\n",
        "went on\n",
    ]);
}

#[test]
#[ignore = "needs root"]
fn a_shell_has_job_control() {
    on_terminal(
        &Tree::new(),
        &[
            "see # ",
            // The shell gives the terminal to its job, which says when it has it.
            r"type sh -c 'echo $((40+2)) up; read x; echo $((40+3)) $x'\n",
            "see 42 up",
            r"type \x1a",
            "see Stopped",
            "see # ",
            r"type fg\n",
            "see sh -c",
            r"type on\n",
            "see 43 on",
            r"type exit 5\n",
        ],
        &["/sbin/my_init", "--skip-runit", "bash", "--norc", "-i"],
    )
    .without("no job control")
    .without("cannot set terminal process group")
    .without("SIGTSTP)")
    .expect(5);
}

#[test]
#[ignore = "needs root"]
fn the_terminal_comes_back_for_the_hooks() {
    let tree = Tree::new().script(
        "etc/my_init.pre_shutdown.d/ask",
        "echo hook asks; read answer; echo \"hook got $answer\"",
    );
    on_terminal(
        &tree,
        &["see hook asks", r"type yes\n", "see hook got yes"],
        &["/sbin/my_init", "sh", "-c", "exit 3"],
    )
    .expect(3);
    // A startup file can ask too, and so can the main command.
    let tree = Tree::new().script(
        "etc/my_init.d/ask",
        "echo script asks; read answer; echo \"script got $answer\"",
    );
    on_terminal(
        &tree,
        &[
            "see script asks",
            r"type one\n",
            "see script got one",
            "see main asks",
            r"type two\n",
        ],
        &[
            "/sbin/my_init",
            "--skip-runit",
            "sh",
            "-c",
            "echo main asks; read answer; [ $answer = two ]",
        ],
    )
    .expect(0);
}

#[test]
#[ignore = "needs root"]
fn ctrl_c_and_ctrl_z_in_a_startup_file() {
    let tree = Tree::new().script("etc/my_init.d/a", "echo here; sleep 100");
    on_terminal(&tree, &["see here", CTRL_C], &["/sbin/my_init", "true"])
        .expect(130)
        .in_order(&["Init system aborted"]);
    // Its process group has nobody outside who could continue it, so the kernel does not stop it.
    let tree = Tree::new().script(
        "etc/my_init.d/a",
        "echo here; read line; echo \"got $line\"",
    );
    on_terminal(
        &tree,
        &["see here", CTRL_Z, r"type on\n", "see got on"],
        &["/sbin/my_init", "echo", "main"],
    )
    .expect(0)
    .in_order(&["main\n"]);
}

/// Not PID 1, started by a shell that does job control: a job like any other.
#[test]
#[ignore = "needs root"]
fn under_a_shell_ctrl_z_stops_it_and_fg_brings_it_back() {
    on_terminal(
        &Tree::new(),
        &[
            "see # ",
            r"type my_init --skip-runit sh -c 'echo $((40+2)) ready; exec sleep 100'\n",
            "see 42 ready",
            CTRL_Z,
            "see Stopped",
            "see # ",
            r"type bg\n",
            "see &",
            "see # ",
            r"type fg\n",
            "see my_init",
            CTRL_C,
            "see killed by signal 2 (SIGINT)",
            r"type echo status=$?\n",
            "see status=130",
            r"type exit 4\n",
        ],
        &["/bin/bash", "--norc", "-i"],
    )
    .expect(4);
}

#[test]
#[ignore = "needs root"]
fn under_a_shell_a_startup_file_is_stopped_and_brought_back_too() {
    let tree = Tree::new().script(
        "etc/my_init.d/a",
        "echo $((40+2)) here; read line; echo \"got $line\"",
    );
    on_terminal(
        &tree,
        &[
            "see # ",
            r"type my_init --skip-runit echo main\n",
            "see 42 here",
            CTRL_Z,
            "see Stopped",
            r"type fg\n",
            "see my_init",
            r"type on\n",
            "see got on",
            r"type exit 4\n",
        ],
        &["/bin/bash", "--norc", "-i"],
    )
    .expect(4)
    .in_order(&["main\n"]);
}
