//! A CSV table in memory, whose every cell knows its line.
//!
//! Tables have one header line; rows must be as long as it. Windows line ends and quoted cells are
//! accepted, empty lines are skipped.

use super::decode;
use super::error::{Location, Problem};
use super::lines::LineReader;
use super::records::RecordReader;
use super::settings::integer_range;
use super::source::Source;
use crate::core::units::parse_decimal;
use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

/// The file and the header of a table. A column without a name is called by its number, from 1 on.
#[derive(Debug)]
pub struct Header {
    file: String,
    names: Vec<String>,
    /// Whether any required column is there; else this is another file than was meant, and messages
    /// do not show its header.
    is_meant: AtomicBool,
    /// Whether the first line is a row, and columns have numbers for names.
    numbered: bool,
}

/// A parsed table.
#[derive(Debug)]
pub struct Table {
    head: Header,
    records: Vec<csv::StringRecord>,
    /// The line of each record.
    lines: Vec<u64>,
}

/// No count or measurement is larger; sums of such numbers stay finite.
const MAX_NUMBER: f64 = 1e15;

/// One row of a [`Table`], or of [`super::rows::RowReader`].
#[derive(Clone, Copy, Debug)]
pub struct Row<'a> {
    pub(super) head: &'a Header,
    pub(super) record: &'a csv::StringRecord,
    pub(super) line: u64,
}

impl Header {
    /// Checks that there are names.
    pub(super) fn new<'n>(
        file: &str,
        names: impl Iterator<Item = &'n str>,
    ) -> Result<Self, Problem> {
        let mut names: Vec<String> = names.map(|name| name.trim().to_owned()).collect();
        if names.iter().all(String::is_empty) {
            return Err(Problem::new(Location::file(file), "an empty file", "a header line"));
        }
        let given: BTreeSet<String> = names.iter().cloned().collect();
        for (at, name) in names.iter_mut().enumerate().filter(|(_, name)| name.is_empty()) {
            let number = (at + 1).to_string();
            if !given.contains(&number) {
                *name = number;
            }
        }
        Ok(Self { file: file.to_owned(), names, is_meant: AtomicBool::new(false), numbered: false })
    }

    /// The head of a table whose first line is a row.
    pub(super) fn numbered(file: &str, columns: usize) -> Self {
        let names = (1..=columns).map(|number| number.to_string()).collect();
        Self { file: file.to_owned(), names, is_meant: AtomicBool::new(false), numbered: true }
    }

    /// Checks that names are distinct.
    ///
    /// # Errors
    /// Names the first column that is there twice.
    pub fn distinct(&self) -> Result<(), Problem> {
        let mut known = BTreeSet::new();
        let twice = self.names().find(|name| !known.insert(*name));
        twice.map_or(Ok(()), |name| Err(self.twice(name)))
    }

    fn twice(&self, name: &str) -> Problem {
        let place = Location::line(&self.file, 1).field(name);
        Problem::new(place, "the same column twice", "distinct columns")
    }

    /// A problem with the number of cells of a record in the lines from `place` to `last`.
    pub(super) fn check_length(
        &self,
        cells: usize,
        place: impl FnOnce() -> Location,
        last: u64,
    ) -> Result<(), Problem> {
        if cells == self.names.len() {
            return Ok(());
        }
        let place = place();
        let mut found = format!("{cells} {}", if cells == 1 { "cell" } else { "cells" });
        if last > place.line {
            found.push_str(&format!(" in quoted lines up to {last}"));
        }
        let first = if self.numbered { "first row" } else { "header" };
        Err(Problem::new(place, found, format!("{}, as in the {first}", self.names.len())))
    }

    /// The names in the header.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.names.iter().map(String::as_str)
    }

    /// Whether the first line is a row, and columns are called by their numbers.
    pub fn is_numbered(&self) -> bool {
        self.numbered
    }

    /// The place of the header.
    pub fn place(&self) -> Location {
        Location::line(&self.file, 1)
    }

    /// The index of a required column, of which there must be one.
    pub fn column(&self, name: &str) -> Result<usize, Problem> {
        if self.names().filter(|known| *known == name).nth(1).is_some() {
            return Err(self.twice(name));
        }
        self.optional(name).ok_or_else(|| {
            let place = Location::line(&self.file, 1).field(name);
            let hint = Problem::unknown(Location::default(), "column", name, self.names());
            let found = if hint.nearest.is_some() || self.is_meant.load(Relaxed) {
                format!("no such column in `{}`", self.names.join(","))
            } else {
                self.unknown_column()
            };
            let problem = Problem::new(place, found, format!("a column `{name}`"));
            Problem { nearest: hint.nearest, ..problem }
        })
    }

    /// The indices of required columns.
    ///
    /// # Errors
    /// Names the first that is absent or there twice.
    pub fn columns<const N: usize>(&self, names: [&str; N]) -> Result<[usize; N], Problem> {
        let mut places = [0; N];
        for (place, name) in places.iter_mut().zip(names) {
            *place = self.column(name)?;
        }
        Ok(places)
    }

    /// The description of a header without any required column, which does not show its text.
    fn unknown_column(&self) -> String {
        match self.names.as_slice() {
            [name] if name.contains(';') => "one column, with semicolons".to_owned(),
            [name] if name.contains('\t') => "one column, with tabs".to_owned(),
            names => format!("{} columns, none of which is looked for", names.len()),
        }
    }

    /// The index of a column that may be absent.
    pub fn optional(&self, name: &str) -> Option<usize> {
        let at = self.names.iter().position(|column| column == name);
        self.is_meant.fetch_or(at.is_some(), Relaxed);
        at
    }

    /// A problem with the first column that is none of the known.
    pub fn refuse_unknown(&self, known: impl Fn(&str) -> bool, names: &[&str]) -> Option<Problem> {
        let name = self.names().find(|name| !known(name))?;
        if !self.names().any(known) {
            let found = self.unknown_column();
            let expected = format!("columns of {}", names.join(", "));
            return Some(Problem::new(Location::line(&self.file, 1), found, expected));
        }
        let place = Location::line(&self.file, 1).field(name);
        Some(Problem::unknown(place, "column", name, names.iter().copied()))
    }
}

