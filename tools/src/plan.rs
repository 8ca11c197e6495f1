//! Which bytes of a library are to change, or why none may: bytes in, a decision out.
//!
//! The string `/etc/hosts` stands once in the library that reads it, and becomes `/cte/hosts`.
//! Only its head changes: the linker merges the tails of strings, so other code points at its
//! last five bytes, `hosts`, and needs them as they are. `/etc/hosts.equiv` begins with the same
//! bytes and is another file; only the whole, NUL-terminated string counts.
#![deny(clippy::arithmetic_side_effects)]

use std::ops::Range;

use memchr::memmem::{self, Finder};

use crate::elf::{Library, Machine};

/// The path that the library comes with.
pub(crate) const OLD: &[u8; 10] = b"/etc/hosts";
/// The path that it is given.
pub(crate) const NEW: &[u8; 10] = b"/cte/hosts";

const _: () = {
    /// How many bytes at the start of the string may differ.
    const HEAD: usize = 5;
    let (_, old) = OLD.split_at(HEAD);
    let (_, new) = NEW.split_at(HEAD);
    let mut nth = 0;
    while nth < old.len() {
        assert!(
            old[nth] == new[nth],
            "the tail is shared with other strings"
        );
        nth = nth.wrapping_add(1);
    }
};

/// The libraries that may be changed, by SONAME.
const LIBC: &[u8] = b"libc.so.6";
const FILES: &[u8] = b"libnss_files.so.2";

/// What a library reads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Reads {
    /// `/etc/hosts`, from a string at this offset.
    EtcHosts(usize),
    /// `/cte/hosts`, from a string at this offset.
    Workaround(usize),
    /// Another file: somebody else's patch.
    Else(String),
    /// No hosts file at all, as the other library of the pair does.
    Nothing,
}

/// What was found in a library.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Found {
    pub(crate) machine: Machine,
    pub(crate) reads: Reads,
    /// Where `/etc/hos`, `ts` stands as an operand in code.
    pub(crate) inlined: Vec<usize>,
}

/// Looks into `image`.
///
/// # Errors
///
/// Why it must not be touched, to be put behind the path of the file.
pub(crate) fn examine(image: &[u8]) -> Result<Found, String> {
    let library = Library::parse(image)?;
    if library.soname != LIBC && library.soname != FILES {
        let name = library.soname.escape_ascii();
        return Err(format!(
            "it calls itself {name}, which this command does not know"
        ));
    }
    let old = whole_strings(image, OLD)?;
    let new = whole_strings(image, NEW)?;
    let reads = match (old.as_slice(), new.as_slice()) {
        (&[at], []) => Reads::EtcHosts(at),
        ([], &[at]) => Reads::Workaround(at),
        ([], []) => elses_path(image, &library).map_or(Reads::Nothing, Reads::Else),
        (old, new) => {
            let mut all = [old, new].concat();
            all.sort_unstable();
            let places: Vec<String> = all.iter().map(|at| format!("{at:#x}")).collect();
            return Err(format!(
                "the path of a hosts file stands at {}; refusing to choose",
                places.join(" and ")
            ));
        }
    };
    if let Reads::EtcHosts(at) | Reads::Workaround(at) = reads {
        let slot = slot(at).ok_or("the path stands beyond memory")?;
        if let Some(place) = library.not_read_only_data(&slot) {
            return Err(format!("the path at {at:#x} stands {place}"));
        }
    }
    Ok(Found {
        machine: library.machine,
        reads,
        inlined: inlined(image, &library),
    })
}

/// The string with its NUL.
fn slot(at: usize) -> Option<Range<usize>> {
    Some(at..at.checked_add(OLD.len())?.checked_add(1)?)
}

/// Where `string` stands whole: a NUL before it and behind it.
fn whole_strings(image: &[u8], string: &[u8]) -> Result<Vec<usize>, String> {
    let mut whole = Vec::new();
    for at in memmem::find_iter(image, string) {
        let end = at.checked_add(string.len());
        if end.and_then(|end| image.get(end)) != Some(&0) {
            continue; // The head of a longer one: /etc/hosts.equiv.
        }
        let before = at.checked_sub(1).and_then(|before| image.get(before));
        if before != Some(&0) {
            // To change it would change the longer one too.
            return Err(format!(
                "the path at {at:#x} is the tail of a longer string"
            ));
        }
        whole.push(at);
    }
    Ok(whole)
}

/// A path that somebody else has put where `/etc/hosts` was: `/tmp/hosts` and the like, in the
/// read-only data of a library that has neither of ours.
fn elses_path(image: &[u8], library: &Library<'_>) -> Option<String> {
    let tail = Finder::new(b"/hosts\0");
    tail.find_iter(image).find_map(|at| {
        let start = at.checked_sub(4)?;
        let path = image.get(start..slot(start)?.end.checked_sub(1)?)?;
        let is_path = path.first() == Some(&b'/') && path.iter().all(u8::is_ascii_graphic);
        let is_whole = image.get(start.checked_sub(1)?) == Some(&0);
        let is_data = library.not_read_only_data(&slot(start)?).is_none();
        (is_path && is_whole && is_data).then(|| path.escape_ascii().to_string())
    })
}

/// Compilers turn a copy of a short string into moves of immediate operands. The ones in
/// `libnss_files` up to 2.33 tell nscd which file to watch, and they stay: they are code, where
/// the same ten bytes could be anything else, and all that hangs on them is how soon nscd drops
/// what it has cached, which the command makes it do whenever it edits the file.
fn inlined(image: &[u8], library: &Library<'_>) -> Vec<usize> {
    // As many bytes as one operand holds; what moves the last two of them comes behind.
    let operand = b"/etc/hos";
    let is_code = |at: &usize| {
        let end = at.checked_add(operand.len());
        end.is_some_and(|end| library.is_code(&(*at..end)))
    };
    memmem::find_iter(image, operand).filter(is_code).collect()
}

/// `image` with `path` at `at`, where one of the two paths has to stand.
///
/// # Errors
///
/// Something else stands there.
pub(crate) fn with_path(image: &[u8], at: usize, path: &[u8; 10]) -> Result<Vec<u8>, String> {
    let mut image = image.to_vec();
    let slot = slot(at).and_then(|slot| image.get_mut(slot));
    match slot.and_then(|slot| slot.split_last_mut()) {
        Some((0, text)) if text == OLD || text == NEW => text.copy_from_slice(path),
        _ => return Err(format!("no path of a hosts file stands at {at:#x}")),
    }
    Ok(image)
}

/// The bytes in which two files of the same length differ, as people read them.
pub(crate) fn differences(before: &[u8], after: &[u8]) -> Vec<String> {
    before
        .iter()
        .zip(after)
        .enumerate()
        .filter(|(_, (old, new))| old != new)
        .map(|(at, (old, new))| format!("{at:#x} {}>{}", old.escape_ascii(), new.escape_ascii()))
        .collect()
}

#[cfg(test)]
mod tests;
