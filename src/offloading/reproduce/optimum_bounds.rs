//! What could at best be reached within a budget, and how near our own agent comes to it.

use super::dialogue_scores::DialogueScores;
use super::splits::{ROWS, model, split_rng};
use super::{BUDGETS, Check, ReproductionConfig, mean, title};
use crate::config::{Location, Problem};
use crate::offloading::estimator::NeighbourTies;
use crate::offloading::evaluate::{DialogueResult, evaluate};
use crate::offloading::optimum::{MAX_DECISIONS, Tree};
use crate::offloading::{Cost, DialogueModel, Workload, policy};
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
    free: DialogueScores,
    pub(super) by_budget: Vec<AtBudget>,
}

/// Rewards of one split within a budget.
pub(super) struct AtBudget {
    pub(super) optimum: DialogueScores,
    /// Of each of [`GUARDED`].
    pub(super) guarded: [DialogueScores; 2],
    /// How many of their dialogues exceed the budget.
    over: [usize; 2],
    /// The greatest lead over the optimum of any dialogue, under any policy, that keeps to it.
    lead: f64,
}

/// The bounds of the first splits, one by one.
pub(super) fn measure(
    data: &Arc<Workload>,
    config: &ReproductionConfig,
) -> Result<Vec<Bound>, Problem> {
    let one = |at| {
        let split = data.split(split_rng(at));
        bound(&model(data, &split, NeighbourTies::Shared)?, &split.test, at)
    };
    (0..config.bounds).into_par_iter().map(one).collect()
}

fn bound(model: &DialogueModel, test: &[usize], at: usize) -> Result<Bound, Problem> {
    let refused = |dialogue: &usize, found: &str, expected: String| {
        let id = &model.workload.dialogues[*dialogue].id;
        Problem::new(Location::file("--data"), format!("dialogue `{id}` {found}"), expected)
    };
    let tree = |dialogue: &usize| {
        let most = format!("at most {MAX_DECISIONS} decisions to compare");
        Tree::new(model, *dialogue).ok_or_else(|| refused(dialogue, "of too many turns", most))
    };
    let trees: Vec<Tree<'_>> = test.iter().map(tree).collect::<Result<_, _>>()?;
    let rewards = |budget: Option<Cost>| -> Result<Vec<f64>, Problem> {
        let best = |(tree, dialogue): (&Tree<'_>, &usize)| {
            let none = || refused(dialogue, "beyond a budget", "one that can keep to all".into());
            Ok(tree.best(budget).ok_or_else(none)?.reward)
        };
        trees.iter().zip(test).map(best).collect()
    };
    let scores = |values: &[f64]| DialogueScores::new(at, test, values);
    let by_budget = BUDGETS.into_iter().map(|budget| {
        let best = rewards(Some(budget))?;
        let results = |name: &str| -> Result<Vec<DialogueResult>, Problem> {
            let mut policy = policy::build(name, model, split_rng(at))?;
            Ok(evaluate(model, test, policy.as_mut(), budget))
        };
        let mut guarded = [DialogueScores::default(), DialogueScores::default()];
        let (mut over, mut lead) = ([0; 2], f64::NEG_INFINITY);
        for (at, name) in GUARDED.into_iter().chain(ROWS.map(|row| row.0)).enumerate() {
            let results = results(name)?;
            let within = |result: &DialogueResult| result.spent.within(budget);
            for (result, best) in results.iter().zip(&best).filter(|(result, _)| within(result)) {
                lead = lead.max(result.reward - best);
            }
            if at < GUARDED.len() {
                guarded[at] = scores(&results.iter().map(|v| v.reward).collect::<Vec<_>>());
                over[at] = results.iter().filter(|result| !within(result)).count();
            }
        }
        Ok(AtBudget { optimum: scores(&best), guarded, over, lead })
    });
    let by_budget = by_budget.collect::<Result<_, Problem>>()?;
    Ok(Bound { free: scores(&rewards(None)?), by_budget })
}

/// Without the data set.
pub(super) fn missing() -> Vec<Check> {
    let line = |(budget, (optimum, _)): (Cost, (f64, f64))| {
        Check::missing(SECTION, format!("optimum, {}", title(budget)), Some(optimum))
    };
    BUDGETS.into_iter().zip(REFERENCE).map(line).collect()
}

/// Marks of all splits.
pub(super) fn all(splits: &[Bound], of: impl Fn(&Bound) -> &DialogueScores) -> DialogueScores {
    DialogueScores::all(splits.iter().map(|split| of(split).clone()))
}

pub(super) fn lines(splits: &[Bound]) -> Vec<Check> {
    let free = all(splits, |split| &split.free);
    let beside = |name: String, scores: &DialogueScores, target: Option<f64>| Check {
        target,
        ..scores.reported(SECTION, name)
    };
    let mut lines = vec![beside("optimum, no budget".to_owned(), &free, Some(1.527))];
    for (at, (budget, reference)) in BUDGETS.into_iter().zip(REFERENCE).enumerate() {
        let title = title(budget);
        let optimum = all(splits, |split| &split.by_budget[at].optimum);
        let guarded = [0, 1].map(|policy| all(splits, |s| &s.by_budget[at].guarded[policy]));
        for (what, scores, target) in [
            ("optimum", &optimum, Some(reference.0)),
            (GUARDED[0], &guarded[0], Some(reference.1)),
            (GUARDED[1], &guarded[1], None),
        ] {
            lines.push(beside(format!("{what}, {title}"), scores, target));
        }
        let gain = guarded[1].less(&guarded[0]);
        let name = format!("{} less {}, {title}", GUARDED[1], GUARDED[0]);
        let better = Check::must(SECTION, name, gain.mean(), gain.mean() >= 0.0);
        lines.push(better.with_interval(&gain.by_dialogue()));
        for (policy, name) in GUARDED.into_iter().enumerate() {
            let over: usize = splits.iter().map(|s| s.by_budget[at].over[policy]).sum();
            let name = format!("{name}, dialogues beyond, {title}");
            lines.push(Check::must(SECTION, name, over as f64, over == 0));
        }
        let lead = splits.iter().map(|s| s.by_budget[at].lead).fold(f64::NEG_INFINITY, f64::max);
        let least = format!("greatest lead over the optimum, {title}");
        lines.push(Check::must(SECTION, least, lead, lead <= 1e-12));
    }
    let gap = |split: &Bound| mean(&split.free.less(&split.by_budget[0].optimum).by_split());
    let gap = splits.iter().map(gap).fold(0.0, f64::max);
    lines.push(Check::reported(SECTION, "optimum lost to the published budget", gap, Some(0.0)));
    lines
}
