//! Bandits that remember the mean reward of every action by task, and nothing else of a dialogue.

use super::model::DialogueModel;
use super::policy::{OffloadPolicy, TurnContext};
use crate::core::rng::{Label, Rng, standard_normal};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;

/// Share of choices made at random while learning.
const EPSILON: f64 = 0.1;

/// How a bandit explores.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rule {
    /// Now and then at random.
    EpsilonGreedy,
    /// Mean plus `sqrt(2 ln n / n_a)`; every action is tried once first.
    Ucb1,
    /// A draw from the normal law around `sum / (n_a + 1)` with variance `1 / (n_a + 1)`.
    Thompson,
}

/// An arm of one task.
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

/// Arms by task and action.
pub(super) struct Bandit {
    rule: Rule,
    arms: Vec<Vec<Arm>>,
    coins: ChaCha8Rng,
    settled: bool,
}

impl Bandit {
    pub(super) fn new(rule: Rule, model: &DialogueModel, rng: Rng) -> Self {
        let arms = vec![vec![Arm::default(); model.actions().len()]; model.workload.tasks.len()];
        Self { rule, arms, coins: rng.stream(Label::Policy), settled: false }
    }
}

impl OffloadPolicy for Bandit {
    fn choose(&mut self, context: &TurnContext<'_>) -> usize {
        let arms = &self.arms[context.turn().task];
        let coins = &mut self.coins;
        match self.rule {
            _ if self.settled => best(arms, Arm::mean),
            Rule::EpsilonGreedy if coins.random_range(0.0..1.0) < EPSILON => {
                coins.random_range(0..arms.len())
            }
            Rule::EpsilonGreedy => best(arms, Arm::mean),
            Rule::Ucb1 => {
                let all: f64 = arms.iter().map(|arm| arm.count).sum();
                best(arms, |arm| {
                    let bonus = libm::sqrt(2.0 * libm::log(all) / arm.count);
                    if arm.count > 0.0 { arm.mean() + bonus } else { f64::INFINITY }
                })
            }
            Rule::Thompson => best(arms, |arm| {
                let normal =
                    standard_normal(coins.random_range(0.0..1.0), coins.random_range(0.0..1.0));
                arm.sum / (arm.count + 1.0) + normal / libm::sqrt(arm.count + 1.0)
            }),
        }
    }

    fn learn(&mut self, context: &TurnContext<'_>, action: usize, reward: f64) {
        let arm = &mut self.arms[context.turn().task][action];
        *arm = Arm { sum: arm.sum + reward, count: arm.count + 1.0 };
    }

    fn settle(&mut self) {
        self.settled = true;
    }
}

/// The first arm with the highest value.
fn best(arms: &[Arm], mut value: impl FnMut(Arm) -> f64) -> usize {
    let mut best = (f64::NEG_INFINITY, 0);
    for (at, arm) in arms.iter().enumerate() {
        let value = value(*arm);
        if value > best.0 {
            best = (value, at);
        }
    }
    best.1
}
