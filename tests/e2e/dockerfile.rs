//! The line in a Dockerfile, with both builders, and all the ways to run what was built.

use std::process::Command;
use std::time::Duration;

use crate::support::docker::{Builder, Container, Context, Image, RELEASES, cli};
use crate::support::{dist, run};

/// The README's Dockerfile, on a base that has `ping`.
fn context(release: &str) -> Context {
    Context::new(&format!(
        "FROM baseimage-test/ping:{release}\n\
         COPY amd64/ /\n\
         RUN cp /etc/nsswitch.conf /nsswitch.conf.before\n\
         RUN /usr/bin/workaround-docker-2267\n\
         RUN echo \"127.0.0.1 zhulux.dev\" >> /etc/workaround-docker-2267/hosts\n\
         RUN ping -c1 zhulux.dev\n\
         RUN if echo x 2>/dev/null >>/etc/hosts; then echo etc-hosts: writable; else echo etc-hosts: read-only; fi\n"
    ))
    .copy(&dist("amd64"), "amd64")
}

#[track_caller]
fn build(release: &str, builder: Builder) -> Image {
    let (image, ran) = context(release).build(builder);
    let output = format!("{}{}", ran.stdout, ran.stderr);
    assert_eq!(ran.status, Some(0), "{release}, {builder:?}: {output}");
    assert!(output.contains("1 received, 0% packet loss"), "{output}");
    // That is why the file is needed: what a build step writes to /etc/hosts is lost, or refused.
    let etc_hosts = match builder {
        Builder::Classic => "etc-hosts: writable",
        Builder::BuildKit => "etc-hosts: read-only",
    };
    assert!(output.contains(etc_hosts), "{output}");
    image
}

const PING: &str = "ping -c1 -W2 zhulux.dev | grep '1 received'";
const GETENT: &str = "getent ahosts zhulux.dev | grep '^127.0.0.1 .*STREAM zhulux.dev'";

#[track_caller]
fn works_in_every_way(image: &Image) {
    let names = format!(
        "{GETENT} && {PING} && getent hosts \"$(hostname)\" && getent hosts localhost && \
         getent hosts added | grep ^10.9.8.7 && workaround-docker-2267 verify zhulux.dev 127.0.0.1"
    );
    image.sh(&["--add-host", "added:10.9.8.7"], &names).ok();
    image
        .sh(
            &["-u", "12345:54321"],
            &format!("test $(id -u) = 12345 && {GETENT} && workaround-docker-2267 status"),
        )
        .ok();
    image
        .sh(
            &["--read-only"],
            &format!("{GETENT} && {PING} && workaround-docker-2267 status"),
        )
        .ok();
    image
        .sh(
            &["--cap-drop", "ALL"],
            &format!("{GETENT} && workaround-docker-2267 status"),
        )
        .ok();
    let container = Container::start(image.name(), &["--add-host", "added:10.9.8.7"]);
    container
        .sh("echo 127.0.0.1 later.dev >> /etc/workaround-docker-2267/hosts")
        .ok();
    cli(&["restart", "-t", "0", container.name()]).ok();
    container
        .sh(&format!("{names} && getent hosts later.dev"))
        .ok();
}

#[track_caller]
fn undo_restores_the_same_bytes(image: &Image) {
    let script = "workaround-docker-2267 revert && cmp /etc/nsswitch.conf /nsswitch.conf.before && \
                  test -z \"$(ls /var/lib/workaround-docker-2267)\" && grep zhulux /etc/workaround-docker-2267/hosts && \
                  ! getent hosts zhulux.dev && workaround-docker-2267 verify zhulux.dev; test $? = 3";
    image.sh(&["--network", "none"], script).ok();
}

macro_rules! on {
    ($($release:ident),*) => {$(
        mod $release {
            use super::*;

            #[test]
            #[ignore = "needs docker"]
            fn the_classic_builder() {
                let image = build(stringify!($release), Builder::Classic);
                works_in_every_way(&image);
                undo_restores_the_same_bytes(&image);
            }

            #[test]
            #[ignore = "needs docker"]
            fn buildkit() {
                works_in_every_way(&build(stringify!($release), Builder::BuildKit));
            }
        }
    )*};
}

on!(bullseye, bookworm, trixie, sid);

#[test]
#[ignore = "needs docker"]
fn one_and_the_same_module_serves_all_releases() {
    let module = dist("amd64").join("usr/lib/x86_64-linux-gnu/libnss_workaround.so.2");
    let sum = run(
        Command::new("sha256sum").arg(&module),
        Duration::from_secs(5),
    )
    .ok();
    let sum = sum.split(' ').next().unwrap();
    let mut versions = std::collections::BTreeSet::new();
    for release in RELEASES {
        let (image, ran) = context(release).build(Builder::Classic);
        ran.ok();
        let script = "sha256sum /usr/lib/x86_64-linux-gnu/libnss_workaround.so.2; ldd --version | head -n1; getent hosts zhulux.dev";
        let output = image.sh(&[], script).ok();
        assert!(
            output.contains(sum) && output.contains("127.0.0.1"),
            "{release}: {output}"
        );
        versions.extend(output.lines().nth(1).map(str::to_owned));
    }
    assert_eq!(versions.len(), RELEASES.len(), "{versions:?}");
}
