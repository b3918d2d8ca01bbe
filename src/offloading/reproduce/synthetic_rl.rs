//! The published sweep over synthetic shapes with its learners: five methods, on training dialogues
//! as published (`compat`), and on others (`held out`).
//!
//! Workloads, splits and trainings are random draws of this program. Figures are means over seeds,
//! each with its own workload.

use super::synthetic_totals::SHAPES;
use super::{PolicyCache, ReproductionConfig, ReproductionError, SEED, mean};
use crate::core::rng::Rng;
use crate::offloading::evaluate::{PolicySummary, Totals, evaluate};
use crate::offloading::generate::synthetic;
use crate::offloading::network_policy::NetworkPolicy;
use crate::offloading::training_env::TrainingPlan;
use crate::offloading::{Cost, Costs, DialogueModel, ModelParams, OffloadPolicy, policies};
use crate::report::reproduction::Measurement;
use crate::rl::Algorithm;
use rayon::prelude::*;
use std::sync::Arc;

/// Three random policies, and the agents.
const METHODS: [&str; 5] = ["local", "cloud", "random", "A2C", "RC-A2C"];
/// Tests on training dialogues and on others.
const SECTIONS: [&str; 2] = ["sweep, compat", "sweep, held out"];
/// Metrics with their units.
const METRICS: [&str; 9] = [
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

/// Each of [`METRICS`].
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
            _ => policies::build(method, &model, rng)?,
        };
        Ok([&train[..config.scored.min(train.len())], &held_out].map(|dialogues| {
            let budget = Cost::PUBLISHED;
            let results = evaluate(&model, dialogues, policy.as_mut(), budget);
            figures(&model, &PolicySummary::of(&model, &results, budget, Totals::Window))
        }))
    };
    methods.map(method).collect()
}

pub(super) fn measure(
    config: &ReproductionConfig,
    cache: &PolicyCache<'_>,
) -> Result<Vec<Measurement>, ReproductionError> {
    let seeds = config.seeds.max(1);
    cache.progress.start(2 * SHAPES.len() * config.seeds, 0);
    let jobs: Vec<_> = (0..SHAPES.len() * seeds)
        .into_par_iter()
        .map(|job| workload(job / seeds, job % seeds, config, cache))
        .collect::<Result<_, _>>()?;
    let mut measured = Vec::new();
    for (how, section) in SECTIONS.into_iter().enumerate() {
        for (at, workloads) in jobs.chunks(seeds).enumerate() {
            for method in 0..workloads[0].len() {
                for (what, title) in METRICS.into_iter().enumerate() {
                    let values: Vec<f64> =
                        workloads.iter().map(|methods| methods[method][how][what]).collect();
                    let name = format!("{}, {}, {title}", SHAPES[at].0, METHODS[method]);
                    let figure = Measurement::new(section, name, mean(&values));
                    measured.push(figure.with_interval(&values));
                }
            }
        }
    }
    Ok(measured)
}
