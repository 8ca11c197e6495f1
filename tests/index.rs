//! The index and `hosts.d` through the C library, in containers.

use std::fmt::Write as _;
use std::process::Command;
use std::time::Duration;

use crate::support::docker::{Builder, Container, Context, Image, RELEASES, cli};
use crate::support::{dist, run, workspace};

const FOLDER: &str = "/etc/workaround-docker-2267";

/// Three thousand lines that nobody asks for.
const FILLER: &str = "seq -f '10.9.9.9 filler-%.0f.example.com' 3000";

fn applied(release: &str, then: &str) -> Image {
    let (image, ran) = Context::new(&format!(
        "FROM baseimage-test/ping:{release}\nCOPY amd64/ /\nRUN /usr/bin/workaround-docker-2267\n\
         WORKDIR {FOLDER}\n{then}\n"
    ))
    .copy(&dist("amd64"), "amd64")
    .build(Builder::Classic);
    ran.ok();
    image
}

fn start(image: &Image) -> Container {
    Container::start(image.name(), &["--network", "none"])
}

#[track_caller]
fn says(container: &Container, name: &str, want: &str) {
    let got = container.sh(&format!(
        "getent ahosts {name} | awk '{{print $1}}' | sort -u | xargs"
    ));
    assert_eq!(got.ok().trim_end(), want, "{name}");
}

#[track_caller]
fn do_in(container: &Container, script: &str) -> String {
    container.sh(&format!("set -e; cd {FOLDER}; {script}")).ok()
}

/// Makes the index say something that the text does not, behind the back of both: what a lookup
/// then says tells which of them it asked.
#[track_caller]
fn spoil(container: &Container) {
    do_in(
        container,
        "before=$(stat -c %y hosts); sed -i 's/^10.1.1.1 db$/10.1.1.2 db/' hosts; touch -d \"$before\" hosts",
    );
}

#[test]
#[ignore = "needs docker"]
fn the_index_is_asked_exactly_while_it_matches() {
    let image = applied("bookworm", "");
    let container = start(&image);
    let fresh = || {
        let text = format!(
            "rm -rf hosts hosts.d; {FILLER} >hosts; echo 10.1.1.1 db >>hosts; mkdir hosts.d; echo 10.3.3.3 other >hosts.d/a.hosts; workaround-docker-2267 index"
        );
        do_in(&container, &text);
        says(&container, "db", "10.1.1.1");
        spoil(&container);
        // From here on the index says 10.1.1.1 and the text 10.1.1.2.
        says(&container, "db", "10.1.1.1");
        says(&container, "other", "10.3.3.3");
    };
    #[rustfmt::skip]
    let table = [
        ("appended to",          "echo '# x' >>hosts"),
        ("touched",              "touch hosts"),
        ("replaced",             "cp hosts new; mv new hosts"),
        ("a drop-in more",       "touch hosts.d/b.hosts"),
        ("a drop-in less",       "rm hosts.d/a.hosts"),
        ("a drop-in edited",     "echo '# x' >>hosts.d/a.hosts"),
        ("a drop-in renamed",    "mv hosts.d/a.hosts hosts.d/b.hosts"),
        ("no folder",            "rm -r hosts.d"),
        ("another's index",      "chown 1000 hosts.index"),
        ("a group's index",      "chmod g+w hosts.index"),
        ("anybody's index",      "chmod o+w hosts.index"),
        ("not for all to read",  "chmod o-r hosts.d/a.hosts"),
        ("not for all to list",  "chmod o-rx hosts.d"),
        ("no index",             "rm hosts.index"),
        ("half an index",        "truncate -s 2048 hosts.index"),
        ("a bit longer",         "printf x >>hosts.index"),
        ("an index of zeros",    "size=$(stat -c %s hosts.index); truncate -s 0 hosts.index; truncate -s $size hosts.index"),
        ("a FIFO",               "rm hosts.index; mkfifo hosts.index"),
        ("a folder",             "rm hosts.index; mkdir hosts.index"),
    ];
    for (case, edit) in table {
        do_in(&container, "rm -rf hosts.index");
        fresh();
        do_in(&container, edit);
        let got = do_in(
            &container,
            "getent ahosts db | awk '{print $1}' | sort -u | xargs",
        );
        assert_eq!(got.trim_end(), "10.1.1.2", "{case}");
    }
    // Nor does whole seconds only, as in an image layer, keep it from being asked.
    do_in(&container, "rm -rf hosts.index");
    fresh();
    do_in(
        &container,
        "for f in hosts hosts.d hosts.d/a.hosts; do touch -d @$(stat -c %Y $f) $f; done",
    );
    says(&container, "db", "10.1.1.1");
}

