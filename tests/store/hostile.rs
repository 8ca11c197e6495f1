//! Folders and environments that do not behave.

use std::ffi::OsStr;
use std::fs::{self, Permissions};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::net::UnixListener;
use std::process::Command;
use std::time::Duration;

use baseimage::environment::Environment;

use super::{Root, shown, warnings};
use crate::support::namespace::sh;

#[test]
fn what_is_no_variable_is_one_warning_each_and_nothing_waits() {
    let root = Root::new();
    root.put("GOOD", "1");
    root.put("A=B", "2");
    root.put("NUL", b"a\0b");
    root.put("LONG", vec![b'x'; 200_000]);
    root.put("new\nline", "3");
    fs::create_dir(root.file("DIR")).unwrap();
    symlink("LOOP", root.file("LOOP")).unwrap();
    symlink("nowhere", root.file("DANGLING")).unwrap();
    symlink("/dev/zero", root.file("DEVICE")).unwrap();
    let made = Command::new("mkfifo")
        .arg(root.file("FIFO"))
        .status()
        .unwrap();
    assert!(made.success());
    let _socket = UnixListener::bind(root.file("SOCKET")).unwrap();
    fs::create_dir(root.file("..data")).unwrap();
    root.put("..hidden", "4");
    root.put(".one-dot", "5");

    let live = root.boot(&[("FIFO", "process"), ("DANGLING", "process")]);
    let want = "DANGLING=process FIFO=process GOOD=1 .one-dot=5 new\nline=3";
    let mut strings: Vec<&str> = want.split(' ').collect();
    strings.sort_unstable();
    assert_eq!(shown(live.environment()), strings.join(" "));
    let cannot = |name: &str, why: &str| {
        format!("cannot use /etc/container_environment/{name} as a variable: {why}")
    };
    let not_regular = "it is not a regular file; move it elsewhere";
    assert_eq!(
        warnings(&live, &root),
        [
            cannot("A=B", "its name has a `=`; rename the file"),
            cannot("DANGLING", "No such file or directory"),
            cannot("DEVICE", not_regular),
            cannot("DIR", not_regular),
            cannot("FIFO", not_regular),
            cannot(
                "LONG",
                "it is longer than any program can be handed; shorten it, or keep it elsewhere and its path here"
            ),
            cannot("LOOP", "Too many levels of symbolic links"),
            cannot("NUL", "its value has a NUL byte; take it out of the file"),
            cannot("SOCKET", not_regular),
        ]
    );
    // Nothing of it was touched.
    assert!(!fs::metadata(root.file("FIFO")).unwrap().is_file());
    assert!(root.file("DANGLING").is_symlink());
    // Told once is enough.
    let mut live = live;
    assert_eq!(root.store().reload(&mut live), []);
    assert_eq!(shown(live.environment()), strings.join(" "));
}

#[test]
fn a_mounted_config_map_is_a_folder_of_variables() {
    let root = Root::new();
    fs::create_dir(root.file("..2024_01_01")).unwrap();
    fs::write(root.file("..2024_01_01/DB_HOST"), "db\n").unwrap();
    fs::write(root.file("..2024_01_01/DB_PASS"), "p w").unwrap();
    symlink("..2024_01_01", root.file("..data")).unwrap();
    symlink("..data/DB_HOST", root.file("DB_HOST")).unwrap();
    symlink("..data/DB_PASS", root.file("DB_PASS")).unwrap();
    let mut live = root.boot(&[]);
    assert_eq!(shown(live.environment()), "DB_HOST=db DB_PASS=p w");
    assert_eq!(warnings(&live, &root), Vec::<String>::new());
    // Kubernetes swaps the symlink.
    fs::create_dir(root.file("..2024_02_02")).unwrap();
    fs::write(root.file("..2024_02_02/DB_HOST"), "db2\n").unwrap();
    fs::remove_file(root.file("..data")).unwrap();
    symlink("..2024_02_02", root.file("..data")).unwrap();
    root.store().reload(&mut live);
    assert_eq!(shown(live.environment()), "DB_HOST=db2");
}

