//! What is in the image, part by part: a test shows that it works, not that it is there.

use super::{SOON, boot, image, images, on_each};
use crate::support::docker::{cli, sh};

#[test]
#[ignore = "needs docker"]
fn apt_is_told_that_nothing_is_to_be_started() {
    on_each(&images(), 4, |image| {
        let script = "test \"$(readlink /usr/bin/ischroot)\" = /bin/true; dpkg-divert --list /usr/bin/ischroot | grep -q ischroot.distrib
            test \"$(find /var/lib/apt/lists /var/cache/apt/archives -type f ! -name lock)\" = ''
            if test -e /sbin/initctl; then dpkg-divert --list /sbin/initctl | grep -q distrib; fi
            status=0; /usr/sbin/policy-rc.d cron start || status=$?; test $status = 101
            LC_ALL=C invoke-rc.d cron start 2>&1 | grep 'policy-rc.d denied execution of start'
            test \"$(pidof cron)\" = ''; test \"$(dpkg --audit)\" = ''; apt-get check -qq";
        sh(image, &[], &format!("set -ex; {script}")).ok();
    });
}

#[test]
#[ignore = "needs docker"]
fn a_service_is_started_again_when_it_ends_and_stopped_with_the_container() {
    on_each(&images(), 4, |image| {
        let container = boot(image, &[]);
        let make = "mkdir /etc/service/mine && cd /etc/service/mine && \
                    printf '#!/bin/sh\\ntrap \"echo stopped >/stopped; exit\" TERM\\necho $$ >>/starts\\nwhile :; do sleep 0.1; done\\n' >run && \
                    chmod +x run";
        container.sh(make).ok();
        container.until("sv status mine | grep ^run:", SOON);
        container.sh("kill -9 $(cat /starts)").ok();
        container.until(
            "test $(wc -l </starts) = 2 && kill -0 $(tail -n 1 /starts)",
            SOON,
        );
        assert_eq!(container.stop(), "0", "{}", container.logs());
        let from = format!("{}:/stopped", container.name());
        cli(&["cp", &from, "-"]).ok();
    });
}

#[test]
#[ignore = "needs docker"]
fn the_services_are_those_of_the_image_alone() {
    on_each(&images(), 4, |image| {
        assert_eq!(sh(image, &[], "ls /etc/service").ok(), "cron\n");
    });
}

#[test]
#[ignore = "needs docker"]
fn there_is_no_ssh_server_and_whoever_asks_for_keys_is_told() {
    on_each(&images(), 4, |image| {
        let keys = sh(
            image,
            &[],
            "! ls /usr/sbin/sshd 2>/dev/null && /etc/my_init.d/00_regen_ssh_host_keys.sh",
        )
        .ok();
        assert!(keys.contains("No SSH server is installed"), "{keys}");
        let insecure = sh(image, &[], "/sbin/my_init --enable-insecure-key -- true");
        assert_eq!(insecure.status, Some(1), "{insecure:?}");
        let says =
            "*** Installing insecure SSH key for user root\ncannot enable an insecure SSH key";
        assert!(insecure.stderr.contains(says), "{insecure:?}");
    });
}

#[test]
#[ignore = "needs docker"]
fn the_commands_are_where_the_readme_says() {
    let script = "set -e
        for command in /sbin/my_init /sbin/setuser /usr/bin/container-env /usr/bin/workaround-docker-2267; do $command --version; done
        for command in my_init setuser container-env workaround-docker-2267 vim ping ip sv runsv logrotate install_clean; do
            command -v $command >/dev/null || { echo no $command; exit 1; }
        done
        test \"$(setuser nobody sh -c 'id -un; echo $HOME')\" = \"$(printf 'nobody\\n/nonexistent')\"
        vim --version | grep -q '^VIM - Vi IMproved'; echo text >/tmp/file; vim -es -c 's/text/edited/' -c wq /tmp/file; grep -qx edited /tmp/file
        ip r | grep -q ^default; ping -c1 127.0.0.1 | grep '1 received'";
    on_each(&images(), 4, |image| {
        sh(image, &[], script).ok();
        sh(
            image,
            &["-u", "12345"],
            "ping -c1 127.0.0.1 | grep '1 received'",
        )
        .ok();
    });
}

