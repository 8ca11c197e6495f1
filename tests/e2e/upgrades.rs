//! dpkg keeps the workaround in force: whatever is installed, upgraded or removed, the next lookup
//! is answered, and no command of ours was run by hand in between.

use crate::support::deb_folder;
use crate::support::docker::{Container, cli};

/// A system with the package installed and the workaround applied.
struct System {
    container: Container,
    mechanism: &'static str,
}

const ADDRESS: &str = "127.0.0.77";

impl System {
    /// The packages are mounted at `/debs`; nothing is installed yet.
    fn bare(image: &str, mechanism: &'static str) -> Self {
        let debs = format!("{}:/debs:ro", deb_folder().display());
        let options = [
            "--network",
            "none",
            "-e",
            "DEBIAN_FRONTEND=noninteractive",
            "-v",
            &debs,
        ];
        let container = Container::start(image, &options);
        Self {
            container,
            mechanism,
        }
    }

    fn new(image: &str, mechanism: &'static str) -> Self {
        let system = Self::bare(image, mechanism);
        system.install();
        system.apply();
        system
    }

    fn install(&self) {
        self.ok("dpkg -i /debs/workaround-docker-2267_*_amd64.deb");
    }

    fn apply(&self) {
        self.ok(&format!(
            "workaround-docker-2267 apply --mechanism {} && \
             echo {ADDRESS} zhulux.dev >>/etc/workaround-docker-2267/hosts",
            self.mechanism
        ));
        self.still_answers("apply");
    }

    /// Runs `script`, which must succeed.
    #[track_caller]
    fn ok(&self, script: &str) -> String {
        let ran = self.container.sh(script);
        assert_eq!(ran.status, Some(0), "{script}\n{ran:?}");
        ran.stdout
    }

    /// What `script` puts out, whether it succeeds or not.
    fn output(&self, script: &str) -> String {
        self.container.sh(script).stdout
    }

    /// Programs that began with a library that has been replaced keep /cte; a restart ends them.
    fn restart(&self) {
        cli(&["restart", "-t", "0", self.container.name()]).ok();
    }

    #[track_caller]
    fn still_answers(&self, after: &str) {
        let answer = self.output("getent hosts zhulux.dev; getent hosts localhost");
        assert!(
            answer.contains(ADDRESS) && answer.contains("localhost"),
            "after {after} ({}): {answer:?}\n{}",
            self.mechanism,
            self.output("workaround-docker-2267 status; cat /etc/nsswitch.conf")
        );
    }

    /// Runs `script`, which is to bring another libc.so.6, then asks.
    #[track_caller]
    fn replaces_libc(&self, script: &str) {
        const IDENTITY: &str = "stat -Lc '%i %y' /lib/x86_64-linux-gnu/libc.so.6; stat -Lc '%i %y' /lib/x86_64-linux-gnu/libnss_files.so.2";
        let before = self.output(IDENTITY);
        self.ok(script);
        self.still_answers(script);
        assert_ne!(
            before,
            self.output(IDENTITY),
            "{script} replaced no library"
        );
    }
}

/// Programs that ask all the while; their number, and what was odd, in the end.
struct Watch<'s>(&'s System);

impl<'s> Watch<'s> {
    fn start(system: &'s System) -> Self {
        // A name that only /etc/hosts and the workaround know may be missing for a moment; no
        // program may die, and localhost is there at each.
        system.ok(r#"cat >/watch <<'END'
n=0
while [ ! -e /watch.stop ] && [ $n -lt 100000 ]; do
    n=$((n + 1))
    getent hosts localhost >/dev/null || echo "localhost: status $?"
    getent hosts zhulux.dev >/dev/null; status=$?
    case $status in 0 | 2) ;; *) echo "zhulux.dev: status $status" ;; esac
    sleep 0.02
done >/watch.odd 2>&1
echo $n >/watch.asked
END
(setsid sh /watch &) </dev/null >/dev/null 2>&1"#);
        Self(system)
    }

    #[track_caller]
    fn nothing_was_odd(self) {
        // dpkg puts one file of glibc after the other in its place. What starts in between (`sleep`
        // too, which looks nothing up) may find a loader and a C library that do not fit each other,
        // with us or without; the loader then says so, and ends it with 127.
        let out = self.0.ok(
            "touch /watch.stop; for i in $(seq 100); do [ -e /watch.asked ] && break; sleep 0.1; done; \
             grep -vE ': symbol lookup error: .*GLIBC_PRIVATE$|: version .GLIBC_.* not found|: status 127$' /watch.odd; \
             cat /watch.asked; rm /watch*",
        );
        let asked: u32 = out.trim().parse().unwrap_or_else(|_| panic!("{out}"));
        assert!(asked > 20, "asked {asked} times only");
    }
}

