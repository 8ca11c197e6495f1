//! A dress rehearsal: what is to be put into the system answers a question in a small root of its
//! own first.
//!
//! A module or a C library that brings programs down would do so for all of them at once, this
//! command included. So the first process that loads it lives in a throw-away root, which holds
//! no more than a program, the libraries that it runs on, and a hosts file.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use crate::copies::links_to;
use crate::elf::{self, Machine};
use crate::prove::{GETENT, NoProof, Seen, ask_getent, look_up, said_by, show};
use crate::root::{HOSTS, NSSWITCH, Root, STATE};

const NAME: &str = "rehearsal.invalid";
const ENTRY: &[u8] = b"127.0.0.53 rehearsal.invalid\n";

/// What is rehearsed.
pub(crate) struct Scene<'a> {
    /// For people.
    pub(crate) what: &'a str,
    pub(crate) nsswitch: &'a [u8],
    /// Files beside those that the program needs, or in place of them.
    pub(crate) files: Vec<(String, &'a [u8])>,
    /// A symlink: its name, and where it leads.
    pub(crate) link: Option<(&'a str, &'a str)>,
}

/// How it went, if it did not go wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Rehearsed {
    /// The program got what it was to get.
    Shown,
    /// There could be no such process; why.
    Skipped(String),
}

impl Scene<'_> {
    /// Has this very program ask, on the libraries that it is running on.
    ///
    /// # Errors
    ///
    /// It got another answer, or none.
    pub(crate) fn play_with_own_program(&self, root: &Root) -> Result<Rehearsed> {
        let stage = Stage::new(root)?;
        let furnished = stage
            .put_own_libraries()
            .and_then(|()| self.furnish(root, &stage));
        if let Err(error) = furnished {
            return Ok(Rehearsed::Skipped(format!("{error:#}")));
        }
        self.judge(look_up(&Root::new(&stage.0)?, NAME))
    }

    /// Has the system's own `getent` ask, if it is for `machine`.
    ///
    /// # Errors
    ///
    /// As with [`play_with_own_program`](Self::play_with_own_program).
    pub(crate) fn play_with_getent(&self, root: &Root, machine: Machine) -> Result<Rehearsed> {
        let name = machine.name();
        let program = root.resolve(GETENT)?;
        let image = fs::read(&program).unwrap_or_default();
        if elf::machine(&image) != Some(machine) {
            let why = format!("there is no program for {name} to look a name up with");
            return Ok(Rehearsed::Skipped(why));
        }
        let stage = Stage::new(root)?;
        let furnished = stage
            .put_program(root, &program, &image)
            .and_then(|()| self.furnish(root, &stage));
        if let Err(error) = furnished {
            return Ok(Rehearsed::Skipped(format!("{error:#}")));
        }
        self.judge(ask_getent(&Root::new(&stage.0)?, NAME))
    }

    fn furnish(&self, root: &Root, stage: &Stage) -> Result<()> {
        for (path, bytes) in &self.files {
            stage.write(path, bytes)?;
            stage.link_to(&root.resolve(path)?, Path::new(path))?;
        }
        if let Some((name, target)) = self.link {
            symlink(target, stage.inside(Path::new(name))?)?;
        }
        stage.write(HOSTS, ENTRY)?;
        stage.write(NSSWITCH, self.nsswitch)
    }

    fn judge(&self, answer: Result<Seen, NoProof>) -> Result<Rehearsed> {
        let want = said_by(ENTRY, NAME.as_bytes());
        match answer {
            Ok(seen) if seen.addresses == want => Ok(Rehearsed::Shown),
            Ok(seen) => bail!(
                "{} answers {} instead of {} in a rehearsal; nothing was changed",
                self.what,
                show(&seen.addresses),
                show(&want)
            ),
            Err(NoProof::NotStarted(why)) => Ok(Rehearsed::Skipped(why)),
            Err(NoProof::Died(how)) => bail!(
                "{} brings a program down in a rehearsal ({how}); nothing was changed",
                self.what
            ),
        }
    }
}

