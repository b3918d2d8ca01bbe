//! Converts requests of published traces to a trace file, in one pass and bounded memory.
//!
//! Rows need not be sorted: up to [`WINDOW`] requests are held back and leave in order of time. A
//! file with no more requests than that may be in any order; in a longer one a row that is earlier
//! than a request already written is a bad row.

use super::app_mapping::{AppMapping, Apps, Keys};
use super::merge::Merge;
use super::{ImportKind, ImportNotes, ImporterEntry, OpenTrace, decoded, distinct};
use crate::config::toml::quote;
use crate::config::{ConfigNode, Location, Problem, Problems};
use crate::core::units::decimal;
use crate::output::atomic::{self, WriteError};
use crate::output::packed;
use sha2::{Digest, Sha256};
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

/// How many requests are held back: 64 MiB, more than the two weeks of Azure's functions have.
pub const WINDOW: usize = 1 << 21;
/// The clock of a run ends here, some 30 years.
const MAX_SPAN_NS: i64 = 1_000_000_000_000_000_000;
/// The most keys that are listed in the record of an import.
const MAX_LISTED_KEYS: usize = 100;
/// The number of a class that is not known.
const NO_CLASS: u32 = u32::MAX;

/// What to import.
#[derive(Clone, Debug)]
pub struct ImportPlan<'a> {
    /// The files, merged by time.
    pub files: &'a [String],
    /// The settings of the kind.
    pub settings: &'a ConfigNode,
    /// `NAME` or `KEY=NAME`.
    pub apps: &'a [String],
    /// How keys become applications.
    pub map: AppMapping,
    /// How many bad rows may be skipped.
    pub max_bad_rows: u64,
    /// Whether the requests of files of one name are those of one model.
    pub merge_keys: bool,
    /// The file to write, compressed if it ends in `.gz` or `.zst`.
    pub out: &'a Path,
}

/// The result of an import.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImportSummary {
    /// Requests written.
    pub requests: u64,
    /// When the last one arrives, in nanoseconds since the first.
    pub last_ns: u64,
    /// Models and functions that were called.
    pub keys: usize,
    /// Bad rows that were skipped, and the first of them.
    pub skipped: (u64, Vec<Problem>),
    /// What was assumed of the files.
    pub notes: ImportNotes,
}

impl ImportSummary {
    /// Gaps between requests per second; `None` if all arrive at once.
    pub fn rate_rps(&self) -> Option<f64> {
        (self.last_ns > 0).then(|| (self.requests - 1) as f64 / (self.last_ns as f64 / 1e9))
    }
}

