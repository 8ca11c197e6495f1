//! `container-env` as a program.

use std::fs;

use crate::support::namespace::{Row, check, sh};
use crate::support::{Ran, workspace};

/// `A` is `1` and `B C` is `x y`.
const SET_UP: &str = "
    e=/etc/container_environment
    echo 1 > $e/A; printf 'x y' > \"$e/B C\"";

/// Status, standard output and standard error of `script`.
#[track_caller]
fn told(script: &str) -> (i32, String, String) {
    let Ran {
        status,
        stdout,
        stderr,
    } = sh(&format!("set +e\n{SET_UP}\n{script}"));
    (status.unwrap(), stdout, stderr)
}

#[test]
#[ignore = "needs root"]
fn each_command_does_what_it_says() {
    #[rustfmt::skip]
    let table: &[Row<'_>] = &[
        ("container-env list",                           0, "export A=1\nexport B_C='x y'\n", ""),
        ("container-env list --format sh",               0, "export A=1\nexport B_C='x y'\n", ""),
        ("container-env list --format json",             0, "{\"A\": \"1\", \"B C\": \"x y\"}\n", ""),
        ("container-env list --format nul",              0, "A=1\0B C=x y\0", ""),
        ("container-env list --format xml",              2, "", "invalid value 'xml'"),
        ("container-env get A",                          0, "1\n", ""),
        ("container-env get 'B C'",                      0, "x y\n", ""),
        ("container-env get NO",                         1, "", ""),
        ("container-env get",                            2, "", "required arguments"),
        ("container-env",                                2, "", "Usage: container-env <COMMAND>"),
        ("container-env no-such-command",                2, "", "unrecognized subcommand"),
        // set
        ("container-env set A 2; cat $e/A; cat $e.sh",   0, "2export A=2\nexport B_C='x y'\n", ""),
        ("container-env set N; cat $e/N",                1, "", "cannot set N: no value given, and no variable N here to take it from; write `set N VALUE`"),
        ("N='from here' container-env set N; cat $e/N",  0, "from here", ""),
        ("echo piped | container-env set N -; cat $e/N", 0, "piped", ""),
        ("printf 'a\\n\\n' | container-env set N -; od -An -c $e/N", 0, "   a  \\n  \\n\n", ""),
        ("printf 'a\\000b' | container-env set N -",     1, "", "cannot keep a variable N: its value has a NUL byte"),
        ("container-env set N ''; stat -c %s $e/N",      0, "0\n", ""),
        ("container-env set N -x; cat $e/N",             0, "-x", ""),
        ("container-env set N \"$(printf 'a\\nb\\n.')\"; container-env get N", 0, "a\nb\n.\n", ""),
        ("container-env set 变量 值; cat $e/变量",       0, "值", ""),
        ("umask 027; container-env set N 1; stat -c %a $e/N; chmod 600 $e/N; container-env set N 2; stat -c %a $e/N",
                                                         0, "640\n600\n", ""),
        ("container-env set ../escaped 1; ls /etc/escaped", 2, "", "cannot keep a variable ../escaped: its name has a `/`"),
        ("container-env set ..data 1",                   1, "", "cannot keep a variable ..data: files whose names begin with `..` are not read"),
        ("container-env set A=B 1",                      1, "", "cannot keep a variable A=B: its name has a `=`"),
        ("container-env set '' 1",                       1, "", "its name is empty"),
        ("container-env set N \"$(head -c 131000 /dev/zero | tr '\\0' x)\"; container-env run sh -c 'echo ${#N}'", 0, "131000\n", ""),
        ("head -c 131080 /dev/zero | tr '\\0' x | container-env set N -; ls $e", 0, "A\nB C\n", "cannot set N: its value is longer than 131069 bytes"),
        ("mkdir $e/D; container-env set D 1; ls $e",     0, "A\nB C\nD\n", "cannot write /etc/container_environment/D: Is a directory"),
        // unset
        ("container-env unset A; ls $e; cat $e.sh",      0, "B C\nexport B_C='x y'\n", ""),
        ("container-env unset A 'B C' NO; ls $e",        0, "", ""),
        ("container-env unset a/b",                      1, "", "cannot keep a variable a/b: its name has a `/`"),
        ("mkdir $e/D; container-env unset D; ls $e",     0, "A\nB C\nD\n", "cannot remove /etc/container_environment/D: Is a directory"),
        // refresh
        ("HOME=/h container-env refresh; cat $e.sh $e.json; stat -c %a $e.sh $e.json", 0,
            "export A=1\nexport B_C='x y'\n{\"A\": \"1\", \"B C\": \"x y\", \"HOME\": \"/h\"}640\n640\n", ""),
        ("mkdir $e.sh; container-env refresh; ls /etc/*.json", 0, "/etc/container_environment.json\n", "container-env: cannot write /etc/container_environment.sh: Is a directory\n"),
        // run
        ("A=0 D=4 container-env run sh -c 'echo $A $D $HOME'", 0, "1 4\n", ""),
        ("container-env run -- echo a -- b",             0, "a -- b\n", ""),
        ("container-env run echo -h --version",          0, "-h --version\n", ""),
        ("container-env run sh -c 'exit 42'",            42, "", ""),
        ("container-env run",                            2, "", "required arguments"),
        ("container-env run no-such-command",            127, "", "container-env: cannot execute no-such-command: not found in /mnt:/usr/bin:/bin"),
        ("container-env run /etc/passwd",                126, "", "container-env: cannot execute /etc/passwd: Permission denied"),
        // The PATH of the store is the one that is searched.
        ("mkdir /mnt/p; printf '#!/bin/sh\\necho found' > /mnt/p/x; chmod 755 /mnt/p/x; container-env set PATH /mnt/p; container-env run x", 0, "found\n", ""),
        ("for i in $(seq 30); do head -c 100000 /dev/zero | tr '\\0' x > $e/N$i; done; container-env run true", 126, "",
            "container-env: cannot execute /usr/bin/true: arguments and environment are too long together"),
        // A file that is no variable is a warning.
        ("mkdir $e/D; container-env run echo ran",       0, "ran\n", "warning: cannot use /etc/container_environment/D as a variable"),
        ("mkfifo $e/F; container-env list --format nul", 0, "A=1\0B C=x y\0", "warning: cannot use /etc/container_environment/F"),
        ("container-env list >/dev/full",                1, "", "cannot write to standard output: No space left on device"),
    ];
    check(SET_UP, table);
}