impl Table {
    /// Parses a file that must have a header and at least one row.
    ///
    /// # Errors
    /// Says which line is not as it should be.
    pub fn parse(source: &Source) -> Result<Self, Problem> {
        let table = Self::parse_any(source)?;
        if table.records.is_empty() {
            let place = Location::file(&table.head.file);
            return Err(Problem::new(place, "a header and no rows", "rows"));
        }
        Ok(table)
    }

    /// Parses a file that must have a header.
    ///
    /// # Errors
    /// As [`Self::parse`].
    pub fn parse_any(source: &Source) -> Result<Self, Problem> {
        let mut record = csv::StringRecord::new();
        let lines = LineReader::of_text(source);
        let Some(mut reader) = RecordReader::new(lines, Some(b','), &mut record)? else {
            return Err(Problem::new(
                Location::file(&source.path),
                "an empty file",
                "a header line",
            ));
        };
        let head = Header::new(&source.path, record.iter())?;
        head.distinct()?;
        let (mut records, mut numbers) = (Vec::new(), Vec::new());
        while reader.next(&mut record)? {
            let lines = reader.lines();
            head.check_length(record.len(), || lines.place(), lines.last())?;
            numbers.push(lines.number());
            records.push(record.clone());
        }
        Ok(Self { head, records, lines: numbers })
    }

    /// The rows in order.
    pub fn rows(&self) -> impl Iterator<Item = Row<'_>> {
        let rows = self.records.iter().zip(&self.lines);
        rows.map(|(record, line)| Row { head: &self.head, record, line: *line })
    }

    /// The cells of the rows in order.
    pub fn into_records(self) -> Vec<csv::StringRecord> {
        self.records
    }
}

impl std::ops::Deref for Table {
    type Target = Header;

    fn deref(&self) -> &Header {
        &self.head
    }
}

impl<'a> Row<'a> {
    /// The place of the cell of `column`.
    pub fn place(&self, column: usize) -> Location {
        Location::line(&self.head.file, self.line).field(&self.head.names[column])
    }

    /// A problem with the cell of `column`, whose text is quoted.
    pub fn problem(&self, column: usize, expected: impl Into<String>) -> Problem {
        let text = self.text(column);
        let found = if text.is_empty() { "an empty cell".into() } else { format!("`{text}`") };
        Problem::new(self.place(column), found, expected)
    }

