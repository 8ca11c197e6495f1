//! `apt-get upgrade` in a running container.

use super::{SOON, boot, on_each, the_other_images};
use crate::support::docker::cli;

/// Makes a newer version of each package that the image has something to do with, with other
/// configuration files in it, and upgrades to them.
const UPGRADE: &str = r#"set -e
    mkdir -p /repository/new && cd /repository
    apt-get -q update
    apt-get -q download cron logrotate runit syslog-ng-core libc6
    for package in *.deb; do
        rm -rf tree && dpkg-deb -R "$package" tree
        sed -i 's/^Version: .*/&+newer/' tree/DEBIAN/control
        for file in $(sed -n 's#^\(/[^ ]*\)$#\1#p' tree/DEBIAN/conffiles 2>/dev/null); do echo '# newer' >>"tree$file"; done
        dpkg-deb -Zgzip -z1 -b tree "new/$(dpkg-deb -f "$package" Package).deb" >/dev/null
    done
    cd new
    for package in *.deb; do
        dpkg-deb -f "$package"
        printf 'Filename: ./%s\nSize: %s\nSHA256: %s\n\n' "$package" "$(stat -c %s "$package")" "$(sha256sum "$package" | cut -d' ' -f1)"
    done >Packages
    rm -rf /etc/apt/sources.list /etc/apt/sources.list.d/*
    echo 'deb [trusted=yes] file:/repository/new ./' >/etc/apt/sources.list
    echo '# mine' >>/etc/default/cron; echo '# mine' >>/etc/logrotate.conf
    apt-get -q update
    apt-get -q -y upgrade </dev/null"#;

#[test]
#[ignore = "needs docker"]
fn an_upgrade_asks_nothing_starts_nothing_loses_nothing() {
    // Those that `readme` installs packages in are of the other builder.
    on_each(&the_other_images(), 2, |image| {
        let container = boot(image, &[]);
        container.sh("/usr/bin/workaround-docker-2267 && echo 10.9.8.7 db.internal >>/etc/workaround-docker-2267/hosts").ok();
        let processes = "cat /run/runsv.cron/pid /run/runsv.syslog/pid; cat /proc/[0-9]*/comm | grep -vE '^(sh|cat|grep|sort)$' | sort; ls /etc/service";
        let before = container.sh(processes).ok();

        let ran = cli(&["exec", container.name(), "sh", "-c", UPGRADE]);
        assert_eq!(ran.status, Some(0), "{ran:?}");
        assert!(
            ran.stdout.contains("5 upgraded") || ran.stdout.contains("升级了 5 个"),
            "{}",
            ran.stdout
        );
        for question in ["(Y/I/N/O/D/Z)", "Starting", "Restarting"] {
            assert!(
                !format!("{}{}", ran.stdout, ran.stderr).contains(question),
                "{question}: {ran:?}"
            );
        }
        assert_eq!(container.sh(processes).ok(), before);

        // What is ours is as before; what the user edited too; the rest is the new version's.
        let kept = "set -e; ! grep -q newer /etc/pam.d/cron; grep -q optional /etc/pam.d/cron; grep -q BASEIMAGE_OUTPUT /etc/syslog-ng/syslog-ng.conf
            tail -n 1 /etc/default/cron /etc/logrotate.conf | grep -c '# mine'; tail -n 1 /etc/cron.daily/logrotate; tail -n 1 /etc/pam.d/cron.distrib
            test -z \"$(dpkg --audit)\"; logrotate /etc/logrotate.conf; logrotate -d /etc/logrotate.conf 2>&1 | grep -ic '^error' || true
            getent hosts db.internal; workaround-docker-2267 status";
        let kept = container.sh(kept).ok();
        assert!(
            kept.starts_with("2\n# newer\n# newer\n0\n10.9.8.7 ") && kept.contains("in force"),
            "{kept}"
        );
        cli(&["restart", container.name()]).ok();
        container.until("sv status cron | grep ^run: && logger -t me upgraded && grep 'me: upgraded' /var/log/syslog && getent hosts db.internal", SOON);
    });
}
