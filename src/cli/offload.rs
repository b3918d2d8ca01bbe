//! `peeksim offload`: policies on the test dialogues, side by side.
//!
//! Means over dialogues; intervals are Student's t over dialogues, which were drawn one by one.
//! Differences to the first policy are taken by dialogue. Training dialogues are taken as given.

use super::dialogues::DialogueArgs;
use super::{CliError, print_note};
use crate::config::{Location, Problem, source};
use crate::core::rng::Rng;
use crate::core::units::Span;
use crate::offloading::evaluate::{DialogueResult, PolicySummary, evaluate, train};
use crate::offloading::multi_user::{self, MultiUserSpec, TurnPacing};
use crate::offloading::network_policy::NetworkPolicy;
use crate::offloading::optimum::{MAX_DECISIONS, Tree, decisions};
use crate::offloading::recorded_policy::RecordedPolicy;
use crate::offloading::{Cost, DialogueModel, OffloadPolicy, Scorer, Split, Workload, policies};
use crate::output::{atomic, packed};
use crate::report::console::align;
use crate::stats::Estimate;
use clap::Args;
use rayon::prelude::*;
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
    model: DialogueModel,
    split: Split,
    budget: Cost,
    /// Concurrent users, if there are several.
    users: Option<MultiUserSpec>,
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

pub(super) fn main(args: &OffloadArgs, out: &mut impl Write) -> Result<(), CliError> {
    let (model, split) = args.dialogues.model()?;
    let (budget, users) = (args.dialogues.budget()?, args.users()?);
    if let Some(path) = &args.export {
        export(path, &model.workload)?;
    }
    let comparison = Comparison { args, model, split, budget, users };
    let names = comparison.policies();
    let mut head = HEAD.map(str::to_owned).to_vec();
    head.push(format!("reward less {}", names[0]));
    let mut grid = vec![head];
    let mut first: Option<Vec<Option<f64>>> = None;
    for name in names {
        let results = comparison.results(&name)?;
        let missing = results.iter().filter(|result| result.is_none()).count();
        if missing > 0 {
            let all = results.len();
            print_note(&format!(
                "note: {name}: {missing} of {all} dialogues cannot keep to the budget"
            ));
        }
        let rewards: Vec<Option<f64>> =
            results.iter().map(|result| result.as_ref().map(|result| result.reward)).collect();
        let mut row = vec![name];
        row.extend(comparison.cells(&results));
        row.push(difference(&rewards, first.as_deref().unwrap_or(&rewards)));
        first.get_or_insert(rewards);
        grid.push(row);
    }
    write!(out, "{}", align(&grid))?;
    Ok(())
}

/// Writes the dialogues as a table.
fn export(path: &Path, workload: &Workload) -> Result<(), CliError> {
    super::check_compression("--export", path)?;
    let text = workload.to_csv();
    atomic::with(path, |file| {
        packed::write(path, file, |packed| packed.write_all(text.as_bytes()))
    })?;
    let turns = workload.dialogues.iter().flat_map(|dialogue| &dialogue.turns);
    let met: BTreeSet<usize> = turns.map(|turn| turn.task).collect();
    if met.len() < workload.tasks.len() {
        // Indices of tasks are coordinates of the estimator.
        print_note(&format!(
            "note: {} of {} tasks occur in {}; read back, tasks have other numbers",
            met.len(),
            workload.tasks.len(),
            path.display()
        ));
    }
    Ok(())
}

/// The policies that are compared by default, with the optimum.
const USUAL: [&str; 5] = ["local", "cloud", "random", "greedy-knn", "greedy-knn-guarded"];
/// The columns, but for the difference to the first policy.
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

/// Half of the width of the interval of a mean over dialogues.
fn half_width(values: &[f64]) -> String {
    let width = Estimate::of(values).and_then(|estimate| estimate.half_width);
    width.map_or("–".to_owned(), |width| format!("{width:.4}"))
}

/// The mean difference to another policy, taken by dialogue.
fn difference(rewards: &[Option<f64>], other: &[Option<f64>]) -> String {
    let pairs = rewards.iter().zip(other);
    let differences: Vec<f64> = pairs.filter_map(|(a, b)| Some((*a)? - (*b)?)).collect();
    let mean = Estimate::of(&differences).map(|estimate| format!("{:.4}", estimate.mean));
    mean.map_or("–".to_owned(), |mean| format!("{mean} ± {}", half_width(&differences)))
}

