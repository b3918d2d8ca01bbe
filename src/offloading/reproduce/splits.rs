//! Policies that need no training, over random splits of M4A1.

use super::dialogue_scores::{DialogueScores, each};
use super::{ReproductionConfig, SEED};
use crate::config::Problem;
use crate::core::rng::Rng;
use crate::offloading::cost::{DEVICES, NETWORKS};
use crate::offloading::estimator::NeighbourTies;
use crate::offloading::evaluate::{DialogueResult, PolicySummary, evaluate};
use crate::offloading::{Cost, Costs, DialogueModel, ModelParams, Split, Workload, policies};
use crate::report::reproduction::Measurement;
use rayon::prelude::*;
use std::sync::Arc;

/// A metric, with its unit.
type Metric = (&'static str, fn(&PolicySummary) -> f64);

pub(super) const METRICS: [Metric; 7] = [
    ("response", |s| s.response),
    ("reward", |s| s.reward),
    ("association", |s| s.association),
    ("s", |s| s.spent.latency_s),
    ("USD", |s| s.spent.usage_usd),
    ("share over the time budget", |s| s.latency.rate),
    ("share over the usage budget", |s| s.usage.rate),
];
/// Policies that need no training.
pub(super) const POLICIES: [&str; 9] = [
    "random",
    "local",
    "cloud",
    "uniform",
    "always:cloud+0",
    "always:cloud+0+1",
    "always:cloud+0+1+2",
    "greedy-knn",
    "greedy-knn-association",
];
/// Those of them whose scores are measured with ties to the lowest index, too.
const LOWEST_INDEX: [&str; 4] = ["local", "always:cloud+0", "always:cloud+0+1", "greedy-knn"];

/// The published device and network on one split.
pub(super) fn model(
    data: &Arc<Workload>,
    split: &Split,
    ties: NeighbourTies,
) -> Result<DialogueModel, Problem> {
    let params = ModelParams { ties, ..ModelParams::new(Costs::paper(DEVICES[3], NETWORKS[0])) };
    DialogueModel::new(Arc::clone(data), &split.train, params)
}

/// The seed of the split with this number.
pub(super) fn split_rng(split: usize) -> Rng {
    Rng::new(SEED, 1000 + split as u64)
}

/// Means over dialogues by policy, and their variance over splits.
pub(super) fn measure(
    data: &Arc<Workload>,
    config: &ReproductionConfig,
) -> Result<Vec<Measurement>, Problem> {
    let mut figures = Vec::new();
    for (section, ties, policies, metrics) in [
        ("splits", NeighbourTies::Shared, &POLICIES[..], &METRICS[..]),
        ("splits, lowest index", NeighbourTies::LowestIndex, &LOWEST_INDEX, &METRICS[..2]),
    ] {
        let scores = |at: usize| -> Result<Vec<Vec<DialogueScores>>, Problem> {
            let split = data.split(split_rng(at));
            let model = model(data, &split, ties)?;
            policies.iter().map(|name| policy_scores(&model, &split, name, at)).collect()
        };
        let by_split = (0..config.splits).into_par_iter().map(scores);
        let by_split = by_split.collect::<Result<Vec<_>, _>>()?;
        for (policy, name) in policies.iter().enumerate() {
            for (metric, (what, _)) in metrics.iter().enumerate() {
                let all = by_split.iter().map(|split| split[policy][metric].clone());
                let name = format!("{name}, {what}");
                figures.push(DialogueScores::all(all).measurement(section, name));
            }
        }
    }
    Ok(figures)
}

/// Each of [`METRICS`] of a policy on a split.
fn policy_scores(
    model: &DialogueModel,
    split: &Split,
    name: &str,
    at: usize,
) -> Result<Vec<DialogueScores>, Problem> {
    let mut policy = policies::build(name, model, split_rng(at))?;
    let results = evaluate(model, &split.test, policy.as_mut(), Cost::PUBLISHED);
    Ok(metric_scores(model, split, at, &results, Cost::PUBLISHED))
}

/// Each of [`METRICS`] of the results of a split's test dialogues.
pub(super) fn metric_scores(
    model: &DialogueModel,
    split: &Split,
    at: usize,
    results: &[DialogueResult],
    budget: Cost,
) -> Vec<DialogueScores> {
    let metric =
        |(_, of): Metric| DialogueScores::new(at, &split.test, &each(model, results, budget, of));
    METRICS.into_iter().map(metric).collect()
}
