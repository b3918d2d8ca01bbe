//! Bandits over (task, action): they estimate the mean reward of every pair, and ignore the rest of
//! the dialogue.

use super::generate::normal;
use super::model::DialogueModel;
use super::policy::{OffloadPolicy, TurnContext, best};
use crate::core::rng::{Label, Rng};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;

/// Share of random choices while learning.
const EPSILON: f64 = 0.1;

/// How a bandit explores.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rule {
    /// A random action with probability [`EPSILON`].
    EpsilonGreedy,
    /// Mean plus `sqrt(2 ln n / n_a)`; every action is tried once first.
    Ucb1,
    /// A draw from the normal law around `sum / (n_a + 1)` with variance `1 / (n_a + 1)`.
    Thompson,
}

/// Rewards of an action for a task.
#[derive(Clone, Copy, Debug, Default)]
struct Arm {
    sum: f64,
    count: f64,
}

impl Arm {
    fn mean(self) -> f64 {
        if self.count > 0.0 { self.sum / self.count } else { f64::NEG_INFINITY }
    }
}

/// A bandit with separate arms for each task.
pub(super) struct Bandit {
    rule: Rule,
    /// By task and action.
    arms: Vec<Vec<Arm>>,
    rng: ChaCha8Rng,
    settled: bool,
}

impl Bandit {
    pub(super) fn new(rule: Rule, model: &DialogueModel, rng: Rng) -> Self {
        let arms = vec![vec![Arm::default(); model.actions().len()]; model.workload.tasks.len()];
        Self { rule, arms, rng: rng.stream(Label::Policy), settled: false }
    }
}

impl OffloadPolicy for Bandit {
    fn choose(&mut self, context: &TurnContext<'_>) -> usize {
        let arms = self.arms[context.turn().task].iter().copied().enumerate();
        let rng = &mut self.rng;
        match self.rule {
            Rule::EpsilonGreedy if !self.settled && rng.random_range(0.0..1.0) < EPSILON => {
                rng.random_range(0..arms.len())
            }
            Rule::Ucb1 if !self.settled => {
                let all: f64 = arms.clone().map(|(_, arm)| arm.count).sum();
                let bonus = |arm: Arm| libm::sqrt(2.0 * libm::log(all) / arm.count);
                best(arms.map(|(at, arm)| {
                    (at, if arm.count > 0.0 { arm.mean() + bonus(arm) } else { f64::INFINITY })
                }))
            }
            Rule::Thompson if !self.settled => best(arms.map(|(at, arm)| {
                let noise = normal(rng, 0.0, 1.0) / libm::sqrt(arm.count + 1.0);
                (at, arm.sum / (arm.count + 1.0) + noise)
            })),
            _ => best(arms.map(|(at, arm)| (at, arm.mean()))),
        }
    }

    fn learn(&mut self, context: &TurnContext<'_>, action: usize, reward: f64) {
        let arm = &mut self.arms[context.turn().task][action];
        *arm = Arm { sum: arm.sum + reward, count: arm.count + 1.0 };
    }

    fn learns(&self) -> bool {
        true
    }

    fn settle(&mut self) {
        self.settled = true;
    }
}
