//! The model behind decisions: the state that an action is taken in, the expected score of the
//! answer, the cost, and the reward.
//!
//! Symbols: X views, Z turns of history. The features of a turn are where the previous turn was
//! answered (0 local, 1 cloud, -1 before the first), its X uploads (0 or 1), and the index of the
//! turn's task. A state is the features of the last Z turns, -1 for turns before the first:
//! (X + 2) Z small integers. Reward of a turn (the authors' `tmo/env.py`):
//! `response + β_a · association − β_l · latency − β_u · usage`, all but the response normalised to
//! 0..=1: costs over the kinds of calls, association over the actions of the turn.

use super::action::{Action, Actions};
use super::cost::{Cost, Costs, range};
use super::estimator::{Estimator, Metric, NeighbourTies, Record};
use super::workload::{Dialogue, Workload};
use crate::config::{Location, Problem};
use std::sync::Arc;

/// Weights of the terms of the reward.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RewardWeights {
    /// Weight of the response score.
    pub response: f64,
    /// Weight of the association, `β_a`.
    pub association: f64,
    /// Weight of the latency, `β_l`.
    pub latency: f64,
    /// Weight of the usage cost, `β_u`.
    pub usage: f64,
}

impl Default for RewardWeights {
    fn default() -> Self {
        Self { response: 1.0, association: 1.0 / 3.0, latency: 1.0 / 3.0, usage: 1.0 / 3.0 }
    }
}

/// What a time or a price of 1 is in the reward.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Normalisation {
    /// The range over the kinds of calls, from the least: the published rule.
    #[default]
    Range,
    /// The budget of a dialogue.
    Budget(Cost),
    /// A second and a US dollar.
    Units,
}

impl Normalisation {
    /// All of them, by name; the budget is still to be filled in.
    pub const ALL: [(&str, Self); 3] =
        [("range", Self::Range), ("budget", Self::Budget(Cost::PUBLISHED)), ("units", Self::Units)];

    /// The least time and price of these costs, and what is 1 above them; 0 if nothing is.
    fn origin_and_unit(self, costs: [&[f64]; 2]) -> [(f64, f64); 2] {
        match self {
            Self::Range => costs.map(range),
            Self::Budget(budget) => budget.parts().map(|whole| (0.0, whole)),
            Self::Units => [(0.0, 1.0); 2],
        }
    }
}

/// Turns of history of the published state.
pub const WINDOW: usize = 5;
/// The most turns of history.
pub const MAX_WINDOW: usize = 100;
/// Neighbours of the published estimator.
pub const NEIGHBOURS: usize = 5;
/// The most neighbours.
pub const MAX_NEIGHBOURS: usize = 10_000;

/// Parameters that all policies of a comparison share.
#[derive(Clone, Debug)]
pub struct ModelParams {
    /// Costs of calls.
    pub costs: Costs,
    /// Weights of the reward.
    pub weights: RewardWeights,
    /// What a time or a price of 1 is.
    pub normalisation: Normalisation,
    /// Turns of history in a state, Z.
    pub window: usize,
    /// Recorded turns of which the estimator takes the mean.
    pub neighbours: usize,
    /// Distance of the estimator.
    pub metric: Metric,
    /// How the estimator breaks ties.
    pub ties: NeighbourTies,
}

impl ModelParams {
    /// The published reward, window, neighbours and metric, ties shared.
    pub fn new(costs: Costs) -> Self {
        Self {
            costs,
            weights: RewardWeights::default(),
            normalisation: Normalisation::Range,
            window: WINDOW,
            neighbours: NEIGHBOURS,
            metric: Metric::Euclidean,
            ties: NeighbourTies::Shared,
        }
    }

    fn estimator(&self, records: Vec<Record>) -> Estimator {
        Estimator::new(records, self.neighbours, self.metric, self.ties)
    }

    /// The same with the published device and network.
    ///
    /// # Errors
    /// As [`Costs::published`].
    pub fn published() -> Result<Self, Problem> {
        Ok(Self::new(Costs::published()?))
    }
}

