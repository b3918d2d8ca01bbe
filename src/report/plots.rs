//! From result rows to charts to files.

use super::figure::{self, Chart, ChartKind, DrawError, Hull, Point, Series};
use super::results::Results;
use super::summary::{Cell, cells};
use crate::config::path;
use crate::experiment::{FigureKind, FigureSpec, is_label};
use crate::metrics::column::unit;
use crate::metrics::{QUANTILES, more_is_better};
use crate::output::atomic::{self, WriteError};
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

/// Draws figures as SVG and PNG into a folder; the paths of the files.
pub fn draw_all(
    figures: &[FigureSpec],
    results: &Results,
    folder: &Path,
) -> Result<Vec<PathBuf>, FigureError> {
    let mut paths = Vec::new();
    for spec in figures {
        let frame = chart(spec, results);
        let drawn = match results.axis(&spec.facet) {
            None => draw(&frame, folder, &spec.name),
            Some(axis) => {
                let panels = panels(spec, axis, &frame, results);
                let panels: Vec<(&str, &[Series])> = panels
                    .iter()
                    .map(|(title, series)| (title.as_str(), series.as_slice()))
                    .collect();
                draw_panels(&frame, &panels, folder, &spec.name)
            }
        };
        paths.extend(drawn?);
    }
    Ok(paths)
}

/// A panel for every value of an axis that is shown.
fn panels(
    spec: &FigureSpec,
    axis: usize,
    frame: &Chart,
    results: &Results,
) -> Vec<(String, Vec<Series>)> {
    let shown = results.filtered(&spec.filter);
    let labels = results.labels(axis).into_iter();
    let labels = labels.filter(|label| shown.iter().any(|row| row.labels[axis] == *label));
    labels.map(|label| panel(spec, label, frame, results)).collect()
}

/// The title of a panel and the series of the frame there; series without points keep their place,
/// and with it their style.
fn panel(
    spec: &FigureSpec,
    label: String,
    frame: &Chart,
    results: &Results,
) -> (String, Vec<Series>) {
    // Names speak for themselves, and are long.
    let title = match label.parse::<f64>() {
        Ok(_) => format!("{} = {label}", path::last(&spec.facet)),
        Err(_) => label.clone(),
    };
    let mut own = spec.clone();
    own.filter.push((spec.facet.clone(), vec![label]));
    let own = chart(&own, results).series;
    let series = frame.series.iter().map(|all| {
        let points = own.iter().find(|own| own.label == all.label);
        let points = points.map_or_else(Vec::new, |own| own.points.clone());
        Series { label: all.label.clone(), points }
    });
    (title, series.collect())
}

/// Draws one figure as SVG and PNG into a folder; the paths of the files.
pub fn draw(chart: &Chart, folder: &Path, name: &str) -> Result<[PathBuf; 2], FigureError> {
    draw_panels(chart, &[("", &chart.series)], folder, name)
}

/// As [`draw`], with panels.
fn draw_panels(
    chart: &Chart,
    panels: &[(&str, &[Series])],
    folder: &Path,
    name: &str,
) -> Result<[PathBuf; 2], FigureError> {
    let fail = |source| FigureError::Draw { name: name.to_owned(), source };
    atomic::inner_folder(folder)?;
    let svg = folder.join(format!("{name}.svg"));
    atomic::write(&svg, figure::svg(chart, panels).map_err(fail)?.as_bytes())?;
    let png = folder.join(format!("{name}.png"));
    atomic::write(&png, &figure::png(chart, panels).map_err(fail)?)?;
    Ok([svg, png])
}

/// The meaning of a ring.
const RINGED: &str = "Ringed: the queue is not stationary, and the value depends on the length of \
                      the run.";

/// The meaning of a hull.
const HULLS: &str =
    "A hull joins the means of its group that no other of it exceeds in both metrics.";

