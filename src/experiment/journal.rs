//! Finished runs, kept as they finish: one line each, appended and flushed.
//!
//! A line is `checksum,key,wall_s,error,metric cells…` as CSV, then quantiles, then rows of tables,
//! each list behind its length; the key is build, run id and what is wanted beside. A line cut
//! short by a crash or a full disk fails its checksum and its run is done again.
//! Runs of another build or of other inputs have other keys and are never found. Those of this
//! build stay: who asks for two replicates in a folder of ten does not lose the other eight.
//!
//! A folder holds `runs.journal` and, where several processes share its runs, `shards/*.journal`.
//! Each has one writer, which holds the lock beside it; all are read by everybody. Nothing depends
//! on names, times or the order of files.

use super::axis::RunSpec;
use super::run::RunResult;
use crate::config::source::hex;
use crate::metrics::COLUMNS;
use crate::output::atomic::{self, WriteError};
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, ErrorKind, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Cells before the metrics: key, seconds, error.
const HEAD: usize = 3;

/// A run and its row.
#[derive(Clone, Debug)]
pub struct RunRecord {
    /// Which run.
    pub spec: RunSpec,
    /// Its id.
    pub id: String,
    /// What it came to; shared, since a hundred thousand of them are a quarter of a gigabyte.
    pub entry: Arc<JournalEntry>,
}

impl RunRecord {
    /// Whether the run failed.
    pub fn failed(&self) -> bool {
        !self.entry.result.error.is_empty()
    }
}

/// A run and how long it took.
#[derive(Clone, Debug)]
pub struct JournalEntry {
    /// What it came to.
    pub result: RunResult,
    /// Wall-clock seconds.
    pub wall_s: f64,
}

/// What all journals of a folder hold.
#[derive(Debug, Default)]
pub struct JournalContents {
    /// The wanted runs by key. One that failed is here only if it never succeeded.
    pub entries: BTreeMap<String, Arc<JournalEntry>>,
    /// Journals with runs of another build, and that build.
    pub foreign: BTreeMap<PathBuf, String>,
    /// A key of which two lines say different things, and the journal of the second.
    pub conflict: Option<(String, PathBuf)>,
}

/// The journal that one process writes.
#[derive(Debug)]
pub struct Journal {
    path: PathBuf,
    /// Also read: its content survives the removal of its name.
    file: File,
    /// Why a line was cut short: another behind it would be lost with it.
    broken: Option<String>,
    folder: PathBuf,
    lock: Lock,
}

/// Held as long as the journal is open; the system frees it when its owner dies.
#[derive(Debug)]
struct Lock(File);

impl Drop for Lock {
    /// A child that is about to start may hold a copy of the file: closing ours would not free it.
    fn drop(&mut self) {
        let _ = self.0.unlock();
    }
}

impl Journal {
    /// The journal `name` in `folder` to append to. Its lines that are broken, or whose run failed
    /// or has not `prefix`, are dropped. The error is of the kind `WouldBlock` if another process
    /// is at work on it.
    pub fn open(folder: &Path, name: &str, prefix: &str) -> Result<Self, WriteError> {
        let path = folder.join(format!("{name}.journal"));
        let lock = claim(folder, &path)?;
        [folder.to_owned(), folder.join("figures")]
            .iter()
            .for_each(|f| atomic::remove_leftovers(f));
        let bytes = content(&path)?;
        let text = String::from_utf8_lossy(&bytes);
        let mut keys = BTreeSet::new();
        let mut kept = String::new();
        for line in text.split_inclusive('\n') {
            let Some(cells) = cells(line) else { continue };
            let [key, _, error, ..] = cells.as_slice() else { continue };
            if key.starts_with(prefix) && error.is_empty() && keys.insert(key.clone()) {
                kept.push_str(line);
            }
        }
        if kept.as_bytes() != bytes {
            atomic::write(&path, kept.as_bytes())?;
        }
        let file = append(&path)?;
        Ok(Self { folder: folder.to_owned(), path, file, broken: None, lock })
    }

    /// Makes the journal again, with all its runs, if somebody removed its folder meanwhile;
    /// whether that was so.
    pub fn restore(&mut self) -> Result<bool, WriteError> {
        if is_same(&self.file, &self.path) {
            return Ok(false);
        }
        let mut bytes = Vec::new();
        let read =
            self.file.seek(SeekFrom::Start(0)).and_then(|_| self.file.read_to_end(&mut bytes));
        read.map_err(WriteError::at(&self.path))?;
        self.lock = claim(&self.folder, &self.path)?;
        atomic::write(&self.path, &bytes)?;
        self.file = append(&self.path)?;
        Ok(true)
    }

