//! The best sequence of decisions about a dialogue whose turns are all known, with or without a
//! budget.
//!
//! The score of an answer depends on the last Z decisions alone, so a state of the search is as
//! many decisions. The expected score of every action in every state is computed once; without a
//! budget, dynamic programming from the last turn to the first then finds the best sequence.
//!
//! A budget makes it a shortest path with two limited resources, which is solved exactly (Handler
//! and Zang, Networks 10, 1980). Dynamic programming with prices on seconds and dollars bounds the
//! rewards from a state on; the prices are moved by Polyak's subgradient rule. Then labels (state,
//! reward, spent) are extended turn by turn. A label is dropped if the cheapest answers to the
//! other turns would exceed the budget, if its bound is below the best sequence known, or if
//! another label of its state has earned as much and spent no more.
//!
//! O(turns · actions^(Z + 1)) expected scores: twelve turns of three views take a few million.

use super::cost::Cost;
use super::evaluate::{DialogueResult, replay};
use super::model::DialogueModel;
use super::policy::best;

/// Largest number of actions over all turns and states.
pub const MAX_DECISIONS: usize = 5_000_000;
/// Number of updates of the prices.
const UPDATES: usize = 40;
/// Rewards and shares of a budget that differ by less count as equal.
const EQUAL: f64 = 1e-11;

/// Number of states before a turn.
fn states(model: &DialogueModel, turn: usize) -> Option<usize> {
    model.actions().len().checked_pow(u32::try_from(turn.min(model.params.window)).ok()?)
}

/// Number of decisions about a dialogue, over all turns and states; `None` if there are more than
/// [`MAX_DECISIONS`].
pub fn decisions(model: &DialogueModel, dialogue: usize) -> Option<usize> {
    let turns = 0..model.workload.dialogues[dialogue].turns.len();
    let mut all = 0usize;
    for turn in turns {
        all = all.checked_add(states(model, turn)?.checked_mul(model.actions().len())?)?;
        if all > MAX_DECISIONS {
            return None;
        }
    }
    Some(all)
}

/// Rewards of every action in every state of a dialogue.
pub struct Tree<'a> {
    model: &'a DialogueModel,
    /// Index into the dialogues of the workload.
    dialogue: usize,
    /// Number of actions.
    actions: usize,
    /// By turn: rewards at index state · actions + action.
    rewards: Vec<Vec<f64>>,
    /// By action.
    costs: Vec<Cost>,
}

impl<'a> Tree<'a> {
    /// Computes all rewards; `None` if there are more than [`MAX_DECISIONS`] decisions.
    pub fn new(model: &'a DialogueModel, dialogue: usize) -> Option<Self> {
        decisions(model, dialogue)?;
        let turns = &model.workload.dialogues[dialogue].turns;
        let (actions, window) = (model.actions().len(), model.params.window);
        let mut rewards = Vec::with_capacity(turns.len());
        let (mut state, mut past, mut scores) = (Vec::new(), Vec::new(), Vec::new());
        for (at, turn) in turns.iter().enumerate() {
            let mut level = Vec::new();
            for number in 0..states(model, at)? {
                decode(number, at, at.min(window), actions, &mut past);
                model.state(&model.workload.dialogues[dialogue], &past, &mut state);
                model.responses(&state, &mut scores);
                let reward = |(action, response): (usize, &f64)| {
                    model.reward(*response, &turn.association, action)
                };
                level.extend(scores.iter().enumerate().map(reward));
            }
            rewards.push(level);
        }
        let costs = (0..actions).map(|action| model.spend(action)).collect();
        Some(Self { model, dialogue, actions, rewards, costs })
    }

    /// The sequence with the highest mean reward whose total is within `budget`, the first of equal
    /// ones in the order of actions. `None` if no sequence keeps the budget.
    pub fn best(&self, budget: Option<Cost>) -> Option<DialogueResult> {
        let path = match budget {
            None => self.follow(&self.values([0.0; 2]), [0.0; 2]),
            Some(budget) => Search::new(self, budget).labels()?,
        };
        Some(replay(self.model, self.dialogue, &path))
    }

