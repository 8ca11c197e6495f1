//! The bench runs, and every row has its figures. How large they are is not for a test to say.

use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use crate::support::{dist, run, workspace};

/// What a part's tables show at least, by their titles.
type Part = (
    &'static str,
    &'static [(&'static str, &'static [&'static str])],
);

const SERVICES: &[&str] = &[
    "workaround, no index",
    "files",
    "nscd",
    "nss_wrapper",
    "dnsmasq",
];

#[rustfmt::skip]
const PARTS: &[Part] = &[
    ("lookups", &[
        ("A lookup by gethostbyname2_r", SERVICES),
        ("A lookup by getaddrinfo",      &["workaround, no index", "floor of workaround, no index", "files", "nscd", "nss_wrapper", "dnsmasq", "libc alone"]),
        ("A lookup by gethostbyaddr_r",  SERVICES),
    ]),
    ("cold", &[
        ("A cold process: getent ahosts NAME", SERVICES),
        ("The first lookup of a process",      SERVICES),
    ]),
    ("threads", &[("Many threads, 10 entries", SERVICES)]),
    ("costs", &[
        ("System calls of a lookup",          SERVICES),
        ("Instructions of a lookup",          SERVICES),
        ("Memory of a process that looks up", SERVICES),
    ]),
    ("init", &[
        ("Start of the main command as PID 1", &["bare", "tini", "dumb-init", "catatonit"]),
        ("PID 1 with nothing to do",           &["tini", "dumb-init", "catatonit", "runsvdir", "s6-svscan"]),
        ("Orphans reaped a second",            &["tini", "dumb-init", "catatonit", "runsvdir", "s6-svscan"]),
        ("Boot to the first service",          &["runsvdir", "s6-svscan"]),
        ("SIGTERM to gone",                    &["tini", "dumb-init", "catatonit", "runsvdir", "s6-svscan"]),
        ("Start of a command as another user", &["bare", "chpst", "gosu", "setpriv"]),
    ]),
    ("size", &[("Programs and libraries", &["libnss_workaround.so.2", "workaround-docker-2267", "tini", "dnsmasq"])]),
];

/// The text between a part's markers.
#[track_caller]
fn part_of<'p>(page: &'p str, name: &str) -> &'p str {
    let (begin, end) = (
        format!("<!-- begin {name} -->"),
        format!("<!-- end {name} -->"),
    );
    let (_, rest) = page.split_once(&begin).unwrap();
    rest.split_once(&end).unwrap().0
}

/// The rows of the table below a title, header and ruler left out.
#[track_caller]
fn rows_of<'p>(part: &'p str, title: &str) -> Vec<&'p str> {
    let (_, rest) = part
        .split_once(&format!("### {title}\n"))
        .unwrap_or_else(|| panic!("no table {title} in\n{part}"));
    let table = rest.split("\n### ").next().unwrap();
    table
        .lines()
        .filter(|line| line.starts_with('|'))
        .skip(2)
        .collect()
}

#[test]
#[ignore = "needs root and the Debian archive"]
fn the_bench_shows_every_row() {
    dist("amd64");
    let output = workspace().join("target/bench/test");
    let _ = fs::remove_dir_all(&output);
    let page_in_docs = fs::read(workspace().join("docs/benchmarks.md")).unwrap();
    let mut bench = Command::new(workspace().join("benches/run"));
    bench.env("QUICK", "2").env("OUTPUT", &output);
    let printed = run(&mut bench, Duration::from_secs(300)).ok();

    let page = fs::read_to_string(output.join("benchmarks.md")).unwrap();
    for (name, tables) in PARTS {
        let part = part_of(&page, name);
        for (title, wanted) in *tables {
            assert!(printed.contains(title), "{title} in\n{printed}");
            let rows = rows_of(part, title);
            for wanted in *wanted {
                let has = |row: &&str| row.split('|').any(|field| field.trim().starts_with(wanted));
                assert!(rows.iter().any(has), "{wanted} in {title}: {rows:#?}");
            }
            for row in rows {
                for word in ["wrong", "failed"] {
                    assert!(!row.contains(word), "{title}: {row}");
                }
                let figures = row.bytes().filter(u8::is_ascii_digit).count();
                assert!(figures > 0, "{title}: {row}");
            }
        }
    }
    let plot = fs::read_to_string(output.join("lookups.svg")).unwrap();
    assert!(plot.starts_with("<svg") && plot.ends_with("</svg>\n"));
    assert_eq!(plot.matches("<polyline").count(), plotted(&page), "{plot}");
    let unchanged = fs::read(workspace().join("docs/benchmarks.md")).unwrap();
    assert_eq!(unchanged, page_in_docs);
}

/// How many services have a line in the plot: those of the table that find names, and the floor.
fn plotted(page: &str) -> usize {
    let indexed = part_of(page, "costs").contains("### The index");
    // The scan's floor is not drawn where the index has none.
    SERVICES.len() + if indexed { 2 } else { 0 }
}

#[test]
fn parts_that_do_not_exist_are_refused() {
    let mut bench = Command::new("python3");
    let figures: PathBuf = workspace().join("benches/figures");
    bench.arg("-B").arg(figures).arg("nonsense");
    let ran = run(&mut bench, Duration::from_secs(20));
    assert_eq!(ran.status, Some(1));
    assert!(
        ran.stderr.contains("unknown part nonsense"),
        "{}",
        ran.stderr
    );
}
