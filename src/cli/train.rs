//! `peeksim train`: trains an agent to offload dialogues, or to schedule the runs of an experiment;
//! the same command resumes a training.

use super::dialogues::{DialogueArgs, chosen};
use super::progress::TrainingProgress;
use super::train_dialogues;
use super::training_run::{CompletedTraining, CurveLayout, TrainingRun};
use super::{CliError, ExperimentArgs};
use crate::config::{Location, Problem, source};
use crate::experiment::{self, Sweep};
use crate::offloading::Cost;
use crate::offloading::training_env::{
    BudgetDistribution, Constraint, DISTRIBUTIONS, StateTransition, TrainingPlan,
};
use crate::rl::Algorithm;
use crate::rl::checkpoint::signature;
use crate::rl::net::Mlp;
use clap::Args;
use rayon::prelude::*;
use std::io::Write;
use std::path::{Path, PathBuf};

/// Options about dialogues, which an experiment does not have.
const OF_DIALOGUES: [&str; 16] = [
    "workload",
    "dialogues",
    "costs",
    "devices",
    "device",
    "network",
    "actions",
    "metric",
    "budget",
    "evaluation",
    "folds",
    "validate",
    "transition",
    "constraint",
    "budget_distribution",
    "raw_budget",
];

/// Arguments of `train`.
#[derive(Clone, Debug, Args)]
pub(super) struct TrainArgs {
    /// Learn to schedule the runs of this experiment, drawn from all of its configurations, and not
    /// to offload dialogues. The policy is for the scheduler `tmo-rl`.
    #[arg(conflicts_with_all = OF_DIALOGUES)]
    experiment: Option<String>,
    /// Change a setting of the experiment, as `workload.requests=500`.
    #[arg(long = "set", value_name = "KEY=VALUE", requires = "experiment")]
    set: Vec<String>,
    #[command(flatten)]
    pub(super) dialogues: DialogueArgs,
    /// Utility that a US dollar is worth while learning to schedule. By default a right answer in
    /// time is worth a tenth of a cent, so that prices of the usual 1e-6 USD matter only where
    /// answers are about equally good.
    #[arg(long, default_value_t = 1000.0, requires = "experiment")]
    cost_weight: f64,
    /// Number of trainings on the same dialogues, each with its own seed from `--training-seed` on,
    /// run in parallel: in the folders `seed-1`, … of `--out`. With `--validate` the best policy is
    /// `policy.toml` of `--out`.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..=1000))]
    pub(super) seeds: u64,
    /// The seed of the first training, if it is not that of the dialogues.
    #[arg(long, value_name = "SEED")]
    training_seed: Option<u64>,
    /// Stop early, and choose among the trainings of `--seeds`, by every fourth dialogue that could
    /// be learned from; the others are learned from.
    #[arg(long)]
    pub(super) validate: bool,
    /// The learning algorithm: `a2c`, `ppo` or `dqn`.
    #[arg(long, default_value = "ppo")]
    pub(super) algorithm: String,
    /// Number of training steps, rounded up to a whole segment.
    #[arg(long, default_value_t = 30_000)]
    pub(super) steps: usize,
    /// Which action the next state follows from: that of the agent (`on-policy`), or the recorded
    /// one (`logged`, as published).
    #[arg(long, default_value = "on-policy")]
    pub(super) transition: String,
    /// How the budget is enforced while learning: `free`, `zero`, `penalty`, `mask`, `lagrangian`.
    #[arg(long, default_value = "free")]
    pub(super) constraint: String,
    /// Budgets of training episodes: `fixed` at `--budget`, `normal`, `uniform` or `extreme-aware`.
    #[arg(long, default_value = "fixed")]
    pub(super) budget_distribution: String,
    /// Show the agent the rest of the budget in seconds and dollars, as published, and not as
    /// shares.
    #[arg(long)]
    raw_budget: bool,
    /// Where to write curve.csv, its figure, policy.toml, checkpoint.toml and, with `dqn`,
    /// replay.bin, the steps it learns from.
    #[arg(long, value_name = "DIR")]
    pub(super) out: PathBuf,
}

