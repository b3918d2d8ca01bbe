//! The contract of policies: what they know about a turn, and what they decide.

use super::model::{Cost, DialogueModel};
use super::workload::Turn;

/// A turn that waits for a decision, and what came before it.
#[derive(Clone, Copy, Debug)]
pub struct TurnContext<'a> {
    /// Actions, costs and the estimator.
    pub model: &'a DialogueModel,
    /// Which dialogue.
    pub dialogue: usize,
    /// The decisions about its earlier turns.
    pub past: &'a [usize],
    /// The state that follows from them.
    pub state: &'a [i8],
    /// What they took.
    pub spent: Cost,
    /// What the dialogue may take in all.
    pub budget: Cost,
    /// How long a call to the device, and one to the cloud, would wait in line, in seconds.
    pub waits_s: [f64; 2],
}

impl<'a> TurnContext<'a> {
    /// The turn.
    pub fn turn(&self) -> &'a Turn {
        &self.model.workload.dialogues[self.dialogue].turns[self.past.len()]
    }

    /// What `action` takes before its call begins.
    pub fn wait(&self, action: usize) -> Cost {
        Cost { latency_s: self.waits_s[usize::from(action > 0)], usage_usd: 0.0 }
    }

    /// What waiting takes off the reward of `action`.
    pub fn charge(&self, action: usize) -> f64 {
        self.model.charge_of_waiting(self.wait(action).latency_s)
    }

    /// The best action by the estimator where views go with the question as `views` say, among all
    /// or those that the budget allows; the first of equals.
    pub fn greedy(&self, views: &[f64], guarded: bool) -> usize {
        let mut best = (f64::NEG_INFINITY, 0);
        let mut responses = Vec::new();
        self.model.responses(self.state, &mut responses);
        for (action, response) in responses.into_iter().enumerate() {
            if guarded && !self.allows(action) {
                continue;
            }
            let reward = self.model.reward(response, views, action) - self.charge(action);
            if reward > best.0 {
                best = (reward, action);
            }
        }
        best.1
    }
}

/// Decides about one turn after the other.
pub trait OffloadPolicy: Send {
    /// The action for a turn.
    fn choose(&mut self, context: &TurnContext<'_>) -> usize;
    /// What came of an action while the policy learns.
    fn learn(&mut self, _moment: &TurnContext<'_>, _action: usize, _reward: f64) {}
    /// The end of a dialogue that took `spent` of `budget` while the policy learns.
    fn finish(&mut self, _spent: Cost, _budget: Cost) {}
    /// Learning is over: from now on only what looks best is chosen.
    fn settle(&mut self) {}
}
