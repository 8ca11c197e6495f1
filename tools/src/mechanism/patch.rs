//! Mechanism `patch`: another path in the library that reads `/etc/hosts`.
//!
//! The path becomes `/cte/hosts`, and `/cte` a symlink to the folder of the hosts file. Up to
//! glibc 2.33 it stands in `libnss_files.so.2`, from 2.34 on in `libc.so.6`; which of the two it
//! is, is found by looking and not by the version.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::Plan;
use crate::copies::{self, Copy};
use crate::dpkg::md5;
use crate::elf::Machine;
use crate::failure::refused;
use crate::hosts_file::explain;
use crate::inspect::{Inspected, inspect};
use crate::journal::{Change, Journal, Library, Link, Mechanism};
use crate::plan::{self, NEW, Reads};
use crate::root::{FOLDER, Root};
use crate::staging::{Rehearsed, Scene};

/// What programs with a patched library open the folder of the hosts file by.
pub(crate) const LINK: &str = "/cte";
/// Where it leads while processes that began with a patched library outlive a `revert`.
pub(crate) const ASIDE: &str = "/etc";

pub(crate) fn plan(root: &Root) -> Result<Plan> {
    let copies = inspect(root)?;
    if copies.is_empty() {
        let why = if root.has_musl() {
            "the C library is musl, whose path this command does not change"
        } else {
            "no glibc here"
        };
        return Err(refused(format!("{}: {why}", root.path().display())));
    }
    let mut plan = Plan {
        mechanism: Mechanism::Patch,
        due: Vec::new(),
        standing: Vec::new(),
        notes: Vec::new(),
    };
    plan_link(root, &mut plan)?;
    for (copy, both) in &copies {
        let target = target(copy, both).map_err(|why| refused(format!("cannot patch {why}")))?;
        let (library, is_due) = change(root, target)?;
        plan.notes.extend(note_of(target));
        if is_due {
            plan.due.push(Change::Library(library));
        } else {
            plan.standing.push(Change::Library(library));
        }
    }
    Ok(plan)
}

fn plan_link(root: &Root, plan: &mut Plan) -> Result<()> {
    let link = Change::Link(Link {
        path: LINK.into(),
        target: FOLDER.into(),
    });
    match link_target(root)? {
        Some(target) if target == Path::new(FOLDER) => plan.standing.push(link),
        Some(target) if target == Path::new(ASIDE) => plan.due.push(link),
        None => plan.due.push(link),
        Some(target) => {
            return Err(refused(format!(
                "cannot use {LINK}: it leads to {}; remove it if it is not needed",
                target.display()
            )));
        }
    }
    Ok(())
}

/// Where `/cte` leads; `None` if it does not exist.
pub(crate) fn link_target(root: &Root) -> Result<Option<PathBuf>> {
    let path = link_path(root);
    match fs::read_link(&path) {
        Ok(target) => Ok(Some(target)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) if error.kind() == io::ErrorKind::InvalidInput => Err(refused(format!(
            "cannot use {}: something else than a symlink has that name; move it away",
            path.display()
        ))),
        Err(error) => Err(explain(&error, "cannot read", &path)),
    }
}

/// The link itself, not what it leads to.
pub(crate) fn link_path(root: &Root) -> PathBuf {
    root.path().join(LINK.trim_start_matches('/'))
}

/// The one library of a pair that reads the hosts file, or why there is none.
fn target<'a>(copy: &Copy, both: &'a [Inspected]) -> Result<&'a Inspected, String> {
    let mut target = None;
    for library in both {
        let path = &library.path;
        match library.reads() {
            Err(why) => return Err(format!("{path}: {why}")),
            Ok(Reads::Nothing) => {}
            Ok(Reads::Else(other)) => {
                return Err(format!(
                    "{path}: something else has made it read {other}; reinstall its package first"
                ));
            }
            Ok(Reads::EtcHosts(_) | Reads::Workaround(_)) if target.is_some() => {
                return Err(format!("{path}: {} reads a hosts file as well", copy.libc));
            }
            Ok(Reads::EtcHosts(_) | Reads::Workaround(_)) => target = Some(library),
        }
    }
    target.ok_or_else(|| format!("{}: no /etc/hosts in it, nor in libnss_files", copy.libc))
}

/// What is to be recorded of the target, and whether it is still to be done.
fn change(root: &Root, target: &Inspected) -> Result<(Library, bool)> {
    let path = &target.path;
    let (at, is_due) = match target.reads() {
        Ok(&Reads::EtcHosts(at)) => (at, true),
        Ok(&Reads::Workaround(at)) => (at, false),
        _ => {
            return Err(refused(format!(
                "cannot patch {path}: it reads no hosts file"
            )));
        }
    };
    let original = target.original().map_err(refused)?;
    if target.is_packages_own(&original) == Some(false) {
        let package = target.recorded.as_ref().map_or("", |r| r.package.as_str());
        return Err(refused(format!(
            "cannot patch {path}: something else has changed it, as it differs from the file in {package}; reinstall that package first"
        )));
    }
    if is_due {
        check_protection(&root.resolve(path)?)?;
    }
    let patched = plan::with_path(&original, at, NEW).map_err(refused)?;
    let library = Library {
        path: path.clone(),
        offset: at as u64,
        before: md5(&original),
        after: md5(&patched),
        modified: target.modified,
    };
    Ok((library, is_due))
}

