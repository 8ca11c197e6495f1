//! The module as a file, and as a guest: what it needs, what it shows, what it survives.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::process::Command;
use std::sync::OnceLock;
use std::time::Duration;

use crate::support::docker::cli;
use crate::support::{dist, run, workspace};

const LIMIT: Duration = Duration::from_secs(60);

/// The modules of `make dist`, by their place in a tree.
fn modules() -> [PathBuf; 2] {
    [
        dist("amd64").join("usr/lib/x86_64-linux-gnu/libnss_workaround.so.2"),
        dist("arm64").join("usr/lib/aarch64-linux-gnu/libnss_workaround.so.2"),
    ]
}

#[track_caller]
fn readelf(options: &[&str], file: &PathBuf) -> String {
    run(
        Command::new("readelf").arg("-W").args(options).arg(file),
        LIMIT,
    )
    .ok()
}

#[test]
#[ignore = "needs make dist"]
fn it_needs_nothing_and_shows_only_its_entry_points() {
    let wanted: BTreeSet<&str> = [
        "_nss_workaround_endhostent",
        "_nss_workaround_gethostbyaddr_r",
        "_nss_workaround_gethostbyname2_r",
        "_nss_workaround_gethostbyname3_r",
        "_nss_workaround_gethostbyname4_r",
        "_nss_workaround_gethostbyname_r",
        "_nss_workaround_gethostent_r",
        "_nss_workaround_sethostent",
    ]
    .into();
    for module in modules() {
        let name = module.display();
        let dynamic = readelf(&["-d"], &module);
        assert!(
            dynamic.contains("soname: [libnss_workaround.so.2]"),
            "{name}: {dynamic}"
        );
        for unwanted in [
            "(NEEDED)",
            "(TEXTREL)",
            "(INIT",
            "(FINI",
            "(RPATH)",
            "(RUNPATH)",
        ] {
            assert!(!dynamic.contains(unwanted), "{name}: {dynamic}");
        }
        let symbols = readelf(&["--dyn-syms"], &module);
        let rows = symbols.lines().filter_map(|row| {
            let words: Vec<&str> = row.split_whitespace().collect();
            let is_symbol = words.len() == 8 && words[0] != "Num:";
            is_symbol.then(|| (words[4], words[6], words[7]))
        });
        let exported: BTreeSet<&str> = rows
            .map(|(bind, section, name)| {
                assert!(section != "UND" && bind == "GLOBAL", "{symbols}");
                name
            })
            .collect();
        assert_eq!(exported, wanted, "{name}");
        let segments = readelf(&["-l"], &module);
        for row in segments.lines().map(str::trim_start) {
            assert!(!row.starts_with("TLS"), "{name}: {segments}");
            let both = row.contains("RWE") || row.contains(" WE ");
            assert!(!both, "{name}: {segments}");
        }
        assert!(segments.contains("GNU_STACK"), "{name}: {segments}");
        // Without relocations there is no table of pointers that RELRO would have to protect.
        let relocations = readelf(&["-r"], &module);
        assert!(
            segments.contains("GNU_RELRO") || relocations.contains("There are no relocations"),
            "{name}: {segments}{relocations}"
        );
        let size = std::fs::metadata(&module).unwrap().len();
        assert!(size <= 48 * 1024, "{name}: {size} bytes");
    }
}

/// A cargo project that differs from ours in one file, built as `make` does it.
#[track_caller]
fn build_with(file: &str, from: &str, to: &str) -> crate::support::Ran {
    let folder = workspace().join("target/mutated");
    let _ = std::fs::remove_dir_all(folder.join("src"));
    std::fs::create_dir_all(&folder).unwrap();
    let copy = "git ls-files -z --cached --others --exclude-standard | xargs -0 cp --parents -t target/mutated/src 2>/dev/null; true";
    std::fs::create_dir(folder.join("src")).unwrap();
    run(
        Command::new("sh")
            .args(["-c", copy])
            .current_dir(workspace()),
        LIMIT,
    )
    .ok();
    let path = folder.join("src").join(file);
    let source = std::fs::read_to_string(&path).unwrap();
    assert!(source.contains(from), "{file} has no {from}");
    std::fs::write(&path, source.replacen(from, to, 1)).unwrap();
    let mut cargo = Command::new(env!("CARGO"));
    cargo
        .args([
            "build",
            "--release",
            "-q",
            "--locked",
            "-p",
            "nss-workaround",
        ])
        .current_dir(folder.join("src"))
        .env("CARGO_TARGET_DIR", folder.join("target"));
    run(&mut cargo, Duration::from_secs(300))
}

#[test]
#[ignore = "builds the module twice"]
fn a_panic_path_does_not_link() {
    let same = build_with("nss/src/cursor.rs", "OFFSET.load", "OFFSET.load");
    assert_eq!(same.status, Some(0), "{same:?}");
    let panics = build_with(
        "nss/src/pack/mod.rs",
        "base.wrapping_neg() & POINTER.wrapping_sub(1)",
        "[1, 2, 3][base % 7]",
    );
    assert_ne!(panics.status, Some(0));
    assert!(
        panics.stderr.contains("nss_workaround_has_a_panic_path"),
        "{}",
        panics.stderr
    );
}

