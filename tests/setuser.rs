//! `setuser` as a program, with users of its own.

use std::fs;

use baseimage::setuser::HELP;

use crate::support::namespace::{Row, check, sh};
use crate::support::{Ran, workspace};

/// Status, standard output and standard error of `script`.
#[track_caller]
fn told(script: &str) -> (i32, String, String) {
    let Ran {
        status,
        stdout,
        stderr,
    } = sh(&format!("set +e; {script}"));
    (
        status.unwrap(),
        stdout.trim_end().into(),
        stderr.trim_end().into(),
    )
}

const WHO: &str = r#"sh -c 'echo $(id -u):$(id -g):$(id -G | tr " " "\n" | sort -n | tr "\n" ,) $USER $LOGNAME $HOME $UID $GID'"#;

#[test]
#[ignore = "needs root"]
fn users_and_groups_are_names_or_numbers() {
    #[rustfmt::skip]
    let table = [
        // Supplementary groups come from /etc/group.
        ("app",            "1000:100:33,100,8377,65533, app app /home/app 1000 100"),
        ("root",           "0:0:0,65533, root root /root 0 0"),
        // A number that has an entry is that user.
        ("1000",           "1000:100:33,100,8377,65533, app app /home/app 1000 100"),
        // A name of digits is a name first, as for chown(1).
        ("4711",           "1002:1002:1002, 4711 4711 /home/digits 1002 1002"),
        // No entry: the group of the same number, and never the caller's.
        ("5000",           "5000:5000:5000, 5000 5000 / 5000 5000"),
        ("4294967294",     "4294967294:4294967294:4294967294, 4294967294 4294967294 / 4294967294 4294967294"),
        // An explicit group is the only one.
        ("app:web",        "1000:33:33, app app /home/app 1000 33"),
        ("app:8377",       "1000:8377:8377, app app /home/app 1000 8377"),
        ("1000:5000",      "1000:5000:5000, app app /home/app 1000 5000"),
        ("5000:web",       "5000:33:33, 5000 5000 / 5000 33"),
        ("5000:6000",      "5000:6000:6000, 5000 5000 / 5000 6000"),
        ("root:root",      "0:0:0, root root /root 0 0"),
        // An entry without a home.
        ("homeless",       "1001:1001:1001, homeless homeless / 1001 1001"),
    ];
    // One namespace for all: `dash` has no UID of its own, so `$UID` is what setuser has set.
    let script: Vec<String> = table
        .iter()
        .map(|(who, _)| format!("setuser {who} {WHO}"))
        .collect();
    let (_, out, err) = told(&script.join("\n"));
    assert_eq!(err, "");
    let lines: Vec<&str> = out.lines().collect();
    assert_eq!(lines.len(), table.len(), "{out}");
    for ((who, want), got) in table.iter().zip(lines) {
        assert_eq!(got, *want, "{who}");
    }
}

#[test]
#[ignore = "needs root"]
fn every_failure_has_its_status_and_its_reason() {
    let usage = "Usage: /sbin/setuser USERNAME COMMAND [args..]";
    let set_up = "
        printf 'echo script $0 $1\n' > /mnt/no-header; chmod 755 /mnt/no-header
        printf '#!/no/such/interpreter\n' > /mnt/lost; chmod 755 /mnt/lost
        echo text > /mnt/text; mkdir /mnt/folder /mnt/closed; echo : > /mnt/closed/x
        chmod 755 /mnt/closed/x; chmod 700 /mnt/closed; ln -s loop /mnt/loop";
    #[rustfmt::skip]
    let table: &[Row<'_>] = &[
        // What the command says is its own.
        ("setuser app sh -c 'exit 42'",     42,  "", ""),
        ("setuser app sh -c 'kill -9 $$'",  137, "", "Killed"),
        ("setuser app echo -h -- --help",   0,   "-h -- --help\n", ""),
        ("setuser app no-header a",         0,   "script /mnt/no-header a\n", ""),
        ("setuser app /mnt/no-header a",    0,   "script /mnt/no-header a\n", ""),
        // setuser itself.
        ("setuser",                         125, "", usage),
        ("setuser app",                     125, "", usage),
        ("setuser -x app true",             125, "", "setuser: unknown option -x"),
        ("setuser nobody true",             125, "", "setuser: user nobody not found"),
        ("setuser app:nobody true",         125, "", "setuser: group nobody not found"),
        ("setuser 4294967295 true",         125, "", "setuser: user 4294967295 not found"),
        ("setuser app:4294967295 true",     125, "", "setuser: group 4294967295 not found"),
        ("setuser app: true",               125, "", "setuser: cannot tell the group: nothing after the `:`"),
        ("setuser :web true",               125, "", "setuser: cannot tell the user: nothing before the `:`"),
        ("setuser '' true",                 125, "", "setuser: cannot tell the user"),
        // The command is not found.
        ("setuser app no-such-command",     127, "", "setuser: cannot execute no-such-command: not found in /mnt:/usr/bin:/bin"),
        ("setuser app /no/such/command",    127, "", "setuser: cannot execute /no/such/command: No such file or directory"),
        ("setuser app /mnt/text/x",         127, "", "setuser: cannot execute /mnt/text/x: No such file or directory"),
        ("setuser app ''",                  127, "", "setuser: cannot execute "),
        // A folder of PATH that is closed to the user has nothing for them.
        ("PATH=/mnt/closed:$PATH setuser app x", 127, "", "setuser: cannot execute x: not found in"),
        // It is there, but cannot be executed.
        ("setuser app /mnt/closed/x",       126, "", "setuser: cannot execute /mnt/closed/x: Permission denied"),
        ("setuser app text",                126, "", "setuser: cannot execute /mnt/text: Permission denied"),
        ("setuser app /mnt/folder",         126, "", "setuser: cannot execute /mnt/folder: Permission denied"),
        ("setuser app /mnt/loop",           126, "", "setuser: cannot execute /mnt/loop: Too many levels of symbolic links"),
        ("setuser app lost",                126, "", "its interpreter (the `#!` line) or its loader does not exist"),
        // Without PATH, where execvp(3) looks.
        ("env -u PATH /mnt/setuser app echo found", 0, "found\n", ""),
        ("env -u PATH /mnt/setuser app boot", 127, "", "setuser: cannot execute boot: not found in /bin:/usr/bin"),
    ];
    check(set_up, table);
}

