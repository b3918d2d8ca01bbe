//! Knees: the highest load up to which a scheduler answers a share of all requests in time.
//!
//! Between the last load at which it does and the next, misses are taken as linear. The knee is the
//! mean over replicates. A replicate that keeps the share at every load of the grid, or at none,
//! counts with the last or the first load, and the mean is then a bound.

use super::super::figure::{Bar, BarChart};
use super::super::plots::FigureError;
use super::super::runs_csv::number;
use super::Block;
use super::folder::{Folder, MOST_FIGURES};
use super::standings::{follows, named, titled};
use crate::stats::Estimate;
use std::cmp::Ordering;
use std::collections::BTreeMap;

/// What the tables show.
pub(super) const MEANING: &str = "Knees: the highest load up to which a share of all requests is \
                                  answered in time, rejected ones counted as missed. Misses are \
                                  taken as linear between the loads of the grid. Mean and half \
                                  width of its 95 % interval (Student's t) over replicates; > and \
                                  < are bounds: some replicate keeps the share at every load, or \
                                  at none.";

/// The columns of `knees.csv`.
const COLUMNS: [&str; 10] = [
    "block",
    "setting",
    "scheduler",
    "attainment",
    "axis",
    "replicates",
    "knee",
    "ci95_low",
    "ci95_high",
    "bound",
];

/// The axes of load; the first that varies counts.
const AXES: [&str; 2] = ["workload.load", "workload.rate_rps"];

/// The shares of requests in time: the most misses, and the name of the share.
const SHARES: [(f64, &str); 2] = [(0.01, "99 %"), (0.05, "95 %")];

/// A knee over replicates.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Knee {
    /// Without an interval if it is a bound.
    estimate: Estimate,
    /// Whether the knee is above or below.
    bound: Option<Ordering>,
}

/// The schedulers of a block at a setting of the axes besides load, the highest knee first.
#[derive(Clone, Debug)]
pub(super) struct Knees {
    block: String,
    setting: String,
    axis: String,
    /// The highest load of the grid.
    most: f64,
    lines: Vec<(String, [Option<Knee>; SHARES.len()])>,
}

/// Loads with the misses there.
type Curve = Vec<(f64, f64)>;
/// By scheduler in order of first appearance, the curve of each replicate.
type Curves = Vec<(String, BTreeMap<u64, Curve>)>;

impl Knees {
    /// The knees of a block; notes why there are none.
    pub fn of(block: &Block<'_>, notes: &mut Vec<String>) -> Vec<Self> {
        let results = block.results;
        let place = |name: &&'static str| Some((*name, results.axis(name)?));
        let varies = |(_, at): &(&str, usize)| {
            *at != block.axis
                && block.rows.iter().any(|r| r.labels[*at] != block.rows[0].labels[*at])
        };
        let Some((axis, at)) = AXES.iter().filter_map(place).find(varies) else {
            let axes = AXES.join(" or ");
            notes.push(format!("no knees of {}: {axes} has one value, or is no axis", block.name));
            return Vec::new();
        };
        let others: Vec<usize> = (0..results.axes.len())
            .filter(|other| ![at, block.axis].contains(other) && !follows(block.rows, *other, at))
            .collect();
        let mut settings: Vec<(Vec<String>, Curves)> = Vec::new();
        let mut places: BTreeMap<Vec<String>, usize> = BTreeMap::new();
        let mut most = 0.0_f64;
        for row in block.rows {
            let (Ok(load), Some(missed)) =
                (row.labels[at].parse::<f64>(), row.metric("deadline_miss_ratio"))
            else {
                continue;
            };
            most = most.max(load);
            let labels: Vec<String> = others.iter().map(|at| row.labels[*at].clone()).collect();
            let setting = *places.entry(labels.clone()).or_insert(settings.len());
            if setting == settings.len() {
                settings.push((labels, Curves::new()));
            }
            let curves = &mut settings[setting].1;
            let curve = entry(curves, row.labels[block.axis].clone());
            curve.entry(row.replicate).or_default().push((load, missed));
        }
        let names: Vec<String> = others.iter().map(|at| results.axes[*at].clone()).collect();
        let knees = |(labels, curves): (Vec<String>, Curves)| Self {
            block: block.name.to_owned(),
            setting: named(&names, &labels),
            axis: axis.to_owned(),
            most,
            lines: lines(curves),
        };
        settings.into_iter().map(knees).collect()
    }