/// The probe, built on a release with <nss.h>'s function types.
pub(crate) fn probe() -> PathBuf {
    static PROBE: OnceLock<PathBuf> = OnceLock::new();
    let build = || {
        let folder = workspace().join("target/probe");
        std::fs::create_dir_all(&folder).unwrap();
        let (out, sources) = (
            format!("{}:/out", folder.display()),
            format!("{}:/src:ro", workspace().join("tests/c").display()),
        );
        let script = "cc -O1 -g -Wall -Wextra -Werror -pthread -o /out/probe /src/probe.c";
        cli(&[
            "run",
            "--rm",
            "-v",
            &out,
            "-v",
            &sources,
            "baseimage-test/client:bookworm",
            "sh",
            "-c",
            script,
        ])
        .ok();
        folder
    };
    PROBE.get_or_init(build).clone()
}

#[track_caller]
fn in_container(options: &[&str], script: &str) -> String {
    let probe = format!("{}:/probe:ro", probe().display());
    let module = &modules()[0];
    let module = format!(
        "{}:/usr/lib/x86_64-linux-gnu/libnss_workaround.so.2:ro",
        module.display()
    );
    let mut arguments = vec![
        "run",
        "--rm",
        "--network",
        "none",
        "-v",
        &probe,
        "-v",
        &module,
    ];
    arguments.extend(options);
    let script = format!(
        "set -e; mkdir -p /etc/workaround-docker-2267; cd /etc/workaround-docker-2267; {script}"
    );
    arguments.extend(["baseimage-test/client:bookworm", "bash", "-c", &script]);
    cli(&arguments).ok()
}

#[test]
#[ignore = "needs docker"]
fn every_state_of_the_file_has_its_outcome() {
    #[rustfmt::skip]
    let table: &[(&str, &str, &str)] = &[
        ("missing",        "",                                                "UNAVAIL ENOENT HOST_NOT_FOUND"),
        ("empty",          "touch hosts",                                     "NOTFOUND untouched HOST_NOT_FOUND"),
        ("no such name",   "echo 127.0.0.1 other >hosts",                     "NOTFOUND untouched HOST_NOT_FOUND"),
        ("found",          "echo 127.0.0.1 db >hosts",                        "SUCCESS untouched NETDB_SUCCESS"),
        ("binary",         "head -c 100000 /dev/urandom >hosts; printf '\\n127.0.0.1 db' >>hosts", "SUCCESS untouched NETDB_SUCCESS"),
        ("a directory",    "mkdir hosts",                                     "UNAVAIL EISDIR HOST_NOT_FOUND"),
        ("a FIFO",         "mkfifo hosts",                                    "UNAVAIL EINVAL HOST_NOT_FOUND"),
        ("a device",       "ln -s /dev/zero hosts",                           "UNAVAIL EINVAL HOST_NOT_FOUND"),
        ("a loop",         "ln -s hosts hosts",                               "UNAVAIL ELOOP HOST_NOT_FOUND"),
        ("a dangling link", "ln -s nowhere hosts",                            "UNAVAIL ENOENT HOST_NOT_FOUND"),
        ("1 GiB of holes", "truncate -s 1G hosts",                            "NOTFOUND untouched HOST_NOT_FOUND"),
        ("1 GiB, found",   "truncate -s 1G hosts; printf '\\n127.0.0.1 db' >>hosts", "SUCCESS untouched NETDB_SUCCESS"),
        ("not a folder",   "cd /; rmdir /etc/workaround-docker-2267; touch /etc/workaround-docker-2267", "UNAVAIL ENOTDIR HOST_NOT_FOUND"),
    ];
    for (case, prepare, outcome) in table {
        let output = in_container(
            &[],
            &format!("{prepare}\ntimeout 20 /probe/probe outcome db"),
        );
        assert_eq!(output.trim_end(), *outcome, "{case}");
    }
    let unreadable = "echo 127.0.0.1 db >hosts; chmod 600 hosts; setpriv --reuid 12345 --clear-groups /probe/probe outcome db";
    assert_eq!(
        in_container(&[], unreadable).trim_end(),
        "UNAVAIL EACCES HOST_NOT_FOUND"
    );
    let full = "echo 127.0.0.1 db >hosts; /probe/probe full-table db";
    assert_eq!(
        in_container(&[], full).trim_end(),
        "UNAVAIL EMFILE HOST_NOT_FOUND"
    );
}

#[test]
#[ignore = "needs docker"]
fn the_abi_is_what_nss_h_says_from_the_other_side() {
    let hosts = "printf '127.0.0.1 db a b\\n::1 db\\n127.0.0.2 c db\\n' >hosts";
    let output = in_container(&[], &format!("{hosts}; /probe/probe abi"));
    assert_eq!(output.trim_end(), "abi ok");
}

