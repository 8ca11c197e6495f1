//! Every command that the READMEs show is run, and must come to what they say.

use std::collections::BTreeSet;
use std::fs;
use std::process::Command;
use std::time::Duration;

use crate::image::on_a_terminal;
use crate::support::docker::{Builder, Container, Context, Image, cli};
use crate::support::{run, workspace};

const LANGUAGES: [&str; 2] = ["README.md", "README.zh-CN.md"];

/// A fenced block of a README.
#[derive(Debug, PartialEq, Eq)]
struct Block {
    /// What stands behind the fence: `sh`, `dockerfile`, `console`, or nothing for a picture.
    kind: String,
    text: String,
}

fn blocks(readme: &str) -> Vec<Block> {
    let text = fs::read_to_string(workspace().join(readme)).unwrap();
    let mut blocks = Vec::new();
    let mut open: Option<Block> = None;
    for line in text.lines() {
        match (line.strip_prefix("```"), &mut open) {
            (Some(_), Some(_)) => blocks.extend(open.take()),
            (Some(kind), None) => {
                open = Some(Block {
                    kind: kind.to_owned(),
                    text: String::new(),
                });
            }
            (None, Some(block)) => {
                block.text += line;
                block.text.push('\n');
            }
            (None, None) => {}
        }
    }
    assert!(open.is_none(), "{readme}: a fence is not closed");
    blocks
}

/// The block without the remarks, which are in the reader's language.
fn without_remarks(block: &Block) -> Block {
    let line = |line: &str| match block.kind.as_str() {
        "sh" => line.split("   #").next().unwrap_or_default().to_owned(),
        "dockerfile" if line.starts_with('#') => String::new(),
        _ => line.to_owned(),
    };
    Block {
        kind: block.kind.clone(),
        text: block.text.lines().map(|text| line(text) + "\n").collect(),
    }
}

#[test]
fn both_languages_show_the_same_commands() {
    let [english, chinese] = LANGUAGES.map(|readme| {
        blocks(readme)
            .iter()
            .map(without_remarks)
            .collect::<Vec<_>>()
    });
    assert!(english.len() > 5);
    assert_eq!(english, chinese);
}

#[test]
fn the_files_that_are_linked_exist() {
    for readme in LANGUAGES {
        let text = fs::read_to_string(workspace().join(readme)).unwrap();
        let targets: BTreeSet<&str> = text
            .split("](")
            .skip(1)
            .filter_map(|rest| rest.split([')', '#']).next())
            .filter(|target| !target.is_empty() && !target.contains("://"))
            .collect();
        assert!(targets.len() > 5, "{readme}");
        for target in targets {
            assert!(workspace().join(target).exists(), "{readme}: {target}");
        }
    }
}

/// A command in a `console` block, and what it is to print; `...` stands for any lines.
struct Step<'a> {
    command: &'a str,
    output: Vec<&'a str>,
}

fn steps(block: &str) -> Vec<Step<'_>> {
    let mut steps: Vec<Step<'_>> = Vec::new();
    for line in block.lines() {
        match line.strip_prefix("# ") {
            Some(command) => steps.push(Step {
                command,
                output: Vec::new(),
            }),
            None => steps.last_mut().expect("a command first").output.push(line),
        }
    }
    steps
}

/// Whether `got` is what `want` says, line by line.
fn matches(want: &[&str], got: &[&str]) -> bool {
    match (want, got) {
        ([], []) => true,
        (["...", want @ ..], _) => (0..=got.len()).any(|skipped| matches(want, &got[skipped..])),
        ([first, want @ ..], [line, got @ ..]) => first == line && matches(want, got),
        _ => false,
    }
}

#[test]
fn dots_stand_for_any_lines() {
    #[rustfmt::skip]
    let table: &[(&[&str], &[&str], bool)] = &[
        (&[],             &[],              true),
        (&["a"],          &["a"],           true),
        (&["a"],          &["b"],           false),
        (&["a"],          &["a", "b"],      false),
        (&["a", "..."],   &["a"],           true),
        (&["a", "..."],   &["a", "b", "c"], true),
        (&["...", "c"],   &["a", "b", "c"], true),
        (&["...", "c"],   &["a", "b"],      false),
        (&[],             &["a"],           false),
    ];
    for &(want, got, holds) in table {
        assert_eq!(matches(want, got), holds, "{want:?} {got:?}");
    }
}

