//! A newcomer's machine: nothing but what the distribution's installer leaves, and the README.

use crate::support::docker::cli;
use crate::support::workspace;

/// The first of the README's two commands, in a container made only from the distribution. It
/// finds cargo, a compiler and ping by itself. Containers reach the distribution's archive only,
/// so the crates go in as source, as for arm64.
#[test]
#[ignore = "needs docker"]
fn the_demo_sets_itself_up_on_a_fresh_machine() {
    let vendor = workspace().join("target/arm64/vendor");
    assert!(vendor.exists(), "run `packaging/dist arm64` first");
    let source = format!("{}:/source:ro", workspace().display());
    let vendor = format!("{}:/vendor:ro", vendor.display());
    let script = "set -e; apt-get update -qq; apt-get install -y -qq --no-install-recommends make >/dev/null 2>&1; \
        mkdir -p /root/.cargo /checkout; \
        printf '[source.crates-io]\\nreplace-with = \"vendor\"\\n[source.vendor]\\ndirectory = \"/vendor\"\\n' >/root/.cargo/config.toml; \
        tar -C /source --exclude=./target --exclude=./.git -c . | tar -C /checkout -x; cd /checkout; \
        before=$(cat /etc/nsswitch.conf /etc/hosts | sha256sum); make demo; \
        test \"$before\" = \"$(cat /etc/nsswitch.conf /etc/hosts | sha256sum)\"; ! test -e /etc/workaround-docker-2267; echo unchanged";
    let shown = cli(&[
        "run",
        "--rm",
        // To make a mount namespace, as root may on a machine of its own.
        "--cap-add",
        "SYS_ADMIN",
        "--security-opt",
        "seccomp=unconfined",
        "--security-opt",
        "apparmor=unconfined",
        "-v",
        &source,
        "-v",
        &vendor,
        "baseimage-test/base:trixie",
        "sh",
        "-c",
        script,
    ])
    .ok();
    for expected in ["1 received", "zhulux.dev is 127.0.0.1", "unchanged"] {
        assert!(shown.contains(expected), "{expected} is missing in {shown}");
    }
}
