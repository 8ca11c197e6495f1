//! A marked block of lines that come from another hosts file.
//!
//! Where the hosts file is read *instead of* `/etc/hosts`, the names that the runtime wrote there
//! must not be lost: `localhost`, the container's own, `--add-host`. They are copied into a block
//! that is made anew at each start; everything outside of it is the user's.

use std::collections::HashSet;
use std::ops::Range;

use crate::{Line, lines};

const BEGIN: &[u8] =
    b"# BEGIN workaround-docker-2267: copied from /etc/hosts, made anew at each start\n";
const END: &[u8] = b"# END workaround-docker-2267\n";

/// What a marker begins with; the rest of its line is for people, and may change.
const BEGIN_MARK: &[u8] = b"# BEGIN workaround-docker-2267";
const END_MARK: &[u8] = b"# END workaround-docker-2267";

/// What has to resolve on any system, whether the runtime wrote it or not.
const STANDARD: &[u8] = b"\
127.0.0.1 localhost
::1 localhost ip6-localhost ip6-loopback
fe00::0 ip6-localnet
ff00::0 ip6-mcastprefix
ff02::1 ip6-allnodes
ff02::2 ip6-allrouters
";

/// `text` with its block made anew from `runtime`, the content of the other file.
///
/// A name that the user's own lines have is left out of the block, as their answer is to be the
/// only one.
#[must_use]
pub fn merge(text: &[u8], runtime: &[u8]) -> Vec<u8> {
    let theirs = names(runtime).chain(names(STANDARD)).collect();
    let taken = among(&theirs, &without_block(text));
    let mut block = Vec::from(BEGIN);
    copy(runtime, &taken, &mut block);
    // Of the standard names, those that the runtime has nothing to say about.
    let mut taken: HashSet<_> = taken;
    taken.extend(names(runtime));
    copy(STANDARD, &taken, &mut block);
    block.extend(END);
    place(text, &block)
}

/// `text` without its block.
#[must_use]
pub fn without_block(text: &[u8]) -> Vec<u8> {
    place(text, b"")
}

/// The names of `text`, in lower case.
fn names(text: &[u8]) -> impl Iterator<Item = Vec<u8>> {
    lines(text).flat_map(|line| {
        let names = line.names();
        names.map(<[u8]>::to_ascii_lowercase).collect::<Vec<_>>()
    })
}

/// Those of `wanted` that `text` has as well.
fn among(wanted: &HashSet<Vec<u8>>, text: &[u8]) -> HashSet<Vec<u8>> {
    names(text).filter(|name| wanted.contains(name)).collect()
}

/// Appends the entries of `from`, without the names that are taken.
fn copy(from: &[u8], taken: &HashSet<Vec<u8>>, to: &mut Vec<u8>) {
    for line in lines(from) {
        let is_free = |name: &&[u8]| !taken.contains(&name.to_ascii_lowercase());
        let names: Vec<&[u8]> = line.names().filter(is_free).collect();
        let Some(address) = hosts::words(line.text).next().filter(|_| !names.is_empty()) else {
            continue;
        };
        to.extend(address);
        for name in names {
            to.push(b' ');
            to.extend(name);
        }
        to.push(b'\n');
    }
}

/// `text` with `block` where the first of its blocks stood, or at its end, and no other block.
fn place(text: &[u8], block: &[u8]) -> Vec<u8> {
    let mut placed = Vec::with_capacity(text.len().saturating_add(block.len()));
    let mut done = 0;
    let mut put = false;
    for range in blocks(text) {
        placed.extend_from_slice(text.get(done..range.start).unwrap_or_default());
        if !put {
            placed.extend_from_slice(block);
            put = true;
        }
        done = range.end;
    }
    placed.extend_from_slice(text.get(done..).unwrap_or_default());
    if !put && !block.is_empty() {
        if placed.last().is_some_and(|&byte| byte != b'\n') {
            placed.push(b'\n');
        }
        placed.extend_from_slice(block);
    }
    placed
}

/// Where the blocks stand. Of a block whose end somebody has removed only the first line is ours:
/// what follows may be theirs.
fn blocks(text: &[u8]) -> Vec<Range<usize>> {
    let mut blocks: Vec<Range<usize>> = Vec::new();
    let mut open: Option<Range<usize>> = None;
    let mut at: usize = 0;
    for Line { text: line, .. } in lines(text) {
        let end = at.saturating_add(line.len());
        if line.starts_with(BEGIN_MARK) {
            blocks.extend(open.replace(at..end));
        } else if line.starts_with(END_MARK) {
            let start = open.take().map_or(at, |begin| begin.start);
            blocks.push(start..end);
        }
        at = end;
    }
    blocks.extend(open);
    blocks
}

#[cfg(test)]
mod tests {
    use super::*;

    const DOCKER: &str = "127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\nfe00::0\tip6-localnet\n\
                          ff00::0\tip6-mcastprefix\nff02::1\tip6-allnodes\nff02::2\tip6-allrouters\n";

    fn text(bytes: &[u8]) -> String {
        String::from_utf8_lossy(bytes).into_owned()
    }

