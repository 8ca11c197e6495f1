//! From the first signal mask to the main command.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use crate::support::pid1::Tree;

#[test]
#[ignore = "needs root"]
fn startup_files_run_in_byte_order_and_rc_local_after_them() {
    let tree = Tree::new()
        .script("etc/my_init.d/b", "echo b \"$0\" $#")
        .script("etc/my_init.d/10", "echo 10")
        .script("etc/my_init.d/9", "echo 9")
        .script("etc/my_init.d/B", "echo B")
        .script("etc/my_init.d/\u{4e2d}", "echo utf8")
        .link("etc/my_init.d/linked", "/x/elsewhere")
        .script("x/elsewhere", "echo linked \"$0\"")
        .file("etc/my_init.d/not-executable", "#!/bin/sh\necho no", 0o644)
        .folder("etc/my_init.d/folder")
        .link("etc/my_init.d/dangling", "/nowhere")
        .script("etc/my_init.d/.hidden", "echo hidden")
        .script("etc/rc.local", "echo local");
    tree.run(&["--skip-runit", "echo", "main"])
        .expect(0)
        .without("no\n")
        .in_order(&[
            "*** Running /etc/my_init.d/.hidden...\nhidden\n",
            "*** Running /etc/my_init.d/10...\n10\n",
            "*** Running /etc/my_init.d/9...\n9\n",
            "*** Running /etc/my_init.d/B...\nB\n",
            "*** Running /etc/my_init.d/b...\nb /etc/my_init.d/b 0\n",
            "*** Running /etc/my_init.d/linked...\nlinked /etc/my_init.d/linked\n",
            "utf8\n",
            "*** Running /etc/rc.local...\nlocal\n",
            "*** Running echo main...\nmain\n",
        ]);
}

#[test]
#[ignore = "needs root"]
fn the_folder_of_the_startup_files_can_be_another() {
    let tree = Tree::new()
        .script("etc/my_init.d/a", "echo usual")
        .script("x/d/a", "echo other")
        .variable("ENV_INIT_DIRECTORY", "/x/d/");
    tree.run(&["--skip-runit", "true"])
        .expect(0)
        .without("usual")
        .in_order(&["other"]);
}

#[test]
#[ignore = "needs root"]
fn a_startup_file_that_fails_stops_the_boot() {
    #[rustfmt::skip]
    let table = [
        ("#!/bin/sh\nexit 3\n",              "*** /etc/my_init.d/a failed with status 3\n\n"),
        ("#!/bin/sh\nkill -9 $$\n",          "*** /etc/my_init.d/a was killed by signal 9 (SIGKILL).\n\n"),
        ("#!/bin/sh\nkill -TERM $$\n",       "*** /etc/my_init.d/a was killed by signal 15 (SIGTERM).\n\n"),
        ("#!/no/such/interpreter\n",         "*** cannot run /etc/my_init.d/a: its interpreter (the `#!` line) or its loader does not exist\n\n"),
    ];
    for (content, line) in table {
        let tree = Tree::new()
            .file("etc/my_init.d/a", content, 0o755)
            .script("etc/my_init.d/b", "echo never")
            .service("web", "echo never; sleep 100");
        tree.run(&["echo", "never"])
            .expect(1)
            .without("never\n")
            .without("Booting")
            .in_order(&[line, "Killing all processes"]);
    }
}

/// The reference says status 127 (phusion #50, #213).
#[test]
#[ignore = "needs root"]
fn a_startup_file_without_interpreter_line_is_run_by_the_shell() {
    let tree = Tree::new()
        .file("etc/my_init.d/a", "echo \"by $0\"\n", 0o755)
        .file("etc/my_init.d/b", "", 0o755)
        .file("etc/rc.local", "echo local\n", 0o755);
    tree.run(&["--skip-runit", "echo", "main"])
        .expect(0)
        .in_order(&["by /etc/my_init.d/a\n", "local\n", "main\n"]);
}

#[test]
#[ignore = "needs root"]
fn a_startup_file_may_leave_a_daemon_behind() {
    let tree = Tree::new().script(
        "etc/my_init.d/a",
        "(sleep 100 & exec sleep 100) </dev/null >/dev/null 2>&1 & (exit 0) & exit 0",
    );
    // Both live on, beside the main command, and nothing is left a zombie.
    tree.run(&[
        "--skip-runit",
        "sh",
        "-c",
        "sleep 0.1; ps -o stat=,args= ax",
    ])
    .expect(0)
    .without("Z ")
    .in_order(&["sleep 100", "sleep 100"]);
}

#[test]
#[ignore = "needs root"]
fn the_environment_follows_the_folder_after_each_startup_file() {
    let tree = Tree::new()
        .file("etc/container_environment/FROM_FILE", "1\n", 0o644)
        .file("etc/container_environment/BOTH", "file", 0o644)
        .variable("BOTH", "process")
        .variable("HOME", "/root")
        .script(
            "etc/my_init.d/a",
            "echo \"a: $FROM_FILE $BOTH $HOME\"\n\
             echo changed >/etc/container_environment/FROM_FILE\n\
             echo new >/etc/container_environment/NEW\n\
             rm /etc/container_environment/BOTH",
        )
        .script(
            "etc/my_init.d/b",
            "echo \"b: $FROM_FILE $NEW ${BOTH-gone} $HOME\"; cat /etc/container_environment.json",
        );
    tree.run(&["--skip-runit", "sh", "-c", "echo \"main: $NEW $HOME\""])
        .expect(0)
        .in_order(&[
            "a: 1 process /root\n",
            "b: changed new gone /root\n",
            "\"NEW\": \"new\"",
            "main: new /root\n",
        ]);
    // The dumps keep secrets from those who are not asked.
    let mode = fs::metadata(tree.path("etc/container_environment.sh"))
        .unwrap()
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o640);
}

