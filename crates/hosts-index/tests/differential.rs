//! Three ways to an answer, which must agree: the search of the text, the index, and a naive
//! model that has everything in memory and follows `docs/hosts-format.md` to the letter.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::io::Cursor;

use hosts::index::{Index, Stamp, Stamps};
use hosts::{
    Address, Family, Hosts, MAX_ALIASES, MAX_NAME, Name, Question, ReadAt, Resolution, Verdict,
    words,
};
use hosts_index::Source;

/// Generated files, and questions about each.
const FILES: u64 = 10_000;
const QUESTIONS: usize = 100;

/// What is compared.
#[derive(Debug, PartialEq, Eq)]
enum Answer {
    Absent,
    Refused,
    /// Addresses with the names on their lines, and the alias that led there.
    Entries(Vec<(Address, Vec<Vec<u8>>)>, Option<Vec<u8>>),
}

// --- the model ---

enum Says {
    Address(Address),
    Alias(Vec<u8>),
    Refusal,
}

struct Line {
    /// 0 is `hosts`.
    file: usize,
    says: Says,
    names: Vec<Vec<u8>>,
}

fn lines(files: &[Vec<u8>]) -> Vec<Line> {
    let mut lines = Vec::new();
    for (file, text) in files.iter().enumerate() {
        for line in text.split(|&byte| byte == b'\n') {
            let mut words = words(line).map(<[u8]>::to_vec);
            let Some(first) = words.next() else { continue };
            let mut names: Vec<Vec<u8>> = words.collect();
            let says = if first == b"!" {
                Says::Refusal
            } else if first[0] == b'=' {
                if first.len() == 1 || first.len() > MAX_NAME + 1 {
                    continue;
                }
                Says::Alias(first[1..].to_vec())
            } else if let Some(address) = Address::parse(&first) {
                if names.is_empty() {
                    names.push(Vec::new());
                }
                Says::Address(address)
            } else {
                continue;
            };
            lines.push(Line { file, says, names });
        }
    }
    lines
}

fn same(a: &[u8], b: &[u8]) -> bool {
    a.eq_ignore_ascii_case(b)
}

fn is_wildcard(name: &[u8]) -> bool {
    name.starts_with(b"*.") && (3..=MAX_NAME).contains(&name.len())
}

/// Names of a line as an answer has them; `word` is the wildcard that stands for `name`.
fn shown(line: &Line, word: &[u8], name: &[u8]) -> Vec<Vec<u8>> {
    let mut shown = Vec::new();
    for written in &line.names {
        if !is_wildcard(written) {
            shown.push(written.clone());
        } else if same(written, word) {
            shown.push(name.to_vec());
        }
    }
    shown
}

fn model_name(lines: &[Line], asked: &[u8], family: Family) -> Answer {
    let mut name = asked.to_vec();
    let mut aliased = false;
    for _ in 0..=MAX_ALIASES {
        let holds = |line: &Line, word: &[u8]| line.names.iter().any(|n| same(n, word));
        let mut word = name.clone();
        if !lines.iter().any(|line| holds(line, &word)) {
            let wildcards = lines.iter().flat_map(|line| &line.names);
            let covering = wildcards.filter(|wildcard| {
                is_wildcard(wildcard)
                    && name.len() >= wildcard.len()
                    && same(&name[name.len() - wildcard.len() + 1..], &wildcard[1..])
            });
            match covering.max_by_key(|wildcard| wildcard.len()) {
                Some(longest) => word.clone_from(longest),
                None => return Answer::Absent,
            }
        }
        let first = lines.iter().find(|line| holds(line, &word)).unwrap();
        match &first.says {
            Says::Refusal => return Answer::Refused,
            Says::Alias(target) => {
                name.clone_from(target);
                aliased = true;
            }
            Says::Address(_) => {
                let counts =
                    |line: &&Line| holds(line, &word) && (first.file > 0 || line.file == 0);
                let entry = |line: &Line| match line.says {
                    Says::Address(address) => {
                        let address = family.admit(address)?;
                        Some((address, shown(line, &word, &name)))
                    }
                    _ => None,
                };
                let entries: Vec<_> = lines.iter().filter(counts).filter_map(entry).collect();
                return if entries.is_empty() {
                    Answer::Absent
                } else {
                    Answer::Entries(entries, aliased.then(|| asked.to_vec()))
                };
            }
        }
    }
    Answer::Absent
}

fn model(lines: &[Line], question: Question<'_>) -> Answer {
    if let Question::Name(name, family) = question {
        return model_name(lines, name, family);
    }
    let entry = |line: &Line| match line.says {
        Says::Address(address) => {
            let address = question.admit(address)?;
            let names = shown(line, b"", b"");
            (!names.is_empty()).then_some((address, names))
        }
        _ => None,
    };
    let mut entries: Vec<_> = lines.iter().filter_map(entry).collect();
    if let Question::Address(_) = question {
        entries.truncate(1);
    }
    if entries.is_empty() {
        Answer::Absent
    } else {
        Answer::Entries(entries, None)
    }
}

