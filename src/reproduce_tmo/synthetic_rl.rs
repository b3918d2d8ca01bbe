//! The published sweep over synthetic shapes with its learners: five methods, on training dialogues
//! as published (`compat`), and on others (`held out`).
//!
//! Workloads, splits and trainings are random draws of this program. Figures are means over seeds,
//! each with its own workload.

use super::synthetic_totals::SHAPES;
use super::{PolicyCache, ReproductionConfig, ReproductionError, SEED, TrainingSpec, mean};
use crate::core::rng::Rng;
use crate::offloading::evaluate::{PolicySummary, evaluate};
use crate::offloading::generate::synthetic;
use crate::offloading::network_policy::NetworkPolicy;
use crate::offloading::training_env::TrainingPlan;
use crate::offloading::{Cost, Costs, DialogueModel, ModelParams, OffloadPolicy, Scorer, policies};
use crate::report::reproduction::Measurement;
use crate::rl::Algorithm;
use rayon::prelude::*;
use std::sync::Arc;

/// Three random policies, and the agents.
const METHODS: [&str; 5] = ["local", "cloud", "random", "A2C", "RC-A2C"];
/// Number of methods that need no training.
const UNTRAINED: usize = 3;
/// Tests on training dialogues and on others.
const SECTIONS: [&str; 2] = ["sweep, compat", "sweep, held out"];

/// A metric, with its unit.
type Metric = (&'static str, fn(&DialogueModel, &PolicySummary) -> f64);

const METRICS: [Metric; 9] = [
    ("response", |_, s| s.response),
    ("reward", |_, s| s.reward),
    ("s", |_, s| s.spent.latency_s),
    ("USD", |_, s| s.spent.usage_usd),
    ("s over budget if any", |_, s| s.latency.mean_over),
    ("USD over budget if any", |_, s| s.usage.mean_over),
    ("share of local calls", |model, s| share_of_calls(model, s, |kind| kind == 0)),
    ("share of calls with text only", |model, s| share_of_calls(model, s, |kind| kind == 1)),
    ("share of calls with views", |model, s| share_of_calls(model, s, |kind| kind > 1)),
];

/// The share of calls of some kinds.
fn share_of_calls(model: &DialogueModel, summary: &PolicySummary, of: fn(usize) -> bool) -> f64 {
    let calls = summary.actions.iter().sum::<u64>().max(1) as f64;
    let actions = summary.actions.iter().enumerate();
    let taken = actions.filter(|(action, _)| of(model.actions().call_kind(*action)));
    taken.map(|(_, count)| *count as f64).sum::<f64>() / calls
}

/// One workload of a shape: the metrics of every method in each section.
fn workload(
    at: usize,
    seed: usize,
    config: &ReproductionConfig,
    cache: &PolicyCache<'_>,
) -> Result<Vec<[[f64; METRICS.len()]; 2]>, ReproductionError> {
    let (name, shape) = SHAPES[at];
    let rng = Rng::new(SEED, 10_000 + (100 * seed + at) as u64);
    let all = synthetic(shape, config.dialogues + config.scored, rng);
    let train: Vec<usize> = (0..config.dialogues).collect();
    let held_out: Vec<usize> = (config.dialogues..all.dialogues.len()).collect();
    let params = ModelParams::new(Costs::synthetic(shape.views)?);
    let model = DialogueModel::new(Arc::new(all), &train, params)?;
    let tests = [&train[..config.scored.min(train.len())], &held_out];
    let methods = METHODS.into_iter().take(if config.seeds == 0 { UNTRAINED } else { 5 });
    let method = |method: &str| -> Result<[[f64; METRICS.len()]; 2], ReproductionError> {
        let mut policy: Box<dyn OffloadPolicy> = match method {
            "A2C" | "RC-A2C" => {
                let plan = TrainingPlan::published(method == "RC-A2C");
                let file = format!("sweep {name} {method} {}", seed + 1);
                let file = file.to_lowercase().replace(' ', "-");
                let (algorithm, seed) = (Algorithm::A2c, seed as u64);
                let spec = TrainingSpec { file, algorithm, plan, seed };
                Box::new(NetworkPolicy::new(cache.network(&spec, &model, &train)?, plan))
            }
            _ => policies::build(method, &model, rng)?,
        };
        Ok(tests.map(|dialogues| {
            let budget = Cost::PUBLISHED;
            let results =
                evaluate(&model, Scorer::Estimator(&model), dialogues, policy.as_mut(), budget)
                    .into_iter();
            let results: Vec<_> = results.map(|result| result.windowed(&model)).collect();
            let summary = PolicySummary::of(&model, &results, budget);
            METRICS.map(|(_, of)| of(&model, &summary))
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
    for (test, section) in SECTIONS.into_iter().enumerate() {
        for (at, workloads) in jobs.chunks(seeds).enumerate() {
            for method in 0..workloads[0].len() {
                for (metric, (title, _)) in METRICS.into_iter().enumerate() {
                    let values: Vec<f64> =
                        workloads.iter().map(|methods| methods[method][test][metric]).collect();
                    let name = format!("{}, {}, {title}", SHAPES[at].0, METHODS[method]);
                    let figure = Measurement::new(section, name, mean(&values));
                    measured.push(figure.with_interval(&values));
                }
            }
        }
    }
    Ok(measured)
}