/// The data and words of a figure.
pub(super) fn chart(spec: &FigureSpec, results: &Results) -> Chart {
    let rows = results.filtered(&spec.filter);
    let cells = cells(rows.iter().copied());
    let series_axis = results.axis(&spec.series);
    let labels = series_axis.map_or_else(|| vec![String::new()], |axis| results.labels(axis));
    let points = |label: &String| -> Vec<Point> {
        let of = |cell: &&Cell<'_>| series_axis.is_none_or(|axis| cell.labels[axis] == *label);
        let own: Vec<&Cell<'_>> = cells.iter().filter(of).collect();
        match spec.kind {
            FigureKind::Lines => line_points(&own, spec, results),
            FigureKind::Pareto => {
                let x = |cell: &Cell<'_>| cell.mean_and_ends(&spec.x);
                own.iter().filter_map(|cell| point(cell, x(cell)?, &spec.y)).collect()
            }
            FigureKind::Cdf => cdf_points(&own, results),
        }
    };
    let series: Vec<Series> = labels
        .iter()
        .map(|label| Series { label: label.clone(), points: points(label) })
        .filter(|series| !series.points.is_empty())
        .collect();
    let mut note = spec.note.clone();
    if !spec.hulls.is_empty() {
        note.push_str(if note.is_empty() { "" } else { " " });
        note.push_str(HULLS);
    }
    if series.iter().flat_map(|series| &series.points).any(|point| point.ringed) {
        note.push_str(if note.is_empty() { "" } else { " " });
        note.push_str(RINGED);
    }
    let (x_label, y_label) = match spec.kind {
        FigureKind::Cdf => ("latency (ms)".to_owned(), "share of completed requests".to_owned()),
        _ => (axis_title(&spec.x), axis_title(&spec.y)),
    };
    let scatter = spec.kind == FigureKind::Pareto;
    Chart {
        kind: if scatter { ChartKind::Scatter } else { ChartKind::Lines },
        title: spec.title.clone(),
        note,
        x_label: if spec.x_label.is_empty() { x_label } else { spec.x_label.clone() },
        y_label,
        x_log: spec.x_log,
        y_log: spec.y_log,
        y_range: spec.y_range,
        hulls: hulls(spec, &series),
        series,
    }
}

/// The hulls of a figure with these series.
fn hulls(spec: &FigureSpec, series: &[Series]) -> Vec<Hull> {
    let more = [&spec.x, &spec.y].map(|metric| more_is_better(metric).unwrap_or(true));
    let hull = |(name, labels): &(String, Vec<String>)| {
        let is_member = |at: &usize| labels.iter().any(|asked| is_label(&series[*at].label, asked));
        let members = (0..series.len()).filter(is_member).collect();
        Hull { label: format!("hull: {name}"), members, more }
    };
    spec.hulls.iter().map(hull).collect()
}

/// Means of y at each value of the axis x; each is one configuration, or the figure is refused.
fn line_points(cells: &[&Cell<'_>], spec: &FigureSpec, results: &Results) -> Vec<Point> {
    let Some(axis) = results.axis(&spec.x) else { return Vec::new() };
    let point = |cell: &&Cell<'_>| point(cell, [cell.labels[axis].parse().ok()?; 3], &spec.y);
    let mut points: Vec<Point> = cells.iter().filter_map(point).collect();
    points.sort_by(|a, b| a.x.total_cmp(&b.x));
    points
}

/// The point of a configuration: mean and ends along x, and the metric along y.
fn point(cell: &Cell<'_>, [x, x_low, x_high]: [f64; 3], y: &str) -> Option<Point> {
    let [y, low, high] = cell.mean_and_ends(y)?;
    Some(Point { x, x_low, x_high, y, low, high, ringed: cell.grows() })
}

/// The share of requests that are no slower, against the mean of each quantile over replicates.
fn cdf_points(cells: &[&Cell<'_>], results: &Results) -> Vec<Point> {
    let runs: Vec<&Vec<f64>> = cells
        .iter()
        .flat_map(|cell| &cell.rows)
        .filter_map(|row| results.quantiles.get(row.id()))
        .collect();
    if runs.is_empty() {
        return Vec::new();
    }
    let point = |(at, q): (usize, &f64)| {
        let x = runs.iter().map(|run| run[at]).sum::<f64>() / runs.len() as f64;
        Point { x, x_low: x, x_high: x, y: *q, low: *q, high: *q, ringed: false }
    };
    QUANTILES.iter().enumerate().map(point).collect()
}

/// `latency_ms_p99` becomes `latency p99 (ms)`: the unit in a column's name, in brackets.
pub(super) fn axis_title(column: &str) -> String {
    let name = path::last(column);
    let Some((word, unit)) = unit(column) else { return name.replace('_', " ") };
    let rest: Vec<&str> = name.split('_').filter(|part| *part != word).collect();
    format!("{} ({unit})", rest.join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_figure_that_was_accepted_can_be_drawn() {
        assert_eq!(crate::experiment::MAX_SERIES, figure::MAX_SERIES);
    }

    #[test]
    fn units_move_into_brackets() {
        assert_eq!(axis_title("latency_ms_p99"), "latency p99 (ms)");
        assert_eq!(axis_title("workload.rate_rps"), "rate (requests/s)");
        assert_eq!(axis_title("utility_mean"), "utility mean");
    }
}
