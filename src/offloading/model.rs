//! What a decision leads to: the state it is taken in, the answer's expected score, what it costs,
//! and the reward.
//!
//! Symbols: X views, Z turns of history. A turn's features are where the previous turn was answered
//! (0 local, 1 cloud, -1 before the first), its X uploads (0 or 1), and the task's index; the state
//! is the features of the last Z turns, turns before the first all -1: (X + 2) Z small integers.
//! Reward of a turn (the authors' `tmo/env.py`):
//! `response + β_a · association − β_l · latency − β_u · usage`, all but the response normalised to
//! 0..=1: costs over the list of calls, association over the turn's actions.

use super::action::Actions;
use super::cost::{Costs, normalised};
use super::estimator::{Estimator, Metric, NeighbourTies};
use super::workload::{Dialogue, Workload};
use crate::config::{Location, Problem};
use std::sync::Arc;

/// Seconds and US dollars, spent or to spend.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Cost {
    /// Seconds.
    pub latency_s: f64,
    /// US dollars.
    pub usage_usd: f64,
}

/// Sums that differ by this share of a budget are within it: a budget of one call's price, to the
/// last digit, is not broken by what a local call costs. The tolerance is ours.
const TOLERANCE: f64 = 1e-9;

impl Cost {
    /// The published budgets of a dialogue: 30 s, 0.05 US dollars.
    pub const PUBLISHED: Self = Self { latency_s: 30.0, usage_usd: 0.05 };

    /// Both added.
    pub fn plus(self, other: Self) -> Self {
        Self {
            latency_s: self.latency_s + other.latency_s,
            usage_usd: self.usage_usd + other.usage_usd,
        }
    }

    /// Both times `factor`.
    pub fn times(self, factor: f64) -> Self {
        Self { latency_s: self.latency_s * factor, usage_usd: self.usage_usd * factor }
    }

    /// What of it is beyond `budget`, 0 within the tolerance.
    pub fn beyond(self, budget: Self) -> Self {
        let over = |spent: f64, budget: f64| {
            if spent > budget + TOLERANCE * budget.abs() { spent - budget } else { 0.0 }
        };
        Self {
            latency_s: over(self.latency_s, budget.latency_s),
            usage_usd: over(self.usage_usd, budget.usage_usd),
        }
    }

    /// Whether both are within `budget`.
    pub fn within(self, budget: Self) -> bool {
        self.beyond(budget) == Self::default()
    }

    /// Each as a share of `whole`; 0 of nothing.
    pub fn shares(self, whole: Self) -> [f64; 2] {
        let share = |part: f64, whole: f64| if whole > 0.0 { part / whole } else { 0.0 };
        [share(self.latency_s, whole.latency_s), share(self.usage_usd, whole.usage_usd)]
    }
}

/// Weights of the reward.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RewardWeights {
    /// Of the response score.
    pub response: f64,
    /// Of the association.
    pub association: f64,
    /// Of the latency.
    pub latency: f64,
    /// Of the usage cost.
    pub usage: f64,
}

impl Default for RewardWeights {
    fn default() -> Self {
        Self { response: 1.0, association: 1.0 / 3.0, latency: 1.0 / 3.0, usage: 1.0 / 3.0 }
    }
}

/// What is the same for every learner and policy of a comparison.
#[derive(Clone, Debug)]
pub struct ModelParams {
    /// What calls take.
    pub costs: Costs,
    /// How the parts of the reward weigh.
    pub weights: RewardWeights,
    /// Turns of history in a state.
    pub window: usize,
    /// How far apart the estimator takes two turns to be.
    pub metric: Metric,
    /// How the estimator breaks ties.
    pub ties: NeighbourTies,
}

impl ModelParams {
    /// The published window, weights and metric, ties shared.
    pub fn new(costs: Costs) -> Self {
        let (weights, metric) = (RewardWeights::default(), Metric::Euclidean);
        Self { costs, weights, window: 5, metric, ties: NeighbourTies::Shared }
    }
}

