//! Programs that ask glibc, nearly all of them written by others.

use std::sync::OnceLock;

use crate::support::docker::{ARM64_TREE, Builder, Container, Context, Image, RELEASES, cli};
use crate::support::{dist, workspace};

/// Programs in C that do what makes resolvers stumble; see `tests/c/clients`.
const STRESS: [&str; 5] = ["closes-all", "forks", "threads", "small-stacks", "chroots"];

/// What the hosts file of these tests says.
const HOSTS: &str = "127.0.0.1 zhulux.dev\\n::1 six.dev\\n127.0.0.3 many.dev\\n127.0.0.2 many.dev\\nfd00::7 many.dev\\n";

/// The programs from the builder image, and the static ones that each release makes, in a folder.
fn programs() -> &'static std::path::Path {
    static FOLDER: OnceLock<std::path::PathBuf> = OnceLock::new();
    FOLDER.get_or_init(|| {
        let folder = workspace().join("target/clients");
        let _ = std::fs::remove_dir_all(&folder);
        std::fs::create_dir_all(&folder).unwrap();
        let out = format!("{}:/out", folder.display());
        let sources = format!("{}:/src:ro", workspace().join("tests/c/clients").display());
        cli(&[
            "run",
            "--rm",
            "-v",
            &out,
            "baseimage-test/builder",
            "sh",
            "-c",
            "cp -r /clients/. /out",
        ])
        .ok();
        for release in RELEASES {
            let image = format!("baseimage-test/client:{release}");
            let script = format!("gcc -static -o /out/static-{release} /src/lookup.c 2>/dev/null");
            cli(&[
                "run", "--rm", "-v", &out, "-v", &sources, &image, "sh", "-c", &script,
            ])
            .ok();
        }
        // Dynamic ones are built on the oldest release, so that they run on all.
        for name in STRESS {
            let script =
                format!("gcc -O1 -Wall -Werror -pthread -o /out/{name} /src/{name}.c -ldl");
            cli(&[
                "run",
                "--rm",
                "-v",
                &out,
                "-v",
                &sources,
                "baseimage-test/client:bullseye",
                "sh",
                "-c",
                &script,
            ])
            .ok();
        }
        folder
    })
}

fn image(release: &str) -> Image {
    let dockerfile = format!(
        "FROM baseimage-test/client:{release}\nCOPY amd64/ /\nCOPY clients/ /clients/\n\
         RUN /usr/bin/workaround-docker-2267 && printf '{HOSTS}' >> /etc/workaround-docker-2267/hosts\n"
    );
    let context = Context::new(&dockerfile)
        .copy(&dist("amd64"), "amd64")
        .copy(programs(), "clients");
    let (image, ran) = context.build(Builder::Classic);
    ran.ok();
    image
}

