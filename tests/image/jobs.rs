//! cron.

use super::{images, on_each};
use crate::support::docker::Container;
use std::thread;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// A job is started at the next full minute.
const NEXT_MINUTES: Duration = Duration::from_secs(150);

/// Jobs as they come into an image: in a file with a second hard link, as a lower layer may have
/// it; of a user; with the environment and without. The module that sets the login uid fails, as
/// it does where the kernel forbids it.
const JOBS: &str = "set -e
    sed -i s/pam_loginuid.so/pam_deny.so/ /etc/pam.d/cron; grep -q pam_deny.so /etc/pam.d/cron
    echo '* * * * * root container-env run -- sh -c \"echo \\$GREETING >/tmp/with\"' >/etc/cron.d/with
    echo '* * * * * root echo \"[$GREETING]\" >/tmp/without' >/etc/cron.d/without
    echo '* * * * * nobody id -un >/tmp/user' >/etc/cron.d/linked
    ln /etc/cron.d/linked /root/second-link
    echo '* * * * * echo $LANG >/tmp/crontab' | crontab -
    mkdir -p /var/spool/cron/crontabs && ln /var/spool/cron/crontabs/root /root/third-link
    exec /sbin/my_init";

#[test]
#[ignore = "needs docker"]
fn jobs_run_whatever_links_or_login_uid_they_have_and_see_the_environment_when_they_ask() {
    // All at a time, since all that they do is to wait for the next minute.
    on_each(&images(), 8, |image| {
        let container = Container::run(image, &["-e", "GREETING=你好 cron"], &["sh", "-c", JOBS]);
        // To ask all the while would take the machine from others.
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        thread::sleep(Duration::from_secs(61 - now.as_secs() % 60));
        let seen = container.until("cd /tmp && test -s with -a -s without -a -s user -a -s crontab && cat with without user crontab", NEXT_MINUTES);
        assert_eq!(seen, "你好 cron\n[]\nnobody\nzh_CN.utf8\n");
        let links = "stat -c %h /etc/cron.d/linked /var/spool/cron/crontabs/root";
        assert_eq!(container.sh(links).ok(), "1\n1\n");
    });
}