    /// The folder of the results.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Adds a run.
    pub fn push(&mut self, key: &str, entry: &JournalEntry) -> Result<(), WriteError> {
        if let Some(why) = &self.broken {
            return Err(WriteError::at(&self.path)(io::Error::other(why.clone())));
        }
        self.restore()?;
        let line = format(key, entry);
        // One write call: a line is there whole or cut short, never mixed with another.
        let written = self.file.write_all(line.as_bytes()).and_then(|()| self.file.flush());
        self.broken = written.as_ref().err().map(ToString::to_string);
        written.map_err(WriteError::at(&self.path))
    }
}

/// What the journals in `folder` hold of the keys that are `wanted`; all others of this build
/// begin with `prefix`.
pub fn read(
    folder: &Path,
    prefix: &str,
    wanted: impl Fn(&str) -> bool,
) -> Result<JournalContents, WriteError> {
    let mut found = JournalContents::default();
    for path in journals(folder) {
        let bytes = content(&path)?;
        for line in String::from_utf8_lossy(&bytes).split_inclusive('\n') {
            let Some(cells) = cells(line) else { continue };
            let key = cells[0].clone();
            if wanted(&key) {
                parse(&cells).into_iter().for_each(|entry| found.add(&key, entry, &path));
            } else if !key.starts_with(prefix) {
                let build = key.split('/').next().unwrap_or_default();
                found.foreign.insert(path.clone(), build.to_owned());
            }
        }
    }
    Ok(found)
}

impl JournalContents {
    fn add(&mut self, key: &str, entry: JournalEntry, path: &Path) {
        match self.entries.get(key) {
            Some(known) if known.result.error.is_empty() => {
                let differs = entry.result.error.is_empty() && entry.result != known.result;
                if differs && self.conflict.is_none() {
                    self.conflict = Some((key.to_owned(), path.to_owned()));
                }
            }
            _ => {
                self.entries.insert(key.to_owned(), Arc::new(entry));
            }
        }
    }
}

/// How many lines the journals in `folder` have: about as many runs as are finished.
pub fn lines(folder: &Path) -> usize {
    let count = |path: PathBuf| -> usize {
        content(&path).map_or(0, |bytes| bytes.iter().filter(|byte| **byte == b'\n').count())
    };
    journals(folder).into_iter().map(count).sum()
}

/// The journals in a folder, by name.
fn journals(folder: &Path) -> Vec<PathBuf> {
    let mut paths = vec![folder.join("runs.journal")];
    let shards = fs::read_dir(folder.join("shards")).into_iter().flatten().flatten();
    paths.extend(shards.map(|shard| shard.path()));
    paths.retain(|path| path.extension().is_some_and(|end| end == "journal"));
    paths.sort();
    paths
}

/// The bytes of a file, none if there is no such file.
fn content(path: &Path) -> Result<Vec<u8>, WriteError> {
    match fs::read(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(Vec::new()),
        read => read.map_err(WriteError::at(path)),
    }
}

/// Makes the folders of a journal and takes the lock beside it.
fn claim(folder: &Path, journal: &Path) -> Result<Lock, WriteError> {
    atomic::folder(folder)?;
    if let Some(parent) = journal.parent().filter(|parent| *parent != folder) {
        atomic::inner_folder(parent)?;
    }
    atomic::refuse_link(journal)?;
    lock(&journal.with_extension("lock"))
}

fn append(path: &Path) -> Result<File, WriteError> {
    let open = OpenOptions::new().create(true).read(true).append(true).open(path);
    open.map_err(WriteError::at(path))
}

/// Whether the name is still that of the open file.
fn is_same(file: &File, path: &Path) -> bool {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        let id = |meta: fs::Metadata| (meta.dev(), meta.ino());
        fs::metadata(path).is_ok_and(|now| file.metadata().is_ok_and(|own| id(own) == id(now)))
    }
    #[cfg(not(unix))]
    {
        // An open file cannot be removed there.
        let _ = file;
        path.exists()
    }
}

/// Takes a file for this process; its content is nothing. Where files cannot be locked, nobody is
/// refused.
fn lock(path: &Path) -> Result<Lock, WriteError> {
    atomic::refuse_link(path)?;
    // Opened to be written: some network file systems lock no other.
    let open = OpenOptions::new().create(true).truncate(false).write(true).open(path);
    let file = open.map_err(WriteError::at(path))?;
    if let Err(TryLockError::WouldBlock) = file.try_lock() {
        let why = "another process is at work here";
        return Err(WriteError::at(path)(io::Error::new(ErrorKind::WouldBlock, why)));
    }
    Ok(Lock(file))
}

fn checksum(body: &str) -> String {
    hex(&Sha256::digest(body.as_bytes())[..6])
}