/// A workload, what calls cost, and an estimator of what answers are worth.
#[derive(Clone, Debug)]
pub struct DialogueModel {
    /// The dialogues.
    pub workload: Arc<Workload>,
    /// Costs, weights, history.
    pub params: ModelParams,
    estimator: Estimator,
    /// The dialogues to learn from.
    train: Vec<usize>,
    /// Turns of the longest dialogue of the workload.
    longest: usize,
    /// The coordinates of each decision.
    decisions: Vec<Vec<i8>>,
    /// Mean association of each view over the dialogues to learn from.
    mean_association: Vec<f64>,
    /// What is taken off the reward of each action for its costs.
    charges: Vec<f64>,
    /// By how much a second more than the call's own takes off the reward.
    charge_per_s: f64,
}

impl DialogueModel {
    /// Learns the estimator from the recorded decisions of the dialogues `train`.
    pub fn new(
        workload: Arc<Workload>,
        train: &[usize],
        params: ModelParams,
    ) -> Result<Self, Problem> {
        let views = workload.actions.views();
        if params.costs.views() < views {
            let found = format!("{views} views");
            let expected = format!("at most {}, for which there are costs", params.costs.views());
            return Err(Problem::new(Location::file("workload"), found, expected));
        }
        // The list of calls ends with all views uploaded.
        let latency = normalised(&params.costs.latency_s[..views + 2]);
        let usage = normalised(&params.costs.usage_usd[..views + 2]);
        let actions = &workload.actions;
        let charge = |action: usize| {
            let kind = if action == 0 { 0 } else { 1 + actions.uploaded(action) };
            params.weights.latency * latency[kind] + params.weights.usage * usage[kind]
        };
        let charges = (0..actions.len()).map(charge).collect();
        let charge_per_s = params.weights.latency * per_range(&params.costs.latency_s[..views + 2]);
        let decision = |action: usize| {
            let mut coordinates = Vec::new();
            append(actions, action, &mut coordinates);
            coordinates
        };
        let decisions: Vec<Vec<i8>> = (0..actions.len()).map(decision).collect();
        let mut records = Vec::new();
        let mut association = vec![0.0; views];
        for dialogue in train.iter().map(|at| &workload.dialogues[*at]) {
            let logged: Vec<usize> = dialogue.turns.iter().map(|turn| turn.action).collect();
            for (at, turn) in dialogue.turns.iter().enumerate() {
                let mut point = Vec::new();
                state(actions, params.window, dialogue, &logged[..at], &mut point);
                records.push((point, decisions[turn.action].clone(), turn.score));
                association.iter_mut().zip(&turn.association).for_each(|(sum, v)| *sum += v);
            }
        }
        association.iter_mut().for_each(|sum| *sum /= records.len().max(1) as f64);
        let estimator = Estimator::new(records, params.metric, params.ties);
        let longest = workload.dialogues.iter().map(|dialogue| dialogue.turns.len()).max();
        let (train, mean_association) = (train.to_vec(), association);
        Ok(Self {
            workload,
            params,
            estimator,
            train,
            longest: longest.unwrap_or(0),
            decisions,
            mean_association,
            charges,
            charge_per_s,
        })
    }

    /// What waiting before a call takes off its reward: the latency that the reward counts is
    /// normalised over the list of calls, and not cut off beyond it.
    pub fn charge_of_waiting(&self, waited_s: f64) -> f64 {
        self.charge_per_s * waited_s
    }

    /// What can be decided.
    pub fn actions(&self) -> &Actions {
        &self.workload.actions
    }

    /// How many coordinates a state has.
    pub fn state_len(&self) -> usize {
        (self.actions().views() + 2) * self.params.window
    }

    /// Writes the state of the turn that follows the decisions `past`.
    pub fn state(&self, dialogue: &Dialogue, past: &[usize], into: &mut Vec<i8>) {
        state(self.actions(), self.params.window, dialogue, past, into);
    }