/// Runs a session that begins with `docker run -t -i OPTIONS...` on a terminal.
#[track_caller]
fn session(block: &str, image: &str) {
    let (first, rest) = block.split_once('\n').unwrap_or((block, ""));
    let command = first
        .strip_prefix("$ docker run -t -i ")
        .unwrap_or_else(|| panic!("nobody runs {first}"));
    // A shell takes the words apart.
    let split = format!("printf '%s\\n' {}", command.replace("YOUR_IMAGE", image));
    let words = run(
        Command::new("sh").args(["-c", &split]),
        Duration::from_secs(5),
    )
    .ok();
    let words: Vec<&str> = words.lines().collect();
    let mut lines: Vec<&str> = rest.lines().filter_map(|l| l.strip_prefix("# ")).collect();
    lines.push("exit");
    let shown = on_a_terminal(&words, &lines).stdout.replace('\r', "");
    let mut rest_shown = shown.as_str();
    for line in rest.lines().filter(|line| !line.starts_with("# ")) {
        // Lists and objects are shown up to their dots.
        let wanted = line.split("...").next().unwrap_or_default();
        let wanted: Vec<&str> = wanted.split_whitespace().collect();
        let Some(last) = wanted.last() else { continue };
        for word in &wanted {
            let at = rest_shown
                .find(word)
                .unwrap_or_else(|| panic!("{word} of {line:?} is missing in {shown}"));
            // Columns depend on the width; their order does not.
            if word == last {
                rest_shown = &rest_shown[at..];
            }
        }
    }
}

/// What tests/run has done already, by the same scripts, to have something to test.
const DONE: [&str; 3] = ["make test", "make deb", "make image"];

/// Where the reader is: what the last Dockerfile made, and a container of it.
struct Here {
    container: Container,
    image: Image,
}

/// The files that a Dockerfile's remarks spell out: `NAME.sh is an executable file with these
/// lines`, then the lines, each behind `#   `.
fn scripts(dockerfile: &str) -> Vec<(&str, String)> {
    let mut scripts: Vec<(&str, String)> = Vec::new();
    let mut open = false;
    for line in dockerfile.lines() {
        if let Some(before) = line.strip_suffix(" is an executable file with these lines:") {
            scripts.push((before.rsplit(' ').next().unwrap(), String::new()));
            open = true;
        } else if let (Some(text), true) = (line.strip_prefix("#   "), open) {
            let (_, script) = scripts.last_mut().unwrap();
            *script += text;
            script.push('\n');
        } else {
            open = false;
        }
    }
    scripts
}

fn build(dockerfile: &str) -> Here {
    let debs = workspace().join("target/deb");
    let mut context = Context::new(dockerfile);
    for (name, script) in scripts(dockerfile) {
        context = context.script(name, &script);
    }
    for entry in fs::read_dir(&debs).expect("target/deb: run `make deb`, as make test does") {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "deb") {
            let name = path.file_name().unwrap().to_str().unwrap().to_owned();
            context = context.copy(&path, &name);
        }
    }
    let (image, ran) = context.build(Builder::Classic);
    ran.ok();
    Here {
        container: Container::start(image.name(), &[]),
        image,
    }
}

/// Without a registry, the distribution's image is the one that the tests have made.
struct Base(Option<&'static str>);

impl Base {
    fn named(name: &'static str, ours: &str) -> Self {
        if cli(&["image", "inspect", name]).status == Some(0) {
            return Self(None);
        }
        cli(&["tag", ours, name]).ok();
        Self(Some(name))
    }
}

impl Drop for Base {
    fn drop(&mut self) {
        if let Some(name) = self.0 {
            let _ = cli(&["rmi", "--no-prune", name]);
        }
    }
}

#[test]
#[ignore = "needs docker"]
fn every_command_comes_to_what_is_shown() {
    let _debian = Base::named("debian:bookworm", "baseimage-test/base:bookworm");
    let _ours = Base::named(
        "zhulux/baseimage:latest",
        "baseimage-test/image:trixie-classic",
    );
    let mut here: Option<Here> = None;
    let mut count = 0;
    for block in blocks("README.md") {
        match block.kind.as_str() {
            "sh" => {
                for command in without_remarks(&block).text.lines().map(str::trim) {
                    count += 1;
                    if let Some(options) = command.strip_prefix("docker run --rm -t -i ") {
                        let words: Vec<&str> = options.split(' ').collect();
                        let shown = on_a_terminal(&words, &["exit"]).stdout;
                        assert!(shown.contains("*** Running bash -l..."), "{shown}");
                    } else if !DONE.contains(&command) {
                        let mut shell = Command::new("sh");
                        shell.args(["-c", command]).current_dir(workspace());
                        run(&mut shell, Duration::from_secs(600)).ok();
                    }
                }
            }
            "dockerfile" => {
                count += 1;
                here = Some(build(&block.text));
            }
            "console" if block.text.starts_with("$ ") => {
                count += 1;
                let here = here.as_ref().expect("a Dockerfile first");
                session(&block.text, here.image.name());
            }
            "console" => {
                let here = here.as_ref().expect("a Dockerfile first");
                for step in steps(&block.text) {
                    count += 1;
                    let printed = here.container.sh(step.command).ok();
                    let lines: Vec<&str> = printed.lines().collect();
                    assert!(
                        matches(&step.output, &lines),
                        "{}: {lines:#?}",
                        step.command
                    );
                }
            }
            "" => {}
            other => panic!("nobody runs a block of kind {other}"),
        }
    }
    assert!(count > 10, "{count} commands");
}
