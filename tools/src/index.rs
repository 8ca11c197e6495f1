//! `index`: builds the index that lookups in long files are answered from.
//!
//! An index is of use to lookups only if it matches the files by size and time. Image layers keep
//! whole seconds, so a file that is edited twice within a second, with an index in between, would
//! look the same; hence an index is made only when the second of the last edit is over, by the
//! clock of the file system itself.

use std::fmt;
use std::fs::{self, File};
use std::io::{self, BufWriter, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use hosts::Question;
use hosts::index::{BODY, Index, ONE_READ, Stamp, Stamps};
use hosts_index::{Built, Source};
use serde_json::{Value, json};
use sys::staged::{How, NewMode, Staged};

use crate::files::{self, HostsFile, State};
use crate::hosts_file::PATIENCE;
use crate::root::{FOLDER, HOSTS, Root};

/// The index, beside the hosts file.
pub(crate) const INDEX: &str = "/etc/workaround-docker-2267/hosts.index";

/// How often the files may be edited while the index is made.
const ATTEMPTS: u32 = 5;
/// The second of the last edit is over by then, unless the clocks differ.
const LONGEST_WAIT: Duration = Duration::from_millis(2500);
/// The granularity of the clock of file systems is finer.
const PAUSE: Duration = Duration::from_millis(20);

/// Everybody may read it, and half of one must not survive a crash.
const AS: How = How {
    mode: NewMode::Exact(0o644),
    durable: true,
    in_place: false,
};

/// What became of the index.
#[derive(Debug)]
pub(crate) enum Outcome {
    /// It was made.
    Made { built: Built, files: usize },
    /// The one that is there matches.
    Fresh,
    /// There is no need for one.
    Needless,
    /// There is none, for a reason that is not worth stopping for.
    None(String),
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Made { built, files } => {
                let kib = built.size.div_ceil(1024);
                let noun = if *files == 1 { "file" } else { "files" };
                let entries = built.entries;
                write!(
                    f,
                    "indexed {entries} entries of {files} {noun} in {kib} KiB"
                )
            }
            Self::Fresh => f.write_str("the index is up to date"),
            Self::Needless => write!(
                f,
                "no index needed: {HOSTS} is read at once, and hosts.d adds nothing"
            ),
            Self::None(why) => write!(f, "no index, lookups search the text: {why}"),
        }
    }
}

impl Outcome {
    pub(crate) fn to_json(&self) -> Value {
        match self {
            Self::Made { built, files } => json!({
                "index": "made", "entries": built.entries, "files": files, "size": built.size,
            }),
            Self::Fresh => json!({"index": "up to date"}),
            Self::Needless => json!({"index": "not needed"}),
            Self::None(why) => json!({"index": "none", "reason": why}),
        }
    }
}

/// Makes the index, or sees that none is needed.
pub(crate) fn build(root: &Root) -> Result<Outcome> {
    let path = root.resolve(FOLDER)?.join("hosts.index");
    if root.is_this_system() && sys::user::effective_uid() != 0 {
        return Ok(Outcome::None("only root's counts; run as root".into()));
    }
    for _ in 0..ATTEMPTS {
        let files = files::list(root)?;
        let state = files::state(root, &files)?;
        if !is_needed(&state) {
            // One that is there would match nothing; if it has to stay, it does no harm.
            let _ = sys::file::remove(&path);
            return Ok(Outcome::Needless);
        }
        if let Some(closed) = &state.closed {
            let _ = sys::file::remove(&path);
            return Ok(Outcome::None(format!(
                "{closed} is not readable by all, and an index would show it; see `chmod a+rX`"
            )));
        }
        match attempt(root, &path, &files, &state) {
            Ok(built) => {
                let files = state.files.iter().filter(|&&stamp| stamp != Stamp::ABSENT);
                return Ok(Outcome::Made {
                    built,
                    files: files.count(),
                });
            }
            Err(Failure::Changed) => {}
            Err(Failure::Io(error)) if is_closed(&error) => {
                let path = path.display();
                return Ok(Outcome::None(format!("cannot write {path}: {error}")));
            }
            Err(Failure::Io(error)) => bail!("cannot write {}: {error}", path.display()),
            Err(Failure::Other(error)) => return Err(error),
        }
    }
    bail!("cannot index {HOSTS}: it is edited all the while; try again when it is not");
}

