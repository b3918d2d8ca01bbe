//! `peeksim offload`: policies on the test dialogues, side by side.
//!
//! Means over dialogues; intervals are Student's t over dialogues, which were drawn one by one.
//! Differences to the first policy are taken dialogue by dialogue. The dialogues to learn from
//! count as given.

use super::dialogues::DialogueArgs;
use super::{CliError, print_note};
use crate::config::{Location, Problem, source};
use crate::core::rng::Rng;
use crate::core::units::Span;
use crate::offloading::evaluate::{DialogueResult, PolicySummary, Totals, evaluate, train};
use crate::offloading::multi_user::{self, MultiUserSpec, TurnPacing};
use crate::offloading::network_policy::NetworkPolicy;
use crate::offloading::optimum::{MAX_DECISIONS, Tree, decisions};
use crate::offloading::recorded_policy::RecordedPolicy;
use crate::offloading::{Cost, DialogueModel, OffloadPolicy, Split, policies};
use crate::report::console::align;
use crate::stats::Estimate;
use clap::Args;
use rayon::prelude::*;
use std::io::Write;

/// Arguments of `offload`.
#[derive(Debug, Args)]
pub(super) struct OffloadArgs {
    #[command(flatten)]
    dialogues: DialogueArgs,
    /// A policy of `peeksim list`; `decisions:FILE` for a table of decisions, `learned:FILE` for
    /// what `train` wrote, `optimum` for the best sequence within the budget. Can be repeated.
    #[arg(long = "policy", value_name = "NAME")]
    policies: Vec<String>,
    /// So many users at once on one device and one cloud, whose turns wait for each other; without
    /// it one dialogue at a time.
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    users: Option<u32>,
    /// Seconds from an answer to the user's next turn.
    #[arg(long, default_value_t = 0.0, requires = "users", conflicts_with = "interarrival_s")]
    think_s: f64,
    /// Seconds from a user's turn to the next, answered or not.
    #[arg(long, requires = "users")]
    interarrival_s: Option<f64>,
    /// Calls that the cloud can answer at once.
    #[arg(long, default_value_t = 1024, requires = "users")]
    #[arg(value_parser = clap::value_parser!(u16).range(1..=1024))]
    cloud_lanes: u16,
    /// Policies are not told how long the lines are, as if every call began at once.
    #[arg(long, requires = "users")]
    no_queue_info: bool,
    /// How many turns a policy learns on first, if it does.
    #[arg(long, default_value_t = 30_000)]
    turns: usize,
}

impl OffloadArgs {
    /// Who talks at once, if several do.
    fn spec(&self) -> Result<Option<MultiUserSpec>, Problem> {
        let Some(users) = self.users else { return Ok(None) };
        let (option, seconds) = match self.interarrival_s {
            Some(gap) => ("--interarrival-s", gap),
            None => ("--think-s", self.think_s),
        };
        if !(0.0..=1e6).contains(&seconds) {
            let found = format!("`{seconds}`");
            return Err(Problem::new(Location::file(option), found, "seconds from 0 to 1e6"));
        }
        let span = Span::from_s(seconds);
        let pacing = if self.interarrival_s.is_some() {
            TurnPacing::Open(span)
        } else {
            TurnPacing::Closed(span)
        };
        Ok(Some(MultiUserSpec {
            users,
            pacing,
            cloud_lanes: self.cloud_lanes,
            no_queue_info: self.no_queue_info,
        }))
    }
}

