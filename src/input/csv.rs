//! A CSV table in memory, whose every cell knows its line.
//!
//! Tables have one header line; rows must be as long as it. Windows line ends and quoted cells are
//! accepted, empty lines are skipped.

use super::error::{Place, Problem};
use super::source::Source;
use crate::units::parse_decimal;

/// A parsed table.
#[derive(Debug)]
pub struct Table {
    file: String,
    header: Vec<String>,
    records: Vec<csv::StringRecord>,
}

/// One row of a [`Table`].
#[derive(Clone, Copy, Debug)]
pub struct Row<'a> {
    table: &'a Table,
    record: &'a csv::StringRecord,
}

impl Table {
    /// Parses a file that must have a header and at least one row.
    pub fn parse(source: &Source) -> Result<Self, Problem> {
        let file = source.path.clone();
        let mut reader = csv::ReaderBuilder::new().from_reader(source.text.as_bytes());
        let fail = |error: csv::Error| csv_problem(&file, &error);
        let header: Vec<String> =
            reader.headers().map_err(fail)?.iter().map(|name| name.trim().to_owned()).collect();
        if header.iter().all(String::is_empty) {
            return Err(Problem::new(Place::file(&file), "an empty file", "a header line"));
        }
        for (index, name) in header.iter().enumerate() {
            if header[..index].contains(name) {
                let place = Place::line(&file, 1).field(name);
                return Err(Problem::new(place, "the same column twice", "distinct columns"));
            }
        }
        let records = reader.records().collect::<Result<Vec<_>, _>>().map_err(fail)?;
        if records.is_empty() {
            return Err(Problem::new(Place::file(&file), "a header and no rows", "rows"));
        }
        Ok(Self { file, header, records })
    }

    /// The names in the header.
    pub fn header(&self) -> impl Iterator<Item = &str> {
        self.header.iter().map(String::as_str)
    }

    /// The index of a required column.
    pub fn column(&self, name: &str) -> Result<usize, Problem> {
        self.optional(name).ok_or_else(|| {
            let place = Place::line(&self.file, 1).field(name);
            let near = self.header().map(str::to_owned).collect::<Vec<_>>();
            let hint =
                Problem::unknown(Place::default(), "column", name, near.iter().map(String::as_str));
            Problem {
                nearest: hint.nearest,
                ..Problem::new(
                    place,
                    format!("no such column in `{}`", self.header.join(",")),
                    format!("a column `{name}`"),
                )
            }
        })
    }

    /// The index of a column that may be absent.
    pub fn optional(&self, name: &str) -> Option<usize> {
        self.header.iter().position(|column| column == name)
    }

    /// A problem for each column that is none of `known`.
    pub fn refuse_unknown(&self, known: impl Fn(&str) -> bool, names: &[&str]) -> Option<Problem> {
        let name = self.header().find(|name| !known(name))?;
        let place = Place::line(&self.file, 1).field(name);
        Some(Problem::unknown(place, "column", name, names.iter().copied()))
    }

    /// The rows in order.
    pub fn rows(&self) -> impl Iterator<Item = Row<'_>> {
        self.records.iter().map(|record| Row { table: self, record })
    }
}

impl<'a> Row<'a> {
    /// Where the cell of `column` stands.
    pub fn place(&self, column: usize) -> Place {
        let line = self.record.position().map_or(0, csv::Position::line);
        Place::line(&self.table.file, line).field(&self.table.header[column])
    }

    /// A problem with the cell of `column`: what stands there, quoted, against `expected`.
    pub fn problem(&self, column: usize, expected: impl Into<String>) -> Problem {
        let text = self.text(column);
        let found = if text.is_empty() { "an empty cell".into() } else { format!("`{text}`") };
        Problem::new(self.place(column), found, expected)
    }

    /// The cell's text without blanks around it.
    pub fn text(&self, column: usize) -> &'a str {
        self.record.get(column).unwrap_or("").trim()
    }

    /// A decimal ≥ 0 as an integer count of 10^-`digits` of its unit.
    pub fn decimal(&self, column: usize, digits: u32) -> Result<u64, Problem> {
        parse_decimal(self.text(column), digits).ok_or_else(|| self.problem(column, "a number ≥ 0"))
    }

    /// A whole number within `range`.
    pub fn integer(
        &self,
        column: usize,
        range: std::ops::RangeInclusive<u64>,
    ) -> Result<u64, Problem> {
        self.text(column).parse().ok().filter(|value| range.contains(value)).ok_or_else(|| {
            let expected = if *range.end() == u64::MAX {
                format!("a whole number ≥ {}", range.start())
            } else {
                format!("a whole number from {} to {}", range.start(), range.end())
            };
            self.problem(column, expected)
        })
    }

    /// A finite number ≥ 0.
    pub fn number(&self, column: usize) -> Result<f64, Problem> {
        self.text(column)
            .parse()
            .ok()
            .filter(|value: &f64| value.is_finite() && *value >= 0.0)
            .ok_or_else(|| self.problem(column, "a number ≥ 0"))
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

fn csv_problem(file: &str, error: &csv::Error) -> Problem {
    let line = error.position().map_or(0, csv::Position::line);
    let place = Place::line(file, line);
    match error.kind() {
        csv::ErrorKind::UnequalLengths { expected_len, len, .. } => {
            Problem::new(place, format!("{len} cells"), format!("{expected_len}, as in the header"))
        }
        _ => Problem::new(place, format!("a broken table ({error})"), "comma-separated cells"),
    }
}
