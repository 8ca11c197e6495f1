//! The examples of the README, as they stand there but for the name of the image.

use super::{SOON, boot, images_of_all_releases, on_a_terminal, on_each};
use crate::support::docker::{Builder, Container, Context, Image, cli};

const DOCKERFILE: &str = r#"# 使用 zhulux/baseimage 作为基础镜像,去构建你自己的镜像.
FROM zhulux/baseimage:latest

# 设置正确的环境变量.
ENV HOME /root

# 生成 SSH keys,baseimage-docker 不包含任何的key,所以需要你自己生成.你也可以注释掉这句命令,系统在启动过程中,会生成一个.
RUN /etc/my_init.d/00_regen_ssh_host_keys.sh

# 初始化 baseimage-docker 系统
CMD ["/sbin/my_init"]

# 这里可以放置你自己需要构建的命令
RUN install_clean memcached openssh-server
RUN mkdir /etc/service/memcached
COPY memcached.sh /etc/service/memcached/run
RUN mkdir -p /etc/my_init.d
COPY logtime.sh /etc/my_init.d/logtime.sh
RUN echo Apachai Hopachai > /etc/container_environment/MY_NAME
RUN printf 'Apachai Hopachai\n\n' > /etc/container_environment/WITH_NEWLINE
RUN /usr/bin/workaround-docker-2267

# 当完成后,清除APT.
RUN apt-get clean && rm -rf /var/lib/apt/lists/* /tmp/* /var/tmp/*
"#;

const MEMCACHED: &str = "#!/bin/sh
# `/sbin/setuser memcache` 指定一个 `memcache` 用户来运行命令.如果你忽略了这部分,就会使用 root 用户执行.
exec /sbin/setuser memcache /usr/bin/memcached >>/var/log/memcached.log 2>&1
";

const LOGTIME: &str = "#!/bin/sh
date > /tmp/boottime.txt
";

fn build(image: &str) -> Image {
    // The classic builder takes a while for so many layers; on one release it is tried all the same.
    let builder = if image.contains("bullseye") {
        Builder::Classic
    } else {
        Builder::BuildKit
    };
    let dockerfile = DOCKERFILE.replace("zhulux/baseimage:latest", image);
    let context = Context::new(&dockerfile)
        .script("memcached.sh", MEMCACHED)
        .script("logtime.sh", LOGTIME);
    let (built, ran) = context.build(builder);
    let said = format!("{}{}", ran.stdout, ran.stderr);
    assert_eq!(ran.status, Some(0), "{said}");
    assert!(said.contains("No SSH server is installed"), "{said}");
    built
}

#[test]
#[ignore = "needs docker"]
fn the_examples_do_what_they_say() {
    on_each(&images_of_all_releases(), 2, |image| {
        let own = build(image);

        // The service and the startup script.
        let container = boot(own.name(), &[]);
        let ask = "exec 3<>/dev/tcp/127.0.0.1/11211 && printf 'version\\r\\nquit\\r\\n' >&3 && cat <&3 | grep VERSION";
        container.until(&format!("bash -c \"{}\"", ask.replace('"', "\\\"")), SOON);
        let user = "stat -c %U /proc/$(sed -n 1p /etc/service/memcached/supervise/pid)";
        assert_eq!(container.sh(user).ok(), "memcache\n");
        container
            .sh("test -s /tmp/boottime.txt && grep CST /tmp/boottime.txt")
            .ok();

        // The hosts file.
        let ping =
            "echo 127.0.0.1 zhulux.dev >> /etc/workaround-docker-2267/hosts; ping -c1 zhulux.dev";
        let shown = container.sh(ping).ok();
        assert!(shown.contains("PING zhulux.dev (127.0.0.1)"), "{shown}");
        ssh_keys_are_made_where_there_is_a_server(&container);
        assert_eq!(container.stop(), "0", "{}", container.logs());

        the_environment_is_shown_as_written(own.name());
    });
}

#[track_caller]
fn the_environment_is_shown_as_written(own: &str) {
    // The logger writes to the same terminal; what cron says at its start is waited for, as it
    // would stand in the middle of an answer.
    let quiet = "until grep -q 'reboot jobs' /var/log/syslog; do sleep 0.1; done; sleep 0.5";
    let plain = [own, "/sbin/my_init", "--", "bash", "-l"];
    let shown = on_a_terminal(
        &plain,
        &[quiet, "echo $MY_NAME", "echo \"[$WITH_NEWLINE]\"", "exit"],
    )
    .stdout
    .replace('\r', "");
    assert!(shown.contains("*** Running bash -l...\n"), "{shown}");
    assert!(
        shown.contains("\nApachai Hopachai\n") && shown.contains("\n[Apachai Hopachai\n]\n"),
        "{shown}"
    );

    let words = [
        "--env",
        "FOO=bar",
        "--env",
        "HELLO=my beautiful world",
        own,
        "/sbin/my_init",
        "--",
        "bash",
        "-l",
    ];
    let lines = [
        quiet,
        "ls /etc/container_environment",
        "cat /etc/container_environment/HELLO; echo",
        "cat /etc/container_environment.json; echo",
        "unset HELLO",
        "source /etc/container_environment.sh",
        "echo \"<$HELLO>\"",
        "exit",
    ];
    let shown = on_a_terminal(&words, &lines).stdout.replace('\r', "");
    for name in ["FOO", "HELLO", "HOSTNAME", "PATH", "TERM", "MY_NAME"] {
        assert!(
            shown.split_whitespace().any(|word| word == name),
            "{name}: {shown}"
        );
    }
    for part in [
        "\nmy beautiful world\n",
        "\"FOO\": \"bar\"",
        "\"HELLO\": \"my beautiful world\"",
        "\"HOME\": \"/root\"",
        "\n<my beautiful world>\n",
    ] {
        assert!(shown.contains(part), "{part}: {shown}");
    }
}

#[track_caller]
fn ssh_keys_are_made_where_there_is_a_server(container: &Container) {
    let script = "rm -f /etc/ssh/ssh_host_* && /etc/my_init.d/00_regen_ssh_host_keys.sh && \
                  ls /etc/ssh/ssh_host_*_key && before=$(cat /etc/ssh/ssh_host_*_key | cksum) && /etc/my_init.d/00_regen_ssh_host_keys.sh && \
                  test \"$before\" = \"$(cat /etc/ssh/ssh_host_*_key | cksum)\" && sshd -t -o PidFile=none";
    let ran = cli(&[
        "exec",
        container.name(),
        "sh",
        "-c",
        &format!("mkdir -p /run/sshd; {script}"),
    ]);
    assert_eq!(ran.status, Some(0), "{ran:?}");
    assert!(
        ran.stdout
            .contains("No SSH host key available. Generating one...")
            && ran.stdout.contains("ssh_host_ed25519_key"),
        "{ran:?}"
    );
    // No package has started a server.
    assert_eq!(container.sh("pidof sshd").status, Some(1));
}
