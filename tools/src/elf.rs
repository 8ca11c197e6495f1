//! A shared library, as far as its headers tell: for which machine, under what name, and which
//! of its bytes are read-only data.
//!
//! Bytes that this command did not write: nothing here computes an offset without a check, and
//! of goblin only the readers of single tables are used, each of which is bounded by the file.
#![deny(clippy::arithmetic_side_effects)]

use std::ffi::OsStr;
use std::ops::Range;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

use goblin::container::Ctx;
use goblin::elf::Elf;
use goblin::elf::dynamic::{DT_FLAGS, DT_SONAME, DT_STRTAB, DT_TEXTREL, Dynamic};
use goblin::elf::header::{ET_DYN, Header};
use goblin::elf::program_header::{PF_W, PF_X, PT_INTERP, PT_LOAD, ProgramHeader};
use goblin::elf::section_header::{
    SHF_ALLOC, SHF_EXECINSTR, SHF_WRITE, SHT_PROGBITS, SectionHeader,
};

/// `DF_TEXTREL` of elf.h: relocations against read-only segments.
const DF_TEXTREL: u64 = 4;
/// Of `e_flags` on ARM: floating point in registers, which is what Debian calls armhf.
const EF_ARM_ABI_FLOAT_HARD: u32 = 0x400;

/// What a program needs to run beside a library: the same machine, width and byte order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Machine {
    /// `e_machine`.
    number: u16,
    is_64: bool,
    is_little: bool,
    is_hard_float: bool,
}

impl Machine {
    /// The machine that this command was built for.
    pub(crate) fn of_this_process() -> Self {
        Self {
            number: match std::env::consts::ARCH {
                "x86" => 3,
                "arm" => 40,
                "powerpc64" => 21,
                "s390x" => 22,
                "x86_64" => 62,
                "aarch64" => 183,
                "riscv64" => 243,
                _ => 0,
            },
            is_64: cfg!(target_pointer_width = "64"),
            is_little: cfg!(target_endian = "little"),
            is_hard_float: cfg!(target_arch = "arm"),
        }
    }

    fn of(header: &Header) -> Option<Self> {
        Some(Self {
            number: header.e_machine,
            is_64: header.container().ok()?.is_big(),
            is_little: header.endianness().ok()?.is_little(),
            is_hard_float: header.e_machine == 40 && header.e_flags & EF_ARM_ABI_FLOAT_HARD != 0,
        })
    }

    /// Debian's name for it, or its number.
    pub(crate) fn name(self) -> String {
        let name = match (self.number, self.is_64, self.is_little, self.is_hard_float) {
            (3, false, true, _) => "i386",
            (40, false, true, true) => "armhf",
            (40, false, true, false) => "armel",
            (21, true, true, _) => "ppc64el",
            (21, true, false, _) => "ppc64",
            (22, true, false, _) => "s390x",
            (62, true, true, _) => "amd64",
            (62, false, true, _) => "x32",
            (183, true, true, _) => "arm64",
            (243, true, true, _) => "riscv64",
            (258, true, true, _) => "loong64",
            (number, ..) => return format!("machine {number}"),
        };
        name.into()
    }
}

/// The machine of any ELF file; `None` if it is none.
pub(crate) fn machine(image: &[u8]) -> Option<Machine> {
    Machine::of(&Elf::parse_header(image).ok()?)
}

/// The loader that a program names; `None` if it names none.
pub(crate) fn interpreter(image: &[u8]) -> Option<PathBuf> {
    let header = Elf::parse_header(image).ok()?;
    let start = offset(header.e_phoff).ok()?;
    let count = usize::from(header.e_phnum);
    let segments = ProgramHeader::parse(image, start, count, context(&header).ok()?).ok()?;
    let named = segments
        .iter()
        .find(|segment| segment.p_type == PT_INTERP)?;
    let text = image.get(offset(named.p_offset).ok()?..)?;
    let text = text.get(..memchr::memchr(0, text)?)?;
    Some(PathBuf::from(OsStr::from_bytes(text)))
}

/// A shared library.
#[derive(Debug)]
pub(crate) struct Library<'a> {
    pub(crate) machine: Machine,
    pub(crate) soname: &'a [u8],
    segments: Vec<ProgramHeader>,
    sections: Vec<SectionHeader>,
}

impl<'a> Library<'a> {
    /// Reads the headers of `image`.
    ///
    /// # Errors
    ///
    /// What is wrong with it, to be put behind the path of the file.
    pub(crate) fn parse(image: &'a [u8]) -> Result<Self, String> {
        let header = Elf::parse_header(image).map_err(|error| format!("no ELF file: {error}"))?;
        let machine = Machine::of(&header).ok_or("an ELF file of no known class")?;
        if header.e_type != ET_DYN {
            return Err("no shared library".into());
        }
        let ctx = context(&header)?;
        if usize::from(header.e_phentsize) != ProgramHeader::size(ctx) {
            return Err("program headers of an unknown size".into());
        }
        let segments = ProgramHeader::parse(
            image,
            offset(header.e_phoff)?,
            usize::from(header.e_phnum),
            ctx,
        )
        .map_err(|error| format!("unreadable program headers: {error}"))?;
        // As of a download that broke off.
        let whole = 0..image.len();
        let is_loaded = |segment: &&ProgramHeader| segment.p_type == PT_LOAD;
        let mut loaded = segments.iter().filter(is_loaded);
        if !loaded.all(|segment| contains(&whole, segment.p_offset, segment.p_filesz)) {
            return Err("a segment that reaches beyond the end of the file".into());
        }
        let sections = sections(image, &header, ctx)?;
        let soname = dynamic(image, &segments, ctx)?;
        Ok(Self {
            machine,
            soname,
            segments,
            sections,
        })
    }

