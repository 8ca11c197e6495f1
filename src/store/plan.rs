//! What is imported, exported, restored and kept: values in, values out.

use std::collections::{BTreeMap, BTreeSet};

use super::memory::{Digest, Memory, Record};
use super::name::{self, Unstorable, content_of, is_personal, value_of};
use crate::environment::Environment;

/// A file of the folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum File {
    /// A regular file.
    Content(Vec<u8>),
    /// A symlink.
    Link {
        /// Where it leads.
        target: Vec<u8>,
        /// What is there; `None` if that is no variable, as a file that is not mounted today.
        content: Option<Vec<u8>>,
    },
}

impl File {
    pub(super) fn content(&self) -> Option<&[u8]> {
        match self {
            Self::Content(content) => Some(content),
            Self::Link { content, .. } => content.as_deref(),
        }
    }

    fn value(&self) -> Option<&[u8]> {
        self.content().map(value_of)
    }
}

/// The folder at one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Snapshot {
    /// Files that are variables, by name.
    pub(super) files: BTreeMap<Vec<u8>, File>,
    /// Names that are taken by something that is no variable, a folder for one.
    pub(super) taken: BTreeSet<Vec<u8>>,
}

/// One change of the folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Change {
    /// Remove a file that was exported.
    Remove,
    /// Put the user's own file back.
    Restore(File),
    /// Export a variable: its file gets this content.
    Write(Vec<u8>),
}

impl Change {
    /// Whether it exports something, rather than undoing that.
    pub(super) fn exports(&self) -> bool {
        matches!(self, Self::Write(_))
    }
}

/// Where a variable comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// The environment that the process was started with.
    Process,
    /// A file of the folder.
    Folder,
}

/// What a boot makes of the folder and of the environment it was started with.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Boot {
    pub(super) environment: Environment,
    /// Names of the variables that come from the folder.
    pub(super) imported: BTreeSet<Vec<u8>>,
    pub(super) changes: BTreeMap<Vec<u8>, Change>,
    /// What will have been exported after that.
    pub(super) memory: Memory,
    /// Variables that the folder cannot hold.
    pub(super) unstorable: BTreeMap<Vec<u8>, Unstorable>,
    /// Those, and the ones whose place is taken.
    pub(super) unsaved: Unsaved,
}

/// What the folder does not show as it is: names of variables that could not be written, or whose
/// file could not be removed, each with what the file holds instead.
pub(super) type Unsaved = BTreeMap<Vec<u8>, Option<Vec<u8>>>;

/// The process environment wins, and files fill what is missing in it. What was exported for a
/// variable that is gone goes, unless somebody has edited it since.
pub(super) fn boot(process: Environment, folder: &Snapshot, memory: &Memory) -> Boot {
    let mut boot = Boot::default();
    for (name, value) in process.iter() {
        if is_personal(name) {
            continue;
        }
        if let Err(reason) = name::check(name) {
            boot.unstorable.insert(name.to_vec(), reason);
            boot.unsaved.insert(name.to_vec(), None);
        } else if folder.taken.contains(name) {
            boot.unsaved.insert(name.to_vec(), None);
        } else {
            export(name, value, folder, memory, &mut boot);
        }
    }
    boot.environment = process;
    for (name, file) in &folder.files {
        if boot.environment.contains(name) {
            continue;
        }
        let file = match ours(name, folder, memory) {
            None => Some(file),
            Some(record) => {
                let change = record
                    .original
                    .clone()
                    .map_or(Change::Remove, Change::Restore);
                boot.changes.insert(name.clone(), change);
                record.original.as_ref()
            }
        };
        if let Some(value) = file.and_then(File::value) {
            boot.imported.insert(name.clone());
            // The reader of the folder has left out what is no variable.
            let _ = boot.environment.insert(name.as_slice(), value);
        }
    }
    boot
}