    /// The state that follows an action in `state`, when the next turn is of this task.
    pub fn after(&self, state: &[i8], action: usize, task: usize) -> Vec<i8> {
        let mut next = state[(self.actions().views() + 2).min(state.len())..].to_vec();
        next.extend_from_slice(&self.decisions[action]);
        next.push(task as i8);
        next
    }

    /// Turns of the longest dialogue of the workload: all that a guard knows of how long the
    /// dialogue at hand will be.
    pub fn longest(&self) -> usize {
        self.longest
    }

    /// The places of the dialogues to learn from in the workload.
    pub fn trained_on(&self) -> &[usize] {
        &self.train
    }

    /// The dialogues to learn from.
    pub fn train(&self) -> impl Iterator<Item = &Dialogue> {
        self.train.iter().map(|at| &self.workload.dialogues[*at])
    }

    /// The expected score of an answer given in `state` by `action`.
    pub fn response(&self, state: &[i8], action: usize) -> f64 {
        let mut score = Vec::with_capacity(1);
        self.estimator.scores(state, &self.decisions[action..=action], &mut score);
        score[0]
    }

    /// Writes the expected score of an answer given in `state` by each action.
    pub fn responses(&self, state: &[i8], into: &mut Vec<f64>) {
        self.estimator.scores(state, &self.decisions, into);
    }

    /// How well what `action` uploads goes with a question, its views' scores added.
    pub fn association(&self, views: &[f64], action: usize) -> f64 {
        let subset = self.actions().subset(action);
        views.iter().enumerate().filter(|(at, _)| subset >> at & 1 == 1).map(|(_, v)| v).sum()
    }

    /// Mean association of each view over the dialogues to learn from.
    pub fn mean_association(&self) -> &[f64] {
        &self.mean_association
    }

    /// The reward of an answer worth `response`, where views go with the question as `views` say.
    pub fn reward(&self, response: f64, views: &[f64], action: usize) -> f64 {
        // No view is worth less than nothing, so the least of the actions' sums is 0.
        let best: f64 = views.iter().sum();
        let share = if best > 0.0 { self.association(views, action) / best } else { 0.0 };
        let weights = &self.params.weights;
        weights.response * response + weights.association * share - self.charges[action]
    }

    /// What a call takes.
    pub fn spend(&self, action: usize) -> Cost {
        let (latency_s, usage_usd) = self.params.costs.of_action(self.actions(), action);
        Cost { latency_s, usage_usd }
    }
}

/// What normalising multiplies by: one over the range, 0 if there is none.
fn per_range(values: &[f64]) -> f64 {
    let low = values.iter().copied().fold(f64::INFINITY, f64::min);
    let high = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    if high > low { 1.0 / (high - low) } else { 0.0 }
}

/// The state after decisions `past`, without the decision.
fn state(
    actions: &Actions,
    window: usize,
    dialogue: &Dialogue,
    past: &[usize],
    into: &mut Vec<i8>,
) {
    let turn = past.len();
    into.clear();
    into.resize((actions.views() + 2) * window.saturating_sub(turn + 1), -1);
    for at in (turn + 1).saturating_sub(window)..=turn {
        match at.checked_sub(1) {
            Some(before) => append(actions, past[before], into),
            None => {
                into.push(-1);
                into.resize(into.len() + actions.views(), 0);
            }
        }
        into.push(dialogue.turns[at].task as i8);
    }
}