// --- the code under test ---

fn ask<S: ReadAt>(hosts: &mut Hosts<'_, S>, question: Question<'_>) -> Answer
where
    S::Error: std::fmt::Debug,
{
    let mut resolution = Resolution::new(b"");
    let mut lead = None;
    let mut searched = question;
    let mut shown: &[u8] = b"";
    let mut alias = None;
    if let Question::Name(name, family) = question {
        resolution = Resolution::new(name);
        match hosts.resolve(&mut resolution).unwrap() {
            Verdict::Absent => return Answer::Absent,
            Verdict::Refused => return Answer::Refused,
            Verdict::Found(first) => lead = Some(first),
        }
        searched = Question::Name(resolution.word(), family);
        shown = resolution.name();
        alias = resolution.alias().map(<[u8]>::to_vec);
    }
    let _ = &resolution;
    let (mut search, mut found) = match lead {
        Some(lead) => hosts.search_from(searched, lead),
        None => (hosts.search(searched, 0), None),
    };
    let mut entries = Vec::new();
    loop {
        if found.is_none() {
            found = hosts.next(&mut search).unwrap();
        }
        let Some(entry) = found.take() else { break };
        let mut walk = entry.names();
        let mut names = Vec::new();
        while let Some(name) = hosts.next_name(&mut walk, searched).unwrap() {
            names.push(match name {
                Name::Asked => shown.to_vec(),
                Name::Written(span) => {
                    let mut name = vec![0; usize::try_from(span.len).unwrap()];
                    hosts.copy(span.start, &mut name).unwrap();
                    name
                }
            });
        }
        entries.push((searched.admit(entry.address).unwrap(), names));
        if let Question::Address(_) = question {
            break;
        }
    }
    if entries.is_empty() {
        Answer::Absent
    } else {
        Answer::Entries(entries, alias)
    }
}

/// All files as one, a newline behind each.
fn whole(files: &[Vec<u8>]) -> Vec<u8> {
    let mut whole = Vec::new();
    for text in files {
        whole.extend_from_slice(text);
        whole.push(b'\n');
    }
    whole
}

fn stamps_of(files: &[Vec<u8>]) -> (Stamps, Vec<Source<Cursor<Vec<u8>>>>) {
    let stamp = |text: &Vec<u8>| Stamp {
        size: text.len() as u64,
        seconds: 1_700_000_000 + i64::try_from(text.len()).unwrap(),
        nanoseconds: 5,
    };
    let source = |(n, text): (usize, &Vec<u8>)| Source {
        name: if n == 0 {
            Vec::new()
        } else {
            format!("{n}.hosts").into_bytes()
        },
        stamp: stamp(text),
        text: Some(Cursor::new(text.clone())),
    };
    let sources = files.iter().enumerate().map(source).collect();
    let folder = if files.len() == 1 {
        Stamp::ABSENT
    } else {
        Stamp {
            size: 0,
            ..stamp(&files[1])
        }
    };
    (
        Stamps {
            hosts: stamp(&files[0]),
            folder,
        },
        sources,
    )
}

fn ask_index(
    bytes: &[u8],
    stamps: Stamps,
    question: Question<'_>,
    window: usize,
    main: u64,
    sources: usize,
) -> Answer {
    let mut memory = vec![0; Index::<&[u8]>::BUFFER];
    let mut window = vec![0; window];
    let mut index = Index::new(bytes, bytes.len() as u64, stamps, &mut memory).unwrap();
    assert_eq!(index.open(question).unwrap(), sources > 1);
    ask(&mut Hosts::indexed(&mut index, &mut window, main), question)
}

// --- generated cases ---

/// A small generator of its own: the cases stay the same from one release to the next.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from((self.0 >> 11) % limit as u64).unwrap()
    }

    fn pick<'a, T: ?Sized>(&mut self, items: &[&'a T]) -> &'a T {
        items[self.below(items.len())]
    }
}

#[rustfmt::skip]
const FIRST: &[&str] = &[
    "127.0.0.1", "10.0.0.1", "10.0.0.2", "10.0.0.65", "10.0.0.97", "::1", "::ffff:10.0.0.1", "::FFFF:a00:1", "fd00::1234:abcd",
    "FD00:0:0:0:0:0:1234:0abcd", "fe80::1%eth0", "010.0.0.1", "x", "0:0:0:0:0:0:0:1", "::", "127.0.0.1", "::ffff:7f00:1",
    "!", "!", "!!", "!x", "=db", "=db", "=a.dev.test", "=loop1", "=loop2", "=", "==", "=DB.example.com", "=x.y.z", "=*.dev.test", "=nowhere",
    "=chain1", "=chain2", "=chain3", "=chain4", "=chain5", "=chain6", "=chain7", "=chain8", "=chain9",
];
#[rustfmt::skip]
const NAMES: &[&str] = &[
    "db", "DB", "Db", "db.", "db1", "xdb", "db.example.com", "DB.EXAMPLE.COM", "a", "\u{e4}", "localhost", "10.0.0.1", "*", "*.", "*a",
    "*.dev.test", "*.DEV.test", "*.test", "*.a.dev.test", "*.x.y.z", "*..", "*.*.test", "a.*.test", "a.dev.test", "dev.test", "loop1", "loop2",
    "chain1", "chain2", "chain3", "chain4", "chain5", "chain6", "chain7", "chain8", "chain9", "*.\u{e4}",
];
#[rustfmt::skip]
const ASKED: &[&str] = &[
    "b.dev.test", "B.Dev.Test", "c.b.a.dev.test", ".dev.test", "x.test", "test", "*.dev.test", "y.*.test", "q.x.y.z", "x.y.z", "b..", "n.\u{e4}", "",
    "no.such.name",
];

