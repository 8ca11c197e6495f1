//! The memory that an idle container holds.

use std::fs;

use super::{boot, image};
use crate::support::docker::{Container, cli};

/// The sum of the PSS of all its processes, in kB (1000 bytes).
fn held(container: &Container) -> u64 {
    let processes = cli(&["top", container.name(), "-o", "pid"]).ok();
    let of = |pid: &str| {
        let rollup = fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).unwrap_or_default();
        let line = rollup.lines().find(|line| line.starts_with("Pss:"));
        let kib = line.and_then(|line| line.split_whitespace().nth(1)?.parse::<u64>().ok());
        kib.unwrap_or(0)
    };
    processes
        .lines()
        .skip(1)
        .map(|pid| of(pid.trim()))
        .sum::<u64>()
        * 1024
        / 1000
}

#[test]
#[ignore = "needs docker"]
fn an_idle_container_holds_no_more_than_is_promised() {
    for (image, most) in [
        ("baseimage-test/image:light".to_owned(), 6000),
        (image("bullseye", "classic"), 13_000),
        (image("bookworm", "classic"), 13_000),
    ] {
        let container = boot(&image, &[]);
        let held = held(&container);
        assert!(
            held > 500,
            "{image}: only {held} kB, so something was not counted"
        );
        assert!(held <= most, "{image}: {held} kB, more than {most}");
    }
}