impl Comparison<'_> {
    /// Names of the policies.
    fn policies(&self) -> Vec<String> {
        if !self.args.policies.is_empty() {
            return self.args.policies.clone();
        }
        let mut names = USUAL.map(str::to_owned).to_vec();
        // The optimum does not know queues.
        if self.split.test.iter().any(|dialogue| decisions(&self.model, *dialogue).is_none()) {
            print_note("note: dialogues are too long, or views too many, for the row `optimum`");
        } else if self.users.is_none() {
            names.push("optimum".to_owned());
        }
        names
    }

    /// The cells of a row from the rewards to their interval: means over the dialogues that have a
    /// result, or dashes.
    fn cells(&self, results: &[Option<DialogueResult>]) -> Vec<String> {
        let all = results.len();
        let results: Vec<DialogueResult> = results.iter().flatten().cloned().collect();
        let s = PolicySummary::of(&self.model, &results, self.budget);
        let mut cells: Vec<String> = [s.reward, s.response, s.association, s.spent.latency_s]
            .map(|number| format!("{number:.4}"))
            .to_vec();
        cells.push(format!("{:.6}", s.spent.usage_usd));
        cells.extend([s.latency.rate, s.usage.rate].map(|rate| format!("{:.1} %", 100.0 * rate)));
        if results.is_empty() {
            cells.fill("–".to_owned());
        }
        let count = results.len();
        cells.push(if count == all { all.to_string() } else { format!("{count} of {all}") });
        cells.push(half_width(&results.iter().map(|result| result.reward).collect::<Vec<_>>()));
        cells
    }

    /// Results by test dialogue; `None` for a dialogue that has to keep the budget and cannot.
    fn results(&self, name: &str) -> Result<Vec<Option<DialogueResult>>, CliError> {
        let Self { args, model, split, budget, users } = self;
        let rng = Rng::new(args.dialogues.seed, 0);
        let mut policy: Box<dyn OffloadPolicy> = match name.split_once(':') {
            _ if name == "optimum" => return Ok(self.optimum()?),
            Some(("decisions", file)) => {
                let source = source::read(file)?;
                Box::new(RecordedPolicy::parse(&source, &model.workload, &split.test)?)
            }
            Some(("learned", file)) => Box::new(NetworkPolicy::load(file, model)?),
            _ => policies::build(name, model, rng)?,
        };
        let policy = policy.as_mut();
        if policy.learns() {
            train(model, &split.train, policy, *budget, args.turns, rng);
        }
        let results = match users {
            None => evaluate(model, Scorer::Estimator(model), &split.test, policy, *budget),
            Some(users) => multi_user::evaluate(
                model,
                Scorer::Estimator(model),
                &split.test,
                policy,
                *budget,
                users,
            )
            .map_err(CliError::Failed)?,
        };
        Ok(results.into_iter().map(Some).collect())
    }

    /// The best sequence of each test dialogue. Refused if a dialogue has too many: a mean over the
    /// others would be one over shorter dialogues.
    fn optimum(&self) -> Result<Vec<Option<DialogueResult>>, Problem> {
        let (model, test) = (&self.model, &self.split.test);
        let all: usize = test.iter().filter_map(|dialogue| decisions(model, *dialogue)).sum();
        if all > MAX_DECISIONS {
            let millions = all / 1_000_000;
            print_note(&format!(
                "optimum: {millions} million decisions to compare, which takes a while"
            ));
        }
        let best = |dialogue: &usize| {
            let tree = Tree::new(model, *dialogue).ok_or_else(|| {
                let turns = model.workload.dialogues[*dialogue].turns.len();
                let actions = model.actions().len();
                let found =
                    format!("`optimum` of a dialogue with {turns} turns of {actions} actions");
                let expected = format!("at most {MAX_DECISIONS} decisions to compare");
                Problem::new(Location::file("--policy"), found, expected)
            })?;
            Ok(tree.best(Some(self.budget)))
        };
        test.par_iter().map(best).collect()
    }
}
