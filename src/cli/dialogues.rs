//! Options that `train` and `offload` share: a workload, costs, and folds.

use super::{CliError, unknown, wrong};
use crate::config::Problem;
use crate::core::rng::Rng;
use crate::offloading::cost::{Costs, DEVICES, NETWORKS};
use crate::offloading::estimator::Metric;
use crate::offloading::folds::{FOLDS, MAX_FOLDS};
use crate::offloading::generate::{SyntheticShape, like_m4a1, synthetic};
use crate::offloading::{
    Cost, DialogueModel, Evaluation, FoldModels, FoldPlan, ModelParams, Split, TEST_SHARE,
    Workload, import,
};
use clap::{Args, ValueEnum};
use std::sync::Arc;

/// Largest number of turns of a synthetic workload.
const MAX_TURNS: usize = 5_000_000;

/// Time and cost of calls.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum CostModel {
    /// The published constants.
    Paper,
    /// Mean times and costs in the workload.
    Observed,
    /// The published constants, local calls by operations per token.
    Physical,
}

/// One of `known`, by the name that the option `--what` gives.
pub(super) fn chosen<T: Copy>(what: &str, name: &str, known: &[(&str, T)]) -> Result<T, Problem> {
    let found = known.iter().find(|(known, _)| *known == name).map(|(_, value)| *value);
    let names = known.iter().map(|(name, _)| *name);
    found.ok_or_else(|| unknown(&format!("--{what}"), what, name, names))
}

/// Refuses a workload without test dialogues.
pub(super) fn enough(option: &str, workload: &Workload) -> Result<(), Problem> {
    let count = workload.dialogues.len();
    if count > 1 {
        return Ok(());
    }
    let expected = "two or more, some to learn from and others to test on";
    Err(wrong(option, format!("{count} dialogue"), expected))
}

/// Dialogues and costs of their calls.
#[derive(Clone, Debug, Args)]
pub(super) struct DialogueArgs {
    /// Dialogues: a file, `m4a1-like` for synthetic ones with the statistics of M4A1, or
    /// `sweep:X,Y,T` for the published synthetic ones of X views, Y tasks, T turns.
    #[arg(long, default_value = "m4a1-like")]
    workload: String,
    /// Number of synthetic dialogues.
    #[arg(long, default_value_t = 100)]
    #[arg(value_parser = clap::value_parser!(u64).range(1..=1_000_000))]
    dialogues: u64,
    /// The seed of synthetic dialogues, of the split, and of all other draws.
    #[arg(long, default_value_t = 1)]
    pub(super) seed: u64,
    /// Time and cost of calls; `sweep:X,Y,T` has its own.
    #[arg(long, value_enum, default_value_t = CostModel::Paper)]
    costs: CostModel,
    /// A device of the published table.
    #[arg(long, default_value = "Jetson TX2")]
    device: String,
    /// A network of the published table.
    #[arg(long, default_value = "Wired")]
    network: String,
    /// The distance of two turns in the estimator: `euclidean` as published, `manhattan`, or
    /// `hamming`.
    #[arg(long, default_value = "euclidean")]
    metric: String,
    /// The budget of a dialogue: seconds and US dollars.
    #[arg(long, default_value = "30,0.05", value_name = "S,USD")]
    budget: String,
    /// Who scores answers: `cross-fitted` (the default of `train`), an estimator of dialogues that
    /// are neither learned from nor tested; `self`, the estimator that is learned from, as
    /// published; `true`, the law that generated the dialogues.
    #[arg(long)]
    evaluation: Option<String>,
    /// Number of folds that the dialogues are dealt out to, each tested once; 5 by default, none
    /// with `--evaluation self`.
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..=MAX_FOLDS as i64))]
    folds: Option<u16>,
}

impl DialogueArgs {
    /// The dialogues with their costs and estimator, and the published split for training and
    /// testing.
    pub(super) fn model(&self) -> Result<(DialogueModel, Split), CliError> {
        let evaluation = self.evaluation()?;
        if self.evaluation.is_some() && evaluation != Evaluation::OwnEstimator {
            let found = format!("`{}`", evaluation.name());
            return Err(wrong("--evaluation", found, "`self`, the only one of this command").into());
        }
        if let Some(folds) = self.folds {
            let expected = "no folds: this command has one split";
            return Err(wrong("--folds", folds.to_string(), expected).into());
        }
        let (workload, params, rng) = self.data()?;
        let split = workload.split(rng, TEST_SHARE);
        let model = DialogueModel::new(workload, &split.train, params)?;
        Ok((model, split))
    }