/// Why nothing was imported.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ImportError {
    /// The files or the settings are not right.
    #[error(transparent)]
    Input(#[from] Problems),
    /// The result could not be written.
    #[error(transparent)]
    Write(#[from] WriteError),
}

/// A request that waits for its turn: time, order of reading, key, class, budget.
type Waiting = Reverse<(i64, u64, u32, u32, u64)>;

/// Imports a trace and writes next to it a record of the import.
///
/// # Errors
/// Lists what is wrong with files and settings, or says why nothing could be written.
pub fn import(
    entry: &ImporterEntry,
    import: &ImportPlan<'_>,
) -> Result<ImportSummary, ImportError> {
    let ImportKind::Trace(decode) = entry.form else {
        let problem =
            Problem::new(Location::file(entry.name), "a kind of profile", "a kind of trace");
        return Err(Problems::from(problem).into());
    };
    let open = decoded(entry, import.settings, |settings| Some(decode(settings)))?;
    distinct(import.files, Some(import.out))?;
    let mut apps = Apps::read(import.apps, import.map)?;
    if apps.needs_key_count() {
        let keys = count_keys(import, &open)?;
        apps = apps.with_keys(keys);
    }
    let merge = Merge::open(import.files, &open, (import.max_bad_rows, import.merge_keys))?;
    let mut work = TraceWriter::new(merge, apps);
    let mut problems = Problems::default();
    let written = atomic::with(import.out, |file| {
        // Runs verify the text, not the bytes of its compression.
        let mut hash = Sha256::new();
        packed::write(import.out, file, |out| {
            let out = BufWriter::with_capacity(1 << 16, out);
            let mut out = Hashed { out, hash: &mut hash };
            match work.write(&mut out) {
                Ok(()) => out.out.flush(),
                Err(Stop::Write(error)) => Err(error),
                Err(Stop::Input(found)) => {
                    problems = found;
                    Err(io::Error::other("bad input"))
                }
            }
        })?;
        let text = work.record(entry, import, &hash.finalize());
        match record_path(import.out) {
            Some(path) => atomic::write(&path, text.as_bytes()).map_err(|error| error.source),
            None => Ok(()),
        }
    });
    problems.check(Some(()))?;
    written?;
    let (bad, reported) = work.merge.skipped();
    Ok(ImportSummary {
        requests: work.requests,
        last_ns: work.last_ns(),
        keys: work.keys.names().len(),
        skipped: (bad, reported.to_vec()),
        notes: work.merge.notes(),
    })
}

/// The path of the record of an import; `None` for a pipe or a device.
pub(super) fn record_path(out: &Path) -> Option<PathBuf> {
    if !atomic::is_replaced(out) {
        return None;
    }
    let mut name = out.file_name()?.to_os_string();
    name.push(".import.toml");
    Some(out.with_file_name(name))
}

fn count_keys(import: &ImportPlan<'_>, open: &OpenTrace) -> Result<usize, Problems> {
    let mut merge = Merge::open(import.files, open, (import.max_bad_rows, import.merge_keys))?;
    let mut keys = Keys::default();
    while let Some((request, place)) = merge.next_request()? {
        keys.number(&request.key).ok_or_else(|| too_many_names(place))?;
    }
    Ok(keys.names().len())
}

fn too_many_names(place: Location) -> Problem {
    Problem::new(place, "more than a million models or classes", "names that repeat")
}

/// Why writing stopped.
enum Stop {
    Input(Problems),
    Write(io::Error),
}

impl<E: Into<Problems>> From<E> for Stop {
    fn from(problems: E) -> Self {
        Self::Input(problems.into())
    }
}

struct TraceWriter {
    merge: Merge,
    apps: Apps,
    keys: Keys,
    classes: Keys,
    window: BinaryHeap<Waiting>,
    /// How many requests were read.
    read: u64,
    /// Time of the first and the last request written, in nanoseconds.
    first: Option<i64>,
    last: i64,
    /// How many requests were written.
    requests: u64,
    /// Whether the file has a column of classes, and one of budgets.
    columns: (bool, bool),
    line: String,
}

impl TraceWriter {
    fn new(merge: Merge, apps: Apps) -> Self {
        let (keys, classes, window) = (Keys::default(), Keys::default(), BinaryHeap::new());
        let (columns, line) = ((false, false), String::new());
        let (read, first, last, requests) = (0, None, i64::MIN, 0);
        Self { merge, apps, keys, classes, window, read, first, last, requests, columns, line }
    }

    fn place(&self) -> Location {
        Location::file(self.merge.files().next().map_or("", |(path, _)| path))
    }

    fn last_ns(&self) -> u64 {
        self.first.map_or(0, |first| (self.last - first) as u64)
    }

    fn write(&mut self, out: &mut impl Write) -> Result<(), Stop> {
        while let Some((request, place)) = self.merge.next_request()? {
            if request.time_ns < self.last {
                let found = format!("a request that belongs {WINDOW} rows or more before this");
                self.merge.skip(Problem::new(place, found, "rows more nearly in order of time"))?;
                continue;
            }
            let key =
                self.keys.number(&request.key).ok_or_else(|| too_many_names(place.clone()))?;
            let class = match &request.class {
                Some(class) => self.classes.number(class).ok_or_else(|| too_many_names(place))?,
                None => NO_CLASS,
            };
            let budget = request.budget_ns.unwrap_or(0);
            self.read += 1;
            self.columns = (class != NO_CLASS, budget > 0);
            self.window.push(Reverse((request.time_ns, self.read, key, class, budget)));
            if self.window.len() > WINDOW
                && let Some(oldest) = self.window.pop()
            {
                self.put(oldest, out)?;
            }
        }
        while let Some(oldest) = self.window.pop() {
            self.put(oldest, out)?;
        }
        if self.requests == 0 {
            return Err(Problem::new(self.place(), "no request", "at least one").into());
        }
        Ok(())
    }

    fn put(&mut self, waiting: Waiting, out: &mut impl Write) -> Result<(), Stop> {
        let Reverse((time, _, key, class, budget)) = waiting;
        let first = *self.first.get_or_insert(time);
        let name = &self.keys.names()[key as usize];
        let Some(app) = self.apps.next(key as usize, name) else {
            let found = format!("no application for `{name}`");
            let expected = format!("`--app '{name}=NAME'`, or `--app NAME` for all others");
            return Err(Problem::new(Location::file("--app"), found, expected).into());
        };
        let Some(since) = time.checked_sub(first).filter(|since| *since <= MAX_SPAN_NS) else {
            let found = format!("requests over {:.1e} s", (time as f64 - first as f64) / 1e9);
            return Err(Problem::new(self.place(), found, "1e9 s at most").into());
        };
        self.line.clear();
        if self.requests == 0 {
            self.line.push_str("arrival_s,app");
            self.line.push_str(if self.columns.0 { ",class" } else { "" });
            self.line.push_str(if self.columns.1 { ",budget_ms" } else { "" });
            self.line.push('\n');
        }
        self.line.push_str(&decimal(since as u64, 9));
        self.line.push(',');
        self.line.push_str(app);
        if self.columns.0 {
            self.line.push(',');
            self.line.push_str(&self.classes.names()[class as usize]);
        }
        if self.columns.1 {
            self.line.push(',');
            self.line.push_str(&decimal(budget, 6));
        }
        self.line.push('\n');
        self.requests += 1;
        self.last = time;
        out.write_all(self.line.as_bytes()).map_err(Stop::Write)
    }

    /// What it took to make the file, as TOML.
    fn record(&mut self, entry: &ImporterEntry, import: &ImportPlan<'_>, hash: &[u8]) -> String {
        let mut text = format!(
            "# How {} was made; runs copy this into their manifest.\n",
            import.out.file_name().unwrap_or_default().to_string_lossy()
        );
        let (bad, reported) = self.merge.skipped();
        let list = |texts: &mut dyn Iterator<Item = String>| {
            format!("[{}]", texts.map(|text| quote(&text)).collect::<Vec<_>>().join(", "))
        };
        let map = AppMapping::ALL.iter().find(|(_, map)| *map == import.map);
        let mut line = |key: &str, value: String| text.push_str(&format!("{key} = {value}\n"));
        line("sha256", quote(&crate::config::source::hex(hash)));
        line("kind", quote(entry.name));
        line("requests", self.requests.to_string());
        line("skipped_rows", bad.to_string());
        line("skipped", list(&mut reported.iter().map(Problem::to_string)));
        line("settings", import.settings.canonical());
        line("read_as", list(&mut self.merge.notes().facts.into_iter()));
        line("map", quote(map.map_or("", |(name, _)| name)));
        line("keys", self.keys.names().len().to_string());
        text.push_str("\n# SHA-256 of what was read, decompressed.\n[files]\n");
        for (path, hash) in self.merge.files() {
            text.push_str(&format!("{} = {}\n", quote(path), quote(&hash)));
        }
        if import.map != AppMapping::Requests && self.keys.names().len() <= MAX_LISTED_KEYS {
            text.push_str("\n# The application of each model or function.\n[apps]\n");
            for (at, key) in self.keys.names().iter().enumerate() {
                let app = self.apps.next(at, key).unwrap_or_default();
                text.push_str(&format!("{} = {}\n", quote(key), quote(app)));
            }
        }
        text
    }
}

/// Hashes what goes through.
struct Hashed<'h, W> {
    out: W,
    hash: &'h mut Sha256,
}

impl<W: Write> Write for Hashed<'_, W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = self.out.write(bytes)?;
        self.hash.update(&bytes[..count]);
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}
