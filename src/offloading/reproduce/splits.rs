//! Policies that need no training, over random splits of M4A1, against as many splits of the
//! authors' environment.

use super::dialogue_scores::{DialogueScores, each};
use super::{Check, ReproductionConfig, SEED};
use crate::config::Problem;
use crate::core::rng::Rng;
use crate::offloading::cost::{DEVICES, NETWORKS};
use crate::offloading::estimator::NeighbourTies;
use crate::offloading::evaluate::{PolicySummary, evaluate};
use crate::offloading::{Cost, Costs, DialogueModel, ModelParams, Split, Workload, policy};
use rayon::prelude::*;
use std::sync::Arc;

/// A figure over 200 splits of the reference: mean and standard deviation between splits.
pub(super) type Reference = (f64, f64);

/// A policy with its reference figures, the first of [`METRICS`].
pub(super) type Row = (&'static str, &'static [Reference]);

/// What is compared, with its unit, and where it is found.
pub(super) type Metric = (&'static str, fn(&PolicySummary) -> f64);

pub(super) const METRICS: [Metric; 7] = [
    ("response", |s| s.response),
    ("reward", |s| s.reward),
    ("association", |s| s.association),
    ("s", |s| s.spent.latency_s),
    ("USD", |s| s.spent.usage_usd),
    ("share over the time budget", |s| s.latency.rate),
    ("share over the usage budget", |s| s.usage.rate),
];
/// Splits of the reference.
const REFERENCE_SPLITS: f64 = 200.0;
/// Half a unit of the last digit of reference figures.
const PRINTED: f64 = 5e-6;

/// Which of [`ROWS`] decides nothing: what another policy is told apart from.
const NULL: usize = 1;

/// Where ties are shared.
#[rustfmt::skip]
pub(super) const ROWS: [Row; 9] = [
    ("random", &[(0.962, 0.08007), (0.81857, 0.07399), (0.15519, 0.02545), (10.28642, 1.43228),
        (0.01263, 0.00199), (0.00275, 0.01143), (0.0, 0.0)]),
    ("local", &[(0.83064, 0.08104), (0.83064, 0.08104), (0.0, 0.0), (0.04045, 0.00271),
        (0.0, 0.0), (0.0, 0.0), (0.0, 0.0)]),
    ("cloud", &[(1.17395, 0.08739), (0.8882, 0.08755), (0.31254, 0.02209), (20.55619, 1.44342),
        (0.0255, 0.00245), (0.076, 0.06056), (0.01725, 0.02948)]),
    ("uniform", &[(1.10805, 0.08082), (0.8551, 0.07749), (0.27546, 0.02397), (18.19488, 1.54288),
        (0.02246, 0.00237), (0.03875, 0.04411), (0.00825, 0.01861)]),
    ("always:cloud+0", &[(1.16234, 0.07605), (0.92863, 0.07587), (0.21562, 0.00349),
        (16.85157, 1.12903), (0.0177, 0.00119), (0.0, 0.0), (0.0, 0.0)]),
    ("always:cloud+0+1", &[(1.2716, 0.10444), (0.96806, 0.10435), (0.42083, 0.00556),
        (22.10506, 1.48101), (0.03345, 0.00224), (0.24825, 0.08831), (0.0, 0.0)]),
    ("always:cloud+0+1+2", &[(1.1716, 0.07536), (0.83826, 0.07536), (0.62438, 0.00812),
        (24.71143, 1.65563), (0.04842, 0.00324), (0.24825, 0.08831), (0.4855, 0.10699)]),
    ("greedy-knn", &[(1.4942, 0.12162), (1.28084, 0.11678), (0.26248, 0.02835),
        (14.70967, 1.18293), (0.02038, 0.00231), (0.0005, 0.00499), (0.0005, 0.00499)]),
    ("greedy-knn-association", &[(1.49828, 0.12407), (1.28775, 0.11822), (0.25815, 0.02744),
        (14.52146, 1.20432), (0.01994, 0.00229), (0.0005, 0.00499), (0.0005, 0.00499)]),
];

/// The same where ties go to the points that come first: response and reward only.
const LOWEST: [Row; 4] = [
    ("local", &[(0.82893, 0.08587), (0.82893, 0.08587)]),
    ("always:cloud+0", &[(1.10065, 0.08148), (0.86695, 0.0813)]),
    ("always:cloud+0+1", &[(1.26252, 0.10982), (0.95898, 0.10973)]),
    ("greedy-knn", &[(1.5065, 0.12162), (1.29621, 0.11813)]),
];

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

pub(super) fn lines(
    data: Option<&Arc<Workload>>,
    config: &ReproductionConfig,
) -> Result<Vec<Check>, Problem> {
    let mut lines = compare("splits", &ROWS, NeighbourTies::Shared, data, config)?;
    lines.extend(compare(
        "splits, lowest index",
        &LOWEST,
        NeighbourTies::LowestIndex,
        data,
        config,
    )?);
    Ok(lines)
}

/// Means over splits of some policies beside the reference's.
fn compare(
    section: &'static str,
    rows: &[Row],
    ties: NeighbourTies,
    data: Option<&Arc<Workload>>,
    config: &ReproductionConfig,
) -> Result<Vec<Check>, Problem> {
    let Some(data) = data else {
        let missing = |(name, reference): &Row| {
            let lines = METRICS.iter().zip(*reference).map(|((what, _), (target, _))| {
                Check::missing(section, format!("{name}, {what}"), Some(*target))
            });
            lines.collect::<Vec<_>>()
        };
        return Ok(rows.iter().flat_map(missing).collect());
    };
    let by_split: Vec<Vec<Vec<DialogueScores>>> = (0..config.splits)
        .into_par_iter()
        .map(|at| {
            let split = data.split(split_rng(at));
            let model = model(data, &split, ties)?;
            rows.iter().map(|(name, _)| scores(&model, &split, name, at)).collect()
        })
        .collect::<Result<_, _>>()?;
    let mut lines = Vec::new();
    for (row, (name, reference)) in rows.iter().enumerate() {
        for (at, ((what, _), (target, spread))) in METRICS.iter().zip(*reference).enumerate() {
            let scores = DialogueScores::all(by_split.iter().map(|split| split[row][at].clone()));
            // Both sides are means over random splits, each with its own spread.
            let variance = spread * spread / REFERENCE_SPLITS + scores.variance_between_splits();
            let tolerance = 4.0 * libm::sqrt(variance) + PRINTED;
            let title = format!("{name}, {what}");
            let mut line = Check::near(section, title, scores.mean(), *target, tolerance);
            if *name != ROWS[NULL].0 {
                line = line.against(null(at));
            }
            lines.push(line.with_interval(&scores.by_dialogue()));
        }
    }
    Ok(lines)
}

/// What this metric is where everything is answered locally.
pub(super) fn null(metric: usize) -> f64 {
    ROWS[NULL].1[metric].0
}

/// Each of [`METRICS`] of a policy on a split.
fn scores(
    model: &DialogueModel,
    split: &Split,
    name: &str,
    at: usize,
) -> Result<Vec<DialogueScores>, Problem> {
    let mut policy = policy::build(name, model, split_rng(at))?;
    let budget = Cost::PUBLISHED;
    let results = evaluate(model, &split.test, policy.as_mut(), budget);
    let of =
        |(_, of): Metric| DialogueScores::new(at, &split.test, &each(model, &results, budget, of));
    Ok(METRICS.into_iter().map(of).collect())
}