/// The reference writes outside the folder, as root.
#[test]
fn no_name_leads_out_of_the_folder() {
    let root = Root::new();
    let process = [
        ("../../escaped", "1"),
        ("/etc/passwd", "2"),
        ("sub/dir", "3"),
        ("..", "4"),
        (".", "5"),
        ("..data", "6"),
        ("OK", "7"),
    ];
    let mut live = root.boot(&process);
    assert_eq!(root.files(), "OK=7");
    assert!(!root.path("escaped").exists());
    let environment: Environment = process.into_iter().collect();
    assert_eq!(*live.environment(), environment);
    assert_eq!(warnings(&live, &root).len(), 6);
    // A script cannot say anything about them, so they stay.
    assert_eq!(root.store().reload(&mut live), []);
    assert_eq!(*live.environment(), environment);
}

#[test]
fn ten_thousand_variables_and_large_values_come_back_whole() {
    let root = Root::new();
    let large = "x".repeat(100 * 1024);
    let mut process: Vec<(String, String)> = (0..10_000)
        .map(|nth| (format!("VARIABLE_{nth}"), format!("value {nth}")))
        .collect();
    process.extend((0..5).map(|nth| (format!("LARGE_{nth}"), large.clone())));
    let environment: Environment = process.into_iter().collect();
    let store = root.store();
    let mut live = store.export(store.import(environment.clone()));
    assert_eq!(warnings(&live, &root), Vec::<String>::new());
    store.reload(&mut live);
    assert_eq!(*live.environment(), environment);
    let live = store.export(store.import(Environment::new()));
    assert!(live.environment().is_empty());
    assert_eq!(root.files(), "");
}

/// 32 pages, of which `NAME=` and the NUL take their share; a newline at the end is not in it.
#[test]
fn the_longest_value_is_what_execve_carries() {
    let root = Root::new();
    let longest = sys::exec::longest_string() - "NAME=".len() - 1;
    for (more, newline, count) in [
        (0, "", 1),
        (0, "\n", 1),
        (1, "", 0),
        (1, "\n", 0),
        (0, "\n\n", 0),
    ] {
        root.put("NAME", format!("{}{newline}", "x".repeat(longest + more)));
        let live = root.boot(&[]);
        assert_eq!(live.environment().len(), count, "{more} {newline:?}");
        let variables = live.environment().os_pairs();
        let ran = Command::new("true").env_clear().envs(variables).status();
        assert!(ran.unwrap().success(), "{more} {newline:?}");
    }
}

/// Somebody holds the lock and does not let go: a container has to start all the same.
#[test]
fn a_boot_goes_on_without_the_lock() {
    let root = Root::new();
    let folder = root.path("etc/container_environment");
    let held = sys::file::lock_folder(&folder, Duration::ZERO).unwrap();
    assert_eq!(shown(root.boot(&[("A", "1")]).environment()), "A=1");
    assert_eq!(root.files(), "A=1");
    drop(held);
}

#[test]
fn names_and_values_are_bytes() {
    let root = Root::new();
    let long = [b'L'; 255];
    let names: [&[u8]; 9] = [
        "变量".as_bytes(),
        b"\xff\xfe",
        b"1LEADING",
        b"with space",
        b"tab\tnewline\n",
        b"-dash",
        b"quote'\"$`\\",
        b"\xe4\xb8",
        &long,
    ];
    let values: [&[u8]; 6] = [
        "中文值".as_bytes(),
        b"\xff\x00\xfe",
        b"\r\n",
        b"\n",
        b"",
        b" ",
    ];
    let values = values.map(|value| value.iter().copied().filter(|&byte| byte != 0).collect());
    let pairs = names.iter().zip(values.iter().cycle());
    let environment: Environment = pairs
        .map(|(name, value): (_, &Vec<u8>)| (name.to_vec(), value.clone()))
        .collect();
    let store = root.store();
    let mut live = store.export(store.import(environment.clone()));
    store.reload(&mut live);
    assert_eq!(*live.environment(), environment);
    assert_eq!(
        fs::read(root.file(OsStr::from_bytes("变量".as_bytes()))).unwrap(),
        "中文值".as_bytes()
    );
    let warnings = warnings(&live, &root);
    let [warning] = warnings.as_slice() else {
        panic!("{warnings:?}");
    };
    assert!(
        warning.contains("not UTF-8; U+FFFD stands there instead"),
        "{warning}"
    );
}

