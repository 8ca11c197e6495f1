//! Options, and what is printed about them.

use crate::support::pid1::Tree;

#[test]
#[ignore = "needs root"]
fn help_and_version_go_to_standard_output_and_start_nothing() {
    let tree = Tree::new().script("etc/my_init.d/a", "echo started");
    for (words, begin) in [
        (
            &["--help"][..],
            "Usage: my_init [OPTIONS] [--] [MAIN_COMMAND ...]\n",
        ),
        (&["-h"], "Usage: "),
        (
            &["--version"],
            concat!("my_init ", env!("CARGO_PKG_VERSION"), "\n"),
        ),
        (&["--quiet", "--vers", "echo", "x"], "my_init "),
    ] {
        let ended = tree.run(words).expect(0).without("started");
        assert!(ended.text.starts_with(begin), "{words:?}: {}", ended.text);
    }
}

#[test]
#[ignore = "needs root"]
fn a_command_line_that_cannot_be_understood_is_2_with_usage() {
    let tree = Tree::new().script("etc/my_init.d/a", "echo started");
    for words in [&["--nope"][..], &["--skip"], &["-x", "ls"], &["--quiet=1"]] {
        tree.run(words)
            .expect(2)
            .without("started")
            .in_order(&["Usage: my_init", "see my_init --help"]);
    }
}

/// The reference takes `-l` for its own and fails.
#[test]
#[ignore = "needs root"]
fn options_of_the_command_are_the_command_s() {
    let tree = Tree::new();
    for (words, printed) in [
        (
            &["--skip-runit", "echo", "-l", "--quiet"][..],
            "\n-l --quiet\n",
        ),
        (&["--skip-r", "--", "echo", "a", "--", "b"], "\na -- b\n"),
        (&["--skip-r", "--q", "echo", "a", "--", "b"], "a -- b\n"),
        (
            &["--skip-r", "--q", "--", "--", "x"],
            "cannot run --: No such file",
        ),
    ] {
        tree.run(words).in_order(&[printed]);
    }
}

#[test]
#[ignore = "needs root"]
fn skip_runit_needs_a_command() {
    let ended = Tree::new().run(&["--skip-runit"]).expect(1);
    assert_eq!(
        ended.text,
        "*** When --skip-runit is given, you must also pass a main command.\n"
    );
}

#[test]
#[ignore = "needs root"]
fn a_start_says_what_it_does_and_quiet_says_nothing_of_it() {
    let tree = Tree::new().script("etc/my_init.d/10_a", "echo a");
    let ended = tree.run(&["echo", "hello", "world"]).expect(0);
    let text: String = ended
        .text
        .lines()
        .map(|line| {
            // PIDs differ from run to run.
            let digits = |c: char| if c.is_ascii_digit() { 'N' } else { c };
            let line: String = line.chars().map(digits).collect();
            line.replace("NN", "N").replace("NN", "N") + "\n"
        })
        .collect();
    assert_eq!(
        text,
        "*** Running /etc/my_init.d/N_a...\n\
         a\n\
         *** Booting runit daemon...\n\
         *** Runit started as PID N\n\
         *** Running echo hello world...\n\
         hello world\n\
         *** echo exited with status N.\n\
         *** Shutting down runit daemon (PID N)...\n\
         *** Killing all processes...\n"
    );
    let ended = tree.run(&["--quiet", "echo", "hello"]).expect(0);
    assert_eq!(ended.text, "a\nhello\n");
}

/// An image with ENTRYPOINT inherits the CMD of its base (phusion #122).
#[test]
#[ignore = "needs root"]
fn my_init_as_its_own_command_is_not_started_twice() {
    let tree = Tree::new();
    for inner in ["/sbin/my_init", "my_init", "/usr/sbin/my_init"] {
        let words = [
            "--skip-startup-files",
            inner,
            "--skip-runit",
            "--",
            "sh",
            "-c",
            "echo $$ $PPID; exit 3",
        ];
        let ended = tree.run(&words).expect(3).without("Booting");
        assert!(ended.text.contains(" 1\n"), "{inner}: {}", ended.text);
        assert_eq!(ended.text.matches("once more").count(), 1, "{}", ended.text);
    }
    // Thrice, and a fault of the inner one.
    let words = [
        "my_init",
        "my_init",
        "--skip-runit",
        "my_init",
        "--quiet",
        "true",
    ];
    let ended = tree.run(&words).expect(0);
    assert_eq!(ended.text.matches("once more").count(), 1, "{}", ended.text);
    tree.run(&["my_init", "--nope"]).expect(2);
}

