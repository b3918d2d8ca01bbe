//! Tables for the terminal.

use super::results::Results;
use super::stats::Estimate;
use super::summary::{Cell, cells};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

/// The metrics of the closing table, with their headings.
pub const METRICS: [(&str, &str); 3] = [
    ("utility_mean", "utility (mean over all requests)"),
    ("accuracy_mean", "accuracy (of completed requests)"),
    ("deadline_miss_ratio", "deadline-miss ratio (late, rejected, unfinished)"),
];

/// One block per metric: a row per scheduler (and every further axis), a column per value of the
/// axis that varies most, each cell with the half width of its 95 % interval.
pub fn render(results: &Results, metrics: &[(&str, &str)]) -> String {
    let cells = cells(&results.rows);
    let across = column_axis(results);
    let columns = across.map_or(vec![String::new()], |axis| results.labels(axis));
    let label = |cell: &Cell<'_>| {
        let rows = cell.labels.iter().enumerate().filter(|(at, _)| Some(*at) != across);
        rows.map(|(_, label)| label.as_str()).collect::<Vec<_>>().join(" · ")
    };
    let column = |cell: &Cell<'_>| across.map_or("", |axis| cell.labels[axis].as_str()).to_owned();
    let mut rows: Vec<String> = Vec::new();
    let mut places: BTreeMap<(String, String), &Cell<'_>> = BTreeMap::new();
    let mut seen = BTreeSet::new();
    for cell in &cells {
        let label = label(cell);
        if seen.insert(label.clone()) {
            rows.push(label.clone());
        }
        places.entry((label, column(cell))).or_insert(cell);
    }
    let mut text = String::new();
    for (metric, heading) in metrics {
        let heading = match across {
            Some(axis) => format!("{heading}, by {}", results.axes[axis]),
            None => (*heading).to_owned(),
        };
        let mut grid = vec![vec![String::new()]];
        grid[0].extend(columns.iter().cloned());
        for row in &rows {
            let mut line = vec![row.clone()];
            line.extend(columns.iter().map(|column| {
                let cell = places.get(&(row.clone(), column.clone()));
                let estimate = cell.and_then(|cell| cell.estimate(metric));
                estimate.map_or("–".to_owned(), with_interval)
            }));
            grid.push(line);
        }
        let _ = writeln!(text, "{heading}");
        text.push_str(&align(&grid));
        text.push('\n');
    }
    text
}

/// The axis with most values besides the schedulers, if any varies.
fn column_axis(results: &Results) -> Option<usize> {
    let others = (0..results.axes.len()).filter(|at| results.axes[*at] != "scheduler");
    let counted = others.map(|at| (results.labels(at).len(), at)).filter(|(n, _)| *n > 1);
    counted.max_by_key(|(n, at)| (*n, std::cmp::Reverse(*at))).map(|(_, at)| at)
}

/// `.911±.001`; digits follow the interval's width.
pub fn with_interval(estimate: Estimate) -> String {
    let short = |value: f64| {
        let text = format!("{value:.3}");
        text.strip_prefix("0.").map_or(text.clone(), |rest| format!(".{rest}"))
    };
    match estimate.half_width {
        Some(width) if width >= 0.0005 => format!("{}±{}", short(estimate.mean), short(width)),
        Some(_) => format!("{}±.000", short(estimate.mean)),
        None => short(estimate.mean),
    }
}

/// Columns padded to their widest cell: the first to the left, the others to the right.
pub fn align(grid: &[Vec<String>]) -> String {
    let columns = grid.iter().map(Vec::len).max().unwrap_or(0);
    let width = |at: usize| {
        grid.iter().filter_map(|row| row.get(at)).map(|c| c.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let mut text = String::new();
    for row in grid {
        let mut line = String::new();
        for (at, cell) in row.iter().enumerate() {
            let pad = " ".repeat(widths[at].saturating_sub(cell.chars().count()));
            match at {
                0 => line.push_str(&format!("  {cell}{pad}")),
                _ => line.push_str(&format!("  {pad}{cell}")),
            }
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}
