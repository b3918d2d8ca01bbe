//! The schedulers at one setting: their metrics, and which are not worse than the best.

use super::super::compare::minus;
use super::super::results::{ResultRow, without};
use super::super::runs_csv::number;
use super::super::summary::{Cell, cells};
use super::{Block, LeagueMetric, METRICS};
use crate::metrics::metric_shape;
use crate::stats::{Estimate, holm, student};
use std::collections::BTreeMap;

/// The level of the tests.
const LEVEL: f64 = 0.05;

/// A scheduler at a setting.
#[derive(Clone, Debug)]
pub(super) struct Standing {
    pub scheduler: String,
    pub replicates: usize,
    /// By metric.
    pub cells: [Option<StandingCell>; METRICS.len()],
}

/// A metric of a scheduler at a setting.
#[derive(Clone, Copy, Debug)]
pub(super) struct StandingCell {
    pub estimate: Estimate,
    /// The ends of its interval within the range of the metric, if there is one.
    pub ends: Option<(f64, f64)>,
    /// Whether it is the best or not worse.
    pub is_top: bool,
}

/// The schedulers of a block at one setting, the best first.
#[derive(Clone, Debug)]
pub(super) struct Table {
    pub block: String,
    /// `load = 0.5`; empty without other axes.
    pub setting: String,
    pub lines: Vec<Standing>,
}

/// The columns of `league.csv`.
pub(super) const COLUMNS: [&str; 9] = [
    "block",
    "setting",
    "scheduler",
    "metric",
    "replicates",
    "mean",
    "ci95_low",
    "ci95_high",
    "not_worse_than_best",
];

/// The schedulers at a setting, each with its replicates.
pub(super) type Entrants<'a> = Vec<(String, Cell<'a>)>;

