//! Cells of the tables of a profile: times, points, power modes.

use super::{NAME, is_name};
use crate::config::csv::Row;
use crate::config::{Problem, Problems};
use crate::core::units::Span;
use crate::system::latency::{LatencyPoint, MAX_BATCH, MAX_COUNT};

/// The columns of a point of a latency table.
pub(crate) const POINT: [&str; 2] = ["batch", "latency_ms"];
/// The column of its number of timings.
pub(crate) const COUNT: [&str; 1] = ["count"];
/// The column of power modes in tables by class of workers.
pub(super) const POWER_MODE: &str = "power_mode";

/// The longest batch and load, a day: sums of them fit 64 bits of nanoseconds.
const MAX_SPAN: Span = Span(86_400_000_000_000);

pub(crate) fn span(row: Row<'_>, column: usize) -> Result<Span, Problem> {
    match row.decimal(column, 6).map(Span)? {
        span if span <= MAX_SPAN => Ok(span),
        _ => Err(row.problem(column, format!("at most {} ms, a day", MAX_SPAN.as_ms()))),
    }
}

fn latency(row: Row<'_>, column: usize) -> Result<Span, Problem> {
    match span(row, column)? {
        Span::ZERO => Err(row.problem(column, "a number ≥ 0.000001")),
        span => Ok(span),
    }
}

/// A row of a latency table, its cells in the order of [`POINT`] and [`COUNT`].
pub(crate) fn point(
    row: Row<'_>,
    (columns, more): (&[usize], &[Option<usize>]),
    problems: &mut Problems,
) -> Option<LatencyPoint> {
    let batch = keep(row.integer(columns[0], 1..=MAX_BATCH), problems);
    let latency = keep(latency(row, columns[1]), problems);
    let count = more[0].map(|column| row.integer(column, 1..=MAX_COUNT));
    let count = count.map_or(Some(1), |count| keep(count, problems));
    Some(LatencyPoint { batch: batch?, latency: latency?, count: count? })
}

/// The power mode of a row; empty without one.
pub(super) fn power_mode<'a>(
    row: Row<'a>,
    column: Option<usize>,
    problems: &mut Problems,
) -> &'a str {
    let mode = column.map_or("", |column| row.text(column));
    if let Some(column) = column.filter(|_| !mode.is_empty() && !is_name(mode)) {
        problems.push(row.problem(column, NAME));
    }
    mode
}

pub(super) fn keep<T>(result: Result<T, Problem>, problems: &mut Problems) -> Option<T> {
    result.map_err(|problem| problems.push(problem)).ok()
}
