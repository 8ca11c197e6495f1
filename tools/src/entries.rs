//! `hosts add|remove|replace|list`.

use std::io::Read;

use anyhow::{Context, Result, anyhow};
use hosts::Address;
use hosts_edit::{Entry, Which, lines};
use serde_json::{Value, json};

use crate::explain::{self, Text};
use crate::hosts_file;
use crate::root::Root;

/// Adds an entry. True if it was not there.
pub(crate) fn add(
    root: &Root,
    address: &str,
    names: &[String],
    owner: Option<&str>,
) -> Result<bool> {
    let mut words = vec![address.as_bytes()];
    words.extend(names.iter().map(String::as_bytes));
    let entry = Entry::new(&words, owner.map(str::as_bytes))
        .map_err(|fault| anyhow!("cannot add this entry: {fault}"))?;
    hosts_file::edit(root, |text| Ok(hosts_edit::add(text, &entry)))
}

/// Removes entries, or a name from them; how many lines it was.
pub(crate) fn remove(root: &Root, what: Option<&str>, owner: Option<&str>) -> Result<usize> {
    let which = match what {
        None => Which::All,
        Some(what) => match Address::parse(what.as_bytes()) {
            Some(address) => Which::Address(address),
            None => Which::Name(what.as_bytes()),
        },
    };
    let mut count = 0;
    hosts_file::edit(root, |text| {
        let (edited, changed) = hosts_edit::remove(text, which, owner.map(str::as_bytes));
        count = changed;
        Ok(Some(edited))
    })?;
    Ok(count)
}

/// Replaces all entries of an owner; how many there are now. One bad line, and nothing is done.
pub(crate) fn replace(root: &Root, owner: &str, input: &mut impl Read) -> Result<usize> {
    let mut text = Vec::new();
    input
        .read_to_end(&mut text)
        .context("cannot read standard input")?;
    let parse = |line: hosts_edit::Line<'_>| {
        Entry::parse(line.text, Some(owner.as_bytes()))
            .map_err(|fault| {
                anyhow!(
                    "standard input, line {}, {fault}; nothing was changed",
                    line.number
                )
            })
            .transpose()
    };
    let entries = lines(&text).filter_map(parse).collect::<Result<Vec<_>>>()?;
    hosts_file::edit(root, |text| {
        Ok(Some(hosts_edit::replace_owned(
            text,
            owner.as_bytes(),
            &entries,
        )))
    })?;
    Ok(entries.len())
}

/// An entry as it is listed.
pub(crate) struct Listed {
    /// The line; in front of the first one of a drop-in, a comment that names the file.
    pub(crate) text: Vec<u8>,
    pub(crate) json: Value,
}

/// The entries that lookups see, of all files, in their order.
pub(crate) fn list(root: &Root, owner: Option<&str>) -> Result<Vec<Listed>> {
    // What stands in the place of `hosts` and is no file is an error here.
    hosts_file::read(root)?;
    let texts = explain::read(root)?;
    let listed = texts.iter().flat_map(|text| list_one(text, owner));
    Ok(listed.collect())
}

fn list_one(text: &Text, owner: Option<&str>) -> Vec<Listed> {
    let wanted = |line: &hosts_edit::Line<'_>| {
        let any_owner = owner.is_none();
        line.subject().is_some() && (any_owner || line.owner() == owner.map(str::as_bytes))
    };
    let listed = lines(&text.bytes).filter(wanted).map(|line| {
        let lossy = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let mut words = hosts::words(line.text);
        Listed {
            json: json!({
                "file": text.file.name,
                "line": line.number,
                "address": words.next().map(lossy),
                "names": line.all_names().map(lossy).collect::<Vec<_>>(),
                "owner": line.owner().map(lossy),
            }),
            text: line.text.trim_ascii().to_vec(),
        }
    });
    let mut listed: Vec<_> = listed.collect();
    if let Some(first) = listed.first_mut().filter(|_| !text.file.drop_in.is_empty()) {
        let comment = format!("# {}\n", text.file.name);
        first.text.splice(..0, comment.into_bytes());
    }
    listed
}