/// The same unless the index that is there matches.
pub(crate) fn refresh(root: &Root) -> Result<Outcome> {
    let files = files::list(root)?;
    let state = files::state(root, &files)?;
    if is_needed(&state) && matches(root, &files, &state) {
        return Ok(Outcome::Fresh);
    }
    build(root)
}

/// The same as a note for people, of what they may want to know.
pub(crate) fn refresh_quietly(root: &Root) -> Option<String> {
    match refresh(root) {
        Ok(Outcome::Needless | Outcome::Fresh) => None,
        Ok(outcome) => Some(outcome.to_string()),
        Err(error) => Some(format!("no index, lookups search the text: {error:#}")),
    }
}

fn is_needed(state: &State) -> bool {
    let short = |stamp: &Stamp| *stamp == Stamp::ABSENT || stamp.size < ONE_READ as u64;
    let Some((hosts, drop_ins)) = state.files.split_first() else {
        return false;
    };
    !short(hosts) || drop_ins.iter().any(|stamp| *stamp != Stamp::ABSENT)
}

fn is_closed(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ReadOnlyFilesystem | io::ErrorKind::PermissionDenied
    )
}

enum Failure {
    Changed,
    Io(io::Error),
    Other(anyhow::Error),
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

fn attempt(root: &Root, path: &Path, files: &[HostsFile], state: &State) -> Result<Built, Failure> {
    let folder = root.resolve(FOLDER).map_err(Failure::Other)?;
    // A new file takes the owner and mode of the old one, which lookups may not trust.
    if fs::metadata(path).is_ok_and(|metadata| !is_trusted(&metadata)) {
        sys::file::remove(path)?;
    }
    let mut lock = None;
    let mut built = None;
    let staged = Staged::write(path, AS, |file| {
        wait_for_the_next_second(file, state.last_change())?;
        // From here on no other run of the command edits the files.
        lock = Some(sys::file::lock_folder(&folder, PATIENCE)?);
        let is_same = || Ok::<_, Failure>(now(root, files)? == *state);
        if !is_same()? {
            return Err(Failure::Changed);
        }
        built = Some(write(files, state, file)?);
        if is_same()? {
            Ok(())
        } else {
            Err(Failure::Changed)
        }
    })?;
    staged.commit()?;
    drop(lock);
    built.ok_or(Failure::Changed)
}

/// The state of the files, if they are still the same.
fn now(root: &Root, files: &[HostsFile]) -> Result<State, Failure> {
    let listed = files::list(root).map_err(Failure::Other)?;
    let same = listed
        .iter()
        .map(|file| &file.path)
        .eq(files.iter().map(|file| &file.path));
    if same {
        files::state(root, files).map_err(Failure::Other)
    } else {
        Err(Failure::Changed)
    }
}

/// Waits until the clock of `file`'s file system has passed the second `last`.
fn wait_for_the_next_second(file: &mut File, last: i64) -> Result<(), Failure> {
    let start = Instant::now();
    loop {
        file.rewind()?;
        file.write_all(b".")?;
        let now = file.metadata()?.mtime();
        if now > last {
            file.set_len(0)?;
            file.rewind()?;
            return Ok(());
        }
        // Nothing waits for a date that is far off.
        if start.elapsed() > LONGEST_WAIT || last - now > 2 {
            return Err(Failure::Other(anyhow::anyhow!(
                "cannot index a file with a date in the future; `touch {HOSTS}` sets it right"
            )));
        }
        thread::sleep(PAUSE);
    }
}

fn write(files: &[HostsFile], state: &State, out: &mut File) -> Result<Built, Failure> {
    let mut sources = Vec::new();
    for (file, &stamp) in files.iter().zip(&state.files) {
        let text = if stamp == Stamp::ABSENT {
            None
        } else {
            file.open().map_err(Failure::Other)?
        };
        sources.push(Source {
            name: file.drop_in.clone(),
            stamp,
            text,
        });
    }
    let mut out = BufWriter::new(out);
    let built = hosts_index::build(state.folder, &mut sources, &mut out).map_err(|error| {
        let file = error.source_number().and_then(|n| files.get(n));
        match error {
            hosts_index::Error::Changed(_) => Failure::Changed,
            hosts_index::Error::Write(error) => Failure::Io(error),
            error => Failure::Other(match file {
                Some(file) => anyhow::anyhow!("cannot index {}: {error}", file.name),
                None => anyhow::anyhow!("cannot index {HOSTS}: {error}"),
            }),
        }
    })?;
    out.flush()?;
    Ok(built)
}

/// As the module sees it: root's, and nobody else can have written it.
fn is_trusted(metadata: &fs::Metadata) -> bool {
    metadata.is_file() && metadata.uid() == 0 && metadata.mode() & 0o022 == 0
}

/// Whether the index is one that lookups trust, of the files as they are.
pub(crate) fn matches(root: &Root, files: &[HostsFile], state: &State) -> bool {
    let check = || -> Result<bool> {
        let path = root.resolve(INDEX)?;
        let file = sys::file::open_regular(&path).map_err(|_| anyhow::anyhow!("no index"))?;
        let metadata = file.metadata()?;
        let stamps = Stamps {
            hosts: state.files.first().copied().unwrap_or(Stamp::ABSENT),
            folder: state.folder,
        };
        let mut buffer = vec![0; Index::<At>::BUFFER];
        let index = Index::new(At(file), metadata.size(), stamps, &mut buffer);
        let Some(mut index) = index.filter(|_| is_trusted(&metadata)) else {
            return Ok(false);
        };
        let fault = || anyhow::anyhow!("no index");
        index
            .open(Question::Name(b"", hosts::Family::Any))
            .map_err(|_| fault())?;
        let mut at = 0;
        let mut name = [0; BODY];
        let mut rest = files.iter().zip(&state.files).skip(1);
        while let Some((stamp, len)) = index.next_source(&mut at, &mut name).map_err(|_| fault())? {
            let same = rest.next().is_some_and(|(file, now)| {
                name.get(..len) == Some(&file.drop_in) && stamp.holds(*now)
            });
            if !same {
                return Ok(false);
            }
        }
        Ok(rest.next().is_none())
    };
    check().unwrap_or(false)
}

/// A file that is read at offsets.
struct At(File);

impl hosts::ReadAt for At {
    type Error = io::Error;

    fn read_at(&mut self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.seek(SeekFrom::Start(offset))?;
        let mut done = 0;
        while let Some(rest) = buffer.get_mut(done..).filter(|rest| !rest.is_empty()) {
            match self.0.read(rest)? {
                0 => break,
                len => done += len,
            }
        }
        Ok(done)
    }
}

/// For `status`: the state of the index; `None` where none is needed.
pub(crate) fn describe(root: &Root) -> Result<Option<String>> {
    let files = files::list(root)?;
    let state = files::state(root, &files)?;
    if !is_needed(&state) {
        return Ok(None);
    }
    let path = root.resolve(INDEX)?;
    if matches(root, &files, &state) {
        let size = fs::metadata(&path)
            .with_context(|| path.display().to_string())?
            .len();
        return Ok(Some(format!(
            "{INDEX}, up to date, {} KiB",
            size.div_ceil(1024)
        )));
    }
    let how = if path.exists() {
        "out of date"
    } else {
        "missing"
    };
    Ok(Some(format!(
        "{INDEX} is {how}, so lookups search the text; `workaround-docker-2267 index` makes it"
    )))
}