#[test]
#[ignore = "needs docker"]
fn an_edit_counts_at_the_next_lookup_within_the_same_second() {
    let image = applied("trixie", "");
    let container = start(&image);
    // Each round edits, indexes and edits again, as fast as it goes; all in one shell.
    let script = format!(
        "{FILLER} >hosts; for round in 1 2 3; do
           echo 10.0.0.$round a$round.test >>hosts
           workaround-docker-2267 -q index
           echo 10.0.1.$round b$round.test >>hosts
           test \"$(getent hosts a$round.test | awk '{{print $1}}')\" = 10.0.0.$round
           test \"$(getent hosts b$round.test | awk '{{print $1}}')\" = 10.0.1.$round
           sed -i s/10.0.1.$round/10.0.2.$round/ hosts
           test \"$(getent hosts b$round.test | awk '{{print $1}}')\" = 10.0.2.$round
           workaround-docker-2267 -q hosts add 10.0.3.$round c$round.test
           test \"$(getent hosts c$round.test | awk '{{print $1}}')\" = 10.0.3.$round
         done; echo all"
    );
    assert_eq!(do_in(&container, &script).trim_end(), "all");
}

#[test]
#[ignore = "needs docker"]
fn an_index_made_in_a_build_is_fresh_wherever_the_image_goes() {
    // The second layer copies nothing up; the third edits and makes it anew.
    let image = applied(
        "bookworm",
        &format!(
            "RUN {FILLER} >hosts && mkdir hosts.d && echo 10.1.1.1 d >hosts.d/a.hosts && echo 10.1.1.1 db >>hosts && workaround-docker-2267 index\n\
                  RUN workaround-docker-2267 status | grep 'index .*up to date'\n\
                  RUN workaround-docker-2267 hosts add 10.2.2.2 two"
        ),
    );
    let name = image.name().to_owned();
    let folder = workspace().join("target/index");
    std::fs::create_dir_all(&folder).unwrap();
    let tar = folder.join("image.tar");
    let tar = tar.to_str().unwrap();
    let check = |image: &str| {
        let container = Container::start(image, &["--network", "none"]);
        let status = container.sh("workaround-docker-2267 status").ok();
        assert!(status.contains("hosts.index, up to date"), "{status}");
        says(&container, "two", "10.2.2.2");
        spoil(&container);
        says(&container, "db", "10.1.1.1");
        do_in(&container, "touch hosts");
        says(&container, "db", "10.1.1.2");
    };
    check(&name);
    // As a registry has it: layers as tar files.
    cli(&["save", "-o", tar, &name]).ok();
    cli(&["rmi", "-f", &name]).ok();
    cli(&["load", "-i", tar]).ok();
    check(&name);
    // As one layer.
    let flat = format!("{name}-flat");
    let container = Container::start(&name, &[]);
    cli(&["export", "-o", tar, container.name()]).ok();
    cli(&["import", tar, &flat]).ok();
    check(&flat);
    drop(container);
    let _ = cli(&["rmi", "-f", &flat]);
    let _ = std::fs::remove_file(tar);
}

#[test]
#[ignore = "needs docker"]
fn a_read_only_container_is_told_and_goes_on() {
    let image = applied("bookworm", &format!("RUN {FILLER} >hosts"));
    let container = Container::start(image.name(), &["--network", "none", "--read-only"]);
    let index = container.sh("workaround-docker-2267 index");
    assert_eq!(index.status, Some(4), "{index:?}");
    assert!(
        index.stdout.contains("lookups search the text"),
        "{index:?}"
    );
    let ensure = container.sh("workaround-docker-2267 ensure");
    assert_eq!(ensure.status, Some(0), "{ensure:?}");
    assert!(
        ensure.stdout.contains("lookups search the text"),
        "{ensure:?}"
    );
    says(&container, "filler-3000.example.com", "10.9.9.9");
}

