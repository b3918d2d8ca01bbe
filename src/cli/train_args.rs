//! Arguments of `train`.

use super::dialogues::{DialogueArgs, chosen};
use crate::config::Problem;
use crate::offloading::Cost;
use crate::offloading::training_env::{
    BudgetDistribution, Constraint, DISTRIBUTIONS, StateTransition, TrainingPlan,
};
use clap::Args;
use std::path::PathBuf;

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
    pub(super) experiment: Option<String>,
    /// Change a setting of the experiment, as `workload.requests=500`.
    #[arg(long = "set", value_name = "KEY=VALUE", requires = "experiment")]
    pub(super) set: Vec<String>,
    #[command(flatten)]
    pub(super) dialogues: DialogueArgs,
    /// Utility that a US dollar is worth while learning to schedule. By default a right answer in
    /// time is worth a tenth of a cent, so that prices of the usual 1e-6 USD matter only where
    /// answers are about equally good.
    #[arg(long, default_value_t = 1000.0, requires = "experiment")]
    pub(super) cost_weight: f64,
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
