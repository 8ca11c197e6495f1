//! The base image, in running containers: on four releases, built by both of Docker's builders.

mod boot;
mod builders;
mod deploy;
mod jobs;
mod logs;
mod memory;
mod modes;
mod options;
mod parts;
mod readme;
mod stop;
mod swarm;
mod upgrade;

use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use crate::support::docker::{Container, RELEASES, cli, unique};
use crate::support::{Ran, run, workspace};

/// For what happens by itself within a second or a minute, on a busy machine.
const SOON: Duration = Duration::from_secs(60);

/// The image of `tests/setup/images image`.
fn image(release: &str, builder: &str) -> String {
    format!("baseimage-test/image:{release}-{builder}")
}

/// All eight, the releases in turn.
fn images() -> Vec<String> {
    let of = |builder| RELEASES.map(|release| image(release, builder));
    [of("classic"), of("buildkit")].concat()
}

/// One for each release, and both builders among them.
fn images_of_all_releases() -> [String; 4] {
    [
        image("bullseye", "classic"),
        image("bookworm", "buildkit"),
        image("trixie", "classic"),
        image("sid", "buildkit"),
    ]
}

/// The other four.
fn the_other_images() -> Vec<String> {
    let some = images_of_all_releases();
    images()
        .into_iter()
        .filter(|image| !some.contains(image))
        .collect()
}

/// Runs `test` on each image, on some of them at a time. A thread bears the image's name, which is
/// what its failure shows.
fn on_each(images: &[String], at_a_time: usize, test: impl Fn(&str) + Sync) {
    let next = AtomicUsize::new(0);
    let failed = thread::scope(|scope| {
        let work = || {
            let mut failed = Vec::new();
            while let Some(image) = images.get(next.fetch_add(1, Ordering::Relaxed)) {
                let test = &test;
                let named = thread::Builder::new().name(image.clone());
                let thread = named.spawn_scoped(scope, move || test(image)).unwrap();
                if thread.join().is_err() {
                    failed.push(image.as_str());
                }
            }
            failed
        };
        let workers: Vec<_> = (0..at_a_time).map(|_| scope.spawn(work)).collect();
        let each = workers
            .into_iter()
            .flat_map(|worker| worker.join().unwrap());
        each.collect::<Vec<_>>()
    });
    assert!(failed.is_empty(), "failed on {failed:?}");
}

/// Starts the image as it is, and waits until its services are up.
#[track_caller]
fn boot(image: &str, options: &[&str]) -> Container {
    let container = Container::run(image, options, &[]);
    container.until("sv status cron | grep ^run:", SOON);
    container
}

/// Types `lines` on a terminal on which `docker run -ti OPTIONS...` runs; all that it showed comes
/// back.
#[track_caller]
pub(crate) fn on_a_terminal(options: &[&str], lines: &[&str]) -> Ran {
    let name = unique("terminal");
    let mut python = Command::new("python3");
    python.arg(workspace().join("tests/image/terminal.py"));
    python.arg(lines.join("\n"));
    python.arg(std::env::var_os("DOCKER").unwrap_or_else(|| "docker".into()));
    python.args(["run", "--rm", "-t", "-i", "--name", &name]);
    python.args(options);
    let ran = run(&mut python, Duration::from_secs(120));
    // It is there still when something went wrong.
    let _ = cli(&["rm", "-f", &name]);
    ran
}