#[test]
#[ignore = "needs root"]
fn without_a_folder_reading_is_empty_and_writing_says_what_to_do() {
    #[rustfmt::skip]
    let table: &[Row<'_>] = &[
        ("container-env list",          0, "", ""),
        ("container-env get A",         1, "", ""),
        ("container-env run echo ran",  0, "ran\n", ""),
        ("container-env set A 1",       1, "", "make it with `mkdir /etc/container_environment`"),
        ("container-env unset A",       1, "", "make it with `mkdir /etc/container_environment`"),
        ("container-env refresh",       1, "", "make it with `mkdir /etc/container_environment`"),
    ];
    check(&format!("{SET_UP}; rm -r $e"), table);
}

#[test]
#[ignore = "needs root"]
fn a_user_without_rights_reads_and_runs_but_does_not_write() {
    #[rustfmt::skip]
    let table: &[Row<'_>] = &[
        ("setuser app container-env run sh -c 'echo $A'",  0,   "1\n", ""),
        ("setuser app container-env set A 2",              1,   "",    "cannot write /etc/container_environment/A: Permission denied"),
        ("setuser app container-env unset A",              1,   "",    "cannot remove /etc/container_environment/A: Permission denied"),
        ("setuser app container-env refresh",              1,   "",    "cannot write /etc/container_environment.sh: Permission denied; run this as root\n"),
    ];
    check(SET_UP, table);
    let (status, _, err) = told("chmod 700 $e; setuser app container-env run echo ran");
    assert_eq!(status, 125, "{err}");
    assert!(
        err.contains("cannot read /etc/container_environment: Permission denied"),
        "{err}"
    );
}

/// `set` writes the file and then the dumps, which hold all files: with a lock, no writer's file
/// is missing in the last dump.
#[test]
#[ignore = "needs root"]
fn writers_wait_for_each_other() {
    let script = "
        for i in 1 2 3 4 5 6 7 8 9 10 11 12; do container-env set N$i $i & done; wait
        grep -c '^export N' $e.sh
        ls -A $e | wc -l";
    let (status, out, err) = told(script);
    assert_eq!((status, out.as_str(), err.as_str()), (0, "12\n14\n", ""));
}

#[test]
#[ignore = "needs root"]
fn a_writer_does_not_wait_for_ever() {
    let (status, out, err) = told("exec 9<$e; flock 9; container-env set A 2; echo $?; cat $e/A");
    assert_eq!((status, out.as_str()), (0, "1\n1\n"), "{err}");
    assert!(
        err.contains("cannot lock /etc/container_environment: somebody else"),
        "{err}"
    );
}

/// A reader that closes its end early is no error, as for any other program in a pipeline.
#[test]
#[ignore = "needs root"]
fn a_closed_pipe_ends_it_quietly() {
    let script = "
        container-env set LARGE \"$(head -c 100000 /dev/zero | tr '\\0' x)\"
        (container-env list; echo $? >&3) 3>/mnt/status | true; cat /mnt/status";
    let (_, out, err) = told(script);
    assert_eq!(err, "");
    assert_eq!(out, "141\n");
}

#[test]
#[ignore = "needs root"]
fn help_names_every_command_and_completions_are_scripts() {
    let (status, out, _) = told("container-env --help");
    assert_eq!(status, 0);
    let page = fs::read_to_string(workspace().join("packaging/man/container-env.1")).unwrap();
    let page = page.replace("\\-", "-");
    let commands: Vec<&str> = out
        .lines()
        .filter_map(|line| line.strip_prefix("  ")?.split_once("  "))
        .map(|(word, _)| word.split_whitespace().last().unwrap_or_default())
        .filter(|&word| word != "help" && !word.is_empty())
        .collect();
    assert!(
        commands.contains(&"run") && commands.contains(&"--version"),
        "{commands:?}"
    );
    let (_, list, _) = told("container-env list --help");
    let formats = list
        .lines()
        .filter_map(|line| line.trim().strip_prefix("- ")?.split(':').next());
    let formats: Vec<&str> = formats.collect();
    assert_eq!(formats, ["sh", "json", "nul"], "{list}");
    for word in commands.iter().chain(&formats) {
        assert!(page.contains(word), "{word} is not in container-env.1");
    }
    let (status, out, err) = told(
        "container-env completions bash > /mnt/c && bash -n /mnt/c && grep -c container__env /mnt/c",
    );
    assert_eq!(status, 0, "{out}{err}");
    for shell in ["zsh", "fish"] {
        let (status, out, _) = told(&format!("container-env completions {shell}"));
        assert!(status == 0 && out.contains("container-env"), "{shell}");
    }
}
