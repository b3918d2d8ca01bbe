//! `peeksim offload`: policies on the test dialogues, side by side.
//!
//! Means over dialogues; intervals are Student's t over dialogues, which were drawn one by one.
//! Differences to the first policy are taken by dialogue. Training dialogues are taken as given.

use super::dialogues::DialogueArgs;
use super::{CliError, Output};
use crate::config::{Location, Problem};
use crate::core::rng::{Label, Rng};
use crate::core::units::Span;
use crate::metrics::DIALOGUE_COLUMNS;
use crate::offloading::agent_cache::AgentCache;
use crate::offloading::dialogue_row::{NUMBERS, Numbers, means, numbers};
use crate::offloading::multi_user::{MultiUserSpec, TurnPacing};
use crate::offloading::optimum::decisions;
use crate::offloading::policy_spec::{PolicySpec, PolicyTest};
use crate::offloading::{Cost, FoldModels, Scorer, Workload};
use crate::output::{atomic, packed};
use crate::report::console::align;
use crate::stats::Estimate;
use clap::Args;
use serde_json::{Map, Value};
use std::collections::BTreeSet;
use std::io::Write;
use std::path::{Path, PathBuf};

/// Arguments of `offload`.
#[derive(Debug, Args)]
pub(super) struct OffloadArgs {
    #[command(flatten)]
    dialogues: DialogueArgs,
    /// A policy of `peeksim list`; `decisions:FILE` for a table of decisions, `learned:FILE` for
    /// what `train` wrote, `optimum` for the best sequence within the budget. Can be repeated.
    #[arg(long = "policy", value_name = "NAME")]
    policies: Vec<String>,
    /// Number of concurrent users on one device and one cloud, whose turns wait in queues; without
    /// it one dialogue at a time.
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    users: Option<u32>,
    /// Seconds from an answer to the user's next turn.
    #[arg(long, default_value_t = 0.0, requires = "users", conflicts_with = "interarrival_s")]
    think_s: f64,
    /// Seconds from a user's turn to the next, answered or not.
    #[arg(long, requires = "users")]
    interarrival_s: Option<f64>,
    /// Number of calls that the cloud serves concurrently.
    #[arg(long, default_value_t = 1024, requires = "users")]
    #[arg(value_parser = clap::value_parser!(u16).range(1..=1024))]
    cloud_lanes: u16,
    /// Policies are told waiting times of 0, as if every call began immediately.
    #[arg(long, requires = "users")]
    no_queue_info: bool,
    /// Write the dialogues that are used, as a table that `--workload` reads.
    #[arg(long, value_name = "FILE")]
    export: Option<PathBuf>,
    /// Number of training turns of policies that learn.
    #[arg(long, default_value_t = 30_000)]
    turns: usize,
}

/// What all policies are compared on.
struct Comparison<'a> {
    args: &'a OffloadArgs,
    /// The tests, one for each fold.
    folds: Vec<FoldModels>,
    budget: Cost,
    /// Concurrent users, if there are several.
    users: Option<MultiUserSpec>,
    agents: AgentCache,
}

impl OffloadArgs {
    /// The concurrent users, if there are several.
    fn users(&self) -> Result<Option<MultiUserSpec>, Problem> {
        let Some(users) = self.users else { return Ok(None) };
        let (option, seconds, pacing): (_, _, fn(Span) -> TurnPacing) = match self.interarrival_s {
            Some(gap) => ("--interarrival-s", gap, TurnPacing::Open),
            None => ("--think-s", self.think_s, TurnPacing::Closed),
        };
        if !(0.0..=1e6).contains(&seconds) {
            let found = format!("`{seconds}`");
            return Err(Problem::new(Location::file(option), found, "seconds from 0 to 1e6"));
        }
        let queue_info = !self.no_queue_info;
        let spec = MultiUserSpec::new(users, pacing(Span::from_s(seconds)), self.cloud_lanes);
        Ok(Some(MultiUserSpec { queue_info, ..spec }))
    }
}

