//! What the command did, and how to undo it.
//!
//! Written before anything else is: a run that is killed leaves a journal that says which bytes
//! each file had and was to have, and the next run goes on from there. One file, replaced as a
//! whole: a header of text lines, then the contents.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result, bail};

use crate::root::{Root, STATE};

const FIRST_LINE: &str = "workaround-docker-2267 journal 1";

/// How far a run has got.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    /// The files may be changed or not.
    Pending,
    /// They are changed, and a lookup has shown it.
    Applied,
}

/// One file that is changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Change {
    /// As programs name it; symlinks are resolved at each use.
    pub(crate) path: String,
    /// What it held; `None` if it did not exist.
    pub(crate) before: Option<Vec<u8>>,
    /// What it holds now.
    pub(crate) after: Vec<u8>,
}

/// The record of an `apply`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Journal {
    pub(crate) mechanism: String,
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
                        "cannot understand {}: it is damaged, or from a newer release; undo by hand (take `workaround` off the hosts line of /etc/nsswitch.conf) and remove it",
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
            .with_context(|| format!("cannot write {}", path.display()))?;
        Ok(())
    }

    /// Forgets it.
    pub(crate) fn delete(root: &Root) -> Result<()> {
        let path = path(root)?;
        sys::file::remove(&path).with_context(|| format!("cannot remove {}", path.display()))
    }

    fn to_bytes(&self) -> Vec<u8> {
        let stage = match self.stage {
            Stage::Pending => "pending",
            Stage::Applied => "applied",
        };
        let mut header = format!(
            "{FIRST_LINE}\nmechanism {}\nstage {stage}\n",
            self.mechanism
        );
        let mut contents = Vec::new();
        for change in &self.changes {
            let before = change.before.as_ref();
            let before_len = before.map_or("absent".into(), |bytes| bytes.len().to_string());
            let after_len = change.after.len().to_string();
            header.extend([
                "change ",
                &before_len,
                " ",
                &after_len,
                " ",
                &change.path,
                "\n",
            ]);
            contents.extend_from_slice(before.map_or(&[], Vec::as_slice));
            contents.extend_from_slice(&change.after);
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
        let mut journal = Self {
            mechanism: String::new(),
            stage: Stage::Pending,
            changes: Vec::new(),
        };
        for line in lines {
            let words: Vec<&str> = line.splitn(4, ' ').collect();
            match *words.as_slice() {
                ["mechanism", name] => name.clone_into(&mut journal.mechanism),
                ["stage", "pending"] => journal.stage = Stage::Pending,
                ["stage", "applied"] => journal.stage = Stage::Applied,
                ["change", before, after, path] => journal.changes.push(Change {
                    before: match before {
                        "absent" => None,
                        len => Some(take(len.parse()?)?),
                    },
                    after: take(after.parse()?)?,
                    path: path.to_owned(),
                }),
                _ => bail!("unknown line {line:?}"),
            }
        }
        if journal.mechanism.is_empty() || !contents.is_empty() {
            bail!("something is missing, or left over");
        }
        Ok(journal)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_journal_reads_back_as_it_was_written() {
        let change = |path: &str, before: Option<&[u8]>, after: &[u8]| Change {
            path: path.into(),
            before: before.map(<[u8]>::to_vec),
            after: after.to_vec(),
        };
        for stage in [Stage::Pending, Stage::Applied] {
            let journal = Journal {
                mechanism: "nss".into(),
                stage,
                changes: vec![
                    change("/etc/nsswitch.conf", Some(b"a\n\nb\xff"), b""),
                    change("/a path with blanks", None, b"\n\n"),
                ],
            };
            assert_eq!(Journal::parse(&journal.to_bytes()).unwrap(), journal);
        }
    }

    #[test]
    fn a_damaged_journal_is_refused() {
        let journal = Journal {
            mechanism: "nss".into(),
            stage: Stage::Applied,
            changes: vec![Change {
                path: "/x".into(),
                before: Some(b"before".to_vec()),
                after: b"after".to_vec(),
            }],
        };
        let bytes = journal.to_bytes();
        for len in 0..bytes.len() {
            assert!(Journal::parse(&bytes[..len]).is_err(), "cut at {len}");
        }
        let text = String::from_utf8(bytes).unwrap();
        assert!(Journal::parse(text.replace("journal 1", "journal 2").as_bytes()).is_err());
        assert!(Journal::parse(text.replace("stage applied", "stage done").as_bytes()).is_err());
    }
}
