//! The published sweep over synthetic shapes with its learners: each of five methods beside its
//! published row, on dialogues that were learned from, as published (`compat`), and on dialogues
//! that were not (`held out`).
//!
//! Workloads, splits and trainings are draws of ours, so nothing is demanded. Figures are means
//! over seeds, each with its own workload; shares of calls are those of the published counts.

use super::synthetic_totals::SHAPES;
use super::{Check, PolicyCache, ReproductionConfig, ReproductionError, SEED, mean};
use crate::core::rng::Rng;
use crate::offloading::evaluate::{PolicySummary, Totals, evaluate};
use crate::offloading::generate::synthetic;
use crate::offloading::network_policy::NetworkPolicy;
use crate::offloading::training_env::TrainingPlan;
use crate::offloading::{Cost, Costs, DialogueModel, ModelParams, OffloadPolicy, policy};
use crate::rl::Algorithm;
use rayon::prelude::*;
use std::sync::Arc;

/// The methods: three that toss coins, and the agents.
const METHODS: [&str; 5] = ["local", "cloud", "random", "A2C", "RC-A2C"];
/// How dialogues are tested on.
const SECTIONS: [&str; 2] = ["sweep, compat", "sweep, held out"];
/// What is compared, with its unit.
const WHAT: [&str; 9] = [
    "response",
    "reward",
    "s",
    "USD",
    "s over budget if any",
    "USD over budget if any",
    "share of local calls",
    "share of calls with text only",
    "share of calls with views",
];

/// Published figures, by shape and method, as [`WHAT`].
#[rustfmt::skip]
const PUBLISHED: [[[f64; 9]; 5]; 7] = [
    [
        [0.69, 0.69, 0.06, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0],
        [1.35, 1.16, 13.76, 0.03253, 0.0, 0.00149, 0.0, 0.1247, 0.8753],
        [0.97, 0.88, 6.96, 0.01638, 0.0, 0.00124, 0.498, 0.0613, 0.4408],
        [1.57, 1.28, 21.0, 0.05183, 0.0, 0.00433, 0.0, 0.0, 1.0],
        [1.15, 1.04, 7.5, 0.01583, 0.0, 0.0, 0.0, 0.3333, 0.6667],
    ],
    [
        [0.71, 0.71, 0.02, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0],
        [1.15, 0.95, 3.99, 0.00898, 0.0, 0.0, 0.0, 0.2525, 0.7475],
        [0.91, 0.81, 2.03, 0.00453, 0.0, 0.0, 0.4954, 0.1255, 0.3791],
        [1.16, 1.0, 3.0, 0.00633, 0.0, 0.0, 0.0, 0.3333, 0.6666],
        [1.16, 1.01, 2.75, 0.00566, 0.0, 0.0, 0.0, 0.418, 0.582],
    ],
    [
        [0.7, 0.7, 0.05, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0],
        [1.39, 1.21, 14.01, 0.03403, 0.0, 0.00481, 0.0, 0.0628, 0.9372],
        [1.0, 0.91, 7.09, 0.01717, 0.0, 0.0044, 0.4966, 0.0302, 0.4732],
        [1.72, 1.41, 24.5, 0.062, 0.0, 0.012, 0.0, 0.0, 1.0],
        [1.34, 1.18, 12.0, 0.02867, 0.0, 0.0, 0.0, 0.0, 1.0],
    ],
    [
        [0.7, 0.7, 0.07, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0],
        [1.54, 1.36, 30.01, 0.07502, 4.09, 0.02545, 0.0, 0.016, 0.984],
        [1.08, 0.99, 15.1, 0.03767, 2.84, 0.01039, 0.499, 0.0078, 0.4932],
        [1.84, 1.55, 48.91, 0.12543, 18.91, 0.07543, 0.0, 0.0, 1.0],
        [1.06, 0.98, 12.0, 0.027, 0.0, 0.0, 0.0, 0.0, 1.0],
    ],
    [
        [0.68, 0.68, 0.03, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0],
        [1.66, 1.48, 23.98, 0.06145, 2.48, 0.01501, 0.0, 0.001, 0.999],
        [1.14, 1.05, 12.1, 0.03096, 2.32, 0.01207, 0.4971, 0.0006, 0.5023],
        [1.93, 1.69, 34.5, 0.0895, 4.5, 0.0395, 0.0, 0.0, 1.0],
        [1.71, 1.54, 22.59, 0.05775, 0.0, 0.0, 0.0, 0.0, 1.0],
    ],
    [
        [0.71, 0.71, 0.03, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0],
        [1.23, 1.04, 8.24, 0.01948, 0.0, 0.0, 0.0, 0.125, 0.875],
        [0.95, 0.85, 4.17, 0.00981, 0.0, 0.0, 0.4971, 0.062, 0.4409],
        [1.42, 1.15, 12.0, 0.0295, 0.0, 0.0, 0.0, 0.0, 1.0],
        [1.18, 1.02, 6.5, 0.01483, 0.0, 0.0, 0.0, 0.4444, 0.5556],
    ],
    [
        [0.71, 0.71, 0.07, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0],
        [1.5, 1.31, 16.5, 0.03901, 0.0, 0.00341, 0.0, 0.1248, 0.8752],
        [1.04, 0.94, 8.32, 0.0196, 0.0, 0.00227, 0.4988, 0.0621, 0.4392],
        [1.61, 1.38, 22.38, 0.05469, 0.0, 0.009, 0.0, 0.0701, 0.9299],
        [0.99, 0.94, 3.0, 0.003, 0.0, 0.0, 0.0, 1.0, 0.0],
    ],
];

