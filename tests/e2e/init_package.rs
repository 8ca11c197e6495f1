//! The package of `my_init`, `setuser` and `container-env`, from the first release to the last.

use crate::support::deb_folder;
use crate::support::docker::Container;

fn bare(release: &str) -> Container {
    let debs = format!("{}:/debs:ro", deb_folder().display());
    let options = [
        "--network",
        "none",
        "-e",
        "DEBIAN_FRONTEND=noninteractive",
        "-v",
        &debs,
    ];
    Container::start(&format!("baseimage-test/upgrade:{release}"), &options)
}

const INSTALL: &str = "apt-get install -y --no-install-recommends /debs/baseimage-init_*_amd64.deb";

/// What stands where, as `stat` says it; `ls` would not follow the links.
const PLACES: &str = "stat -Lc '%n %A %U:%G' /sbin/my_init /sbin/setuser /usr/bin/container-env \
    /etc/my_init.d /etc/my_init.pre_shutdown.d /etc/my_init.post_shutdown.d /etc/container_environment \
    /etc/container_environment.sh /etc/container_environment.json /etc/profile.d/container_environment.sh \
    /etc/service/";

const STANDING: &str = "\
/sbin/my_init -rwxr-xr-x root:root
/sbin/setuser -rwxr-xr-x root:root
/usr/bin/container-env -rwxr-xr-x root:root
/etc/my_init.d drwxr-xr-x root:root
/etc/my_init.pre_shutdown.d drwxr-xr-x root:root
/etc/my_init.post_shutdown.d drwxr-xr-x root:root
/etc/container_environment drwx------ root:root
/etc/container_environment.sh -rw-r----- root:docker_env
/etc/container_environment.json -rw-r----- root:docker_env
/etc/profile.d/container_environment.sh -rw-r----- root:docker_env
/etc/service/ drwxr-xr-x root:root
";

#[track_caller]
fn installs_works_and_goes(release: &str) {
    let container = bare(release);
    container.sh(INSTALL).ok();
    assert_eq!(container.sh(PLACES).ok(), STANDING, "{release}");
    assert_eq!(
        container.sh("getent group docker_env").ok(),
        "docker_env:x:8377:\n"
    );
    // The real runit.
    container.sh("runsvdir 2>&1 | grep -q usage").ok();
    let hello = container
        .sh("/sbin/my_init --skip-runit -- /sbin/setuser nobody sh -c 'echo \"hello $(id -un)\"'")
        .ok();
    assert!(hello.contains("hello nobody"), "{release}: {hello}");
    // What the first boot has exported reaches a login shell and later commands.
    container
        .sh("FROM_FIRST=boot /sbin/my_init --skip-runit true && . /etc/profile && test \"$FROM_FIRST\" = boot && \
             test \"$(container-env get FROM_FIRST)\" = boot")
        .ok();

    // What a user removed for good does not come back with an upgrade.
    container
        .sh(
            "rm -r /etc/my_init.post_shutdown.d && dpkg -i /debs/baseimage-init_*_amd64.deb && \
             ! test -e /etc/my_init.post_shutdown.d && echo mine >/etc/my_init.d/mine",
        )
        .ok();
    container.sh("apt-get remove -y baseimage-init").ok();
    let left = container.sh(
        "ls -d /sbin/my_init /sbin/setuser /usr/sbin/my_init /usr/bin/container-env 2>/dev/null",
    );
    assert_eq!(left.stdout, "", "{release}");
    container
        .sh("test -e /etc/container_environment/FROM_FIRST && dpkg --purge baseimage-init")
        .ok();
    let left = container
        .sh("ls -d /etc/my_init* /etc/container_env* /etc/profile.d/container_env* /var/lib/baseimage 2>/dev/null; getent group docker_env; true")
        .ok();
    assert_eq!(
        left, "/etc/my_init.d\n",
        "{release}: a user's script keeps its folder"
    );
}

macro_rules! on {
    ($($release:ident),*) => {$(
        #[test]
        #[ignore = "needs docker"]
        fn $release() {
            installs_works_and_goes(stringify!($release));
        }
    )*};
}

on!(bullseye, bookworm, trixie, sid);

/// What stands in the way is left alone, and said.
#[test]
#[ignore = "needs docker"]
fn a_group_a_file_and_a_folder_that_are_there_already_stay() {
    let container = bare("bullseye");
    container
        .sh("groupadd --gid 8377 somebody && echo theirs >/sbin/my_init && \
             mkdir -m 0750 /etc/container_environment && echo theirs >/etc/profile.d/container_environment.sh")
        .ok();
    let said = container.sh(INSTALL);
    assert_eq!(said.status, Some(0), "{said:?}");
    assert!(
        said.stderr
            .contains("left /sbin/my_init alone, it is not ours; use /usr/sbin/my_init"),
        "{said:?}"
    );
    let kept = container
        .sh("cat /sbin/my_init /etc/profile.d/container_environment.sh; stat -c %a /etc/container_environment; \
             getent group docker_env | grep -c 8377; /usr/sbin/my_init --version >/dev/null && echo ours runs")
        .stdout;
    assert_eq!(kept, "theirs\ntheirs\n750\n0\nours runs\n");
    container.sh("dpkg --purge baseimage-init").ok();
    let kept = container
        .sh("cat /sbin/my_init /etc/profile.d/container_environment.sh")
        .stdout;
    assert_eq!(kept, "theirs\ntheirs\n");
}

/// A system with a /sbin of its own gets one with all in /usr, by Debian's own converter, and
/// `/sbin/my_init` is there before, after, and gone in the end. The converter refuses overlayfs.
#[test]
#[ignore = "needs docker"]
fn a_system_can_be_merged_into_usr_later() {
    let debs = format!("{}:/debs:ro", deb_folder().display());
    let options = [
        "--network",
        "none",
        "--tmpfs",
        "/t:exec,dev,size=1g",
        "-v",
        &debs,
    ];
    let container = Container::start("baseimage-test/upgrade:bullseye", &options);
    let script = r#"set -e
tree=/t/root
mkdir -p $tree/proc $tree/dev $tree/tmp $tree/run $tree/sys
for folder in bin boot etc home lib* root sbin usr var opt srv; do cp -a /$folder $tree/; done
cp /debs/baseimage-init_*_amd64.deb $tree/tmp/
cp -a /dev/null $tree/dev/
# The converter looks for file systems that are mounted below; there is none.
: >$tree/proc/mounts
in_tree() { chroot $tree env DEBIAN_FRONTEND=noninteractive "$@"; }
in_tree apt-get install -y --no-install-recommends /tmp/baseimage-init_*_amd64.deb
test ! -L $tree/sbin
in_tree /sbin/my_init --version
in_tree apt-get install -y usrmerge
test "$(readlink $tree/sbin)" = usr/sbin
in_tree /sbin/my_init --version
in_tree dpkg --verify baseimage-init
in_tree dpkg -i /tmp/baseimage-init_*_amd64.deb
in_tree /sbin/my_init --version
in_tree dpkg --purge baseimage-init
test ! -e $tree/usr/sbin/my_init
"#;
    let ran = container.sh(script);
    assert_eq!(ran.status, Some(0), "{ran:?}");
    let version = format!("my_init {}\n", env!("CARGO_PKG_VERSION"));
    assert_eq!(ran.stdout.matches(&version).count(), 3, "{ran:?}");
}
