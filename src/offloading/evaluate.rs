//! A policy over dialogues, each visited once, and what that came to.
//!
//! Response, association and reward of a dialogue are means over its turns, latency and usage their
//! sums; then means over dialogues (the authors' `tmo/evaluator.py`). The published out-of-budget
//! figure is the mean excess over the dialogues that exceed; the share of those and the mean over
//! all dialogues stand beside it.
//!
//! Rewards are those of the model's estimator. Where a policy chose by the same one, its errors
//! count as reward; [`replay`] marks decisions by another model.

use super::model::{Cost, DialogueModel};
use super::policy::{OffloadPolicy, TurnContext};
use crate::core::rng::{Label, Rng};
use rand::RngExt;

/// One dialogue under a policy.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DialogueResult {
    /// Mean response score over the turns.
    pub response: f64,
    /// Mean association of what was uploaded, as the data have it.
    pub association: f64,
    /// Mean reward over the turns.
    pub reward: f64,
    /// What the calls took together.
    pub spent: Cost,
    /// What was decided, by turn.
    pub actions: Vec<usize>,
}

/// Which calls of a dialogue count towards its totals.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Totals {
    /// All of them.
    #[default]
    All,
    /// The last Z + 1, as published: the current one and those in the history. The same up to Z + 1
    /// turns.
    Window,
}

/// Runs each of `dialogues` once; `budget` is what the policy is told to keep to, and nothing
/// happens to one that does not.
pub fn evaluate(
    model: &DialogueModel,
    dialogues: &[usize],
    policy: &mut dyn OffloadPolicy,
    budget: Cost,
) -> Vec<DialogueResult> {
    dialogues.iter().map(|dialogue| result(model, *dialogue, policy, budget, false)).collect()
}

/// Lets a policy learn on dialogues drawn uniformly until it has seen `turns` turns; then it
/// settles.
pub fn train(
    model: &DialogueModel,
    dialogues: &[usize],
    policy: &mut dyn OffloadPolicy,
    budget: Cost,
    turns: usize,
    rng: Rng,
) {
    let mut coins = rng.stream(Label::Episodes);
    let mut seen = 0;
    while seen < turns && !dialogues.is_empty() {
        let dialogue = dialogues[coins.random_range(0..dialogues.len())];
        let result = result(model, dialogue, policy, budget, true);
        policy.finish(result.spent, budget);
        seen += result.actions.len();
    }
    policy.settle();
}

fn result(
    model: &DialogueModel,
    dialogue: usize,
    policy: &mut dyn OffloadPolicy,
    budget: Cost,
    learning: bool,
) -> DialogueResult {
    let mut state = Vec::new();
    let mut result = DialogueResult::default();
    let turns = &model.workload.dialogues[dialogue].turns;
    for turn in turns {
        let past = result.actions.as_slice();
        model.state(&model.workload.dialogues[dialogue], past, &mut state);
        let (state, spent, waits_s) = (state.as_slice(), result.spent, [0.0; 2]);
        let context = TurnContext { model, dialogue, past, state, spent, budget, waits_s };
        let action = policy.choose(&context);
        let response = model.response(state, action);
        if learning {
            policy.learn(&context, action, model.reward(response, &turn.association, action));
        }
        result.add(model, response, &turn.association, action);
    }
    result.averaged()
}

/// What a sequence of decisions about a dialogue comes to.
pub fn replay(model: &DialogueModel, dialogue: usize, actions: &[usize]) -> DialogueResult {
    let (mut result, mut state) = (DialogueResult::default(), Vec::new());
    let dialogue = &model.workload.dialogues[dialogue];
    for (turn, action) in dialogue.turns.iter().zip(actions) {
        model.state(dialogue, &result.actions, &mut state);
        result.add(model, model.response(&state, *action), &turn.association, *action);
    }
    result.averaged()
}

impl DialogueResult {
    /// Adds one more turn.
    pub(super) fn add(
        &mut self,
        model: &DialogueModel,
        response: f64,
        views: &[f64],
        action: usize,
    ) {
        self.response += response;
        self.association += model.association(views, action);
        self.reward += model.reward(response, views, action);
        self.spent = self.spent.plus(model.spend(action));
        self.actions.push(action);
    }

    /// One of the turns waited before its call began.
    pub(super) fn delay(&mut self, model: &DialogueModel, waited_s: f64) {
        self.reward -= model.charge_of_waiting(waited_s);
        self.spent.latency_s += waited_s;
    }

    /// Sums over turns become means.
    pub(super) fn averaged(mut self) -> Self {
        let turns = self.actions.len().max(1) as f64;
        self.response /= turns;
        self.association /= turns;
        self.reward /= turns;
        self
    }

