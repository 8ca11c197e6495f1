//! What the command did, and how to undo it.
//!
//! Written before anything else is: a run that is killed leaves a journal that says which bytes
//! each file had and was to have, and the next run goes on from there. One file, replaced as a
//! whole: a header of text lines, then the contents of small files. A library is not kept whole:
//! ten bytes of it change, and their place and two checksums are all that undoing takes.

use std::fmt;
use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result, bail};

use crate::hosts_file::explain;
use crate::root::{Root, STATE};

const FIRST_LINE: &str = "workaround-docker-2267 journal 1";

/// How programs are led to the hosts file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mechanism {
    /// A service on the `hosts` line of nsswitch.conf.
    Nss,
    /// Another path in the library that reads `/etc/hosts`.
    Patch,
}

impl Mechanism {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Nss => "nss",
            Self::Patch => "patch",
        }
    }
}

impl fmt::Display for Mechanism {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// How far a run has got.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    /// The files may be changed or not.
    Pending,
    /// They are changed, and a lookup has shown it.
    Applied,
    /// Some may have been given back already.
    Reverting,
}

impl Stage {
    const ALL: [(Self, &'static str); 3] = [
        (Self::Pending, "pending"),
        (Self::Applied, "applied"),
        (Self::Reverting, "reverting"),
    ];

    fn name(self) -> &'static str {
        let named = Self::ALL.iter().find(|(stage, _)| *stage == self);
        named.map_or("", |(_, name)| name)
    }
}

/// One thing that is changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Change {
    /// A small file, kept whole.
    Text(Text),
    /// A symlink that did not exist.
    Link(Link),
    /// A library with another path in it.
    Library(Library),
}

/// A small file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Text {
    /// As programs name it; symlinks are resolved at each use.
    pub(crate) path: String,
    /// What it held; `None` if it did not exist.
    pub(crate) before: Option<Vec<u8>>,
    /// What it holds now.
    pub(crate) after: Vec<u8>,
}

/// A symlink.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Link {
    pub(crate) path: String,
    pub(crate) target: String,
}

/// A library whose slot for a path was filled anew.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Library {
    /// The real file inside the root, no symlink on the way.
    pub(crate) path: String,
    /// Where the path stands in it.
    pub(crate) offset: u64,
    /// MD5, as dpkg records it, of the file as it came.
    pub(crate) before: String,
    /// MD5 of the file with the new path.
    pub(crate) after: String,
    /// When the file as it came was last modified: seconds and nanoseconds since 1970.
    pub(crate) modified: (u64, u32),
}

impl Change {
    pub(crate) fn path(&self) -> &str {
        match self {
            Self::Text(text) => &text.path,
            Self::Link(link) => &link.path,
            Self::Library(library) => &library.path,
        }
    }
}

/// The record of an `apply`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Journal {
    pub(crate) mechanism: Mechanism,
    pub(crate) stage: Stage,
    pub(crate) changes: Vec<Change>,
}

fn path(root: &Root) -> Result<PathBuf> {
    root.resolve(&format!("{STATE}/journal"))
}

impl Journal {
    /// The journal of the system, if it has one.
    pub(crate) fn load(root: &Root) -> Result<Option<Self>> {
        let path = path(root)?;
        match fs::read(&path) {
            Ok(bytes) => Self::parse(&bytes)
                .with_context(|| {
                    format!(
                        "cannot understand {}: it is damaged, or from a newer release; remove it and run `workaround-docker-2267 revert`, which finds by itself what is applied",
                        path.display()
                    )
                })
                .map(Some),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error).context(format!("cannot read {}", path.display())),
        }
    }

    /// Writes it to disk.
    pub(crate) fn save(&self, root: &Root) -> Result<()> {
        let path = path(root)?;
        sys::file::replace(&path, &self.to_bytes(), 0o644)
            .map_err(|error| explain(&error, "cannot write", &path))?;
        Ok(())
    }

    /// Forgets it.
    pub(crate) fn delete(root: &Root) -> Result<()> {
        let path = path(root)?;
        sys::file::remove(&path).map_err(|error| explain(&error, "cannot remove", &path))
    }

    /// The libraries that it says were changed.
    pub(crate) fn libraries(&self) -> impl Iterator<Item = &Library> {
        self.changes.iter().filter_map(|change| match change {
            Change::Library(library) => Some(library),
            _ => None,
        })
    }

    fn to_bytes(&self) -> Vec<u8> {
        let mut header = format!(
            "{FIRST_LINE}\nmechanism {}\nstage {}\n",
            self.mechanism,
            self.stage.name()
        );
        let mut contents = Vec::new();
        for change in &self.changes {
            let line = match change {
                Change::Text(text) => {
                    contents.extend_from_slice(text.before.as_deref().unwrap_or_default());
                    contents.extend_from_slice(&text.after);
                    let before = text.before.as_ref().map(|bytes| bytes.len().to_string());
                    let before = before.as_deref().unwrap_or("absent");
                    format!("change {before} {} {}\n", text.after.len(), text.path)
                }
                Change::Link(link) => format!("link {} {}\n", link.target, link.path),
                Change::Library(library) => {
                    let (seconds, nanos) = library.modified;
                    format!(
                        "library {} {} {} {seconds}.{nanos} {}\n",
                        library.offset, library.before, library.after, library.path
                    )
                }
            };
            header.push_str(&line);
        }
        let mut bytes = header.into_bytes();
        bytes.push(b'\n');
        bytes.extend(contents);
        bytes
    }

    fn parse(bytes: &[u8]) -> Result<Self> {
        let end = bytes
            .windows(2)
            .position(|pair| pair == b"\n\n")
            .context("no header")?;
        let (header, mut contents) = (&bytes[..end], &bytes[end + 2..]);
        let mut lines = std::str::from_utf8(header)?.lines();
        if lines.next() != Some(FIRST_LINE) {
            bail!("its first line is not {FIRST_LINE:?}");
        }
        let mut take = |len: usize| {
            let (taken, rest) = contents.split_at_checked(len).context("it is too short")?;
            contents = rest;
            anyhow::Ok(taken.to_vec())
        };
        let (mut mechanism, mut stage, mut changes) = (None, None, Vec::new());
        for line in lines {
            let unknown = || anyhow::anyhow!("unknown line {line:?}");
            let (kind, rest) = line.split_once(' ').with_context(unknown)?;
            match kind {
                "mechanism" => {
                    let all = [Mechanism::Nss, Mechanism::Patch];
                    let named = all.into_iter().find(|mechanism| mechanism.name() == rest);
                    mechanism = Some(named.with_context(unknown)?);
                }
                "stage" => {
                    let named = Stage::ALL.iter().find(|(_, name)| *name == rest);
                    stage = Some(named.with_context(unknown)?.0);
                }
                "change" => changes.push(Change::Text(parse_text(rest, &mut take)?)),
                "link" => {
                    let (target, path) = rest.split_once(' ').with_context(unknown)?;
                    let (path, target) = (path.into(), target.into());
                    changes.push(Change::Link(Link { path, target }));
                }
                "library" => changes.push(Change::Library(parse_library(rest)?)),
                _ => return Err(unknown()),
            }
        }
        if !contents.is_empty() {
            bail!("something is left over");
        }
        Ok(Self {
            mechanism: mechanism.context("it names no mechanism")?,
            stage: stage.context("it names no stage")?,
            changes,
        })
    }
}