#[test]
#[ignore = "needs docker"]
fn it_takes_at_most_8_kib_of_stack() {
    let hosts =
        "for i in $(seq 3000); do echo 10.0.0.$((i % 250)) name-$i.example.com db; done >hosts";
    let command = dist("amd64").join("usr/bin/workaround-docker-2267");
    let volume = format!("{}:/command:ro", command.display());
    #[rustfmt::skip]
    let table = [
        ("short",    "echo 127.0.0.1 db >hosts".to_owned()),
        ("search",   hosts.to_owned()),
        ("hosts.d",  format!("{hosts}; mkdir hosts.d; for i in 1 2 3; do echo 10.0.0.$i other$i >hosts.d/$i.hosts; done")),
        ("elsewhere", "mkdir hosts.d; for i in 1 2 3; do echo 10.0.0.$i db >hosts.d/$i.hosts; done".to_owned()),
        ("index",    format!("{hosts}; mkdir hosts.d; echo 10.0.0.1 other >hosts.d/1.hosts; /command index >&2")),
        ("alias",    "printf '=x.y.z db\n10.0.0.1 *.y.z\n' >hosts".to_owned()),
    ];
    for (case, prepare) in table {
        let output = in_container(&["-v", &volume], &format!("{prepare}; /probe/probe stack"));
        let deepest: usize = output
            .trim_end()
            .strip_prefix("deepest ")
            .unwrap()
            .parse()
            .unwrap();
        assert!((1000..=8192).contains(&deepest), "{case}: {output}");
    }
}

#[test]
#[ignore = "needs docker"]
fn lookups_during_edits_are_whole_or_none() {
    let output = in_container(&[], "echo 10.1.1.1 db >hosts; /probe/probe edits");
    assert!(output.starts_with("edits ok"), "{output}");
}

#[test]
#[ignore = "needs docker"]
fn a_lookup_takes_a_handful_of_system_calls() {
    // Counted on this machine, where strace is: the module is the same.
    let module = &modules()[0];
    let probe = probe().join("probe");
    let command = dist("amd64").join("usr/bin/workaround-docker-2267");
    let stat = "newfstatat";
    #[rustfmt::skip]
    let table: &[(&str, &str, &str, &[&str])] = &[
        ("found",             "echo 127.0.0.1 db >hosts",                "db",  &["openat", "pread64", "pread64", "close"]),
        ("not found",         "echo 127.0.0.1 db >hosts",                "no",  &["openat", "pread64", "pread64", stat, "close"]),
        // The first call of a process finds out that the file is long.
        ("found by index",    "seq 3000 | sed 's/.*/10.0.0.1 host-&.example.com db&/' >hosts; DATED; INDEX", "db2999",
            &["openat", "pread64", "fstat", stat, stat, stat, "openat", "fstat", "pread64", "pread64", "close", "close"]),
        ("not in the index",  "seq 3000 | sed 's/.*/10.0.0.1 host-&.example.com db&/' >hosts; DATED; INDEX", "no",
            &["openat", "pread64", "fstat", stat, stat, stat, "openat", "fstat", "pread64", "close", "close"]),
    ];
    for (case, prepare, name, want) in table {
        // The date is part of the key that spreads the names: another one may put the name into a
        // bucket of two pages, at one more read.
        let prepare = prepare
            .replace("DATED", "touch -d @1700000000 hosts")
            .replace("INDEX", &format!("{} index", command.display()));
        let script = format!(
            "mkdir -p /tmp/etc && mount -t tmpfs none /tmp/etc && cp -a /etc/. /tmp/etc/ && mount --bind /tmp/etc /etc && \
             mkdir -p /etc/workaround-docker-2267 && cd /etc/workaround-docker-2267 && ({prepare}) >&2 && \
             MODULE={} strace -o /tmp/etc/trace {} outcome {name} >&2 && sed -n '/workaround-docker-2267/,$p' /tmp/etc/trace",
            module.display(),
            probe.display()
        );
        let output = run(
            Command::new("unshare").args(["-m", "sh", "-c", &script]),
            LIMIT,
        )
        .ok();
        // From the first file of ours to what the probe prints; fstat has two spellings.
        let calls: Vec<&str> = output
            .lines()
            .skip_while(|line| !line.contains("workaround-docker-2267/hosts"))
            .take_while(|line| {
                !line.starts_with("write(")
                    && !line.contains("fstat(1,")
                    && !line.contains("fstatat(1,")
            })
            .filter_map(|line| line.split('(').next())
            .collect();
        let plain = |call: &&str| -> String { call.replace("newfstatat", "fstat") };
        let (got, want): (Vec<_>, Vec<_>) = (
            calls.iter().map(plain).collect(),
            want.iter().map(plain).collect(),
        );
        assert_eq!(got, want, "{case}: {output}");
    }
}