/// A workload, costs of calls, and an estimator of response scores.
#[derive(Clone, Debug)]
pub struct DialogueModel {
    /// The dialogues.
    pub workload: Arc<Workload>,
    /// Costs, weights, history.
    pub params: ModelParams,
    estimator: Estimator,
    /// Training dialogues, indices into the workload.
    train: Vec<usize>,
    /// Turns of the longest dialogue of the workload.
    longest: usize,
    /// By action: its coordinates in a state.
    decisions: Vec<Vec<i8>>,
    /// By view: mean association over the training dialogues.
    mean_association: Vec<f64>,
    /// By action: what its costs take off the reward.
    charges: Vec<f64>,
    /// What a second of waiting takes off the reward.
    charge_per_s: f64,
    /// Seconds of the fastest kind of call.
    least_s: f64,
}

impl DialogueModel {
    /// Fits the estimator to the recorded decisions of the dialogues `train`.
    ///
    /// # Errors
    /// There are no costs for the number of views.
    pub fn new(
        workload: Arc<Workload>,
        train: &[usize],
        params: ModelParams,
    ) -> Result<Self, Problem> {
        let (actions, views) = (&workload.actions, workload.actions.views());
        if params.costs.views() < actions.most_uploaded() {
            let found = format!("{} views", actions.most_uploaded());
            let expected = format!("at most {}, for which there are costs", params.costs.views());
            return Err(Problem::new(Location::file("workload"), found, expected));
        }
        let kinds = actions.call_kinds();
        let of_kinds = |costs: &[f64]| kinds.iter().map(|kind| costs[*kind]).collect::<Vec<f64>>();
        let seconds = of_kinds(&params.costs.latency_s);
        let usd = of_kinds(&params.costs.usage_usd);
        let scales = params.normalisation.origin_and_unit([&seconds, &usd]);
        let share = |value: f64, (origin, unit): (f64, f64)| {
            if unit > 0.0 { (value - origin) / unit } else { 0.0 }
        };
        let weights = params.weights;
        let charge = |action: Action| {
            let at = kinds.binary_search(&action.call_kind()).unwrap_or_default();
            weights.latency * share(seconds[at], scales[0])
                + weights.usage * share(usd[at], scales[1])
        };
        let charges = actions.iter().map(charge).collect();
        let (least_s, unit_s) = scales[0];
        let per_s = if unit_s > 0.0 { 1.0 / unit_s } else { 0.0 };
        let decisions = actions.iter().map(|action| coordinates(action, views)).collect();
        let longest = workload.dialogues.iter().map(|dialogue| dialogue.turns.len()).max();
        let mut model = Self {
            estimator: params.estimator(Vec::new()),
            train: train.to_vec(),
            longest: longest.unwrap_or(0),
            decisions,
            mean_association: vec![0.0; views],
            charges,
            charge_per_s: weights.latency * per_s,
            least_s,
            workload,
            params,
        };
        model.fit();
        Ok(model)
    }

    /// Makes the estimator and the mean association from the training dialogues.
    fn fit(&mut self) {
        let mut records = Vec::new();
        let mut association = vec![0.0; self.actions().views()];
        for dialogue in self.train() {
            for (at, turn) in dialogue.turns.iter().enumerate() {
                let mut point = Vec::new();
                self.write_state(dialogue, at, |past| dialogue.turns[past].action, &mut point);
                let decision = coordinates(turn.action, association.len());
                records.push((point, decision, turn.score));
                association.iter_mut().zip(&turn.association).for_each(|(sum, v)| *sum += v);
            }
        }
        association.iter_mut().for_each(|sum| *sum /= records.len().max(1) as f64);
        self.mean_association = association;
        self.estimator = self.params.estimator(records);
    }

    /// What waiting before a call takes off its reward: the latency of the reward is normalised
    /// over the kinds of calls, and not clipped above them. Infinite for a wait without end, unless
    /// latency has no weight.
    pub fn charge_of_waiting(&self, waited_s: f64) -> f64 {
        if self.charge_per_s == 0.0 { 0.0 } else { self.charge_per_s * waited_s }
    }

    /// What a latency takes off the reward, nothing up to that of the fastest kind of call.
    pub(super) fn charge_of_latency(&self, latency_s: f64) -> f64 {
        self.charge_of_waiting((latency_s - self.least_s).max(0.0))
    }