pub(super) fn main(args: &OffloadArgs, out: &mut Output) -> Result<(), CliError> {
    let (budget, users) = (args.dialogues.budget()?, args.users()?);
    if let Some(path) = &args.export {
        export(path, &args.dialogues.workload()?.0, out)?;
    }
    let folds = args.dialogues.models()?;
    let comparison = Comparison { args, folds, budget, users, agents: AgentCache::default() };
    let names = comparison.policies(out);
    let scored_by = args.dialogues.evaluation()?.name();
    let mut head = HEAD.map(str::to_owned).to_vec();
    head.extend([format!("reward less {}", names[0]), "scored by".to_owned()]);
    let mut grid = vec![head];
    let mut first: Option<Vec<Option<f64>>> = None;
    for name in names {
        let tested = comparison.test(&name)?;
        let missing = tested.iter().filter(|numbers| numbers[INFEASIBLE] == Some(1.0)).count();
        if missing > 0 {
            let all = tested.len();
            out.note(format!("{name}: {missing} of {all} dialogues cannot keep to the budget"));
        }
        let rewards: Vec<Option<f64>> = tested.iter().map(|numbers| numbers[0]).collect();
        if out.is_json() {
            out.push("policies", json(&name, &tested, first.as_deref().unwrap_or(&rewards)));
        }
        let mut row = vec![name];
        row.extend(cells(&tested));
        row.push(difference(&rewards, first.as_deref().unwrap_or(&rewards)));
        row.push(scored_by.to_owned());
        first.get_or_insert(rewards);
        grid.push(row);
    }
    write!(out, "{}", align(&grid))?;
    Ok(())
}

/// Writes the dialogues as a table.
fn export(path: &Path, workload: &Workload, out: &mut Output) -> Result<(), CliError> {
    super::check_compression("--export", path)?;
    let text = workload.to_csv();
    atomic::with(path, |file| {
        packed::write(path, file, |packed| packed.write_all(text.as_bytes()))
    })?;
    let turns = workload.dialogues.iter().flat_map(|dialogue| &dialogue.turns);
    let met: BTreeSet<usize> = turns.map(|turn| turn.task).collect();
    out.push("written", path.to_string_lossy());
    if met.len() < workload.tasks.len() {
        // Indices of tasks are coordinates of the estimator.
        out.note(format!(
            "{} of {} tasks occur in {}; read back, tasks have other numbers",
            met.len(),
            workload.tasks.len(),
            path.display()
        ));
    }
    Ok(())
}

/// The policies that are compared by default, with the optimum.
const USUAL: [&str; 6] =
    ["local", "cloud", "random", "greedy-knn", "greedy-knn-guarded", "tmo-rl-plus"];
/// The columns, but for the difference to the first policy and who scored.
const HEAD: [&str; 10] = [
    "policy",
    "reward",
    "response",
    "association",
    "s",
    "USD",
    "over time budget",
    "over usage budget",
    "dialogues",
    "reward ± 95 %",
];
/// Shows a number.
type Show = fn(f64) -> String;

/// Columns of a dialogue and how they are shown, in the order of [`HEAD`].
const SHOWN: [(&str, Show); 7] = [
    ("reward_mean", |value| format!("{value:.4}")),
    ("response_mean", |value| format!("{value:.4}")),
    ("association_mean", |value| format!("{value:.4}")),
    ("latency_s_mean", |value| format!("{value:.4}")),
    ("usage_usd_mean", |value| format!("{value:.6}")),
    ("over_latency_ratio", |value| format!("{:.1} %", 100.0 * value)),
    ("over_usage_ratio", |value| format!("{:.1} %", 100.0 * value)),
];
/// The place of the column that says whether a dialogue cannot keep the budget.
const INFEASIBLE: usize = NUMBERS - 1;

/// Half of the width of the interval of a mean over dialogues.
fn half_width(values: &[f64]) -> String {
    let width = Estimate::of(values).and_then(|estimate| estimate.half_width);
    width.map_or("–".to_owned(), |width| format!("{width:.4}"))
}

/// The differences to another policy, by dialogue.
fn differences(rewards: &[Option<f64>], other: &[Option<f64>]) -> Vec<f64> {
    let pairs = rewards.iter().zip(other);
    pairs.filter_map(|(a, b)| Some((*a)? - (*b)?)).collect()
}

/// A row as JSON: the columns of an offloading study, and the interval of the reward and of its
/// difference to the first policy.
fn json(name: &str, tested: &[Numbers], first: &[Option<f64>]) -> Value {
    let columns = DIALOGUE_COLUMNS.iter().zip(means(tested));
    let mut row: Map<String, Value> =
        columns.map(|(column, mean)| (column.name.to_owned(), mean.into())).collect();
    let rewards: Vec<Option<f64>> = tested.iter().map(|numbers| numbers[0]).collect();
    let known: Vec<f64> = rewards.iter().copied().flatten().collect();
    let width = |values: &[f64]| Estimate::of(values).and_then(|estimate| estimate.half_width);
    let differences = differences(&rewards, first);
    row.extend([
        ("policy".to_owned(), name.into()),
        ("dialogues".to_owned(), tested.len().into()),
        ("answered".to_owned(), known.len().into()),
        ("reward_mean_ci95".to_owned(), width(&known).into()),
        ("difference".to_owned(), Estimate::of(&differences).map(|own| own.mean).into()),
        ("difference_ci95".to_owned(), width(&differences).into()),
    ]);
    row.into()
}

