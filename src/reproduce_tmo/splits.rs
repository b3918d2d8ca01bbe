//! Policies that need no training, over random splits of M4A1.

use super::dialogue_scores::DialogueScores;
use super::{ReproductionConfig, SEED};
use crate::config::Problem;
use crate::core::rng::Rng;
use crate::offloading::estimator::NeighbourTies;
use crate::offloading::evaluate::{DialogueResult, PolicySummary, evaluate};
use crate::offloading::{
    Cost, DialogueModel, ModelParams, Scorer, Split, TEST_SHARE, Workload, policies,
};
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
/// Policies that are measured also with ties to the lowest index.
const LOWEST_INDEX: [&str; 4] = ["local", "always:cloud+0", "always:cloud+0+1", "greedy-knn"];

/// A random split of the data set, and the model of its training dialogues.
pub(super) struct SplitModel {
    /// Number of the split.
    pub(super) at: usize,
    pub(super) split: Split,
    pub(super) model: DialogueModel,
}

impl SplitModel {
    /// The split with this number.
    pub(super) fn new(
        data: &Arc<Workload>,
        at: usize,
        params: &ModelParams,
    ) -> Result<Self, Problem> {
        let split = data.split(split_rng(at), TEST_SHARE);
        let model = DialogueModel::new(Arc::clone(data), &split.train, params.clone())?;
        Ok(Self { at, split, model })
    }

    /// Results of a policy that needs no training, by test dialogue.
    pub(super) fn results(
        &self,
        policy: &str,
        budget: Cost,
    ) -> Result<Vec<DialogueResult>, Problem> {
        let mut policy = policies::build(policy, &self.model, split_rng(self.at))?;
        Ok(evaluate(
            &self.model,
            Scorer::Estimator(&self.model),
            &self.split.test,
            policy.as_mut(),
            budget,
        ))
    }

    /// Scores of the test dialogues, in order.
    pub(super) fn scores(&self, values: impl IntoIterator<Item = f64>) -> DialogueScores {
        DialogueScores::new(self.at, &self.split.test, values)
    }

    /// Rewards of the test dialogues.
    pub(super) fn rewards(&self, results: &[DialogueResult]) -> DialogueScores {
        self.scores(results.iter().map(|result| result.reward))
    }

    /// A metric of each test dialogue.
    pub(super) fn metric(
        &self,
        results: &[DialogueResult],
        budget: Cost,
        of: fn(&PolicySummary) -> f64,
    ) -> DialogueScores {
        self.scores(results.iter().map(|result| {
            let alone = std::slice::from_ref(result);
            of(&PolicySummary::of(&self.model, alone, budget))
        }))
    }

    /// Each of [`METRICS`].
    pub(super) fn metrics(&self, results: &[DialogueResult], budget: Cost) -> Vec<DialogueScores> {
        METRICS.map(|(_, of)| self.metric(results, budget, of)).into()
    }
}

/// The random numbers of a split and of policies on it.
pub(super) fn split_rng(split: usize) -> Rng {
    Rng::new(SEED, 1000 + split as u64)
}

/// A measurement on each of the first `count` splits.
pub(super) fn by_split<T: Send>(
    data: &Arc<Workload>,
    count: usize,
    params: &ModelParams,
    of: impl Fn(&SplitModel) -> Result<T, Problem> + Sync,
) -> Result<Vec<T>, Problem> {
    (0..count).into_par_iter().map(|at| of(&SplitModel::new(data, at, params)?)).collect()
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
        let params = ModelParams { ties, ..ModelParams::published()? };
        let splits = by_split(data, config.splits, &params, |on| {
            let metrics = |policy: &&str| {
                Ok(on.metrics(&on.results(policy, Cost::PUBLISHED)?, Cost::PUBLISHED))
            };
            policies.iter().map(metrics).collect::<Result<Vec<_>, Problem>>()
        })?;
        for (policy, name) in policies.iter().enumerate() {
            for (metric, (what, _)) in metrics.iter().enumerate() {
                let all = splits.iter().map(|split| &split[policy][metric]);
                let name = format!("{name}, {what}");
                figures.push(DialogueScores::all(all).measurement(section, name));
            }
        }
    }
    Ok(figures)
}
