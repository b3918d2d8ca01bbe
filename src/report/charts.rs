//! From result rows to charts to files.

use super::figure::{self, Chart, DrawError, Kind, Point, Series};
use super::results::Results;
use super::summary::{Cell, cells};
use crate::metrics::QUANTILES;
use crate::output::atomic::{self, WriteError};
use crate::sweep::{Experiment, FigureKind, FigureSpec};
use std::path::{Path, PathBuf};

/// A figure that could not be made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FigureError {
    /// It could not be drawn.
    #[error("figure `{name}`: {source}")]
    Draw {
        /// Which.
        name: String,
        /// Why.
        source: DrawError,
    },
    /// It could not be written.
    #[error(transparent)]
    Write(#[from] WriteError),
}

/// Draws every figure of an experiment as SVG and PNG; the paths of the files.
pub fn draw_all(
    experiment: &Experiment,
    results: &Results,
    folder: &Path,
) -> Result<Vec<PathBuf>, FigureError> {
    if experiment.figures.is_empty() {
        return Ok(Vec::new());
    }
    let folder = folder.join("figures");
    let mut paths = Vec::new();
    for spec in &experiment.figures {
        paths.extend(draw(&chart(experiment, spec, results), &folder, &spec.name)?);
    }
    Ok(paths)
}

/// Draws one figure as SVG and PNG into a folder; the paths of the files.
pub fn draw(chart: &Chart, folder: &Path, name: &str) -> Result<[PathBuf; 2], FigureError> {
    let fail = |source| FigureError::Draw { name: name.to_owned(), source };
    atomic::folder(folder)?;
    let svg = folder.join(format!("{name}.svg"));
    atomic::write(&svg, figure::svg(chart).map_err(fail)?.as_bytes())?;
    let png = folder.join(format!("{name}.png"));
    atomic::write(&png, &figure::png(chart).map_err(fail)?)?;
    Ok([svg, png])
}

/// The data and words of a figure.
pub(super) fn chart(experiment: &Experiment, spec: &FigureSpec, results: &Results) -> Chart {
    let rows = results.filtered(&spec.filter);
    let cells = cells(rows.iter().copied());
    let series_axis = results.axis(&spec.series);
    let labels = series_axis.map(|axis| results.labels(axis)).unwrap_or_default();
    let points = |label: &String| -> Vec<Point> {
        let axis = series_axis.unwrap_or(0);
        let own: Vec<&Cell<'_>> = cells.iter().filter(|c| c.labels[axis] == *label).collect();
        match spec.kind {
            FigureKind::Lines => line_points(&own, spec, results),
            FigureKind::Pareto => {
                own.iter().filter_map(|c| pareto_point(c, &spec.x, &spec.y)).collect()
            }
            FigureKind::Cdf => cdf_points(&own, results),
        }
    };
    let series = labels
        .iter()
        .map(|label| Series { label: label.clone(), points: points(label) })
        .filter(|series| !series.points.is_empty())
        .collect();
    let pick = |own: &str, general: &str| {
        if own.is_empty() { general.to_owned() } else { own.to_owned() }
    };
    let (x_label, y_label, kind) = match spec.kind {
        FigureKind::Lines => (axis_title(&spec.x), axis_title(&spec.y), Kind::Lines),
        FigureKind::Pareto => (axis_title(&spec.x), axis_title(&spec.y), Kind::Scatter),
        FigureKind::Cdf => {
            ("latency (ms)".to_owned(), "share of completed requests".to_owned(), Kind::Lines)
        }
    };
    Chart {
        kind,
        title: pick(&spec.title, &experiment.title),
        note: pick(&spec.note, &experiment.note),
        x_label: pick(&spec.x_label, &x_label),
        y_label,
        x_log: spec.x_log,
        y_log: spec.y_log,
        y_range: spec.y_range,
        series,
    }
}

/// Means of y at each value of the axis x; each is one configuration, or the figure is refused.
fn line_points(cells: &[&Cell<'_>], spec: &FigureSpec, results: &Results) -> Vec<Point> {
    let Some(axis) = results.axis(&spec.x) else { return Vec::new() };
    let point = |cell: &&Cell<'_>| {
        let x: f64 = cell.labels[axis].parse().ok()?;
        let estimate = cell.estimate(&spec.y)?;
        let (low, high) = (estimate.low(), estimate.high());
        Some(Point { x, x_low: x, x_high: x, y: estimate.mean, low, high })
    };
    let mut points: Vec<Point> = cells.iter().filter_map(point).collect();
    points.sort_by(|a, b| a.x.total_cmp(&b.x));
    points
}

fn pareto_point(cell: &Cell<'_>, x: &str, y: &str) -> Option<Point> {
    let (x, y) = (cell.estimate(x)?, cell.estimate(y)?);
    Some(Point {
        x: x.mean,
        x_low: x.low(),
        x_high: x.high(),
        y: y.mean,
        low: y.low(),
        high: y.high(),
    })
}

/// The share of requests that are no slower, against the mean of each quantile over replicates.
fn cdf_points(cells: &[&Cell<'_>], results: &Results) -> Vec<Point> {
    let runs: Vec<&Vec<f64>> = cells
        .iter()
        .flat_map(|cell| &cell.rows)
        .filter_map(|row| results.quantiles.get(&row.id))
        .collect();
    if runs.is_empty() {
        return Vec::new();
    }
    let point = |(at, q): (usize, &f64)| {
        let x = runs.iter().map(|run| run[at]).sum::<f64>() / runs.len() as f64;
        Point { x, x_low: x, x_high: x, y: *q, low: *q, high: *q }
    };
    QUANTILES.iter().enumerate().map(point).collect()
}

/// `latency_ms_p99` becomes `latency p99 (ms)`: the unit in a column's name, in brackets.
pub(super) fn axis_title(column: &str) -> String {
    const UNITS: [(&str, &str); 6] = [
        ("ms", "ms"),
        ("s", "s"),
        ("rps", "requests/s"),
        ("j", "J"),
        ("usd", "US$"),
        ("bytes", "bytes"),
    ];
    let name = column.rsplit('.').next().unwrap_or(column);
    let words: Vec<&str> = name.split('_').collect();
    let unit = words.iter().skip(1).find_map(|word| UNITS.iter().find(|(short, _)| short == word));
    let rest: Vec<&str> =
        words.iter().copied().filter(|word| unit.is_none_or(|(short, _)| short != word)).collect();
    match unit {
        Some((_, unit)) => format!("{} ({unit})", rest.join(" ")),
        None => rest.join(" "),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_figure_that_was_accepted_can_be_drawn() {
        assert_eq!(crate::sweep::MAX_SERIES, figure::MAX_SERIES);
    }

    #[test]
    fn units_move_into_brackets() {
        assert_eq!(axis_title("latency_ms_p99"), "latency p99 (ms)");
        assert_eq!(axis_title("trace.rate_rps"), "rate (requests/s)");
        assert_eq!(axis_title("utility_mean"), "utility mean");
    }
}
