//! Spreads of service times in `latency.csv`.

use super::cells::keep;
use crate::config::Problems;
use crate::config::csv::Row;
use crate::system::device::{Quantiles, Spread};

/// Columns of `latency.csv`: the standard deviation, then quantiles.
pub(super) const SPREAD: [&str; 10] = [
    "latency_ms_sd",
    "latency_ms_p01",
    "latency_ms_p05",
    "latency_ms_p10",
    "latency_ms_p25",
    "latency_ms_p50",
    "latency_ms_p75",
    "latency_ms_p90",
    "latency_ms_p95",
    "latency_ms_p99",
];

/// The probabilities of the columns of quantiles.
const PROBABILITIES: [f64; 9] = [0.01, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99];

/// The spread in a row of `latency.csv`: by its standard deviation, or by its quantiles, whose
/// shape is kept and scaled to the mean of the row.
pub(super) fn spread(
    row: Row<'_>,
    mean: usize,
    columns: &[Option<usize>],
    problems: &mut Problems,
) -> Spread {
    let given = |column: &Option<usize>| column.filter(|column| !row.text(*column).is_empty());
    let mut points: Vec<(f64, f64)> = Vec::new();
    for (column, probability) in columns[1..].iter().zip(PROBABILITIES) {
        let Some(column) = given(column) else { continue };
        let Some(value) = keep(row.number(column), problems) else { return Spread::None };
        if points.last().is_some_and(|(_, last)| *last > value) {
            let lower = points.last().map_or(0.0, |(_, last)| *last);
            problems.push(row.problem(column, format!("at least {lower}, the quantile before it")));
        }
        points.push((probability, value));
    }
    let sd = given(&columns[0]);
    match sd {
        Some(column) if !points.is_empty() => {
            problems.push(row.problem(column, "a standard deviation or quantiles, not both"));
            Spread::None
        }
        Some(column) => {
            let sd = keep(row.number(column), problems).unwrap_or(0.0);
            let mean = row.number(mean).unwrap_or(0.0);
            if sd > 100.0 * mean {
                problems.push(row.problem(column, "at most 100 times the mean"));
                return Spread::None;
            }
            Spread::of_cv(if mean > 0.0 { sd / mean } else { 0.0 })
        }
        None if points.iter().any(|(_, value)| *value > 0.0) => {
            Spread::Quantiles(Quantiles::new(points))
        }
        None => {
            if let Some(column) = columns[1..].iter().find_map(given) {
                problems.push(row.problem(column, "some quantile above 0"));
            }
            Spread::None
        }
    }
}