/// What a process that was killed leaves behind is no variable.
#[test]
fn a_file_that_was_being_written_is_not_read() {
    let root = Root::new();
    root.put("..FOO.1~", "half");
    let live = root.boot(&[]);
    assert_eq!(shown(live.environment()), "");
    assert_eq!(warnings(&live, &root), Vec::<String>::new());
}

#[test]
fn a_damaged_memory_costs_no_file() {
    for damage in [&b""[..], b"garbage", b"\xff\0\n"] {
        let root = Root::new();
        root.boot(&[("A", "1")]);
        fs::write(root.path("var/lib/baseimage/exported"), damage).unwrap();
        assert_eq!(shown(root.boot(&[]).environment()), "A=1", "{damage:?}");
        // And the one that is written next is whole.
        root.boot(&[("A", "1"), ("B", "2")]);
        assert_eq!(shown(root.boot(&[]).environment()), "A=1", "{damage:?}");
    }
}

/// Status, the variables that a service would get without `PATH` and the shell's own, and warnings.
#[track_caller]
fn boot(set_up: &str, command: &str) -> (String, Vec<String>) {
    let ran = sh(&format!("{set_up}\n{command}"));
    assert_eq!(
        ran.status,
        Some(0),
        "{command}: {}{}",
        ran.stdout,
        ran.stderr
    );
    let mut variables: Vec<&str> = ran
        .stdout
        .split('\0')
        .filter(|string| {
            !string.is_empty() && !string.starts_with("PATH=") && !string.starts_with("PWD=")
        })
        .collect();
    variables.sort_unstable();
    let warnings = ran.stderr.lines().map(str::to_owned).collect();
    (variables.join(" "), warnings)
}

#[test]
#[ignore = "needs root"]
fn where_nothing_can_be_written_the_environment_stays_in_memory() {
    let read_only =
        "echo 1 > /etc/container_environment/FILE; echo old > /etc/container_environment/OLD
        mount -o remount,ro /etc; mount -o remount,ro /var/lib";
    let script = "'echo $A$OLD >&2'";
    #[rustfmt::skip]
    let table: [(&str, &str, &str, &str, &[&str]); 5] = [
        ("read-only root",
            read_only, "env -i A=2 OLD=new /mnt/boot : :",
            "A=2 FILE=1 OLD=new",
            &["cannot write /etc/container_environment/A and 3 others: Read-only file system; going on with the environment in memory"]),
        ("a script sees it",
            read_only, &format!("env -i A=2 OLD=new /mnt/boot {script}"),
            "A=2 FILE=1 OLD=new",
            &["cannot write /etc/container_environment/A and 3 others: Read-only file system; going on with the environment in memory", "2new"]),
        ("not root",
            "echo 1 > /etc/container_environment/FILE", "env -i A=2 /mnt/setuser 5000 /mnt/boot : :",
            "A=2 FILE=1 GID=5000 HOME=/ LOGNAME=5000 UID=5000 USER=5000",
            &["cannot write /etc/container_environment/A and 3 others: Permission denied; going on with the environment in memory"]),
        ("not root, and the folder is closed",
            "chmod 700 /etc/container_environment", "env -i A=2 /mnt/setuser 5000 /mnt/boot : :",
            "A=2 GID=5000 HOME=/ LOGNAME=5000 UID=5000 USER=5000",
            &["cannot read /etc/container_environment: Permission denied"]),
        ("not root, and a file is closed",
            "echo 1 > /etc/container_environment/FILE; chmod 600 /etc/container_environment/FILE; chown 5000 /etc/container_environment /etc",
            "env -i A=2 /mnt/setuser 5000 /mnt/boot : :",
            "A=2 GID=5000 HOME=/ LOGNAME=5000 UID=5000 USER=5000",
            &["cannot use /etc/container_environment/FILE as a variable: Permission denied",
              "cannot write /var/lib/baseimage/exported: Permission denied; variables exported now will still be set in a container or image made from this one"]),
    ];
    for (case, set_up, command, want, told) in table {
        let (variables, warnings) = boot(set_up, command);
        assert_eq!(variables, want, "{case}");
        let told: Vec<String> = told
            .iter()
            .map(|line| {
                if line.starts_with("cannot") {
                    format!("warning: {line}")
                } else {
                    (*line).into()
                }
            })
            .collect();
        assert_eq!(warnings, told, "{case}");
    }
}

