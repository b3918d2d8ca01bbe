//! Paired differences: two values of one axis, everything else equal, replicate by replicate.
//!
//! Replicates share arrivals, noise and outcomes, so the interval of the difference is much
//! narrower than the difference of intervals. Where all differences agree there is no interval. Of
//! an offloading study the pairs are samples (`samples_csv.rs`), mostly dialogues.

use super::results::{ResultRow, Results};
use super::runs_csv::{names, number, write_csv};
use crate::metrics::column::{ANY_NUMBER, column, count, text};
use crate::metrics::{Column, Study, interval_key, metric_shape};
use crate::output::atomic::{self, WriteError};
use crate::stats::{Estimate, Interval, MetricShape};
use std::collections::BTreeMap;
use std::path::Path;

/// The labels of a setting; by replicate, left minus right, and right.
type SettingPairs = (Vec<String>, Vec<(f64, f64)>);

const FEW: &str = "fewer than two replicates have both, or all differences agree";

/// The columns of `compare.csv`, without the other axes, which follow the first.
pub(super) const COLUMNS: [Column; 9] = [
    text("metric", "what is compared"),
    text("left", "a scheduler or policy"),
    text("right", "another"),
    column("difference", "mean of left − right, paired over replicates or samples").of(ANY_NUMBER),
    column(
        "ci95_low",
        "lower end of its 95 % interval (Student's t; of 30 samples or more bootstrap-t)",
    )
    .of(ANY_NUMBER)
    .empty(FEW),
    column("ci95_high", "upper end of its 95 % interval").of(ANY_NUMBER).empty(FEW),
    count("replicates", "replicates or samples that have both"),
    count("wins", "of them, those in which left is higher"),
    count("losses", "of them, those in which left is lower"),
];

/// One paired comparison.
#[derive(Clone, Debug)]
pub struct Difference {
    /// The other axes' labels, in order, the compared axis left out.
    pub setting: Vec<String>,
    /// The label on the left.
    pub left: String,
    /// The label on the right.
    pub right: String,
    /// Left minus right, for every replicate that has both.
    pub values: Vec<f64>,
    /// The mean of the right over these replicates.
    pub base: Option<f64>,
    /// The mean difference and its interval; `None` if no replicate has both.
    pub estimate: Option<Estimate>,
    /// The ends of the interval, within what differences of the metric can be; `None` for fewer
    /// than two replicates, and where all differences agree.
    pub ends: Option<(f64, f64)>,
}

/// Fewer samples than these are too few to be resampled: they have Student's t.
const FEWEST_CLUSTERS: usize = 30;
/// Numbers that agree to this share of their size are equal: sums that were added in another order
/// differ in their last digits.
const ROUNDING: f64 = 1e-12;

/// Left minus right, 0 where they differ by rounding.
pub(super) fn minus(left: f64, right: f64) -> f64 {
    let difference = left - right;
    if difference.abs() <= ROUNDING * left.abs().max(right.abs()) { 0.0 } else { difference }
}

/// Left minus right of a metric, for every setting of the other axes.
pub fn differences(
    results: &Results,
    rows: &[&ResultRow],
    axis: usize,
    left: &str,
    right: &str,
    metric: &str,
) -> Vec<Difference> {
    debug_assert!(axis < results.axes.len());
    RowsByLabel::new(rows, axis).differences([left, right], metric, 1.0)
}

/// Rows by their label of one axis, each with the place of its setting of the others: several
/// comparisons look every row up once.
#[derive(Debug)]
pub(super) struct RowsByLabel<'a> {
    settings: Vec<Vec<String>>,
    rows: BTreeMap<&'a str, Vec<(usize, &'a ResultRow)>>,
}

