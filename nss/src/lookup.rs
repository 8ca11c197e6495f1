//! How a question is answered: from the text, or, where that is long, from the index.
//!
//! | files | system calls |
//! |---|---|
//! | a short `hosts` that has the answer | openat, pread, pread (the end), close |
//! | a short `hosts` that has not, and no `hosts.d` | the same and newfstatat of the folder |
//! | a long one, or `hosts.d`, with an index | newfstatat of both, openat, fstat, two preads, close; newfstatat of each file in `hosts.d` |
//! | the same without one | openat, fstat and as many preads as it takes, of each file |
//!
//! Which of the two ways is tried first is a guess from the last call, and costs a few calls when
//! it is wrong. Nothing else is remembered.

use core::ffi::CStr;
use core::sync::atomic::{AtomicBool, Ordering};

use hosts::index::{Index, ONE_READ, Stamp, Stamps};
use hosts::{Hosts, Question};

use crate::drop_ins::DropIns;
use crate::kernel::{At, Errno, Fd, Scratch, Stat, stat};
use crate::outcome::Failure;
use crate::source::{FOLDER, File, HOSTS, INDEX, Source, read, stamp};

/// Size of the buffer on the stack through which the files are read, in bytes: what one read
/// covers. Programs run resolvers on stacks of 16 KiB; the module keeps to half of that.
const READ_BUFFER: usize = ONE_READ;

/// The window on an index's copy of the text: a line or two, as each is read for its own sake.
/// What lies across the end of a page costs that page too, so this is no larger than lines are.
const INDEX_WINDOW: usize = 192;

/// How often a call starts over when files are edited under its hands.
const ATTEMPTS: u32 = 4;

/// Whether the last call found more than one read covers. Only a guess at what the next one will
/// find: any thread may change it at any time.
static LONG: AtomicBool = AtomicBool::new(false);

/// What a question is asked of.
pub(crate) type Files<'b, 'f, 'd> = Hosts<'b, Source<'f, 'd>>;

/// Has `ask` ask its `question`; it is called again where the files changed meanwhile.
///
/// # Errors
///
/// See [`Failure`].
pub(crate) fn ask<T>(
    question: Question<'_>,
    mut ask: impl FnMut(&mut Files<'_, '_, '_>) -> Result<T, Failure>,
) -> Result<T, Failure> {
    let mut answer = None;
    let mut ask = |hosts: &mut Files<'_, '_, '_>| {
        answer = Some(ask(hosts)?);
        Ok(())
    };
    repeat(question, &mut ask)?;
    answer.ok_or(Failure::NotFound)
}

