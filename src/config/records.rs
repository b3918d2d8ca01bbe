//! The records of a CSV table (RFC 4180), one by one in bounded memory: a quoted cell may hold
//! delimiters, doubled quotes and line ends. A line without quotes is a record and is cut at its
//! delimiters; all others go through the state machine of `csv-core`.

use super::error::Problem;
use super::lines::LineReader;
use csv::StringRecord;
use csv_core::{ReadRecordResult, Reader, ReaderBuilder, Terminator};

/// Delimiters that are recognised, by name; a tie goes to the first.
const DELIMITERS: [(&str, u8); 4] =
    [("comma", b','), ("semicolon", b';'), ("tab", b'\t'), ("pipe", b'|')];

/// A table as its records.
pub(super) struct RecordReader {
    lines: LineReader,
    machine: Reader,
    delimiter: u8,
    /// The cells of a record one after another, and where each ends.
    cells: Vec<u8>,
    ends: Vec<usize>,
    empty: u64,
}

impl RecordReader {
    /// The records of lines; without a delimiter, the one that gives most cells in the first line.
    pub(super) fn new(
        mut lines: LineReader,
        delimiter: Option<u8>,
        record: &mut StringRecord,
    ) -> Result<Option<Self>, Problem> {
        while lines.begin()? {
            let text = lines.text();
            if text.is_empty() {
                continue;
            }
            if has_bare_return(text) {
                let found = "lines that end in a carriage return alone";
                return Err(lines.breaks(found, "line ends of a line feed, with or without it"));
            }
            let delimiter = delimiter.unwrap_or_else(|| recognised(text));
            let (cells, ends) = (Vec::new(), Vec::new());
            let machine = machine(delimiter);
            let mut records = Self { lines, machine, delimiter, cells, ends, empty: 0 };
            records.cut(record)?;
            return Ok(Some(records));
        }
        Ok(None)
    }

    /// Reads the next record; `false` at the end. Reading may go on after a bad one.
    #[inline]
    pub(super) fn next(&mut self, record: &mut StringRecord) -> Result<bool, Problem> {
        while self.lines.begin()? {
            if self.lines.text().is_empty() {
                self.empty += 1;
                continue;
            }
            return self.cut(record).map(|()| true);
        }
        Ok(false)
    }

    /// Splits the record that begins with the current line.
    #[inline]
    fn cut(&mut self, record: &mut StringRecord) -> Result<(), Problem> {
        record.clear();
        let Ok(text) = std::str::from_utf8(self.lines.text()) else {
            return Err(self.lines.not_utf8());
        };
        if text.contains('"') {
            return self.cut_quoted(record);
        }
        text.split(char::from(self.delimiter)).for_each(|cell| record.push_field(cell));
        Ok(())
    }

    fn cut_quoted(&mut self, record: &mut StringRecord) -> Result<(), Problem> {
        self.machine.reset();
        let (mut from, mut length, mut count) = (0, 0, 0);
        loop {
            let bytes = self.lines.bytes();
            let room = bytes.len() + 2;
            self.cells.resize(self.cells.len().max(room), 0);
            self.ends.resize(self.ends.len().max(room), 0);
            let end: &[u8] = if bytes.ends_with(b"\n") { b"" } else { b"\n" };
            let (mut done, all) = (false, bytes.len());
            for piece in [&bytes[from..], end] {
                let (result, _, wrote, ended) = match piece {
                    [] => continue,
                    _ => self.machine.read_record(
                        piece,
                        &mut self.cells[length..],
                        &mut self.ends[count..],
                    ),
                };
                (length, count) = (length + wrote, count + ended);
                done |= matches!(result, ReadRecordResult::Record);
            }
            if done {
                break;
            }
            from = all;
            if !self.lines.extend()? {
                return Err(self.lines.breaks("a quoted cell without an end", "a second `\"`"));
            }
        }
        let windows = self.lines.bytes().ends_with(b"\r\n");
        let mut start = 0;
        for (at, end) in self.ends[..count].iter().enumerate() {
            let Ok(cell) = std::str::from_utf8(&self.cells[start..*end]) else {
                return Err(self.lines.not_utf8());
            };
            let returned = cell.strip_suffix('\r').filter(|_| windows && at + 1 == count);
            record.push_field(returned.unwrap_or(cell));
            start = *end;
        }
        Ok(())
    }

    /// The reader of lines.
    pub(super) fn lines(&self) -> &LineReader {
        &self.lines
    }

    /// Number of empty lines after the first record.
    pub(super) fn empty_lines(&self) -> u64 {
        self.empty
    }

