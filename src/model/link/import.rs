//! Bandwidth traces of others: `trace,time_s,mbps`, several traces in one file.
//!
//! The first row of each trace in the files of `OctopInf` (`jsons/bandwidths` of
//! `tungngreen/PipelineScheduler`) is a constant that its publisher put before the measurement; it
//! is left out wherever other rows follow, and the trace begins at 0 with the first of them.

use super::{Bandwidth, COLUMNS};
use crate::input::csv::Table;
use crate::input::source::Source;
use crate::input::{Place, Problem};
use crate::units::decimal;

/// The table of one trace of a file, as [`Bandwidth::parse`] reads it, and how many rows at its
/// beginning were left out.
pub fn import(source: &Source, trace: &str) -> Result<(String, usize), Problem> {
    let table = Table::parse(source)?;
    let name = table.column("trace")?;
    let (time, mbps) = (table.column(COLUMNS[0])?, table.column(COLUMNS[1])?);
    let rows: Vec<_> = table.rows().filter(|row| row.text(name) == trace).collect();
    if rows.is_empty() {
        let mut known: Vec<&str> = table.rows().map(|row| row.text(name)).collect();
        known.dedup();
        let place = Place::file(&source.path).field("trace");
        return Err(Problem::unknown(place, "trace", trace, known));
    }
    let left_out = usize::from(rows.len() > 1);
    let rows = &rows[left_out..];
    let first = rows[0].decimal(time, 9)?;
    let mut text = format!("{},{}\n", COLUMNS[0], COLUMNS[1]);
    for row in rows {
        let since = row.decimal(time, 9)?.checked_sub(first);
        let since = since.ok_or_else(|| row.problem(time, "a later time"))?;
        text.push_str(&format!("{},{}\n", decimal(since, 9), row.number(mbps)?));
    }
    let made = Source { text, ..source.clone() };
    Bandwidth::parse(&made)?;
    Ok((made.text, left_out))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trace_begins_with_its_measurement() {
        let text = "trace,time_s,mbps\n0,0,50\n1,0,50.0\n1,60,188.46\n1,91.5,8.83\n".to_owned();
        let source = Source { path: "b.csv".into(), text, sha256: String::new() };
        let (text, left_out) = import(&source, "1").unwrap();
        assert_eq!((text.as_str(), left_out), ("time_s,mbps\n0,188.46\n31.5,8.83\n", 1));
        let (text, left_out) = import(&source, "0").unwrap();
        assert_eq!((text.as_str(), left_out), ("time_s,mbps\n0,50\n", 0));
        let said = import(&source, "7").unwrap_err().to_string();
        assert!(said.contains("unknown trace `7`") && said.contains("0, 1"), "{said}");
    }
}
