//! From result rows to charts to files.

use super::figure::{
    self, Chart, ChartKind, DrawError, Hull, Panels, Point, Presentation, Series, SeriesStyle,
};
use super::results::Results;
use super::summary::{Cell, cells};
use crate::experiment::{FigureKind, FigureSpec, Styles, is_label};
use crate::metrics::{QUANTILES, axis_title, column_words, more_is_better};
use crate::output::atomic::{self, WriteError};
use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};
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

/// Draws the figures of an experiment as SVG, PDF and PNG into a folder; the paths of the files.
pub fn draw_all(
    figures: &[FigureSpec],
    results: &Results,
    folder: &Path,
) -> Result<Vec<PathBuf>, FigureError> {
    draw_some(figures, figures, results, folder)
}

/// As [`draw_all`], of some figures, with the styles that series have among `others`.
pub fn draw_some(
    figures: &[FigureSpec],
    others: &[FigureSpec],
    results: &Results,
    folder: &Path,
) -> Result<Vec<PathBuf>, FigureError> {
    let mut paths = Vec::new();
    for spec in figures {
        let frame = chart(spec, results);
        let how = presentation(spec, &frame, others, results);
        let drawn = match results.axis(&spec.facet) {
            None => draw_panels(&frame, &[("", &frame.series)], &how, folder, &spec.name),
            Some(axis) => {
                let panels = panels(spec, axis, &frame, results);
                let panels: Vec<(&str, &[Series])> = panels
                    .iter()
                    .map(|(title, series)| (title.as_str(), series.as_slice()))
                    .collect();
                draw_panels(&frame, &panels, &how, folder, &spec.name)
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
        Ok(_) => {
            let words = column_words(&spec.facet);
            let words = words.split_once(" (").map_or(words.as_str(), |(words, _)| words);
            format!("{words} = {label}")
        }
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

/// How a figure is shown whose chart this is.
fn presentation(
    spec: &FigureSpec,
    frame: &Chart,
    others: &[FigureSpec],
    results: &Results,
) -> Presentation {
    let styles = series_styles(&spec.series, spec, others, results);
    let of = |series: &Series| styles.iter().find(|(label, _)| *label == series.label);
    let styles: Option<Vec<SeriesStyle>> =
        frame.series.iter().map(|series| of(series).map(|(_, style)| *style)).collect();
    Presentation {
        size: spec.size,
        styles: styles.unwrap_or_default(),
        x_is_setting: spec.kind == FigureKind::Lines,
        has_arrows: rising_axis(spec, results).is_some(),
    }
}

/// The styles of all labels of the axis of series: what users fixed, and the rest such that labels
/// differ that figures show together.
fn series_styles(
    axis: &str,
    spec: &FigureSpec,
    others: &[FigureSpec],
    results: &Results,
) -> Vec<(String, SeriesStyle)> {
    let is_shown = others.iter().any(|other| other.series == axis);
    let charts = if is_shown { others } else { std::slice::from_ref(spec) };
    axis_styles(axis, charts, &spec.styles, results)
}

/// The styles of all labels of an axis, such that labels differ that these figures show together as
/// series; without such a figure, all labels.
pub(super) fn axis_styles(
    axis: &str,
    figures: &[FigureSpec],
    styles: &Styles,
    results: &Results,
) -> Vec<(String, SeriesStyle)> {
    let Some(at) = results.axis(axis) else { return Vec::new() };
    let labels = results.labels(at);
    let of_axis = figures.iter().filter(|other| other.series == axis);
    let shown = |figure: &FigureSpec| -> Vec<usize> {
        let rows = results.filtered(&figure.filter);
        let own: BTreeSet<&str> = rows.iter().map(|row| row.labels[at].as_str()).collect();
        (0..labels.len()).filter(|place| own.contains(labels[*place].as_str())).collect()
    };
    let mut charts: Vec<Vec<usize>> = of_axis.map(shown).collect();
    if charts.is_empty() {
        charts.push((0..labels.len()).collect());
    }
    let styles = figure::assign(&labels, &charts, styles);
    labels.into_iter().zip(styles).collect()
}

/// Of a figure of points: the axis of numbers whose values tell the points of each series apart, of
/// several the rate or load.
fn rising_axis(spec: &FigureSpec, results: &Results) -> Option<usize> {
    if spec.kind != FigureKind::Pareto {
        return None;
    }
    let shown = [results.axis(&spec.series), results.axis(&spec.facet)];
    // The labels of the points of each series in each panel.
    let mut lines: BTreeMap<[Option<&str>; 2], BTreeSet<&[String]>> = BTreeMap::new();
    for row in results.filtered(&spec.filter) {
        let line = shown.map(|axis| axis.map(|axis| row.labels[axis].as_str()));
        lines.entry(line).or_default().insert(&row.labels);
    }
    if lines.values().all(|points| points.len() < 2) {
        return None;
    }
    let tells_apart = |axis: &usize| {
        lines.values().all(|points| {
            let mut values: Vec<Option<f64>> =
                points.iter().map(|labels| labels[*axis].parse().ok()).collect();
            values.sort_by(|a, b| a.partial_cmp(b).unwrap_or(Ordering::Equal));
            values.iter().all(|value| value.is_some_and(f64::is_finite))
                && values.windows(2).all(|pair| pair[0] < pair[1])
        })
    };
    let mut axes: Vec<usize> = (0..results.axes.len()).filter(tells_apart).collect();
    let is_load = |axis: &usize| {
        ["workload.load", "workload.rate_rps"].contains(&results.axes[*axis].as_str())
    };
    axes.sort_by_key(|axis| !is_load(axis));
    axes.first().copied()
}

/// The sentence on arrows: what rises along them, from where to where.
fn arrows(axis: usize, spec: &FigureSpec, results: &Results) -> String {
    let rows = results.filtered(&spec.filter);
    let mut values: Vec<f64> =
        rows.iter().filter_map(|row| row.labels[axis].parse().ok()).collect();
    values.sort_by(f64::total_cmp);
    let [Some(low), Some(high)] = [values.first(), values.last()] else { return String::new() };
    let [low, high] = [low, high].map(|value| figure::in_words(*value));
    let title = axis_title(&results.axes[axis]);
    let (words, unit) = match title.rsplit_once(" (") {
        Some((words, unit)) if !unit.contains(' ') => {
            (words, format!(" {}", unit.trim_end_matches(')')))
        }
        _ => (title.as_str(), String::new()),
    };
    format!("Arrows point to a higher {words}, from {low} to {high}{unit}.")
}

/// What bands and bars are.
fn intervals(
    spec: &FigureSpec,
    results: &Results,
    cells: &[Cell<'_>],
    series: &[Series],
) -> String {
    let mut points = series.iter().flat_map(|series| &series.points);
    let has_interval = |p: &Point| p.low < p.high || p.x_low < p.x_high;
    if spec.kind == FigureKind::Cdf || !points.any(has_interval) {
        return String::new();
    }
    let what = if spec.kind == FigureKind::Lines { "Bands" } else { "Bars" };
    let counts: BTreeSet<usize> = cells.iter().map(|cell| cell.rows.len()).collect();
    let counts: Vec<String> = counts.iter().map(ToString::to_string).collect();
    let over = match counts.as_slice() {
        [count] => format!("{count} {}", results.study.samples()),
        _ => results.study.samples().to_owned(),
    };
    format!("{what}: 95 % interval of each mean over {over}; of paired differences: compare.csv.")
}

/// Draws one figure as SVG, PDF and PNG into a folder; the paths of the files.
pub fn draw(chart: &Chart, folder: &Path, name: &str) -> Result<[PathBuf; 3], FigureError> {
    draw_panels(chart, &[("", &chart.series)], &Presentation::default(), folder, name)
}

/// As [`draw`], with panels.
fn draw_panels(
    chart: &Chart,
    panels: Panels<'_>,
    how: &Presentation,
    folder: &Path,
    name: &str,
) -> Result<[PathBuf; 3], FigureError> {
    let fail = |source| FigureError::Draw { name: name.to_owned(), source };
    atomic::inner_folder(folder)?;
    let svg = folder.join(format!("{name}.svg"));
    atomic::write(&svg, figure::svg(chart, panels, how).map_err(fail)?.as_bytes())?;
    let pdf = folder.join(format!("{name}.pdf"));
    atomic::write(&pdf, &figure::pdf(chart, panels, how).map_err(fail)?)?;
    let png = folder.join(format!("{name}.png"));
    atomic::write(&png, &figure::png(chart, panels, how).map_err(fail)?)?;
    Ok([svg, pdf, png])
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
    let rising = rising_axis(spec, results);
    let labels = series_axis.map_or_else(|| vec![String::new()], |axis| results.labels(axis));
    let points = |label: &String| -> Vec<Point> {
        let of = |cell: &&Cell<'_>| series_axis.is_none_or(|axis| cell.labels[axis] == *label);
        let mut own: Vec<&Cell<'_>> = cells.iter().filter(of).collect();
        if let Some(axis) = rising {
            let value = |cell: &Cell<'_>| cell.labels[axis].parse().unwrap_or(f64::INFINITY);
            own.sort_by(|a, b| value(a).total_cmp(&value(b)));
        }
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
    let is_ringed = series.iter().flat_map(|series| &series.points).any(|point| point.ringed);
    let arrows = rising.map(|axis| arrows(axis, spec, results)).unwrap_or_default();
    let notes = [
        spec.note.clone(),
        arrows,
        intervals(spec, results, &cells, &series),
        if spec.hulls.is_empty() { String::new() } else { HULLS.to_owned() },
        if is_ringed { RINGED.to_owned() } else { String::new() },
    ];
    let notes: Vec<String> = notes.into_iter().filter(|note| !note.is_empty()).collect();
    let (x_label, y_label) = match spec.kind {
        FigureKind::Cdf => ("latency (ms)".to_owned(), "share of completed requests".to_owned()),
        _ => (axis_title(&spec.x), axis_title(&spec.y)),
    };
    let scatter = spec.kind == FigureKind::Pareto;
    Chart {
        kind: if scatter { ChartKind::Scatter } else { ChartKind::Lines },
        title: spec.title.clone(),
        note: notes.join(" "),
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_figure_that_was_accepted_can_be_drawn() {
        assert_eq!(crate::experiment::MAX_SERIES, figure::MAX_SERIES);
    }
}