fn check_protection(path: &Path) -> Result<()> {
    let protection = sys::protection::protection(path)
        .with_context(|| format!("cannot tell whether {} is protected", path.display()))?;
    let refuse = |why: &str| Err(refused(format!("cannot patch {}: {why}", path.display())));
    if protection.verity {
        refuse("fs-verity vouches for its content, and would for no other")
    } else if protection.immutable || protection.append_only {
        refuse("it is immutable; see chattr(1)")
    } else {
        Ok(())
    }
}

/// What is left as it is, and why.
fn note_of(target: &Inspected) -> Option<String> {
    let inlined = &target.found.as_ref().ok()?.inlined;
    let at = inlined.first()?;
    Some(format!(
        "{}: the copy of the path in code at {at:#x} stays: it only tells nscd which file to watch, and the command itself makes nscd forget",
        target.path
    ))
}

/// Each library that is to change is asked a name in a root of its own, by a program that runs on
/// it: one that does not work would bring every program down, this command included.
pub(crate) fn rehearse(root: &Root, plan: &Plan) -> Result<Vec<String>> {
    let mut notes = Vec::new();
    for (copy, both) in inspect(root)? {
        let Some(target) = both.iter().find(|library| is_due(plan, &library.path)) else {
            continue;
        };
        let path = &target.path;
        let patched = patched(target)?;
        let machine = target
            .found
            .as_ref()
            .map_or_else(|_| Machine::of_this_process(), |found| found.machine);
        let mut scene = Scene {
            what: path,
            nsswitch: b"hosts: files\n",
            files: vec![(path.clone(), &patched)],
            link: Some((LINK, FOLDER)),
        };
        let native = root.is_this_system() && machine == Machine::of_this_process();
        let outcome = if native {
            scene.play_with_own_program(root)?
        } else {
            let beside = both.iter().filter(|library| library.path != *path);
            let beside = beside.map(|library| (library.path.clone(), library.image.as_slice()));
            scene.files.extend(beside);
            scene.play_with_getent(root, machine)?
        };
        match outcome {
            Rehearsed::Shown => {}
            Rehearsed::Skipped(why) if native => {
                return Err(refused(format!(
                    "cannot patch {} before a program has run on the patched copy, which could not be tried: {why}",
                    copy.libc
                )));
            }
            Rehearsed::Skipped(why) => {
                notes.push(format!("{path} is not proven by a lookup: {why}"));
            }
        }
    }
    Ok(notes)
}

fn is_due(plan: &Plan, path: &str) -> bool {
    let mut due = plan.due.iter();
    due.any(|change| matches!(change, Change::Library(library) if library.path == path))
}

fn patched(target: &Inspected) -> Result<Vec<u8>> {
    match target.reads() {
        Ok(&Reads::EtcHosts(at) | &Reads::Workaround(at)) => {
            plan::with_path(&target.image, at, NEW).map_err(refused)
        }
        _ => Err(refused(format!("{} reads no hosts file", target.path))),
    }
}

/// The new content of a library that the plan says is due: made from the file as it is now, which
/// must be the one that was planned for.
pub(crate) fn content(root: &Root, library: &Library) -> Result<Vec<u8>> {
    let path = root.resolve(&library.path)?;
    let image = fs::read(&path).map_err(|error| explain(&error, "cannot read", &path))?;
    let at = usize::try_from(library.offset)?;
    let patched = plan::with_path(&image, at, NEW).map_err(anyhow::Error::msg);
    let patched = patched.with_context(|| format!("cannot patch {}", path.display()))?;
    anyhow::ensure!(
        md5(&image) == library.before && md5(&patched) == library.after,
        "cannot patch {}: it has changed a moment ago; try again",
        path.display()
    );
    Ok(patched)
}

/// A few bytes of each library tell: no package's own has our path in it, wherever it stands. And
/// a copy of the C library that was not there before has none of its files in the journal.
pub(crate) fn holds(root: &Root, journal: &Journal) -> Result<bool> {
    if link_target(root)?.as_deref() != Some(Path::new(FOLDER)) {
        return Ok(false);
    }
    if !root.resolve(crate::root::HOSTS)?.exists() {
        return Ok(false);
    }
    for library in journal.libraries() {
        if !has_our_path(&root.resolve(&library.path)?, library.offset) {
            return Ok(false);
        }
    }
    let is_known = |path: &str| journal.libraries().any(|library| library.path == path);
    let copies = copies::find(root)?;
    Ok(copies.iter().all(|copy| copy.paths().any(is_known)))
}

fn has_our_path(path: &Path, offset: u64) -> bool {
    let mut slot = [0xff; NEW.len() + 2];
    let read = |slot: &mut [u8]| {
        let start = offset.checked_sub(1)?;
        File::open(path).ok()?.read_exact_at(slot, start).ok()
    };
    let whole = slot.len() - 1;
    read(&mut slot).is_some() && slot[0] == 0 && slot[whole] == 0 && slot[1..whole] == NEW[..]
}
