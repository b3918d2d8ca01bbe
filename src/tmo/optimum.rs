//! The best that could be decided about a dialogue by someone who knows all its turns: every
//! sequence of decisions, with or without a budget.
//!
//! The expected scores of all (2^X + 1)^T paths are asked for once; branch and bound over that
//! table then finds the best sequence within any budget. O(paths) queries: short dialogues only.

use super::evaluate::Visit;
use super::world::{Resources, World};

/// More paths than this are not enumerated.
const MAX_PATHS: usize = 2_000_000;

/// Rewards of every turn after every path of decisions.
pub struct Tree<'a> {
    world: &'a World,
    dialogue: usize,
    /// By turn: entry path · actions + action.
    responses: Vec<Vec<f64>>,
    rewards: Vec<Vec<f64>>,
    /// The most that the turns from here to the end can bring.
    rest: Vec<f64>,
}

impl<'a> Tree<'a> {
    /// Asks for every path; `None` if there are more than two million.
    pub fn new(world: &'a World, dialogue: usize) -> Option<Self> {
        let turns = &world.workload.dialogues[dialogue].turns;
        let actions = world.actions().len();
        let paths = actions.checked_pow(u32::try_from(turns.len()).ok()?)?;
        if paths > MAX_PATHS {
            return None;
        }
        let (mut responses, mut rewards) = (Vec::new(), Vec::new());
        let (mut state, mut past, mut scores) = (Vec::new(), Vec::new(), Vec::new());
        let mut count = 1;
        for (at, turn) in turns.iter().enumerate() {
            let mut level = Vec::with_capacity(count * actions);
            for path in 0..count {
                decode(path, at, actions, &mut past);
                world.state(&world.workload.dialogues[dialogue], &past, &mut state);
                world.responses(&state, &mut scores);
                level.extend_from_slice(&scores);
            }
            let reward = |(at, response): (usize, &f64)| {
                world.reward(*response, &turn.association, at % actions)
            };
            rewards.push(level.iter().enumerate().map(reward).collect::<Vec<f64>>());
            responses.push(level);
            count *= actions;
        }
        let mut rest = vec![0.0; turns.len() + 1];
        for at in (0..turns.len()).rev() {
            let best = rewards[at].iter().copied().fold(f64::NEG_INFINITY, f64::max);
            rest[at] = rest[at + 1] + best;
        }
        Some(Self { world, dialogue, responses, rewards, rest })
    }

    /// The sequence with the highest mean reward whose total is within `budget`; the first of
    /// equals in the order of actions. `None` if no sequence keeps to the budget.
    pub fn best(&self, budget: Option<Resources>) -> Option<Visit> {
        let mut search =
            Search { tree: self, budget, best: f64::NEG_INFINITY, path: None, past: Vec::new() };
        search.descend(0, 0.0, Resources::default());
        let path = search.path?;
        let mut visit = Visit::default();
        let turns = &self.world.workload.dialogues[self.dialogue].turns;
        let mut at = 0;
        for ((action, turn), responses) in path.iter().zip(turns).zip(&self.responses) {
            at = at * self.world.actions().len() + action;
            visit.add(self.world, responses[at], &turn.association, *action);
        }
        Some(visit.averaged())
    }
}

struct Search<'a> {
    tree: &'a Tree<'a>,
    budget: Option<Resources>,
    best: f64,
    path: Option<Vec<usize>>,
    past: Vec<usize>,
}

impl Search<'_> {
    fn descend(&mut self, path: usize, reward: f64, spent: Resources) {
        let (tree, turn) = (self.tree, self.past.len());
        if turn == tree.rewards.len() {
            if reward > self.best {
                self.best = reward;
                self.path = Some(self.past.clone());
            }
            return;
        }
        let actions = tree.world.actions().len();
        for action in 0..actions {
            let next = path * actions + action;
            let reward = reward + tree.rewards[turn][next];
            let spent = spent.plus(tree.world.spend(action));
            let affordable = self.budget.is_none_or(|budget| spent.within(budget));
            if affordable && reward + tree.rest[turn + 1] > self.best {
                self.past.push(action);
                self.descend(next, reward, spent);
                self.past.pop();
            }
        }
    }
}

/// The decisions of the path with this number, first turn first.
fn decode(mut path: usize, turns: usize, actions: usize, into: &mut Vec<usize>) {
    into.clear();
    into.resize(turns, 0);
    for slot in into.iter_mut().rev() {
        *slot = path % actions;
        path /= actions;
    }
}