/// By setting of the other axes, in order of first appearance, the cells of each scheduler.
pub(super) fn by_setting<'a>(block: &Block<'a>) -> Vec<(Vec<String>, Entrants<'a>)> {
    let mut settings: Vec<(Vec<String>, Entrants<'a>)> = Vec::new();
    let mut places: BTreeMap<Vec<String>, usize> = BTreeMap::new();
    for cell in cells(block.rows.iter().copied()) {
        let (label, others) = (cell.labels[block.axis].clone(), without(cell.labels, block.axis));
        let at = *places.entry(others.clone()).or_insert(settings.len());
        if at == settings.len() {
            settings.push((others, Vec::new()));
        }
        settings[at].1.push((label, cell));
    }
    settings
}

/// Of the schedulers at a setting, the values of each replicate.
pub(super) fn replicates(own: &[(String, Cell<'_>)], metric: &str) -> Vec<BTreeMap<String, f64>> {
    let mut units: BTreeMap<u64, BTreeMap<String, f64>> = BTreeMap::new();
    for (label, cell) in own {
        for row in &cell.rows {
            let unit = units.entry(row.replicate).or_default();
            unit.extend(row.metric(metric).map(|value| (label.clone(), value)));
        }
    }
    units.into_values().collect()
}

impl Table {
    pub fn new(
        block: &Block<'_>,
        setting: &[String],
        own: &[(String, Cell<'_>)],
        (by, _, more): LeagueMetric,
    ) -> Self {
        let names = block.results.other_axes(block.axis);
        let tops = METRICS.map(|metric| top(own, metric));
        let line = |(at, (label, cell)): (usize, &(String, Cell<'_>))| Standing {
            scheduler: label.clone(),
            replicates: cell.rows.len(),
            cells: std::array::from_fn(|metric| {
                let estimate = cell.estimate(METRICS[metric].0)?;
                let (least, most) = metric_shape(METRICS[metric].0).range;
                let ends = estimate.half_width.is_some();
                let ends = ends.then(|| (estimate.low().max(least), estimate.high().min(most)));
                Some(StandingCell { estimate, ends, is_top: tops[metric][at] })
            }),
        };
        let mut lines: Vec<Standing> = own.iter().enumerate().map(line).collect();
        let at = METRICS.iter().position(|metric| metric.0 == by).unwrap_or(0);
        let place = |line: &Standing| {
            let mean = line.cells[at].map_or(f64::INFINITY, |cell| cell.estimate.mean);
            if more && mean.is_finite() { -mean } else { mean }
        };
        lines.sort_by(|a, b| place(a).total_cmp(&place(b)));
        let setting = named(&names, setting);
        Self { block: block.name.to_owned(), setting, lines }
    }

    pub fn title(&self) -> String {
        titled(&self.block, &self.setting)
    }

    /// One row for every scheduler and metric.
    pub fn rows(&self) -> Vec<Vec<String>> {
        let mut rows = Vec::new();
        for line in &self.lines {
            for ((metric, ..), cell) in METRICS.iter().zip(&line.cells) {
                let Some(cell) = cell else { continue };
                rows.push(vec![
                    self.block.clone(),
                    self.setting.clone(),
                    line.scheduler.clone(),
                    (*metric).to_owned(),
                    line.replicates.to_string(),
                    cell.estimate.mean.to_string(),
                    number(cell.ends.map(|(low, _)| low)),
                    number(cell.ends.map(|(_, high)| high)),
                    if cell.is_top { "yes" } else { "no" }.to_owned(),
                ]);
            }
        }
        rows
    }

    /// A header and the schedulers; `shown` marks a cell that is among the best.
    pub fn grid(&self, shown: impl Fn(String, bool) -> String) -> Vec<Vec<String>> {
        let head = std::iter::once("scheduler").chain(METRICS.iter().map(|metric| metric.1));
        let line = |line: &Standing| {
            let cell = |cell: &Option<StandingCell>| {
                cell.map_or("–".to_owned(), |cell| shown(with_width(cell.estimate), cell.is_top))
            };
            std::iter::once(line.scheduler.clone()).chain(line.cells.iter().map(cell)).collect()
        };
        let head = head.map(str::to_owned).collect();
        std::iter::once(head).chain(self.lines.iter().map(line)).collect()
    }
}

/// Whether the labels of an axis follow from those of another, as in a zip.
pub(super) fn follows(rows: &[&ResultRow], axis: usize, from: usize) -> bool {
    let mut seen: BTreeMap<&str, &str> = BTreeMap::new();
    rows.iter().all(|row| {
        let label = row.labels[axis].as_str();
        *seen.entry(&row.labels[from]).or_insert(label) == label
    })
}

/// `load = 0.5, cv = 2` of names and labels.
pub(super) fn named(names: &[String], labels: &[String]) -> String {
    let pairs = names.iter().zip(labels).map(|(name, label)| format!("{name} = {label}"));
    pairs.collect::<Vec<_>>().join(", ")
}

/// The heading of a setting of a block.
pub(super) fn titled(block: &str, setting: &str) -> String {
    if setting.is_empty() { block.to_owned() } else { format!("{block}, {setting}") }
}

/// A mean with the half width of its interval, both to the digits that the size asks for.
pub(super) fn with_width(estimate: Estimate) -> String {
    let places = if estimate.mean.abs() >= 100.0 {
        0
    } else if estimate.mean.abs() >= 10.0 {
        1
    } else {
        3
    };
    match estimate.half_width {
        Some(width) => format!("{:.places$} ± {width:.places$}", estimate.mean),
        None => format!("{:.places$}", estimate.mean),
    }
}

/// Whether each scheduler at a setting is the best by a metric, or not worse.
fn top(own: &[(String, Cell<'_>)], (metric, _, more): LeagueMetric) -> Vec<bool> {
    let mean = |at: &usize| own[*at].1.estimate(metric).map(|estimate| estimate.mean);
    let better = |a: f64, b: f64| if more { a.total_cmp(&b) } else { b.total_cmp(&a) };
    let known = (0..own.len()).filter_map(|at| Some((at, mean(&at)?)));
    let best = known.rev().max_by(|a, b| better(a.1, b.1));
    let mut marks = vec![false; own.len()];
    let Some((best, _)) = best else { return marks };
    marks[best] = true;
    let mut family = Vec::new();
    for (at, (_, cell)) in own.iter().enumerate().filter(|(at, _)| *at != best) {
        let Some(difference) = paired(cell, &own[best].1, metric) else { continue };
        marks[at] = difference.mean == 0.0 && difference.half_width.is_none();
        family.extend(student(&difference).map(|p| (at, p)));
    }
    let alone: Vec<f64> = family.iter().map(|(_, p)| *p).collect();
    for ((at, _), adjusted) in family.into_iter().zip(holm(&alone)) {
        marks[at] = adjusted >= LEVEL;
    }
    marks
}

/// The mean of the difference of two schedulers over the replicates that both have.
fn paired(left: &Cell<'_>, right: &Cell<'_>, metric: &str) -> Option<Estimate> {
    let value = |row: &&ResultRow| Some((row.replicate, row.metric(metric)?));
    let rights: BTreeMap<u64, f64> = right.rows.iter().filter_map(value).collect();
    let pairs: Vec<(f64, f64)> = left
        .rows
        .iter()
        .filter_map(value)
        .filter_map(|(replicate, left)| Some((left, *rights.get(&replicate)?)))
        .collect();
    let scale = pairs.iter().map(|(a, b)| a.abs().max(b.abs())).fold(0.0, f64::max);
    let values: Vec<f64> = pairs.into_iter().map(|(a, b)| minus(a, b)).collect();
    Estimate::at_scale(&values, scale)
}
