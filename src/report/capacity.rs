//! Results of capacity searches: `capacity.csv`, a row for each configuration and replicate, and
//! `capacity_summary.csv`, over replicates.

use super::console::align;
use super::results::REPLICATE;
use super::runs_csv::{names, number, write_csv};
use crate::experiment::{CapacityResult, CapacitySearch, Sweep};
use crate::metrics::column::{ANY_NUMBER, column, count, share, text};
use crate::metrics::{Column, ColumnKind};
use crate::output::atomic::{self, WriteError};
use crate::stats::Estimate;
use std::path::Path;

const STATUS: ColumnKind = ColumnKind::Word(&["found", "always", "never", "unknown"]);

/// The columns of `capacity.csv` after the axes.
pub const COLUMNS: [Column; 9] = [
    REPLICATE,
    text("key", "the setting that was varied"),
    text("metric", "what is limited"),
    text("status", STATUSES).of(STATUS),
    column("highest_passing", "the value next to the edge at which the limit is kept")
        .empty("never, unknown"),
    column("lowest_failing", "the value next to it at which it is not").empty("always, unknown"),
    column("metric_at_highest_passing", "the metric at the former")
        .of(ANY_NUMBER)
        .empty("never, unknown"),
    column("metric_at_lowest_failing", "the metric at the latter")
        .of(ANY_NUMBER)
        .empty("always, unknown; or the metric is empty there, which keeps no limit"),
    count("probes", "runs that it took"),
];

const STATUSES: &str = "always, never: the limit is kept at both ends of the search, or at \
     neither; unknown: the metric is empty at both";

/// The columns of `capacity_summary.csv` after the axes.
pub const SUMMARY: [Column; 8] = [
    text("key", "the setting that was varied"),
    count("replicates", "searches"),
    share("found", "share of them that found an edge"),
    column("highest_passing_mean", "mean of highest_passing over those that found one")
        .empty("none did"),
    column("highest_passing_sd", "its standard deviation").empty("fewer than two did"),
    column("highest_passing_ci95", "half width of its 95 % interval (Student's t)")
        .empty("fewer than two did, or all found the same"),
    share("always", "share of them that kept the limit at both ends"),
    share("unknown", "share of them whose metric was empty at both ends"),
];

/// Writes both files; removes those of an earlier search if there is none.
///
/// # Errors
/// Says which file could not be written.
pub fn write(sweep: &Sweep, found: &[CapacityResult], folder: &Path) -> Result<(), WriteError> {
    let paths = ["capacity.csv", "capacity_summary.csv"].map(|name| folder.join(name));
    let Some(search) = &sweep.experiment.search else {
        return paths.iter().try_for_each(|path| atomic::remove(path));
    };
    let head = |columns: &[Column]| [axes(sweep), names(columns)].concat();
    write_csv(&paths[0], head(&COLUMNS), found.iter().map(|found| row(found, search)))?;
    let rows = by_configuration(found).map(|own| summary(own, search));
    write_csv(&paths[1], head(&SUMMARY), rows)
}

/// The axes besides the searched setting.
fn axes(sweep: &Sweep) -> Vec<String> {
    let mut axes = sweep.axis_keys();
    axes.pop();
    axes
}

fn row(found: &CapacityResult, search: &CapacitySearch) -> Vec<String> {
    let text = |value: Option<f64>| number(value.filter(|value| value.is_finite()));
    let mut row = found.labels.clone();
    row.extend([
        found.replicate.to_string(),
        search.key.clone(),
        search.metric.clone(),
        found.status().to_owned(),
        text(found.highest_passing.map(|(at, _)| at)),
        text(found.lowest_failing.map(|(at, _)| at)),
        text(found.highest_passing.map(|(_, metric)| metric)),
        text(found.lowest_failing.map(|(_, metric)| metric)),
        found.probes.to_string(),
    ]);
    row
}

/// The results of each configuration; its replicates are adjacent.
fn by_configuration(found: &[CapacityResult]) -> impl Iterator<Item = &[CapacityResult]> {
    found.chunk_by(|a, b| a.labels == b.labels)
}

/// The values found, where both sides of the edge are known.
fn edges(own: &[CapacityResult]) -> Option<Estimate> {
    let edges = own.iter().filter(|found| found.status() == "found");
    Estimate::of(&edges.filter_map(|found| Some(found.highest_passing?.0)).collect::<Vec<_>>())
}

fn summary(own: &[CapacityResult], search: &CapacitySearch) -> Vec<String> {
    let share = |status: &str| {
        let count = own.iter().filter(|found| found.status() == status).count();
        (count as f64 / own.len() as f64).to_string()
    };
    let edges = edges(own);
    let mut row = own.first().map(|found| found.labels.clone()).unwrap_or_default();
    row.extend([
        search.key.clone(),
        own.len().to_string(),
        share("found"),
        number(edges.map(|e| e.mean)),
        number(edges.and_then(|e| e.deviation)),
        number(edges.and_then(|e| e.half_width)),
        share("always"),
        share("unknown"),
    ]);
    row
}

/// A table for the terminal: a line for each configuration.
pub fn render(sweep: &Sweep, search: &CapacitySearch, found: &[CapacityResult]) -> String {
    let mut head = axes(sweep);
    head.extend([format!("{} that keeps it", search.key), "95 % interval".to_owned()]);
    head.push("replicates".to_owned());
    let mut grid = vec![head];
    for own in by_configuration(found) {
        let mut line = own.first().map(|found| found.labels.clone()).unwrap_or_default();
        let edges = edges(own);
        let all = |status: &str| own.iter().all(|found| found.status() == status);
        let mean = match edges {
            _ if all("always") => format!("≥ {}", search.ends[1]),
            _ if all("never") => "none".to_owned(),
            _ if all("unknown") => "unknown".to_owned(),
            Some(e) if e.count == own.len() => short(e.mean),
            Some(e) => format!("{} (of {})", short(e.mean), e.count),
            None => "–".to_owned(),
        };
        let width = edges.and_then(|e| e.half_width);
        line.extend([mean, width.map_or("–".to_owned(), |w| format!("± {}", short(w)))]);
        line.push(own.len().to_string());
        grid.push(line);
    }
    align(&grid)
}

/// Four digits.
pub(super) fn short(value: f64) -> String {
    format!("{value:.3e}").parse::<f64>().unwrap_or(value).to_string()
}
