//! `hosts explain`: which line of which file answers for a name, and what it keeps from answering.
//!
//! The rules are followed here step by step, on all files in memory, so that each line can be
//! given its reason; what comes out is what the search of `hosts` finds (a test holds the two
//! together).

use std::fmt::Write;
use std::net::IpAddr;

use anyhow::{Context, Result};
use hosts::{MAX_ALIASES, Subject, is_wildcard, wildcard_covers};
use hosts_edit::{Line, lines};
use serde_json::{Value, json};

use crate::files::{self, HostsFile};
use crate::prove::to_ip;
use crate::root::Root;

/// A file, read.
pub(crate) struct Text {
    pub(crate) file: HostsFile,
    pub(crate) bytes: Vec<u8>,
}

/// Reads all files.
pub(crate) fn read(root: &Root) -> Result<Vec<Text>> {
    let read = |file: HostsFile| {
        let bytes = match file.open()? {
            Some(mut open) => {
                let mut bytes = Vec::new();
                std::io::Read::read_to_end(&mut open, &mut bytes)
                    .with_context(|| format!("cannot read {}", file.name))?;
                bytes
            }
            None => Vec::new(),
        };
        Ok(Text { file, bytes })
    };
    files::list(root)?.into_iter().map(read).collect()
}

/// How it ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ending {
    Found,
    Refused,
    Absent,
    /// Too many aliases.
    Loop,
}

/// A line that has to do with the name.
struct Mention<'a> {
    file: &'a str,
    /// 0 is `hosts`.
    nth: usize,
    line: Line<'a>,
    subject: Subject<&'a [u8]>,
    /// The word on it that is the name or stands for it; the longest if there are several.
    word: &'a [u8],
}

/// What a line does, and why.
struct Reason {
    answers: bool,
    file: String,
    line: usize,
    text: String,
    why: String,
}

/// See the module's head.
pub(crate) struct Explanation {
    name: String,
    ending: Ending,
    addresses: Vec<IpAddr>,
    reasons: Vec<Reason>,
}

/// Explains what `texts` say about `name`.
pub(crate) fn explain(texts: &[Text], name: &str) -> Explanation {
    let mut explanation = Explanation {
        name: name.into(),
        ending: Ending::Loop,
        addresses: Vec::new(),
        reasons: Vec::new(),
    };
    let mut current = name.as_bytes().to_vec();
    for _ in 0..=MAX_ALIASES {
        let mentions = mentions(texts, &current);
        // The longest word wins: the name itself is longer than any wildcard that stands for it.
        let rank =
            |mention: &Mention<'_>| (!stands_for(mention.word, &current), mention.word.len());
        let Some(best) = mentions.iter().map(rank).max() else {
            explanation.ending = Ending::Absent;
            return explanation;
        };
        let decides = mentions.iter().position(|mention| rank(mention) == best);
        let Some(first) = decides.and_then(|at| mentions.get(at)) else {
            break;
        };
        for (at, mention) in mentions.iter().enumerate() {
            let place = || format!("{}:{}", first.file, first.line.number);
            let verdict = if rank(mention) < best {
                Err(format!("{} wins", lossy(first.word)))
            } else if first.nth == 0 && mention.nth > 0 {
                Err("hosts has the last word".into())
            } else if Some(at) == decides {
                Ok(role(first, &current))
            } else {
                match (first.subject, mention.subject) {
                    (Subject::Address(_), Subject::Address(_)) => Ok(role(mention, &current)),
                    _ => Err(format!("{} comes first", place())),
                }
            };
            if let (Ok(_), Subject::Address(address)) = (&verdict, mention.subject) {
                explanation.addresses.push(to_ip(address));
            }
            explanation.reasons.push(Reason::new(mention, verdict));
        }
        match first.subject {
            Subject::Address(_) => {
                explanation.ending = Ending::Found;
                return explanation;
            }
            Subject::Refusal => {
                explanation.ending = Ending::Refused;
                return explanation;
            }
            Subject::Alias(target) => current = target.to_vec(),
        }
    }
    explanation
}

/// Whether the files say that there is no such name.
pub(crate) fn is_refused(texts: &[Text], name: &str) -> bool {
    explain(texts, name).ending == Ending::Refused
}

/// Whether a word is a wildcard for `name`, and not the name itself.
fn stands_for(word: &[u8], name: &[u8]) -> bool {
    !word.eq_ignore_ascii_case(name) && wildcard_covers(word, name)
}

/// All lines that have the name, or a wildcard that stands for it.
fn mentions<'a>(texts: &'a [Text], name: &[u8]) -> Vec<Mention<'a>> {
    let mut mentions = Vec::new();
    for (nth, text) in texts.iter().enumerate() {
        for line in lines(&text.bytes) {
            let Some(subject) = line.subject() else {
                continue;
            };
            let empty = name.is_empty()
                && matches!(subject, Subject::Address(_))
                && line.all_names().next().is_none();
            let word = line
                .all_names()
                .filter(|word| word.eq_ignore_ascii_case(name) || wildcard_covers(word, name))
                .max_by_key(|word| (!stands_for(word, name), word.len()))
                .or(empty.then_some(b"".as_slice()));
            if let Some(word) = word {
                mentions.push(Mention {
                    file: &text.file.name,
                    nth,
                    line,
                    subject,
                    word,
                });
            }
        }
    }
    mentions
}

/// What a line that counts does.
fn role(mention: &Mention<'_>, name: &[u8]) -> String {
    let mut role = match mention.subject {
        Subject::Address(_) => "answers".to_owned(),
        Subject::Alias(target) => format!("leads to {}", lossy(target)),
        Subject::Refusal => "says that there is no such name".to_owned(),
    };
    if is_wildcard(mention.word) {
        // Writing to a string cannot fail.
        let _ = write!(role, " for {}", lossy(name));
    }
    role
}

