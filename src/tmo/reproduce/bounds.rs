//! What could at best be reached within a budget, and how near our own agent comes to it.

use super::splits::{ROWS, split_rng, world};
use super::{BUDGETS, Effort, Line, mean, title};
use crate::input::Problem;
use crate::tmo::estimator::Ties;
use crate::tmo::evaluate::{Visit, evaluate};
use crate::tmo::optimum::Tree;
use crate::tmo::{Resources, Workload, World, policy};
use rayon::prelude::*;
use std::sync::Arc;

const SECTION: &str = "bounds";
/// Mean optimum and budget-guarded greedy of the reference over ten splits, ties by its tree.
const REFERENCE: [(f64, f64); 5] =
    [(1.527, 1.326), (1.521, 1.314), (1.456, 1.255), (1.248, 1.097), (1.032, 0.923)];
/// Policies that never overdraw: the one-step planner, and our own agent.
pub(super) const GUARDED: [&str; 2] = ["greedy-knn-guarded", "tmo-rl-plus"];

/// Rewards of one split: the optimum without budget, and what there is by budget.
pub(super) struct Bound {
    free: f64,
    pub(super) by_budget: Vec<AtBudget>,
}

/// Mean rewards of one split within a budget.
pub(super) struct AtBudget {
    pub(super) optimum: f64,
    /// Of each of [`GUARDED`].
    pub(super) guarded: [f64; 2],
    /// How many of their dialogues exceed the budget.
    over: [usize; 2],
    /// The greatest lead over the optimum of any dialogue, under any policy, that keeps to it.
    lead: f64,
}

/// The bounds of the first splits, one by one.
pub(super) fn measure(data: &Arc<Workload>, effort: &Effort) -> Result<Vec<Bound>, Problem> {
    let one = |at| {
        let split = data.split(split_rng(at));
        bound(&world(data, &split, Ties::Shared)?, &split.test, at)
    };
    (0..effort.bounds).into_par_iter().map(one).collect()
}

fn bound(world: &World, test: &[usize], at: usize) -> Result<Bound, Problem> {
    let trees: Vec<Tree<'_>> = test.iter().filter_map(|d| Tree::new(world, *d)).collect();
    let rewards = |budget| -> Vec<f64> {
        let best = |tree: &Tree<'_>| tree.best(budget).map_or(f64::NAN, |visit| visit.reward);
        trees.iter().map(best).collect()
    };
    let by_budget = BUDGETS.into_iter().map(|budget| {
        let best = rewards(Some(budget));
        let visits = |name: &str| -> Result<Vec<Visit>, Problem> {
            let mut policy = policy::build(name, world, split_rng(at))?;
            Ok(evaluate(world, test, policy.as_mut(), budget))
        };
        let (mut guarded, mut over, mut lead) = ([0.0; 2], [0; 2], f64::NEG_INFINITY);
        for (at, name) in GUARDED.into_iter().chain(ROWS.map(|row| row.0)).enumerate() {
            let visits = visits(name)?;
            let within = |visit: &Visit| visit.spent.within(budget);
            for (visit, best) in visits.iter().zip(&best).filter(|(visit, _)| within(visit)) {
                lead = lead.max(visit.reward - best);
            }
            if at < GUARDED.len() {
                guarded[at] = mean(&visits.iter().map(|visit| visit.reward).collect::<Vec<_>>());
                over[at] = visits.iter().filter(|visit| !within(visit)).count();
            }
        }
        Ok(AtBudget { optimum: mean(&best), guarded, over, lead })
    });
    let by_budget = by_budget.collect::<Result<_, Problem>>()?;
    Ok(Bound { free: mean(&rewards(None)), by_budget })
}

/// Without the data set.
pub(super) fn missing() -> Vec<Line> {
    let line = |(budget, (optimum, _)): (Resources, (f64, f64))| {
        Line::missing(SECTION, format!("optimum, {}", title(budget)), Some(optimum))
    };
    BUDGETS.into_iter().zip(REFERENCE).map(line).collect()
}

pub(super) fn lines(splits: &[Bound]) -> Vec<Line> {
    let free: Vec<f64> = splits.iter().map(|split| split.free).collect();
    let line = Line::reported(SECTION, "optimum, no budget", mean(&free), Some(1.527));
    let mut lines = vec![line.with_interval(&free)];
    for (at, (budget, reference)) in BUDGETS.into_iter().zip(REFERENCE).enumerate() {
        let title = title(budget);
        let column = |of: &dyn Fn(&AtBudget) -> f64| -> Vec<f64> {
            splits.iter().map(|split| of(&split.by_budget[at])).collect()
        };
        let mut add = |what: &str, values: &[f64], target: Option<f64>| {
            let line = Line::reported(SECTION, format!("{what}, {title}"), mean(values), target);
            lines.push(line.with_interval(values));
        };
        add("optimum", &column(&|s| s.optimum), Some(reference.0));
        add(GUARDED[0], &column(&|s| s.guarded[0]), Some(reference.1));
        add(GUARDED[1], &column(&|s| s.guarded[1]), None);
        let gain = column(&|s| s.guarded[1] - s.guarded[0]);
        let name = format!("{} less {}, {title}", GUARDED[1], GUARDED[0]);
        let better = Line::must(SECTION, name, mean(&gain), mean(&gain) >= 0.0);
        lines.push(better.with_interval(&gain));
        for (at, name) in GUARDED.into_iter().enumerate() {
            let over = column(&|s| s.over[at] as f64).iter().sum::<f64>();
            let name = format!("{name}, dialogues beyond, {title}");
            lines.push(Line::must(SECTION, name, over, over == 0.0));
        }
        let lead = column(&|s| s.lead).into_iter().fold(f64::NEG_INFINITY, f64::max);
        let least = format!("greatest lead over the optimum, {title}");
        lines.push(Line::must(SECTION, least, lead, lead <= 1e-12));
    }
    let gap = splits.iter().map(|s| s.free - s.by_budget[0].optimum).fold(0.0, f64::max);
    lines.push(Line::reported(SECTION, "optimum lost to the published budget", gap, Some(0.0)));
    lines
}