#[test]
#[ignore = "needs root"]
fn on_a_full_disk_no_file_is_half_written() {
    let set_up = "
        mount -t tmpfs -o mode=755,size=64k tmpfs /etc/container_environment
        printf old > /etc/container_environment/LARGE
        printf kept > /etc/container_environment/FILE
        big=$(head -c 100000 /dev/zero | tr '\\0' x)";
    let show = "'cat /etc/container_environment/LARGE >&2; ls -A /etc/container_environment >&2; echo ${#LARGE} >&2'";
    let command = format!(
        "env -i SMALL=1 LARGE=$big /mnt/boot {show} | tr '\\0' '\\n' | cut -c1-9 | tr '\\n' '\\0'"
    );
    let (variables, warnings) = boot(set_up, &command);
    assert_eq!(variables, "FILE=kept LARGE=xxx SMALL=1");
    assert_eq!(
        warnings,
        [
            "warning: cannot write /etc/container_environment/LARGE: No space left on device; going on with the environment in memory",
            "oldFILE",
            "LARGE",
            "SMALL",
            "100000",
        ]
    );
}

/// A file that should go but cannot is out of the environment, and goes as soon as it can.
#[test]
#[ignore = "needs root"]
fn a_file_that_cannot_be_removed_is_not_forgotten() {
    let set_up = "
        echo own > /etc/container_environment/OWN
        env -i GONE=secret OWN=other /mnt/boot > /mnt/first
        mount -o remount,ro /etc";
    let (variables, warnings) = boot(set_up, "env -i /mnt/boot :");
    assert_eq!(variables, "OWN=own");
    let want = "warning: cannot write /etc/container_environment/GONE and 3 others: Read-only file system; going on with the environment in memory";
    assert_eq!(warnings, [want]);
    let later = "mount -o remount,rw /etc; env -i /mnt/boot; ls /etc/container_environment >&2";
    let (variables, files) = boot(
        &format!("{set_up}; env -i /mnt/boot 2>/mnt/second >&2"),
        later,
    );
    assert_eq!(
        (variables.as_str(), files),
        ("OWN=own", vec!["OWN".to_owned()])
    );
    let memory = "cat /var/lib/baseimage/exported >&2";
    let (_, memory) = boot(
        set_up,
        &format!("mount -o remount,rw /etc; env -i /mnt/boot; {memory}"),
    );
    assert_eq!(memory, ["baseimage exported 1"]);
}

/// It is somebody's file outside the container; the reference writes over it.
#[test]
#[ignore = "needs root"]
fn a_file_mounted_into_the_folder_is_read_and_never_written() {
    let set_up = "
        printf host > /mnt/secret; : > /etc/container_environment/TOKEN
        mount --bind /mnt/secret /etc/container_environment/TOKEN";
    let (variables, warnings) = boot(set_up, "boot");
    assert_eq!((variables.as_str(), warnings), ("TOKEN=host", vec![]));
    let (variables, warnings) = boot(set_up, "TOKEN=process boot 'cat /mnt/secret >&2; echo >&2'");
    assert_eq!(variables, "TOKEN=process");
    let want = "warning: cannot write /etc/container_environment/TOKEN: Device or resource busy; going on with the environment in memory";
    assert_eq!(warnings, [want, "host"]);
}

#[test]
fn a_file_that_is_read_only_is_replaced_all_the_same() {
    let root = Root::new();
    root.put("A", "1");
    fs::set_permissions(root.file("A"), Permissions::from_mode(0o444)).unwrap();
    assert_eq!(shown(root.boot(&[("A", "2")]).environment()), "A=2");
    assert_eq!(root.files(), "A=2");
}