    /// The lines of the block, and what is around it.
    fn split(bytes: &[u8]) -> (Vec<String>, String) {
        let merged = text(bytes);
        let (before, rest) = merged.split_once(&text(BEGIN)).expect("a block");
        let (block, after) = rest.split_once(&text(END)).expect("its end");
        let block = block.lines().map(str::to_owned).collect();
        (block, format!("{before}|{after}"))
    }

    #[test]
    fn what_the_runtime_wrote_is_copied_and_what_it_did_not_is_added() {
        let standard: Vec<&str> = std::str::from_utf8(STANDARD).unwrap().lines().collect();
        let with = |more: &[&'static str]| [standard.clone(), more.to_vec()].concat();
        #[rustfmt::skip]
        let table: &[(&str, String, Vec<&str>)] = &[
            ("Docker's",     format!("{DOCKER}172.17.0.2\t3f2a\n10.9.8.7\tadded\n"), with(&["172.17.0.2 3f2a", "10.9.8.7 added"])),
            ("none",         String::new(),                                          with(&[])),
            ("no IPv6",      "127.0.0.1 localhost\n".into(),                         vec!["127.0.0.1 localhost", "::1 ip6-localhost ip6-loopback", standard[2], standard[3], standard[4], standard[5]]),
            ("its comments", "# Kubernetes-managed\n127.0.0.1 localhost # c\n::1 localhost ip6-localhost ip6-loopback\nfe00::0 ip6-localnet\nff00::0 ip6-mcastprefix\nff02::1 ip6-allnodes\nff02::2 ip6-allrouters\nbroken line\n".into(), with(&[])),
        ];
        for (case, runtime, want) in table {
            let (block, around) = split(&merge(b"10.0.0.1 db\n", runtime.as_bytes()));
            assert_eq!(block, *want, "{case}");
            assert_eq!(around, "10.0.0.1 db\n|", "{case}");
        }
    }

    #[test]
    fn the_users_own_answer_is_the_only_one() {
        let runtime = format!("{DOCKER}10.9.8.7 Added other\n10.9.8.6 third\n");
        let user = "127.0.0.9 LOCALHOST\n10.0.0.1 db added\n#10.9.8.6 third\n";
        let (block, around) = split(&merge(user.as_bytes(), runtime.as_bytes()));
        let block = block.join("\n");
        assert!(!block.contains(" localhost"), "{block}");
        assert!(block.contains("::1 ip6-localhost ip6-loopback"), "{block}");
        assert!(block.contains("10.9.8.7 other\n10.9.8.6 third"), "{block}");
        assert_eq!(around, format!("{user}|"));
    }

    #[test]
    fn a_block_is_made_anew_where_it_stands_and_comes_out_again() {
        let user = "# mine\n10.0.0.1 db\r\n";
        let first = merge(user.as_bytes(), b"172.17.0.2 old\n");
        let mut edited = first.clone();
        edited.extend(b"10.0.0.2 below\n");
        let second = merge(&edited, b"172.17.0.3 new\n");
        let (block, around) = split(&second);
        assert_eq!(block.first().map(String::as_str), Some("172.17.0.3 new"));
        assert!(!text(&second).contains("old"));
        assert_eq!(around, format!("{user}|10.0.0.2 below\n"));
        assert_eq!(merge(&second, b"172.17.0.3 new\n"), second, "twice");
        assert_eq!(text(&without_block(&first)), user);
    }

    #[test]
    fn damaged_markers_cost_the_user_no_line() {
        let (begin, end) = (text(BEGIN), text(END));
        #[rustfmt::skip]
        let table = [
            ("no end",       format!("10.0.0.1 a\n{begin}10.0.0.2 b\n"),                   "10.0.0.1 a\n10.0.0.2 b\n"),
            ("no begin",     format!("10.0.0.1 a\n{end}10.0.0.2 b\n"),                     "10.0.0.1 a\n10.0.0.2 b\n"),
            ("two blocks",   format!("{begin}1.1.1.1 x\n{end}10.0.0.1 a\n{begin}1.1.1.2 y\n{end}"), "10.0.0.1 a\n"),
            ("begin twice",  format!("{begin}10.0.0.1 a\n{begin}1.1.1.1 x\n{end}10.0.0.2 b"), "10.0.0.1 a\n10.0.0.2 b"),
            ("end twice",    format!("{begin}1.1.1.1 x\n{end}10.0.0.1 a\n{end}"),          "10.0.0.1 a\n"),
            ("no newline",   "10.0.0.1 a".into(),                                          "10.0.0.1 a"),
            ("other words",  format!("{}: else\n1.1.1.1 x\n{end}10.0.0.1 a\n", text(BEGIN_MARK)), "10.0.0.1 a\n"),
        ];
        for (case, damaged, want) in table {
            assert_eq!(text(&without_block(damaged.as_bytes())), want, "{case}");
            let (_, around) = split(&merge(damaged.as_bytes(), b""));
            let around = around.replace('|', "");
            assert_eq!(around.trim_end(), want.trim_end(), "{case}");
        }
    }
}
