//! A dress rehearsal: the module in a small root of its own, before the system is touched.
//!
//! A module that brings programs down would do so for all of them at once, this command
//! included. So the first process that loads it lives in a throw-away root that holds no more
//! than this program, the libraries that it is running on, the module, and a hosts file.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use crate::prove::{look_up, said_by, show};
use crate::root::{HOSTS, Libc, NSSWITCH, Root, STATE};

const NAME: &str = "rehearsal.invalid";
const ENTRY: &[u8] = b"127.0.0.53 rehearsal.invalid\n::53 rehearsal.invalid\n";

/// Removes the folder with all that is in it.
struct Stage(PathBuf);

impl Drop for Stage {
    fn drop(&mut self) {
        // What stays behind is removed by the next run.
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Proves the module; a note says why that was not possible.
///
/// # Errors
///
/// The module does not answer as it should.
pub(crate) fn prove(root: &Root, libcs: &[Libc]) -> Result<Option<String>> {
    if !root.is_this_system() {
        // The libraries of another tree are known only to its own loader.
        return Ok(None);
    }
    let arch = std::env::consts::ARCH;
    let Some(libc) = libcs
        .iter()
        .find(|libc| libc.arch.triplet.starts_with(arch))
    else {
        return Ok(None);
    };
    let stage = Stage(root.resolve(&format!("{STATE}/stage"))?);
    if let Err(error) = furnish(&stage, root, libc) {
        return Ok(Some(format!("no rehearsal: {error:#}")));
    }
    let want = said_by(ENTRY, NAME.as_bytes());
    match look_up(&Root::new(&stage.0)?, NAME) {
        Ok(seen) if seen.addresses == want => Ok(None),
        Ok(seen) => bail!(
            "the module answers {} instead of {} in a rehearsal; nothing was changed",
            show(&seen.addresses),
            show(&want)
        ),
        Err(why) => Ok(Some(format!("no rehearsal: {why}"))),
    }
}

impl Stage {
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
}

fn furnish(stage: &Stage, root: &Root, libc: &Libc) -> Result<()> {
    // What a killed run left.
    let _ = fs::remove_dir_all(&stage.0);
    for library in mapped_libraries()? {
        stage.copy(&library, &library)?;
        // Up to 2.33 libraries lie behind links that bear the names they are asked for by.
        for link in links_to(&library) {
            stage.copy(&library, &link)?;
        }
    }
    // The loader by the name that programs know it by.
    for name in ["/lib64/ld-linux-x86-64.so.2", "/lib/ld-linux-aarch64.so.1"] {
        if let Ok(real) = fs::canonicalize(name) {
            stage.copy(&real, Path::new(name))?;
        }
    }
    let module = root.module(libc.arch)?;
    let folder = Path::new("/lib").join(libc.arch.triplet);
    stage.copy(
        &module,
        &folder.join(module.file_name().unwrap_or_default()),
    )?;
    stage.write(HOSTS, ENTRY)?;
    stage.write(NSSWITCH, b"hosts: workaround\n")
}

/// The symlinks beside a file that lead to it.
fn links_to(file: &Path) -> Vec<PathBuf> {
    let entries = file.parent().and_then(|folder| fs::read_dir(folder).ok());
    let paths = entries
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path());
    let leads_there = |path: &PathBuf| {
        fs::read_link(path).is_ok_and(|target| Some(target.as_os_str()) == file.file_name())
    };
    paths.filter(leads_there).collect()
}

/// The shared objects that this process runs on, as the system's own loader found them.
fn mapped_libraries() -> Result<BTreeSet<PathBuf>> {
    let maps = fs::read("/proc/self/maps").context("cannot read /proc/self/maps")?;
    let own = fs::read_link("/proc/self/exe").context("cannot read /proc/self/exe")?;
    let objects = maps
        .split(|&byte| byte == b'\n')
        .filter_map(|line| {
            let path = line.get(line.iter().position(|&byte| byte == b'/')?..)?;
            Some(PathBuf::from(std::ffi::OsStr::from_bytes(path)))
        })
        .filter(|path| *path != own)
        .collect();
    Ok(objects)
}
