//! What `status` says about `hosts.d`, the index, and what goes beyond hosts(5).

use anyhow::Result;
use hosts::Subject;
use hosts::is_wildcard;
use hosts_edit::{Line, lines};

use crate::explain::{self, Text};
use crate::files::DROP_INS;
use crate::index;
use crate::journal::Mechanism;
use crate::root::Root;
use crate::status::Fact;

/// The facts that there are; none where a plain hosts file is all.
pub(crate) fn facts(root: &Root, mechanism: Mechanism) -> Result<Vec<Fact>> {
    let Ok(texts) = explain::read(root) else {
        // The file itself is a fact of its own.
        return Ok(Vec::new());
    };
    let mut facts = Vec::new();
    let is_patch = mechanism == Mechanism::Patch;
    if let [_, drop_ins @ ..] = texts.as_slice() {
        if !drop_ins.is_empty() {
            facts.push(folder(drop_ins, is_patch));
        }
    }
    if is_patch {
        facts.extend(beyond(&texts));
        return Ok(facts);
    }
    let text = index::describe(root)?;
    if let Some(text) = text {
        facts.push(Fact {
            name: "index",
            holds: true,
            text,
        });
    }
    Ok(facts)
}

fn folder(drop_ins: &[Text], is_patch: bool) -> Fact {
    let all = drop_ins.iter().flat_map(|text| lines(&text.bytes));
    let entries = all.filter(|line| line.subject().is_some()).count();
    let files = drop_ins.len();
    let (entry, file) = (
        plural(entries, "entry", "entries"),
        plural(files, "file", "files"),
    );
    let text = format!("{DROP_INS}, {entries} {entry} in {files} {file}");
    Fact {
        name: "hosts.d",
        holds: !is_patch,
        text: if is_patch {
            format!("{text}, which the patch mechanism cannot serve; move them to the hosts file")
        } else {
            text
        },
    }
}

/// What glibc itself makes nothing of.
fn beyond(texts: &[Text]) -> Option<Fact> {
    let hosts = texts.first()?;
    let goes_beyond = |line: &Line<'_>| match line.subject() {
        Some(Subject::Address(_)) => line.names().any(is_wildcard),
        Some(Subject::Alias(_) | Subject::Refusal) => true,
        None => false,
    };
    let first = lines(&hosts.bytes).find(goes_beyond)?;
    Some(Fact {
        name: "beyond",
        holds: false,
        text: format!(
            "{}:{}: wildcards, aliases and refusals need the nss mechanism; the patched library makes nothing of them",
            hosts.file.name, first.number
        ),
    })
}

fn plural<'a>(count: usize, one: &'a str, many: &'a str) -> &'a str {
    if count == 1 { one } else { many }
}
