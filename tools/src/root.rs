//! The system that is worked on: this one, or a tree under `--root`.

use std::ffi::OsString;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::{Component, Path, PathBuf};

use anyhow::{Context, Result, bail};

use crate::nsswitch::Defaults;

/// The hosts file, as programs name it.
pub(crate) const HOSTS: &str = "/etc/workaround-docker-2267/hosts";
/// The folder of the hosts file.
pub(crate) const FOLDER: &str = "/etc/workaround-docker-2267";
/// Where glibc reads which services to ask.
pub(crate) const NSSWITCH: &str = "/etc/nsswitch.conf";
/// What the command remembers.
pub(crate) const STATE: &str = "/var/lib/workaround-docker-2267";

const MODULE: &str = "libnss_workaround.so.2";

/// As many links as Linux follows.
const MAX_LINKS: u32 = 40;

/// The root folder of a system.
#[derive(Clone, Debug)]
pub(crate) struct Root(PathBuf);

/// An architecture that a module exists for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Arch {
    /// Debian's name for it.
    pub(crate) name: &'static str,
    /// Debian's multiarch folder.
    pub(crate) triplet: &'static str,
    /// `e_machine` of its ELF files.
    machine: u16,
}

/// The architectures that there is a module for.
pub(crate) const ARCHES: [Arch; 2] = [
    Arch {
        name: "amd64",
        triplet: "x86_64-linux-gnu",
        machine: 62,
    },
    Arch {
        name: "arm64",
        triplet: "aarch64-linux-gnu",
        machine: 183,
    },
];

/// A C library of the system.
#[derive(Clone, Debug)]
pub(crate) struct Libc {
    pub(crate) arch: Arch,
    /// As in `2.36`.
    pub(crate) version: (u32, u32),
}

impl Root {
    pub(crate) fn new(path: &Path) -> Result<Self> {
        let path = fs::canonicalize(path)
            .with_context(|| format!("cannot use {} as the root", path.display()))?;
        if !path.is_dir() {
            bail!("cannot use {} as the root: it is no folder", path.display());
        }
        Ok(Self(path))
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    pub(crate) fn is_this_system(&self) -> bool {
        self.0 == Path::new("/")
    }

    /// Where `path` lies, seen from outside; symlinks are followed as if the root were `/`, so
    /// that none leads out of it. What does not exist is resolved as far as it does.
    pub(crate) fn resolve(&self, path: &str) -> Result<PathBuf> {
        let mut done = PathBuf::new();
        let mut rest: Vec<OsString> = components(Path::new(path));
        let mut links = 0;
        while let Some(name) = rest.pop() {
            if name == ".." {
                done.pop();
                continue;
            }
            let inside = done.join(&name);
            match fs::read_link(self.0.join(&inside)) {
                Ok(target) => {
                    links += 1;
                    if links > MAX_LINKS {
                        bail!("cannot follow {path}: too many symlinks");
                    }
                    if target.is_absolute() {
                        done.clear();
                    }
                    rest.extend(components(&target));
                }
                Err(_) => done = inside,
            }
        }
        Ok(self.0.join(done))
    }

    /// The C libraries of the system, one an architecture.
    pub(crate) fn libcs(&self) -> Result<Vec<Libc>> {
        let mut libcs = Vec::new();
        for arch in ARCHES {
            for folder in ["/usr/lib", "/lib"] {
                let path = self.resolve(&format!("{folder}/{}/libc.so.6", arch.triplet))?;
                let Ok(image) = fs::read(&path) else { continue };
                let version = banner_version(&image)
                    .with_context(|| format!("{}: no glibc banner in it", path.display()))?;
                libcs.push(Libc { arch, version });
                break;
            }
        }
        Ok(libcs)
    }

    /// Whether every C library that there is a module for has it, as far as names tell.
    pub(crate) fn has_module_everywhere(&self) -> Result<bool> {
        let exists = |arch: &Arch, file: &str| -> Result<bool> {
            for folder in ["/usr/lib", "/lib"] {
                if self
                    .resolve(&format!("{folder}/{}/{file}", arch.triplet))?
                    .exists()
                {
                    return Ok(true);
                }
            }
            Ok(false)
        };
        let mut any = false;
        for arch in &ARCHES {
            if exists(arch, "libc.so.6")? {
                any = true;
                if !exists(arch, MODULE)? {
                    return Ok(false);
                }
            }
        }
        Ok(any)
    }

    /// Whether the system's C library is musl, which has no NSS.
    pub(crate) fn has_musl(&self) -> bool {
        fs::read_dir(self.0.join("lib")).is_ok_and(|entries| {
            entries
                .flatten()
                .any(|entry| entry.file_name().as_bytes().starts_with(b"ld-musl-"))
        })
    }

    /// The module for `arch`, checked to be one.
    pub(crate) fn module(&self, arch: Arch) -> Result<PathBuf> {
        let mut tried = Vec::new();
        for folder in ["/usr/lib", "/lib"] {
            let inside = format!("{folder}/{}/{MODULE}", arch.triplet);
            let path = self.resolve(&inside)?;
            let image = match fs::read(&path) {
                Ok(image) => image,
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                    tried.push(inside);
                    continue;
                }
                Err(error) => return Err(error).context(format!("cannot read {}", path.display())),
            };
            check_elf(&image, arch).with_context(|| path.display().to_string())?;
            return Ok(path);
        }
        bail!("no {} ; install the module there", tried.join(" and no "))
    }
}

