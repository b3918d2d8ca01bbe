//! `summary.csv`: mean, standard deviation and 95 % interval of every metric by configuration, one
//! row each, half widths by Student's t. `intervals.csv`: the same, one row per metric, with both
//! ends of the interval, how it was found and why so. Where nothing varies there is no interval.

use super::results::{ResultRow, Results};
use super::runs_csv::{names, number, write_csv};
use crate::metrics::column::{ANY_NUMBER, column, count, text};
use crate::metrics::{Column, ColumnKind, interval_key, metric_shape};
use crate::output::atomic::WriteError;
use crate::stats::{Estimate, Interval, MethodReason, MetricShape};
use rayon::prelude::*;
use std::borrow::Cow;
use std::path::Path;

/// When a standard deviation is absent.
pub(super) const FEW: &str = "fewer than two replicates have it";
/// When an interval is absent.
pub(super) const NO_INTERVAL: &str = "fewer than two replicates have it, or all of them agree";

/// The columns of `intervals.csv` after the axes.
pub(super) const INTERVAL_COLUMNS: [Column; 9] = [
    text("metric", "which metric"),
    count("replicates", "replicates that have it"),
    column("mean", "its mean over them").of(ANY_NUMBER),
    column("sd", "its standard deviation").empty(FEW),
    column("ci95_low", "lower end of the 95 % interval of the mean")
        .of(ANY_NUMBER)
        .empty(NO_INTERVAL),
    column("ci95_high", "upper end of it").of(ANY_NUMBER).empty(NO_INTERVAL),
    text("interval", "how the interval was found")
        .of(ColumnKind::Word(&["t", "bootstrap-t"]))
        .empty(NO_INTERVAL),
    text(
        "interval_note",
        "why a skewed metric has t: few replicates, all but a few agree, or bootstrap-t is more \
         than three times as wide; constant: why there is no interval",
    )
    .of(ColumnKind::Word(&["few", "agree", "wide", "constant"]))
    .empty("there is nothing to say"),
    text("interval_clipped", "which ends were put back to the range of the metric")
        .of(ColumnKind::Word(&["low", "high", "both"]))
        .empty("none"),
];

/// The rows of one configuration.
#[derive(Clone, Debug)]
pub struct Cell<'a> {
    /// The label of each axis.
    pub labels: &'a [String],
    /// Its replicates.
    pub rows: Vec<&'a ResultRow>,
}

impl Cell<'_> {
    /// The estimate of a metric over the replicates that have it.
    pub fn estimate(&self, metric: &str) -> Option<Estimate> {
        Estimate::of(&self.values(metric))
    }

    /// The mean of a metric and the ends of its t interval within the range of its column, both
    /// the mean where there is no interval.
    pub fn mean_and_ends(&self, metric: &str) -> Option<[f64; 3]> {
        let estimate = self.estimate(metric)?;
        let (least, most) = metric_shape(metric).range;
        Some([estimate.mean, estimate.low().max(least), estimate.high().min(most)])
    }

    /// Whether at least half of its runs say that they are not stationary: what is measured there
    /// depends on the length of the run.
    pub fn grows(&self) -> bool {
        let no = self.rows.iter().filter(|row| row.word("stationary") == "no").count();
        no > 0 && 2 * no >= self.rows.len()
    }

    /// A metric over the replicates that have it.
    fn values(&self, metric: &str) -> Vec<f64> {
        ResultRow::numbers(metric, self.rows.iter().copied()).collect()
    }
}

/// Rows by configuration, in order of first appearance.
pub fn cells<'a>(rows: impl IntoIterator<Item = &'a ResultRow>) -> Vec<Cell<'a>> {
    let mut index = std::collections::BTreeMap::<&[String], usize>::new();
    let mut cells: Vec<Cell<'a>> = Vec::new();
    for row in rows {
        let at = *index.entry(&row.labels).or_insert_with(|| {
            cells.push(Cell { labels: &row.labels, rows: Vec::new() });
            cells.len() - 1
        });
        cells[at].rows.push(row);
    }
    cells
}

/// The files of summaries.
pub const FILES: [&str; 2] = ["summary.csv", "intervals.csv"];

/// Writes `summary.csv` and `intervals.csv`.
pub fn write(results: &Results, folder: &Path) -> Result<(), WriteError> {
    // Columns that are words have no mean.
    let metrics: Vec<&'static str> = results.study.numbers().collect();
    let mut head = results.axes.clone();
    head.extend([results.study.source().name.to_owned(), results.study.samples().to_owned()]);
    for name in &metrics {
        head.extend([(*name).to_owned(), format!("{name}_sd"), format!("{name}_ci95")]);
    }
    let shapes: Vec<MetricShape> = metrics.iter().map(|name| metric_shape(name)).collect();
    let cells = cells(&results.rows);
    let of = |cell| {
        let (mut row, mut intervals) = (cell_head(cell), Vec::new());
        for (name, shape) in metrics.iter().zip(&shapes) {
            let values = cell.values(name);
            let estimate = Estimate::of(&values);
            row.push(number(estimate.map(|e| e.mean)).into());
            row.push(number(estimate.and_then(|e| e.deviation)).into());
            row.push(number(estimate.and_then(|e| e.half_width)).into());
            intervals.extend(estimate.map(|e| interval_row(cell, name, &values, e, *shape)));
        }
        (row, intervals)
    };
    // Resampling takes longer than short runs do.
    let (rows, intervals): (Vec<Line<'_>>, Vec<Vec<Line<'_>>>) = cells.par_iter().map(of).unzip();
    write_csv(&folder.join(FILES[0]), head, rows)?;
    let head = [results.axes.clone(), names(&INTERVAL_COLUMNS)].concat();
    write_csv(&folder.join(FILES[1]), head, intervals.into_iter().flatten())
}

/// The cells of a row that is written.
type Line<'a> = Vec<Cow<'a, str>>;

/// What a row of `summary.csv` begins with.
fn cell_head<'a>(cell: &Cell<'a>) -> Line<'a> {
    let mut row: Line<'_> = cell.labels.iter().map(Cow::from).collect();
    row.push(cell.rows.first().map_or("", |row| row.source()).into());
    row.push(cell.rows.len().to_string().into());
    row
}

fn interval_row<'a>(
    cell: &Cell<'a>,
    metric: &'static str,
    values: &[f64],
    estimate: Estimate,
    shape: MetricShape,
) -> Line<'a> {
    let interval = Interval::of(values, shape, interval_key(metric, cell.labels));
    let mut row: Line<'_> = cell.labels.iter().map(Cow::from).collect();
    row.extend([metric.into(), values.len().to_string().into(), estimate.mean.to_string().into()]);
    let note = match interval {
        Some(interval) => interval.reason.map_or("", MethodReason::name),
        None if values.len() > 1 => "constant",
        None => "",
    };
    let clipped = match interval.map_or([false; 2], |i| i.clipped) {
        [false, false] => "",
        [true, false] => "low",
        [false, true] => "high",
        [true, true] => "both",
    };
    row.extend([
        number(estimate.deviation).into(),
        number(interval.map(|i| i.low)).into(),
        number(interval.map(|i| i.high)).into(),
        interval.map_or("", |i| i.method.name()).into(),
        note.into(),
        clipped.into(),
    ]);
    row
}
