//! The optimum within a budget, and the rewards of policies that keep to it.

use super::dialogue_scores::DialogueScores;
use super::splits::{POLICIES, SplitModel, by_split};
use super::{BUDGETS, ReproductionConfig, mean, title};
use crate::config::{Location, Problem};
use crate::offloading::evaluate::DialogueResult;
use crate::offloading::optimum::{MAX_DECISIONS, Tree};
use crate::offloading::{Cost, ModelParams, Workload};
use crate::report::reproduction::Measurement;
use std::sync::Arc;

const SECTION: &str = "bounds";
/// Policies that never exceed a budget: the one-step planner and the two-step planner.
pub(super) const GUARDED: [&str; 2] = ["greedy-knn-guarded", "tmo-rl-plus"];

/// Rewards of one split: the optimum without budget, and rewards by budget.
pub(super) struct Bound {
    free: DialogueScores,
    /// In the order of [`BUDGETS`].
    pub(super) by_budget: Vec<AtBudget>,
}

/// Rewards of one split within a budget.
pub(super) struct AtBudget {
    pub(super) optimum: DialogueScores,
    /// Rewards of each of [`GUARDED`].
    pub(super) guarded: [DialogueScores; 2],
    /// Number of their dialogues that exceed the budget.
    over: [usize; 2],
    /// The greatest difference to the optimum of any dialogue, under any policy, that is within the
    /// budget.
    lead: f64,
}

/// The bounds of each of the first splits.
pub(super) fn search(
    data: &Arc<Workload>,
    config: &ReproductionConfig,
) -> Result<Vec<Bound>, Problem> {
    by_split(data, config.bounds, &ModelParams::published()?, bound)
}

fn bound(on: &SplitModel) -> Result<Bound, Problem> {
    let refused = |dialogue: &usize, found: &str, expected: String| {
        let id = &on.model.workload.dialogues[*dialogue].id;
        Problem::new(Location::file("--data"), format!("dialogue `{id}` {found}"), expected)
    };
    let tree = |dialogue: &usize| {
        let most = format!("at most {MAX_DECISIONS} decisions to compare");
        Tree::new(&on.model, *dialogue).ok_or_else(|| refused(dialogue, "of too many turns", most))
    };
    let trees: Vec<Tree<'_>> = on.split.test.iter().map(tree).collect::<Result<_, _>>()?;
    let optimum = |budget: Option<Cost>| -> Result<Vec<f64>, Problem> {
        let best = |(tree, dialogue): (&Tree<'_>, &usize)| {
            let none = || refused(dialogue, "beyond a budget", "one that can keep to all".into());
            Ok(tree.best(budget).ok_or_else(none)?.reward)
        };
        trees.iter().zip(&on.split.test).map(best).collect()
    };
    let by_budget =
        BUDGETS.into_iter().map(|budget| at_budget(on, budget, &optimum(Some(budget))?));
    let by_budget = by_budget.collect::<Result<_, _>>()?;
    Ok(Bound { free: on.scores(optimum(None)?), by_budget })
}

fn at_budget(on: &SplitModel, budget: Cost, optimum: &[f64]) -> Result<AtBudget, Problem> {
    let mut guarded = [DialogueScores::default(), DialogueScores::default()];
    let (mut over, mut lead) = ([0; 2], f64::NEG_INFINITY);
    for (at, policy) in GUARDED.into_iter().chain(POLICIES).enumerate() {
        let results = on.results(policy, budget)?;
        let within = |result: &DialogueResult| result.spent.within(budget);
        for (result, best) in results.iter().zip(optimum).filter(|(result, _)| within(result)) {
            lead = lead.max(result.reward - best);
        }
        if at < GUARDED.len() {
            guarded[at] = on.rewards(&results);
            over[at] = results.iter().filter(|result| !within(result)).count();
        }
    }
    Ok(AtBudget { optimum: on.scores(optimum.iter().copied()), guarded, over, lead })
}

/// Scores of all splits.
pub(super) fn all(splits: &[Bound], of: impl Fn(&Bound) -> &DialogueScores) -> DialogueScores {
    DialogueScores::all(splits.iter().map(of))
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
        let gain = guarded[1].minus(&guarded[0]);
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
    let gap = |split: &Bound| mean(&split.free.minus(&split.by_budget[0].optimum).by_split());
    let gap = splits.iter().map(gap).fold(0.0, f64::max);
    figures.push(Measurement::new(SECTION, "optimum lost to the published budget", gap));
    figures
}
