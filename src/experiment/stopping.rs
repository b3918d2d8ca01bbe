//! `stopping`: replicates are added until an interval is narrow enough.
//!
//! The unit of the decision is a family: the configurations that differ in their scheduler alone.
//! They have the same replicates, so that comparisons stay paired, and get more as long as one of
//! them has too wide an interval. The experiment's `replicates` are run first, then a quarter more
//! at a time, up to `max_replicates`. Decisions depend on the rows alone.
//!
//! Source: Law, Simulation Modeling and Analysis, 5th ed. 2015, section 9.4.1 (relative precision);
//! Chow and Robbins, Annals of Mathematical Statistics 36, 1965. Stopping at the first narrow
//! interval selects some that are narrow by chance, so coverage is somewhat below 95 %; steps of a
//! quarter reduce this.

use super::axis::{GridPoint, RunSpec};
use super::journal::RunRecord;
use crate::config::{
    ConfigNode, Decoder, Group, Kind, Location, Problem, Problems, Setting, decode,
};
use crate::metrics::{COLUMNS, interval_key, metric_shape};
use crate::stats::{Estimate, Interval, varies};
use std::collections::BTreeMap;

/// `stopping`
pub(super) const STOPPING: Group = Group::named("stopping").of(&[&[
    Setting::required("metric", Kind::Text)
        .means("The column of runs.csv whose interval is to become narrow."),
    Setting::required("relative_half_width", Kind::Number(f64::MIN_POSITIVE, 1.0)).means(
        "Replicates are added until half the width of the 95 % interval is at most this share of \
         the mean.",
    ),
    Setting::integer("max_replicates", [2, 1_000_000], 100)
        .means("The most replicates of a configuration; at least `replicates`."),
]]);

/// When a configuration has enough replicates.
#[derive(Clone, Debug)]
pub struct StoppingRule {
    /// The column of runs.csv whose interval is to become narrow.
    pub metric: String,
    /// Half the width of its 95 % interval is at most this share of its mean.
    pub relative_half_width: f64,
    /// The most replicates.
    pub max_replicates: u64,
    /// Where it was written.
    pub place: Location,
}

impl StoppingRule {
    /// Reads the table of an experiment with this number of `replicates`.
    pub(super) fn read(
        node: &ConfigNode,
        replicates: u64,
        problems: &mut Problems,
    ) -> Option<Self> {
        let mut read = Decoder::new(node, &STOPPING, problems);
        let metric = read.require("metric", "the metric whose interval is to be narrow");
        let metric = metric.and_then(|node| decode::text(node, read.problems()));
        let width =
            read.required_number("relative_half_width", "a share of the mean, such as 0.01");
        let max_replicates = read.integer("max_replicates");
        if max_replicates < replicates {
            let place = node.get("max_replicates").unwrap_or(node).place.clone();
            let found = format!("max_replicates = {max_replicates}, replicates = {replicates}");
            let expected = "at least as many as `replicates`, which are run first";
            read.problems().push(Problem::new(place, found, expected));
        }
        read.finish();
        let (metric, place) = (metric?.to_owned(), node.place.clone());
        Some(Self { metric, relative_half_width: width?, max_replicates, place })
    }

    /// Reports that there is a search too.
    pub(super) fn refuse_search(&self, problems: &mut Problems) {
        let place = self.place.clone().field("stopping");
        let expected = "one of them: every replicate is a search of its own";
        problems.push(Problem::new(place, "`stopping` beside `search`", expected));
    }

    /// Whether the interval of these values of the configuration with these labels is narrow
    /// enough. Values that do not vary have none, and more of them would not either.
    pub fn narrow(&self, values: &[f64], labels: &[String]) -> bool {
        if values.len() > 1 && !varies(values) {
            return true;
        }
        let interval =
            Interval::of(values, metric_shape(&self.metric), interval_key(&self.metric, labels));
        interval.zip(Estimate::of(values)).is_some_and(|(interval, estimate)| {
            interval.half_width() <= self.relative_half_width * estimate.mean.abs()
        })
    }

    /// The number of replicates that follows `count`.
    pub fn next(&self, count: u64) -> u64 {
        (count + (count / 4).max(1)).min(self.max_replicates)
    }