#[test]
#[ignore = "needs docker"]
fn refused_names_are_not_found_by_any_program() {
    for release in RELEASES {
        let image = applied(
            release,
            "RUN printf '! ads.test *.ads.test\\n10.0.0.1 good.ads.test\\n' >>hosts",
        );
        // A service behind the module knows them all.
        let container = Container::start(
            image.name(),
            &[
                "--network",
                "none",
                "--add-host",
                "ads.test:10.5.5.5",
                "--add-host",
                "x.ads.test:10.5.5.5",
                "--add-host",
                "ok.test:10.5.5.5",
            ],
        );
        let script = "
            for name in ads.test x.ads.test; do
                for database in hosts ahosts ahostsv4 ahostsv6; do
                    code=0; getent $database $name || code=$?
                    test $code = 2 || echo getent $database $name
                done
            done
            ping -c 1 x.ads.test 2>&1 | grep -q 'Name or service not known' || echo ping
            python3 - <<'END'
import socket
for name in 'ads.test', 'x.ads.test':
    for family in 0, socket.AF_INET, socket.AF_INET6:
        for flags in 0, socket.AI_CANONNAME:
            try: print(socket.getaddrinfo(name, 80, family, 0, 0, flags))
            except socket.gaierror as error: assert error.errno in (socket.EAI_NONAME, socket.EAI_NODATA), error
    try: print(socket.gethostbyname_ex(name))
    except socket.gaierror as error: assert error.errno in (socket.EAI_NONAME, socket.EAI_NODATA), error
assert socket.gethostbyname('ok.test') == '10.5.5.5'
assert socket.gethostbyname('good.ads.test') == '10.0.0.1'
END
            echo done";
        assert_eq!(do_in(&container, script).trim_end(), "done", "{release}");
    }
}

#[test]
#[ignore = "needs docker"]
fn wildcards_aliases_and_drop_ins_answer_with_and_without_an_index() {
    let image = applied("sid", "");
    let container = start(&image);
    do_in(
        &container,
        "printf '127.0.0.1 *.dev.test dev.test\\n=db.internal database\\n10.0.0.7 db.internal db\\n=loop loop\\n=a.dev.test short\\n' >hosts
         mkdir hosts.d
         printf '10.1.0.1 both first\\n10.1.0.9 db' >hosts.d/10-a.hosts
         printf '10.1.0.2 both\\n0.0.0.0 *.b.dev.test' >hosts.d/9-b.hosts
         printf '10.1.0.3 both' >hosts.d/not-this.conf; printf '10.1.0.4 both' >hosts.d/.nor-this.hosts",
    );
    let canonical = "getent ahosts $name | awk 'NR == 1 {print $3}'";
    #[rustfmt::skip]
    let table = [
        // Name, addresses, canonical name.
        ("a.dev.test",      "127.0.0.1",         "a.dev.test"),
        ("A.b.c.dev.test",  "127.0.0.1",         "A.b.c.dev.test"),
        ("x.b.dev.test",    "0.0.0.0",           "x.b.dev.test"),
        ("dev.test",        "127.0.0.1",         "dev.test"),
        ("xdev.test",       "",                  ""),
        ("database",        "10.0.0.7",          "db.internal"),
        ("db",              "10.0.0.7",          "db.internal"),
        ("short",           "127.0.0.1",         "a.dev.test"),
        ("loop",            "",                  ""),
        ("both",            "10.1.0.1 10.1.0.2", "both"),
        ("first",           "10.1.0.1",          "both"),
    ];
    for with_index in [false, true] {
        if with_index {
            do_in(&container, "workaround-docker-2267 index");
        }
        for (name, addresses, first) in table {
            says(&container, name, addresses);
            let got = do_in(&container, &format!("name={name}; {canonical}"));
            assert_eq!(got.trim_end(), first, "{name}, index: {with_index}");
        }
        let reverse = do_in(
            &container,
            "getent hosts 127.0.0.1 | head -1; getent hosts 10.1.0.9; getent hosts 0.0.0.0 || true",
        );
        let words: Vec<&str> = reverse.split_whitespace().collect();
        assert_eq!(
            words,
            ["127.0.0.1", "dev.test", "10.1.0.9", "db"],
            "{reverse}"
        );
    }
    let listed = do_in(&container, "workaround-docker-2267 hosts list");
    assert!(
        listed.ends_with(
            "=a.dev.test short\n# /etc/workaround-docker-2267/hosts.d/10-a.hosts\n10.1.0.1 both first\n10.1.0.9 db\n\
             # /etc/workaround-docker-2267/hosts.d/9-b.hosts\n10.1.0.2 both\n0.0.0.0 *.b.dev.test\n"
        ),
        "{listed}"
    );
    let explained = do_in(
        &container,
        "workaround-docker-2267 hosts explain x.b.dev.test",
    );
    assert!(
        explained.contains("hosts.d/9-b.hosts:2: 0.0.0.0 *.b.dev.test\n    answers"),
        "{explained}"
    );
    assert!(
        explained.contains("hosts:1: 127.0.0.1 *.dev.test dev.test\n    shadowed"),
        "{explained}"
    );
}

