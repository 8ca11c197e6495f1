//! `setuser` and `container-env` as they are shipped, on every release's own libc and NSS.

use crate::support::docker::{RELEASES, sh};
use crate::support::{Ran, dist};

/// `docker run OPTIONS BASE sh -c SCRIPT`, with what is shipped below `/shipped`.
#[track_caller]
fn run(release: &str, options: &[&str], script: &str) -> Ran {
    let mount = format!("{}/usr:/shipped:ro", dist("amd64").display());
    let mut all = vec![
        "-v",
        &mount,
        "-e",
        "PATH=/shipped/sbin:/shipped/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    ];
    all.extend(options);
    sh(&format!("baseimage-test/base:{release}"), &all, script)
}

#[test]
#[ignore = "needs docker"]
fn setuser_finds_the_users_of_every_release() {
    let script = r#"
        groupadd -g 8377 docker_env
        useradd -u 1234 -m -G docker_env,www-data app
        for who in app 1234 www-data nobody:docker_env 77777 77777:0; do
            setuser $who sh -c 'echo $(id -u):$(id -g):$(id -G | tr " " "\n" | sort -n | tr "\n" ,) $USER $HOME'
        done
        setuser nosuchuser true; echo $?
        setuser app nosuchcommand; echo $?
        setuser app /etc/shadow; echo $?
    "#;
    for release in RELEASES {
        let ran = run(release, &[], script);
        let lines: Vec<&str> = ran.stdout.lines().collect();
        let want = [
            "1234:1234:33,1234,8377, app /home/app",
            "1234:1234:33,1234,8377, app /home/app",
            "33:33:33, www-data /var/www",
            "65534:8377:8377, nobody /nonexistent",
            "77777:77777:77777, 77777 /",
            "77777:0:0, 77777 /",
            "125",
            "127",
            "126",
        ];
        assert_eq!(lines, want, "{release}: {}", ran.stderr);
        assert_eq!(
            ran.stderr,
            "setuser: user nosuchuser not found\n\
             setuser: cannot execute nosuchcommand: not found in /shipped/sbin:/shipped/bin:/usr/sbin:/usr/bin:/sbin:/bin\n\
             setuser: cannot execute /etc/shadow: Permission denied\n",
            "{release}"
        );
    }
}

/// The containers that people start without root, or without its rights.
#[test]
#[ignore = "needs docker"]
fn setuser_is_content_where_it_is_that_user_already() {
    #[rustfmt::skip]
    let table: [(&[&str], &str, &str); 4] = [
        (&["--user", "33"],                     "www-data", "33"),
        (&["--user", "12345:0"],                "12345",    "12345"),
        (&["--cap-drop", "ALL"],                "root",     "0"),
        (&["--read-only", "--security-opt", "no-new-privileges"], "www-data", "33"),
    ];
    for (options, who, want) in table {
        let ran = run("trixie", options, &format!("setuser {who} id -u"));
        assert_eq!(ran.ok().trim_end(), want, "{options:?}");
    }
    let ran = run("trixie", &["--user", "33"], "setuser root id -u");
    assert_eq!(ran.status, Some(125), "{}", ran.stderr);
}

/// The README's own example, by a cron job's bare environment.
#[test]
#[ignore = "needs docker"]
fn container_env_serves_every_release() {
    let script = r"
        mkdir -m 700 /etc/container_environment
        echo Apachai Hopachai > /etc/container_environment/MY_NAME
        container-env set HELLO 'my beautiful world'
        env -i /shipped/bin/container-env run sh -c 'echo $MY_NAME, $HELLO'
        cat /etc/container_environment.json; echo
        . /etc/container_environment.sh; echo $HELLO
        setuser nobody /shipped/bin/container-env list; echo $?
    ";
    for release in RELEASES {
        let ran = run(release, &["-e", "HOME=/root"], script);
        let want = "Apachai Hopachai, my beautiful world\n\
            {\"HELLO\": \"my beautiful world\", \"HOME\": \"/root\", \"MY_NAME\": \"Apachai Hopachai\"}\n\
            my beautiful world\n1\n";
        assert_eq!(ran.stdout, want, "{release}: {}", ran.stderr);
        assert_eq!(
            ran.stderr,
            "container-env: cannot read /etc/container_environment: Permission denied; run this as root\n",
            "{release}"
        );
    }
}
