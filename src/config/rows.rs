//! A CSV table read row by row, of any length. Cells may be quoted and hold line ends.

use super::csv::{Header, Row};
use super::decode::{self, Decoder};
use super::error::{Location, Problem, Problems};
use super::lines::LineReader;
use super::records::{self, RecordReader};
use super::settings::{Kind, Setting};
use super::source::Source;

/// Layout of a published table.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TableLayout {
    /// The delimiter of cells; recognised if it is not given.
    delimiter: Option<u8>,
    /// Whether the first line is a row; columns are called by their numbers then, from 1 on.
    no_header: bool,
}

/// The settings of [`TableLayout::read`].
pub const LAYOUT: &[Setting] = &[
    Setting::flag("no_header", false).means(
        "Whether the first line is a row; columns are called by their numbers then, from 1 on.",
    ),
    Setting::optional("delimiter", Kind::Text, "recognised")
        .means("What parts cells: one character, or comma, semicolon, tab or pipe."),
];

impl TableLayout {
    /// Decodes `delimiter` and `no_header` of the settings of an import.
    pub fn read(settings: &mut Decoder<'_>) -> Self {
        let no_header = settings.flag("no_header");
        let node = settings.take("delimiter");
        let text = node.and_then(|node| decode::text(node, settings.problems()));
        let delimiter = text.and_then(records::delimiter);
        if let Some(node) = node.filter(|_| text.is_some() && delimiter.is_none()) {
            let expected = "one character, or comma, semicolon, tab or pipe";
            settings.problems().push(decode::mismatch(node, expected));
        }
        Self { delimiter, no_header }
    }
}

/// The rows of a file with a header line.
pub struct RowReader {
    head: Header,
    records: RecordReader,
    record: csv::StringRecord,
    /// Whether the record is still to be handed out.
    waiting: bool,
    /// Whether the delimiter was not given.
    recognised: bool,
}

impl RowReader {
    /// Reads the header of a table with commas.
    ///
    /// # Errors
    /// Says why the file or its header cannot be read.
    pub fn open(file: &str) -> Result<Self, Problem> {
        Self::new(file, LineReader::open(file)?, COMMAS)
    }

    /// The same, hashing what is read.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub fn hashed(file: &str) -> Result<Self, Problem> {
        Self::with_layout(file, COMMAS)
    }

    /// The same for a table of another layout.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub fn with_layout(file: &str, layout: TableLayout) -> Result<Self, Problem> {
        Self::new(file, LineReader::open(file)?.hashed(), layout)
    }

    /// The rows of a table in memory.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub fn of_text(source: &Source, layout: TableLayout) -> Result<Self, Problem> {
        Self::new(&source.path, LineReader::of_text(source), layout)
    }

    fn new(file: &str, lines: LineReader, layout: TableLayout) -> Result<Self, Problem> {
        let mut record = csv::StringRecord::new();
        let Some(records) = RecordReader::new(lines, layout.delimiter, &mut record)? else {
            return Err(Problem::new(Location::file(file), "an empty file", "a header line"));
        };
        let head = if layout.no_header {
            Header::numbered(file, record.len())
        } else {
            Header::new(file, record.iter())?
        };
        let (waiting, recognised) = (layout.no_header, layout.delimiter.is_none());
        Ok(Self { head, records, record, waiting, recognised })
    }

    /// Names and places of the columns.
    pub fn head(&self) -> &Header {
        &self.head
    }

    /// The reader of lines.
    pub fn lines(&self) -> &LineReader {
        self.records.lines()
    }

    /// How many empty lines there were between rows so far.
    pub fn empty_lines(&self) -> u64 {
        self.records.empty_lines()
    }

    /// The delimiter, if it was recognised and is no comma.
    pub fn recognised(&self) -> Option<String> {
        let delimiter = self.records.delimiter();
        let other = self.recognised && delimiter != b',';
        other.then(|| format!("cells delimited by {}", records::name(delimiter)))
    }

    /// The next row; `None` at the end. Reading may go on after a bad row.
    ///
    /// # Errors
    /// Says what is wrong with the row.
    #[inline]
    pub fn next_row(&mut self) -> Result<Option<Row<'_>>, Problem> {
        let waiting = std::mem::take(&mut self.waiting);
        if !waiting && !self.records.next(&mut self.record)? {
            return Ok(None);
        }
        let lines = self.records.lines();
        self.head.check_length(self.record.len(), || lines.place(), lines.last())?;
        let line = lines.number();
        Ok(Some(Row { head: &self.head, record: &self.record, line }))
    }

    /// Makes the first line a row instead of the header if `is_row` says so of its cells.
    pub fn demote_header(&mut self, is_row: impl FnOnce(&[&str]) -> bool) {
        let cells: Vec<&str> = self.record.iter().map(str::trim).collect();
        if !self.waiting && is_row(&cells) {
            self.head = Header::numbered(&self.records.lines().place().file, self.record.len());
            self.waiting = true;
        }
    }

    /// The next row, which stays the next.
    ///
    /// # Errors
    /// As [`Self::next_row`].
    pub fn peek_row(&mut self) -> Result<Option<Row<'_>>, Problem> {
        if self.next_row()?.is_none() {
            return Ok(None);
        }
        self.waiting = true;
        let line = self.records.lines().number();
        Ok(Some(Row { head: &self.head, record: &self.record, line }))
    }

    /// Reads the rows to the end.
    ///
    /// # Errors
    /// Lists the first bad rows.
    pub fn each(
        &mut self,
        mut read: impl FnMut(Row<'_>) -> Result<(), Problem>,
    ) -> Result<(), Problems> {
        let mut problems = Problems::default();
        loop {
            match self.next_row().map(|row| row.map(&mut read)) {
                Ok(None) => break,
                Ok(Some(Ok(()))) => {}
                Ok(Some(Err(problem))) | Err(problem) => problems.push(problem),
            }
            if problems.is_full() || self.lines().is_broken() {
                break;
            }
        }
        problems.check(Some(()))
    }
}