/// A package like those of NSS services, whose postinst is cruder than theirs: it writes the whole
/// hosts line anew.
const RUDE_PACKAGE: &str = r#"
mkdir -p /rude/DEBIAN /rude/usr/lib/x86_64-linux-gnu
echo module >/rude/usr/lib/x86_64-linux-gnu/libnss_wins.so.2
printf 'Package: rude\nVersion: 1\nArchitecture: amd64\nMaintainer: nobody <nobody@localhost>\nDescription: rude\n' >/rude/DEBIAN/control
printf '#!/bin/sh\nsed -i "s/^hosts:.*/hosts: files dns/" /etc/nsswitch.conf\n' >/rude/DEBIAN/postinst
chmod 755 /rude/DEBIAN/postinst
dpkg-deb -b /rude /rude.deb"#;

/// Our own package, a version later; while it is being installed the workaround gets lost.
const NEXT_VERSION: &str = r#"
dpkg-deb -R /debs/workaround-docker-2267_*_amd64.deb /next
sed -i 's/^Version: .*/&+next/' /next/DEBIAN/control
printf '#!/bin/sh\nsed -i "s/^hosts:.*/hosts: files dns/" /etc/nsswitch.conf\n' >/next/DEBIAN/preinst
chmod 755 /next/DEBIAN/preinst
dpkg-deb -b /next /next.deb"#;

#[track_caller]
fn survives_everything(release: &str, mechanism: &'static str) {
    let system = System::new(&format!("baseimage-test/upgrade:{release}"), mechanism);
    let watch = Watch::start(&system);

    // The image has an older libc6 than its archive, where that still had one.
    let version = "dpkg-query -Wf '${Version}' libc6";
    let old = system.ok(version);
    let newer = system.output("apt-get upgrade -s").contains("Inst libc6 ");
    let versions = system.ok("apt-cache madison libc6 | awk '{print $3}' | sort -u | wc -l");
    assert_eq!(
        newer,
        versions.trim() != "1",
        "{versions} versions of libc6"
    );
    if newer {
        system.replaces_libc("apt-get upgrade -y");
        assert_ne!(old, system.ok(version));
    }
    system.replaces_libc("apt-get install -y --reinstall libc6");
    system.replaces_libc("dpkg -i /var/cache/apt/archives/libc6_*.deb");

    system.ok("apt-get install -y --no-install-recommends libnss-myhostname libnss-mdns");
    system.still_answers("apt-get install libnss-myhostname libnss-mdns");
    let line = system.ok("grep ^hosts: /etc/nsswitch.conf");
    assert!(
        line.contains("myhostname") && line.contains("mdns4_minimal"),
        "{line}"
    );

    system.ok(RUDE_PACKAGE);
    system.ok("dpkg -i /rude.deb");
    system.still_answers("dpkg -i of a package that rewrites the hosts line");
    system.ok(NEXT_VERSION);
    system.ok("dpkg -i /next.deb");
    system.still_answers("an upgrade of our own package");
    watch.nothing_was_odd();

    let status = system.ok("workaround-docker-2267 status");
    assert!(status.starts_with("in force"), "{status}");
    system.ok("apt-get remove -y workaround-docker-2267");
    assert_eq!(system.output("getent hosts zhulux.dev"), "");
    assert_ne!(system.output("getent hosts localhost"), "");
    assert!(
        system
            .ok("cat /etc/workaround-docker-2267/hosts")
            .contains(ADDRESS)
    );
    nothing_is_patched(&system);
    system.restart();
    system.ok("apt-get purge -y workaround-docker-2267");
    nothing_of_us_is_left(&system);
}

#[track_caller]
fn nothing_is_patched(system: &System) {
    // The rude package's file is no library, and is not what is asked about.
    let changed = system
        .container
        .sh("debsums -a libc6 libc-bin | grep -v 'OK$'");
    assert_eq!(changed.stdout + &changed.stderr, "", "{}", system.mechanism);
}

#[track_caller]
fn nothing_of_us_is_left(system: &System) {
    nothing_is_patched(system);
    let left = system.output(
        "grep -rl workaround /etc; ls -d /cte /var/lib/workaround* 2>/dev/null; \
         find /usr /lib /etc /var/lib /var/cache -xdev -name '*workaround*'; \
         grep -r workaround-docker /var/lib/dpkg/triggers; ldconfig -p | grep workaround; true",
    );
    assert_eq!(left, "", "{}", system.mechanism);
}

