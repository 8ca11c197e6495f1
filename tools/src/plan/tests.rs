//! Libraries made for the purpose, one field of them poked at a time.

#![expect(
    clippy::arithmetic_side_effects,
    reason = "a test computes the offsets of what it has made itself"
)]

use super::*;

/// Width and byte order of a sample.
#[derive(Clone, Copy, Debug)]
struct Shape {
    is_64: bool,
    is_little: bool,
    machine: u16,
}

const AMD64: Shape = Shape {
    is_64: true,
    is_little: true,
    machine: 62,
};
const S390X: Shape = Shape {
    is_64: true,
    is_little: false,
    machine: 22,
};
const I386: Shape = Shape {
    is_64: false,
    is_little: true,
    machine: 3,
};
/// No port of Debian's any more, but the fourth of the shapes.
const POWERPC: Shape = Shape {
    is_64: false,
    is_little: false,
    machine: 20,
};
const SHAPES: [Shape; 4] = [AMD64, S390X, I386, POWERPC];

/// A minimal library, and where its fields lie.
struct Sample {
    shape: Shape,
    bytes: Vec<u8>,
    segments: usize,
    sections: usize,
    dynamic: usize,
    strings: usize,
    data: usize,
}

/// What its read-only data holds, in the manner of glibc 2.36.
const DATA: &[u8] = b"\0/etc/services\0/etc/hosts.equiv\0/etc/hosts\0/etc/ethers\0";
/// Segments: read-only, code, writable, dynamic.
const SEGMENTS: usize = 4;

impl Sample {
    fn new(shape: Shape, data: &[u8]) -> Self {
        let (header, segment, section, word) = if shape.is_64 {
            (64, 56, 64, 8)
        } else {
            (52, 32, 40, 4)
        };
        let strings_text = b"\0libc.so.6\0";
        let segments = header;
        let strings = segments + SEGMENTS * segment;
        let data_at = strings + strings_text.len();
        let code = (data_at + data.len()).next_multiple_of(16);
        let dynamic = code + 16;
        // DT_SONAME, DT_STRTAB, DT_FLAGS, DT_DEBUG, DT_NULL.
        let dynamic_len = 5 * 2 * word;
        let sections = dynamic + dynamic_len;
        let mut sample = Self {
            shape,
            bytes: vec![0; sections + 4 * section],
            segments,
            sections,
            dynamic,
            strings,
            data: data_at,
        };
        sample.bytes[..6].copy_from_slice(&[
            0x7f,
            b'E',
            b'L',
            b'F',
            if shape.is_64 { 2 } else { 1 },
            if shape.is_little { 1 } else { 2 },
        ]);
        sample.bytes[6] = 1;
        sample.half(16, 3);
        sample.half(18, shape.machine);
        sample.word(20, 1);
        let at = 24 + word;
        sample.native(at, segments);
        sample.native(at + word, sections);
        let at = at + 2 * word + 4;
        for (nth, value) in [header, segment, SEGMENTS, section, 4, 0]
            .iter()
            .enumerate()
        {
            sample.half(at + 2 * nth, u16::try_from(*value).unwrap());
        }
        sample.bytes[strings..data_at].copy_from_slice(strings_text);
        sample.bytes[data_at..data_at + data.len()].copy_from_slice(data);
        sample.segment(0, 1, 4, 0, code);
        sample.segment(1, 1, 5, code, 16);
        sample.segment(2, 1, 6, dynamic, dynamic_len);
        sample.segment(3, 2, 6, dynamic, dynamic_len);
        let entries = [(14, 1), (5, strings), (30, 8), (21, 0), (0, 0)];
        for (nth, (tag, value)) in entries.into_iter().enumerate() {
            sample.native(dynamic + nth * 2 * word, tag);
            sample.native(dynamic + nth * 2 * word + word, value);
        }
        // Nothing, read-only data, code, the dynamic section.
        sample.section(1, 1, 2, data_at, data.len());
        sample.section(2, 1, 6, code, 16);
        sample.section(3, 6, 3, dynamic, dynamic_len);
        sample
    }

    fn put(&mut self, at: usize, len: usize, value: u64) {
        let bytes = value.to_le_bytes();
        for (nth, byte) in bytes[..len].iter().enumerate() {
            let place = if self.shape.is_little {
                nth
            } else {
                len - 1 - nth
            };
            self.bytes[at + place] = *byte;
        }
    }

