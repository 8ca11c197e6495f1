//! Mechanism `nss`: our service first on the `hosts` line of nsswitch.conf.

use std::fs;
use std::io;

use anyhow::Result;

use super::Plan;
use crate::copies;
use crate::elf;
use crate::failure::{Ending, NssCannotServe, refused};
use crate::hosts_file::explain;
use crate::journal::{Change, Mechanism, Text};
use crate::nsswitch::{self, Defaults, Position};
use crate::root::{ARCHES, NSSWITCH, Root};
use crate::staging::{Rehearsed, Scene};

pub(crate) fn plan(root: &Root) -> Result<Plan> {
    let libcs = root.libcs()?;
    let Some(first) = libcs.first() else {
        return Err(no_libc(root)?);
    };
    // Every architecture whose programs may run here needs its module.
    for libc in &libcs {
        root.module(libc.arch).map_err(|error| {
            refused(format!(
                "cannot use the NSS module: {error:#}, or patch the C library with `--mechanism patch`"
            ))
        })?;
    }
    let change = plan_nsswitch(root, first.defaults())?;
    Ok(Plan {
        mechanism: Mechanism::Nss,
        due: change.into_iter().map(Change::Text).collect(),
        standing: Vec::new(),
        notes: unserved(root)?,
        libraries: Vec::new(),
    })
}

/// Why there is none that the module could serve.
fn no_libc(root: &Root) -> Result<anyhow::Error> {
    let machines = machines(root)?;
    // A glibc system may have musl installed beside it.
    Ok(if machines.is_empty() && root.has_musl() {
        refused("the C library is musl, which has no nsswitch.conf and asks no module")
    } else if machines.is_empty() {
        let root = root.path().display();
        refused(format!("no glibc under {root}"))
    } else {
        let machines = machines.join(", ");
        NssCannotServe::error(
            Ending::Refused,
            format!(
                "the NSS module exists for amd64 and arm64 only, and the C library is for {machines}"
            ),
        )
    })
}

/// The machines that have a glibc here.
fn machines(root: &Root) -> Result<Vec<String>> {
    let mut names = Vec::new();
    for copy in copies::find(root)? {
        let image = fs::read(root.resolve(&copy.libc)?).unwrap_or_default();
        let name = elf::machine(&image).map_or("no known machine".into(), elf::Machine::name);
        if !names.contains(&name) {
            names.push(name);
        }
    }
    Ok(names)
}

/// The machines whose programs pass the service by, as there is no module for them.
fn unserved(root: &Root) -> Result<Vec<String>> {
    let mut machines = machines(root)?;
    machines.retain(|name| ARCHES.iter().all(|arch| arch.name != name));
    Ok(machines
        .into_iter()
        .map(|name| {
            format!("programs for {name} are not served, as there is no module for them; `--mechanism patch` serves all")
        })
        .collect())
}

fn plan_nsswitch(root: &Root, defaults: Defaults) -> Result<Option<Text>> {
    let before = read_nsswitch(root)?;
    let text = before.as_deref().unwrap_or_default();
    if nsswitch::position(text) == Position::First {
        return Ok(None);
    }
    Ok(Some(Text {
        path: NSSWITCH.into(),
        after: nsswitch::with_service(text, defaults),
        before,
    }))
}

/// The content of nsswitch.conf; `None` if it does not exist.
pub(crate) fn read_nsswitch(root: &Root) -> Result<Option<Vec<u8>>> {
    let path = root.resolve(NSSWITCH)?;
    match fs::read(&path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(explain(&error, "cannot read", &path)),
    }
}

/// The module answers a question in a root of its own. A module that brings programs down would
/// do so for all of them at once, this command included.
pub(crate) fn rehearse(root: &Root) -> Result<Vec<String>> {
    let own = std::env::consts::ARCH;
    let libcs = root.libcs()?;
    let native = libcs.iter().find(|libc| libc.arch.triplet.starts_with(own));
    // The libraries of another tree are known only to its own loader.
    let Some(libc) = native.filter(|_| root.is_this_system()) else {
        return Ok(Vec::new());
    };
    let module = root.module(libc.arch)?;
    let image = fs::read(&module).map_err(|error| explain(&error, "cannot read", &module))?;
    let name = module.file_name().unwrap_or_default().to_string_lossy();
    let scene = Scene {
        what: "the module",
        nsswitch: b"hosts: workaround\n",
        files: vec![(format!("/lib/{}/{name}", libc.arch.triplet), &image)],
        link: None,
    };
    Ok(match scene.play_with_own_program(root)? {
        Rehearsed::Shown => Vec::new(),
        Rehearsed::Skipped(why) => vec![format!("no rehearsal: {why}")],
    })
}

pub(crate) fn holds(root: &Root) -> Result<bool> {
    let text = read_nsswitch(root)?.unwrap_or_default();
    let stands_first = nsswitch::position(&text) == Position::First;
    Ok(stands_first && root.has_module_everywhere()?)
}