#[test]
#[ignore = "needs root"]
fn the_command_takes_the_place_of_setuser() {
    let script = r#"
        cd /usr/lib; umask 027; export KEPT='a b' HOME=/elsewhere USER=other
        sh -c 'echo $$; exec setuser app sh -c "echo \$\$; pwd; umask; echo \$KEPT \$HOME \$USER; cat <&7"' 7<<END
from descriptor 7
END
"#;
    let (status, out, err) = told(script);
    assert_eq!((status, err.as_str()), (0, ""));
    let lines: Vec<&str> = out.lines().collect();
    let [before, after, rest @ ..] = lines.as_slice() else {
        panic!("{out}");
    };
    assert_eq!(before, after, "the PID");
    assert_eq!(
        rest,
        ["/usr/lib", "0027", "a b /home/app app", "from descriptor 7"]
    );
}

/// The runtime of most languages changes these for itself; a command must not inherit it.
#[test]
#[ignore = "needs root"]
fn closed_descriptors_and_signals_are_handed_on_as_they_are() {
    let show = "sh -c 'grep -E \"^Sig(Ign|Blk|Cgt)\" /proc/self/status; ls /proc/self/fd'";
    for set_up in [
        "",
        "exec <&-;",
        "exec <&- 2>&-;",
        "trap '' PIPE;",
        "trap '' HUP CHLD;",
    ] {
        let (_, plain, _) = told(&format!("{set_up} {show}"));
        let (_, through, err) = told(&format!("{set_up} setuser root {show}"));
        assert_eq!(err, "", "{set_up}");
        assert_eq!(through, plain, "{set_up}");
    }
}

#[test]
#[ignore = "needs root"]
fn who_is_that_user_already_needs_no_privileges() {
    #[rustfmt::skip]
    let table: [(&str, i32, &str); 9] = [
        ("setuser app setuser app id -u",                    0,   "1000"),
        ("setuser app setuser 1000 id -u",                   0,   "1000"),
        ("setuser app setuser app:users id -g",              0,   "100"),
        // docker run --user: any group, no supplementary ones.
        ("setuser app:web setuser app id -g",                0,   "33"),
        ("setuser app:web setuser app sh -c 'echo $GID'",    0,   "33"),
        ("setuser 5000:0 setuser 5000 id -g",                0,   "0"),
        ("setpriv --bounding-set -all setuser root id -u",   0,   "0"),
        // Another group or another user is another matter.
        ("setuser app:web setuser app:users id -g",          125, "setuser: cannot set the groups [100]: Operation not permitted; run setuser as root"),
        ("setuser app setuser root id -u",                   125, "setuser: cannot set the groups [0, 65533]: Operation not permitted; run setuser as root"),
    ];
    for (command, status, want) in table {
        let (got, out, err) = told(command);
        assert_eq!(got, status, "{command}: {err}");
        let text = if status == 0 { &out } else { &err };
        assert!(text.starts_with(want), "{command}: {text}");
    }
}

