//! Evaluation of a policy: each dialogue is run once.
//!
//! Response, association and reward of a dialogue are means over its turns, latency and usage their
//! sums; a summary has means over dialogues (the authors' `tmo/evaluator.py`). The published
//! out-of-budget figure is the mean excess of the dialogues that exceed the budget.
//!
//! A [`Scorer`] says what an answer is worth. Where a policy decided by the same estimator that
//! scores, the errors of the estimator count as reward; see [`super::folds`].

use super::action::Actions;
use super::cost::Cost;
use super::model::DialogueModel;
use super::policy::{OffloadPolicy, TurnContext};
use super::true_responses::TrueResponses;
use super::workload::Dialogue;
use crate::core::rng::{Label, Rng};
use rand::RngExt;

/// One dialogue under a policy.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DialogueResult {
    /// Mean response score over the turns.
    pub response: f64,
    /// Mean association of the uploads, by the data.
    pub association: f64,
    /// Mean reward over the turns.
    pub reward: f64,
    /// Cost of all calls.
    pub spent: Cost,
    /// The actions by turn; without turns that never arrived.
    pub actions: Vec<usize>,
    /// Seconds before calls began, over all turns: in queues, for loads and for lost attempts. Of a
    /// turn that was never answered, the time up to the end of the run.
    pub waited_s: f64,
    /// Turns that were never answered, those that never arrived among them. Their response is 0.
    pub failed: usize,
}

/// Says what an answer is worth, whatever the policy believes.
#[derive(Clone, Copy, Debug)]
pub enum Scorer<'a> {
    /// The estimator of this model.
    Estimator(&'a DialogueModel),
    /// The law by which the dialogues were generated.
    True(&'a TrueResponses),
}

impl Scorer<'_> {
    /// The score of an answer given by `action` after the actions `past`, which lead to `state`.
    pub(super) fn response(
        &self,
        dialogue: &Dialogue,
        actions: &Actions,
        (past, state): (&[usize], &[i8]),
        action: usize,
    ) -> f64 {
        match self {
            Self::Estimator(model) => model.response(state, action),
            Self::True(law) => law.score(actions, dialogue.turns[past.len()].task, past, action),
        }
    }
}

/// Runs each of `dialogues` once and scores its answers. The policy decides by `model` and is told
/// the budget; exceeding it has no consequence.
pub fn evaluate(
    model: &DialogueModel,
    scorer: Scorer<'_>,
    dialogues: &[usize],
    policy: &mut dyn OffloadPolicy,
    budget: Cost,
) -> Vec<DialogueResult> {
    let run = |dialogue: &usize| run(model, scorer, *dialogue, policy, budget, false);
    dialogues.iter().map(run).collect()
}

/// Lets a policy learn on dialogues drawn uniformly until they have `turns` turns in all; then ends
/// its exploration.
pub fn train(
    model: &DialogueModel,
    dialogues: &[usize],
    policy: &mut dyn OffloadPolicy,
    budget: Cost,
    turns: usize,
    rng: Rng,
) {
    let mut rng = rng.stream(Label::Episodes);
    let mut done = 0;
    while done < turns && !dialogues.is_empty() {
        let dialogue = dialogues[rng.random_range(0..dialogues.len())];
        let result = run(model, Scorer::Estimator(model), dialogue, policy, budget, true);
        policy.finish(result.spent, budget);
        done += result.actions.len();
    }
    policy.settle();
}

fn run(
    model: &DialogueModel,
    scorer: Scorer<'_>,
    dialogue: usize,
    policy: &mut dyn OffloadPolicy,
    budget: Cost,
    learns: bool,
) -> DialogueResult {
    let (mut result, mut state) = (DialogueResult::default(), Vec::new());
    let whole = &model.workload.dialogues[dialogue];
    for turn in &whole.turns {
        let past = result.actions.as_slice();
        model.state(whole, past, &mut state);
        let (state, spent, waits_s) = (state.as_slice(), result.spent, &[]);
        let context = TurnContext { model, dialogue, past, state, spent, budget, waits_s };
        let action = policy.choose(&context);
        let response = scorer.response(whole, model.actions(), (past, state), action);
        if learns {
            policy.learn(&context, action, model.reward(response, &turn.association, action));
        }
        result.add(model, response, &turn.association, action);
    }
    result.averaged()
}

