//! Tables for the terminal.

use super::results::{Results, without};
use super::summary::{Cell, cells};
use crate::stats::Estimate;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

/// One block per metric: a row per scheduler (and every further axis), a column per value of the
/// axis that varies most, each cell with the half width of its 95 % interval, and `*` where the
/// queue was not stationary.
pub fn render(results: &Results, metrics: &[(&str, &str)]) -> String {
    let cells = cells(&results.rows);
    let across = column_axis(results);
    let columns = across.map_or(vec![String::new()], |axis| results.labels(axis));
    let label = |cell: &Cell<'_>| match across {
        Some(axis) => without(cell.labels, axis).join(" · "),
        None => cell.labels.join(" · "),
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
    let marks = cells.iter().any(Cell::grows);
    // Numbers stay below each other.
    let blank = if marks { " " } else { "" };
    let mut text = String::new();
    for (metric, heading) in metrics {
        let heading = match across {
            Some(axis) => format!("{heading}, by {}", results.axes[axis]),
            None => (*heading).to_owned(),
        };
        let mut grid = vec![vec![String::new()]];
        grid[0].extend(columns.iter().map(|column| format!("{column}{blank}")));
        for row in &rows {
            let mut line = vec![row.clone()];
            line.extend(columns.iter().map(|column| {
                let cell = places.get(&(row.clone(), column.clone()));
                let estimate = cell.and_then(|cell| cell.estimate(metric));
                let mark = if cell.is_some_and(|cell| cell.grows()) { "*" } else { blank };
                estimate.map_or("–".to_owned(), with_interval) + mark
            }));
            grid.push(line);
        }
        let _ = writeln!(text, "{heading}");
        text.push_str(&align(&grid));
        text.push('\n');
    }
    if marks {
        text.push_str(NOT_STATIONARY);
    }
    text
}

/// The meaning of `*`.
const NOT_STATIONARY: &str = "* the queue is not stationary (column `stationary`): the value \
                              depends on the length of the run\n\n";

/// Knees: the last rate of the grid up to which schedulers keep 95 % of the utility at the lowest
/// rate, and miss no more than 5 % of deadlines. `None` for fewer than four rates.
pub fn knees(results: &Results) -> Option<String> {
    let across = results.axis("workload.rate_rps")?;
    let rate = |cell: &Cell<'_>| cell.labels[across].parse::<f64>().unwrap_or(f64::NAN);
    if results.labels(across).len() < 4 {
        return None;
    }
    let mut rows: Vec<(String, Vec<Cell<'_>>)> = Vec::new();
    let mut places: BTreeMap<String, usize> = BTreeMap::new();
    for cell in cells(&results.rows) {
        let label = without(cell.labels, across).join(" · ");
        let at = *places.entry(label.clone()).or_insert(rows.len());
        match rows.get_mut(at) {
            Some((_, row)) => row.push(cell),
            None => rows.push((label, vec![cell])),
        }
    }
    let mean = |cell: &Cell<'_>, metric| cell.estimate(metric).map(|e| e.mean);
    let last = |row: &[Cell<'_>], holds: &dyn Fn(&Cell<'_>) -> bool| {
        let good = row.iter().take_while(|cell| holds(cell)).count();
        match good.checked_sub(1) {
            None => "–".to_owned(),
            Some(at) if good == row.len() => format!("≥ {}", row[at].labels[across]),
            Some(at) => row[at].labels[across].clone(),
        }
    };
    let mut grid = vec![["", "95 % of utility", "misses ≤ 5 %"].map(str::to_owned).to_vec()];
    for (label, mut row) in rows {
        row.sort_by(|a, b| rate(a).total_cmp(&rate(b)));
        let first = row.first().and_then(|cell| mean(cell, "utility_mean")).unwrap_or(0.0);
        let kept = |c: &Cell<'_>| mean(c, "utility_mean").is_some_and(|u| u >= 0.95 * first);
        let on_time = |c: &Cell<'_>| mean(c, "deadline_miss_ratio").is_some_and(|m| m <= 0.05);
        grid.push(vec![label, last(&row, &kept), last(&row, &on_time)]);
    }
    let heading = "knee: the last rate (requests/s) of this grid up to which holds";
    Some(format!("{heading}\n{}\n", align(&grid)))
}

/// The axis with most values besides schedulers or policies, if any varies.
fn column_axis(results: &Results) -> Option<usize> {
    let others = (0..results.axes.len()).filter(|at| results.axes[*at] != results.study.decider());
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