/// Asks, and leaves the answer with who asks. Once in the module, whoever asks.
type Ask<'a> = &'a mut dyn FnMut(&mut Files<'_, '_, '_>) -> Result<(), Failure>;

#[inline(never)]
fn repeat(question: Question<'_>, ask: Ask<'_>) -> Result<(), Failure> {
    let mut buffer = Scratch::new();
    let buffer = buffer.bytes();
    for _ in 0..ATTEMPTS {
        match attempt(question, buffer, ask) {
            Err(Failure::Changed) => {}
            outcome => return outcome,
        }
    }
    Err(Failure::Changed)
}

fn attempt(
    question: Question<'_>,
    buffer: &mut [u8; READ_BUFFER],
    ask: Ask<'_>,
) -> Result<(), Failure> {
    // An enumeration reads everything anyway.
    let may_use_index = question != Question::All;
    let was_long = LONG.load(Ordering::Relaxed);
    if may_use_index && was_long {
        if let Some(outcome) = ask_index(question, buffer, ask) {
            return outcome;
        }
    }
    let (hosts, len) = open_hosts(buffer)?;
    let is_short = len < buffer.len();
    if is_short && may_use_index && hosts.is_some() {
        // What `hosts` says wins over `hosts.d`, so the folder matters for what it does not say.
        match ask(&mut Hosts::loaded(Source::Loaded, buffer, len, false)) {
            Err(Failure::More) => {}
            outcome => return outcome,
        }
    }
    let folder = stat(At::ROOT, FOLDER).is_ok_and(|stat| stat.is(libc::S_IFDIR));
    if is_short && !folder {
        if was_long {
            LONG.store(false, Ordering::Relaxed);
        }
        if hosts.is_none() {
            return Err(Failure::Source(Errno(libc::ENOENT)));
        }
        // What has been asked has found nothing but, perhaps, a wildcard.
        if may_use_index
            && !buffer
                .get(..len)
                .is_some_and(|text| hosts::holds(text, b'*'))
        {
            return Err(Failure::NotFound);
        }
        return ask(&mut Hosts::loaded(Source::Loaded, buffer, len, true));
    }
    if !was_long {
        LONG.store(true, Ordering::Relaxed);
        if may_use_index {
            if let Some(outcome) = ask_index(question, buffer, ask) {
                return outcome;
            }
        }
    }
    let hosts = hosts.map(File::new).transpose().map_err(Failure::Source)?;
    ask_text(hosts, folder, buffer, ask)
}

/// Opens `hosts` and reads what fits the buffer: less than that is all of it. Where there is no
/// such file, that is `None`.
fn open_hosts(buffer: &mut [u8]) -> Result<(Option<Fd>, usize), Failure> {
    let fd = match Fd::open(At::ROOT, HOSTS) {
        Ok(fd) => fd,
        Err(Errno(libc::ENOENT)) => return Ok((None, 0)),
        Err(error) => return Err(Failure::Source(error)),
    };
    match read(&fd, 0, buffer, None) {
        // What gives nothing, or no end of it, may be no regular file.
        Ok(len) if len == 0 || len == buffer.len() => {
            let file = File::new(fd).map_err(Failure::Source)?;
            Ok((Some(file.fd), len))
        }
        Ok(len) => Ok((Some(fd), len)),
        // Pipes and terminals cannot be read at an offset.
        Err(Errno(libc::ESPIPE)) => Err(Failure::Source(Errno(libc::EINVAL))),
        Err(error) => Err(Failure::Source(error)),
    }
}

/// Searches the text.
fn ask_text(
    hosts: Option<File>,
    folder: bool,
    buffer: &mut [u8; READ_BUFFER],
    ask: Ask<'_>,
) -> Result<(), Failure> {
    let folder = if folder {
        Fd::open(At::ROOT, FOLDER).ok()
    } else {
        None
    };
    match (hosts, folder) {
        (Some(hosts), None) => ask(&mut Hosts::new(Source::File(&hosts), buffer)),
        (hosts, Some(folder)) => ask_all(hosts, folder, buffer, ask),
        (None, None) => Err(Failure::Source(Errno(libc::ENOENT))),
    }
}

/// Searches the text of `hosts` and `hosts.d`.
#[inline(never)]
fn ask_all(
    hosts: Option<File>,
    folder: Fd,
    buffer: &mut [u8; READ_BUFFER],
    ask: Ask<'_>,
) -> Result<(), Failure> {
    let main = hosts.as_ref().map_or(0, |hosts| hosts.stat.size);
    let (memory, window) = buffer
        .split_at_mut_checked(DropIns::BUFFER)
        .unwrap_or_default();
    let mut files = DropIns::new(hosts, folder, memory);
    if files.is_empty().map_err(Failure::Source)? {
        return Err(Failure::Source(Errno(libc::ENOENT)));
    }
    ask(&mut Hosts::with_more(Source::All(&mut files), window, main))
}

/// Asks the index; `None` if there is none to be trusted, or it is not worth it.
#[inline(never)]
fn ask_index(
    question: Question<'_>,
    buffer: &mut [u8],
    ask: Ask<'_>,
) -> Option<Result<(), Failure>> {
    let stamps = stamps()?;
    let fd = Fd::open(At::ROOT, INDEX).ok()?;
    let file = File::new(fd).ok().filter(is_trusted)?;
    let (own, window) = buffer.split_at_mut_checked(Index::<Source<'_, '_>>::BUFFER)?;
    let window = window.get_mut(..INDEX_WINDOW)?;
    let mut index = Index::new(Source::File(&file), file.stat.size, stamps, own)?;
    let has_more = index.open(question).ok()?;
    if has_more && !drop_ins_match(&mut index, window) {
        return None;
    }
    let main = stamps.hosts.size;
    match ask(&mut Hosts::indexed(&mut index, window, main)) {
        Err(Failure::Index) => None,
        outcome => Some(outcome),
    }
}

/// What the files look like now; `None` where no index can be of use.
fn stamps() -> Option<Stamps> {
    let hosts = match stat(At::ROOT, HOSTS) {
        Ok(hosts) if is_public(&hosts) => stamp(&hosts),
        Err(Errno(libc::ENOENT)) => Stamp::ABSENT,
        _ => return None,
    };
    let folder = match stat(At::ROOT, FOLDER) {
        Ok(folder) if folder.is(libc::S_IFDIR) && folder.mode & OPEN == OPEN => stamp(&folder),
        Err(Errno(libc::ENOENT)) => Stamp::ABSENT,
        _ => return None,
    };
    let is_short = hosts == Stamp::ABSENT || hosts.size < ONE_READ as u64;
    (folder != Stamp::ABSENT || !is_short).then_some(Stamps { hosts, folder })
}

/// What lets everybody list a folder and get to its files.
const OPEN: libc::mode_t = libc::S_IROTH | libc::S_IXOTH;

/// A file that everybody may read; an index has no other in it.
fn is_public(stat: &Stat) -> bool {
    stat.is(libc::S_IFREG) && stat.mode & libc::S_IROTH != 0
}

/// An index is root's, and nobody else can have written it.
fn is_trusted(file: &File) -> bool {
    file.stat.uid == 0 && file.stat.mode & (libc::S_IWGRP | libc::S_IWOTH) == 0
}

/// Whether the files of `hosts.d` are still what the index was made from. Which files there are
/// is told by the folder's own time.
fn drop_ins_match(index: &mut Index<'_, Source<'_, '_>>, memory: &mut [u8]) -> bool {
    let folder = FOLDER.to_bytes();
    let Some((path, _)) = memory.split_at_mut_checked(folder.len() + 1) else {
        return false;
    };
    let end = hosts::copy(path, folder);
    if let Some(slash) = path.get_mut(end) {
        *slash = b'/';
    }
    let start = path.len();
    let mut at = 0;
    loop {
        let Some(name) = memory.get_mut(start..) else {
            return false;
        };
        let (then, len) = match index.next_source(&mut at, name) {
            Ok(Some(source)) => source,
            Ok(None) => return true,
            Err(_) => return false,
        };
        if let Some(nul) = name.get_mut(len) {
            *nul = 0;
        }
        let Ok(path) = CStr::from_bytes_until_nul(memory) else {
            return false;
        };
        let now = match stat(At::ROOT, path) {
            Ok(file) if is_public(&file) => stamp(&file),
            Ok(file) if file.is(libc::S_IFREG) => return false,
            _ => Stamp::ABSENT,
        };
        if !then.holds(now) {
            return false;
        }
    }
}

/// Whether there is anything to enumerate.
pub(crate) fn is_there() -> bool {
    File::open(At::ROOT, HOSTS).is_ok()
        || stat(At::ROOT, FOLDER).is_ok_and(|stat| stat.is(libc::S_IFDIR))
}
