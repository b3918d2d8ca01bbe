//! Paired differences: two values of one axis, everything else equal, replicate by replicate.
//!
//! Replicates share arrivals, noise and outcomes, so the interval of the difference is much
//! narrower than the difference of intervals.

use super::results::{ResultRow, Results};
use super::stats::Estimate;
use super::write::write_csv;
use crate::output::atomic::WriteError;
use std::collections::BTreeMap;
use std::path::Path;

/// The metrics of `compare.csv`.
pub const METRICS: [&str; 3] = ["utility_mean", "accuracy_mean", "deadline_miss_ratio"];

/// One paired comparison.
#[derive(Clone, Debug)]
pub struct Difference {
    /// The other axes' labels, in order, the compared axis left out.
    pub setting: Vec<String>,
    /// The label on the left.
    pub left: String,
    /// The label on the right.
    pub right: String,
    /// Left minus right over replicates; `None` if no replicate has both.
    pub estimate: Option<Estimate>,
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
    let others = |row: &ResultRow| -> Vec<String> {
        let labels = row.labels.iter().enumerate().filter(|(at, _)| *at != axis);
        labels.map(|(_, label)| label.clone()).collect()
    };
    let mut settings: Vec<Vec<String>> = Vec::new();
    let mut rights: BTreeMap<(Vec<String>, u64), f64> = BTreeMap::new();
    for row in rows {
        let setting = others(row);
        if row.labels[axis] == right
            && let Some(value) = row.metric(metric)
        {
            rights.insert((setting.clone(), row.replicate), value);
        }
        if row.labels[axis] == left && !settings.contains(&setting) {
            settings.push(setting);
        }
    }
    debug_assert!(axis < results.axes.len());
    let difference = |setting: Vec<String>| {
        let pairs = rows.iter().filter(|row| row.labels[axis] == left && others(row) == setting);
        let values: Vec<f64> = pairs
            .filter_map(|row| {
                let other = rights.get(&(setting.clone(), row.replicate))?;
                Some(row.metric(metric)? - other)
            })
            .collect();
        let estimate = Estimate::of(&values);
        Difference { setting, left: left.to_owned(), right: right.to_owned(), estimate }
    };
    settings.into_iter().map(difference).collect()
}

/// Writes `compare.csv`: every pair of schedulers, on the metrics that matter. Nothing is written
/// for an experiment with fewer than two schedulers.
pub fn write(results: &Results, folder: &Path) -> Result<bool, WriteError> {
    let Some(axis) = results.axis("scheduler") else { return Ok(false) };
    let labels = results.labels(axis);
    if labels.len() < 2 {
        return Ok(false);
    }
    let others = results.axes.iter().enumerate().filter(|(at, _)| *at != axis);
    let mut head = vec!["metric".to_owned()];
    head.extend(others.map(|(_, name)| name.clone()));
    head.extend(
        ["left", "right", "difference", "ci95_low", "ci95_high", "replicates"].map(str::to_owned),
    );
    let rows: Vec<&ResultRow> = results.rows.iter().collect();
    let mut lines = vec![head];
    for metric in METRICS {
        for (at, right) in labels.iter().enumerate() {
            for left in &labels[at + 1..] {
                for found in differences(results, &rows, axis, left, right, metric) {
                    let Some(e) = found.estimate else { continue };
                    let mut line = vec![metric.to_owned()];
                    line.extend(found.setting);
                    let ends = e.half_width.map(|_| (e.low(), e.high()));
                    let end = |value: Option<f64>| value.map_or(String::new(), |v| v.to_string());
                    line.extend([
                        found.left,
                        found.right,
                        e.mean.to_string(),
                        end(ends.map(|(low, _)| low)),
                        end(ends.map(|(_, high)| high)),
                        e.count.to_string(),
                    ]);
                    lines.push(line);
                }
            }
        }
    }
    write_csv(&folder.join("compare.csv"), lines.into_iter())?;
    Ok(true)
}