impl<'a> RowsByLabel<'a> {
    pub fn new(rows: &[&'a ResultRow], axis: usize) -> Self {
        let mut places: BTreeMap<Vec<&str>, usize> = BTreeMap::new();
        let mut by_label: BTreeMap<&str, Vec<(usize, &ResultRow)>> = BTreeMap::new();
        for row in rows {
            let next = places.len();
            let mut labels = row.labels.iter().map(String::as_str).collect::<Vec<_>>();
            let label = labels.remove(axis);
            let place = *places.entry(labels).or_insert(next);
            by_label.entry(label).or_default().push((place, row));
        }
        let mut settings = vec![Vec::new(); places.len()];
        for (labels, place) in places {
            settings[place] = labels.into_iter().map(str::to_owned).collect();
        }
        Self { settings, rows: by_label }
    }

    fn of(&self, label: &str) -> &[(usize, &'a ResultRow)] {
        self.rows.get(label).map_or(&[], Vec::as_slice)
    }

    /// Left minus a factor times right of a metric, for every setting of the other axes that the
    /// left has, in order of first appearance.
    pub fn differences(
        &self,
        [left, right]: [&str; 2],
        metric: &str,
        factor: f64,
    ) -> Vec<Difference> {
        let value = |(place, row): &(usize, &ResultRow)| {
            Some(((*place, row.replicate), row.metric(metric)?))
        };
        let rights = self.of(right).iter().filter_map(value);
        let rights: BTreeMap<(usize, u64), f64> =
            rights.map(|(place, value)| (place, factor * value)).collect();
        let mut pairs: Vec<SettingPairs> = Vec::new();
        let mut places: BTreeMap<usize, usize> = BTreeMap::new();
        for (place, row) in self.of(left) {
            let at = *places.entry(*place).or_insert_with(|| {
                pairs.push((self.settings[*place].clone(), Vec::new()));
                pairs.len() - 1
            });
            if let Some(other) = rights.get(&(*place, row.replicate))
                && let Some(value) = row.metric(metric)
            {
                pairs[at].1.push((minus(value, *other), *other));
            }
        }
        let (least, most) = metric_shape(metric).range;
        let range = [least - factor * most, most - factor * least];
        let clusters = Study::Offloading.place_of(metric).is_some();
        let of = |pairs| {
            let difference = Difference::of([left, right], pairs, range);
            let many = difference.values.len() >= FEWEST_CLUSTERS;
            if clusters && many { difference.resampled(metric, range) } else { difference }
        };
        pairs.into_iter().map(of).collect()
    }
}

impl Difference {
    /// Of the pairs at a setting.
    fn of(
        [left, right]: [&str; 2],
        (setting, pairs): SettingPairs,
        [least, most]: [f64; 2],
    ) -> Self {
        let (values, rights): (Vec<f64>, Vec<f64>) = pairs.into_iter().unzip();
        let size = |(difference, right): (&f64, &f64)| right.abs().max((difference + right).abs());
        let scale = values.iter().zip(&rights).map(size).fold(0.0, f64::max);
        let estimate = Estimate::at_scale(&values, scale);
        let base = Estimate::of(&rights).map(|e| e.mean);
        let ends = estimate
            .filter(|e| e.half_width.is_some())
            .map(|e| (e.low().max(least), e.high().min(most)));
        let (left, right) = (left.to_owned(), right.to_owned());
        Self { setting, left, right, values, base, estimate, ends }
    }

    /// The same with the interval of the bootstrap. Samples are clusters, and both sides of a pair
    /// are resampled together.
    fn resampled(mut self, metric: &str, range: [f64; 2]) -> Self {
        let shape = MetricShape { skewed: true, range: range.into() };
        let names = [&[self.left.clone(), self.right.clone()], &self.setting[..]].concat();
        let interval = Interval::of(&self.values, shape, interval_key(metric, &names));
        if let (Some(estimate), Some(interval)) = (&mut self.estimate, interval)
            && estimate.half_width.is_some()
        {
            estimate.half_width = Some(interval.half_width());
            self.ends = Some((interval.low, interval.high));
        }
        self
    }
}

/// Writes `compare.csv`, every pair of schedulers or policies on [`Study::compared`]; whether there
/// are two. With fewer, an earlier file is removed.
///
/// # Errors
/// Says why the file could not be written.
pub fn write(results: &Results, folder: &Path) -> Result<bool, WriteError> {
    let path = folder.join("compare.csv");
    let axis = results.axis(results.study.decider()).map(|axis| (axis, results.labels(axis)));
    let Some((axis, labels)) = axis.filter(|(_, labels)| labels.len() > 1) else {
        atomic::remove(&path)?;
        return Ok(false);
    };
    let head = [names(&COLUMNS[..1]), results.other_axes(axis), names(&COLUMNS[1..])].concat();
    let rows: Vec<&ResultRow> = results.rows.iter().collect();
    let rows = RowsByLabel::new(&rows, axis);
    let mut lines = Vec::new();
    for metric in results.study.compared() {
        for (at, right) in labels.iter().enumerate() {
            for left in &labels[at + 1..] {
                for found in rows.differences([left, right], metric, 1.0) {
                    let Some(e) = found.estimate else { continue };
                    let mut line = vec![(*metric).to_owned()];
                    line.extend(found.setting);
                    line.extend([
                        found.left,
                        found.right,
                        e.mean.to_string(),
                        number(found.ends.map(|(low, _)| low)),
                        number(found.ends.map(|(_, high)| high)),
                        e.count.to_string(),
                        found.values.iter().filter(|value| **value > 0.0).count().to_string(),
                        found.values.iter().filter(|value| **value < 0.0).count().to_string(),
                    ]);
                    lines.push(line);
                }
            }
        }
    }
    write_csv(&path, head, lines)?;
    Ok(true)
}