    pub fn title(&self) -> String {
        format!("{}: knees", titled(&self.block, &self.setting))
    }

    /// A header and the schedulers.
    pub fn grid(&self) -> Vec<Vec<String>> {
        let head = SHARES.map(|(_, share)| format!("{share} in time up to {}", self.axis));
        let head = std::iter::once("scheduler".to_owned()).chain(head).collect();
        let line = |(name, knees): &(String, [Option<Knee>; SHARES.len()])| {
            let cells = knees.iter().map(|knee| knee.map_or("–".to_owned(), Knee::text));
            std::iter::once(name.clone()).chain(cells).collect()
        };
        std::iter::once(head).chain(self.lines.iter().map(line)).collect()
    }

    fn rows(&self) -> Vec<Vec<String>> {
        let mut rows = Vec::new();
        for (scheduler, knees) in &self.lines {
            for (knee, (misses, _)) in knees.iter().zip(SHARES) {
                let Some(Knee { estimate, bound }) = knee else { continue };
                let ends = estimate.half_width.map(|_| (estimate.low(), estimate.high()));
                let bound = bound.map_or("", |bound| if bound.is_gt() { "above" } else { "below" });
                rows.push(vec![
                    self.block.clone(),
                    self.setting.clone(),
                    scheduler.clone(),
                    (1.0 - misses).to_string(),
                    self.axis.clone(),
                    estimate.count.to_string(),
                    estimate.mean.to_string(),
                    number(ends.map(|(low, _)| low)),
                    number(ends.map(|(_, high)| high)),
                    bound.to_owned(),
                ]);
            }
        }
        rows
    }

    fn chart(&self) -> BarChart {
        let bar = |knee: &Option<Knee>| {
            let Knee { estimate, bound } = (*knee)?;
            let ends = estimate.half_width.map(|_| (estimate.low(), estimate.high()));
            let text = knee.map_or_else(String::new, Knee::text);
            Some(Bar {
                value: estimate.mean,
                ends,
                text,
                is_open: bound == Some(Ordering::Greater),
            })
        };
        BarChart {
            title: format!("Knees: {}", titled(&self.block, &self.setting)),
            note: MEANING.to_owned(),
            x_label: self.axis.clone(),
            kinds: SHARES.map(|(_, share)| format!("{share} in time")).to_vec(),
            most: self.most,
            rows: self
                .lines
                .iter()
                .map(|(n, own)| (n.clone(), own.iter().map(bar).collect()))
                .collect(),
        }
    }
}

/// The value of a key, which is new at the end of the list if there is none.
fn entry<K: PartialEq, V: Default>(list: &mut Vec<(K, V)>, key: K) -> &mut V {
    let at = list.iter().position(|(own, _)| *own == key).unwrap_or(list.len());
    if at == list.len() {
        list.push((key, V::default()));
    }
    &mut list[at].1
}

/// The schedulers of a setting with their knees, the highest first.
fn lines(curves: Curves) -> Vec<(String, [Option<Knee>; SHARES.len()])> {
    let mut lines: Vec<(String, [Option<Knee>; SHARES.len()])> = curves
        .into_iter()
        .map(|(name, mut replicates)| {
            for curve in replicates.values_mut() {
                curve.sort_by(|a, b| a.0.total_cmp(&b.0));
            }
            let curves: Vec<Curve> = replicates.into_values().collect();
            (name, SHARES.map(|(misses, _)| Knee::of(&curves, misses)))
        })
        .collect();
    let size = |knee: &Option<Knee>| knee.map_or(0.0, |knee| knee.estimate.mean);
    let order = |a: &[Option<Knee>; 2], b: &[Option<Knee>; 2]| {
        let [first, second] = [0, 1].map(|at| size(&b[at]).total_cmp(&size(&a[at])));
        first.then(second)
    };
    lines.sort_by(|a, b| order(&a.1, &b.1));
    lines
}

impl Knee {
    /// Of the curves of replicates; `None` if one has fewer than two loads, or if some are above
    /// the grid and some below.
    fn of(curves: &[Curve], misses: f64) -> Option<Self> {
        let ends: Option<Vec<(f64, Option<Ordering>)>> =
            curves.iter().map(|curve| end(curve, misses)).collect();
        let (values, bounds): (Vec<f64>, Vec<Option<Ordering>>) = ends?.into_iter().unzip();
        let mut bounds = bounds.into_iter().flatten();
        let bound = bounds.next();
        if bounds.any(|other| Some(other) != bound) {
            return None;
        }
        let mut estimate = Estimate::of(&values)?;
        if bound.is_some() {
            estimate.half_width = None;
        }
        Some(Self { estimate, bound })
    }