#[test]
#[ignore = "needs root"]
fn there_is_no_way_back() {
    let (status, _, err) = told("setuser app setuser root true");
    assert_eq!(status, 125, "{err}");
    // With the securebit that keeps capabilities over a change of the user id, the way back is
    // open; nothing must run then.
    let (status, out, err) = told("setpriv --securebits +no_setuid_fixup setuser app echo ran");
    assert_eq!((status, out.as_str()), (125, ""), "{err}");
    assert!(err.contains("cannot trust the switch"), "{err}");
}

#[test]
#[ignore = "needs root"]
fn a_setuid_setuser_runs_nothing() {
    #[rustfmt::skip]
    let table = [
        ("chmod 4755",             "setuid bit"),
        ("chgrp 33 $own; chmod 2755", "setgid bit"),
    ];
    for (change, want) in table {
        for caller in ["", "setpriv --reuid 1000 --regid 1000 --clear-groups"] {
            let set_up = format!("own=/mnt/own; cp /mnt/setuser $own; {change} $own");
            let (status, out, err) = told(&format!("{set_up}; {caller} $own root echo ran"));
            assert_eq!(
                (status, out.as_str()),
                (125, ""),
                "{change}; {caller}: {err}"
            );
            let want = format!("setuser: cannot run as a program with the {want}");
            assert!(err.starts_with(&want), "{change}; {caller}: {err}");
        }
    }
    // Capabilities of the file are the same thing in another place.
    // This is what `setcap cap_setuid,cap_setgid+ep` writes.
    let set_up = r#"
        cp /mnt/setuser /mnt/own
        python3 - <<'END'
import os, struct
os.setxattr("/mnt/own", "security.capability", struct.pack("<5I", 0x02000001, 0xc0, 0, 0, 0))
END
    "#;
    let (status, out, err) = told(&format!("{set_up} setuser app /mnt/own root echo ran"));
    assert_eq!((status, out.as_str()), (125, ""), "{err}");
    assert!(err.contains("with file capabilities"), "{err}");
}

#[test]
#[ignore = "needs root"]
fn help_and_version_are_answered_first() {
    for option in ["--help", "-h"] {
        let (status, out, err) = told(&format!("setuser {option} whatever"));
        assert_eq!((status, err.as_str()), (0, ""), "{option}");
        assert!(
            out.starts_with("Usage: setuser USER[:GROUP] COMMAND"),
            "{out}"
        );
    }
    for option in ["--version", "-V"] {
        let (status, out, _) = told(&format!("setuser {option}"));
        let want = concat!("setuser ", env!("CARGO_PKG_VERSION"));
        assert_eq!((status, out.as_str()), (0, want), "{option}");
    }
    // Who has gone away is not complained about, and not waited for.
    let (_, _, err) = told("setuser --help | true; setuser --help >&-");
    assert_eq!(err, "");
}

#[test]
fn the_manual_page_has_all_of_the_help() {
    let page = fs::read_to_string(workspace().join("packaging/man/setuser.8")).unwrap();
    let page = page.replace("\\-", "-");
    for word in HELP.split(|c: char| !(c.is_alphanumeric() || c == '-')) {
        let says = word.starts_with('-')
            || word
                .chars()
                .all(|c| c.is_ascii_uppercase() || c.is_ascii_digit());
        let own = word.len() < 2 || word == "PID" || word == "PAM" || page.contains(word);
        assert!(!says || own, "{word} is not in setuser.8");
    }
}

/// More groups than the first guess has room for, and an entry longer than the first buffer.
#[test]
#[ignore = "needs root"]
fn large_entries_are_read_whole() {
    let set_up = r#"
        for i in $(seq 300); do echo "g$i:x:$((10000 + i)):app" >> /etc/group; done
        x=$(head -c 20000 /dev/zero | tr '\0' x)
        echo "long:x:3000:3000:$x:/home/long:/bin/sh" >> /etc/passwd
        echo "wide:x:3001:$(seq -s, 5000)" >> /etc/group
    "#;
    let script = "setuser app id -G | wc -w
        setuser long sh -c 'echo $(id -u) $HOME'
        setuser long:wide id -g";
    let (status, out, err) = told(&format!("{set_up}\n{script}"));
    assert_eq!((status, err.as_str()), (0, ""));
    assert_eq!(out, "304\n3000 /home/long\n3001");
}

/// A user namespace without a map for the user: nothing may run as somebody else.
#[test]
#[ignore = "needs root"]
fn an_id_that_the_namespace_does_not_have_is_refused() {
    let (status, out, err) = told("unshare --user --map-root-user setuser app echo ran");
    assert_eq!((status, out.as_str()), (125, ""), "{err}");
    let (status, out, err) = told("unshare --user --map-root-user setuser root echo ran");
    assert_eq!((status, out.as_str()), (0, "ran"), "{err}");
}
