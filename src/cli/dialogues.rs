//! Options that `train` and `offload` share: a workload, costs, and folds.

use super::{CliError, unknown, wrong};
use crate::config::{Location, Problem, Problems};
use crate::core::rng::Rng;
use crate::offloading::cost_file::PUBLISHED;
use crate::offloading::dialogue_source::{CostModel, CostSource, DialogueSource};
use crate::offloading::estimator::Metric;
use crate::offloading::folds::{FOLDS, MAX_FOLDS};
use crate::offloading::{
    ActionList, Cost, Evaluation, FoldModels, FoldPlan, ModelParams, Workload,
};
use clap::Args;
use std::sync::Arc;

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

/// Problems with dialogues, by the option that names them.
fn as_workload(problems: &Problems) -> Problems {
    let renamed = problems.iter().cloned().map(|mut problem| {
        if problem.place.file == "dialogues" {
            "--workload".clone_into(&mut problem.place.file);
        }
        problem
    });
    let mut all = Problems::default();
    renamed.for_each(|problem| all.push(problem));
    all
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
    /// Time and cost of calls; without `--devices`, `sweep:X,Y,T` has its own.
    /// `paper`: the tables and formulas of the devices file, as published; `observed`: mean times
    /// and costs in the workload; `physical`: as `paper`, local calls by operations per token.
    #[arg(long, default_value = "paper")]
    costs: String,
    /// A file of devices, networks and prices; by default the published ones,
    /// `profiles/offloading.toml`.
    #[arg(long, value_name = "FILE")]
    devices: Option<String>,
    /// A device of that file; by default the published `Jetson TX2`, of an own file the first.
    #[arg(long, value_name = "NAME")]
    device: Option<String>,
    /// A network of that file; by default the published `Wired`, of an own file the first.
    #[arg(long, value_name = "NAME")]
    network: Option<String>,
    /// The actions that policies choose among, as `local,cloud,cloud+0+1`; by default all sets of
    /// up to 12 views.
    #[arg(long, value_name = "LIST")]
    actions: Option<String>,
    /// The distance of two turns in the estimator: `euclidean` as published, `manhattan`, or
    /// `hamming`.
    #[arg(long, default_value = "euclidean")]
    metric: String,
    /// The budget of a dialogue: seconds and US dollars.
    #[arg(long, default_value = "30,0.05", value_name = "S,USD")]
    budget: String,
    /// Who scores answers: `cross-fitted` (the default), an estimator of dialogues that
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
    /// The dialogues of each fold, with their costs and estimators; one fold with `self`.
    pub(super) fn models(&self) -> Result<Vec<FoldModels>, CliError> {
        let plan = self.fold_plan()?;
        let (workload, params) = self.workload()?;
        let as_option = |mut problem: Problem| {
            problem.place.file.insert_str(0, "--");
            problem
        };
        let folds = plan.tests(&workload, Rng::new(self.seed, 0), 0).map_err(as_option)?;
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

    /// The dialogues, and what all policies share.
    pub(super) fn workload(&self) -> Result<(Arc<Workload>, ModelParams), CliError> {
        let list = |text: &String| ActionList::split(text, Location::file("--actions"));
        let list = self.actions.as_ref().map(list);
        let count = self.dialogues as usize;
        let source = DialogueSource::parse(&self.workload, count, list.as_ref());
        let source = source.map_err(|problems| as_workload(&problems))?;
        let workload = source.workload(Rng::new(self.seed, 0));
        enough("--workload", &workload)?;
        let costs = CostSource {
            model: chosen("costs", &self.costs, &CostModel::ALL)?,
            file: self.devices.clone(),
            device: self.device.clone(),
            network: self.network.clone(),
        };
        let costs = costs.costs(&source, &workload)?;
        let metric = chosen("metric", &self.metric, &Metric::ALL)?;
        Ok((workload, ModelParams { metric, ..ModelParams::new(costs) }))
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
        let Self { workload, dialogues, costs, metric, budget, .. } = self;
        let [device, network] = [&self.device, &self.network].map(Option::as_deref);
        let own = self.devices.as_deref();
        let or = |published| if own.is_some() { "first" } else { published };
        let device = device.unwrap_or_else(|| or(PUBLISHED[0]));
        let network = network.unwrap_or_else(|| or(PUBLISHED[1]));
        let mut text =
            format!("{workload}, {dialogues}, {costs}, {device}, {network}, {metric}, {budget}");
        for (what, given) in [("devices", own), ("actions", self.actions.as_deref())] {
            given.iter().for_each(|given| text.push_str(&format!(", {what} {given}")));
        }
        text
    }
}