    /// The delimiter between cells.
    pub(super) fn delimiter(&self) -> u8 {
        self.delimiter
    }
}

fn machine(delimiter: u8) -> Reader {
    let mut builder = ReaderBuilder::new();
    builder.delimiter(delimiter).terminator(Terminator::Any(b'\n')).build()
}

/// A carriage return in the midst of a line, outside quotes.
fn has_bare_return(text: &[u8]) -> bool {
    text.contains(&b'\r') && !text.contains(&b'"')
}

/// The delimiter that makes the most cells of a line.
fn recognised(line: &[u8]) -> u8 {
    let cells = |delimiter: u8| {
        let (mut cells, mut ends) = (vec![0; line.len() + 2], vec![0; line.len() + 2]);
        let (_, _, _, count) = machine(delimiter).read_record(line, &mut cells, &mut ends);
        count
    };
    let most = DELIMITERS.iter().map(|(_, delimiter)| cells(*delimiter)).max();
    let first = DELIMITERS.iter().find(|(_, delimiter)| Some(cells(*delimiter)) == most);
    first.map_or(b',', |(_, delimiter)| *delimiter)
}

/// The delimiter of a name, or of its own character.
pub(super) fn delimiter(text: &str) -> Option<u8> {
    if let Some((_, delimiter)) = DELIMITERS.iter().find(|(name, _)| *name == text) {
        return Some(*delimiter);
    }
    match text.as_bytes() {
        b"\\t" => Some(b'\t'),
        [byte] if byte.is_ascii() && !b"\"\r\n".contains(byte) => Some(*byte),
        _ => None,
    }
}

/// The name of a delimiter, or its own character.
pub(super) fn name(delimiter: u8) -> String {
    let known = DELIMITERS.iter().find(|(_, known)| *known == delimiter);
    known.map_or_else(|| format!("`{}`", char::from(delimiter)), |(name, _)| (*name).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    /// The cells of a text; `None` if it is refused.
    fn read(text: &str) -> Option<Vec<Vec<String>>> {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(text.as_bytes()).unwrap();
        let lines = LineReader::open(file.path().to_str().unwrap()).unwrap();
        let (mut record, mut all) = (StringRecord::new(), Vec::new());
        let Some(mut records) = RecordReader::new(lines, Some(b','), &mut record).ok()? else {
            return Some(all);
        };
        loop {
            all.push(record.iter().map(str::to_owned).collect());
            if !records.next(&mut record).ok()? {
                return Some(all);
            }
        }
    }

    /// The same by the crate `csv`, which has the whole text.
    fn whole(text: &str) -> Vec<Vec<String>> {
        let mut builder = csv::ReaderBuilder::new();
        let reader = builder.has_headers(false).flexible(true).from_reader(text.as_bytes());
        let cells = |record: StringRecord| record.iter().map(str::to_owned).collect();
        reader.into_records().map(|record| cells(record.unwrap())).collect()
    }

    #[test]
    fn every_short_table_is_cut_as_by_the_whole_reader() {
        let pieces = ["a", ",", "\"", "\n", "\r\n"];
        let (mut broken, mut refused) = (0, 0);
        for number in 0..5_usize.pow(6) {
            let digits = (0..6).map(|at| number / 5_usize.pow(at) % 5);
            let text: String = digits.map(|digit| pieces[digit]).collect();
            let whole_text = whole(&text);
            match read(&text) {
                Some(found) => {
                    assert_eq!(found, whole_text, "{text:?}");
                    broken += usize::from(found.iter().flatten().any(|cell| cell.contains('\n')));
                }
                // A quote is open at the end: one more closes it and adds nothing.
                None => {
                    assert_eq!(whole(&format!("{text}\"")), whole_text, "{text:?}");
                    refused += 1;
                }
            }
        }
        assert!(broken > 200 && refused > 1000, "{broken} line ends in cells, {refused} refused");
    }

    #[test]
    fn delimiters_are_recognised_by_the_number_of_cells() {
        for (line, expected) in [
            ("t,x", b','),
            ("t;x", b';'),
            ("t\tx", b'\t'),
            ("t|x|y,z", b'|'),
            ("t", b','),
            ("a,b;c", b','),
            ("\"a;b;c\",d", b','),
        ] {
            assert_eq!(recognised(line.as_bytes()), expected, "{line:?}");
        }
        let given = ["tab", "\\t", "^", "\"", ",,", "é"].map(delimiter);
        assert_eq!(given, [Some(b'\t'), Some(b'\t'), Some(b'^'), None, None, None]);
    }
}