/// The layout of the tables that peeksim writes.
const COMMAS: TableLayout = TableLayout { delimiter: Some(b','), no_header: false };

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn rows(text: &[u8]) -> (tempfile::NamedTempFile, RowReader) {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(text).unwrap();
        let rows = RowReader::hashed(file.path().to_str().unwrap()).unwrap();
        (file, rows)
    }

    #[test]
    fn rows_know_their_lines_and_bad_ones_end_nothing() {
        let text = b"\xef\xbb\xbfa,b\r\n\r\n1,\"x, y\"\r\n1\r\n\xff,2\r\n3,4";
        let (_file, mut rows) = rows(text);
        let row = rows.next_row().unwrap().unwrap();
        assert_eq!((row.text(0), row.text(1), row.place(1).line), ("1", "x, y", 3));
        let short = rows.next_row().unwrap_err();
        assert_eq!((short.place.line, short.found.as_str()), (4, "1 cell"));
        assert_eq!(rows.next_row().unwrap_err().place.line, 5);
        assert_eq!(rows.next_row().unwrap().unwrap().text(1), "4");
        assert!(rows.next_row().unwrap().is_none());
        assert_eq!(rows.empty_lines(), 1);
    }

    #[test]
    fn a_quoted_cell_may_hold_line_ends_and_the_rows_behind_it_know_their_lines() {
        let text = "a,b\n1,\"x\n\ny \"\"z\"\"\"\n\"2\n\"\n3,\"4\"\n";
        let (_file, mut rows) = rows(text.as_bytes());
        let row = rows.peek_row().unwrap().unwrap();
        assert_eq!((row.text(1), row.place(1).line), ("x\n\ny \"z\"", 2));
        assert_eq!(rows.next_row().unwrap().unwrap().text(0), "1");
        let short = rows.next_row().unwrap_err();
        let found = (short.place.line, short.found.as_str());
        assert_eq!(found, (5, "1 cell in quoted lines up to 6"));
        assert_eq!(rows.next_row().unwrap().unwrap().place(0).line, 7);
        assert!(rows.next_row().unwrap().is_none() && rows.empty_lines() == 0);
        assert_eq!(rows.lines().sha256(), Some(super::super::source::hash(text)));
    }

    #[test]
    fn a_quote_without_an_end_and_a_record_without_bound_end_the_file() {
        let long = format!("a,b\n1,\"{}\n", "x\n".repeat(600_000));
        for (text, found) in [
            ("a,b\n1,\"2\n3,4\n", "a quoted cell without an end"),
            (&long, "a quoted cell that goes on for more than 1 MiB"),
        ] {
            let (_file, mut rows) = rows(text.as_bytes());
            let problem = rows.next_row().unwrap_err();
            assert_eq!((problem.place.line, problem.found.as_str()), (2, found));
            assert!(rows.lines().is_broken() && rows.next_row().unwrap().is_none());
        }
    }

    #[test]
    fn the_hash_is_that_of_the_whole_text() {
        let text = "a\r\n\r\n1\n2";
        let (_file, mut rows) = rows(text.as_bytes());
        while rows.next_row().unwrap().is_some() {}
        assert_eq!(rows.lines().sha256(), Some(super::super::source::hash(text)));
    }
}
