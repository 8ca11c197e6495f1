//! The dumps, read by those they are for.

use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::process::{Command, Stdio};

use baseimage::environment::Environment;
use baseimage::store::{to_json, to_shell};

use super::Root;

/// Shells of all kinds.
const SHELLS: [&[&str]; 4] = [
    &["dash"],
    &["bash"],
    &["bash", "--posix"],
    &["busybox", "sh"],
];

fn hostile() -> Vec<(&'static str, Vec<u8>)> {
    let every_byte: Vec<u8> = (1..=255).collect();
    let mut backwards = every_byte.clone();
    backwards.reverse();
    vec![
        ("PLAIN", b"bar".to_vec()),
        ("EMPTY", Vec::new()),
        ("SPACES", b"  my beautiful  world ".to_vec()),
        ("QUOTES", b"it's \"quoted\" 'twice'".to_vec()),
        ("ONLY_QUOTE", b"'".to_vec()),
        (
            "EXPANSION",
            b"$HOME `id` $(id) ${A} $((1+1)) * ? [a-z] ~ !! {a,b}".to_vec(),
        ),
        ("BACKSLASH", b"\\ \\n \\\\ \\'".to_vec()),
        ("LINES", b"first\nsecond\n\n".to_vec()),
        ("RETURN", b"a\r\nb\r".to_vec()),
        ("HASH", b"# no comment".to_vec()),
        ("DASH", b"-n".to_vec()),
        ("CHINESE", "中文，“引号”".into()),
        ("NOT_UTF8", b"\xff\xfe\x80\xc3".to_vec()),
        ("GBK", b"\xd6\xd0\xce\xc4\x81'".to_vec()),
        ("EVERY_BYTE", every_byte),
        ("BACKWARDS", backwards),
        ("LARGE", "large ' ".repeat(12_800).into_bytes()),
        ("A_LINE; touch /tmp/no; B", b"1".to_vec()),
        ("dots.and-dashes", b"2".to_vec()),
        ("1leading", b"3".to_vec()),
        ("变量", b"4".to_vec()),
    ]
}

/// How the names above come out of a shell.
fn shell_name(name: &str) -> &str {
    match name {
        "A_LINE; touch /tmp/no; B" => "A_LINE__touch__tmp_no__B",
        "dots.and-dashes" => "dots_and_dashes",
        "1leading" => "_1leading",
        "变量" => "__",
        same => same,
    }
}

#[test]
#[ignore = "needs dash, bash and busybox"]
fn every_shell_sources_the_same_bytes() {
    let root = Root::new();
    let file = root.path("environment.sh");
    let environment: Environment = hostile().into_iter().collect();
    fs::write(&file, to_shell(&environment)).unwrap();
    for shell in SHELLS {
        for locale in ["C", "C.UTF-8", "zh_CN.utf8"] {
            let output = Command::new(shell[0])
                .args(&shell[1..])
                // `-u`: nothing in it may be expanded. env(1) is asked, as no shell can show bytes.
                .args(["-euc", ". \"$0\"; exec env -0"])
                .arg(&file)
                .env_clear()
                .env("PATH", "/usr/bin:/bin")
                .env("LC_ALL", locale)
                .output()
                .unwrap_or_else(|error| panic!("{shell:?}: {error}"));
            let errors = String::from_utf8_lossy(&output.stderr);
            // bash says that it does not know the locale; dash and busybox do not care.
            let complaints = errors.lines().filter(|line| !line.contains("setlocale"));
            assert_eq!(complaints.count(), 0, "{shell:?} {locale}: {errors}");
            let got: Environment = output
                .stdout
                .split(|&byte| byte == 0)
                .filter_map(|string| {
                    let at = string.iter().position(|&byte| byte == b'=')?;
                    Some((&string[..at], &string[at + 1..]))
                })
                .collect();
            for (name, value) in hostile() {
                let name = shell_name(name);
                let got = got.get(name.as_bytes());
                assert!(got == Some(&value), "{shell:?} {locale} {name}: {got:?}");
            }
        }
    }
}

/// Those that would end the shell that sources them, or run what is in their value.
#[test]
#[ignore = "needs dash, bash and busybox"]
fn a_shells_own_variables_do_no_harm() {
    let root = Root::new();
    let file = root.path("environment.sh");
    let trap = root.path("sprung");
    let names = [
        "BASHOPTS",
        "BASH_VERSINFO",
        "EUID",
        "GID",
        "GROUP",
        "HISTCMD",
        "HOME",
        "OPTIND",
        "PPID",
        "RANDOM",
        "SECONDS",
        "SHELL",
        "SHELLOPTS",
        "SRANDOM",
        "UID",
        "USER",
        "LINENO",
        "BASHPID",
        "GROUPS",
        "DIRSTACK",
        "FUNCNAME",
        "EPOCHSECONDS",
        "_",
    ];
    let value = format!("a[$(touch {})]", trap.display());
    let mut environment: Environment = names.iter().map(|&name| (name, value.as_str())).collect();
    environment.insert(b"ZZZ_LAST", b"reached").unwrap();
    fs::write(&file, to_shell(&environment)).unwrap();
    for shell in SHELLS {
        let output = Command::new(shell[0])
            .args(&shell[1..])
            .args(["-ec", ". \"$0\"; echo $ZZZ_LAST"])
            .arg(&file)
            .env_clear()
            .env("PATH", "/usr/bin:/bin")
            .output()
            .unwrap();
        let errors = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.stdout, b"reached\n", "{shell:?}: {errors}");
        assert_eq!(errors, "", "{shell:?}");
        assert!(!trap.exists(), "{shell:?} ran a value");
    }
}

#[test]
#[ignore = "needs python3"]
fn python_reads_the_json_and_would_have_written_it() {
    let script = "
import json, sys
text = sys.stdin.read()
values = json.loads(text)
assert json.dumps(values) == text, json.dumps(values)
for name in sorted(values): print(name, values[name].encode('utf-8').hex())
";
    let environment: Environment = hostile().into_iter().collect();
    let mut python = Command::new("python3")
        .args(["-c", script])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = python.stdin.take().unwrap();
    stdin.write_all(&to_json(&environment)).unwrap();
    drop(stdin);
    let output = python.wait_with_output().unwrap();
    assert!(output.status.success());
    let mut want: Vec<String> = hostile()
        .into_iter()
        .map(|(name, value)| {
            let text = String::from_utf8_lossy(&value).into_owned();
            let mut line = format!("{name} ");
            for byte in text.bytes() {
                write!(line, "{byte:02x}").unwrap();
            }
            line
        })
        .collect();
    want.sort();
    let got = String::from_utf8(output.stdout).unwrap();
    let mut got: Vec<&str> = got.lines().map(str::trim_end).collect();
    got.sort_unstable();
    let want: Vec<&str> = want.iter().map(|line| line.trim_end()).collect();
    assert_eq!(got, want);
}