pub(super) fn main(args: &OffloadArgs, out: &mut impl Write) -> Result<(), CliError> {
    let (model, split) = args.dialogues.model()?;
    let budget = args.dialogues.budget()?;
    let spec = args.spec()?;
    let mut names = args.policies.clone();
    if names.is_empty() {
        names = USUAL.map(str::to_owned).to_vec();
        // The optimum knows no queue.
        if split.test.iter().any(|dialogue| decisions(&model, *dialogue).is_none()) {
            print_note("note: dialogues are too long, or views too many, for the row `optimum`");
        } else if spec.is_none() {
            names.push("optimum".to_owned());
        }
    }
    let mut grid: Vec<Vec<String>> = Vec::new();
    let mut first: Option<(String, Vec<Option<f64>>)> = None;
    for name in names {
        let results = results(args, &name, (&model, &split), budget, spec)?;
        let missing = results.iter().filter(|result| result.is_none()).count();
        if missing > 0 {
            let all = results.len();
            print_note(&format!(
                "note: {name}: {missing} of {all} dialogues cannot keep to the budget"
            ));
        }
        let rewards: Vec<Option<f64>> =
            results.iter().map(|result| result.as_ref().map(|result| result.reward)).collect();
        let results: Vec<DialogueResult> = results.into_iter().flatten().collect();
        let mut row = vec![name.clone()];
        row.extend(figures(
            &PolicySummary::of(&model, &results, budget, Totals::All),
            results.len(),
        ));
        row.push(covered(results.len(), rewards.len()));
        row.push(half_width(&rewards.iter().flatten().copied().collect::<Vec<_>>()));
        let (_, first) = first.get_or_insert_with(|| (name, rewards.clone()));
        row.push(less(&rewards, first));
        grid.push(row);
    }
    let first = first.map_or(String::new(), |(name, _)| name);
    let mut head = HEAD.map(str::to_owned).to_vec();
    head.push(format!("reward less {first}"));
    grid.insert(0, head);
    write!(out, "{}", align(&grid))?;
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

/// Means over some dialogues, a dash where there are none.
fn figures(summary: &PolicySummary, dialogues: usize) -> Vec<String> {
    let s = summary;
    let mut cells: Vec<String> = [s.reward, s.response, s.association, s.spent.latency_s]
        .map(|number| format!("{number:.4}"))
        .to_vec();
    cells.push(format!("{:.6}", s.spent.usage_usd));
    cells.extend([s.latency.rate, s.usage.rate].map(|rate| format!("{:.1} %", 100.0 * rate)));
    if dialogues == 0 { vec!["–".to_owned(); cells.len()] } else { cells }
}

/// How many of the test dialogues a row is about.
fn covered(dialogues: usize, all: usize) -> String {
    if dialogues == all { all.to_string() } else { format!("{dialogues} of {all}") }
}

/// Half of the width of the interval of a mean over dialogues.
fn half_width(values: &[f64]) -> String {
    let width = Estimate::of(values).and_then(|estimate| estimate.half_width);
    width.map_or("–".to_owned(), |width| format!("{width:.4}"))
}

/// The mean difference to another policy, dialogue by dialogue.
fn less(rewards: &[Option<f64>], other: &[Option<f64>]) -> String {
    let pairs = rewards.iter().zip(other);
    let differences: Vec<f64> = pairs.filter_map(|(a, b)| Some((*a)? - (*b)?)).collect();
    let mean = Estimate::of(&differences).map(|estimate| format!("{:.4}", estimate.mean));
    mean.map_or("–".to_owned(), |mean| format!("{mean} ± {}", half_width(&differences)))
}

/// A policy's results of the test dialogues, in order; nothing for a dialogue that must keep to the
/// budget and cannot.
fn results(
    args: &OffloadArgs,
    name: &str,
    (model, split): (&DialogueModel, &Split),
    budget: Cost,
    spec: Option<MultiUserSpec>,
) -> Result<Vec<Option<DialogueResult>>, CliError> {
    let rng = Rng::new(args.dialogues.seed, 0);
    let mut policy: Box<dyn OffloadPolicy> = match name.split_once(':') {
        _ if name == "optimum" => return Ok(optimum(model, split, budget)?),
        Some(("decisions", file)) => {
            let source = source::read(file)?;
            Box::new(RecordedPolicy::parse(&source, &model.workload, &split.test)?)
        }
        Some(("learned", file)) => Box::new(NetworkPolicy::load(file, model)?),
        _ => policies::build(name, model, rng)?,
    };
    if policies::find(name).is_some_and(|entry| entry.learns) {
        train(model, &split.train, policy.as_mut(), budget, args.turns, rng);
    }
    let results = match spec {
        None => evaluate(model, &split.test, policy.as_mut(), budget),
        Some(spec) => multi_user::evaluate(model, &split.test, policy.as_mut(), budget, spec)
            .map_err(CliError::Failed)?,
    };
    Ok(results.into_iter().map(Some).collect())
}

/// The best sequence for each test dialogue. Refused where there are too many to look at: a mean
/// over the others would be one over shorter dialogues.
fn optimum(
    model: &DialogueModel,
    split: &Split,
    budget: Cost,
) -> Result<Vec<Option<DialogueResult>>, Problem> {
    let all: usize = split.test.iter().filter_map(|dialogue| decisions(model, *dialogue)).sum();
    if all > MAX_DECISIONS {
        let millions = all / 1_000_000;
        print_note(&format!(
            "optimum: {millions} million decisions to compare, which takes a while"
        ));
    }
    let best = |dialogue: &usize| {
        let tree = Tree::new(model, *dialogue).ok_or_else(|| {
            let turns = model.workload.dialogues[*dialogue].turns.len();
            let found = format!(
                "`optimum` of a dialogue with {turns} turns of {} actions",
                model.actions().len()
            );
            let expected = format!("at most {MAX_DECISIONS} decisions to compare");
            Problem::new(Location::file("--policy"), found, expected)
        })?;
        Ok(tree.best(Some(budget)))
    };
    split.test.par_iter().map(best).collect()
}
