//! A container user's day, as a script.

use std::process::Command;
use std::time::Duration;

use crate::support::{run, workspace};

#[test]
#[ignore = "needs docker"]
fn a_container_users_day_goes_well() {
    let mut day = Command::new(workspace().join("tests/e2e/users-day"));
    day.arg("baseimage-test/image:trixie-buildkit")
        .env("DOCKER_BUILDKIT", "0");
    let shown = run(&mut day, Duration::from_secs(500)).ok();
    assert!(shown.ends_with("a good day\n"), "{shown}");
}
