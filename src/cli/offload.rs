//! `peeksim offload`: policies on the test dialogues, side by side.

use super::Failure;
use super::dialogues::DialogueArgs;
use crate::input::{Place, Problem, source};
use crate::report::table::align;
use crate::rng::Rng;
use crate::tmo::decisions::Decisions;
use crate::tmo::evaluate::{Summary, Totals, Visit, evaluate, train};
use crate::tmo::learned::Learned;
use crate::tmo::optimum::Tree;
use crate::tmo::traffic::{self, Pace, Traffic};
use crate::tmo::{Policy, Resources, Split, World, policy};
use crate::units::Span;
use clap::Args;
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
    /// A user's next turn comes so many seconds after the answer to the one before.
    #[arg(long, default_value_t = 0.0, requires = "users", conflicts_with = "gap_s")]
    think_s: f64,
    /// A user's next turn comes so many seconds after the one before, answered or not.
    #[arg(long, requires = "users")]
    gap_s: Option<f64>,
    /// Calls that the cloud can answer at once.
    #[arg(long, default_value_t = 1024, requires = "users")]
    #[arg(value_parser = clap::value_parser!(u16).range(1..=1024))]
    cloud_lanes: u16,
    /// Policies are not told how long the lines are, as if every call began at once.
    #[arg(long, requires = "users")]
    hide_waits: bool,
    /// How many turns a policy learns on first, if it does.
    #[arg(long, default_value_t = 30_000)]
    turns: usize,
}

impl OffloadArgs {
    /// Who talks at once, if several do.
    fn traffic(&self) -> Result<Option<Traffic>, Problem> {
        let Some(users) = self.users else { return Ok(None) };
        let (option, seconds) = match self.gap_s {
            Some(gap) => ("--gap-s", gap),
            None => ("--think-s", self.think_s),
        };
        if !(0.0..=1e6).contains(&seconds) {
            let found = format!("`{seconds}`");
            return Err(Problem::new(Place::file(option), found, "seconds from 0 to 1e6"));
        }
        let span = Span::from_s(seconds);
        let pace = if self.gap_s.is_some() { Pace::Open(span) } else { Pace::Closed(span) };
        Ok(Some(Traffic {
            users,
            pace,
            cloud_lanes: self.cloud_lanes,
            hide_waits: self.hide_waits,
        }))
    }
}

pub(super) fn main(args: &OffloadArgs, out: &mut impl Write) -> Result<(), Failure> {
    let (world, split) = args.dialogues.world()?;
    let budget = args.dialogues.budget()?;
    let traffic = args.traffic()?;
    let all = ["local", "cloud", "random", "greedy-knn", "greedy-knn-guarded", "optimum"];
    let names = if args.policies.is_empty() {
        // The optimum knows no queue.
        let all = &all[..all.len() - usize::from(traffic.is_some())];
        all.iter().map(|name| (*name).to_owned()).collect()
    } else {
        args.policies.clone()
    };
    let head = [
        "policy",
        "reward",
        "response",
        "association",
        "s",
        "USD",
        "over time budget",
        "over usage budget",
    ];
    let mut grid = vec![head.map(str::to_owned).to_vec()];
    for name in names {
        let visits = visits(args, &name, (&world, &split), budget, traffic)?;
        let s = Summary::of(&world, &visits, budget, Totals::All);
        let mut row = vec![name];
        let numbers = [s.reward, s.response, s.association, s.spent.latency_s];
        row.extend(numbers.map(|number| format!("{number:.4}")));
        row.push(format!("{:.6}", s.spent.usage_usd));
        row.extend([s.latency.rate, s.usage.rate].map(|rate| format!("{:.1} %", 100.0 * rate)));
        grid.push(row);
    }
    write!(out, "{}", align(&grid))?;
    Ok(())
}

fn visits(
    args: &OffloadArgs,
    name: &str,
    (world, split): (&World, &Split),
    budget: Resources,
    traffic: Option<Traffic>,
) -> Result<Vec<Visit>, Failure> {
    let rng = Rng::new(args.dialogues.seed, 0);
    let mut policy: Box<dyn Policy> = match name.split_once(':') {
        _ if name == "optimum" => {
            let best = |d: &usize| Tree::new(world, *d)?.best(Some(budget));
            return Ok(split.test.iter().filter_map(best).collect());
        }
        Some(("decisions", file)) => {
            let source = source::read(file)?;
            Box::new(Decisions::parse(&source, &world.workload, &split.test)?)
        }
        Some(("learned", file)) => Box::new(Learned::load(file, world)?),
        _ => policy::build(name, world, rng)?,
    };
    if policy::find(name).is_some_and(|entry| entry.learns) {
        train(world, &split.train, policy.as_mut(), budget, args.turns, rng);
    }
    match traffic {
        None => Ok(evaluate(world, &split.test, policy.as_mut(), budget)),
        Some(traffic) => traffic::evaluate(world, &split.test, policy.as_mut(), budget, traffic)
            .map_err(Failure::Failed),
    }
}