fn format(key: &str, entry: &JournalEntry) -> String {
    let RunResult { cells, quantiles, tables, error } = &entry.result;
    let mut writer = csv::WriterBuilder::new().from_writer(Vec::new());
    let wall = entry.wall_s.to_string();
    // Line ends inside an error would break the one-line rule.
    let error = error.replace(['\n', '\r'], " ");
    let mut record = vec![key.to_owned(), wall, error];
    record.extend(cells.iter().cloned());
    record.push(quantiles.len().to_string());
    record.extend(quantiles.iter().cloned());
    record.push(tables.len().to_string());
    for rows in tables {
        record.push(rows.len().to_string());
        record.push(rows.first().map_or(0, Vec::len).to_string());
        record.extend(rows.iter().flatten().map(|cell| cell.replace(['\n', '\r'], " ")));
    }
    let written = writer.write_record(record).is_ok();
    let Some(bytes) = writer.into_inner().ok().filter(|_| written) else { return String::new() };
    let body = String::from_utf8_lossy(&bytes);
    format!("{},{body}", checksum(body.trim_end()))
}

/// The cells of a line behind its checksum, at least the key, the seconds and the error.
fn cells(line: &str) -> Option<Vec<String>> {
    let (sum, body) = line.strip_suffix('\n')?.split_once(',')?;
    if checksum(body) != sum {
        return None;
    }
    let cells: Vec<String> = if body.contains('"') {
        let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(body.as_bytes());
        reader.records().next()?.ok()?.iter().map(str::to_owned).collect()
    } else {
        // Making a reader takes ten times as long as reading a line.
        body.split(',').map(str::to_owned).collect()
    };
    (cells.len() >= HEAD).then_some(cells)
}

fn parse(cells: &[String]) -> Option<JournalEntry> {
    let (head, rest) = cells.split_at_checked(HEAD)?;
    let (metrics, mut rest) = rest.split_at_checked(COLUMNS.len())?;
    let quantiles = take(&mut rest)?;
    let quantiles = split(&mut rest, quantiles)?.to_vec();
    let mut tables = Vec::new();
    for _ in 0..take(&mut rest)? {
        let (rows, columns) = (take(&mut rest)?, take(&mut rest)?);
        let cells = split(&mut rest, rows.checked_mul(columns)?)?;
        tables.push(cells.chunks(columns.max(1)).map(<[String]>::to_vec).collect());
    }
    let result = RunResult { cells: metrics.to_vec(), quantiles, tables, error: head[2].clone() };
    Some(JournalEntry { result, wall_s: head[1].parse().ok()? })
}

/// The next cell as a length.
fn take(rest: &mut &[String]) -> Option<usize> {
    split(rest, 1)?[0].parse().ok()
}

