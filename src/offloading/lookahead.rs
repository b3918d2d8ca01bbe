//! `tmo-rl-plus`, our own constrained agent: it looks one turn further than the next answer.
//!
//! What an agent could learn by trial and error it is told here already: costs, reward and the
//! estimator of answers are known when deciding, and a decision touches later turns in two ways
//! only, through the history in their state and through what is left of the budget. What is not
//! known is whether another turn follows, and of which task. That alone is learned, from the
//! dialogues to learn from, by counting: how long dialogues are, and how often each task comes
//! after a first turn. With it an action is worth
//!
//! `w(t) · reward(a) + g(t) · w(t + 1) · Σ p(task) · max reward(a' | a, task)`
//!
//! where g is the share of dialogues that go on after turn t, w the mean of 1 / length of those
//! that reach it (the reward of a dialogue is a mean over its turns), and the maximum is over what
//! the budget allows once a is paid. What is chosen is the best action that the budget allows (see
//! [`super::guard`]), so that no budget is overdrawn that local answers can keep to. One policy
//! serves every budget.
//!
//! Where calls wait in line, that is part of their time and taken off their reward.
//!
//! Like `greedy-knn` it sees no turn to come, no score, and association as in training on average.
//! Looking further, by one to three turns and a few actions each, or guessing the next task from
//! the last ones, gained nothing on the splits on which this was chosen.
//!
//! What it gains it gains by the estimator, which chooses and marks: its errors count as reward.
//! Marked by an estimator of other dialogues, it cannot be told from `greedy-knn-guarded`
//! (`peeksim reproduce tmo`, section `marked by other dialogues`).
//!
//! O(actions · tasks) queries of the estimator per decision, each for all actions in one state.

use super::model::{Cost, DialogueModel};
use super::policy::{OffloadPolicy, TurnContext};

/// How many actions, those with the best next rewards, are looked behind.
const BREADTH: usize = 16;

/// See the module.
pub(super) struct Lookahead {
    /// By turns before: the share of dialogues that go on after the turn that follows them.
    goes_on: Vec<f64>,
    /// By turns before: the mean of 1 / length of the dialogues that have more.
    weight: Vec<f64>,
    /// How often a turn after the first is of each task.
    tasks: Vec<f64>,
}

impl Lookahead {
    /// Learns how the dialogues to learn from go on.
    pub(super) fn new(model: &DialogueModel) -> Self {
        let lengths: Vec<usize> = model.train().map(|dialogue| dialogue.turns.len()).collect();
        let longer = |turns: usize| lengths.iter().copied().filter(move |length| *length > turns);
        let most = lengths.iter().copied().max().unwrap_or(0);
        let goes_on =
            |turns: usize| longer(turns + 1).count() as f64 / longer(turns).count() as f64;
        let weight = |turns: usize| {
            longer(turns).map(|length| 1.0 / length as f64).sum::<f64>()
                / longer(turns).count() as f64
        };
        // Once each to begin with: no task is ruled out for never having been seen.
        let mut tasks = vec![1.0; model.workload.tasks.len()];
        let later = model.train().flat_map(|dialogue| dialogue.turns.iter().skip(1));
        later.for_each(|turn| tasks[turn.task] += 1.0);
        let all: f64 = tasks.iter().sum();
        tasks.iter_mut().for_each(|count| *count /= all);
        let (goes_on, weight) = ((0..most).map(goes_on).collect(), (0..most).map(weight).collect());
        Self { goes_on, weight, tasks }
    }

    /// What a turn that follows `turns` others is worth in the mean over its dialogue. No dialogue
    /// that was learned from went on beyond the last; one that does may end at any turn.
    fn weight(&self, turns: usize) -> f64 {
        self.weight.get(turns).copied().unwrap_or(1.0 / (turns + 1) as f64)
    }
}

/// The rewards to expect of every action in `state`.
fn rewards(model: &DialogueModel, state: &[i8]) -> Vec<f64> {
    let mut scores = Vec::new();
    model.responses(state, &mut scores);
    let views = model.mean_association();
    scores.iter().enumerate().map(|(action, score)| model.reward(*score, views, action)).collect()
}

/// The best expected reward after action `first` was taken, the next turn being of `task` and the
/// lines as long as now.
fn then(context: &TurnContext<'_>, first: usize, task: usize) -> f64 {
    let TurnContext { model, past, state, spent, .. } = *context;
    let spent: Cost = spent.plus(context.wait(first)).plus(model.spend(first));
    let rewards = rewards(model, &model.after(state, first, task));
    let open = |action: &usize| context.fits(past.len() + 1, *action, spent);
    let value = |action: usize| rewards[action] - context.charge(action);
    (0..rewards.len()).filter(open).map(value).fold(f64::NEG_INFINITY, f64::max)
}

impl OffloadPolicy for Lookahead {
    fn choose(&mut self, context: &TurnContext<'_>) -> usize {
        let turns = context.past.len();
        let mut now = rewards(context.model, context.state);
        now.iter_mut().enumerate().for_each(|(action, reward)| *reward -= context.charge(action));
        let mut open: Vec<usize> =
            (0..now.len()).filter(|action| context.allows(*action)).collect();
        open.sort_by(|a, b| now[*b].total_cmp(&now[*a]));
        let goes_on = self.goes_on.get(turns).copied().unwrap_or(0.0);
        let mut best = (f64::NEG_INFINITY, 0);
        for action in open.into_iter().take(if goes_on > 0.0 { BREADTH } else { 1 }) {
            let mut value = self.weight(turns) * now[action];
            if goes_on > 0.0 {
                let next = self.tasks.iter().enumerate();
                let next: f64 = next.map(|(task, p)| p * then(context, action, task)).sum();
                value += goes_on * self.weight(turns + 1) * next;
            }
            if value > best.0 {
                best = (value, action);
            }
        }
        best.1
    }
}