    fn turns(&self) -> usize {
        self.rewards.len()
    }

    /// The state after an action.
    fn next(&self, turn: usize, state: usize, action: usize) -> usize {
        let next = state * self.actions + action;
        let states = self.rewards.get(turn + 1).map_or(1, |level| level.len() / self.actions);
        next % states
    }

    /// The greatest and the least cost of an action, of time and of money.
    fn extreme(&self, of: fn(f64, f64) -> f64) -> Cost {
        self.costs.iter().copied().reduce(|a, b| a.zip(b, of)).unwrap_or_default()
    }

    /// By turn and state: the highest sum of rewards less the prices of costs from there on, at
    /// prices by second and by dollar.
    fn values(&self, prices: [f64; 2]) -> Vec<Vec<f64>> {
        let charges: Vec<f64> = self.costs.iter().map(|cost| charge(prices, *cost)).collect();
        let mut values = vec![vec![0.0]];
        for (turn, level) in self.rewards.iter().enumerate().rev() {
            let after = &values[values.len() - 1];
            let best = |(state, rewards): (usize, &[f64])| {
                let value = |action: usize| {
                    rewards[action] - charges[action] + after[self.next(turn, state, action)]
                };
                (0..self.actions).map(value).fold(f64::NEG_INFINITY, f64::max)
            };
            let here = level.chunks_exact(self.actions).enumerate().map(best).collect();
            values.push(here);
        }
        values.reverse();
        values
    }

    /// The sequence of these values, the first of equal actions.
    fn follow(&self, values: &[Vec<f64>], prices: [f64; 2]) -> Vec<usize> {
        let (mut state, mut path) = (0, Vec::new());
        for (turn, level) in self.rewards.iter().enumerate() {
            let value = |action: usize| {
                level[state * self.actions + action] - charge(prices, self.costs[action])
                    + values[turn + 1][self.next(turn, state, action)]
            };
            let action = best((0..self.actions).map(|action| (action, value(action))));
            path.push(action);
            state = self.next(turn, state, action);
        }
        path
    }

    /// The sum of rewards of a sequence, and its cost.
    fn total(&self, path: &[usize]) -> (f64, Cost) {
        let (mut state, mut reward, mut spent) = (0, 0.0, Cost::default());
        for (turn, action) in path.iter().enumerate() {
            reward += self.rewards[turn][state * self.actions + action];
            spent = spent.plus(self.costs[*action]);
            state = self.next(turn, state, *action);
        }
        (reward, spent)
    }
}

fn charge(prices: [f64; 2], cost: Cost) -> f64 {
    prices[0] * cost.latency_s + prices[1] * cost.usage_usd
}

/// A sequence of decisions up to some turn.
#[derive(Clone, Copy)]
struct Label {
    state: usize,
    /// Sum of rewards.
    reward: f64,
    spent: Cost,
    /// Index of the label that it extends, among those of the turn before.
    from: usize,
    /// The last action.
    action: usize,
}

/// The search within a budget.
struct Search<'a> {
    tree: &'a Tree<'a>,
    budget: Cost,
    /// Prices by second and by dollar.
    prices: [f64; 2],
    /// [`Tree::values`] at these prices.
    values: Vec<Vec<f64>>,
    /// Sum of rewards of the best sequence known.
    least: f64,
}

impl<'a> Search<'a> {
    /// Moves the prices to where the bound is low.
    fn new(tree: &'a Tree<'a>, budget: Cost) -> Self {
        let (mut prices, mut least) = ([0.0; 2], f64::NEG_INFINITY);
        let mut bound = (f64::INFINITY, prices, Vec::new());
        // The most that a dialogue can cost.
        let most = tree.extreme(f64::max).times(tree.turns() as f64);
        for _ in 0..UPDATES {
            let values = tree.values(prices);
            let path = tree.follow(&values, prices);
            let dual = values[0][0] + charge(prices, budget);
            if dual < bound.0 {
                bound = (dual, prices, values);
            }
            let (reward, spent) = tree.total(&path);
            if spent.within(budget) {
                least = least.max(reward);
            }
            let gap = spent.minus(budget).shares(most);
            let square = gap[0] * gap[0] + gap[1] * gap[1];
            // If no sequence is known, one a tenth below the bound is assumed.
            let known = if least.is_finite() { least } else { dual - 0.1 * tree.turns() as f64 };
            if square == 0.0 || dual - known < EQUAL {
                break;
            }
            let step = (dual - known) / square;
            for ((price, gap), most) in prices.iter_mut().zip(gap).zip(most.parts()) {
                if most > 0.0 {
                    *price = (*price + step * gap / most).max(0.0);
                }
            }
        }
        let (_, prices, values) = bound;
        Self { tree, budget, prices, values, least }
    }

