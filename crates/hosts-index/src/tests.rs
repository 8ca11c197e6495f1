//! Builds read back, and damaged.

use super::*;
use std::collections::BTreeSet;
use std::io::Cursor;

use hosts::index::{Index, PAGE, SLOTS, buckets_of};
use hosts::{Address, Family, Hosts, Question, Resolution, Verdict};

const FOLDER: Stamp = Stamp::ABSENT;

fn stamp(text: &[u8]) -> Stamp {
    Stamp {
        size: text.len() as u64,
        seconds: 1_700_000_000,
        nanoseconds: 77,
    }
}

fn sources(text: &[u8]) -> [Source<Cursor<&[u8]>>; 1] {
    [Source {
        name: Vec::new(),
        stamp: stamp(text),
        text: Some(Cursor::new(text)),
    }]
}

fn index(text: &[u8], max_slots: usize) -> Vec<u8> {
    let mut out = Cursor::new(Vec::new());
    let built = build_with(FOLDER, &mut sources(text), &mut out, max_slots).unwrap();
    assert_eq!(built.size, out.get_ref().len() as u64);
    out.into_inner()
}

/// Addresses of `name`, as bytes; `None` if the index has given up.
fn ask(index: &[u8], now: Stamp, name: &[u8]) -> Option<Vec<Address>> {
    let stamps = Stamps {
        hosts: now,
        folder: FOLDER,
    };
    let mut memory = [0; Index::<&[u8]>::BUFFER];
    let mut window = [0; 512];
    let mut index = Index::new(index, index.len() as u64, stamps, &mut memory)?;
    index.open(Question::Name(name, Family::Any)).ok()?;
    let mut hosts = Hosts::indexed(&mut index, &mut window, now.size);
    let mut resolution = Resolution::new(name);
    let Verdict::Found(lead) = hosts.resolve(&mut resolution).ok()? else {
        return Some(Vec::new());
    };
    let (mut search, first) =
        hosts.search_from(Question::Name(resolution.word(), Family::Any), lead);
    let mut addresses: Vec<_> = first.iter().map(|entry| entry.address).collect();
    while let Some(entry) = hosts.next(&mut search).ok()? {
        addresses.push(entry.address);
    }
    Some(addresses)
}

fn lines(count: u32) -> Vec<u8> {
    let line = |n: u32| {
        let [_, a, b, c] = n.to_be_bytes();
        format!("10.{a}.{b}.{c} host{n}.example.com h{n}\n")
    };
    (0..count).flat_map(|n| line(n).into_bytes()).collect()
}

/// The address on line `n`.
fn address(n: u32) -> Address {
    let [_, a, b, c] = n.to_be_bytes();
    Address::V4([10, a, b, c])
}

#[test]
fn memory_bounds_do_not_show_in_the_result() {
    let text = lines(3000);
    let whole = index(&text, MAX_SLOTS);
    for max_slots in [0, 1, 100, 1000] {
        assert!(index(&text, max_slots) == whole, "{max_slots}");
    }
    for n in [0, 1, 1499, 2999] {
        let want = [address(n)];
        let got = ask(&whole, stamp(&text), format!("H{n}").as_bytes());
        assert_eq!(got.as_deref(), Some(&want[..]), "{n}");
    }
}

#[test]
fn a_name_may_have_more_lines_than_a_page_has_slots() {
    let count = 5 * u32::try_from(SLOTS).unwrap();
    let text: Vec<u8> = (0..count)
        .flat_map(|n| format!("10.0.{}.{} many x{n}\n", n / 256, n % 256).into_bytes())
        .collect();
    let index = index(&text, MAX_SLOTS);
    let got = ask(&index, stamp(&text), b"many").unwrap();
    let want = (0..count).map(address);
    assert!(got.into_iter().eq(want));
}

#[test]
fn an_index_is_of_one_state_of_the_files() {
    let text = lines(50);
    let index = index(&text, MAX_SLOTS);
    let made = stamp(&text);
    #[rustfmt::skip]
    let table = [
        ("the same",             made,                                            true),
        ("whole seconds only",   Stamp { nanoseconds: 0, ..made },                true),
        ("another nanosecond",   Stamp { nanoseconds: 78, ..made },               false),
        ("a second later",       Stamp { seconds: made.seconds + 1, ..made },     false),
        ("a second earlier",     Stamp { seconds: made.seconds - 1, ..made },     false),
        ("a byte longer",        Stamp { size: made.size + 1, ..made },           false),
        ("gone",                 Stamp::ABSENT,                                   false),
    ];
    for (case, now, holds) in table {
        assert_eq!(ask(&index, now, b"h7").is_some(), holds, "{case}");
    }
}

