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
use crate::experiment::{Expectation, Experiment, Sweep};
use std::collections::BTreeSet;

/// One experiment, made again.
#[derive(Clone, Debug)]
pub struct ExperimentReport {
    /// Which part of the report it belongs to; empty for the main part.
    pub section: String,
    /// What was asked for.
    pub experiment: Experiment,
    /// What came out.
    pub results: Results,
    /// Every claim with its verdict at each setting.
    pub claims: Vec<(Expectation, Vec<ClaimResult>)>,
    /// The claims as rows of `claims.csv`.
    pub rows: Vec<ClaimRow>,
    /// What is not as it was; `None` if nothing was kept to compare with.
    pub compared: Option<TableComparison>,
    /// Labels of schedulers that differ only in that the first sees the posterior.
    twins: BTreeSet<(String, String)>,
}

impl ExperimentReport {
    /// The results of a sweep against those that were kept. A quick look has fewer replicates than
    /// the experiment and is held against as many of the kept ones.
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
            twins: twins(sweep),
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

/// How many replicates there are of a configuration, at most.
fn replicates(results: &Results) -> u64 {
    results.rows.iter().map(|row| row.replicate.saturating_add(1)).max().unwrap_or(0)
}

/// The claims over the first so many replicates, for each of these numbers once.
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

/// What a claim's verdicts come to, in a sentence.
pub fn sentence(judged: &[ClaimResult]) -> String {
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
    match (parts.as_slice(), judged) {
        ([_], [only]) => format!("{}: {ends}", only.verdict.name()),
        ([_], [first, ..]) => format!("{} at all {}: {ends}", first.verdict.name(), judged.len()),
        _ => format!("{} of {}: {ends}", parts.join(", "), judged.len()),
    }
}

/// Pairs of scheduler labels: one sees the posterior, the other profiled accuracies, and nothing
/// else differs. `sneakpeek` without its posterior is `grouped`, but for the order inside a group,
/// which matters where a group is more than one batch.
fn twins(sweep: &Sweep) -> BTreeSet<(String, String)> {
    let keys = sweep.axis_keys();
    let Some(axis) = keys.iter().position(|key| key == "scheduler") else {
        return BTreeSet::new();
    };
    let seen: BTreeSet<(&str, String, &str)> = sweep
        .points
        .iter()
        .zip(&sweep.configs)
        .map(|(configuration, prepared)| {
            let name = match prepared.scheduler_name {
                "sneakpeek" => "grouped",
                name => name,
            };
            let settings = match &prepared.scheduler.value {
                Value::Table(entries) => entries.as_slice(),
                _ => &[],
            };
            let own = settings.iter().filter(|(key, _)| key != "accuracy" && key != "name");
            let own: Vec<String> =
                own.map(|(k, node)| format!("{k}={}", node.canonical())).collect();
            let key = format!("{name} {}", own.join(" "));
            (configuration.labels[axis].as_str(), key, prepared.info.name())
        })
        .collect();
    let of = |info| seen.iter().filter(move |(_, _, own)| *own == info);
    let pairs = of("posterior").flat_map(|(with, key, _)| {
        let same = of("profiled").filter(move |(_, other, _)| other == key);
        same.map(|(without, _, _)| ((*with).to_owned(), (*without).to_owned()))
    });
    pairs.collect()
}