/// A name around the length at which wildcards and targets end.
fn long(random: &mut Random) -> String {
    format!("{}.test", "l".repeat(240 + random.below(20)))
}

fn text(random: &mut Random, lines: usize) -> Vec<u8> {
    let mut text = String::new();
    for _ in 0..lines {
        text += random.pick::<str>(&["", "", "", "", " ", "\t", "#", "\u{b}"]);
        text += random.pick(FIRST);
        if random.below(60) == 0 {
            text += &long(random);
        }
        for _ in 0..random.below(5) {
            text += random.pick::<str>(&[" ", " ", " ", "\t", "  ", "\r", "#", "\0", ""]);
            if random.below(60) == 0 {
                text += random.pick::<str>(&["*.", "x.", ""]);
                text += &long(random);
            } else {
                text += random.pick(NAMES);
            }
        }
        if random.below(60) == 0 {
            text += &" x".repeat(random.below(900));
            text += " db";
        }
        text += random.pick::<str>(&["\n", "\n", "\n", "\r\n", " \n", "# db\n", "\n\n"]);
    }
    if random.below(3) == 0 {
        text.pop();
    }
    text.into_bytes()
}

fn ask_all(seed: u64, files: u64, questions: usize) {
    let mut random = Random(seed);
    let (mut answered, mut refused, mut aliased) = (0_u64, 0_u64, 0_u64);
    for _ in 0..files {
        let count = [1, 1, 2, 4][random.below(4)];
        let texts: Vec<Vec<u8>> = (0..count)
            .map(|_| {
                let lines = if random.below(50) == 0 {
                    400
                } else {
                    random.below(22)
                };
                text(&mut random, lines)
            })
            .collect();
        let model_lines = lines(&texts);
        let whole = whole(&texts);
        let main = texts[0].len() as u64;
        let (stamps, mut sources) = stamps_of(&texts);
        let mut index = Cursor::new(Vec::new());
        hosts_index::build(stamps.folder, &mut sources, &mut index).unwrap();
        let index = index.into_inner();
        let mut buffer = vec![0; Hosts::<&[u8]>::MIN_BUFFER + random.below(400)];
        for _ in 0..questions {
            let family = [Family::V4, Family::V6, Family::Any][random.below(3)];
            let generated;
            let question = match random.below(10) {
                0 | 1 => match Address::parse(random.pick(FIRST).as_bytes()) {
                    Some(address) => Question::Address(address),
                    None => Question::Address(Address::V4([9, 9, 9, 9])),
                },
                3 if random.below(20) == 0 => Question::All,
                4 if random.below(4) == 0 => {
                    generated = long(&mut random);
                    Question::Name(generated.as_bytes(), family)
                }
                2 | 5..=7 => Question::Name(random.pick(NAMES).as_bytes(), family),
                _ => Question::Name(random.pick(ASKED).as_bytes(), family),
            };
            let want = model(&model_lines, question);
            match &want {
                Answer::Absent => {}
                Answer::Refused => refused += 1,
                Answer::Entries(_, alias) => {
                    answered += 1;
                    aliased += u64::from(alias.is_some());
                }
            }
            let show = || format!("{question:?} in {}", whole.escape_ascii());
            let mut hosts = Hosts::with_more(&whole[..], &mut buffer, main);
            assert_eq!(ask(&mut hosts, question), want, "search: {}", show());
            let window = 128 + random.below(1500);
            let got = ask_index(&index, stamps, question, window, main, texts.len());
            assert_eq!(got, want, "index: {}", show());
        }
    }
    // The cases are not all of one kind.
    let some = files * questions as u64 / 50;
    assert!(answered > 5 * some, "{answered} answers");
    assert!(
        refused.min(aliased) > some / 2,
        "{refused} refusals, {aliased} aliases"
    );
}

#[test]
fn search_index_and_model_agree() {
    let halves = [1, 2].map(|seed| {
        std::thread::spawn(move || ask_all(0x9e37_79b9_7f4a_7c15 ^ seed, FILES / 2, QUESTIONS))
    });
    for half in halves {
        half.join().unwrap();
    }
}