#[test]
#[ignore = "needs docker"]
fn status_says_what_a_patched_library_cannot_serve() {
    let image = applied(
        "trixie",
        "RUN workaround-docker-2267 revert && workaround-docker-2267 --mechanism patch",
    );
    let container = start(&image);
    do_in(
        &container,
        "echo 10.0.0.1 plain >hosts; workaround-docker-2267 status",
    );
    #[rustfmt::skip]
    let table = [
        ("a wildcard", "echo 10.0.0.1 *.dev.test >>hosts",                         "hosts:2: wildcards, aliases and refusals need the nss mechanism"),
        ("an alias",   "echo =plain other >>hosts",                                "hosts:2: wildcards, aliases and refusals need the nss mechanism"),
        ("a refusal",  "echo ! gone >>hosts",                                      "hosts:2: wildcards, aliases and refusals need the nss mechanism"),
        ("a drop-in",  "mkdir hosts.d; echo 10.0.0.2 x >hosts.d/a.hosts",          "1 entry in 1 file, which the patch mechanism cannot serve; move them to the hosts file"),
    ];
    for (case, edit, said) in table {
        let script = format!(
            "rm -rf hosts.d; echo 10.0.0.1 plain >hosts; {edit}; workaround-docker-2267 status || echo status $?; getent hosts plain"
        );
        let status = do_in(&container, &script);
        assert!(status.contains(said), "{case}: {status}");
        // What it can serve it does serve.
        assert!(
            status.contains("in force") && status.contains("10.0.0.1"),
            "{case}: {status}"
        );
    }
}

#[test]
#[ignore = "needs docker"]
fn no_lookup_gives_what_no_version_held() {
    let probe = workspace().join("target/probe");
    let image = applied("bookworm", "");
    let volume = format!("{}:/probe:ro", probe.display());
    crate::module::probe();
    let container = Container::start(image.name(), &["--network", "none", "-v", &volume]);
    // Both versions, long and short, beside an index that comes and goes.
    let script = format!(
        "{FILLER} >long; (cat long; echo 10.1.1.1 db) >one; (echo 10.2.2.2 db; cat long) >two; echo 10.1.1.1 db >three
         cp one hosts; /probe/probe watch 12 >watched &
         end=$(($(date +%s) + 10))
         while [ $(date +%s) -lt $end ]; do
             for version in one two three; do
                 cp $version new; mv new hosts
                 workaround-docker-2267 -q index
                 echo 10.8.8.8 appended >>hosts
                 touch -d @1700000000 hosts; touch hosts
                 cp $version hosts
                 truncate -s 20 hosts; cat $version >hosts
                 mkdir -p hosts.d; echo 10.7.7.7 dropped >hosts.d/a.hosts; rm -r hosts.d
                 touch -r one hosts
             done
         done
         wait; cat watched"
    );
    let output = do_in(&container, &script);
    assert!(output.starts_with("watch ok"), "{output}");
}

#[test]
#[ignore = "needs make dist"]
fn a_million_lines_are_indexed_in_bounded_memory() {
    let folder = workspace().join("target/index/million");
    let hosts = folder.join("etc/workaround-docker-2267");
    std::fs::create_dir_all(&hosts).unwrap();
    let mut text = String::new();
    for n in 0..1_000_000 {
        let (a, b, c) = (n >> 16, n >> 8 & 255, n & 255);
        writeln!(text, "10.{a}.{b}.{c} host{n}.example.com host{n}").unwrap();
    }
    std::fs::write(hosts.join("hosts"), &text).unwrap();
    let _ = std::fs::remove_file(hosts.join("hosts.index"));
    let command = dist("amd64").join("usr/bin/workaround-docker-2267");
    // 64 MiB of memory, the program's own and its buffers, and no more.
    let script = format!(
        "ulimit -v 65536; exec {} --root {} index",
        command.display(),
        folder.display()
    );
    let said = run(
        Command::new("bash").args(["-c", &script]),
        Duration::from_secs(120),
    )
    .ok();
    assert!(
        said.starts_with("indexed 1000000 entries of 1 file"),
        "{said}"
    );
    let size = std::fs::metadata(hosts.join("hosts.index")).unwrap().len();
    assert!(size <= 2 * text.len() as u64, "{size} for {}", text.len());
    std::fs::remove_dir_all(folder).unwrap();
}
