//! The reproduction of TMO: what `peeksim reproduce tmo` measures.
//!
//! Targets stand in `experiments/tmo/targets.csv`: constants of the authors' code, their published
//! sweep, figures measured by running that code on the data set M4A1, and claims of this project.
//! Exact values of closed forms are computed. Without the data set, its figures are not measured.

mod devices;
mod dialogue_scores;
mod independent;
mod learners;
mod optimum_bounds;
mod policy_cache;
mod published_constants;
mod splits;
mod synthetic_rl;
mod synthetic_totals;

use crate::config::{Problem, Problems};
use crate::offloading::{Cost, Workload};
use crate::output::atomic::WriteError;
use crate::report::figure::{Chart, ChartKind, Series};
use crate::report::reproduction::{Check, Measurement, Targets, check_report};
use std::sync::Arc;

pub use policy_cache::PolicyCache;
use policy_cache::TrainingSpec;

/// A reproduction that could not be carried out.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReproductionError {
    /// Something is wrong with the inputs.
    #[error(transparent)]
    Input(#[from] Problems),
    /// A network could not be kept.
    #[error(transparent)]
    Write(#[from] WriteError),
}

/// Sizes of the measurements.
#[derive(Clone, Debug)]
pub struct ReproductionConfig {
    /// Number of dialogues of each synthetic workload.
    pub dialogues: usize,
    /// Number of synthetic dialogues that policies are tested on.
    pub scored: usize,
    /// Number of random splits of the data set.
    pub splits: usize,
    /// Number of splits for which the optimum is computed.
    pub bounds: usize,
    /// Number of splits on which agents are trained.
    pub trained: usize,
    /// Trainings of each agent on each of these splits, and synthetic workloads of each shape.
    pub seeds: usize,
    /// Steps of a training.
    pub steps: usize,
    /// Number of splits of the data set on the folds of which agents are trained and cross-fitted.
    pub crossed: usize,
    /// Number of generated data sets.
    pub sets: usize,
}

impl From<Problem> for ReproductionError {
    fn from(problem: Problem) -> Self {
        Self::Input(problem.into())
    }
}

impl ReproductionConfig {
    /// An hour and a half of processor time, nearly all of it training.
    pub const FULL: Self = Self {
        dialogues: 10_000,
        scored: 1_000,
        splits: 200,
        bounds: 200,
        trained: 20,
        seeds: 3,
        steps: 30_000,
        crossed: 4,
        sets: 40,
    };
    /// A few seconds, with wider tolerances and without training.
    pub const QUICK: Self = Self {
        dialogues: 2_000,
        scored: 100,
        splits: 40,
        bounds: 3,
        trained: 0,
        seeds: 0,
        steps: 0,
        crossed: 0,
        sets: 4,
    };
}

/// The data file of targets.
const TARGETS: &str = "experiments/tmo/targets.csv";
/// Sections that need the data set.
const ON_DATA: [&str; 4] = ["splits", "splits, lowest index", "bounds", "learners"];
/// Root of all random numbers of the reproduction.
const SEED: u64 = 20_250_511;
/// Budgets of a dialogue, from loose to tight, for which the bounds were measured.
const BUDGETS: [Cost; 5] = [
    Cost::PUBLISHED,
    Cost { latency_s: 20.0, usage_usd: 0.03 },
    Cost { latency_s: 15.0, usage_usd: 0.02 },
    Cost { latency_s: 10.0, usage_usd: 0.01 },
    Cost { latency_s: 7.0, usage_usd: 0.007 },
];

/// What a reproduction writes.
#[derive(Clone, Debug, Default)]
pub struct Artifacts {
    /// Every figure with its target, in order.
    pub checks: Vec<Check>,
    /// Plots by name.
    pub plots: Vec<(&'static str, Chart)>,
}

/// Measured figures and plots.
#[derive(Default)]
struct Measured {
    figures: Vec<Measurement>,
    plots: Vec<(&'static str, Chart)>,
}

/// Measures every figure and checks it against its target. `data` is the data set M4A1, if it is
/// available.
///
/// # Errors
/// Says what is wrong with the inputs, or why a network could not be written.
pub fn reproduce(
    data: Option<&Arc<Workload>>,
    config: &ReproductionConfig,
    cache: &PolicyCache<'_>,
) -> Result<Artifacts, ReproductionError> {
    let targets = Targets::load(TARGETS)?;
    let mut measured = Measured { figures: published_constants::measure()?, plots: Vec::new() };
    measured.figures.extend(synthetic_totals::measure(config)?);
    measured.figures.extend(synthetic_rl::measure(config, cache)?);
    measured.figures.extend(independent::generated(config)?);
    if let Some(data) = data {
        measured.figures.extend(splits::measure(data, config)?);
        let bounds = optimum_bounds::search(data, config)?;
        measured.figures.extend(optimum_bounds::measure(&bounds));
        devices::measure(data, config, &mut measured)?;
        measured.figures.extend(independent::cross_fitted(data, config, cache.progress)?);
        learners::measure(data, config, cache, &bounds, &mut measured)?;
    }
    let mut checks = targets.check(&measured.figures);
    if data.is_none() {
        checks.extend(ON_DATA.iter().flat_map(|section| targets.unmeasured(section)));
    }
    Ok(Artifacts { checks, plots: measured.plots })
}

/// `REPORT.md`.
pub fn report(artifacts: &Artifacts) -> String {
    let plots: Vec<&str> = artifacts.plots.iter().map(|(name, _)| *name).collect();
    check_report("TMO, reproduced", INTRODUCTION, &artifacts.checks, &plots)
}

const INTRODUCTION: &str = "\
`tmo.csv` has targets and tolerances.

On M4A1, a figure is the mean of each dialogue over the splits that test it and the trainings there,
then the mean over dialogues. Intervals are over dialogues, since splits share them. They take the
estimators as given: with a hundred other training dialogues, figures would move by more. In the
synthetic sweep intervals are over independent workloads.

In all sections but `cross-fitted` and `generated`, rewards are scored by the estimator by which
planners choose and from which agents learn, as published, so gains are overstated. `cross-fitted`
has the same policies scored by dialogues that neither taught nor are tested; `generated` adds the
law by which dialogues were generated.";

/// A budget in words.
fn title(budget: Cost) -> String {
    format!("{} s and {} USD", budget.latency_s, budget.usage_usd)
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len().max(1) as f64
}

/// Mean rewards as lines over `x`, a label and whether its axis is logarithmic.
pub fn reward_chart(
    title: &str,
    note: String,
    (x, x_log): (&str, bool),
    series: Vec<Series>,
) -> Chart {
    Chart {
        kind: ChartKind::Lines,
        title: title.to_owned(),
        note,
        x_label: x.to_owned(),
        y_label: "mean reward".to_owned(),
        x_log,
        y_log: false,
        y_range: None,
        hulls: Vec::new(),
        series,
    }
}
