//! What was exported: which files of the folder are ours, and what they stand in for.
//!
//! The values themselves are not kept, or they would outlive the very files that hold them; a
//! digest tells whether a file is still as it was written.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::hash::Hasher;

use siphasher::sip128::{Hasher128, SipHasher13};

use super::plan::File;

/// First line of the file. Another version is read as no memory at all: every file then counts as
/// the user's.
const HEADER: &[u8] = b"baseimage exported 1\n";

/// What a file held when it was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Digest(u128);

impl Digest {
    pub(super) fn of(content: &[u8]) -> Self {
        let mut hasher = SipHasher13::new();
        hasher.write(content);
        Self(hasher.finish128().as_u128())
    }
}

/// One file that was exported.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Record {
    /// Of the content that was written.
    pub(super) digest: Digest,
    /// The user's own file of that name, which comes back when the exported one goes.
    pub(super) original: Option<File>,
}

/// The files that were exported, by name.
pub(super) type Memory = BTreeMap<Vec<u8>, Record>;

/// The file that holds `memory`: a line of digest, kind and lengths for each, then its bytes.
pub(super) fn to_bytes(memory: &Memory) -> Vec<u8> {
    let mut bytes = HEADER.to_vec();
    for (name, record) in memory {
        let (kind, original): (&str, &[u8]) = match &record.original {
            None => ("new", b""),
            Some(File::Content(content)) => ("file", content),
            Some(File::Link { target, .. }) => ("link", target),
        };
        let mut line = String::new();
        // Writing to a string cannot fail.
        let _ = writeln!(
            line,
            "{:032x} {kind} {} {}",
            record.digest.0,
            name.len(),
            original.len()
        );
        bytes.extend_from_slice(line.as_bytes());
        bytes.extend_from_slice(name);
        bytes.extend_from_slice(original);
        bytes.push(b'\n');
    }
    bytes
}

/// Reads what [`to_bytes`] wrote, but for what is where the symlinks lead. What is damaged is forgotten, and so are the files that it was
/// about: they stay where they are.
pub(super) fn from_bytes(bytes: &[u8]) -> Memory {
    let mut memory = Memory::new();
    let mut rest = bytes.strip_prefix(HEADER).unwrap_or_default();
    while let Some((name, record, tail)) = record(rest) {
        memory.insert(name, record);
        rest = tail;
    }
    memory
}

fn record(bytes: &[u8]) -> Option<(Vec<u8>, Record, &[u8])> {
    let end = bytes.iter().position(|&byte| byte == b'\n')?;
    let (line, rest) = bytes.split_at_checked(end)?;
    let mut words = std::str::from_utf8(line).ok()?.split(' ');
    let digest = Digest(u128::from_str_radix(words.next()?, 16).ok()?);
    let kind = words.next()?;
    let name_len: usize = words.next()?.parse().ok()?;
    let original_len: usize = words.next()?.parse().ok()?;
    let (name, rest) = rest.strip_prefix(b"\n")?.split_at_checked(name_len)?;
    let (original, rest) = rest.split_at_checked(original_len)?;
    let original = match kind {
        "new" => None,
        "file" => Some(File::Content(original.to_vec())),
        "link" => Some(File::Link {
            target: original.to_vec(),
            content: None,
        }),
        _ => return None,
    };
    let record = Record { digest, original };
    Some((name.to_vec(), record, rest.strip_prefix(b"\n")?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn memory() -> Memory {
        let link = File::Link {
            target: b"..data/C".to_vec(),
            content: None,
        };
        let originals = [
            (&b"A"[..], None),
            (b"B\n\xff", Some(File::Content(b"old\n\0".to_vec()))),
            (b"C", Some(link)),
        ];
        originals
            .into_iter()
            .map(|(name, original)| {
                let digest = Digest::of(name);
                (name.to_vec(), Record { digest, original })
            })
            .collect()
    }

    #[test]
    fn memory_survives_the_file() {
        for memory in [Memory::new(), memory()] {
            assert_eq!(from_bytes(&to_bytes(&memory)), memory);
        }
    }

    /// A container that stops at any byte of it, or a version to come, loses no file of a user.
    #[test]
    fn damaged_memory_knows_less_never_something_else() {
        let whole = memory();
        let bytes = to_bytes(&whole);
        for end in 0..bytes.len() {
            for (name, record) in from_bytes(&bytes[..end]) {
                assert_eq!(whole.get(&name), Some(&record), "cut at {end}");
            }
        }
        for bytes in [&b"baseimage exported 2\n00 new 1 0\nA\n"[..], b"", b"\0\0"] {
            assert!(from_bytes(bytes).is_empty(), "{bytes:?}");
        }
    }

    /// The digest is in files that outlive this program, so it must never change.
    #[test]
    fn the_digest_is_the_same_in_every_version() {
        let bytes = to_bytes(&Memory::from([(
            b"A".to_vec(),
            Record {
                digest: Digest::of(b"b"),
                original: None,
            },
        )]));
        let text = String::from_utf8(bytes).unwrap();
        assert_eq!(
            text,
            "baseimage exported 1\nc74afa032033e7526a82da7f803c05d6 new 1 0\nA\n"
        );
    }
}
