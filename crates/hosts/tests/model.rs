//! The search against a naive model: the whole file in memory, split into lines and words.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fmt::Write;

use hosts::{Address, Family, Hosts, Name, Names, Question, words};

/// What is compared: the address under which a line answers, and all its names.
type Answer = (Address, Vec<Vec<u8>>);

fn model(text: &[u8], question: Question<'_>) -> Vec<Answer> {
    let answer = |line: &[u8]| {
        let mut words = words(line);
        let address = question.admit(Address::parse(words.next()?)?)?;
        let mut names: Vec<Vec<u8>> = words.map(<[u8]>::to_vec).collect();
        if names.is_empty() {
            names.push(Vec::new());
        }
        let holds = match question {
            Question::Name(name, _) => names.iter().any(|n| n.eq_ignore_ascii_case(name)),
            Question::Address(_) | Question::All => true,
        };
        holds.then_some((address, names))
    };
    text.split(|&byte| byte == b'\n')
        .filter_map(answer)
        .collect()
}

fn search(text: &[u8], question: Question<'_>, buffer: usize) -> Vec<Answer> {
    let mut buffer = vec![0; buffer];
    let mut hosts = Hosts::new(text, &mut buffer);
    let mut search = hosts.search(question, 0);
    let mut answers = Vec::new();
    while let Some(entry) = hosts.next(&mut search).unwrap() {
        let mut walk: Names = entry.names();
        let mut names = Vec::new();
        while let Some(name) = hosts.next_name(&mut walk, question).unwrap() {
            let Name::Written(span) = name else {
                panic!("a wildcard in a plain file");
            };
            let mut name = vec![0; usize::try_from(span.len).unwrap()];
            hosts.copy(span.start, &mut name).unwrap();
            names.push(name);
        }
        answers.push((question.admit(entry.address).unwrap(), names));
    }
    answers
}

/// A small generator of its own: the cases stay the same from one release to the next.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % limit as u64).unwrap()
    }

    fn pick<'a, T: ?Sized>(&mut self, items: &[&'a T]) -> &'a T {
        items.get(self.below(items.len())).unwrap()
    }
}

#[rustfmt::skip]
const ADDRESSES: &[&str] = &[
    "127.0.0.1", "10.0.0.1", "10.0.0.10", "10.0.0.2", "::1", "::ffff:10.0.0.1", "::FFFF:a00:1", "fd00::1234:abcd",
    "fd00::abcd", "FD00:0:0:0:0:0:1234:0abcd", "fd00::10.0.0.1", "fe80::1%eth0", "010.0.0.1", "[::1]", "10.0.0", "x", "",
    "0:0:0:0:0:0:0:1", "::", "255.255.255.255",
];
#[rustfmt::skip]
const NAMES: &[&str] = &[
    "db", "DB", "Db", "db.", "db1", "xdb", "db.example.com", "DB.EXAMPLE.COM", "a", "\u{e4}", "localhost", "10.0.0.1", "ffff:",
];

fn text(random: &mut Random) -> Vec<u8> {
    let mut text = String::new();
    for _ in 0..random.below(12) {
        text += random.pick::<str>(&["", "", "", " ", "\t", "#", "\u{b}"]);
        text += random.pick(ADDRESSES);
        for _ in 0..random.below(5) {
            text += random.pick::<str>(&[" ", " ", "\t", "  ", "\r", "#", "\0", ""]);
            if random.below(40) == 0 {
                let long = 60 + random.below(200);
                write!(text, "{:x<long$}", "long").unwrap();
            }
            text += random.pick(NAMES);
        }
        if random.below(30) == 0 {
            text += &" ".repeat(random.below(400));
            text += "db";
        }
        text += random.pick::<str>(&["\n", "\n", "\n", "\r\n", " \n", "# db\n", "\n\n"]);
    }
    if random.below(3) == 0 {
        text.pop();
    }
    text.into_bytes()
}

fn questions(random: &mut Random) -> Vec<Question<'static>> {
    let family = [Family::V4, Family::V6, Family::Any];
    let mut questions = vec![Question::All, Question::Name(b"", Family::Any)];
    for _ in 0..6 {
        let name = random.pick(NAMES).as_bytes();
        questions.push(Question::Name(name, *random.pick(&family.each_ref())));
        if let Some(address) = Address::parse(random.pick(ADDRESSES).as_bytes()) {
            questions.push(Question::Address(address));
        }
    }
    questions
}

#[test]
fn the_search_answers_as_the_model_does() {
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    for _ in 0..20_000 {
        let text = text(&mut random);
        let buffer = Hosts::<&[u8]>::MIN_BUFFER + random.below(300);
        for question in questions(&mut random) {
            let want = model(&text, question);
            let got = search(&text, question, buffer);
            assert_eq!(
                got,
                want,
                "{question:?} with {buffer} in {}",
                text.escape_ascii()
            );
        }
    }
}

#[test]
fn lines_and_names_may_be_longer_than_the_buffer() {
    let long_name = "n".repeat(10_000);
    let tail = " alias".repeat(5_000);
    let text = format!(
        "{blanks}10.0.0.1 {long_name}{tail}\n#{long_name} 10.0.0.9 x\n10.0.0.2 db{tail} {long_name}x\n10.0.0.3 db {long_name}",
        blanks = " ".repeat(3_000),
    );
    for buffer in [Hosts::<&[u8]>::MIN_BUFFER, 1000, 4096] {
        for name in [
            long_name.as_bytes(),
            b"alias",
            b"db",
            b"x",
            &long_name.as_bytes()[1..],
        ] {
            let question = Question::Name(name, Family::V4);
            let want = model(text.as_bytes(), question);
            assert_eq!(search(text.as_bytes(), question, buffer), want, "{buffer}");
        }
    }
}