    fn half(&mut self, at: usize, value: u16) {
        self.put(at, 2, value.into());
    }

    fn word(&mut self, at: usize, value: u32) {
        self.put(at, 4, value.into());
    }

    fn native(&mut self, at: usize, value: usize) {
        self.put(at, self.width(), value as u64);
    }

    fn width(&self) -> usize {
        if self.shape.is_64 { 8 } else { 4 }
    }

    /// Where a field of a segment lies: type, flags, offset, address, length in the file.
    fn segment_field(&self, nth: usize, field: &str) -> usize {
        let (size, names) = if self.shape.is_64 {
            (
                56,
                [
                    ("type", 0),
                    ("flags", 4),
                    ("offset", 8),
                    ("address", 16),
                    ("len", 32),
                ],
            )
        } else {
            (
                32,
                [
                    ("type", 0),
                    ("flags", 24),
                    ("offset", 4),
                    ("address", 8),
                    ("len", 16),
                ],
            )
        };
        let row = names.iter().find(|(name, _)| *name == field).unwrap();
        self.segments + nth * size + row.1
    }

    fn segment(&mut self, nth: usize, kind: u32, flags: u32, offset: usize, len: usize) {
        self.word(self.segment_field(nth, "type"), kind);
        self.word(self.segment_field(nth, "flags"), flags);
        self.native(self.segment_field(nth, "offset"), offset);
        self.native(self.segment_field(nth, "address"), offset);
        let at = self.segment_field(nth, "len");
        self.native(at, len);
        self.native(at + self.width(), len);
    }

    /// Where a field of a section lies: type, flags, offset, length.
    fn section_field(&self, nth: usize, field: &str) -> usize {
        let (size, names) = if self.shape.is_64 {
            (64, [("type", 4), ("flags", 8), ("offset", 24), ("len", 32)])
        } else {
            (40, [("type", 4), ("flags", 8), ("offset", 16), ("len", 20)])
        };
        let row = names.iter().find(|(name, _)| *name == field).unwrap();
        self.sections + nth * size + row.1
    }

    fn section(&mut self, nth: usize, kind: u32, flags: usize, offset: usize, len: usize) {
        self.word(self.section_field(nth, "type"), kind);
        self.native(self.section_field(nth, "flags"), flags);
        self.native(self.section_field(nth, "offset"), offset);
        self.native(self.section_field(nth, "len"), len);
    }

    /// Where the tag of a dynamic entry lies; its value is behind it.
    fn dynamic_entry(&self, nth: usize) -> usize {
        self.dynamic + nth * 2 * self.width()
    }

    /// Where a field of the header lies that comes after the three native ones.
    fn header_field(&self, nth: usize) -> usize {
        24 + 3 * self.width() + 4 + 2 * nth
    }

    /// Where `/etc/hosts` stands.
    fn slot(&self) -> usize {
        let slot = b"/etc/hosts\0";
        self.data + DATA.windows(slot.len()).position(|w| w == slot).unwrap()
    }
}

#[test]
fn the_whole_string_is_found_in_every_shape() {
    for shape in SHAPES {
        let sample = Sample::new(shape, DATA);
        let found = examine(&sample.bytes).unwrap();
        assert_eq!(found.reads, Reads::EtcHosts(sample.slot()), "{shape:?}");
        let patched = with_path(&sample.bytes, sample.slot(), NEW).unwrap();
        let found = examine(&patched).unwrap();
        assert_eq!(found.reads, Reads::Workaround(sample.slot()), "{shape:?}");
        let differing = differences(&sample.bytes, &patched);
        assert_eq!(differing.len(), 2, "{differing:?}");
        let equiv = b"/etc/hosts.equiv\0";
        assert!(patched.windows(equiv.len()).any(|w| w == equiv));
    }
}

#[test]
fn patching_and_undoing_a_hundred_times_ends_with_the_same_bytes() {
    let sample = Sample::new(AMD64, DATA);
    let mut bytes = sample.bytes.clone();
    for nth in 0..100 {
        for path in [NEW, OLD] {
            let (Reads::EtcHosts(at) | Reads::Workaround(at)) = examine(&bytes).unwrap().reads
            else {
                panic!("{nth}: no path");
            };
            bytes = with_path(&bytes, at, path).unwrap();
        }
    }
    assert_eq!(bytes, sample.bytes);
}

