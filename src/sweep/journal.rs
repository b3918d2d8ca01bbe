//! Finished runs, kept as they finish: one line each, appended and flushed.
//!
//! A line is `checksum,run_id,wall_s,error,metric cells…,quantiles…` as CSV. A line cut short by
//! a crash or a full disk fails its checksum and its run is done again. Runs of another build or
//! other inputs have other ids and are never found.

use super::run::RunResult;
use crate::input::source::hex;
use crate::metrics::COLUMNS;
use crate::output::atomic::{self, WriteError};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::Write;
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
}

impl Journal {
    /// The finished runs in `folder`, by run id, as far as `known` wants them, and the journal to
    /// append to. Lines that are broken or unwanted are dropped from the file.
    pub fn open(
        folder: &Path,
        known: impl Fn(&str) -> bool,
    ) -> Result<(Self, BTreeMap<String, Entry>), WriteError> {
        let path = folder.join("runs.journal");
        let text = fs::read(&path).unwrap_or_default();
        let text = String::from_utf8_lossy(&text);
        let mut entries = BTreeMap::new();
        let mut kept = String::new();
        for line in text.split_inclusive('\n') {
            if let Some((id, entry)) = parse(line).filter(|(id, _)| known(id))
                && entries.insert(id, entry).is_none()
            {
                kept.push_str(line);
            }
        }
        if kept.len() != text.len() {
            atomic::write(&path, kept.as_bytes())?;
        }
        let open = OpenOptions::new().create(true).append(true).open(&path);
        let file = open.map_err(WriteError::at(&path))?;
        Ok((Self { path, file }, entries))
    }

    /// Adds a finished run.
    pub fn push(&mut self, id: &str, entry: &Entry) -> Result<(), WriteError> {
        let line = format(id, entry);
        // One write call: a line is there whole or cut short, never mixed with another.
        let written = self.file.write_all(line.as_bytes()).and_then(|()| self.file.flush());
        written.map_err(WriteError::at(&self.path))
    }
}

fn checksum(body: &str) -> String {
    hex(&Sha256::digest(body.as_bytes())[..6])
}

fn format(id: &str, entry: &Entry) -> String {
    let RunResult { cells, quantiles, error } = &entry.result;
    let mut writer = csv::WriterBuilder::new().from_writer(Vec::new());
    let wall = entry.wall_s.to_string();
    // Line ends inside an error would break the one-line rule.
    let error = error.replace(['\n', '\r'], " ");
    let head = [id, wall.as_str(), error.as_str()];
    let record = head.into_iter().chain(cells.iter().chain(quantiles).map(String::as_str));
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
    let (metrics, quantiles) = rest.split_at_checked(COLUMNS.len())?;
    let result = RunResult {
        cells: metrics.to_vec(),
        quantiles: quantiles.to_vec(),
        error: head[2].clone(),
    };
    Some((head[0].clone(), Entry { result, wall_s: head[1].parse().ok()? }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(error: &str) -> Entry {
        let cells = (0..COLUMNS.len()).map(|i| i.to_string()).collect();
        let quantiles = vec!["1.5".to_owned()];
        Entry { result: RunResult { cells, quantiles, error: error.into() }, wall_s: 0.25 }
    }

    #[test]
    fn lines_survive_and_broken_ones_do_not() {
        let folder = tempfile::tempdir().unwrap();
        let (mut journal, none) = Journal::open(folder.path(), |_| true).unwrap();
        assert!(none.is_empty());
        journal.push("a", &entry("")).unwrap();
        journal.push("b", &entry("it, \"broke\"\nbadly")).unwrap();
        let path = folder.path().join("runs.journal");
        let whole = fs::read_to_string(&path).unwrap();
        for cut in 0..whole.len() {
            fs::write(&path, &whole[..cut]).unwrap();
            let (_, found) = Journal::open(folder.path(), |_| true).unwrap();
            assert_eq!(found.len(), whole[..cut].matches('\n').count());
        }
        fs::write(&path, whole.replacen("a,", "x,", 1)).unwrap();
        let (_, found) = Journal::open(folder.path(), |id| id != "z").unwrap();
        assert_eq!(found.keys().collect::<Vec<_>>(), ["b"]);
        assert_eq!(found["b"].result.error, "it, \"broke\" badly");
        assert_eq!(found["b"].result.cells, entry("").result.cells);
    }
}