/// The same of ours.
fn figures(model: &DialogueModel, summary: &PolicySummary) -> [f64; 9] {
    let calls = summary.actions.iter().sum::<u64>().max(1) as f64;
    let share = |of: &dyn Fn(usize) -> bool| {
        let taken = summary.actions.iter().enumerate().filter(|(action, _)| of(*action));
        taken.map(|(_, count)| *count as f64).sum::<f64>() / calls
    };
    let uploaded = |action| model.actions().uploaded(action);
    [
        summary.response,
        summary.reward,
        summary.spent.latency_s,
        summary.spent.usage_usd,
        summary.latency.mean_over,
        summary.usage.mean_over,
        share(&|action| action == 0),
        share(&|action| action > 0 && uploaded(action) == 0),
        share(&|action| uploaded(action) > 0),
    ]
}

/// One workload of a shape: every method, tested in both ways.
fn workload(
    at: usize,
    seed: usize,
    config: &ReproductionConfig,
    cache: &PolicyCache<'_>,
) -> Result<Vec<[[f64; 9]; 2]>, ReproductionError> {
    let (name, shape) = SHAPES[at];
    let rng = Rng::new(SEED, 10_000 + (100 * seed + at) as u64);
    let all = synthetic(shape, config.dialogues + config.scored, rng);
    let train: Vec<usize> = (0..config.dialogues).collect();
    let held_out: Vec<usize> = (config.dialogues..all.dialogues.len()).collect();
    let params = ModelParams::new(Costs::synthetic(shape.views));
    let model = DialogueModel::new(Arc::new(all), &train, params)?;
    let methods = METHODS.into_iter().take(if config.seeds == 0 { 3 } else { METHODS.len() });
    let method = |method: &str| -> Result<[[f64; 9]; 2], ReproductionError> {
        let mut policy: Box<dyn OffloadPolicy> = match method {
            "A2C" | "RC-A2C" => {
                let plan = TrainingPlan::published(method == "RC-A2C");
                let file = format!("sweep {name} {method} {}", seed + 1);
                let file = file.to_lowercase().replace(' ', "-");
                let how = (Algorithm::A2c, plan);
                Box::new(NetworkPolicy::new(
                    cache.network(&file, &model, &train, how, seed as u64)?,
                    plan,
                ))
            }
            _ => policy::build(method, &model, rng)?,
        };
        Ok([&train[..config.scored.min(train.len())], &held_out].map(|dialogues| {
            let budget = Cost::PUBLISHED;
            let results = evaluate(&model, dialogues, policy.as_mut(), budget);
            figures(&model, &PolicySummary::of(&model, &results, budget, Totals::Window))
        }))
    };
    methods.map(method).collect()
}

pub(super) fn lines(
    config: &ReproductionConfig,
    cache: &PolicyCache<'_>,
) -> Result<Vec<Check>, ReproductionError> {
    let seeds = config.seeds.max(1);
    cache.progress.start(2 * SHAPES.len() * config.seeds, 0);
    let jobs: Vec<_> = (0..SHAPES.len() * seeds)
        .into_par_iter()
        .map(|job| workload(job / seeds, job % seeds, config, cache))
        .collect::<Result<_, _>>()?;
    let mut lines = Vec::new();
    for (how, section) in SECTIONS.into_iter().enumerate() {
        for (at, workloads) in jobs.chunks(seeds).enumerate() {
            for method in 0..workloads[0].len() {
                for (what, title) in WHAT.into_iter().enumerate() {
                    let values: Vec<f64> =
                        workloads.iter().map(|methods| methods[method][how][what]).collect();
                    let name = format!("{}, {}, {title}", SHAPES[at].0, METHODS[method]);
                    let target = Some(PUBLISHED[at][method][what]);
                    let line = Check::reported(section, name, mean(&values), target);
                    lines.push(line.with_interval(&values));
                }
            }
        }
    }
    Ok(lines)
}
