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
    /// A symlink to a regular file.
    Link {
        /// Where it leads.
        target: Vec<u8>,
        /// What is there.
        content: Vec<u8>,
    },
}

impl File {
    pub(super) fn content(&self) -> &[u8] {
        match self {
            Self::Content(content) | Self::Link { content, .. } => content,
        }
    }

    fn value(&self) -> &[u8] {
        value_of(self.content())
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
        if let Some(file) = file {
            boot.imported.insert(name.clone());
            // The reader of the folder has left out what is no variable.
            let _ = boot.environment.insert(name.as_slice(), file.value());
        }
    }
    boot
}

/// The record of a file that was exported and is still as it was written.
fn ours<'a>(name: &[u8], folder: &Snapshot, memory: &'a Memory) -> Option<&'a Record> {
    let record = memory.get(name)?;
    let file = folder.files.get(name)?;
    (Digest::of(file.content()) == record.digest).then_some(record)
}

fn export(name: &[u8], value: &[u8], folder: &Snapshot, memory: &Memory, boot: &mut Boot) {
    let file = folder.files.get(name);
    let record = ours(name, folder, memory);
    if file.is_some_and(|file| file.value() == value) {
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
        .map(|(name, file)| (name.as_slice(), file.value()))
        .collect();
    let personal = before.iter().filter(|(name, _)| is_personal(name));
    for (name, value) in personal {
        if !environment.contains(name) {
            // It was a variable before.
            let _ = environment.insert(name, value);
        }
    }
    for (name, then) in unsaved {
        if then.as_deref() != folder.files.get(name).map(File::content) {
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
