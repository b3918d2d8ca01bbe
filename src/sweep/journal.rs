//! Finished runs, kept as they finish: one line each, appended and flushed.
//!
//! A line is `checksum,key,wall_s,error,metric cells…` as CSV, then quantiles, then rows of tables, each
//! list behind its length; the key is build, run id and what is wanted beside. A line cut short by a crash or a full disk fails its checksum and its run is done again.
//! Runs of another build or of other inputs have other keys and are never found. Those of this
//! build stay: who asks for two replicates in a folder of ten does not lose the other eight.

use super::run::RunResult;
use crate::input::source::hex;
use crate::metrics::COLUMNS;
use crate::output::atomic::{self, WriteError};
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};

/// A finished run and how long it took.
#[derive(Clone, Debug)]
pub struct Entry {
    /// What it came to.
    pub result: RunResult,
    /// Wall-clock seconds.
    pub wall_s: f64,
}

/// The journal of a results folder.
#[derive(Debug)]
pub struct Journal {
    path: PathBuf,
    file: File,
    /// Why a line was cut short: another behind it would be lost with it.
    broken: Option<String>,
    /// Held as long as the journal is open; the system frees it when its owner dies.
    _lock: Option<File>,
}

impl Journal {
    /// The finished runs in `folder`, by key, as far as `wanted` names them, and the journal to
    /// append to. Lines that are broken, or whose key has not `prefix`, are dropped from the file.
    pub fn open(
        folder: &Path,
        prefix: &str,
        wanted: impl Fn(&str) -> bool,
    ) -> Result<(Self, BTreeMap<String, Entry>), WriteError> {
        let lock = lock(folder)?;
        let path = folder.join("runs.journal");
        let bytes = match fs::read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == ErrorKind::NotFound => Vec::new(),
            Err(error) => return Err(WriteError::at(&path)(error)),
        };
        let text = String::from_utf8_lossy(&bytes);
        let (mut entries, mut keys) = (BTreeMap::new(), BTreeSet::new());
        let mut kept = String::new();
        for line in text.split_inclusive('\n') {
            let Some((key, entry)) = parse(line).filter(|(key, _)| key.starts_with(prefix)) else {
                continue;
            };
            if keys.insert(key.clone()) {
                kept.push_str(line);
                if wanted(&key) {
                    entries.insert(key, entry);
                }
            }
        }
        if kept.as_bytes() != bytes {
            atomic::write(&path, kept.as_bytes())?;
        }
        let open = OpenOptions::new().create(true).append(true).open(&path);
        let file = open.map_err(WriteError::at(&path))?;
        Ok((Self { path, file, broken: None, _lock: lock }, entries))
    }

    /// Adds a finished run.
    pub fn push(&mut self, key: &str, entry: &Entry) -> Result<(), WriteError> {
        if let Some(why) = &self.broken {
            return Err(WriteError::at(&self.path)(io::Error::other(why.clone())));
        }
        let line = format(key, entry);
        // One write call: a line is there whole or cut short, never mixed with another.
        let written = self.file.write_all(line.as_bytes()).and_then(|()| self.file.flush());
        self.broken = written.as_ref().err().map(ToString::to_string);
        written.map_err(WriteError::at(&self.path))
    }
}

/// Takes the folder for this process. Where a folder cannot be locked, nobody is refused.
fn lock(folder: &Path) -> Result<Option<File>, WriteError> {
    let Ok(handle) = File::open(folder) else { return Ok(None) };
    if let Err(std::fs::TryLockError::WouldBlock) = handle.try_lock() {
        let busy = io::Error::other("another process is at work in this folder");
        return Err(WriteError::at(folder)(busy));
    }
    Ok(Some(handle))
}

fn checksum(body: &str) -> String {
    hex(&Sha256::digest(body.as_bytes())[..6])
}

fn format(key: &str, entry: &Entry) -> String {
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

fn parse(line: &str) -> Option<(String, Entry)> {
    let (sum, body) = line.strip_suffix('\n')?.split_once(',')?;
    if checksum(body) != sum {
        return None;
    }
    let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(body.as_bytes());
    let record = reader.records().next()?.ok()?;
    let cells: Vec<String> = record.iter().map(str::to_owned).collect();
    let (head, rest) = cells.split_at_checked(3)?;
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
    Some((head[0].clone(), Entry { result, wall_s: head[1].parse().ok()? }))
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

    fn entry(error: &str) -> Entry {
        let cells = (0..COLUMNS.len()).map(|i| i.to_string()).collect();
        let quantiles = vec!["1.5".to_owned()];
        let row = |first: &str| vec![first.to_owned(), "a, \"b\"".to_owned()];
        let tables = vec![vec![row("1"), row("2")], Vec::new()];
        let result = RunResult { cells, quantiles, tables, error: error.into() };
        Entry { result, wall_s: 0.25 }
    }

    #[test]
    fn lines_survive_and_broken_ones_do_not() {
        let folder = tempfile::tempdir().unwrap();
        let (mut journal, none) = Journal::open(folder.path(), "", |_| true).unwrap();
        assert!(none.is_empty());
        journal.push("a", &entry("")).unwrap();
        journal.push("b", &entry("it, \"broke\"\nbadly")).unwrap();
        assert!(Journal::open(folder.path(), "", |_| true).is_err(), "one owner at a time");
        drop(journal);
        let path = folder.path().join("runs.journal");
        let whole = fs::read_to_string(&path).unwrap();
        for cut in 0..whole.len() {
            fs::write(&path, &whole[..cut]).unwrap();
            let (_, found) = Journal::open(folder.path(), "", |_| true).unwrap();
            assert_eq!(found.len(), whole[..cut].matches('\n').count());
        }
        fs::write(&path, whole.replacen("a,", "x,", 1)).unwrap();
        let (_, found) = Journal::open(folder.path(), "", |_| true).unwrap();
        assert_eq!(found.keys().collect::<Vec<_>>(), ["b"]);
        assert_eq!(found["b"].result.error, "it, \"broke\" badly");
        let error = found["b"].result.error.clone();
        assert_eq!(found["b"].result, RunResult { error, ..entry("").result });
    }

    #[test]
    fn runs_of_this_build_stay_though_nobody_asks_for_them() {
        let folder = tempfile::tempdir().unwrap();
        let (mut journal, _) = Journal::open(folder.path(), "v1/", |_| true).unwrap();
        for key in ["v1/a", "v1/b", "v2/c"] {
            journal.push(key, &entry("")).unwrap();
        }
        drop(journal);
        let keys = |prefix: &str, wanted: &str| {
            let (_, found) = Journal::open(folder.path(), prefix, |key| key == wanted).unwrap();
            found.into_keys().collect::<Vec<_>>()
        };
        assert_eq!(keys("v", "v1/a"), ["v1/a"]);
        assert_eq!(keys("v1/", "v1/b"), ["v1/b"]);
        assert_eq!(keys("v1/", "v1/a"), ["v1/a"]);
        assert_eq!(keys("v", "v2/c"), Vec::<String>::new());
    }
}
