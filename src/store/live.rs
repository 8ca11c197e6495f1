//! A boot: import, export, and a reload after each startup script.

use std::time::Duration;

use sys::file::{Lock, lock_folder, read_regular};

use super::memory::{self, Memory};
use super::plan::{self, Boot, Change, File, Snapshot, Source, Unsaved};
use super::warning::{Warning, reason};
use super::write::Failures;
use super::{Store, folder};
use crate::environment::Environment;

/// How long a boot waits for another writer of the folder; after that it goes on all the same.
const PATIENCE: Duration = Duration::from_secs(1);

/// More than a memory of 10,000 files ever is.
const MEMORY_LIMIT: usize = 64 << 20;

/// What a boot would do.
#[derive(Debug)]
pub struct Import {
    boot: Boot,
    /// `None` if there is no folder to be read.
    found: Option<(Snapshot, Memory)>,
    warnings: Vec<Warning>,
}

impl Import {
    /// The environment that the boot would begin with.
    #[must_use]
    pub fn environment(&self) -> &Environment {
        &self.boot.environment
    }

    /// Where each variable comes from, in byte order of the names.
    pub fn sources(&self) -> impl Iterator<Item = (&[u8], Source)> {
        self.boot.environment.iter().map(|(name, _)| {
            let source = if self.boot.imported.contains(name) {
                Source::Folder
            } else {
                Source::Process
            };
            (name, source)
        })
    }

    /// Names whose files would be removed, as an earlier boot exported them and the process
    /// environment no longer has them.
    pub fn removed(&self) -> impl Iterator<Item = &[u8]> {
        let changes = self.boot.changes.iter();
        changes.filter_map(|(name, change)| (*change == Change::Remove).then_some(name.as_slice()))
    }

    /// Whether there is a folder; without one the environment is that of the process, and nothing
    /// is written.
    #[must_use]
    pub fn has_folder(&self) -> bool {
        self.found.is_some()
    }

    /// What people should know.
    #[must_use]
    pub fn warnings(&self) -> &[Warning] {
        &self.warnings
    }
}

/// The environment of a boot under way.
#[derive(Debug, Default)]
pub struct Live {
    environment: Environment,
    unsaved: Unsaved,
    told: Vec<Warning>,
}

impl Live {
    /// What the next process gets.
    #[must_use]
    pub fn environment(&self) -> &Environment {
        &self.environment
    }

    /// All warnings so far.
    #[must_use]
    pub fn warnings(&self) -> &[Warning] {
        &self.told
    }

    /// Remembers `warnings`; the ones that are new.
    fn tell(&mut self, warnings: Vec<Warning>) -> Vec<Warning> {
        let mut news = Vec::new();
        for warning in warnings {
            if !self.told.iter().any(|told| told.says(&warning)) {
                self.told.push(warning.clone());
                news.push(warning);
            }
        }
        news
    }
}

impl Store {
    /// Decides what a boot with the environment `process` does, and does nothing.
    #[must_use]
    pub fn import(&self, process: Environment) -> Import {
        let mut warnings = Vec::new();
        let snapshot = self.read(&mut warnings);
        let found = snapshot.map(|snapshot| {
            let mut memory = self.remembered();
            folder::follow(&self.folder, &mut memory);
            (snapshot, memory)
        });
        let boot = match &found {
            Some((snapshot, memory)) => plan::boot(process, snapshot, memory),
            None => Boot {
                // A script may make the folder; until it names a variable, this is the environment.
                unsaved: process
                    .iter()
                    .map(|(name, _)| (name.to_vec(), None))
                    .collect(),
                environment: process,
                ..Boot::default()
            },
        };
        for (name, why) in &boot.unstorable {
            warnings.push(Warning::Unstorable {
                folder: self.folder.clone(),
                name: name.clone(),
                why: *why,
            });
        }
        Import {
            boot,
            found,
            warnings,
        }
    }