    /// What the calls that count took.
    pub fn total(&self, model: &DialogueModel, totals: Totals) -> Cost {
        match totals {
            Totals::All => self.spent,
            Totals::Window => {
                let last = self.actions.len().saturating_sub(model.params.window + 1);
                let calls = self.actions[last..].iter().map(|action| model.spend(*action));
                calls.fold(Cost::default(), Cost::plus)
            }
        }
    }
}

/// How one resource was kept to.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct BudgetViolation {
    /// Share of dialogues beyond the budget.
    pub rate: f64,
    /// Mean excess over all dialogues, in the resource's unit.
    pub mean: f64,
    /// Mean excess over the dialogues beyond the budget, 0 if there are none.
    pub mean_over: f64,
    /// Standard error of `mean_over`, 0 for fewer than two of them.
    pub error: f64,
}

impl BudgetViolation {
    fn of(excess: &[f64]) -> Self {
        let beyond: Vec<f64> = excess.iter().copied().filter(|e| *e > 0.0).collect();
        let (n, all) = (beyond.len() as f64, excess.len().max(1) as f64);
        let sum: f64 = beyond.iter().sum();
        let mean_over = if n > 0.0 { sum / n } else { 0.0 };
        let squares: f64 = beyond.iter().map(|e| (e - mean_over) * (e - mean_over)).sum();
        let error = if n > 1.0 { libm::sqrt(squares / (n - 1.0) / n) } else { 0.0 };
        Self { rate: n / all, mean: sum / all, mean_over, error }
    }
}

/// A policy's figures over some dialogues.
#[derive(Clone, Debug, PartialEq)]
pub struct PolicySummary {
    /// Mean response score.
    pub response: f64,
    /// Mean association.
    pub association: f64,
    /// Mean reward.
    pub reward: f64,
    /// Mean seconds and dollars of a dialogue.
    pub spent: Cost,
    /// How the budget of time was kept to.
    pub latency: BudgetViolation,
    /// How the budget of money was kept to.
    pub usage: BudgetViolation,
    /// How often each action was taken.
    pub actions: Vec<u64>,
}

impl PolicySummary {
    /// Of some results.
    pub fn of(
        model: &DialogueModel,
        results: &[DialogueResult],
        budget: Cost,
        totals: Totals,
    ) -> Self {
        let count = results.len().max(1) as f64;
        let mean = |f: &dyn Fn(&DialogueResult) -> f64| results.iter().map(f).sum::<f64>() / count;
        let spent: Vec<Cost> = results.iter().map(|v| v.total(model, totals)).collect();
        let sum = spent.iter().fold(Cost::default(), |sum, one| sum.plus(*one));
        let excess: Vec<Cost> = spent.iter().map(|s| s.beyond(budget)).collect();
        let mut actions = vec![0; model.actions().len()];
        results.iter().flat_map(|v| &v.actions).for_each(|action| actions[*action] += 1);
        Self {
            response: mean(&|v| v.response),
            association: mean(&|v| v.association),
            reward: mean(&|v| v.reward),
            spent: sum.times(1.0 / count),
            latency: BudgetViolation::of(&excess.iter().map(|e| e.latency_s).collect::<Vec<_>>()),
            usage: BudgetViolation::of(&excess.iter().map(|e| e.usage_usd).collect::<Vec<_>>()),
            actions,
        }
    }
}

/// The out-of-budget figure as the published code comes to it: the list of excesses is given a 0
/// whenever it is empty after a dialogue, and keeps it. For comparison only.
pub fn published_excess(excess: &[f64]) -> f64 {
    let mut listed = Vec::new();
    for e in excess {
        if *e > 0.0 {
            listed.push(*e);
        }
        if listed.is_empty() {
            listed.push(0.0);
        }
    }
    listed.iter().sum::<f64>() / listed.len().max(1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn excess_is_counted_in_three_ways() {
        let found = BudgetViolation::of(&[0.0, 2.0, 0.0, 4.0]);
        assert_eq!((found.rate, found.mean, found.mean_over, found.error), (0.5, 1.5, 3.0, 1.0));
        assert_eq!(BudgetViolation::of(&[0.0]), BudgetViolation::default());
    }

    #[test]
    fn the_published_excess_keeps_one_spurious_zero() {
        assert_eq!(published_excess(&[0.0, 2.0, 0.0, 4.0]), 2.0);
        assert_eq!(published_excess(&[2.0, 0.0, 4.0]), 3.0);
        assert_eq!(published_excess(&[0.0, 0.0]), 0.0);
    }
}
