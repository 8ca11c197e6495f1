//! Taking the workaround out again, whatever has happened to the system since.

use std::fs;
use std::path::Path;

use anyhow::Result;

use crate::hosts_file::{self, explain};
use crate::inspect::inspect;
use crate::journal::{Change, Text};
use crate::mechanism::nss::read_nsswitch;
use crate::mechanism::patch::{self, ASIDE, LINK};
use crate::nsswitch;
use crate::plan::Reads;
use crate::root::{FOLDER, HOSTS, NSSWITCH};
use crate::session::{Session, read_file};

/// Undoes what the journal says, and what it does not say: an image may have been made from
/// another one, without its journal.
pub(crate) fn perform(session: &mut Session<'_>) -> Result<()> {
    let changes = session.journal.take().map(|journal| journal.changes);
    let changes = changes.unwrap_or_default();
    for change in &changes {
        if let Change::Text(text) = change {
            give_back(session, text)?;
        }
    }
    // Edited since, or never recorded: our word comes out, and nothing else.
    if let Some(text) = read_nsswitch(session.root)? {
        let without = nsswitch::without_service(&text);
        if without != text {
            session.write(NSSWITCH, Some(&without))?;
            session.step(format!("took workaround off the hosts line of {NSSWITCH}"));
        }
    }
    unpatch_all(session, &changes)?;
    remove_link(session)?;
    if hosts_file::remove_runtime(session.root)? {
        session.step(format!("took the copy of /etc/hosts out of {HOSTS}"));
    }
    session.forget()
}

fn give_back(session: &mut Session<'_>, text: &Text) -> Result<()> {
    let now = read_file(&session.root.resolve(&text.path)?)?;
    if now.as_ref() != Some(&text.after) {
        return Ok(());
    }
    session.write(&text.path, text.before.as_deref())?;
    let what = if text.before.is_some() {
        "restored"
    } else {
        "removed"
    };
    session.step(format!("{what} {}", text.path));
    Ok(())
}

/// A library that has our path gets its own back. One that an upgrade has brought since is none
/// of ours: there is no older one to be restored.
fn unpatch_all(session: &mut Session<'_>, changes: &[Change]) -> Result<()> {
    for (_, both) in inspect(session.root)? {
        for library in both {
            let Ok(Reads::Workaround(_)) = library.reads() else {
                continue;
            };
            let path = &library.path;
            let original = library.original().map_err(anyhow::Error::msg)?;
            let recorded = changes.iter().find_map(|change| match change {
                Change::Library(recorded) if recorded.path == *path => Some(recorded),
                _ => None,
            });
            let sum = crate::dpkg::md5(&original);
            let recorded = recorded.filter(|recorded| recorded.before == sum);
            session.unpatch(path, recorded.map(|recorded| recorded.modified))?;
            session.step(match library.is_packages_own(&original) {
                Some(true) => format!("restored {path}, the same bytes as in its package"),
                Some(false) => format!(
                    "took our path out of {path}; it still differs from the file in its package, by something else than us"
                ),
                None if recorded.is_some() => format!("restored {path}, the same bytes as before"),
                None => format!("took our path out of {path}"),
            });
        }
    }
    Ok(())
}

/// Removes `/cte`, if it is ours. Processes that began with a patched library go on reading
/// through it, so while there are any it leads them where they would look without us.
pub(crate) fn remove_link(session: &mut Session<'_>) -> Result<()> {
    let path = patch::link_path(session.root);
    let target = fs::read_link(&path).ok();
    let is_ours = target
        .as_deref()
        .is_some_and(|target| target == Path::new(FOLDER) || target == Path::new(ASIDE));
    if !is_ours {
        return Ok(());
    }
    let users = if session.root.is_this_system() {
        crate::processes::on_replaced_libraries()
    } else {
        Vec::new()
    };
    if users.is_empty() {
        sys::file::remove(&path).map_err(|error| explain(&error, "cannot remove", &path))?;
        session.step(format!("removed {LINK}"));
        return Ok(());
    }
    sys::file::link(Path::new(ASIDE), &path)
        .map_err(|error| explain(&error, "cannot make", &path))?;
    let pids: Vec<String> = users.iter().take(8).map(u32::to_string).collect();
    session.step(format!(
        "left {LINK}, which leads to {ASIDE} now, for {} that began before (PID {}); when they have ended, another revert removes it",
        if users.len() == 1 { "a process".into() } else { format!("{} processes", users.len()) },
        pids.join(", ")
    ));
    Ok(())
}