/// The record of a file that was exported and is still as it was written.
fn ours<'a>(name: &[u8], folder: &Snapshot, memory: &'a Memory) -> Option<&'a Record> {
    let record = memory.get(name)?;
    let file = folder.files.get(name)?;
    let unchanged = file.content().map(Digest::of) == Some(record.digest);
    unchanged.then_some(record)
}

fn export(name: &[u8], value: &[u8], folder: &Snapshot, memory: &Memory, boot: &mut Boot) {
    let file = folder.files.get(name);
    let record = ours(name, folder, memory);
    if file.and_then(File::value) == Some(value) {
        // It says so already. If it is the user's own, it stays that.
        if let Some(record) = record {
            boot.memory.insert(name.to_vec(), record.clone());
        }
        return;
    }
    let original = match record {
        Some(record) => record.original.clone(),
        None => file.cloned(),
    };
    let content = content_of(value);
    let digest = Digest::of(&content);
    boot.memory
        .insert(name.to_vec(), Record { digest, original });
    boot.changes.insert(name.to_vec(), Change::Write(content));
}

/// The environment after a startup script: exactly the content of the folder. `HOME` and the like
/// stay as they are where no file sets them, and so does what the folder does not show, as long as
/// nobody has touched its file since.
pub(super) fn reload(before: &Environment, unsaved: &Unsaved, folder: &Snapshot) -> Environment {
    let mut environment: Environment = folder
        .files
        .iter()
        .filter_map(|(name, file)| Some((name.as_slice(), file.value()?)))
        .collect();
    let personal = before.iter().filter(|(name, _)| is_personal(name));
    for (name, value) in personal {
        if !environment.contains(name) {
            // It was a variable before.
            let _ = environment.insert(name, value);
        }
    }
    for (name, then) in unsaved {
        if then.as_deref() != folder.files.get(name).and_then(File::content) {
            continue;
        }
        match before.get(name) {
            // It was a variable before.
            Some(value) => drop(environment.insert(name.as_slice(), value)),
            None => drop(environment.remove(name.as_slice())),
        }
    }
    environment
}

#[cfg(test)]
mod tests {
    use super::*;

    fn environment(pairs: &[(&str, &str)]) -> Environment {
        pairs.iter().copied().collect()
    }

    fn snapshot(files: &[(&str, &str)]) -> Snapshot {
        let files = files.iter().map(|(name, content)| {
            let file = File::Content(content.as_bytes().to_vec());
            (name.as_bytes().to_vec(), file)
        });
        Snapshot {
            files: files.collect(),
            taken: BTreeSet::new(),
        }
    }

    /// `NAME:EXPORTED` or `NAME:EXPORTED:ORIGINAL`.
    fn memory(records: &[&str]) -> Memory {
        let record = |text: &&str| {
            let mut words = text.split(':');
            let name = words.next().unwrap().as_bytes().to_vec();
            let digest = Digest::of(words.next().unwrap().as_bytes());
            let original = words
                .next()
                .map(|word| File::Content(word.as_bytes().to_vec()));
            (name, Record { digest, original })
        };
        records.iter().map(record).collect()
    }

    fn shown(changes: &BTreeMap<Vec<u8>, Change>) -> Vec<String> {
        let change = |(name, change): (&Vec<u8>, &Change)| {
            let (verb, content) = match change {
                Change::Remove => ("remove", &b""[..]),
                Change::Restore(file) => ("restore", file.content().unwrap()),
                Change::Write(content) => ("write", content.as_slice()),
            };
            let text = [verb.as_bytes(), b" ", name, b" ", content].concat();
            String::from_utf8(text).unwrap().trim_end().to_owned()
        };
        changes.iter().map(change).collect()
    }

    type Pairs = &'static [(&'static str, &'static str)];

