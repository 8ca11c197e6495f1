//! Boots and startup scripts, on folders that behave.

use std::fs::{self, File, Permissions};
use std::io::Read;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown, symlink};

use super::{Root, shown, warnings};

fn mode(path: impl AsRef<std::path::Path>) -> u32 {
    fs::metadata(path).unwrap().mode() & 0o7777
}

#[test]
fn a_boot_shows_the_environment_in_three_forms() {
    let root = Root::new();
    root.put("FROM_FILE", "Apachai Hopachai\n");
    let live = root.boot(&[
        ("FOO", "bar"),
        ("HELLO", "my beautiful world"),
        ("HOME", "/root"),
        ("USER", "root"),
        ("SHELL", "/bin/sh"),
    ]);
    assert_eq!(warnings(&live, &root), Vec::<String>::new());
    let want = "FOO=bar FROM_FILE=Apachai Hopachai HELLO=my beautiful world HOME=/root SHELL=/bin/sh USER=root";
    assert_eq!(shown(live.environment()), want);
    // A file of the user's is left as it is, newline and all.
    let want = "FOO=bar FROM_FILE=Apachai Hopachai\n HELLO=my beautiful world";
    assert_eq!(root.files(), want);
    let want =
        "export FOO=bar\nexport FROM_FILE='Apachai Hopachai'\nexport HELLO='my beautiful world'\n";
    assert_eq!(root.read("etc/container_environment.sh"), want);
    let want = r#"{"FOO": "bar", "FROM_FILE": "Apachai Hopachai", "HELLO": "my beautiful world", "HOME": "/root", "SHELL": "/bin/sh", "USER": "root"}"#;
    assert_eq!(root.read("etc/container_environment.json"), want);
}

#[test]
fn the_process_wins_until_a_script_writes_the_file() {
    let root = Root::new();
    root.put("PATH", "/opt/bin");
    let mut live = root.boot(&[("PATH", "/bin")]);
    assert_eq!(shown(live.environment()), "PATH=/bin");
    assert_eq!(root.files(), "PATH=/bin");
    root.put("PATH", "/usr/bin\n");
    assert_eq!(root.store().reload(&mut live), []);
    assert_eq!(shown(live.environment()), "PATH=/usr/bin");
    assert_eq!(
        root.read("etc/container_environment.sh"),
        "export PATH=/usr/bin\n"
    );
}

#[test]
fn after_a_script_the_environment_is_the_folder_and_home_stays() {
    let root = Root::new();
    let mut live = root.boot(&[
        ("HOME", "/root"),
        ("USER", "root"),
        ("GROUP", "root"),
        ("UID", "0"),
        ("GID", "0"),
        ("SHELL", "/bin/sh"),
        ("A", "1"),
        ("B", "2"),
        ("a/b", "3"),
    ]);
    fs::remove_file(root.file("A")).unwrap();
    root.put("B", "changed");
    root.put("C", "new\n");
    root.put("USER", "somebody");
    assert_eq!(root.store().reload(&mut live), []);
    let want =
        "B=changed C=new GID=0 GROUP=root HOME=/root SHELL=/bin/sh UID=0 USER=somebody a/b=3";
    assert_eq!(shown(live.environment()), want);
    assert_eq!(
        root.read("etc/container_environment.sh"),
        "export B=changed\nexport C=new\nexport a_b=3\n"
    );
    assert_eq!(
        root.read("etc/container_environment.json"),
        r#"{"B": "changed", "C": "new", "GID": "0", "GROUP": "root", "HOME": "/root", "SHELL": "/bin/sh", "UID": "0", "USER": "somebody", "a/b": "3"}"#
    );
}

#[test]
fn exported_values_do_not_outlive_their_reason() {
    let root = Root::new();
    root.put("MINE", "own\n");
    root.put("DEFAULT", "prod\n");
    fs::create_dir(root.path("etc/secret")).unwrap();
    fs::write(root.path("etc/secret/token"), "old").unwrap();
    symlink("../secret/token", root.file("TOKEN")).unwrap();
    let before = root.files();

    // docker run -e ...
    root.boot(&[
        ("ONCE", "secret"),
        ("DEFAULT", "dev"),
        ("TOKEN", "new"),
        ("EDITED", "1"),
    ]);
    assert_eq!(
        root.files(),
        "DEFAULT=dev EDITED=1 MINE=own\n ONCE=secret TOKEN=new"
    );
    // What the symlink led to is not ours to write.
    assert_eq!(root.read("etc/secret/token"), "old");
    // docker restart, with the same environment.
    root.boot(&[
        ("ONCE", "secret"),
        ("DEFAULT", "dev"),
        ("TOKEN", "new"),
        ("EDITED", "1"),
    ]);
    root.put("EDITED", "by hand");

    // docker commit, then docker run without.
    let live = root.boot(&[]);
    assert_eq!(
        shown(live.environment()),
        "DEFAULT=prod EDITED=by hand MINE=own TOKEN=old"
    );
    fs::remove_file(root.file("EDITED")).unwrap();
    assert_eq!(root.files(), before);
    assert_eq!(
        fs::read_link(root.file("TOKEN")).unwrap(),
        std::path::Path::new("../secret/token")
    );
    let memory = fs::read(root.path("var/lib/baseimage/exported")).unwrap();
    assert!(
        !memory.windows(6).any(|window| window == b"secret"),
        "the value is still there"
    );
    assert_eq!(mode(root.path("var/lib/baseimage/exported")), 0o600);
}