    /// The runs that are due after these.
    pub(super) fn due(
        &self,
        keys: &[String],
        configurations: &[GridPoint],
        runs: &[RunRecord],
    ) -> Vec<RunSpec> {
        let column = COLUMNS.iter().position(|column| column.name == self.metric).unwrap_or(0);
        let mut ran: Vec<Vec<&RunRecord>> = vec![Vec::new(); configurations.len()];
        runs.iter().for_each(|run| ran[run.spec.configuration].push(run));
        let failed = |at: &usize| ran[*at].iter().any(|run| run.failed());
        let narrow = |at: &usize| {
            let cells = ran[*at].iter().map(|run| run.entry.result.cells[column].parse().ok());
            self.narrow(&cells.flatten().collect::<Vec<f64>>(), &configurations[*at].labels)
        };
        let mut due = Vec::new();
        for members in families(keys, configurations).into_values() {
            // An interval of runs that fail will not become narrow.
            if members.iter().any(failed) || members.iter().all(narrow) {
                continue;
            }
            for configuration in members {
                let count = ran[configuration].len() as u64;
                let more = count..self.next(count);
                due.extend(more.map(|replicate| RunSpec { configuration, replicate }));
            }
        }
        due
    }
}

/// Configurations that differ in their scheduler alone, by what they share.
fn families<'a>(
    keys: &[String],
    configurations: &'a [GridPoint],
) -> BTreeMap<Vec<&'a String>, Vec<usize>> {
    let shared = |key: &str| key != "scheduler" && !key.starts_with("scheduler.");
    let mut families: BTreeMap<Vec<&String>, Vec<usize>> = BTreeMap::new();
    for (at, configuration) in configurations.iter().enumerate() {
        let labels = keys.iter().zip(&configuration.labels);
        let family = labels.filter(|(key, _)| shared(key)).map(|(_, label)| label).collect();
        families.entry(family).or_default().push(at);
    }
    families
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::experiment::RunResult;
    use crate::experiment::journal::JournalEntry;
    use std::sync::Arc;

    fn until(metric: &str) -> StoppingRule {
        let place = Location::default();
        StoppingRule { metric: metric.into(), relative_half_width: 0.1, max_replicates: 12, place }
    }

    #[test]
    fn narrow_is_relative_to_the_mean() {
        let until = until("utility_mean");
        // Half width: 2.776 · sd / √5.
        assert!(until.narrow(&[1.0, 1.02, 0.98, 1.01, 0.99], &[]));
        assert!(!until.narrow(&[0.1, 0.12, 0.08, 0.11, 0.09], &[]));
        assert!(until.narrow(&[-1.0, -1.02, -0.98, -1.01, -0.99], &[]));
        assert!(
            until.narrow(&[0.0, 0.0], &[]) && !until.narrow(&[1.0], &[]) && !until.narrow(&[], &[])
        );
        assert_eq!([1, 4, 8, 10, 11, 12].map(|count| until.next(count)), [2, 5, 10, 12, 12, 12]);
    }

    /// A run whose `utility_mean` is this.
    fn run(configuration: usize, replicate: u64, value: &str) -> RunRecord {
        let cells = vec![value.to_owned(); COLUMNS.len()];
        let error = if value.is_empty() { "it broke".to_owned() } else { String::new() };
        let result = RunResult { cells, quantiles: Vec::new(), tables: Vec::new(), error };
        let spec = RunSpec { configuration, replicate };
        RunRecord { spec, id: String::new(), entry: Arc::new(JournalEntry { result, wall_s: 0.0 }) }
    }

    #[test]
    fn a_family_goes_on_together_and_alone() {
        let keys = ["scheduler", "rate"].map(str::to_owned);
        let configuration = |labels: [&str; 2]| GridPoint {
            labels: labels.map(str::to_owned).to_vec(),
            node: ConfigNode::empty(Location::default()),
        };
        let grid = [["a", "1"], ["a", "2"], ["b", "1"], ["b", "2"]].map(configuration);
        let rows = |values: [[&str; 2]; 4]| -> Vec<RunRecord> {
            let own = values.iter().enumerate();
            own.flat_map(|(at, two)| (0..).zip(two).map(move |(r, value)| run(at, r, value)))
                .collect()
        };
        let due = |values| -> Vec<(usize, u64)> {
            let due = until("utility_mean").due(&keys, &grid, &rows(values));
            due.iter().map(|spec| (spec.configuration, spec.replicate)).collect()
        };
        let (sharp, wide) = (["1", "1.001"], ["1", "2"]);
        assert_eq!(due([sharp; 4]), []);
        // `b` at rate 1 is wide: both at rate 1 go on, at rate 2 neither.
        assert_eq!(due([sharp, sharp, wide, sharp]), [(0, 2), (2, 2)]);
        assert_eq!(due([wide; 4]), [(0, 2), (2, 2), (1, 2), (3, 2)]);
        // A scheduler that fails does not hold up the others.
        assert_eq!(due([sharp, sharp, wide, ["1", ""]]), [(0, 2), (2, 2)]);
        assert_eq!(due([["1", ""], sharp, wide, sharp]), []);
    }
}
