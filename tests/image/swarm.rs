//! Many replicas in the engine's own swarm, on this node, with lookups in each all the while.

use std::collections::HashSet;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use super::image;
use crate::support::docker::{Builder, Context, Image, cli};
use crate::support::{run, workspace};

const REPLICAS: usize = 20;
const PATIENCE: Duration = Duration::from_secs(200);

/// Says what it finds when that changes, and each time that it finds nothing.
const LOOKUP: &str = "#!/bin/sh\\nwhile :; do\\n  new=$(getent hosts db.internal | cut -d\" \" -f1)\\n  \
                      [ -n \"$new\" ] || echo lookup failed\\n  [ \"$new\" = \"$old\" ] || echo \"lookup: $new\"\\n  \
                      old=$new\\n  sleep 0.5\\ndone\\n";

/// A swarm that begins and ends with the test.
struct Swarm;

impl Swarm {
    fn begin() -> Self {
        let state = cli(&["info", "-f", "{{.Swarm.LocalNodeState}}"]).ok();
        assert_eq!(
            state.trim(),
            "inactive",
            "this engine is in a swarm, which the test leaves alone; run it elsewhere"
        );
        // All that a replica has said is kept, even when it was replaced long ago.
        let init = [
            "swarm",
            "init",
            "--advertise-addr",
            "127.0.0.1",
            "--task-history-limit",
            "100",
        ];
        cli(&init).ok();
        Self
    }
}

impl Drop for Swarm {
    fn drop(&mut self) {
        let _ = cli(&["swarm", "leave", "--force"]);
        // Its containers go after it.
        let end = Instant::now() + PATIENCE;
        let label = "label=com.docker.swarm.service.name";
        while Instant::now() < end {
            let left = cli(&["ps", "-aq", "--filter", label]).stdout;
            if left.trim().is_empty() {
                break;
            }
            for container in left.split_whitespace() {
                let _ = cli(&["rm", "-f", container]);
            }
        }
    }
}

fn application() -> Image {
    let dockerfile = format!(
        "FROM {}\nRUN /usr/bin/workaround-docker-2267 && mkdir /etc/service/lookup && \
         printf '{LOOKUP}' >/etc/service/lookup/run && chmod +x /etc/service/lookup/run\n",
        image("bookworm", "classic")
    );
    let (image, ran) = Context::new(&dockerfile).build(Builder::Classic);
    ran.ok();
    image
}

#[track_caller]
fn wait_until(what: &str, mut is: impl FnMut() -> bool) {
    let start = Instant::now();
    while !is() {
        assert!(start.elapsed() < PATIENCE, "{what}");
        thread::sleep(Duration::from_secs(1));
    }
}

/// The service's replicas, the former ones too. All are on this node; `docker service logs` would
/// wait for minutes for those that have been replaced.
#[track_caller]
fn replicas(service: &str) -> HashSet<String> {
    let label = format!("label=com.docker.swarm.service.name={service}");
    let ids = cli(&["ps", "-aq", "--filter", &label]).ok();
    ids.split_whitespace().map(str::to_owned).collect()
}

fn says(replica: &str, text: &str) -> bool {
    let logs = cli(&["logs", replica]).stdout;
    logs.lines().any(|line| line == text)
}

/// Waits until as many replicas as are wanted have said `text`.
#[track_caller]
fn all_say(service: &str, text: &str) {
    let mut have = HashSet::new();
    wait_until(text, || {
        let others = replicas(service).into_iter();
        let others = others.filter(|replica| !have.contains(replica));
        let new: Vec<_> = others.filter(|replica| says(replica, text)).collect();
        have.extend(new);
        have.len() >= REPLICAS
    });
}

#[track_caller]
fn none_failed(service: &str) {
    for replica in replicas(service) {
        assert!(!says(&replica, "lookup failed"), "{replica} of {service}");
    }
}

/// `docker stack deploy` of the repository's own file.
#[track_caller]
fn deploy(name: &str, image: &Image, hosts: &Path, version: &str) {
    let docker = std::env::var_os("DOCKER").unwrap_or_else(|| "docker".into());
    let mut command = Command::new(docker);
    command
        .args(["stack", "deploy", "--resolve-image", "never", "-c"])
        .arg(workspace().join("deploy/stack.yml"))
        .arg(name)
        .env("IMAGE", image.name())
        .env("HOSTS_FILE", hosts)
        .env("HOSTS_VERSION", version);
    run(&mut command, PATIENCE).ok();
}

fn temporary(name: &str) -> PathBuf {
    let folder = std::env::temp_dir().join(format!("baseimage-test-{name}-{}", std::process::id()));
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir(&folder).unwrap();
    folder
}

/// A new version of the folder, as kubelet makes it: beside the old one, put in place by a rename.
fn publish(folder: &Path, version: usize, hosts: &str) {
    let data = format!("..{version}");
    fs::create_dir(folder.join(&data)).unwrap();
    fs::write(folder.join(&data).join("hosts"), hosts).unwrap();
    symlink(&data, folder.join("..data_tmp")).unwrap();
    fs::rename(folder.join("..data_tmp"), folder.join("..data")).unwrap();
    if version == 0 {
        symlink("..data/hosts", folder.join("hosts")).unwrap();
    } else {
        fs::remove_dir_all(folder.join(format!("..{}", version - 1))).unwrap();
    }
}

#[test]
#[ignore = "needs docker"]
fn twenty_replicas_follow_their_hosts_file_without_a_failed_lookup() {
    let application = application();
    let folder = temporary("swarm");
    let _swarm = Swarm::begin();

    // A config: immutable, so a rolling update brings the next.
    fs::write(folder.join("first"), "10.0.0.5 db.internal db\n").unwrap();
    fs::write(folder.join("second"), "10.0.0.6 db.internal db\n").unwrap();
    deploy("bt", &application, &folder.join("first"), "1");
    all_say("bt_app", "lookup: 10.0.0.5");
    deploy("bt", &application, &folder.join("second"), "2");
    all_say("bt_app", "lookup: 10.0.0.6");
    wait_until("the update to complete", || {
        let state = cli(&[
            "service",
            "inspect",
            "-f",
            "{{.UpdateStatus.State}}",
            "bt_app",
        ])
        .stdout;
        assert!(!state.contains("rollback"), "{state}");
        state.trim() == "completed"
    });
    assert!(replicas("bt_app").len() >= 2 * REPLICAS);
    none_failed("bt_app");
    cli(&["stack", "rm", "bt"]).ok();

    // A folder that is mounted: live, in all replicas at once.
    let live = folder.join("live");
    fs::create_dir(&live).unwrap();
    publish(&live, 0, "10.0.1.0 db.internal db\n");
    let mount = format!(
        "type=bind,src={},dst=/etc/workaround-docker-2267,ro",
        live.display()
    );
    let replicas = REPLICAS.to_string();
    cli(&[
        "service",
        "create",
        "-d",
        "--name",
        "live",
        "--replicas",
        &replicas,
        "--no-resolve-image",
        "--mount",
        &mount,
        application.name(),
    ])
    .ok();
    all_say("live", "lookup: 10.0.1.0");
    for version in 1..=30 {
        publish(
            &live,
            version,
            &format!("10.0.1.{version} db.internal db\n"),
        );
        thread::sleep(Duration::from_millis(100));
    }
    all_say("live", "lookup: 10.0.1.30");
    none_failed("live");
    let _ = fs::remove_dir_all(&folder);
}