#[test]
#[ignore = "needs root"]
fn services_get_the_environment_of_the_folder() {
    let tree = Tree::new()
        .file("etc/container_environment/FROM_FILE", "1\n", 0o644)
        .service("web", "echo \"web: $FROM_FILE\"; exec sleep 100");
    let mut running = tree.start(&[]);
    running.until("web: 1\n");
    running.signal(15);
    running.end().expect(0);
}

#[test]
#[ignore = "needs root"]
fn children_begin_with_default_dispositions_and_no_blocked_signal() {
    let show = "exec cat /proc/self/status";
    let tree = Tree::new()
        .script("etc/my_init.d/a", show)
        .script("etc/my_init.pre_shutdown.d/h", show)
        .service("web", &format!("{show}; sleep 100"))
        .prepared("trap '' PIPE HUP XFSZ INT TERM USR1 CHLD");
    let mut running = tree.start(&["sh", "-c", "sleep 0.2; exec cat /proc/self/status"]);
    // The startup file, the service and the main command.
    running.until_all(&["SigCgt:"], 3);
    let ended = running.end();
    for line in ["SigBlk:", "SigIgn:", "SigCgt:"] {
        let none = format!("{line}\t0000000000000000\n");
        let all = ended.text.matches(line).count();
        assert!(all >= 4, "{}", ended.text);
        assert_eq!(
            ended.text.matches(&none).count(),
            all,
            "{line} {}",
            ended.text
        );
    }
}

#[test]
#[ignore = "needs root"]
fn folder_umask_and_standard_input_are_inherited_and_nothing_of_ours_is() {
    let tree = Tree::new()
        .script(
            "etc/my_init.d/a",
            "pwd; umask; readlink /proc/self/fd/0; ls -l /proc/self/fd",
        )
        .prepared("umask 027");
    tree.run(&["--skip-runit", "true"])
        .expect(0)
        .in_order(&["/\n0027\n/dev/null\n"])
        // signalfd and inotify are such.
        .without("anon_inode");
}

#[test]
#[ignore = "needs root"]
fn a_startup_file_that_touches_the_services_does_not_make_them_wait() {
    let tree = Tree::new()
        .script("x/web", "echo up; exec sleep 100")
        .script(
            "etc/my_init.d/a",
            "mkdir /etc/service/web; ln -s /x/web /etc/service/web/run",
        )
        // What runsvdir compares with the clock.
        .script(
            "x/main",
            "[ $(stat -c %Y /etc/service) -lt $1 ] && echo aged; sleep 0.1",
        );
    tree.run(&["sh", "-c", "exec /x/main $(date +%s)"])
        .in_order(&["aged\n"]);
}

#[test]
#[ignore = "needs root"]
fn the_workaround_is_looked_after_where_it_is_in_force() {
    let workaround = "usr/bin/workaround-docker-2267";
    let journal = "var/lib/workaround-docker-2267/journal";
    let tree = Tree::new()
        .script(workaround, "echo \"called: $*\"")
        .script("etc/my_init.d/a", "echo script");
    // Installed, but not in force.
    tree.run(&["--skip-runit", "true"])
        .expect(0)
        .without("called");
    let tree = tree.file(journal, "", 0o644);
    tree.run(&["--skip-runit", "true"]).expect(0).in_order(&[
        "*** Running /usr/bin/workaround-docker-2267 ensure --merge-runtime...\n",
        "called: ensure --merge-runtime\n",
        "script\n",
    ]);
    // Its failure is a warning, and what it says is not the main command's output.
    let tree = tree.script(workaround, "echo noise; exit 3");
    tree.run(&["--quiet", "--skip-runit", "sh", "-c", "exit 0"])
        .expect(0)
        .in_order(&[
            "noise\n",
            "*** /usr/bin/workaround-docker-2267 failed with status 3. Going on.\n",
            "script\n",
        ]);
    let tree = tree.script(
        "x/quiet",
        "my_init --quiet --skip-runit true 2>/dev/null; echo over",
    );
    let running = tree.run(&[
        "--quiet",
        "--skip-startup-files",
        "--skip-runit",
        "/x/quiet",
    ]);
    assert_eq!(
        running.text.matches("noise\n").count(),
        1,
        "{}",
        running.text
    );
}

#[test]
#[ignore = "needs root"]
fn a_workaround_that_hangs_does_not_keep_the_container_from_starting() {
    let tree = Tree::new()
        .script("usr/bin/workaround-docker-2267", "exec sleep 1000")
        .file("var/lib/workaround-docker-2267/journal", "", 0o644);
    tree.run(&["--skip-runit", "echo", "main"])
        .expect(0)
        .in_order(&[
            "*** /usr/bin/workaround-docker-2267 (PID ",
            "did not shut down in time. Forcing it to exit.\n",
            "main\n",
        ]);
}

#[test]
#[ignore = "needs root"]
fn a_closed_or_full_log_is_no_reason_to_stop() {
    for (case, redirection) in [
        ("closed", "exec 2>&-"),
        ("full", "exec 2>/dev/full"),
        ("reader gone", "exec 2> >(:) || true"),
    ] {
        let redirection = if case == "reader gone" {
            // A pipe that nobody reads any more.
            "mkfifo $TREE/gone; sleep 0 <$TREE/gone & exec 2>$TREE/gone; wait"
        } else {
            redirection
        };
        let tree = Tree::new().prepared(redirection);
        tree.run(&["echo", "main"]).expect(0).in_order(&["main\n"]);
    }
}