    /// Does what `import` has decided: the folder and the dumps show the environment, files that
    /// were exported for nothing any more go, and the next boot will know which those are.
    ///
    /// What cannot be written stays in memory; the warnings say so.
    #[must_use]
    pub fn export(&self, import: Import) -> Live {
        let Import {
            boot,
            found,
            warnings,
        } = import;
        let mut live = Live {
            environment: boot.environment,
            unsaved: boot.unsaved,
            told: Vec::new(),
        };
        live.tell(warnings);
        let Some((snapshot, memory)) = found else {
            return live;
        };
        let _lock = self.lock();
        let mut failures = Failures::default();
        // Memory first, of what is about to go too: a boot that is cut short must not leave files
        // that nobody knows.
        let mut known = boot.memory.clone();
        let going = boot.changes.iter().filter(|(_, change)| !change.exports());
        let going = going.filter_map(|(name, _)| memory.get_key_value(name));
        known.extend(going.map(|(name, record)| (name.clone(), record.clone())));
        let mut remembered = self.remember(&known, &memory);
        let written = known.clone();
        let mut exported = false;
        for (name, change) in &boot.changes {
            match self.change(name, change) {
                Ok(()) if change.exports() => exported = true,
                Ok(()) => drop(known.remove(name)),
                Err(error) => {
                    failures.add((self.path_of(name), error));
                    let held = snapshot.files.get(name).and_then(File::content);
                    let held = held.map(<[u8]>::to_vec);
                    live.unsaved.insert(name.clone(), held);
                }
            }
        }
        if remembered.is_ok() {
            remembered = self.remember(&known, &written);
        }
        let mut warnings = self.dump(&live.environment, &mut failures);
        if let (Err(error), true) = (remembered, exported) {
            warnings.push(Warning::NotRemembered {
                path: self.memory.clone(),
                reason: reason(&error),
            });
        }
        warnings.extend(failures.into_warnings());
        live.tell(warnings);
        live
    }

    /// After a startup script: the environment becomes exactly the content of the folder, but for
    /// `HOME`, `USER`, `GROUP`, `UID`, `GID` and `SHELL`, which stay unless a file sets them, and
    /// the dumps are written anew. Returns the warnings that are new.
    ///
    /// Where the folder could not be written before, the variables concerned stay too; where it
    /// cannot be read now, or is gone, everything stays.
    pub fn reload(&self, live: &mut Live) -> Vec<Warning> {
        let _lock = self.lock();
        let mut warnings = Vec::new();
        if let Some(snapshot) = self.read(&mut warnings) {
            live.environment = plan::reload(&live.environment, &live.unsaved, &snapshot);
            let mut failures = Failures::default();
            warnings.extend(self.dump(&live.environment, &mut failures));
            warnings.extend(failures.into_warnings());
        }
        live.tell(warnings)
    }

    fn dump(&self, environment: &Environment, failures: &mut Failures) -> Vec<Warning> {
        let (failed, warning) = self.write_dumps(environment);
        for failed in failed {
            failures.add(failed);
        }
        warning.into_iter().collect()
    }

    fn read(&self, warnings: &mut Vec<Warning>) -> Option<Snapshot> {
        match folder::read(&self.folder, warnings) {
            Ok(snapshot) => snapshot,
            Err(error) => {
                warnings.push(Warning::FolderUnreadable {
                    folder: self.folder.clone(),
                    reason: reason(&error),
                });
                None
            }
        }
    }

    /// What earlier boots exported. What cannot be read is not known, and so stays.
    pub(super) fn remembered(&self) -> Memory {
        match read_regular(&self.memory, MEMORY_LIMIT) {
            Ok(bytes) => memory::from_bytes(&bytes),
            Err(_) => Memory::new(),
        }
    }

    /// Nobody else edits the folder meanwhile, unless they take too long.
    fn lock(&self) -> Option<Lock> {
        lock_folder(&self.folder, PATIENCE).ok()
    }
}