    struct Row {
        case: &'static str,
        process: Pairs,
        folder: Pairs,
        memory: &'static [&'static str],
        environment: Pairs,
        changes: &'static [&'static str],
        remembered: &'static [&'static str],
    }

    #[rustfmt::skip]
    const BOOTS: &[Row] = &[
        Row { case: "nothing",
            process: &[], folder: &[], memory: &[],
            environment: &[], changes: &[], remembered: &[] },
        Row { case: "a variable is exported",
            process: &[("A", "1")], folder: &[], memory: &[],
            environment: &[("A", "1")], changes: &["write A 1"], remembered: &["A:1"] },
        Row { case: "a file fills what is missing",
            process: &[], folder: &[("A", "1\n")], memory: &[],
            environment: &[("A", "1")], changes: &[], remembered: &[] },
        Row { case: "the process wins, and the file comes back one day",
            process: &[("A", "2")], folder: &[("A", "1\n")], memory: &[],
            environment: &[("A", "2")], changes: &["write A 2"], remembered: &["A:2:1\n"] },
        Row { case: "PATH is no exception",
            process: &[("PATH", "/bin")], folder: &[("PATH", "/sbin")], memory: &["PATH:/sbin"],
            environment: &[("PATH", "/bin")], changes: &["write PATH /bin"], remembered: &["PATH:/bin"] },
        Row { case: "HOME is not exported, but a file of that name counts",
            process: &[("HOME", "/root")], folder: &[("SHELL", "/bin/sh")], memory: &[],
            environment: &[("HOME", "/root"), ("SHELL", "/bin/sh")], changes: &[], remembered: &[] },
        Row { case: "the same again changes nothing",
            process: &[("A", "1")], folder: &[("A", "1")], memory: &["A:1"],
            environment: &[("A", "1")], changes: &[], remembered: &["A:1"] },
        Row { case: "what the user wrote himself is not ours, even if it says the same",
            process: &[("A", "1")], folder: &[("A", "1\n")], memory: &["A:1"],
            environment: &[("A", "1")], changes: &[], remembered: &[] },
        Row { case: "another value",
            process: &[("A", "2")], folder: &[("A", "1")], memory: &["A:1"],
            environment: &[("A", "2")], changes: &["write A 2"], remembered: &["A:2"] },
        Row { case: "another value over the user's own keeps the original",
            process: &[("A", "3")], folder: &[("A", "2")], memory: &["A:2:1"],
            environment: &[("A", "3")], changes: &["write A 3"], remembered: &["A:3:1"] },
        Row { case: "gone from the process: the exported file goes",
            process: &[], folder: &[("A", "1")], memory: &["A:1"],
            environment: &[], changes: &["remove A"], remembered: &[] },
        Row { case: "gone from the process: the user's own comes back",
            process: &[], folder: &[("A", "2")], memory: &["A:2:1\n"],
            environment: &[("A", "1")], changes: &["restore A 1"], remembered: &[] },
        Row { case: "gone from the process, but edited since: it is the user's now",
            process: &[], folder: &[("A", "2")], memory: &["A:1:0"],
            environment: &[("A", "2")], changes: &[], remembered: &[] },
        Row { case: "gone from the process and from the folder",
            process: &[], folder: &[], memory: &["A:1:0"],
            environment: &[], changes: &[], remembered: &[] },
        Row { case: "a script removed the file, the process still has it",
            process: &[("A", "1")], folder: &[], memory: &["A:1"],
            environment: &[("A", "1")], changes: &["write A 1"], remembered: &["A:1"] },
        Row { case: "a value that ends in a newline",
            process: &[("A", "1\n")], folder: &[], memory: &[],
            environment: &[("A", "1\n")], changes: &["write A 1"], remembered: &["A:1\n\n"] },
    ];

    #[test]
    fn a_boot_merges_process_and_folder() {
        for row in BOOTS {
            let process = environment(row.process);
            let boot = boot(process, &snapshot(row.folder), &memory(row.memory));
            assert_eq!(
                boot.environment,
                environment(row.environment),
                "{}",
                row.case
            );
            assert_eq!(shown(&boot.changes), row.changes, "{}", row.case);
            assert_eq!(boot.memory, memory(row.remembered), "{}", row.case);
            assert_eq!(boot.unsaved, Unsaved::new(), "{}", row.case);
        }
    }

    /// Two boots after each other with the same environment: the second has nothing to do, and in
    /// the end the folder is as the user left it.
    #[test]
    fn boots_leave_no_trace() {
        for row in BOOTS.iter().filter(|row| row.memory.is_empty()) {
            let before = snapshot(row.folder);
            let first = boot(environment(row.process), &before, &Memory::new());
            let mut folder = before.clone();
            apply(&first.changes, &mut folder);
            let again = boot(environment(row.process), &folder, &first.memory);
            assert_eq!(shown(&again.changes), Vec::<String>::new(), "{}", row.case);
            assert_eq!(again.memory, first.memory, "{}", row.case);
            let without = boot(Environment::new(), &folder, &again.memory);
            apply(&without.changes, &mut folder);
            assert_eq!(folder, before, "{}", row.case);
        }
    }

    fn apply(changes: &BTreeMap<Vec<u8>, Change>, folder: &mut Snapshot) {
        for (name, change) in changes {
            match change {
                Change::Remove => drop(folder.files.remove(name)),
                Change::Restore(file) => drop(folder.files.insert(name.clone(), file.clone())),
                Change::Write(content) => {
                    let file = File::Content(content.clone());
                    folder.files.insert(name.clone(), file);
                }
            }
        }
    }

    #[test]
    fn what_the_folder_cannot_hold_is_kept_apart() {
        let process = environment(&[("a/b", "1"), ("..data", "2"), ("DIR", "3"), ("A", "4")]);
        let mut folder = snapshot(&[]);
        folder.taken.insert(b"DIR".to_vec());
        let boot = boot(process.clone(), &folder, &Memory::new());
        assert_eq!(boot.environment, process);
        assert_eq!(shown(&boot.changes), ["write A 4"]);
        let unstorable: Vec<&[u8]> = boot.unstorable.keys().map(Vec::as_slice).collect();
        assert_eq!(unstorable, [&b"..data"[..], b"a/b"]);
        let unsaved: Vec<&[u8]> = boot.unsaved.keys().map(Vec::as_slice).collect();
        assert_eq!(unsaved, [&b"..data"[..], b"DIR", b"a/b"]);
    }

    #[test]
    fn a_reload_takes_the_folder_as_it_is() {
        type Row = (
            &'static str,
            Pairs,
            &'static [(&'static str, Option<&'static str>)],
            Pairs,
            Pairs,
        );
        #[rustfmt::skip]
        let table: [Row; 9] = [
            ("a new file",             &[("A", "1")], &[], &[("A", "1"), ("B", "2")], &[("A", "1"), ("B", "2")]),
            ("another value",          &[("A", "1")], &[], &[("A", "2")],             &[("A", "2")]),
            ("a file was removed",     &[("A", "1")], &[], &[],                       &[]),
            ("HOME stays",             &[("HOME", "/root"), ("A", "1")], &[], &[],    &[("HOME", "/root")]),
            ("unless a file sets it",  &[("HOME", "/root")], &[], &[("HOME", "/x")],  &[("HOME", "/x")]),
            ("could not be written",   &[("A", "1")], &[("A", None)], &[],            &[("A", "1")]),
            ("over an old file",       &[("A", "1")], &[("A", Some("0"))], &[("A", "0")], &[("A", "1")]),
            ("which a script changed", &[("A", "1")], &[("A", Some("0"))], &[("A", "2")], &[("A", "2")]),
            ("could not be removed",   &[],           &[("A", Some("0"))], &[("A", "0")], &[]),
        ];
        for (case, before, unsaved, folder, want) in table {
            let unsaved: Unsaved = unsaved
                .iter()
                .map(|(name, then)| {
                    (
                        name.as_bytes().to_vec(),
                        then.map(|then| then.as_bytes().to_vec()),
                    )
                })
                .collect();
            let got = reload(&environment(before), &unsaved, &snapshot(folder));
            assert_eq!(got, environment(want), "{case}");
        }
    }
}