    /// The dialogues of each fold, with their costs and estimators; one fold with `self`.
    pub(super) fn models(&self) -> Result<Vec<FoldModels>, CliError> {
        let plan = self.fold_plan()?;
        let (workload, params, rng) = self.data()?;
        let as_option = |mut problem: Problem| {
            problem.place.file.insert_str(0, "--");
            problem
        };
        let folds = plan.tests(&workload, rng, 0).map_err(as_option)?;
        let fit = |fold| FoldModels::new(&workload, fold, plan.evaluation, &params);
        Ok(folds.into_iter().map(fit).collect::<Result<_, Problem>>()?)
    }

    /// How the dialogues are dealt out.
    fn fold_plan(&self) -> Result<FoldPlan, Problem> {
        let evaluation = self.evaluation()?;
        if let Some(folds) = self.folds
            && evaluation == Evaluation::OwnEstimator
        {
            let expected = "`--evaluation cross-fitted` or `true`; `self` has one split, no folds";
            return Err(wrong("--folds", folds.to_string(), expected));
        }
        let folds = self.folds.map_or(FOLDS, usize::from);
        Ok(FoldPlan { folds, ..FoldPlan::new(evaluation) })
    }

    /// Who scores.
    pub(super) fn evaluation(&self) -> Result<Evaluation, Problem> {
        let name = self.evaluation.as_deref();
        name.map_or(Ok(Evaluation::default()), |name| chosen("evaluation", name, &Evaluation::ALL))
    }

    /// The dialogues, the parameters of their models, and the draws of folds.
    fn data(&self) -> Result<(Arc<Workload>, ModelParams, Rng), CliError> {
        let rng = Rng::new(self.seed, 0);
        let count = self.dialogues as usize;
        let (workload, own) = if self.workload == "m4a1-like" {
            (like_m4a1(count, rng), None)
        } else if let Some(shape) = self.workload.strip_prefix("sweep:") {
            let expected = "X,Y,T with 0 to 12 views, 1 to 100 tasks, 1 to 1000 turns";
            let shape = SyntheticShape::parse(shape)
                .ok_or_else(|| wrong("--workload", format!("`{shape}`"), expected))?;
            if shape.turns.saturating_mul(count) > MAX_TURNS {
                let found = format!("{count} dialogues of {} turns", shape.turns);
                let expected = format!("at most {MAX_TURNS} turns in all");
                return Err(wrong("--dialogues", found, expected).into());
            }
            (synthetic(shape, count, rng), Some(Costs::synthetic(shape.views)))
        } else {
            (import::load(&self.workload)?, None)
        };
        let costs = own.map_or_else(|| self.costs(&workload), Ok)?;
        enough("--workload", &workload)?;
        let metric = chosen("metric", &self.metric, &Metric::ALL)?;
        let params = ModelParams { metric, ..ModelParams::new(costs) };
        Ok((Arc::new(workload), params, rng))
    }

    fn costs(&self, workload: &Workload) -> Result<Costs, Problem> {
        let device = chosen("device", &self.device, &DEVICES.map(|d| (d.name, d)))?;
        let network = chosen("network", &self.network, &NETWORKS.map(|n| (n.name, n)))?;
        match self.costs {
            CostModel::Paper => Ok(Costs::paper(device, network)),
            CostModel::Physical => Ok(Costs::physical(device, network)),
            CostModel::Observed => Costs::observed(workload),
        }
    }

    /// The budget of a dialogue.
    pub(super) fn budget(&self) -> Result<Cost, Problem> {
        let number = |text: &str| text.trim().parse().ok().filter(|n: &f64| *n > 0.0 && *n < 1e15);
        let parts = self.budget.split_once(',');
        let parts = parts.and_then(|(s, usd)| Some((number(s)?, number(usd)?)));
        let expected = "seconds and US dollars above 0, as in `30,0.05`";
        let (latency_s, usage_usd) =
            parts.ok_or_else(|| wrong("--budget", format!("`{}`", self.budget), expected))?;
        Ok(Cost { latency_s, usage_usd })
    }

    /// How answers are scored, which a resumed training must have.
    pub(super) fn scoring_summary(&self) -> Result<String, Problem> {
        let FoldPlan { evaluation, folds, .. } = self.fold_plan()?;
        Ok(match evaluation {
            Evaluation::OwnEstimator => evaluation.name().to_owned(),
            _ => format!("{}, {folds} folds", evaluation.name()),
        })
    }

    /// All of the arguments about dialogues, costs and the budget, which a resumed training must
    /// have.
    pub(super) fn summary(&self) -> String {
        let Self { workload, dialogues, costs, device, network, metric, budget, .. } = self;
        format!("{workload}, {dialogues}, {costs:?}, {device}, {network}, {metric}, {budget}")
    }
}