#[test]
fn a_poked_field_is_refused_and_the_reason_named() {
    type Poke = fn(&mut Sample);
    #[rustfmt::skip]
    let table: &[(&str, Poke, &str)] = &[
        ("magic",              |s| s.bytes[1] = b'F',                                           "no ELF file"),
        ("class",              |s| s.bytes[4] = 3,                                              "no ELF file"),
        ("byte order",         |s| s.bytes[5] = 7,                                              "no ELF file"),
        ("an executable",      |s| s.half(16, 2),                                               "no shared library"),
        ("an object file",     |s| s.half(16, 1),                                               "no shared library"),
        ("phentsize",          |s| s.half(s.header_field(1), 24),                               "program headers of an unknown size"),
        ("phnum",              |s| s.half(s.header_field(2), 0xffff),                           "unreadable program headers"),
        ("no phnum",           |s| s.half(s.header_field(2), 0),                                "no dynamic section"),
        ("phoff",              |s| s.native(24 + s.width(), s.bytes.len() - 3),                 "unreadable program headers"),
        ("shentsize",          |s| s.half(s.header_field(3), 1),                                "section headers of an unknown size"),
        ("shnum",              |s| s.half(s.header_field(4), 0xfff0),                           "unreadable section headers"),
        ("no shnum",           |s| s.half(s.header_field(4), 0),                                "in no section of data"),
        ("shoff",              |s| s.native(24 + 2 * s.width(), s.bytes.len() - 3),             "unreadable section headers"),
        ("writable segment",   |s| s.word(s.segment_field(0, "flags"), 6),                      "in a writable segment"),
        ("segment not loaded", |s| s.word(s.segment_field(0, "type"), 4),                       "SONAME outside"),
        ("a second mapping",   |s| { let at = s.slot() - 4; s.native(s.segment_field(2, "offset"), at); }, "in a writable segment"),
        ("short segment",      |s| { let len = s.slot() + 3; s.native(s.segment_field(0, "len"), len); }, "across the end of a segment"),
        ("shorter segment",    |s| { let len = s.data; s.native(s.segment_field(0, "len"), len); }, "outside of what is loaded"),
        ("endless segment",    |s| s.native(s.segment_field(2, "len"), usize::MAX),             "beyond the end of the file"),
        ("writable section",   |s| s.native(s.section_field(1, "flags"), 3),                    "not read-only data"),
        ("unloaded section",   |s| s.native(s.section_field(1, "flags"), 0),                    "not read-only data"),
        ("section of code",    |s| s.native(s.section_field(1, "flags"), 6),                    "in code"),
        ("section of nothing", |s| s.word(s.section_field(1, "type"), 8),                       "in no section of data"),
        ("short section",      |s| { let len = s.slot() - s.data + 3; s.native(s.section_field(1, "len"), len); }, "across sections"),
        ("sections overlap",   |s| { let at = s.data; s.native(s.section_field(2, "offset"), at); s.native(s.section_field(2, "len"), 60); }, "across sections"),
        ("no PT_DYNAMIC",      |s| s.word(s.segment_field(3, "type"), 4),                       "no dynamic section"),
        ("endless PT_DYNAMIC", |s| s.native(s.segment_field(3, "len"), 1 << 30),                "unreadable dynamic section"),
        ("PT_DYNAMIC astray",  |s| s.native(s.segment_field(3, "offset"), 1 << 30),             "unreadable dynamic section"),
        ("no SONAME",          |s| s.native(s.dynamic_entry(0), 21),                            "no SONAME"),
        ("SONAME astray",      |s| s.native(s.dynamic_entry(0) + s.width(), 1 << 30),           "SONAME outside"),
        ("no STRTAB",          |s| s.native(s.dynamic_entry(1), 21),                            "no SONAME"),
        ("STRTAB astray",      |s| s.native(s.dynamic_entry(1) + s.width(), usize::MAX),        "SONAME outside"),
        ("DF_TEXTREL",         |s| s.native(s.dynamic_entry(2) + s.width(), 4),                 "relocations in read-only"),
        ("DT_TEXTREL",         |s| s.native(s.dynamic_entry(3), 22),                            "relocations in read-only"),
        ("another library",    |s| s.bytes[s.strings + 4] = b'm',                               "calls itself libm.so.6"),
        ("cut off",            |s| s.bytes.truncate(s.sections + 1),                            "unreadable section headers"),
        ("no headers at all",  |s| s.bytes.truncate(20),                                        "no ELF file"),
        ("nothing",            |s| s.bytes.clear(),                                             "no ELF file"),
    ];
    for (case, poke, reason) in table {
        for shape in [AMD64, S390X, I386, POWERPC] {
            let mut sample = Sample::new(shape, DATA);
            poke(&mut sample);
            let error = match examine(&sample.bytes) {
                Err(error) => error,
                Ok(found) => panic!("{case}, {shape:?}: {found:?}"),
            };
            assert!(error.contains(reason), "{case}, {shape:?}: {error}");
        }
    }
}

