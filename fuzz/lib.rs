//! What the targets share: questions, and answers as they are compared.

use std::io::Cursor;

use hosts::index::{Index, Stamp, Stamps};
use hosts::{Address, Family, Hosts, Name, Question, ReadAt, Resolution, Verdict};
use hosts_index::Source;

/// An answer; `None` if the index has given up.
pub type Answer = Option<(bool, Vec<(Address, Vec<Vec<u8>>)>)>;

/// More lines than this are not asked for: a target has a second at most.
const MAX_ENTRIES: usize = 1000;

/// Asks, and takes the answer apart.
pub fn ask<S: ReadAt>(hosts: &mut Hosts<'_, S>, question: Question<'_>) -> Answer {
    let mut resolution = Resolution::new(b"");
    let (mut lead, mut searched) = (None, question);
    if let Question::Name(name, family) = question {
        resolution = Resolution::new(name);
        match hosts.resolve(&mut resolution).ok()? {
            Verdict::Absent => return Some((false, Vec::new())),
            Verdict::Refused => return Some((true, Vec::new())),
            Verdict::Found(first) => lead = Some(first),
        }
        searched = Question::Name(resolution.word(), family);
    }
    let (mut search, mut found) = match lead {
        Some(lead) => hosts.search_from(searched, lead),
        None => (hosts.search(searched, 0), None),
    };
    let mut entries = Vec::new();
    loop {
        if found.is_none() {
            found = hosts.next(&mut search).ok()?;
        }
        let Some(entry) = found.take() else { break };
        let mut walk = entry.names();
        let mut names = Vec::new();
        while let Some(name) = hosts.next_name(&mut walk, searched).ok()? {
            names.push(match name {
                Name::Asked => resolution.name().to_vec(),
                Name::Written(span) => {
                    let mut name = vec![0; usize::try_from(span.len).unwrap()];
                    hosts.copy(span.start, &mut name).ok()?;
                    name
                }
            });
        }
        entries.push((searched.admit(entry.address).unwrap(), names));
        if matches!(question, Question::Address(_)) || entries.len() > MAX_ENTRIES {
            break;
        }
    }
    Some((false, entries))
}

/// The question that `bytes` are: a family, or what introduces an address, and a name.
pub fn question(kind: u8, bytes: &[u8]) -> Question<'_> {
    match kind % 8 {
        0 | 1 => Question::Name(bytes, Family::V4),
        2 => Question::Name(bytes, Family::V6),
        3 | 4 => Question::Name(bytes, Family::Any),
        5 => Question::All,
        _ => Address::parse(bytes).map_or(Question::Name(bytes, Family::Any), Question::Address),
    }
}

/// What is asked of an index made from `texts`, the first of which is `hosts`.
pub fn stamps(texts: &[&[u8]]) -> Stamps {
    let stamp = |size| Stamp {
        size,
        seconds: 1_700_000_000,
        nanoseconds: 7,
    };
    Stamps {
        hosts: stamp(texts[0].len() as u64),
        folder: if texts.len() > 1 { stamp(0) } else { Stamp::ABSENT },
    }
}

/// The index of `texts`.
pub fn index(texts: &[&[u8]]) -> Vec<u8> {
    let stamps = stamps(texts);
    let source = |(n, text): (usize, &&[u8])| Source {
        name: if n == 0 { Vec::new() } else { format!("{n}.hosts").into_bytes() },
        stamp: Stamp {
            size: text.len() as u64,
            ..stamps.hosts
        },
        text: Some(Cursor::new(text.to_vec())),
    };
    let mut sources: Vec<_> = texts.iter().enumerate().map(source).collect();
    let mut out = Cursor::new(Vec::new());
    hosts_index::build(stamps.folder, &mut sources, &mut out).unwrap();
    out.into_inner()
}

/// All texts as one, a newline behind each.
pub fn whole(texts: &[&[u8]]) -> Vec<u8> {
    let mut whole = Vec::new();
    for text in texts {
        whole.extend_from_slice(text);
        whole.push(b'\n');
    }
    whole
}

/// A file that counts what is read of it.
pub struct Counting<'a> {
    pub bytes: &'a [u8],
    pub reads: u64,
}

impl ReadAt for &mut Counting<'_> {
    type Error = ();

    fn read_at(&mut self, offset: u64, buffer: &mut [u8]) -> Result<usize, ()> {
        self.reads += 1;
        (&mut self.bytes.as_ref()).read_at(offset, buffer).map_err(|never| match never {})
    }
}

/// Asks the index in `bytes`; also how many reads it took.
pub fn ask_index(bytes: &[u8], now: Stamps, question: Question<'_>) -> (Answer, u64) {
    let mut file = Counting { bytes, reads: 0 };
    let answer = (|| {
        let mut memory = [0; Index::<&[u8]>::BUFFER];
        let mut window = [0; 512];
        let mut index = Index::new(&mut file, bytes.len() as u64, now, &mut memory)?;
        if index.open(question).ok()? {
            let (mut at, mut name) = (0, [0; 256]);
            while index.next_source(&mut at, &mut name).ok()?.is_some() {}
        }
        ask(&mut Hosts::indexed(&mut index, &mut window, now.hosts.size), question)
    })();
    (answer, file.reads)
}