    /// The actions.
    pub fn actions(&self) -> &Actions {
        &self.workload.actions
    }

    /// Number of coordinates of a state.
    pub fn state_len(&self) -> usize {
        (self.actions().views() + 2) * self.params.window
    }

    /// Writes the state of the turn that follows the actions `past`.
    pub fn state(&self, dialogue: &Dialogue, past: &[usize], into: &mut Vec<i8>) {
        self.write_state(dialogue, past.len(), |turn| self.actions().get(past[turn]), into);
    }

    /// Writes the state of a turn, where `past` says what was done in an earlier one.
    fn write_state(
        &self,
        dialogue: &Dialogue,
        turn: usize,
        past: impl Fn(usize) -> Action,
        into: &mut Vec<i8>,
    ) {
        let (views, window) = (self.actions().views(), self.params.window);
        into.clear();
        into.resize((views + 2) * window.saturating_sub(turn + 1), -1);
        for at in (turn + 1).saturating_sub(window)..=turn {
            match at.checked_sub(1) {
                Some(before) => append_decision(past(before), views, into),
                None => {
                    into.push(-1);
                    into.resize(into.len() + views, 0);
                }
            }
            into.push(dialogue.turns[at].task as i8);
        }
    }

    /// Number of turns of the longest dialogue of the workload.
    pub fn longest(&self) -> usize {
        self.longest
    }

    /// The training dialogues, as indices into the workload.
    pub fn trained_on(&self) -> &[usize] {
        &self.train
    }

    /// The training dialogues.
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

    /// Writes the expected score of each action, shrunk towards that of more neighbours.
    pub fn shrunk_responses(&self, state: &[i8], into: &mut Vec<f64>) {
        self.estimator.shrunk(state, &self.decisions, into);
    }

    /// The association of what `action` uploads: the sum over its views.
    pub fn association(&self, views: &[f64], action: usize) -> f64 {
        let action = self.actions().get(action);
        views.iter().enumerate().filter(|(at, _)| action.uploads(*at)).map(|(_, v)| v).sum()
    }

    /// By view: the mean association over the training dialogues.
    pub fn mean_association(&self) -> &[f64] {
        &self.mean_association
    }

    /// The reward of an answer with this response score, where `views` have these associations.
    pub fn reward(&self, response: f64, views: &[f64], action: usize) -> f64 {
        // No association is negative, so the least sum of an action is 0. That of all views is the
        // greatest, if they can be uploaded.
        let best: f64 = if self.actions().most_uploaded() == views.len() {
            views.iter().sum()
        } else {
            let sums = (0..self.actions().len()).map(|action| self.association(views, action));
            sums.fold(0.0, f64::max)
        };
        let share = if best > 0.0 { self.association(views, action) / best } else { 0.0 };
        let weights = &self.params.weights;
        weights.response * response + weights.association * share - self.charges[action]
    }

    /// The cost of a call.
    pub fn spend(&self, action: usize) -> Cost {
        self.params.costs.of_action(self.actions().get(action))
    }
}

/// Appends the coordinates of a decision: cloud or not, and each view.
fn append_decision(action: Action, views: usize, into: &mut Vec<i8>) {
    into.push(i8::from(action != Action::Local));
    into.extend((0..views).map(|view| i8::from(action.uploads(view))));
}

/// The coordinates of a decision over `views` views.
fn coordinates(action: Action, views: usize) -> Vec<i8> {
    let mut coordinates = Vec::with_capacity(views + 1);
    append_decision(action, views, &mut coordinates);
    coordinates
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::offloading::workload::Turn;

    fn dialogue(tasks: &[usize], actions: &[usize], association: &[f64]) -> Dialogue {
        let turn = |(task, action): (&usize, &usize)| Turn {
            task: *task,
            action: Actions::new(3).get(*action),
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
        let workload = Workload { tasks, actions: Actions::new(3), dialogues, truth: None };
        let train: Vec<usize> = (0..workload.dialogues.len()).collect();
        let params = ModelParams::published().unwrap();
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
}
