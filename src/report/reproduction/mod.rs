//! Reproductions: claims about experiments and figures with targets, their verdicts, one report
//! over all of them, and a comparison with kept results.

mod check_report;
mod claims;
mod gains;
mod markdown;
mod moved;
mod tally;
mod targets;

pub use check_report::check_report;
pub use claims::{COLUMNS as CLAIMS, ClaimRow, Claims};
pub use markdown::markdown;
pub use moved::{ChangedCell, TableComparison};
pub use tally::{Cells, Verdicts};
pub use targets::{Check, Measurement, Target, Targets, checks_csv, compare_checks};

use super::claims::{ClaimResult, Verdict, judge, judge_first};
use super::results::Results;
use crate::config::Value;
use crate::experiment::{Expectation, Experiment, Relation, RunConfig, Sweep};
use std::collections::BTreeSet;

/// One experiment, made again.
#[derive(Clone, Debug)]
pub struct ExperimentReport {
    /// Which part of the report it belongs to; empty for the main part.
    pub section: String,
    /// The experiment.
    pub experiment: Experiment,
    /// Its results.
    pub results: Results,
    /// Every claim with its verdict at each setting.
    pub claims: Vec<(Expectation, Vec<ClaimResult>)>,
    /// The claims as rows of `claims.csv`.
    pub rows: Vec<ClaimRow>,
    /// Differences from the kept results; `None` if there are none.
    pub compared: Option<TableComparison>,
    schedulers: BTreeSet<SchedulerSettings>,
}

/// A scheduler of an experiment.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct SchedulerSettings {
    label: String,
    name: &'static str,
    /// `key=value` of every setting but name and source of accuracies.
    settings: Vec<String>,
    accuracy_source: &'static str,
}

impl ExperimentReport {
    /// The results of a sweep, compared with kept ones. A quick run has fewer replicates than the
    /// experiment and is compared with the same number of kept ones.
    pub fn new(
        sweep: &Sweep,
        section: &str,
        results: Results,
        kept: Option<&Results>,
        quick: bool,
    ) -> Self {
        let experiment = sweep.experiment.clone();
        let judged = |claim: &Expectation| (claim.clone(), judge(&results, claim));
        let claims: Vec<_> = experiment.expectations.iter().map(judged).collect();
        let made = replicates(&results);
        let fewest = if quick { made } else { claims::deciding(&results, &claims, made) };
        let first = if quick { made } else { u64::MAX };
        Self {
            rows: rows(&experiment.name, &results, &claims, &[fewest, made]),
            claims,
            compared: kept.map(|kept| moved::runs(kept, &results, first)),
            schedulers: schedulers(sweep),
            section: section.to_owned(),
            experiment,
            results,
        }
    }

    /// Gated claims that do not hold, with the settings at which they do not. Those that are
    /// undecided are left out where `undecided` says so.
    pub fn failed_gates(&self, undecided: impl Fn(&ClaimRow) -> bool) -> Vec<String> {
        let fails = |judged: &ClaimResult, row: &ClaimRow| match judged.verdict {
            Verdict::Undecided => undecided(row),
            verdict => verdict == Verdict::Contradicted,
        };
        let (name, mut lines) = (&self.experiment.name, Vec::new());
        for (claim, judged) in self.claims.iter().filter(|(claim, _)| claim.gate) {
            let rows = claims::rows(name, claim, judged, replicates(&self.results));
            let claim = &claim.claim;
            if judged.is_empty() {
                lines.push(format!("{name}: nothing to judge {claim} by"));
            }
            let failed = judged.iter().zip(&rows).filter(|(judged, row)| fails(judged, row));
            lines.extend(
                failed.map(|(j, _)| {
                    format!("{name}: {claim} is {} at {}", j.verdict.name(), j.setting)
                }),
            );
        }
        lines
    }
}

impl ExperimentReport {
    /// Whether two labels are schedulers that differ only in that the first sees the posterior,
    /// the second profiled accuracies. Of the `equivalent` names, the first counts as the second.
    fn are_twins(&self, [with, without]: [&str; 2], equivalent: [&str; 2]) -> bool {
        let name = |own: &SchedulerSettings| match own.name {
            name if name == equivalent[0] => equivalent[1].to_owned(),
            name => name.to_owned(),
        };
        let of = |label: &str, source: &str| -> Vec<(String, Vec<String>)> {
            let own = self.schedulers.iter();
            let own = own.filter(|own| own.label == label && own.accuracy_source == source);
            own.map(|own| (name(own), own.settings.clone())).collect()
        };
        let others = of(without, "profiled");
        of(with, "posterior").iter().any(|scheduler| others.contains(scheduler))
    }
}

