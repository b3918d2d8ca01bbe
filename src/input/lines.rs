//! The lines of a file of any length, one by one: for what must not be held in memory.

use super::error::{Place, Problem};
use super::source::{self, MAX_LINE_BYTES, Stream};
use sha2::{Digest, Sha256};
use std::io::{BufRead, Read};

/// Lines without their ends; empty ones are skipped.
pub struct Lines {
    file: String,
    stream: Stream,
    line: Vec<u8>,
    number: u64,
    hash: Option<Sha256>,
    broken: bool,
}

impl Lines {
    /// Opens a file on disk or inside the binary.
    pub fn open(file: &str) -> Result<Self, Problem> {
        let stream = source::open(file)?;
        let (file, line) = (file.to_owned(), Vec::new());
        Ok(Self { file, stream, line, number: 0, hash: None, broken: false })
    }

    /// The same, hashing what is read.
    pub fn hashed(mut self) -> Self {
        self.hash = Some(Sha256::new());
        self
    }

    /// The next line; `None` at the end, and behind what makes a file unreadable.
    ///
    /// Behind a line that is not UTF-8 one may read on.
    pub fn next_line(&mut self) -> Result<Option<&str>, Problem> {
        let mut text = 0..0;
        while text.is_empty() {
            self.line.clear();
            let most = MAX_LINE_BYTES as u64 + 2;
            if self.broken {
                return Ok(None);
            }
            let read = self.stream.by_ref().take(most).read_until(b'\n', &mut self.line);
            let read = read.map_err(|error| {
                self.broken = true;
                source::broken(&self.file, &error)
            })?;
            if read == 0 {
                return Ok(None);
            }
            self.number += 1;
            if let Some(hash) = &mut self.hash {
                hash.update(&self.line);
            }
            text = trimmed(&self.line, self.number == 1);
            if text.len() > MAX_LINE_BYTES {
                self.broken = true;
                return Err(source::too_long(&self.file, self.number));
            }
        }
        match std::str::from_utf8(&self.line[text]) {
            Ok(text) => Ok(Some(text)),
            Err(_) => Err(Problem::new(self.place(), "bytes that are not UTF-8", "UTF-8 text")),
        }
    }

    /// Where the last line stands.
    pub fn place(&self) -> Place {
        Place::line(&self.file, self.number)
    }

    /// The 1-based number of the last line.
    pub fn number(&self) -> u64 {
        self.number
    }

    /// Whether what follows can never be read.
    pub fn is_broken(&self) -> bool {
        self.broken
    }

    /// The SHA-256 of what was read, in hexadecimal, if it was to be hashed.
    pub fn sha256(&self) -> Option<String> {
        self.hash.clone().map(|hash| source::hex(&hash.finalize()))
    }
}

/// A line without its end, nor the byte order mark of the file.
fn trimmed(line: &[u8], first: bool) -> std::ops::Range<usize> {
    let start = if first && line.starts_with("\u{feff}".as_bytes()) { 3 } else { 0 };
    let end = line.strip_suffix(b"\n").unwrap_or(line);
    let end = end.strip_suffix(b"\r").unwrap_or(end);
    start..end.len().max(start)
}
