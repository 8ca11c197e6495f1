//! Docker's two builders: what is shown of an image by one holds for the other's.

use super::{image, on_each};
use crate::support::docker::{RELEASES, cli, sh};

/// All paths with their modes, owners, links and sizes, and the sums of the files where a build
/// writes; of what packages bring, the size is enough. Left out is what Docker puts there itself,
/// and ldconfig's memory of inode numbers.
const FILES: &str = r#"set -e; cd /
    leave="( -path ./proc -o -path ./sys -o -path ./dev -o -path ./var/cache/ldconfig -o
             -path ./etc/hosts -o -path ./etc/hostname -o -path ./etc/resolv.conf ) -prune -o"
    find . -xdev $leave -type f -printf '%p %m %u:%g %s\n' -o $leave -printf '%p %y %m %u:%g %l\n' | LC_ALL=C sort
    find ./etc ./var ./root ./usr/local ./usr/lib/baseimage -xdev $leave -type f -print0 |
        LC_ALL=C sort -z | xargs -0 sha256sum"#;

#[test]
#[ignore = "needs docker"]
fn both_make_the_same_image_file_for_file() {
    let releases = RELEASES.map(str::to_owned);
    on_each(&releases, 2, |release| {
        let [classic, buildkit] = ["classic", "buildkit"].map(|builder| {
            let image = image(release, builder);
            let format = "{{json .Config.Env}} {{json .Config.Cmd}} {{json .Config.Entrypoint}}";
            let config = cli(&["image", "inspect", "-f", format, &image]).ok();
            config + &sh(&image, &[], FILES).ok()
        });
        for path in ["./usr/sbin/my_init 755 root:root ", "  ./etc/pam.d/cron"] {
            assert!(classic.contains(path), "{path}: {classic}");
        }
        let one = |lines: &str, others: &str| {
            let others: std::collections::HashSet<_> = others.lines().collect();
            let only = lines.lines().filter(|line| !others.contains(line));
            only.map(str::to_owned).collect::<Vec<_>>()
        };
        let differ = (one(&classic, &buildkit), one(&buildkit, &classic));
        assert_eq!(
            differ,
            (vec![], vec![]),
            "only in classic, only in BuildKit"
        );
    });
}
