//! The contract of offloading policies: what they know about a turn, and what they decide.

use super::cost::Cost;
use super::model::DialogueModel;
use super::workload::Turn;

/// A turn that is to be decided, and the dialogue so far.
#[derive(Clone, Copy, Debug)]
pub struct TurnContext<'a> {
    /// Actions, costs and the estimator.
    pub model: &'a DialogueModel,
    /// Index into the dialogues of the workload.
    pub dialogue: usize,
    /// The actions of the earlier turns.
    pub past: &'a [usize],
    /// The state that follows from them.
    pub state: &'a [i8],
    /// The cost of the earlier turns.
    pub spent: Cost,
    /// The budget of the whole dialogue.
    pub budget: Cost,
    /// By kind of call ([`Actions::call_kind`](super::Actions::call_kind)): by how many seconds a
    /// call is expected to take longer than its costs say. It waits in queues, for a load or for a
    /// worker to come back; infinite if the worker never does. Below 0 where the network is faster
    /// than on average. Empty if no call waits.
    pub waits_s: &'a [f64],
}

impl<'a> TurnContext<'a> {
    /// The turn.
    pub fn turn(&self) -> &'a Turn {
        &self.model.workload.dialogues[self.dialogue].turns[self.past.len()]
    }

    /// By how many seconds a call of `action` is expected to take longer than its costs say.
    pub fn wait_s(&self, action: usize) -> f64 {
        let kind = self.model.actions().call_kind(action);
        self.waits_s.get(kind).copied().unwrap_or(0.0)
    }

    /// The cost of `action`, waiting included.
    pub fn cost(&self, action: usize) -> Cost {
        let call = self.model.spend(action);
        Cost { latency_s: self.wait_s(action) + call.latency_s, ..call }
    }

    /// What waiting takes off the reward of `action`.
    pub fn charge(&self, action: usize) -> f64 {
        self.model.charge_of_waiting(self.wait_s(action))
    }

    /// The action with the best expected reward, where answers have these scores by action and
    /// `views` these associations, among all actions or those that the budget allows.
    pub fn best_action(&self, scores: &[f64], views: &[f64], guarded: bool) -> usize {
        let open = (0..scores.len()).filter(|action| !guarded || self.allows(*action));
        let reward =
            |action: usize| self.model.reward(scores[action], views, action) - self.charge(action);
        best(open.map(|action| (action, reward(action))))
    }
}

/// The action with the highest value, the first of equal ones; 0 if no value is above −∞.
pub(super) fn best(values: impl IntoIterator<Item = (usize, f64)>) -> usize {
    let mut best = (0, f64::NEG_INFINITY);
    for (action, value) in values {
        if value > best.1 {
            best = (action, value);
        }
    }
    best.0
}

/// Decides about one turn after the other.
///
/// ```
/// use peeksim::core::rng::Rng;
/// use peeksim::offloading::evaluate::evaluate;
/// use peeksim::offloading::generate::like_m4a1;
/// use peeksim::offloading::{
///     Action, Cost, DialogueModel, ModelParams, OffloadPolicy, Scorer, TEST_SHARE, TurnContext,
/// };
/// use std::sync::Arc;
///
/// /// The first turn on the device, all others in the cloud without views.
/// struct DeviceFirst;
///
/// impl OffloadPolicy for DeviceFirst {
///     fn choose(&mut self, context: &TurnContext<'_>) -> usize {
///         let cloud = context.model.actions().index(Action::Cloud(0));
///         if context.past.is_empty() { 0 } else { cloud.unwrap_or(0) }
///     }
/// }
///
/// let workload = Arc::new(like_m4a1(50, Rng::new(1, 0)));
/// let split = workload.split(Rng::new(1, 0), TEST_SHARE);
/// let params = ModelParams::published()?;
/// let model = DialogueModel::new(workload, &split.train, params)?;
/// let (scorer, policy) = (Scorer::Estimator(&model), &mut DeviceFirst);
/// let results = evaluate(&model, scorer, &split.test, policy, Cost::PUBLISHED);
/// assert!(results.iter().all(|result| result.actions[..2] == [0, 1]));
/// # Ok::<(), peeksim::config::Problem>(())
/// ```
pub trait OffloadPolicy: Send {
    /// The action for a turn.
    fn choose(&mut self, context: &TurnContext<'_>) -> usize;
    /// Whether it learns on training dialogues, before [`Self::settle`] is called.
    fn learns(&self) -> bool {
        false
    }
    /// Learns from the reward of an action. Called only before [`Self::settle`].
    fn learn(&mut self, _context: &TurnContext<'_>, _action: usize, _reward: f64) {}
    /// Learns from the cost of a whole dialogue. Called only before [`Self::settle`].
    fn finish(&mut self, _spent: Cost, _budget: Cost) {}
    /// Ends learning: no more exploration.
    fn settle(&mut self) {}
}
