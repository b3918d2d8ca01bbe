//! `peeksim offload`: policies on the test dialogues, side by side.

use super::Failure;
use super::dialogues::DialogueArgs;
use crate::input::{Problems, source};
use crate::report::table::align;
use crate::rng::Rng;
use crate::tmo::decisions::Decisions;
use crate::tmo::evaluate::{Summary, Totals, Visit, evaluate, train};
use crate::tmo::learned::Learned;
use crate::tmo::optimum::Tree;
use crate::tmo::{Policy, Resources, Split, World, policy};
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
    /// How many turns a policy learns on first, if it does.
    #[arg(long, default_value_t = 30_000)]
    turns: usize,
}

pub(super) fn main(args: &OffloadArgs, out: &mut impl Write) -> Result<(), Failure> {
    let (world, split) = args.dialogues.world()?;
    let budget = args.dialogues.budget()?;
    let all = ["local", "cloud", "random", "greedy-knn", "greedy-knn-guarded", "optimum"];
    let names = if args.policies.is_empty() {
        all.map(str::to_owned).to_vec()
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
        let visits = visits(args, &name, &world, &split, budget)?;
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
    world: &World,
    split: &Split,
    budget: Resources,
) -> Result<Vec<Visit>, Problems> {
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
    Ok(evaluate(world, &split.test, policy.as_mut(), budget))
}