    /// An upper bound of the sums of rewards of sequences that extend a label. The tolerance of the
    /// budget is part of it.
    fn bound(&self, turn: usize, label: &Label) -> f64 {
        let left = self.budget.times(1.0 + 1e-9).minus(label.spent);
        label.reward + self.values[turn][label.state] + charge(self.prices, left)
    }

    /// The best sequence within the budget.
    fn labels(&self) -> Option<Vec<usize>> {
        let tree = self.tree;
        let cheapest = tree.extreme(f64::min);
        let spent = Cost::default();
        let mut levels = vec![vec![Label { state: 0, reward: 0.0, spent, from: 0, action: 0 }]];
        for turn in 0..tree.turns() {
            let later = cheapest.times((tree.turns() - turn - 1) as f64);
            let mut next = Vec::new();
            for (from, label) in levels[turn].iter().enumerate() {
                for action in 0..tree.actions {
                    let state = tree.next(turn, label.state, action);
                    let reward =
                        label.reward + tree.rewards[turn][label.state * tree.actions + action];
                    let spent = label.spent.plus(tree.costs[action]);
                    let label = Label { state, reward, spent, from, action };
                    let open = spent.plus(later).within(self.budget)
                        && self.bound(turn + 1, &label) >= self.least - 1e-9;
                    next.extend(open.then_some(label));
                }
            }
            levels.push(self.undominated(next));
        }
        let mut best: Option<(usize, f64)> = None;
        for (at, label) in levels[tree.turns()].iter().enumerate() {
            if best.is_none_or(|(_, reward)| label.reward > reward + EQUAL) {
                best = Some((at, label.reward));
            }
        }
        let (mut at, _) = best?;
        let mut path = Vec::new();
        for level in levels[1..].iter().rev() {
            path.push(level[at].action);
            at = level[at].from;
        }
        path.reverse();
        Some(path)
    }

    /// The labels without those that another one of their state dominates, in their order.
    fn undominated(&self, labels: Vec<Label>) -> Vec<Label> {
        let mut order: Vec<usize> = (0..labels.len()).collect();
        order.sort_by(|a, b| {
            let (one, other) = (&labels[*a], &labels[*b]);
            let states = one.state.cmp(&other.state);
            states.then(other.reward.total_cmp(&one.reward)).then(a.cmp(b))
        });
        let tolerance = self.budget.times(EQUAL);
        let mut kept = vec![false; labels.len()];
        let mut front: Vec<usize> = Vec::new();
        for at in order {
            let label = &labels[at];
            if front.first().is_some_and(|first| labels[*first].state != label.state) {
                front.clear();
            }
            let dominates = |other: &usize| {
                let spent = labels[*other].spent;
                spent.latency_s <= label.spent.latency_s + tolerance.latency_s
                    && spent.usage_usd <= label.spent.usage_usd + tolerance.usage_usd
            };
            if !front.iter().any(dominates) {
                front.push(at);
                kept[at] = true;
            }
        }
        labels.into_iter().zip(kept).filter(|(_, kept)| *kept).map(|(label, _)| label).collect()
    }
}

/// Writes the `turns` decisions before a state, by its number: the last `known` of them, 0 for
/// earlier ones, which do not matter.
fn decode(mut number: usize, turns: usize, known: usize, actions: usize, into: &mut Vec<usize>) {
    into.clear();
    into.resize(turns, 0);
    for slot in into.iter_mut().rev().take(known) {
        *slot = number % actions;
        number /= actions;
    }
}