/// A client: the command, and what stands in its output.
type Client = (&'static str, &'static [&'static str]);

#[rustfmt::skip]
const CLIENTS: &[Client] = &[
    ("getent hosts zhulux.dev",                 &["127.0.0.1 "]),
    ("getent hosts six.dev",                    &["::1 "]),
    ("getent hosts 127.0.0.3",                  &["many.dev"]),
    ("getent ahosts many.dev",                  &["127.0.0.3", "127.0.0.2", "fd00::7"]),
    ("getent ahostsv4 many.dev",                &["127.0.0.3", "127.0.0.2"]),
    ("getent ahostsv6 many.dev",                &["fd00::7"]),
    ("ping -c1 -W2 zhulux.dev",                 &["(127.0.0.1)", "1 received"]),
    ("curl -sS http://zhulux.dev:8080/",        &["Directory listing"]),
    ("python3 -c 'import socket; print(socket.gethostbyname(\"zhulux.dev\"), socket.gethostbyaddr(\"127.0.0.2\"), \
      sorted({a[4][0] for a in socket.getaddrinfo(\"many.dev\", 80)}))'", &["127.0.0.1 ('many.dev'", "'127.0.0.2', '127.0.0.3', 'fd00::7'"]),
    ("perl -MSocket -e 'print inet_ntoa(inet_aton(\"zhulux.dev\")), \"\\n\"'", &["127.0.0.1"]),
    ("ruby -rsocket -e 'puts Addrinfo.getaddrinfo(\"many.dev\", 80).map(&:ip_address)'", &["127.0.0.3", "127.0.0.2", "fd00::7"]),
    ("php -r 'echo gethostbyname(\"zhulux.dev\");'", &["127.0.0.1"]),
    ("java -cp /clients Lookup zhulux.dev",     &["127.0.0.1"]),
    ("node -e 'require(\"dns\").lookup(\"zhulux.dev\", (e, a) => console.log(e || a))'", &["127.0.0.1"]),
    ("/clients/go-cgo zhulux.dev",              &["127.0.0.1"]),
    ("su -s /bin/sh nobody -c 'ping -c1 -W2 zhulux.dev'", &["1 received"]),
    ("sudo -u nobody getent hosts zhulux.dev",  &["127.0.0.1 "]),
    ("/clients/static-bullseye zhulux.dev",     &["127.0.0.1"]),
    ("/clients/static-bookworm zhulux.dev",     &["127.0.0.1"]),
    ("/clients/static-trixie zhulux.dev",       &["127.0.0.1"]),
    ("/clients/static-sid zhulux.dev",          &["127.0.0.1"]),
    ("/clients/closes-all zhulux.dev",          &["127.0.0.1"]),
    ("/clients/forks zhulux.dev 127.0.0.1",     &["ok"]),
    ("/clients/threads zhulux.dev 127.0.0.1",   &["64 threads"]),
    ("/clients/small-stacks zhulux.dev",        &["127.0.0.1"]),
    ("/clients/chroots zhulux.dev",             &["127.0.0.1", "10.1.1.1"]),
];

#[track_caller]
fn all_clients_obey(release: &str) {
    let image = image(release);
    // Docker's default network has no IPv6; with AI_ADDRCONFIG, getent drops IPv6 answers on a
    // machine whose interfaces have no such address. A link-local one will do.
    let container = Container::start(
        image.name(),
        &["--sysctl", "net.ipv6.conf.all.disable_ipv6=0"],
    );
    // For setuid's sake: ping without capabilities of its own.
    container
        .sh("ping=$(command -v ping) && chown root $ping && chmod u+s $ping")
        .ok();
    container.sh("cd /clients && (python3 -m http.server 8080 --bind 127.0.0.1 >/dev/null 2>&1 &) ; \
                  for i in $(seq 50); do curl -s http://127.0.0.1:8080/ >/dev/null && exit 0; sleep 0.1; done; exit 1").ok();
    let mut wrong = Vec::new();
    for (command, wanted) in CLIENTS {
        let ran = container.sh(command);
        let obeyed = ran.status == Some(0) && wanted.iter().all(|text| ran.stdout.contains(text));
        if !obeyed {
            wrong.push(format!("{command}: {ran:?}"));
        }
    }
    assert!(wrong.is_empty(), "{release}:\n{}", wrong.join("\n"));
    // Go's own resolver does not ask glibc, as the README says.
    assert_ne!(container.sh("/clients/go-pure zhulux.dev").status, Some(0));
}

macro_rules! on {
    ($($release:ident),*) => {$(
        #[test]
        #[ignore = "needs docker"]
        fn $release() {
            all_clients_obey(stringify!($release));
        }
    )*};
}

on!(bullseye, bookworm, trixie, sid);

/// The cross-built module and command in an arm64 system, run by qemu-user.
#[test]
#[ignore = "needs docker"]
fn arm64_under_qemu() {
    let dist = format!("{}:/dist:ro", dist("arm64").display());
    let qemu = "qemu-aarch64 -L /arm64";
    let script = format!(
        "set -e; {ARM64_TREE} cp -r /dist/. /arm64/; \
         {qemu} /arm64/usr/bin/workaround-docker-2267 --version; \
         workaround=/arm64/usr/bin/workaround-docker-2267; \
         {qemu} $workaround --root /arm64 apply; \
         printf '{HOSTS}' >> /arm64/etc/workaround-docker-2267/hosts; cat /arm64/etc/nsswitch.conf; \
         in_tree /usr/bin/getent hosts zhulux.dev; in_tree /usr/bin/getent ahosts many.dev; in_tree /usr/bin/getent hosts fd00::7; \
         in_tree /usr/bin/getent hosts 127.0.0.2; in_tree /usr/bin/workaround-docker-2267 verify zhulux.dev || true; \
         {qemu} $workaround --root /arm64 revert"
    );
    let ran = cli(&[
        "run",
        "--rm",
        "-v",
        &dist,
        "baseimage-test/arm64",
        "sh",
        "-c",
        &script,
    ]);
    let output = format!("{}{}", ran.stdout, ran.stderr);
    assert_eq!(ran.status, Some(0), "{output}");
    for wanted in [
        "hosts:          workaround files dns",
        "127.0.0.1       zhulux.dev",
        "fd00::7         many.dev",
        "127.0.0.2       many.dev",
        "127.0.0.3       STREAM many.dev",
    ] {
        assert!(output.contains(wanted), "{wanted} is missing:\n{output}");
    }
}
