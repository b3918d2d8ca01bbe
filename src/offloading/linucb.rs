//! A linear contextual bandit with prices on time and money.
//!
//! Disjoint `LinUCB` (Li, Chu, Langford, Schapire, WWW 2010, algorithm 1): for each action a ridge
//! regression of the reward on the turn's features (task, where and with which views the previous
//! turn was answered) and a bonus of `WIDTH` standard deviations. The inverse is kept by rank-one
//! updates (Sherman and Morrison 1950). Budgets are handled as in primal-dual methods for bandits
//! with knapsacks (Badanidiyuru, Kleinberg, Slivkins, FOCS 2013): the cost of an action, as a share
//! of the budget, is charged at a price that rises after a dialogue beyond the budget and falls
//! after one within it. The combination and its constants are ours.

use super::action::Action;
use super::cost::Cost;
use super::model::DialogueModel;
use super::policy::{OffloadPolicy, TurnContext, best};

/// Width of the confidence bonus while learning, in standard deviations.
const WIDTH: f64 = 1.0;
/// Change of a price per dialogue and share of the budget.
const RATE: f64 = 0.02;

/// The regression of one action.
struct Arm {
    /// Inverse of the regularised second moments, by row.
    inverse: Vec<f64>,
    /// Sum of reward times features.
    moments: Vec<f64>,
}

/// The bandit.
pub(super) struct LinUcb {
    /// Number of features.
    features: usize,
    /// By action.
    arms: Vec<Arm>,
    /// Reward charged for the whole budget of time, and of money.
    prices: [f64; 2],
    settled: bool,
}

impl LinUcb {
    pub(super) fn new(model: &DialogueModel) -> Self {
        let features = model.workload.tasks.len() + model.actions().views() + 2;
        let identity = (0..features * features)
            .map(|at| if at / features == at % features { 1.0 } else { 0.0 })
            .collect::<Vec<f64>>();
        let arm = |_| Arm { inverse: identity.clone(), moments: vec![0.0; features] };
        let arms = (0..model.actions().len()).map(arm).collect();
        Self { features, arms, prices: [0.0; 2], settled: false }
    }

    /// The task (one-hot), whether this is the first turn, where the previous turn was answered,
    /// and its views.
    fn observe(&self, context: &TurnContext<'_>) -> Vec<f64> {
        let mut features = vec![0.0; self.features];
        let tasks = context.model.workload.tasks.len();
        features[context.turn().task] = 1.0;
        match context.past.last() {
            None => features[tasks] = 1.0,
            Some(action) => {
                let action = context.model.actions().get(*action);
                features[tasks + 1] = f64::from(u8::from(action != Action::Local));
                for (view, slot) in features[tasks + 2..].iter_mut().enumerate() {
                    *slot = f64::from(u8::from(action.uploads(view)));
                }
            }
        }
        features
    }
}

/// A square matrix, stored by row, times a vector.
fn times(matrix: &[f64], vector: &[f64]) -> Vec<f64> {
    matrix.chunks_exact(vector.len()).map(|row| dot(row, vector)).collect()
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

impl OffloadPolicy for LinUcb {
    fn choose(&mut self, context: &TurnContext<'_>) -> usize {
        let features = self.observe(context);
        best(self.arms.iter().enumerate().map(|(action, arm)| {
            let spread = times(&arm.inverse, &features);
            let variance = dot(&spread, &features);
            let bonus = if self.settled { 0.0 } else { WIDTH * libm::sqrt(variance) };
            let shares = context.model.spend(action).shares(context.budget);
            (action, dot(&spread, &arm.moments) + bonus - dot(&self.prices, &shares))
        }))
    }

    fn learn(&mut self, context: &TurnContext<'_>, action: usize, reward: f64) {
        let features = self.observe(context);
        let arm = &mut self.arms[action];
        let spread = times(&arm.inverse, &features);
        let scale = 1.0 / (1.0 + dot(&spread, &features));
        for (row, a) in arm.inverse.chunks_exact_mut(self.features).zip(&spread) {
            row.iter_mut().zip(&spread).for_each(|(cell, b)| *cell -= scale * a * b);
        }
        arm.moments.iter_mut().zip(&features).for_each(|(sum, x)| *sum += reward * x);
    }

    fn finish(&mut self, spent: Cost, budget: Cost) {
        for (price, share) in self.prices.iter_mut().zip(spent.shares(budget)) {
            *price = (*price + RATE * (share - 1.0)).max(0.0);
        }
    }

    fn learns(&self) -> bool {
        true
    }

    fn settle(&mut self) {
        self.settled = true;
    }
}