#[test]
fn set_makes_a_file_the_users_own() {
    let root = Root::new();
    root.boot(&[("A", "1"), ("B", "2"), ("C", "3")]);
    root.store().set(b"A", b"1").unwrap();
    root.store().unset(b"B").unwrap();
    assert_eq!(shown(root.boot(&[]).environment()), "A=1");
    assert_eq!(root.files(), "A=1");
}

#[test]
fn files_keep_their_mode_and_new_ones_get_the_usual() {
    let root = Root::new();
    root.put("OLD", "1");
    fs::set_permissions(root.file("OLD"), Permissions::from_mode(0o600)).unwrap();
    root.boot(&[("OLD", "2"), ("NEW", "3")]);
    assert_eq!(root.files(), "NEW=3 OLD=2");
    assert_eq!(mode(root.file("OLD")), 0o600);
    // The umask of whoever runs the tests is not known, but it never adds a bit.
    assert_eq!(mode(root.file("NEW")) & !0o644, 0);
    // Dumps hold secrets.
    for dump in [
        "etc/container_environment.sh",
        "etc/container_environment.json",
    ] {
        assert_eq!(mode(root.path(dump)), 0o640, "{dump}");
    }
}

#[test]
#[ignore = "needs root"]
fn dumps_keep_owner_and_mode_and_readers_see_whole_ones() {
    let root = Root::new();
    let dumps = [
        "etc/container_environment.sh",
        "etc/container_environment.json",
    ];
    for dump in dumps {
        fs::write(root.path(dump), "old").unwrap();
        fs::set_permissions(root.path(dump), Permissions::from_mode(0o604)).unwrap();
        chown(root.path(dump), Some(0), Some(8377)).unwrap();
    }
    let mut readers = dumps.map(|dump| File::open(root.path(dump)).unwrap());
    root.boot(&[("A", "1")]);
    for (dump, reader) in dumps.iter().zip(&mut readers) {
        let mut old = String::new();
        reader.read_to_string(&mut old).unwrap();
        assert_eq!(old, "old", "{dump}: a reader that was there before");
        let new = fs::metadata(root.path(dump)).unwrap();
        assert_eq!(
            (new.mode() & 0o7777, new.uid(), new.gid()),
            (0o604, 0, 8377),
            "{dump}"
        );
        assert_ne!(root.read(dump), "old", "{dump}");
    }
}

#[test]
fn what_is_up_to_date_is_not_written() {
    let root = Root::new();
    let process = [("A", "1"), ("B", "2")];
    root.boot(&process);
    let inodes = || {
        let files = [
            root.file("A"),
            root.file("B"),
            root.path("etc/container_environment.sh"),
            root.path("etc/container_environment.json"),
            root.path("var/lib/baseimage/exported"),
        ];
        files.map(|file| {
            let file = fs::metadata(file).unwrap();
            (file.ino(), file.mtime_nsec())
        })
    };
    let before = inodes();
    let mut live = root.boot(&process);
    root.store().reload(&mut live);
    assert_eq!(inodes(), before);
}

/// An image with a read-only root keeps them on a volume.
#[test]
fn dumps_that_are_symlinks_stay_symlinks() {
    let root = Root::new();
    fs::create_dir(root.path("run")).unwrap();
    symlink("../run/env.sh", root.path("etc/container_environment.sh")).unwrap();
    fs::write(root.path("run/env.json"), "old").unwrap();
    symlink(
        "../run/env.json",
        root.path("etc/container_environment.json"),
    )
    .unwrap();
    root.boot(&[("A", "1")]);
    assert_eq!(root.read("run/env.sh"), "export A=1\n");
    assert_eq!(root.read("run/env.json"), r#"{"A": "1"}"#);
    for dump in [
        "etc/container_environment.sh",
        "etc/container_environment.json",
    ] {
        assert!(root.path(dump).is_symlink(), "{dump}");
    }
}

#[test]
fn without_a_folder_the_store_is_left_out() {
    let root = Root::new();
    fs::remove_dir(root.path("etc/container_environment")).unwrap();
    let mut live = root.boot(&[("A", "1"), ("HOME", "/root")]);
    assert_eq!(root.store().reload(&mut live), []);
    assert_eq!(shown(live.environment()), "A=1 HOME=/root");
    assert_eq!(warnings(&live, &root), Vec::<String>::new());
    assert_eq!(fs::read_dir(root.path("etc")).unwrap().count(), 0);
    assert!(!root.path("var").exists());
    // A script makes the folder: its files count, and nothing is lost.
    fs::create_dir(root.path("etc/container_environment")).unwrap();
    root.put("B", "2");
    assert_eq!(root.store().reload(&mut live), []);
    assert_eq!(shown(live.environment()), "A=1 B=2 HOME=/root");
    // Another one takes it away.
    fs::remove_dir_all(root.path("etc/container_environment")).unwrap();
    assert_eq!(root.store().reload(&mut live), []);
    assert_eq!(shown(live.environment()), "A=1 B=2 HOME=/root");
}

#[test]
fn an_import_only_looks() {
    let root = Root::new();
    root.boot(&[("GONE", "1")]);
    root.put("FILE", "2");
    let before = root.files();
    let import = root.store().import([("A", "3")].into_iter().collect());
    let sources: Vec<String> = import
        .sources()
        .map(|(name, source)| format!("{} {source:?}", String::from_utf8_lossy(name)))
        .collect();
    assert_eq!(sources, ["A Process", "FILE Folder"]);
    assert_eq!(import.removed().collect::<Vec<_>>(), [b"GONE"]);
    assert_eq!(shown(import.environment()), "A=3 FILE=2");
    assert_eq!(import.warnings(), []);
    assert!(import.has_folder());
    assert_eq!(root.files(), before);
    assert_eq!(root.read("etc/container_environment.sh"), "export GONE=1\n");
}