fn parse_text(words: &str, take: &mut impl FnMut(usize) -> Result<Vec<u8>>) -> Result<Text> {
    let words: Vec<&str> = words.splitn(3, ' ').collect();
    let [before, after, path] = *words.as_slice() else {
        bail!("a change of {} words", words.len());
    };
    Ok(Text {
        before: match before {
            "absent" => None,
            len => Some(take(len.parse()?)?),
        },
        after: take(after.parse()?)?,
        path: path.to_owned(),
    })
}

fn parse_library(words: &str) -> Result<Library> {
    let words: Vec<&str> = words.splitn(5, ' ').collect();
    let [offset, before, after, modified, path] = *words.as_slice() else {
        bail!("a library of {} words", words.len());
    };
    let (seconds, nanos) = modified.split_once('.').context("a time without a dot")?;
    Ok(Library {
        path: path.to_owned(),
        offset: offset.parse()?,
        before: before.to_owned(),
        after: after.to_owned(),
        modified: (seconds.parse()?, nanos.parse()?),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(path: &str, before: Option<&[u8]>, after: &[u8]) -> Change {
        Change::Text(Text {
            path: path.into(),
            before: before.map(<[u8]>::to_vec),
            after: after.to_vec(),
        })
    }

    fn library() -> Change {
        Change::Library(Library {
            path: "/usr/lib/a b/libc.so.6".into(),
            offset: 1_234_567,
            before: "0123456789abcdef0123456789abcdef".into(),
            after: "fedcba9876543210fedcba9876543210".into(),
            modified: (1_700_000_000, 5),
        })
    }

    #[test]
    fn a_journal_reads_back_as_it_was_written() {
        for (stage, _) in Stage::ALL {
            for mechanism in [Mechanism::Nss, Mechanism::Patch] {
                let journal = Journal {
                    mechanism,
                    stage,
                    changes: vec![
                        text("/etc/nsswitch.conf", Some(b"a\n\nb\xff"), b""),
                        text("/a path with blanks", None, b"\n\n"),
                        Change::Link(Link {
                            path: "/cte".into(),
                            target: "/etc/x".into(),
                        }),
                        library(),
                    ],
                };
                assert_eq!(Journal::parse(&journal.to_bytes()).unwrap(), journal);
            }
        }
    }

    #[test]
    fn a_damaged_journal_is_refused() {
        let journal = Journal {
            mechanism: Mechanism::Nss,
            stage: Stage::Applied,
            changes: vec![library(), text("/x", Some(b"before"), b"after")],
        };
        let bytes = journal.to_bytes();
        for len in 0..bytes.len() {
            assert!(Journal::parse(&bytes[..len]).is_err(), "cut at {len}");
        }
        let text = String::from_utf8(bytes).unwrap();
        #[rustfmt::skip]
        let table = [
            ("journal 1",       "journal 2"),
            ("stage applied",   "stage done"),
            ("mechanism nss",   "mechanism else"),
            ("mechanism nss\n", ""),
            ("library 1234567", "library twelve"),
            (".5 /usr",         " /usr"),
            ("library ",        "librarian "),
        ];
        for (from, to) in table {
            assert!(text.contains(from), "{from}");
            assert!(
                Journal::parse(text.replace(from, to).as_bytes()).is_err(),
                "{from:?} -> {to:?}"
            );
        }
    }

    #[test]
    fn a_library_costs_a_line_and_no_more() {
        let journal = Journal {
            mechanism: Mechanism::Patch,
            stage: Stage::Applied,
            changes: vec![library()],
        };
        assert!(journal.to_bytes().len() < 300);
    }
}
