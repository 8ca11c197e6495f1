//! The module against glibc's own `files`, in the C libraries of four releases.

use std::path::PathBuf;
use std::process::Command;
use std::sync::OnceLock;
use std::time::Duration;

use crate::support::docker::cli;
use crate::support::{Ran, dist, run, workspace};

/// Questions a release: generated ones, besides the table.
const QUESTIONS: &str = "250000";

/// The driver, built once for every glibc from 2.17 on.
fn driver() -> PathBuf {
    static DRIVER: OnceLock<PathBuf> = OnceLock::new();
    let build = || {
        let folder = workspace().join("target/conformance");
        std::fs::create_dir_all(&folder).unwrap();
        let zig = workspace().join("target/setup/zig/bin/python");
        let mut command = Command::new(zig);
        command
            .args([
                "-m",
                "ziglang",
                "cc",
                "-O2",
                "-target",
                "x86_64-linux-gnu.2.17",
                "-o",
            ])
            .arg(folder.join("driver"))
            .arg(workspace().join("tests/c/conformance.c"))
            .arg("-ldl");
        run(&mut command, Duration::from_secs(120)).ok();
        folder
    };
    DRIVER.get_or_init(build).clone()
}

#[track_caller]
fn ask(release: &str, arguments: &str) -> Ran {
    let driver = format!("{}:/driver:ro", driver().display());
    let library = dist("amd64").join("usr/lib/x86_64-linux-gnu/libnss_workaround.so.2");
    let module = format!(
        "{}:/usr/lib/x86_64-linux-gnu/libnss_workaround.so.2:ro",
        library.display()
    );
    let image = format!("baseimage-test/base:{release}");
    // Files in memory: a case is two writes.
    let run = format!("/driver/driver {arguments}");
    cli(&[
        "run",
        "--rm",
        "--network",
        "none",
        "--tmpfs",
        "/etc/workaround-docker-2267",
        "-v",
        &driver,
        "-v",
        &module,
        &image,
        "sh",
        "-c",
        &run,
    ])
}

macro_rules! on {
    ($($release:ident $version:literal),*) => {$(
        #[test]
        #[ignore = "needs docker"]
        fn $release() {
            let seed = std::env::var("CONFORMANCE_SEED").unwrap_or_else(|_| "1".into());
            for arguments in ["--table".to_owned(), format!("{seed} {QUESTIONS}")] {
                let output = ask(stringify!($release), &arguments).ok();
                assert!(output.starts_with(concat!("glibc ", $version, ": ")), "{output}");
                assert!(output.trim_end().ends_with("no difference"), "{output}");
            }
        }
    )*};
}

on!(bullseye "2.31", bookworm "2.36", trixie "2.41", sid "2.43");

#[test]
#[ignore = "needs docker"]
fn a_wrong_answer_is_noticed() {
    let ran = ask("bookworm", "1 10000 --wrong");
    assert_eq!(ran.status, Some(1), "{ran:?}");
    assert!(ran.stdout.starts_with("DIFFERENCE in "), "{ran:?}");
}
