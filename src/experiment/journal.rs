//! Finished runs, kept as they finish: one line each, appended and flushed.
//!
//! A line is `checksum,key,[wall_s,error,cells,quantiles,tables]`; the key is the build, the run id
//! and the requested outputs. A line that a crash or a full disk cut short fails its checksum, and
//! its run is made again. Runs of another build or of other inputs have other keys and are never
//! found. All runs of this build stay, even if an experiment now has fewer replicates.
//!
//! A folder holds `runs.journal` and, if several processes make its runs, `shards/*.journal`. Each
//! has one writer, which holds the lock next to it, and any number of readers. Nothing depends on
//! names, times or the order of files.

use super::axis::RunSpec;
use super::run::RunResult;
use crate::config::source::hex;
use crate::metrics::Study;
use crate::output::atomic::{self, WriteError};
use serde::de::IgnoredAny;
use sha2::{Digest, Sha256};
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, ErrorKind, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A run and its row.
#[derive(Clone, Debug)]
pub struct RunRecord {
    /// The run.
    pub spec: RunSpec,
    /// Its id.
    pub id: String,
    /// Its result; shared, since a hundred thousand of them take a quarter of a gigabyte.
    pub entry: Arc<JournalEntry>,
}

impl RunRecord {
    /// Whether the run failed.
    pub fn failed(&self) -> bool {
        !self.entry.result.error.is_empty()
    }
}

/// The result of a run and its time.
#[derive(Clone, Debug)]
pub struct JournalEntry {
    /// The result.
    pub result: RunResult,
    /// Wall-clock seconds.
    pub wall_s: f64,
}

/// The contents of all journals of a folder.
#[derive(Debug, Default)]
pub struct JournalContents {
    /// The wanted runs by key; a failed one only if it never succeeded.
    pub entries: BTreeMap<String, Arc<JournalEntry>>,
    /// Journals with runs of another build, and this build.
    pub foreign: BTreeMap<PathBuf, String>,
    /// A key with two different results, and the journal of the second.
    pub conflict: Option<(String, PathBuf)>,
}

/// A journal that this process writes.
#[derive(Debug)]
pub struct Journal {
    path: PathBuf,
    /// Also read: the content survives the removal of the name.
    file: File,
    /// Why a line was cut short: one after it would be lost too.
    broken: Option<String>,
    folder: PathBuf,
    lock: Lock,
}

/// Held as long as the journal is open; the system frees it when its owner dies.
#[derive(Debug)]
struct Lock(File);

impl Drop for Lock {
    /// A starting child process may hold a copy of the file: closing ours would not unlock it.
    fn drop(&mut self) {
        let _ = self.0.unlock();
    }
}

impl Journal {
    /// Opens the journal `name` in `folder` to append to it. Lines that are broken, or whose run
    /// failed or lacks `prefix`, are dropped.
    ///
    /// # Errors
    ///
    /// Of the kind `WouldBlock` if another process writes it.
    pub fn open(folder: &Path, name: &str, prefix: &str) -> Result<Self, WriteError> {
        let path = folder.join(format!("{name}.journal"));
        let lock = claim(folder, &path)?;
        atomic::remove_leftovers(folder);
        atomic::remove_leftovers(&folder.join("figures"));
        let bytes = content(&path)?;
        let text = String::from_utf8_lossy(&bytes);
        let mut keys = BTreeSet::new();
        let mut kept = String::new();
        for line in text.split_inclusive('\n') {
            let Some((key, entry)) = checked(line) else { continue };
            if key.starts_with(prefix) && is_finished(entry) && keys.insert(key) {
                kept.push_str(line);
            }
        }
        if kept.as_bytes() != bytes {
            atomic::write(&path, kept.as_bytes())?;
        }
        let file = append(&path)?;
        Ok(Self { folder: folder.to_owned(), path, file, broken: None, lock })
    }

    /// Restores the journal with all its runs if its folder was removed; whether it was.
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

/// Reads the runs with `wanted` keys from the journals in `folder`; all keys of this build begin
/// with `prefix`.
pub fn read(
    folder: &Path,
    prefix: &str,
    wanted: impl Fn(&str) -> bool,
) -> Result<JournalContents, WriteError> {
    let mut found = JournalContents::default();
    for path in journals(folder) {
        let bytes = content(&path)?;
        for line in String::from_utf8_lossy(&bytes).split_inclusive('\n') {
            let Some((key, entry)) = checked(line) else { continue };
            if wanted(key) {
                parse(entry).into_iter().for_each(|entry| found.add(key, entry, &path));
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

/// The number of lines of the journals in `folder`: about that of finished runs.
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

/// The bytes of a file; none if it does not exist.
fn content(path: &Path) -> Result<Vec<u8>, WriteError> {
    match fs::read(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(Vec::new()),
        read => read.map_err(WriteError::at(path)),
    }
}

/// Makes the folders of a journal and takes its lock.
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

/// Whether `path` is still the open file.
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

/// Locks an empty file for this process. On file systems without locks, no process is refused.
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
    let JournalEntry { result: RunResult { cells, quantiles, tables, error }, wall_s } = entry;
    let entry = serde_json::to_string(&(wall_s, error, cells, quantiles, tables));
    let body = format!("{key},{}", entry.unwrap_or_default());
    format!("{},{body}\n", checksum(&body))
}

/// The key and the entry of a line whose checksum is right.
fn checked(line: &str) -> Option<(&str, &str)> {
    let (sum, body) = line.strip_suffix('\n')?.split_once(',')?;
    if checksum(body) == sum { body.split_once(',') } else { None }
}

/// Whether an entry is one of a run that did not fail.
fn is_finished(entry: &str) -> bool {
    // What is not looked at is not copied.
    type Parts<'a> = (f64, Cow<'a, str>, Vec<IgnoredAny>, IgnoredAny, IgnoredAny);
    let parts: Result<Parts<'_>, _> = serde_json::from_str(entry);
    parts.is_ok_and(|(_, error, cells, ..)| error.is_empty() && is_row(cells.len()))
}

/// Whether a run of some study has this number of cells.
fn is_row(cells: usize) -> bool {
    Study::ALL.iter().any(|(_, study)| study.columns().len() == cells)
}

fn parse(entry: &str) -> Option<JournalEntry> {
    let (wall_s, error, cells, quantiles, tables) = serde_json::from_str(entry).ok()?;
    let result = RunResult { cells, quantiles, tables, error };
    is_row(result.cells.len()).then_some(JournalEntry { result, wall_s })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(error: &str) -> JournalEntry {
        let cells = (0..Study::Scheduling.columns().len()).map(|i| i.to_string()).collect();
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
        assert_eq!(found["b"].result, entry("it, \"broke\"\nbadly").result);
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