/// The result of a sequence of actions in a dialogue.
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

    /// Adds what a call took beyond its costs, below 0 if it took less.
    pub(super) fn delay(&mut self, model: &DialogueModel, late_s: f64) {
        self.reward -= model.charge_of_waiting(late_s);
        self.spent.latency_s += late_s;
    }

    /// Adds a turn that was not answered in the seconds from its arrival to the end of the run.
    pub(super) fn fail(&mut self, model: &DialogueModel, waited_s: f64) {
        self.reward -= model.charge_of_latency(waited_s);
        self.spent.latency_s += waited_s;
        self.waited_s += waited_s;
    }

    /// Turns sums over the turns of `actions` into means.
    fn averaged(self) -> Self {
        let turns = self.actions.len();
        self.averaged_over(turns)
    }

    /// Turns sums over turns into means over this many.
    pub(super) fn averaged_over(mut self, turns: usize) -> Self {
        let turns = turns.max(1) as f64;
        self.response /= turns;
        self.association /= turns;
        self.reward /= turns;
        self
    }

    /// The same result with the cost of the last Z + 1 calls alone, as in the published sweep: the
    /// current call and those in the history.
    #[must_use]
    pub fn windowed(mut self, model: &DialogueModel) -> Self {
        let first = self.actions.len().saturating_sub(model.params.window + 1);
        let calls = self.actions[first..].iter().map(|action| model.spend(*action));
        self.spent = calls.fold(Cost::default(), Cost::plus);
        self
    }
}

/// By how much dialogues exceed the budget of one resource.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct BudgetViolation {
    /// Share of dialogues beyond the budget.
    pub rate: f64,
    /// Mean excess over the dialogues beyond the budget, in the unit of the resource; 0 if there
    /// are none.
    pub mean_over: f64,
    /// Standard error of `mean_over`, 0 for fewer than two of them.
    pub error: f64,
}

impl BudgetViolation {
    fn of(excess: impl Iterator<Item = f64>) -> Self {
        let excess: Vec<f64> = excess.collect();
        let beyond: Vec<f64> = excess.iter().copied().filter(|e| *e > 0.0).collect();
        let (n, all) = (beyond.len() as f64, excess.len().max(1) as f64);
        let sum: f64 = beyond.iter().sum();
        let mean_over = if n > 0.0 { sum / n } else { 0.0 };
        let squares: f64 = beyond.iter().map(|e| (e - mean_over) * (e - mean_over)).sum();
        let error = if n > 1.0 { libm::sqrt(squares / (n - 1.0) / n) } else { 0.0 };
        Self { rate: n / all, mean_over, error }
    }
}

/// Means over dialogues.
#[derive(Clone, Debug, PartialEq)]
pub struct PolicySummary {
    /// Mean response score.
    pub response: f64,
    /// Mean association.
    pub association: f64,
    /// Mean reward.
    pub reward: f64,
    /// Mean cost of a dialogue.
    pub spent: Cost,
    /// Violation of the budget of time, in seconds.
    pub latency: BudgetViolation,
    /// Violation of the budget of money, in US dollars.
    pub usage: BudgetViolation,
    /// By action: how often it was taken.
    pub actions: Vec<u64>,
}

impl PolicySummary {
    /// The means of some results.
    pub fn of(model: &DialogueModel, results: &[DialogueResult], budget: Cost) -> Self {
        let count = results.len().max(1) as f64;
        let mean = |of: fn(&DialogueResult) -> f64| results.iter().map(of).sum::<f64>() / count;
        let sum = results.iter().fold(Cost::default(), |sum, one| sum.plus(one.spent));
        let excess = || results.iter().map(|result| result.spent.beyond(budget));
        let mut actions = vec![0; model.actions().len()];
        results.iter().flat_map(|v| &v.actions).for_each(|action| actions[*action] += 1);
        Self {
            response: mean(|v| v.response),
            association: mean(|v| v.association),
            reward: mean(|v| v.reward),
            spent: sum.times(1.0 / count),
            latency: BudgetViolation::of(excess().map(|e| e.latency_s)),
            usage: BudgetViolation::of(excess().map(|e| e.usage_usd)),
            actions,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_excess_has_a_rate_and_a_mean_of_those_over() {
        let found = BudgetViolation::of([0.0, 2.0, 0.0, 4.0].into_iter());
        assert_eq!((found.rate, found.mean_over, found.error), (0.5, 3.0, 1.0));
        assert_eq!(BudgetViolation::of([0.0].into_iter()), BudgetViolation::default());
    }
}