/// The throw-away root; removed with all that is in it.
struct Stage(PathBuf);

impl Drop for Stage {
    fn drop(&mut self) {
        // What stays behind is removed by the next run.
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn folder(root: &Root) -> Result<PathBuf> {
    root.resolve(&format!("{STATE}/stage"))
}

/// Removes what a killed run left.
pub(crate) fn remove_leftovers(root: &Root) -> Result<()> {
    let folder = folder(root)?;
    if folder.exists() {
        fs::remove_dir_all(&folder)
            .with_context(|| format!("cannot remove {}", folder.display()))?;
    }
    Ok(())
}

impl Stage {
    fn new(root: &Root) -> Result<Self> {
        remove_leftovers(root)?;
        Ok(Self(folder(root)?))
    }

    fn inside(&self, path: &Path) -> Result<PathBuf> {
        let inside = self.0.join(path.strip_prefix("/").unwrap_or(path));
        let folder = inside.parent().unwrap_or(&self.0);
        fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
        Ok(inside)
    }

    fn copy(&self, from: &Path, to: &Path) -> Result<()> {
        let to = self.inside(to)?;
        fs::copy(from, &to)
            .with_context(|| format!("cannot copy {} to {}", from.display(), to.display()))?;
        Ok(())
    }

    fn write(&self, path: &str, bytes: &[u8]) -> Result<()> {
        let path = self.inside(Path::new(path))?;
        fs::write(&path, bytes).with_context(|| format!("cannot write {}", path.display()))
    }

    /// What this process runs on.
    fn put_own_libraries(&self) -> Result<()> {
        for library in mapped_libraries()? {
            self.copy(&library, &library)?;
            self.link_to(&library, &library)?;
        }
        // The loader by the name that programs know it by.
        let own = fs::read("/proc/self/exe").context("cannot read /proc/self/exe")?;
        if let Some(loader) = elf::interpreter(&own) {
            let real = fs::canonicalize(&loader)
                .with_context(|| format!("cannot find {}", loader.display()))?;
            self.copy(&real, &loader)?;
        }
        Ok(())
    }

    /// A program of the system and its loader; its libraries come with the scene.
    fn put_program(&self, root: &Root, program: &Path, image: &[u8]) -> Result<()> {
        self.copy(program, Path::new(GETENT))?;
        if let Some(loader) = elf::interpreter(image) {
            let real = root.resolve(&loader.to_string_lossy())?;
            self.copy(&real, &loader)?;
        }
        Ok(())
    }

    /// The names that a library is asked for by. Up to 2.33 it lies behind a link.
    fn link_to(&self, real: &Path, inside: &Path) -> Result<()> {
        let file = inside.file_name().unwrap_or_default();
        for link in links_to(real) {
            let name = link.file_name().unwrap_or_default();
            let link = self.inside(&inside.with_file_name(name))?;
            if !link.is_symlink() {
                symlink(file, &link).with_context(|| format!("cannot make {}", link.display()))?;
            }
        }
        Ok(())
    }
}

/// The shared objects that this process runs on, as the system's own loader found them.
fn mapped_libraries() -> Result<BTreeSet<PathBuf>> {
    let maps = fs::read("/proc/self/maps").context("cannot read /proc/self/maps")?;
    let own = fs::read_link("/proc/self/exe").context("cannot read /proc/self/exe")?;
    let objects = maps
        .split(|&byte| byte == b'\n')
        .filter_map(|line| {
            let path = line.get(line.iter().position(|&byte| byte == b'/')?..)?;
            // Replaced since, by this very run: what bears the name now is what counts.
            let path = path.strip_suffix(b" (deleted)").unwrap_or(path);
            Some(PathBuf::from(std::ffi::OsStr::from_bytes(path)))
        })
        .filter(|path| *path != own)
        .collect();
    Ok(objects)
}
