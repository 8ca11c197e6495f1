//! What dpkg knows of the files that its packages brought.

use std::fs;
use std::os::unix::ffi::OsStrExt;

use anyhow::Result;
use md5::{Digest, Md5};

use crate::root::Root;

/// A file as its package brought it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Recorded {
    /// As in `libc6:amd64`.
    pub(crate) package: String,
    pub(crate) md5: String,
}

/// The checksum of `bytes`, as dpkg writes it.
pub(crate) fn md5(bytes: &[u8]) -> String {
    let digest: [u8; 16] = Md5::digest(bytes).into();
    format!("{:032x}", u128::from_be_bytes(digest))
}

/// What dpkg has on record of the library at `path`; nothing where there is no dpkg, or where its
/// records were stripped from the image.
pub(crate) fn recorded(root: &Root, path: &str) -> Result<Option<Recorded>> {
    // The second is where images without dpkg itself (distroless) have them.
    for folder in ["/var/lib/dpkg/info", "/var/lib/dpkg/status.d"] {
        let entries = fs::read_dir(root.resolve(folder)?);
        for entry in entries.into_iter().flatten().flatten() {
            let name = entry.file_name();
            let Some(package) = name.as_bytes().strip_suffix(b".md5sums") else {
                continue;
            };
            // libc6, libc6-i386, libc6.1 on some; no other package holds a C library.
            if !package.starts_with(b"libc6") {
                continue;
            }
            let sums = fs::read(entry.path()).unwrap_or_default();
            if let Some(md5) = find(&sums, path) {
                let package = String::from_utf8_lossy(package).into_owned();
                return Ok(Some(Recorded { package, md5 }));
            }
        }
    }
    Ok(None)
}

/// The sum that a `md5sums` file has for `path`, in whichever of the two spellings of a merged
/// `/usr` the package has it.
fn find(sums: &[u8], path: &str) -> Option<String> {
    let path = path.trim_start_matches('/');
    let other = match path.strip_prefix("usr/") {
        Some(rest) => rest.to_owned(),
        None => format!("usr/{path}"),
    };
    let is_it = |name: &[u8]| name == path.as_bytes() || name == other.as_bytes();
    sums.split(|&byte| byte == b'\n').find_map(|line| {
        let (sum, rest) = line.split_at_checked(32)?;
        let name = rest.strip_prefix(b"  ")?;
        let sum = std::str::from_utf8(sum).ok()?;
        is_it(name).then(|| sum.to_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sum_is_found_in_either_spelling() {
        let (old, new) = ("0".repeat(32), "1".repeat(32));
        let sums = format!("{old}  lib/x/libc.so.6\n{new}  usr/lib/y/libc.so.6\n{new} broken\n");
        #[rustfmt::skip]
        let table = [
            ("/lib/x/libc.so.6",      Some(&old)),
            ("/usr/lib/x/libc.so.6",  Some(&old)),
            ("/usr/lib/y/libc.so.6",  Some(&new)),
            ("/lib/y/libc.so.6",      Some(&new)),
            ("/lib/z/libc.so.6",      None),
            ("/broken",               None),
        ];
        for (path, want) in table {
            assert_eq!(find(sums.as_bytes(), path).as_ref(), want, "{path}");
        }
    }

    #[test]
    fn sums_are_written_as_dpkg_does() {
        assert_eq!(md5(b""), "d41d8cd98f00b204e9800998ecf8427e");
        assert_eq!(md5(b"abc"), "900150983cd24fb0d6963f7d28e17f72");
    }
}