impl Libc {
    /// What glibc of this version does without a `hosts` line.
    pub(crate) fn defaults(&self) -> Defaults {
        if self.version < (2, 34) {
            Defaults::DnsFirst
        } else {
            Defaults::FilesFirst
        }
    }
}

/// The parts of a path, last one first.
fn components(path: &Path) -> Vec<OsString> {
    let parts = path.components().rev().filter_map(|part| match part {
        Component::Normal(name) => Some(name.to_owned()),
        Component::ParentDir => Some("..".into()),
        Component::CurDir | Component::RootDir | Component::Prefix(_) => None,
    });
    parts.collect()
}

/// The version that glibc's banner names ("GNU C Library (…) stable release version 2.36.").
fn banner_version(image: &[u8]) -> Option<(u32, u32)> {
    const BANNER: &[u8] = b" release version ";
    let at = image
        .windows(BANNER.len())
        .position(|window| window == BANNER)?;
    let text = image.get(at + BANNER.len()..)?;
    let end = text
        .iter()
        .position(|&byte| byte != b'.' && !byte.is_ascii_digit())?;
    let text = std::str::from_utf8(text.get(..end)?).ok()?;
    let (major, minor) = text.trim_end_matches('.').split_once('.')?;
    let minor = minor.split('.').next()?;
    Some((major.parse().ok()?, minor.parse().ok()?))
}

/// A shared library for `arch`, as far as its header tells.
fn check_elf(image: &[u8], arch: Arch) -> Result<()> {
    // Magic, 64 bits, little-endian.
    if !image.starts_with(b"\x7fELF\x02\x01") {
        bail!("it is no 64-bit ELF file");
    }
    // e_type and e_machine (elf(5)).
    let half = |at: usize| Some(u16::from_le_bytes(image.get(at..at + 2)?.try_into().ok()?));
    if half(16) != Some(3) || half(18) != Some(arch.machine) {
        bail!("it is no shared library for {}", arch.triplet);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    #[test]
    fn links_never_lead_out_of_the_root() {
        let folder = std::env::temp_dir().join(format!("workaround-root-{}", std::process::id()));
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(folder.join("etc/real")).unwrap();
        fs::create_dir_all(folder.join("usr/lib")).unwrap();
        symlink("usr/lib", folder.join("lib")).unwrap();
        symlink("/etc/real/conf", folder.join("etc/absolute")).unwrap();
        symlink("../../../../etc/real/conf", folder.join("etc/upwards")).unwrap();
        symlink("loop", folder.join("etc/loop")).unwrap();
        let root = Root::new(&folder).unwrap();
        let base = root.path().to_owned();
        #[rustfmt::skip]
        let table = [
            ("/etc/plain",      "etc/plain"),
            ("/lib/x",          "usr/lib/x"),
            ("/etc/absolute",   "etc/real/conf"),
            ("/etc/upwards",    "etc/real/conf"),
            ("/etc/../lib/../x", "usr/x"),
        ];
        for (path, want) in table {
            assert_eq!(root.resolve(path).unwrap(), base.join(want), "{path}");
        }
        assert!(root.resolve("/etc/loop").is_err());
        fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn glibc_tells_its_version_in_a_banner() {
        #[rustfmt::skip]
        let table: &[(&str, Option<(u32, u32)>)] = &[
            ("\0GNU C Library (Debian GLIBC 2.36-9) stable release version 2.36.\nCopyright", Some((2, 36))),
            ("GNU C Library (Ubuntu GLIBC 2.23-0) stable release version 2.23, by Roland",    Some((2, 23))),
            ("GNU C Library (GNU libc) development release version 2.43.9000.\n",              Some((2, 43))),
            ("musl libc",                                                                      None),
        ];
        for &(image, want) in table {
            assert_eq!(banner_version(image.as_bytes()), want, "{image:?}");
        }
    }
}