impl TrainArgs {
    pub(super) fn plan(&self, budget: Cost) -> Result<TrainingPlan, Problem> {
        let fixed = [("fixed", BudgetDistribution::Fixed(budget))];
        let draws = [&fixed, &DISTRIBUTIONS[..]].concat();
        Ok(TrainingPlan {
            transition: chosen("transition", &self.transition, &StateTransition::ALL)?,
            constraint: chosen("constraint", &self.constraint, &Constraint::ALL)?,
            draw: chosen("budget-distribution", &self.budget_distribution, &draws)?,
            raw_budget: self.raw_budget,
        })
    }

    /// The seed and the folder of each training.
    pub(super) fn trainings(&self) -> Vec<(u64, PathBuf)> {
        let first = self.training_seed.unwrap_or(self.dialogues.seed);
        if self.seeds == 1 {
            return vec![(first, self.out.clone())];
        }
        let seeds = first..first.saturating_add(self.seeds);
        seeds.map(|seed| (seed, self.out.join(format!("seed-{seed}")))).collect()
    }
}

pub(super) fn main(args: &TrainArgs, out: &mut impl Write) -> Result<(), CliError> {
    match &args.experiment {
        Some(experiment) => schedule(args, experiment, out),
        None => train_dialogues::main(args, out),
    }
}

fn schedule(args: &TrainArgs, experiment: &str, out: &mut impl Write) -> Result<(), CliError> {
    // The schedulers of the experiment do not matter here; `--set` may change what the agent knows.
    let mut set = vec!["scheduler=tmo-rl".to_owned()];
    set.extend(args.set.iter().cloned());
    let sweep = ExperimentArgs { set, ..ExperimentArgs::named(experiment) }.load()?;
    if !(0.0..=1e9).contains(&args.cost_weight) {
        let found = format!("`{}`", args.cost_weight);
        let expected = "utility per US dollar, from 0 to 1e9";
        return Err(Problem::new(Location::file("--cost-weight"), found, expected).into());
    }
    let algorithm = chosen("algorithm", &args.algorithm, &Algorithm::ALL)?;
    let trainings = args.trainings();
    let progress = TrainingProgress::new(args.steps.saturating_mul(trainings.len()));
    let train = |(seed, folder): &(u64, PathBuf)| {
        schedule_once(args, &sweep, (algorithm, *seed), folder, &progress)
    };
    let lines: Vec<_> = trainings.par_iter().map(train).collect();
    progress.end();
    for ((seed, _), line) in trainings.iter().zip(lines) {
        if args.seeds > 1 {
            write!(out, "seed {seed}: ")?;
        }
        writeln!(out, "{}", line?)?;
    }
    Ok(())
}

/// A training on the runs of an experiment; returns what came of it, in a line.
fn schedule_once(
    args: &TrainArgs,
    sweep: &Sweep,
    (algorithm, seed): (Algorithm, u64),
    folder: &Path,
    progress: &TrainingProgress,
) -> Result<String, CliError> {
    let mut env = experiment::SchedulingEnvironment::new(sweep, args.cost_weight)?;
    let hashes: Vec<&str> =
        (0..sweep.points.len()).map(|configuration| sweep.config_hash(configuration)).collect();
    let settings = signature([
        ("algorithm", args.algorithm.clone()),
        ("runs", source::hash(&hashes.concat())),
        ("seed", seed.to_string()),
        ("total", args.steps.to_string()),
        ("usd_weight", args.cost_weight.to_string()),
    ]);
    let utility = |network: &Mlp| experiment::utility(sweep, network).map_err(CliError::Failed);
    let layout = CurveLayout {
        columns: vec!["steps", "reward_train_mean", "reward_test_mean"],
        labels: vec!["while learning", "test"],
        note: NOTE.to_owned(),
    };
    let run = TrainingRun {
        algorithm,
        steps: args.steps,
        seed,
        folder,
        policy: env.catalogue(),
        env: &mut env,
        settings,
        layout: &layout,
        test: &|network| Ok(vec![Some(utility(network)?)]),
        best: None,
        progress,
    };
    let CompletedTraining { agent, steps } = run.complete()?;
    let utility = utility(&agent.network)?;
    let algorithm = algorithm.name();
    Ok(format!("{algorithm} after {steps} steps: mean utility of test runs {utility:.4}"))
}

/// The note of a learning curve.
const NOTE: &str = "While learning: mean of a step, explored actions and constraints included. \
                    Test: the best action only, on test data.";