/// How many replicates there are of a configuration, at most.
fn replicates(results: &Results) -> u64 {
    results.rows.iter().map(|row| row.replicate.saturating_add(1)).max().unwrap_or(0)
}

/// The claims over the first n replicates, for each of these numbers n once.
fn rows(
    experiment: &str,
    results: &Results,
    claims: &[(Expectation, Vec<ClaimResult>)],
    numbers: &[u64],
) -> Vec<ClaimRow> {
    let numbers: BTreeSet<u64> = numbers.iter().copied().collect();
    let of = |claim: &Expectation| {
        let one = |n| claims::rows(experiment, claim, &judge_first(results, claim, n), n);
        numbers.iter().copied().flat_map(one).collect::<Vec<_>>()
    };
    claims.iter().flat_map(|(claim, _)| of(claim)).collect()
}

/// What a claim is about, ` (utility_mean, gated)` with this mark around the metric; nothing if the
/// claim is text alone.
pub fn about(claim: &Expectation, mark: &str) -> String {
    if claim.not_transposable.is_some() {
        return String::new();
    }
    let gate = if claim.gate { ", gated" } else { "" };
    format!(" ({mark}{}{mark}{gate})", claim.metric)
}

/// The verdicts on a claim, in a sentence. With a factor it has the range of the ratios, and where
/// that is which speaks for the claim the most.
pub fn sentence(claim: &Expectation, judged: &[ClaimResult]) -> String {
    if let Some(reason) = &claim.not_transposable {
        return format!("{}: {reason}", Verdict::NotTransposable.name());
    }
    let verdicts: Verdicts = judged.iter().map(|judged| judged.verdict).collect();
    let counts = Verdict::ALL.map(|verdict| (verdicts.count(verdict), verdict.name()));
    let given = counts.iter().filter(|(count, _)| *count > 0);
    let parts: Vec<String> = given.map(|(count, name)| format!("{name} at {count}")).collect();
    let means = || judged.iter().filter_map(|j| j.difference).map(|e| e.mean);
    let (low, high) =
        (means().fold(f64::INFINITY, f64::min), means().fold(f64::NEG_INFINITY, f64::max));
    if means().next().is_none() {
        return "nothing to compare".to_owned();
    }
    let ends = if low == high { format!("{low:+.4}") } else { format!("{low:+.4} to {high:+.4}") };
    let text = match (parts.as_slice(), judged) {
        ([_], [only]) => format!("{}: {ends}", only.verdict.name()),
        ([_], [first, ..]) => format!("{} at all {}: {ends}", first.verdict.name(), judged.len()),
        _ => format!("{} of {}: {ends}", parts.join(", "), judged.len()),
    };
    let ratios = judged.iter().filter_map(|judged| Some((judged.ratio?, &judged.setting)));
    let mut ratios: Vec<(f64, &String)> = ratios.collect();
    ratios.sort_by(|a, b| a.0.total_cmp(&b.0));
    match ratios.as_slice() {
        [] if claim.factor != 1.0 => format!("{text}; no ratio, the right is 0"),
        [] => text,
        [(only, _)] => format!("{text}; ratio {only:.3}"),
        [least, .., most] => {
            let (word, (_, place)) = match claim.relation {
                Relation::Greater | Relation::GreaterOrEqual => ("largest", most),
                Relation::Less | Relation::LessOrEqual => ("smallest", least),
            };
            let ends = format!("{:.3} to {:.3}", least.0, most.0);
            format!("{text}; ratios {ends}, the {word} at {place}")
        }
    }
}

/// The schedulers of a sweep.
fn schedulers(sweep: &Sweep) -> BTreeSet<SchedulerSettings> {
    let keys = sweep.axis_keys();
    let Some(axis) = keys.iter().position(|key| key == "scheduler") else {
        return BTreeSet::new();
    };
    let labels = sweep.points.iter().map(|point| point.labels[axis].as_str());
    let configs = sweep.scheduling().unwrap_or_default();
    labels.zip(configs).map(|(label, run)| SchedulerSettings::of(label, run)).collect()
}

impl SchedulerSettings {
    fn of(label: &str, run: &RunConfig) -> Self {
        let entries = match &run.scheduler.value {
            Value::Table(entries) => entries.as_slice(),
            _ => &[],
        };
        let own = entries.iter().filter(|(key, _)| key != "accuracy" && key != "name");
        Self {
            label: label.to_owned(),
            name: run.scheduler_name,
            settings: own.map(|(key, node)| format!("{key}={}", node.canonical())).collect(),
            accuracy_source: run.info.name(),
        }
    }
}