/// The mean difference to another policy, taken by dialogue.
fn difference(rewards: &[Option<f64>], other: &[Option<f64>]) -> String {
    let differences = differences(rewards, other);
    let mean = Estimate::of(&differences).map(|estimate| format!("{:.4}", estimate.mean));
    mean.map_or("–".to_owned(), |mean| format!("{mean} ± {}", half_width(&differences)))
}

/// The cells of a row from the reward to its interval: means over the dialogues that
/// have a result, or dashes.
fn cells(tested: &[Numbers]) -> Vec<String> {
    let means = means(tested);
    let place = |name: &str| DIALOGUE_COLUMNS.iter().position(|column| column.name == name);
    let cell = |(name, show): (&str, Show)| {
        let mean = place(name).and_then(|place| means[place]);
        mean.map_or("–".to_owned(), show)
    };
    let mut cells: Vec<String> = SHOWN.into_iter().map(cell).collect();
    let rewards: Vec<f64> = tested.iter().filter_map(|numbers| numbers[0]).collect();
    let (count, all) = (rewards.len(), tested.len());
    cells.push(if count == all { all.to_string() } else { format!("{count} of {all}") });
    cells.push(half_width(&rewards));
    cells
}

impl Comparison<'_> {
    /// Names of the policies.
    fn policies(&self, out: &mut Output) -> Vec<String> {
        if !self.args.policies.is_empty() {
            return self.args.policies.clone();
        }
        let mut names = USUAL.map(str::to_owned).to_vec();
        let too_many = |fold: &FoldModels| {
            fold.fold.test.iter().any(|dialogue| decisions(&fold.model, *dialogue).is_none())
        };
        let is_true = |fold: &FoldModels| matches!(fold.scorer(), Scorer::True(_));
        if self.folds.iter().any(too_many) {
            out.note("dialogues are too long, or views too many, for the row `optimum`");
        } else if self.users.is_none() && !self.folds.iter().any(is_true) {
            // The optimum knows neither queues nor the law of generated dialogues.
            names.push("optimum".to_owned());
        }
        names
    }

    /// By dialogue: the numbers of a policy, means over its trainings. A trained network is tested
    /// on the folds whose training dialogues it learned from, of which there must be one.
    fn test(&self, name: &str) -> Result<Vec<Numbers>, CliError> {
        let mut spec = PolicySpec::parse(name)?;
        if let PolicySpec::Listed(_, turns) = &mut spec
            && *turns > 0
        {
            *turns = self.args.turns;
        }
        let rng = Rng::new(self.args.dialogues.seed, 0);
        let count = self.folds.first().map_or(0, |fold| fold.model.workload.dialogues.len());
        let mut tested: Vec<Vec<Numbers>> = vec![Vec::new(); count];
        let mut refused = None;
        for (at, models) in self.folds.iter().enumerate() {
            let users = self.users.as_ref();
            let (budget, agents) = (self.budget, &self.agents);
            let training_seed = rng.keyed(Label::Policy, u64::MAX, at as u64);
            let test = PolicyTest { models, budget, users, rng, training_seed, agents };
            let outcome = match spec.test(&test) {
                Err(problems) if matches!(spec, PolicySpec::Learned(_)) => {
                    refused.get_or_insert(problems);
                    continue;
                }
                outcome => outcome?,
            };
            let workload = &models.model.workload;
            for (training, results) in outcome.trainings.iter().enumerate() {
                if outcome.chosen.is_some_and(|chosen| chosen != training) {
                    continue;
                }
                for (dialogue, result) in models.fold.test.iter().zip(results) {
                    let turns = workload.dialogues[*dialogue].turns.len();
                    let own = numbers(result.as_ref(), turns, budget, &workload.actions);
                    tested[*dialogue].push(own);
                }
            }
        }
        if let Some(problems) = refused.filter(|_| tested.iter().all(Vec::is_empty)) {
            return Err(problems.into());
        }
        // Of `self` most dialogues are not tested.
        let is_tested = |at: &usize| self.folds.iter().any(|fold| fold.fold.test.contains(at));
        let none = [None; NUMBERS];
        let one = |own: &Vec<Numbers>| if own.is_empty() { none } else { means(own) };
        Ok((0..count).filter(is_tested).map(|at| one(&tested[at])).collect())
    }
}