    /// `0.183 ± 0.012`, `> 1.4`.
    fn text(self) -> String {
        let Self { estimate: Estimate { mean, half_width, .. }, bound } = self;
        let places = if mean >= 100.0 { 0 } else { 3 };
        match (bound, half_width) {
            (Some(bound), _) => {
                // A bound at the end of the grid is a round number.
                let text = format!("{mean:.places$}");
                let text = if places > 0 {
                    text.trim_end_matches('0').trim_end_matches('.')
                } else {
                    &text
                };
                format!("{} {text}", if bound.is_gt() { ">" } else { "<" })
            }
            (None, Some(width)) => format!("{mean:.places$} ± {width:.places$}"),
            (None, None) => format!("{mean:.places$}"),
        }
    }
}

/// Up to which load a curve, by load, has no more misses than these; a bound if that is the first
/// load or the last.
fn end(curve: &[(f64, f64)], most: f64) -> Option<(f64, Option<Ordering>)> {
    if curve.len() < 2 {
        return None;
    }
    match curve.iter().position(|(_, missed)| *missed > most) {
        None => Some((curve.last()?.0, Some(Ordering::Greater))),
        Some(0) => Some((curve[0].0, Some(Ordering::Less))),
        Some(at) => {
            let [(low, before), (high, after)] = [curve[at - 1], curve[at]];
            Some((low + (most - before) / (after - before) * (high - low), None))
        }
    }
}

/// Writes table and figures of all knees.
pub(super) fn write(all: &[Knees], folder: &mut Folder<'_>) -> Result<(), FigureError> {
    if all.is_empty() {
        return Ok(());
    }
    folder.csv("knees.csv", &COLUMNS, all.iter().flat_map(Knees::rows))?;
    for (at, knees) in all.iter().enumerate().take(MOST_FIGURES) {
        let name = if all.len() == 1 { "knees".to_owned() } else { format!("knees-{}", at + 1) };
        let chart = knees.chart();
        folder.figure(&name, || chart.svg(), || chart.pdf(), || chart.png())?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn knees_are_linear_between_loads_and_bounds_at_the_ends() {
        let curve =
            |misses: [f64; 3]| -> Curve { [0.1, 0.2, 0.4].into_iter().zip(misses).collect() };
        // A third of the way from 0.2 to 0.4.
        let (knee, bound) = end(&curve([0.0, 0.02, 0.11]), 0.05).unwrap();
        assert!((knee - (0.2 + 0.2 / 3.0)).abs() < 1e-12 && bound.is_none());
        assert_eq!(end(&curve([0.0, 0.01, 0.01]), 0.01), Some((0.4, Some(Ordering::Greater))));
        assert_eq!(end(&curve([0.02, 0.0, 0.0]), 0.01), Some((0.1, Some(Ordering::Less))));
        // What comes after the first load with too many misses does not count.
        let (knee, _) = end(&curve([0.0, 0.1, 0.0]), 0.05).unwrap();
        assert!((knee - 0.15).abs() < 1e-12);
        assert_eq!(end(&[(0.1, 0.0)], 0.05), None);
    }

    #[test]
    fn means_with_a_replicate_outside_of_the_grid_are_bounds() {
        let curve = |last: f64| -> Curve { vec![(1.0, 0.0), (2.0, last)] };
        let knee = |lasts: &[f64]| {
            Knee::of(&lasts.iter().map(|last| curve(*last)).collect::<Vec<_>>(), 0.05)
        };
        assert_eq!(knee(&[0.0, 0.0]).unwrap().text(), "> 2");
        assert_eq!(knee(&[0.1, 0.0]).unwrap().text(), "> 1.75");
        assert_eq!(knee(&[0.1]).unwrap().text(), "1.500");
        let two = knee(&[0.1, 0.2]).unwrap();
        assert_eq!((two.estimate.mean, two.bound), (1.375, None));
        assert!(two.text().starts_with("1.375 ± "));
        let below: Curve = vec![(1.0, 0.5), (2.0, 0.5)];
        assert_eq!(Knee::of(std::slice::from_ref(&below), 0.05).unwrap().text(), "< 1");
        assert_eq!(Knee::of(&[below, curve(0.0)], 0.05), None);
    }
}