    /// Whether the bytes at `range` in the file are instructions, as far as sections tell.
    pub(crate) fn is_code(&self, range: &Range<usize>) -> bool {
        self.sections.iter().any(|section| {
            section.sh_flags & u64::from(SHF_EXECINSTR) != 0
                && holds(section.sh_offset, section.sh_size, range)
        })
    }

    /// Why the bytes at `range` in the file are not read-only data that only programs read.
    pub(crate) fn not_read_only_data(&self, range: &Range<usize>) -> Option<&'static str> {
        let mut loaded = self
            .segments
            .iter()
            .filter(|segment| segment.p_type == PT_LOAD)
            .filter(|segment| overlaps(segment.p_offset, segment.p_filesz, range))
            .peekable();
        if loaded.peek().is_none() {
            return Some("outside of what is loaded into memory");
        }
        let mut executable = false;
        for segment in loaded {
            if !holds(segment.p_offset, segment.p_filesz, range) {
                return Some("across the end of a segment");
            }
            if segment.p_flags & PF_W != 0 {
                return Some("in a writable segment");
            }
            executable |= segment.p_flags & PF_X != 0;
        }
        // Linkers that do not separate code put read-only data and code into one segment; only
        // the sections tell them apart.
        let mut around = self
            .sections
            .iter()
            .filter(|section| section.sh_type == SHT_PROGBITS)
            .filter(|section| overlaps(section.sh_offset, section.sh_size, range));
        let Some(section) = around.next() else {
            return if self.sections.is_empty() && !executable {
                None
            } else {
                Some("in no section of data")
            };
        };
        let flags = section.sh_flags;
        if around.next().is_some() || !holds(section.sh_offset, section.sh_size, range) {
            Some("across sections")
        } else if flags & u64::from(SHF_EXECINSTR) != 0 {
            Some("in code")
        } else if flags & u64::from(SHF_WRITE) != 0 || flags & u64::from(SHF_ALLOC) == 0 {
            Some("in a section that is not read-only data")
        } else {
            None
        }
    }
}

fn context(header: &Header) -> Result<Ctx, String> {
    let width = header.container().map_err(|error| error.to_string())?;
    let order = header.endianness().map_err(|error| error.to_string())?;
    Ok(Ctx::new(width, order))
}

fn offset(value: u64) -> Result<usize, String> {
    usize::try_from(value).map_err(|_| "an offset beyond memory".into())
}

fn sections(image: &[u8], header: &Header, ctx: Ctx) -> Result<Vec<SectionHeader>, String> {
    if header.e_shoff == 0 {
        return Ok(Vec::new());
    }
    if usize::from(header.e_shentsize) != SectionHeader::size(ctx) {
        return Err("section headers of an unknown size".into());
    }
    let count = usize::from(header.e_shnum);
    SectionHeader::parse(image, offset(header.e_shoff)?, count, ctx)
        .map_err(|error| format!("unreadable section headers: {error}"))
}

/// The SONAME. A library whose loader would write to its read-only segments is refused, as a
/// relocation might then lie where a path is to go.
fn dynamic<'a>(image: &'a [u8], segments: &[ProgramHeader], ctx: Ctx) -> Result<&'a [u8], String> {
    let dynamic = Dynamic::parse(image, segments, ctx)
        .map_err(|error| format!("unreadable dynamic section: {error}"))?
        .ok_or("no dynamic section")?;
    let value = |tag: u64| {
        let entry = dynamic.dyns.iter().find(|entry| entry.d_tag == tag);
        entry.map(|entry| entry.d_val)
    };
    let relocates = value(DT_FLAGS).is_some_and(|flags| flags & DF_TEXTREL != 0);
    if relocates || value(DT_TEXTREL).is_some() {
        return Err("relocations in read-only segments".into());
    }
    let (Some(table), Some(name)) = (value(DT_STRTAB), value(DT_SONAME)) else {
        return Err("no SONAME".into());
    };
    soname(image, segments, table, name).ok_or_else(|| "a SONAME outside of the file".into())
}

fn soname<'a>(
    image: &'a [u8],
    segments: &[ProgramHeader],
    table: u64,
    name: u64,
) -> Option<&'a [u8]> {
    let address = table.checked_add(name)?;
    let place = segments
        .iter()
        .filter(|segment| segment.p_type == PT_LOAD)
        .find_map(|segment| {
            let within = address.checked_sub(segment.p_vaddr)?;
            (within < segment.p_filesz).then_some(segment.p_offset.checked_add(within)?)
        })?;
    let text = image.get(usize::try_from(place).ok()?..)?;
    text.get(..memchr::memchr(0, text)?)
}

/// Whether a part of a file lies in `range`.
fn contains(range: &Range<usize>, start: u64, len: u64) -> bool {
    let end = start.checked_add(len);
    range.start as u64 <= start && end.is_some_and(|end| end <= range.end as u64)
}

/// Whether a part of a file has a byte in common with `range`.
fn overlaps(start: u64, len: u64, range: &Range<usize>) -> bool {
    let end = start.saturating_add(len);
    start < range.end as u64 && (range.start as u64) < end
}

/// Whether all of `range` lies in a part of a file.
fn holds(start: u64, len: u64, range: &Range<usize>) -> bool {
    start <= range.start as u64 && range.end as u64 <= start.saturating_add(len)
}
