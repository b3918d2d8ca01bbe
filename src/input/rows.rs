//! A CSV table read row by row, of any length. Cells may be quoted; a row is one line.

use super::csv::{Head, Row, unequal};
use super::error::{Place, Problem};
use super::lines::Lines;

/// The rows of a file with a header line.
pub struct Rows {
    head: Head,
    lines: Lines,
    record: csv::StringRecord,
}

impl Rows {
    /// Reads the header.
    pub fn open(file: &str) -> Result<Self, Problem> {
        Self::new(file, Lines::open(file)?)
    }

    /// The same, hashing what is read.
    pub fn hashed(file: &str) -> Result<Self, Problem> {
        Self::new(file, Lines::open(file)?.hashed())
    }

    fn new(file: &str, mut lines: Lines) -> Result<Self, Problem> {
        let mut record = csv::StringRecord::new();
        match lines.next_line()? {
            Some(line) => split(line, &mut record),
            None => {
                return Err(Problem::new(Place::file(file), "an empty file", "a header line"));
            }
        }
        Ok(Self { head: Head::new(file, record.iter())?, lines, record })
    }

    /// Names and places of the columns.
    pub fn head(&self) -> &Head {
        &self.head
    }

    /// The lines behind the rows.
    pub fn lines(&self) -> &Lines {
        &self.lines
    }

    /// The next row; `None` at the end. Behind a bad row one may read on.
    pub fn next_row(&mut self) -> Result<Option<Row<'_>>, Problem> {
        match self.lines.next_line()? {
            Some(line) => split(line, &mut self.record),
            None => return Ok(None),
        }
        if self.record.len() != self.head.len() {
            let (cells, header) = (self.record.len() as u64, self.head.len() as u64);
            return Err(unequal(self.lines.place(), cells, header));
        }
        let line = self.lines.number();
        Ok(Some(Row { head: &self.head, record: &self.record, line }))
    }
}

fn split(line: &str, record: &mut csv::StringRecord) {
    record.clear();
    if !line.contains('"') {
        line.split(',').for_each(|cell| record.push_field(cell));
        return;
    }
    let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(line.as_bytes());
    // Cells of text in memory: there is nothing that could fail.
    let _ = reader.read_record(record);
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn rows(text: &[u8]) -> (tempfile::NamedTempFile, Rows) {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(text).unwrap();
        let rows = Rows::hashed(file.path().to_str().unwrap()).unwrap();
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
    }

    #[test]
    fn the_hash_is_that_of_the_whole_text() {
        let text = "a\r\n\r\n1\n2";
        let (_file, mut rows) = rows(text.as_bytes());
        while rows.next_row().unwrap().is_some() {}
        assert_eq!(rows.lines().sha256(), Some(super::super::source::hash(text)));
    }
}
