//! The only printer.
use std::io::{self, IsTerminal, Write};

use serde_json::Value;

use crate::journal::Change;
use crate::plan::{NEW, OLD};
use crate::status::Fact;

/// What goes to standard output.
pub(crate) struct Report {
    pub(crate) json: bool,
    pub(crate) quiet: bool,
}

impl Report {
    /// A line for people; with `--json`, `value`.
    pub(crate) fn say(&self, text: &str, value: impl FnOnce() -> Value) {
        if self.json {
            raw(format!("{:#}", value()).as_bytes());
        } else if !self.quiet {
            raw(text.as_bytes());
        }
    }

    /// Facts in two columns, the ones that do not hold in red.
    pub(crate) fn facts(&self, facts: &[Fact], in_force: bool, value: impl FnOnce() -> Value) {
        let verdict = if in_force { "in force" } else { "not in force" };
        let mut rows = vec![paint(verdict, in_force)];
        for fact in facts {
            let name = paint(&format!("{:<9}", fact.name), fact.holds);
            rows.push(format!("  {name} {}", fact.text));
        }
        self.say(&rows.join("\n"), value);
    }
}

/// A line of bytes as they are. A reader that has gone away is no reason to complain.
pub(crate) fn raw(bytes: &[u8]) {
    let mut out = io::stdout().lock();
    let _ = out.write_all(bytes).and_then(|()| out.write_all(b"\n"));
}

fn paint(text: &str, good: bool) -> String {
    let plain = !io::stdout().is_terminal()
        || std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    if plain {
        return text.to_owned();
    }
    let colour = if good { 32 } else { 31 };
    format!("\x1b[{colour}m{text}\x1b[0m")
}

/// An error, on one line of standard error.
pub(crate) fn error(error: &anyhow::Error) {
    let line = format!("workaround-docker-2267: {error:#}\n");
    let _ = io::stderr().lock().write_all(line.as_bytes());
}

/// What would be changed.
pub(crate) fn change(change: &Change) -> String {
    match change {
        Change::Text(text) => diff(&text.path, text.before.as_deref(), &text.after),
        Change::Link(link) => format!("{} -> {}", link.path, link.target),
        Change::Library(library) => format!(
            "{} at {:#x}: {} > {}",
            library.path,
            library.offset,
            OLD.escape_ascii(),
            NEW.escape_ascii()
        ),
    }
}

/// What would change in a file, as a diff of its lines.
fn diff(path: &str, before: Option<&[u8]>, after: &[u8]) -> String {
    let old: Vec<&[u8]> = before
        .unwrap_or_default()
        .split_inclusive(|&b| b == b'\n')
        .collect();
    let new: Vec<&[u8]> = after.split_inclusive(|&b| b == b'\n').collect();
    let from = if before.is_some() { path } else { "/dev/null" };
    let mut rows = vec![format!("--- {from}"), format!("+++ {path}")];
    // Lines are edited or appended, never moved, so the two go side by side.
    for nth in 0..old.len().max(new.len()) {
        let (old, new) = (old.get(nth), new.get(nth));
        if old == new {
            continue;
        }
        for (sign, line) in [('-', old), ('+', new)] {
            if let Some(line) = line {
                let line = String::from_utf8_lossy(line);
                rows.push(format!("{sign}{}", line.trim_end()));
            }
        }
    }
    rows.join("\n")
}