    /// The 1-based line in which the row begins.
    pub fn line(&self) -> u64 {
        self.line
    }

    /// The cell's text without blanks around it.
    pub fn text(&self, column: usize) -> &'a str {
        self.record.get(column).unwrap_or("").trim()
    }

    /// The cell's text, which must not be empty; `expected` says what it is.
    ///
    /// # Errors
    /// Says that the cell is empty.
    pub fn filled(&self, column: usize, expected: &str) -> Result<&'a str, Problem> {
        let text = self.text(column);
        if text.is_empty() { Err(self.problem(column, expected)) } else { Ok(text) }
    }

    /// The texts of all cells.
    pub fn cells(&self) -> impl Iterator<Item = &'a str> {
        self.record.iter().map(str::trim)
    }

    /// A decimal ≥ 0 as an integer count of 10^-`digits` of its unit.
    pub fn decimal(&self, column: usize, digits: u32) -> Result<u64, Problem> {
        let value = parse_decimal(self.text(column), digits);
        value.ok_or_else(|| self.problem(column, "a number ≥ 0"))
    }

    /// A whole number within `range`; `512.0` is one.
    pub fn integer(
        &self,
        column: usize,
        range: std::ops::RangeInclusive<u64>,
    ) -> Result<u64, Problem> {
        let value = whole(self.text(column)).filter(|value| range.contains(value));
        value.ok_or_else(|| self.problem(column, integer_range(*range.start(), *range.end())))
    }

    /// A finite number ≥ 0.
    pub fn number(&self, column: usize) -> Result<f64, Problem> {
        let value = self.text(column).parse().ok().filter(|value: &f64| *value >= 0.0);
        match value {
            Some(value) if value <= MAX_NUMBER => Ok(value),
            Some(_) => Err(self.problem(column, format!("a number from 0 to {MAX_NUMBER:e}"))),
            None => Err(self.problem(column, "a number ≥ 0")),
        }
    }

    /// A finite number of either sign.
    pub fn signed(&self, column: usize) -> Result<f64, Problem> {
        let value = self.text(column).parse().ok();
        let value = value.filter(|value: &f64| value.abs() <= MAX_NUMBER);
        value.ok_or_else(|| {
            self.problem(column, format!("a number from -{MAX_NUMBER:e} to {MAX_NUMBER:e}"))
        })
    }

    /// The index of the cell's text among `names`.
    pub fn name(&self, column: usize, what: &str, names: &[String]) -> Result<usize, Problem> {
        let text = self.text(column);
        names.iter().position(|name| name == text).ok_or_else(|| {
            let known = names.iter().map(String::as_str);
            Problem::unknown(self.place(column), what, text, known)
        })
    }
}

/// A whole number, which may end in a point and zeros as tables with missing cells write it, or be
/// written with an exponent.
pub fn whole(text: &str) -> Option<u64> {
    if text.contains(['e', 'E']) {
        return decode::whole(text.parse().ok()?).and_then(|number| u64::try_from(number).ok());
    }
    let (digits, zeros) = text.split_once('.').unwrap_or((text, ""));
    if zeros.bytes().all(|b| b == b'0') { digits.parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(text: &str) -> Result<Table, Problem> {
        Table::parse(&Source { path: "t.csv".into(), text: text.into(), sha256: String::new() })
    }

    #[test]
    fn rows_know_their_line_behind_empty_lines_and_line_breaks_in_cells() {
        for end in ["\n", "\r\n"] {
            let text = "a,b\n\n\n1,2\n\n\"x\ny\",3\n4,5\n\n6,7".replace('\n', end);
            let table = table(&text).unwrap();
            let lines: Vec<u64> = table.rows().map(|row| row.place(0).line).collect();
            assert_eq!(lines, [4, 6, 8, 10], "{end:?}");
        }
        let short = table("a,b\r\n\r\n1,2\r\n\r\n3\r\n").unwrap_err();
        assert_eq!(short.to_string(), "t.csv:5: found 1 cell, expected 2, as in the header");
    }

    #[test]
    fn numbers_are_finite_and_their_sums_too() {
        let table = table("a\n1e300\nnan\ninf\n-1\n1e15\n").unwrap();
        let read: Vec<bool> = table.rows().map(|row| row.number(0).is_ok()).collect();
        assert_eq!(read, [false, false, false, false, true]);
    }
}