#[test]
fn what_stands_in_the_data_decides() {
    #[rustfmt::skip]
    let table: &[(&str, &[u8], Result<Reads, &str>)] = &[
        ("only equiv",        b"\0/etc/hosts.equiv\0",                       Ok(Reads::Nothing)),
        ("two",               b"\0/etc/hosts\0x\0/etc/hosts\0",              Err("refusing to choose")),
        ("one of each",       b"\0/etc/hosts\0/cte/hosts\0",                 Err("refusing to choose")),
        ("a longer one's tail", b"\0/usr/etc/hosts\0",                       Err("tail of a longer string")),
        ("both",              b"\0/etc/hosts\0/x/etc/hosts\0",               Err("tail of a longer string")),
        ("the first patch",   b"\0/tmp/hosts\0/etc/hosts.equiv\0",           Ok(Reads::Else("/tmp/hosts".into()))),
        ("another length",    b"\0/data/hosts\0",                            Ok(Reads::Nothing)),
        ("no terminator",     b"\0/etc/hosts",                               Err("across sections")),
        ("nothing",           b"\0",                                         Ok(Reads::Nothing)),
    ];
    for (case, data, want) in table {
        let sample = Sample::new(AMD64, data);
        match (examine(&sample.bytes), want) {
            (Ok(found), Ok(want)) => assert_eq!(found.reads, *want, "{case}"),
            (Err(error), Err(want)) => assert!(error.contains(want), "{case}: {error}"),
            (got, want) => panic!("{case}: {got:?}, {want:?}"),
        }
    }
}

#[test]
fn inlined_copies_are_told_from_strings() {
    let mut sample = Sample::new(AMD64, DATA);
    let code = sample.sections - 5 * 2 * 8 - 16;
    sample.bytes[code..code + 8].copy_from_slice(b"/etc/hos");
    assert_eq!(examine(&sample.bytes).unwrap().inlined, [code]);
    assert_eq!(
        examine(&Sample::new(AMD64, DATA).bytes).unwrap().inlined,
        [] as [usize; 0]
    );
}

/// Whatever the headers say: either nothing is changed, or two bytes of the one string are.
#[test]
fn no_byte_of_the_headers_can_lead_astray() {
    for shape in SHAPES {
        let good = Sample::new(shape, DATA);
        let equiv = good.slot() - b"/etc/hosts.equiv\0".len();
        for at in (0..good.data).chain(good.dynamic..good.bytes.len()) {
            for byte in [0, 1, 2, 0x10, 0x7f, 0x80, 0xff, good.bytes[at] ^ 0x40] {
                let mut bytes = good.bytes.clone();
                bytes[at] = byte;
                let Ok(found) = examine(&bytes) else { continue };
                let Reads::EtcHosts(slot) = found.reads else {
                    panic!("{shape:?}, {byte:#x} at {at:#x}: {found:?}");
                };
                assert_eq!(slot, good.slot(), "{shape:?}, {byte:#x} at {at:#x}");
                let patched = with_path(&bytes, slot, NEW).unwrap();
                assert_eq!(differences(&bytes, &patched).len(), 2);
                assert_eq!(patched[equiv..slot], bytes[equiv..slot]);
            }
        }
    }
}

#[test]
fn only_a_slot_with_one_of_the_two_paths_is_filled() {
    let sample = Sample::new(AMD64, DATA);
    for at in [
        0,
        sample.slot() - 1,
        sample.slot() + 1,
        sample.bytes.len() - 4,
        usize::MAX,
    ] {
        assert!(with_path(&sample.bytes, at, NEW).is_err(), "{at:#x}");
    }
}
