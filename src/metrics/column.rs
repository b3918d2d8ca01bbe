//! Descriptions of columns of result files, for headers, checks and the data dictionary.

use crate::config::path;

/// A column: its name with the unit at the end, and its cells.
#[derive(Clone, Copy, Debug)]
pub struct Column {
    /// The name in the header.
    pub name: &'static str,
    /// What its cells hold.
    pub kind: ColumnKind,
    /// What it means.
    pub meaning: &'static str,
    /// When a cell is empty; empty if it never is.
    pub empty: &'static str,
}

/// What the cells of a column hold.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum ColumnKind {
    /// Whole numbers from 0 on.
    Count,
    /// Numbers from the first to the second.
    Number(f64, f64),
    /// One of these words.
    Word(&'static [&'static str]),
    /// Any text.
    Text,
}

/// Numbers of either sign.
pub const ANY_NUMBER: ColumnKind = ColumnKind::Number(f64::NEG_INFINITY, f64::INFINITY);

impl ColumnKind {
    /// The least and the largest number that such a cell may hold.
    pub fn range(self) -> (f64, f64) {
        match self {
            Self::Count => (0.0, f64::INFINITY),
            Self::Number(least, most) => (least, most),
            Self::Word(_) | Self::Text => (f64::NEG_INFINITY, f64::INFINITY),
        }
    }
}

/// Cells are empty if no request arrived.
pub(super) const ARRIVED: &str = "no request arrived";
/// Cells are empty if no request was completed.
pub(super) const COMPLETED: &str = "no request was completed";

/// The meaning of late. With a tolerance of zero every answer after its deadline is late.
pub(super) const LATE: &str =
    "requests completed after their deadline, by the penalty's tolerance_ms or more";
/// The meaning of mean tardiness.
pub(super) const TARDINESS: &str =
    "mean tardiness over completed: finish − deadline of a late request, else 0";

/// A column of numbers from 0 on.
pub const fn column(name: &'static str, meaning: &'static str) -> Column {
    Column { name, kind: ColumnKind::Number(0.0, f64::INFINITY), meaning, empty: "" }
}

/// A column of whole numbers from 0 on.
pub const fn count(name: &'static str, meaning: &'static str) -> Column {
    column(name, meaning).of(ColumnKind::Count)
}

/// A column of numbers from 0 to 1.
pub const fn share(name: &'static str, meaning: &'static str) -> Column {
    column(name, meaning).of(ColumnKind::Number(0.0, 1.0))
}

/// A column of text.
pub const fn text(name: &'static str, meaning: &'static str) -> Column {
    column(name, meaning).of(ColumnKind::Text)
}

impl Column {
    /// The same with cells of another kind.
    pub const fn of(self, kind: ColumnKind) -> Self {
        Self { kind, ..self }
    }

    /// The same, saying when a cell is empty.
    pub const fn empty(self, empty: &'static str) -> Self {
        Self { empty, ..self }
    }
}

/// The word in a column's name that is its unit, and the unit as people write it.
pub fn unit(column: &str) -> Option<(&'static str, &'static str)> {
    const UNITS: [(&str, &str); 6] = [
        ("ms", "ms"),
        ("s", "s"),
        ("rps", "requests/s"),
        ("j", "J"),
        ("usd", "US$"),
        ("bytes", "bytes"),
    ];
    let name = path::last(column);
    if name.ends_with("_per_s") {
        return Some(("", "1/s"));
    }
    if name.ends_with("_per_joule") {
        return Some(("", "1/J"));
    }
    let mut words = name.split('_').skip(1);
    words.find_map(|word| UNITS.into_iter().find(|(short, _)| *short == word))
}

/// One cell of a result row.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Cell {
    /// Not defined here.
    Empty,
    /// A whole number.
    Count(u64),
    /// A measured number, written with as few digits as name it exactly.
    Number(f64),
    /// A word.
    Word(&'static str),
}

impl Cell {
    /// The number that it holds, if it holds one.
    pub fn number(self) -> Option<f64> {
        match self {
            Self::Count(count) => Some(count as f64),
            Self::Number(number) => Some(number),
            Self::Empty | Self::Word(_) => None,
        }
    }
}

impl From<Option<f64>> for Cell {
    fn from(number: Option<f64>) -> Self {
        number.map_or(Self::Empty, Self::Number)
    }
}

impl std::fmt::Display for Cell {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Empty => Ok(()),
            Self::Count(count) => write!(f, "{count}"),
            Self::Number(number) => write!(f, "{number}"),
            Self::Word(word) => f.write_str(word),
        }
    }
}

/// `value / of`, empty where `of` is 0.
pub(super) fn ratio(value: f64, of: u64) -> Cell {
    if of == 0 { Cell::Empty } else { Cell::Number(value / of as f64) }
}

#[cfg(test)]
mod tests {
    use super::unit;

    #[test]
    fn units_are_read_off_names() {
        let of = |name| unit(name).map(|(_, unit)| unit);
        assert_eq!(of("latency_ms_p99"), Some("ms"));
        assert_eq!(of("workload.rate_rps"), Some("requests/s"));
        assert_eq!(of("decisions_per_s"), Some("1/s"));
        assert_eq!(of("utility_mean"), None);
    }
}