impl Reason {
    fn new(mention: &Mention<'_>, verdict: Result<String, String>) -> Self {
        let (answers, why) = match verdict {
            Ok(why) => (true, why),
            Err(why) => (false, why),
        };
        Self {
            answers,
            file: mention.file.to_owned(),
            line: mention.line.number,
            text: lossy(mention.line.text.trim_ascii()),
            why,
        }
    }
}

fn lossy(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

impl Explanation {
    pub(crate) fn to_text(&self) -> String {
        let name = &self.name;
        let texts: Vec<String> = self.addresses.iter().map(IpAddr::to_string).collect();
        let mut rows = vec![match self.ending {
            Ending::Found => format!("{name}: {}", texts.join(", ")),
            Ending::Refused => format!("{name}: not found, and no other service is asked"),
            Ending::Absent if self.reasons.is_empty() => {
                format!("{name}: in none of the files, so the next service is asked")
            }
            Ending::Absent => {
                format!("{name}: leads to nothing in these files, so the next service is asked")
            }
            Ending::Loop => format!(
                "{name}: a loop, or more than {MAX_ALIASES} aliases, which count as nothing, so the next service is asked"
            ),
        }];
        for reason in &self.reasons {
            let Reason {
                file,
                line,
                text,
                why,
                ..
            } = reason;
            let shadowed = if reason.answers { "" } else { "shadowed: " };
            rows.push(format!("  {file}:{line}: {text}\n    {shadowed}{why}"));
        }
        rows.join("\n")
    }

    pub(crate) fn to_json(&self) -> Value {
        let reason = |reason: &Reason| {
            json!({
                "file": reason.file, "line": reason.line, "text": reason.text,
                "counts": reason.answers, "why": reason.why,
            })
        };
        json!({
            "name": self.name,
            "verdict": match self.ending {
                Ending::Found => "found",
                Ending::Refused => "refused",
                Ending::Absent => "absent",
                Ending::Loop => "loop",
            },
            "addresses": self.addresses.iter().map(IpAddr::to_string).collect::<Vec<_>>(),
            "lines": self.reasons.iter().map(reason).collect::<Vec<_>>(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::prove::{Addresses, all_said_by};

    const HOSTS: &str = "\
127.0.0.1 *.dev.test dev.test
10.0.0.1 db
10.0.0.2 db db2
! ads.test *.ads.test
=db database
=database sql
=loop loop
=nowhere lost
=x.dev.test short
10.0.0.3 ads.test
";
    const DROP_IN: &str = "\
10.0.0.9 db other
10.0.0.9 a.dev.test
10.0.0.9 good.ads.test
::1 other
! other
0.0.0.0 *.b.dev.test
";

    fn texts() -> Vec<Text> {
        let text = |name: &str, bytes: &str| Text {
            file: HostsFile {
                name: name.into(),
                drop_in: Vec::new(),
                path: "/".into(),
            },
            bytes: bytes.into(),
        };
        vec![text("hosts", HOSTS), text("d", DROP_IN)]
    }

    #[test]
    fn the_explanation_says_what_the_search_finds_and_why() {
        #[rustfmt::skip]
        let table: &[(&str, &str)] = &[
            ("DB", "DB: 10.0.0.1, 10.0.0.2|hosts:2 answers|hosts:3 answers|d:1 shadowed: hosts has the last word"),
            ("x.dev.test", "x.dev.test: 127.0.0.1|hosts:1 answers for x.dev.test"),
            ("a.dev.test", "a.dev.test: 10.0.0.9|hosts:1 shadowed: a.dev.test wins|d:2 answers"),
            ("a.b.dev.test", "a.b.dev.test: 0.0.0.0|hosts:1 shadowed: *.b.dev.test wins|d:6 answers for a.b.dev.test"),
            ("ads.test", "ads.test: not found, and no other service is asked|hosts:4 says that there is no such name|hosts:10 shadowed: hosts:4 comes first"),
            ("q.ads.test", "q.ads.test: not found, and no other service is asked|hosts:4 says that there is no such name for q.ads.test"),
            ("good.ads.test", "good.ads.test: 10.0.0.9|hosts:4 shadowed: good.ads.test wins|d:3 answers"),
            ("sql", "sql: 10.0.0.1, 10.0.0.2|hosts:6 leads to database|hosts:5 leads to db|hosts:2 answers|hosts:3 answers|d:1 shadowed: hosts has the last word"),
            ("short", "short: 127.0.0.1|hosts:9 leads to x.dev.test|hosts:1 answers for x.dev.test"),
            ("lost", "lost: leads to nothing in these files, so the next service is asked|hosts:8 leads to nowhere"),
            ("other", "other: 10.0.0.9, ::1|d:1 answers|d:4 answers|d:5 shadowed: d:1 comes first"),
            ("none", "none: in none of the files, so the next service is asked"),
        ];
        let texts = texts();
        for (name, want) in table {
            let explanation = explain(&texts, name);
            let text = explanation.to_text();
            let mut rows = vec![text.lines().next().unwrap().to_owned()];
            for reason in &explanation.reasons {
                let shadowed = if reason.answers { "" } else { "shadowed: " };
                rows.push(format!(
                    "{}:{} {shadowed}{}",
                    reason.file, reason.line, reason.why
                ));
            }
            assert_eq!(rows.join("|"), *want, "{name}");
            let found = explanation.addresses.iter().copied().collect::<Addresses>();
            assert_eq!(found, all_said_by(&texts, name.as_bytes()), "{name}");
        }
        assert_eq!(explain(&texts, "loop").ending, Ending::Loop);
        assert!(all_said_by(&texts, b"loop").is_empty());
    }
}
