//! `tmo-rl-plus`, our constrained agent: a planner that looks one turn beyond the next answer.
//!
//! Costs, reward and the response estimator are known when a turn is decided, so they need not be
//! learned. A decision affects later turns in two ways only: through the history in their state,
//! and through what is left of the budget. Unknown are whether another turn follows, and its task.
//! These are estimated from the training dialogues: how long dialogues are, and how often each task
//! comes after a first turn. The value of an action is then
//!
//! `w(t) · reward(a) + g(t) · w(t + 1) · Σ p(task) · max reward(a' | a, task)`
//!
//! where g is the share of dialogues that continue after turn t, w the mean of 1 / length of those
//! that reach it (the reward of a dialogue is a mean over its turns), and the maximum is over the
//! actions that the budget allows after a is paid. The best action that the budget allows is taken
//! (see [`super::guard`]), so no budget is exceeded that local answers keep. One policy serves
//! every budget. Waiting in queues counts as time and is taken off the reward.
//!
//! Like `greedy-knn` it knows neither later turns nor recorded scores, and uses mean associations.
//! Planning two to four turns ahead, or predicting the next task from the last ones, gained nothing
//! on the splits on which this planner was chosen.
//!
//! Its gain is a gain by the estimator that it plans with, whose errors count as reward (`peeksim
//! reproduce tmo`, section `scored by other dialogues`).
//!
//! O(actions · tasks) queries of the estimator per decision, each for all actions in one state.

use super::model::DialogueModel;
use super::policy::{OffloadPolicy, TurnContext, best};

/// Number of actions, those with the best next rewards, whose next turns are evaluated.
const BREADTH: usize = 16;

/// The planner, with its statistics of training dialogues.
pub(super) struct Lookahead {
    /// By number of earlier turns: the share of dialogues that continue after the next turn.
    continues: Vec<f64>,
    /// By number of earlier turns: the mean of 1 / length of the dialogues that have more.
    weights: Vec<f64>,
    /// By task: its share of the turns after the first.
    tasks: Vec<f64>,
}

impl Lookahead {
    /// Estimates lengths and tasks from the training dialogues.
    pub(super) fn new(model: &DialogueModel) -> Self {
        let lengths: Vec<usize> = model.train().map(|dialogue| dialogue.turns.len()).collect();
        let longer = |turns: usize| lengths.iter().copied().filter(move |length| *length > turns);
        let count = |turns: usize| longer(turns).count() as f64;
        let weight = |turns: usize| {
            longer(turns).map(|length| 1.0 / length as f64).sum::<f64>() / count(turns)
        };
        // Every task counts once more than it occurs: none is impossible.
        let mut tasks = vec![1.0; model.workload.tasks.len()];
        let later = model.train().flat_map(|dialogue| dialogue.turns.iter().skip(1));
        later.for_each(|turn| tasks[turn.task] += 1.0);
        let all: f64 = tasks.iter().sum();
        tasks.iter_mut().for_each(|count| *count /= all);
        let turns = 0..lengths.iter().copied().max().unwrap_or(0);
        let continues = turns.clone().map(|turns| count(turns + 1) / count(turns)).collect();
        Self { continues, weights: turns.map(weight).collect(), tasks }
    }

    /// Weight of a turn that follows `turns` others in the mean over its dialogue. Beyond the
    /// longest training dialogue, the turn is taken to be the last.
    fn weight(&self, turns: usize) -> f64 {
        self.weights.get(turns).copied().unwrap_or(1.0 / (turns + 1) as f64)
    }
}

/// By action: the expected reward in `state`, without waiting.
fn rewards(model: &DialogueModel, state: &[i8]) -> Vec<f64> {
    let mut scores = Vec::new();
    model.smoothed_responses(state, &mut scores);
    let views = model.mean_association();
    scores.iter().enumerate().map(|(action, score)| model.reward(*score, views, action)).collect()
}

/// The best expected reward of a next turn of `task` after action `first`, with the current queues.
fn next_reward(context: &TurnContext<'_>, first: usize, task: usize) -> f64 {
    let TurnContext { model, past, state, mut spent, .. } = *context;
    spent.latency_s += context.wait_s(first);
    let spent = spent.plus(model.spend(first));
    let rewards = rewards(model, &model.after(state, first, task));
    let open = |action: &usize| context.fits(past.len() + 1, *action, spent);
    let value = |action: usize| rewards[action] - context.charge(action);
    (0..rewards.len()).filter(open).map(value).fold(f64::NEG_INFINITY, f64::max)
}

impl OffloadPolicy for Lookahead {
    fn choose(&mut self, context: &TurnContext<'_>) -> usize {
        let turns = context.past.len();
        let mut rewards = rewards(context.model, context.state);
        rewards.iter_mut().enumerate().for_each(|(at, reward)| *reward -= context.charge(at));
        let mut open: Vec<usize> =
            (0..rewards.len()).filter(|action| context.allows(*action)).collect();
        open.sort_by(|a, b| rewards[*b].total_cmp(&rewards[*a]));
        let continues = self.continues.get(turns).copied().unwrap_or(0.0);
        open.truncate(if continues > 0.0 { BREADTH } else { 1 });
        best(open.into_iter().map(|action| {
            let mut value = self.weight(turns) * rewards[action];
            if continues > 0.0 {
                let tasks = self.tasks.iter().enumerate();
                let next: f64 = tasks.map(|(task, p)| p * next_reward(context, action, task)).sum();
                value += continues * self.weight(turns + 1) * next;
            }
            (action, value)
        }))
    }
}