/// A decision: cloud or not, and each view.
fn append(actions: &Actions, action: usize, into: &mut Vec<i8>) {
    let subset = actions.subset(action);
    into.push(i8::from(action > 0));
    into.extend((0..actions.views()).map(|view| (subset >> view & 1) as i8));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::offloading::cost::{DEVICES, NETWORKS};
    use crate::offloading::workload::Turn;

    fn dialogue(tasks: &[usize], actions: &[usize], association: &[f64]) -> Dialogue {
        let turn = |(task, action): (&usize, &usize)| Turn {
            task: *task,
            action: *action,
            raw: 1.0,
            score: 1.0,
            time_s: 1.0,
            cost_usd: 0.0,
            association: association.to_vec(),
        };
        Dialogue { id: "d".into(), turns: tasks.iter().zip(actions).map(turn).collect() }
    }

    fn model(dialogues: Vec<Dialogue>) -> DialogueModel {
        let tasks = (0..4).map(|task| format!("t{task}")).collect();
        let workload = Workload { tasks, actions: Actions::new(3), dialogues };
        let train: Vec<usize> = (0..workload.dialogues.len()).collect();
        let params = ModelParams::new(Costs::paper(DEVICES[3], NETWORKS[0]));
        DialogueModel::new(Arc::new(workload), &train, params).unwrap()
    }

    #[test]
    fn states_are_the_last_five_turns() {
        let model = model(vec![dialogue(&[2, 0, 3], &[6, 0, 1], &[0.1, 0.2, 0.1])]);
        let mut state = Vec::new();
        model.state(&model.workload.dialogues[0], &[], &mut state);
        let mut expected = vec![-1; 20];
        expected.extend([-1, 0, 0, 0, 2]);
        assert_eq!(state, expected);
        model.state(&model.workload.dialogues[0], &[6, 0], &mut state);
        let mut expected = vec![-1; 10];
        expected.extend([-1, 0, 0, 0, 2, 1, 1, 0, 1, 0, 0, 0, 0, 0, 3]);
        assert_eq!((state.len(), state), (model.state_len(), expected));
    }

    #[test]
    fn a_long_dialogue_forgets_its_beginning() {
        let tasks: Vec<usize> = (0..8).map(|turn| turn % 4).collect();
        let model = model(vec![dialogue(&tasks, &[0; 8], &[0.1; 3])]);
        let mut state = Vec::new();
        model.state(&model.workload.dialogues[0], &[1, 2, 3, 4, 5, 6, 7], &mut state);
        // Turns 3 to 7 after actions 3 to 7: views 1, 2, 0+1, 0+2, 1+2.
        let expected =
            [[1, 0, 1, 0, 3], [1, 0, 0, 1, 0], [1, 1, 1, 0, 1], [1, 1, 0, 1, 2], [1, 0, 1, 1, 3]];
        assert_eq!(state, expected.concat());
    }

    #[test]
    fn rewards_of_turns_made_by_hand() {
        let model = model(vec![dialogue(&[2], &[0], &[0.2, 0.1, 0.1])]);
        let views = [0.2, 0.1, 0.1];
        // Normalised costs of TX2 and the wired network, by views: 0.92514, 0.68141, 0.89435, 1
        // and 0.03582, 0.36550, 0.69079, 1.
        for (action, expected) in [
            (0, 0.8),
            (1, 0.8 - (0.92514 + 0.03582) / 3.0),
            (2, 0.8 + (0.5 - 0.68141 - 0.36550) / 3.0),
            (4, 0.8 + (0.25 - 0.68141 - 0.36550) / 3.0),
            (5, 0.8 + (0.75 - 0.89435 - 0.69079) / 3.0),
            (8, 0.8 + (1.0 - 1.0 - 1.0) / 3.0),
        ] {
            let found = model.reward(0.8, &views, action);
            assert!((found - expected).abs() < 1e-5, "{action}: {found} {expected}");
        }
        // No view goes with the question: nothing to divide by.
        assert!((model.reward(0.8, &[0.0; 3], 8) - (0.8 - 2.0 / 3.0)).abs() < 1e-12);
        assert_eq!(model.association(&views, 6), 0.2 + 0.1);
    }

    #[test]
    fn a_budget_of_one_price_is_not_broken_by_rounding() {
        let budget = Cost { latency_s: 30.0, usage_usd: 0.005 };
        let spent = |usage_usd| Cost { latency_s: 1.0, usage_usd };
        assert!(spent(0.005 * (1.0 + 5e-10)).within(budget));
        assert!(!spent(0.005 + 8e-9).within(budget));
        let over = Cost { latency_s: 31.5, usage_usd: 0.004 }.beyond(budget);
        assert_eq!(over, Cost { latency_s: 1.5, usage_usd: 0.0 });
    }
}
