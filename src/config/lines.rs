//! The lines of a file of any length, one by one, for files that are not held in memory.

use super::error::{Location, Problem};
use super::source::{self, MAX_LINE_BYTES, Source, Stream};
use sha2::{Digest, Sha256};
use std::io::{BufRead, Cursor, Read};

/// Lines without their ends; empty ones are skipped.
pub struct LineReader {
    file: String,
    stream: Stream,
    line: Vec<u8>,
    /// The lines read so far.
    read: u64,
    /// The number of the line, or of the first line of the record, that `line` holds.
    number: u64,
    hash: Option<Sha256>,
    broken: bool,
}

impl LineReader {
    /// Opens a file on disk or inside the binary.
    ///
    /// # Errors
    /// Says why it cannot be opened.
    pub fn open(file: &str) -> Result<Self, Problem> {
        Ok(Self::new(file, source::open(file)?))
    }

    /// The lines of a text in memory.
    pub(super) fn of_text(source: &Source) -> Self {
        Self::new(&source.path, Box::new(Cursor::new(source.text.clone())))
    }

    fn new(file: &str, stream: Stream) -> Self {
        let (file, line) = (file.to_owned(), Vec::new());
        Self { file, stream, line, read: 0, number: 0, hash: None, broken: false }
    }

    /// The same, hashing what is read.
    pub fn hashed(mut self) -> Self {
        self.hash = Some(Sha256::new());
        self
    }

    /// The next line; `None` at the end, and after an error that makes the file unreadable. Reading
    /// may go on after a line that is not UTF-8.
    ///
    /// # Errors
    /// Says what is wrong with the line.
    pub fn next_line(&mut self) -> Result<Option<&str>, Problem> {
        while self.begin()? {
            if !self.text().is_empty() {
                let text = std::str::from_utf8(self.text());
                return text.map(Some).map_err(|_| self.not_utf8());
            }
        }
        Ok(None)
    }

    /// Goes to the next line, empty or not; `false` at the end.
    #[inline]
    pub(super) fn begin(&mut self) -> Result<bool, Problem> {
        self.line.clear();
        self.number = self.read + 1;
        self.fill()
    }

    /// Adds the next line to the one that is held, as the rest of one record; `false` at the end.
    pub(super) fn extend(&mut self) -> Result<bool, Problem> {
        self.fill()
    }

    fn fill(&mut self) -> Result<bool, Problem> {
        if self.broken {
            return Ok(false);
        }
        let from = self.line.len();
        let most = (MAX_LINE_BYTES + 3).saturating_sub(from) as u64;
        let read = self.stream.by_ref().take(most).read_until(b'\n', &mut self.line);
        let read = read.map_err(|error| {
            self.broken = true;
            source::broken(&self.file, &error)
        })?;
        if read == 0 {
            return Ok(false);
        }
        self.read += 1;
        if let Some(hash) = &mut self.hash {
            hash.update(&self.line[from..]);
        }
        if self.text().len() > MAX_LINE_BYTES {
            return Err(match from {
                0 => self.breaks("a line longer than 1 MiB", "shorter lines"),
                _ => self.breaks("a quoted cell that goes on for more than 1 MiB", "a second `\"`"),
            });
        }
        Ok(true)
    }

    /// The bytes that are held, with their end, but without the byte order mark of the file.
    pub(super) fn bytes(&self) -> &[u8] {
        let marked = self.number == 1 && self.line.starts_with("\u{feff}".as_bytes());
        &self.line[if marked { 3 } else { 0 }..]
    }

    /// The same without their end.
    #[inline]
    pub(super) fn text(&self) -> &[u8] {
        let bytes = self.bytes();
        let bytes = bytes.strip_suffix(b"\n").unwrap_or(bytes);
        bytes.strip_suffix(b"\r").unwrap_or(bytes)
    }

    /// A problem after which nothing can be read.
    pub(super) fn breaks(&mut self, found: &str, expected: &str) -> Problem {
        self.broken = true;
        Problem::new(self.place(), found, expected)
    }

    /// The problem with a line that is no text.
    pub(super) fn not_utf8(&self) -> Problem {
        Problem::new(self.place(), "bytes that are not UTF-8", "UTF-8 text")
    }

    /// The place of the last line, or of the record that began there.
    pub fn place(&self) -> Location {
        Location::line(&self.file, self.number)
    }

    /// The 1-based number of that line.
    pub fn number(&self) -> u64 {
        self.number
    }

    /// The 1-based number of the last line of that record.
    pub(super) fn last(&self) -> u64 {
        self.read
    }

    /// Whether nothing more can be read.
    pub fn is_broken(&self) -> bool {
        self.broken
    }

    /// The SHA-256 of what was read, in hexadecimal, if it was to be hashed.
    pub fn sha256(&self) -> Option<String> {
        self.hash.clone().map(|hash| source::hex(&hash.finalize()))
    }
}