#[test]
#[ignore = "needs root"]
fn startup_files_can_be_skipped() {
    let tree = Tree::new()
        .script("etc/my_init.d/a", "echo script")
        .script("etc/rc.local", "echo local");
    tree.run(&["--skip-startup-files", "true"])
        .expect(0)
        .without("script")
        .without("local");
}

#[test]
#[ignore = "needs root"]
fn the_insecure_key_comes_first_and_its_failure_is_the_end() {
    let tree = Tree::new()
        .script("usr/sbin/enable_insecure_key", "echo key; exit $STATUS")
        .script("etc/my_init.d/a", "echo script")
        .variable("STATUS", "0");
    tree.run(&["--enable-insecure-key", "true"])
        .expect(0)
        .in_order(&[
            "*** Installing insecure SSH key for user root\n",
            "key\n",
            "script\n",
        ]);
    let tree = tree.variable("STATUS", "7");
    tree.run(&["--enable-insecure-key", "true"])
        .expect(1)
        .without("script")
        .in_order(&[
            "key\n",
            "*** /usr/sbin/enable_insecure_key failed with status 7\n\n",
        ]);
    Tree::new()
        .run(&["--enable-insecure-key", "true"])
        .expect(1)
        .in_order(&["cannot run /usr/sbin/enable_insecure_key: No such file"]);
}

#[test]
#[ignore = "needs root"]
fn settings_that_are_no_numbers_are_one_warning_each_and_the_default() {
    let tree = Tree::new()
        .variable("KILL_PROCESS_TIMEOUT", "soon")
        .variable("KILL_ALL_PROCESSES_TIMEOUT", "-3");
    tree.run(&["--quiet", "--skip-runit", "true"]).expect(0).in_order(&[
        "*** KILL_PROCESS_TIMEOUT is \"soon\", which is not a whole number of seconds. Using 5.\n",
        "*** KILL_ALL_PROCESSES_TIMEOUT is \"-3\", which is not a whole number of seconds. Using 2.\n",
    ]);
}

#[test]
#[ignore = "needs root"]
fn a_check_tells_what_a_start_would_do_and_changes_nothing() {
    let tree = Tree::new()
        .script("etc/my_init.d/20_b", "echo ran")
        .script("etc/my_init.d/10_a", "echo ran")
        .file("etc/my_init.d/README", "text", 0o644)
        .folder("etc/my_init.d/folder")
        .file("etc/container_environment/FROM_FILE", "1", 0o644)
        .service("web", "echo ran")
        .service("off", "echo ran")
        .file("etc/service/off/down", "", 0o644)
        .script("etc/my_init.pre_shutdown.d/p", "echo ran")
        .script("etc/my_init.post_shutdown.d/q", "echo ran")
        .variable("FROM_PROCESS", "1");
    tree.run(&["--check", "ls", "-l"]).expect(0).without("ran\n").in_order(&[
        "Environment:\n",
        "from the process: FROM_PROCESS, ",
        "1 from the folder: FROM_FILE\n",
        "Startup files:\n",
        "/etc/my_init.d/10_a\n",
        "/etc/my_init.d/20_b\n",
        "/etc/my_init.d/README (skipped: not executable)\n",
        "/etc/my_init.d/folder (skipped: no regular file)\n",
        "Services:\n",
        "/etc/service/off (down until `sv up`)\n",
        "/etc/service/web\n",
        "Main command:\n  ls -l\n",
        "Shutdown:\n  /etc/my_init.pre_shutdown.d/p\n  services\n  /etc/my_init.post_shutdown.d/q\n",
        "Nothing of this would fail.\n",
    ]);
    // Nothing was exported.
    assert!(!tree.path("etc/container_environment/FROM_PROCESS").exists());
    assert!(!tree.path("etc/container_environment.sh").exists());
}

#[test]
#[ignore = "needs root"]
fn a_check_finds_what_would_fail() {
    let tree = Tree::new()
        .file("etc/my_init.d/bad", "#!/usr/bin/no-python -u\n", 0o755)
        .file("etc/service/web/run", "#!/bin/sh\n", 0o644);
    tree.run(&["--check", "--enable-insecure-key", "no-such-command"])
        .expect(1)
        .in_order(&[
            "would fail: /usr/sbin/enable_insecure_key: no such program",
            "would fail: /etc/my_init.d/bad: its interpreter /usr/bin/no-python cannot be run",
            "warning: /etc/service/web/run: Permission denied",
            "would fail: no-such-command: no such program",
            "3 things would fail.",
        ]);
}
