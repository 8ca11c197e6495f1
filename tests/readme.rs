//! Every command that the READMEs show is run, and must come to what they say.

use std::collections::BTreeSet;
use std::fs;
use std::process::Command;
use std::time::Duration;

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

/// Where the reader is: what the last Dockerfile made, and a container of it.
struct Here {
    container: Container,
    _image: Image,
}

fn build(dockerfile: &str) -> Here {
    let debs = workspace().join("target/deb");
    let mut context = Context::new(dockerfile);
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
        _image: image,
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
    let _base = Base::named("debian:bookworm", "baseimage-test/base:bookworm");
    let mut here: Option<Here> = None;
    let mut count = 0;
    for block in blocks("README.md") {
        match block.kind.as_str() {
            "sh" => {
                for command in without_remarks(&block).text.lines().map(str::trim) {
                    count += 1;
                    // That one is running this test.
                    if command != "make test" {
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