/// Installing changes nothing; removal and purge restore all.
#[track_caller]
fn comes_and_goes_without_a_trace(release: &str, mechanism: &'static str) {
    // The cache of the dynamic linker is made anew by the linker's own trigger.
    const DIFFERENCES: &str =
        "diff -r --no-dereference /etc.before /etc 2>&1 | grep -v '/etc/ld.so.cache'; true";
    let system = System::bare(&format!("baseimage-test/upgrade:{release}"), mechanism);
    system.ok("cp -a /etc /etc.before");
    system.install();
    assert_eq!(system.output(DIFFERENCES), "", "after installing");
    let status = system.container.sh("workaround-docker-2267 status");
    assert_eq!(status.status, Some(3), "{status:?}");
    // dpkg's trigger does not apply what was never applied.
    system.ok("dpkg -i /var/cache/apt/archives/libc6_*.deb");
    assert_eq!(
        system.container.sh("workaround-docker-2267 status").status,
        Some(3)
    );
    system.apply();
    system.restart();
    system.still_answers("a restart");
    system.ok("dpkg --remove workaround-docker-2267");
    system.restart();
    system.ok("dpkg --purge workaround-docker-2267");
    assert_eq!(system.output(DIFFERENCES), "", "after the purge");
    nothing_of_us_is_left(&system);
}

/// Debian 12 becomes Debian 13: another glibc, its files under /usr/lib instead of /lib.
#[track_caller]
fn survives_a_new_release(mechanism: &'static str) {
    let system = System::new("baseimage-test/dist-upgrade", mechanism);
    let watch = Watch::start(&system);
    system.replaces_libc("apt-get dist-upgrade -y -o Dpkg::Options::=--force-confold");
    watch.nothing_was_odd();
    assert!(system.ok("getent --version").contains("2.41"));
    let status = system.ok("workaround-docker-2267 status");
    assert!(status.starts_with("in force"), "{status}");
    system.ok("dpkg --remove workaround-docker-2267");
    system.restart();
    system.ok("dpkg --purge workaround-docker-2267");
    assert_eq!(system.output("dpkg --verify libc6"), "");
    let left = system.output("grep -rl workaround /etc; ls -d /cte 2>/dev/null");
    assert_eq!(left, "");
}

macro_rules! on {
    ($($mechanism:ident: $($release:ident),*;)*) => {$(
        mod $mechanism {
            $(mod $release {
                #[test]
                #[ignore = "needs docker"]
                fn survives_everything() {
                    super::super::survives_everything(stringify!($release), stringify!($mechanism));
                }

                #[test]
                #[ignore = "needs docker"]
                fn comes_and_goes_without_a_trace() {
                    super::super::comes_and_goes_without_a_trace(stringify!($release), stringify!($mechanism));
                }
            })*

            #[test]
            #[ignore = "needs docker"]
            fn survives_a_new_release() {
                super::survives_a_new_release(stringify!($mechanism));
            }
        }
    )*};
}

on! {
    nss: bullseye, bookworm, trixie, sid;
    patch: bullseye, bookworm, trixie, sid;
}

/// Without a restart `/cte` is left to the programs that read through it; they find what they would
/// find without us, and whoever removes the package is told.
#[test]
#[ignore = "needs docker"]
fn programs_that_began_before_are_not_cut_off() {
    let system = System::new("baseimage-test/upgrade:trixie", "patch");
    system.ok(
        r#"mkfifo /go; (setsid perl -e 'open(F, "<", "/go"); <F>; print((gethostbyname("localhost"))[0] // "nothing")' >/said 2>&1 &)"#,
    );
    let purged = system.container.sh("dpkg --purge workaround-docker-2267");
    assert_eq!(purged.status, Some(0), "{purged:?}");
    assert!(
        purged
            .stderr
            .contains("left /cte to programs that began before"),
        "{purged:?}"
    );
    let said = system.ok(
        "echo go >/go; for i in $(seq 100); do [ -s /said ] && break; sleep 0.1; done; cat /said",
    );
    assert_eq!(said, "localhost");
}

/// A trigger that cannot keep its promise must not look as if it had.
#[test]
#[ignore = "needs docker"]
fn a_failure_to_keep_it_in_force_is_an_error_of_dpkg() {
    let system = System::new("baseimage-test/upgrade:trixie", "nss");
    system.ok("rm /usr/lib/x86_64-linux-gnu/libnss_workaround.so.2");
    let ran = system
        .container
        .sh("dpkg -i /var/cache/apt/archives/libc6_*.deb");
    assert_eq!(ran.status, Some(1), "{ran:?}");
    assert!(ran.stderr.contains("libnss_workaround.so.2"), "{ran:?}");
    // It is mended by installing the package again.
    system.install();
    system.still_answers("the repair");
}
