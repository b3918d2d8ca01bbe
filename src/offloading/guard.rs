//! Which actions a budget allows: one rule for guarded planners, for masks of agents in training,
//! and for policies that were trained with a mask.
//!
//! An action is allowed if what is left of the budget after its cost pays for local answers to all
//! turns that may follow. The length of the dialogue at hand is unknown to policies and agents; the
//! reserve is for the longest dialogue of the workload ([`DialogueModel::longest`]), a limit that a
//! service may know. It is the same for every dialogue and so reveals nothing about the current
//! one.
//!
//! It follows that no dialogue whose local answers alone keep the budget exceeds it. While all
//! answers were local, the dialogue may stay local. Once another action was allowed, the budget
//! pays for local answers up to the longest dialogue, and every action that is allowed later keeps
//! that reserve. With many users this holds as long as local answers do not wait, and no worker
//! fails or is slower than its costs say.

#[cfg(doc)]
use super::model::DialogueModel;
use super::policy::TurnContext;

impl TurnContext<'_> {
    /// Whether the budget allows `action`, waiting included. The local action is always allowed, as
    /// the cheapest one. If it has to wait, actions that end no later than it are not refused for
    /// their time.
    pub fn allows(&self, action: usize) -> bool {
        let later = self.model.longest().saturating_sub(self.past.len() + 1);
        let reserve = self.model.spend(0).times(later as f64);
        let cost = self.cost(action);
        let beyond = self.spent.plus(cost).plus(reserve).beyond(self.budget);
        let quicker = self.wait_s(0) > 0.0 && cost.latency_s <= self.cost(0).latency_s;
        action == 0 || (beyond.usage_usd <= 0.0 && (beyond.latency_s <= 0.0 || quicker))
    }
}
