//! The optimum within a budget, and the rewards of policies that keep to it.

use super::dialogue_scores::DialogueScores;
use super::splits::{POLICIES, model, split_rng};
use super::{BUDGETS, ReproductionConfig, mean, title};
use crate::config::{Location, Problem};
use crate::offloading::estimator::NeighbourTies;
use crate::offloading::evaluate::{DialogueResult, evaluate};
use crate::offloading::optimum::{MAX_DECISIONS, Tree};
use crate::offloading::{Cost, DialogueModel, Workload, policies};
use crate::report::reproduction::Measurement;
use rayon::prelude::*;
use std::sync::Arc;

const SECTION: &str = "bounds";
/// Policies that never exceed a budget: the one-step planner and the two-step planner.
pub(super) const GUARDED: [&str; 2] = ["greedy-knn-guarded", "tmo-rl-plus"];

/// Rewards of one split: the optimum without budget, and rewards by budget.
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

/// The bounds of each of the first splits.
pub(super) fn search(
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
            let mut policy = policies::build(name, model, split_rng(at))?;
            Ok(evaluate(model, test, policy.as_mut(), budget))
        };
        let mut guarded = [DialogueScores::default(), DialogueScores::default()];
        let (mut over, mut lead) = ([0; 2], f64::NEG_INFINITY);
        for (at, name) in GUARDED.into_iter().chain(POLICIES).enumerate() {
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

/// Scores of all splits.
pub(super) fn all(splits: &[Bound], of: impl Fn(&Bound) -> &DialogueScores) -> DialogueScores {
    DialogueScores::all(splits.iter().map(|split| of(split).clone()))
}

pub(super) fn measure(splits: &[Bound]) -> Vec<Measurement> {
    let figure = |name: String, scores: &DialogueScores| scores.measurement(SECTION, name);
    let free = all(splits, |split| &split.free);
    let mut figures = vec![figure("optimum, no budget".to_owned(), &free)];
    for (at, budget) in BUDGETS.into_iter().enumerate() {
        let title = title(budget);
        let optimum = all(splits, |split| &split.by_budget[at].optimum);
        let guarded = [0, 1].map(|policy| all(splits, |s| &s.by_budget[at].guarded[policy]));
        figures.push(figure(format!("optimum, {title}"), &optimum));
        for (name, scores) in GUARDED.iter().zip(&guarded) {
            figures.push(figure(format!("{name}, {title}"), scores));
        }
        let gain = guarded[1].less(&guarded[0]);
        figures.push(figure(format!("{} less {}, {title}", GUARDED[1], GUARDED[0]), &gain));
        for (policy, name) in GUARDED.into_iter().enumerate() {
            let over: usize = splits.iter().map(|s| s.by_budget[at].over[policy]).sum();
            let name = format!("{name}, dialogues beyond, {title}");
            figures.push(Measurement::new(SECTION, name, over as f64));
        }
        let lead = splits.iter().map(|s| s.by_budget[at].lead).fold(f64::NEG_INFINITY, f64::max);
        let name = format!("greatest lead over the optimum, {title}");
        figures.push(Measurement::new(SECTION, name, lead));
    }
    let gap = |split: &Bound| mean(&split.free.less(&split.by_budget[0].optimum).by_split());
    let gap = splits.iter().map(gap).fold(0.0, f64::max);
    figures.push(Measurement::new(SECTION, "optimum lost to the published budget", gap));
    figures
}