#[test]
fn whatever_happens_to_an_index_it_says_nothing_wrong() {
    let text = lines(60);
    let index = index(&text, MAX_SLOTS);
    let names: Vec<String> = (0..61).map(|n| format!("h{n}")).collect();
    let want: Vec<_> = names
        .iter()
        .map(|name| ask(&index, stamp(&text), name.as_bytes()).unwrap())
        .collect();
    let mut given_up = 0;
    let mut check = |damaged: &[u8], case: &str| {
        for (name, want) in names.iter().zip(&want) {
            match ask(damaged, stamp(&text), name.as_bytes()) {
                Some(got) => assert_eq!(got, *want, "{case}: {name}"),
                None => given_up += 1,
            }
        }
    };
    for at in (0..index.len()).step_by(3) {
        let mut damaged = index.clone();
        damaged[at] ^= 1 << (at % 8);
        check(&damaged, &format!("byte {at}"));
    }
    for len in (0..index.len()).step_by(7) {
        check(&index[..len], &format!("{len} bytes left"));
        let mut padded = index[..len].to_vec();
        padded.resize(index.len(), 0);
        check(&padded, &format!("{len} bytes left, then zeros"));
    }
    for (a, b) in [(0, 1), (1, 2), (0, 3)] {
        let mut swapped = index.clone();
        for at in 0..PAGE {
            swapped.swap(a * PAGE + at, b * PAGE + at);
        }
        check(&swapped, &format!("pages {a} and {b} swapped"));
    }
    // As written by a machine with the other byte order, or a later version.
    let mut foreign = index.clone();
    foreign.chunks_exact_mut(8).for_each(<[u8]>::reverse);
    check(&foreign, "foreign");
    let mut newer = index.clone();
    newer[7] += 1;
    check(&newer, "newer");
    assert!(given_up > 1000);
}

#[test]
fn the_length_of_the_file_says_how_many_buckets_there_are() {
    let said: BTreeSet<u32> = (0..PAGE as u64).map(buckets_of).collect();
    for &buckets in said.iter().filter(|&&buckets| buckets > 0) {
        let tail = tail_of(buckets).unwrap();
        assert_eq!(buckets_of(7 * PAGE as u64 + tail), buckets);
        assert_eq!(round_up(buckets), buckets);
    }
    for buckets in (1..100_000).chain([1 << 20, (1 << 24) + 1]) {
        let up = round_up(buckets);
        assert!(said.contains(&up) && up >= buckets, "{buckets} {up}");
        assert!(
            u64::from(up) * 32 <= u64::from(buckets) * 33,
            "{buckets} {up}"
        );
    }
}

#[test]
fn what_does_not_fit_an_index_is_said() {
    let long = vec![b'x'; (1 << 20) + 1];
    let changed = [Source {
        stamp: stamp(b"longer"),
        ..sources(b"short")[0].take()
    }];
    let outcome = |mut sources: [Source<Cursor<&[u8]>>; 1]| {
        let error = build(FOLDER, &mut sources, &mut Cursor::new(Vec::new())).unwrap_err();
        format!("{error:?}")
    };
    assert_eq!(outcome(sources(&long)), "LongLine(0, 1)");
    assert_eq!(outcome(changed), "Changed(0)");
}

impl<R> Source<R> {
    fn take(&mut self) -> Self {
        Self {
            name: std::mem::take(&mut self.name),
            stamp: self.stamp,
            text: self.text.take(),
        }
    }
}

#[test]
fn an_index_is_at_most_twice_as_long_as_its_text() {
    for text in [lines(20_000), block_list(20_000)] {
        let index = index(&text, MAX_SLOTS);
        assert!(
            index.len() <= 2 * text.len(),
            "{} of {}",
            index.len(),
            text.len()
        );
        assert_eq!(
            index.len() % PAGE,
            usize::try_from(tail_of(buckets_of(index.len() as u64)).unwrap()).unwrap()
        );
    }
}

fn block_list(count: u32) -> Vec<u8> {
    (0..count)
        .flat_map(|n| format!("0.0.0.0 ad{n}.example.net\n").into_bytes())
        .collect()
}