#[test]
#[ignore = "needs docker"]
fn time_and_language_are_chinese_and_can_be_overridden() {
    let script = "set -e
        date +%Z%z; env -u TZ date +%Z%z; locale 2>&1 | head -n 1; test -z \"$(locale 2>&1 >/dev/null)\"; locale charmap
        test -z \"$(perl -e 'print qq(hello\\n)' 2>&1 | grep -i warning)\"
        touch '/tmp/中文 文件.txt'; ls /tmp/中*; printf %s \"$(cat /etc/container_environment/逐鹿 2>/dev/null)\"";
    on_each(&images(), 4, |image| {
        let shown = sh(image, &[], script).ok();
        let want = "CST+0800\nCST+0800\nLANG=zh_CN.utf8\nUTF-8\n/tmp/中文 文件.txt\n";
        assert_eq!(shown, want);
        let options = ["-e", "TZ=UTC", "-e", "LANG=en_US.UTF-8"];
        let script = "date +%Z%z; locale charmap; locale 2>&1 | head -n 1";
        let shown = sh(image, &options, script).ok();
        assert_eq!(shown, "UTC+0000\nUTF-8\nLANG=en_US.UTF-8\n");
    });
}

#[test]
#[ignore = "needs docker"]
fn the_environment_is_for_root_and_docker_env_alone() {
    on_each(&images(), 4, |image| {
        let container = boot(image, &["-e", "SECRET=hunter two"]);
        let modes = container
            .sh("stat -c '%a %U %G' /etc/container_environment /etc/container_environment.sh /etc/container_environment.json; getent group docker_env | cut -d: -f3")
            .ok();
        assert_eq!(
            modes,
            "700 root root\n640 root docker_env\n640 root docker_env\n8377\n"
        );
        // `env -i` as sshd and su do it: nothing but what the login shell reads.
        let login = "env -i bash -lc 'echo $SECRET'; useradd -m -G docker_env member; useradd -m other
            for user in member other; do setuser $user env -i bash -lc 'echo $(id -un): $SECRET'; done
            setuser other cat /etc/container_environment.json /etc/container_environment/SECRET 2>/dev/null; true";
        let shown = container.sh(login).ok();
        assert_eq!(shown, "hunter two\nmember: hunter two\nother:\n");
    });
}

#[test]
#[ignore = "needs docker"]
fn the_hosts_file_is_obeyed_once_the_workaround_is_applied() {
    on_each(&images(), 4, |image| {
        let script = "! workaround-docker-2267 status >/dev/null && /usr/bin/workaround-docker-2267 >/dev/null && \
                      echo 127.0.0.1 zhulux.dev >> /etc/workaround-docker-2267/hosts && ping -c1 zhulux.dev";
        let shown = sh(image, &[], script).ok();
        assert!(shown.contains("PING zhulux.dev (127.0.0.1)"), "{shown}");
    });
}

#[test]
#[ignore = "needs docker"]
fn install_clean_quotes_its_arguments_and_leaves_nothing_behind() {
    // A stand-in for apt-get shows what it would be given.
    let script = r#"mkdir /stand-in && printf '#!/bin/sh\nprintf "[%%s]" "$@"; echo\ncase "$*" in *missing*) exit 100;; esac\n' >/stand-in/apt-get && chmod +x /stand-in/apt-get
        touch /var/lib/apt/lists/list; export PATH=/stand-in:$PATH
        install_clean curl 'odd name=1.*' --install-recommends; ls /var/lib/apt/lists
        touch /var/lib/apt/lists/list; install_clean missing; echo $?; ls /var/lib/apt/lists; install_clean 2>&1; echo $?"#;
    let shown = sh(&image("trixie", "classic"), &[], script).ok();
    let want = "[-q][update]\n[-q][-y][--no-install-recommends][install][curl][odd name=1.*][--install-recommends]\n[clean]\n\
                [-q][update]\n[-q][-y][--no-install-recommends][install][missing]\n[clean]\n100\n\
                usage: install_clean [--install-recommends] PACKAGE...\n2\n";
    assert_eq!(shown, want);
}
