//! The libraries that read the hosts file, or might: read, looked into, and held against what
//! dpkg knows of them.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;

use anyhow::Result;

use crate::copies::{self, Copy};
use crate::dpkg::{self, Recorded, md5};
use crate::hosts_file::explain;
use crate::plan::{self, Found, OLD, Reads};
use crate::root::Root;

/// A library file of the system, read and looked into.
#[derive(Debug)]
pub(crate) struct Inspected {
    /// The real file, as the system itself would name it.
    pub(crate) path: String,
    pub(crate) image: Vec<u8>,
    /// Seconds and nanoseconds since 1970.
    pub(crate) modified: (u64, u32),
    /// Why it must not be touched, in the second case.
    pub(crate) found: Result<Found, String>,
    pub(crate) recorded: Option<Recorded>,
}

impl Inspected {
    /// Reads the file at `path`.
    pub(crate) fn new(root: &Root, path: &str) -> Result<Self> {
        let real = root.resolve(path)?;
        let both = || Ok((fs::read(&real)?, fs::metadata(&real)?));
        let (image, metadata) =
            both().map_err(|error: io::Error| explain(&error, "cannot read", &real))?;
        let seconds = u64::try_from(metadata.mtime()).unwrap_or_default();
        let nanos = u32::try_from(metadata.mtime_nsec()).unwrap_or_default();
        Ok(Self {
            path: path.to_owned(),
            found: plan::examine(&image),
            recorded: dpkg::recorded(root, path)?,
            modified: (seconds, nanos),
            image,
        })
    }

    pub(crate) fn reads(&self) -> Result<&Reads, &String> {
        self.found.as_ref().map(|found| &found.reads)
    }

    /// The file as it came: without our path, if it has it.
    pub(crate) fn original(&self) -> Result<Vec<u8>, String> {
        match self.reads() {
            Ok(&Reads::Workaround(at)) => plan::with_path(&self.image, at, OLD),
            _ => Ok(self.image.clone()),
        }
    }

    /// Whether `image` is what dpkg has on record; `None` where it has nothing.
    pub(crate) fn is_packages_own(&self, image: &[u8]) -> Option<bool> {
        let recorded = self.recorded.as_ref()?;
        Some(recorded.md5 == md5(image))
    }
}

/// Every library that may read the hosts file, in pairs.
pub(crate) fn inspect(root: &Root) -> Result<Vec<(Copy, Vec<Inspected>)>> {
    let inspect_copy = |copy: Copy| {
        let both = copy.paths().map(|path| Inspected::new(root, path));
        let both = both.collect::<Result<Vec<_>>>()?;
        Ok((copy, both))
    };
    copies::find(root)?.into_iter().map(inspect_copy).collect()
}