/// The next cells.
fn split<'a>(rest: &mut &'a [String], count: usize) -> Option<&'a [String]> {
    let (cells, after) = rest.split_at_checked(count)?;
    *rest = after;
    Some(cells)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(error: &str) -> JournalEntry {
        let cells = (0..COLUMNS.len()).map(|i| i.to_string()).collect();
        let quantiles = vec!["1.5".to_owned()];
        let row = |first: &str| vec![first.to_owned(), "a, \"b\"".to_owned()];
        let tables = vec![vec![row("1"), row("2")], Vec::new()];
        let result = RunResult { cells, quantiles, tables, error: error.into() };
        JournalEntry { result, wall_s: 0.25 }
    }

    fn found(folder: &Path) -> BTreeMap<String, Arc<JournalEntry>> {
        read(folder, "", |_| true).unwrap().entries
    }

    #[test]
    fn lines_survive_and_broken_ones_do_not() {
        let folder = tempfile::tempdir().unwrap();
        let mut journal = Journal::open(folder.path(), "runs", "").unwrap();
        journal.push("a", &entry("")).unwrap();
        journal.push("b", &entry("it, \"broke\"\nbadly")).unwrap();
        let second = Journal::open(folder.path(), "runs", "").unwrap_err();
        assert_eq!(second.source.kind(), ErrorKind::WouldBlock, "one owner at a time");
        drop(journal);
        let path = folder.path().join("runs.journal");
        let whole = fs::read_to_string(&path).unwrap();
        for cut in 0..whole.len() {
            fs::write(&path, &whole[..cut]).unwrap();
            assert_eq!(found(folder.path()).len(), whole[..cut].matches('\n').count());
        }
        fs::write(&path, whole.replacen("a,", "x,", 1)).unwrap();
        let found = found(folder.path());
        assert_eq!(found.keys().collect::<Vec<_>>(), ["b"]);
        assert_eq!(found["b"].result.error, "it, \"broke\" badly");
        let error = found["b"].result.error.clone();
        assert_eq!(found["b"].result, RunResult { error, ..entry("").result });
    }

    #[test]
    fn a_folder_that_is_removed_is_made_again_with_every_run() {
        let folder = tempfile::tempdir().unwrap();
        let inner = folder.path().join("o");
        for name in ["runs", "shards/0-of-2"] {
            let mut journal = Journal::open(&inner, name, "").unwrap();
            journal.push("a", &entry("")).unwrap();
            assert!(!journal.restore().unwrap());
            fs::remove_dir_all(&inner).unwrap();
            journal.push("b", &entry("")).unwrap();
            assert_eq!(found(&inner).keys().collect::<Vec<_>>(), ["a", "b"], "{name}");
            fs::remove_dir_all(&inner).unwrap();
            assert!(journal.restore().unwrap() && !journal.restore().unwrap());
            assert_eq!(found(&inner).len(), 2);
            let second = Journal::open(&inner, name, "").unwrap_err();
            assert_eq!(second.source.kind(), ErrorKind::WouldBlock, "still one owner");
        }
    }

    #[cfg(unix)]
    #[test]
    fn links_out_of_the_folder_are_not_followed() {
        let folder = tempfile::tempdir().unwrap();
        let away = folder.path().join("away");
        for name in ["runs.lock", "runs.journal"] {
            std::os::unix::fs::symlink(&away, folder.path().join(name)).unwrap();
            assert!(Journal::open(folder.path(), "runs", "").is_err(), "{name}");
            fs::remove_file(folder.path().join(name)).unwrap();
        }
        assert!(!away.exists());
    }

    #[test]
    fn leftovers_of_the_killed_are_removed_and_files_at_work_are_not() {
        let folder = tempfile::tempdir().unwrap();
        let name = |end: &str| folder.path().join(format!("runs.csv.17-{end}.tmp"));
        let (dead, alive) = (name("00112233445566aa"), name("00112233445566ab"));
        let (other, short) = (folder.path().join("mine.tmp"), name("0011"));
        let files = [&dead, &alive, &other, &short].map(|path| File::create(path).unwrap());
        files[1].try_lock().unwrap();
        Journal::open(folder.path(), "runs", "").unwrap();
        let left = [&dead, &alive, &other, &short].map(|path| path.exists());
        assert_eq!(left, [false, true, true, true]);
    }

    #[test]
    fn runs_of_this_build_stay_though_nobody_asks_for_them() {
        let folder = tempfile::tempdir().unwrap();
        let mut journal = Journal::open(folder.path(), "runs", "v1/").unwrap();
        for key in ["v1/a", "v1/b", "v2/c"] {
            journal.push(key, &entry("")).unwrap();
        }
        drop(journal);
        let found = |wanted: &str| read(folder.path(), "v1/", |key| key == wanted).unwrap();
        assert_eq!(found("v1/a").entries.len(), 1);
        assert_eq!(found("v1/a").foreign.into_values().collect::<Vec<_>>(), ["v2"]);
        Journal::open(folder.path(), "runs", "v1/").unwrap();
        assert_eq!(found("v1/b").entries.len(), 1);
        assert_eq!(found("v2/c").entries.len(), 0);
        assert!(found("v1/a").foreign.is_empty());
    }

    #[test]
    fn journals_of_shards_are_one() {
        let folder = tempfile::tempdir().unwrap();
        let open = |name: &str| Journal::open(folder.path(), name, "").unwrap();
        let (mut one, mut two) = (open("shards/0-of-2"), open("shards/1-of-2"));
        one.push("a", &entry("failed")).unwrap();
        two.push("a", &entry("")).unwrap();
        two.push("b", &entry("failed")).unwrap();
        one.push("c", &entry("")).unwrap();
        let mut whole = open("runs");
        whole.push("c", &entry("")).unwrap();
        assert_eq!(lines(folder.path()), 5);
        let both = read(folder.path(), "", |_| true).unwrap();
        let errors: Vec<&str> =
            both.entries.values().map(|entry| entry.result.error.as_str()).collect();
        assert_eq!(errors, ["", "failed", ""], "a success counts more");
        assert!(both.conflict.is_none(), "the same twice is once");
        let mut other = entry("");
        other.result.cells[3] = "x".into();
        two.push("c", &other).unwrap();
        let both = read(folder.path(), "", |_| true).unwrap();
        let (key, path) = both.conflict.expect("a conflict");
        assert!(key == "c" && path.ends_with("shards/1-of-2.journal"), "{path:?}");
        // A run that failed is tried again.
        drop(two);
        open("shards/1-of-2");
        assert!(!found(folder.path()).contains_key("b"));
    }
}
