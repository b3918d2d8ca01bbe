//! Which actions a budget allows: one rule for guarded planners, for masks while agents learn, and
//! for learned policies that were trained with a mask.
//!
//! An action is allowed if, once it is paid, what is left pays for local answers to all turns that
//! may follow. How many those are nobody knows: neither a policy nor an agent in training is told
//! how long its dialogue is. What is known is the length of the longest dialogue of the workload
//! ([`DialogueModel::longest`]), as somebody knows it who serves dialogues of a limited length; the
//! reserve is for a dialogue of that length. It is the same for every dialogue, so it tells nothing
//! about the one at hand.
//!
//! It follows that no dialogue whose local answers alone keep to the budget is ever beyond it. As
//! long as only local answers were given, the dialogue may go on so. Once another action was
//! allowed, the budget pays for local answers up to the longest dialogue, and every action that is
//! allowed later leaves as much. Where lines form, this holds as long as local answers need not
//! wait.

use super::model::Cost;
use super::policy::TurnContext;

impl TurnContext<'_> {
    /// Whether the budget allows `action`, its wait in line included. The local action is always
    /// allowed: there is no cheaper one. Where it has to wait that holds for money alone, and an
    /// action that takes no longer than it does is not refused for its time.
    pub fn allows(&self, action: usize) -> bool {
        self.fits(self.past.len(), action, self.spent)
    }

    /// The same for a turn after `turns` others that took `spent`, the lines being as long as now.
    pub(super) fn fits(&self, turns: usize, action: usize, spent: Cost) -> bool {
        let takes = |action| self.wait(action).plus(self.model.spend(action));
        let later = self.model.longest().saturating_sub(turns + 1);
        let reserve = self.model.spend(0).times(later as f64);
        let beyond = spent.plus(takes(action)).plus(reserve).beyond(self.budget);
        let quicker = self.waits_s[0] > 0.0 && takes(action).latency_s <= takes(0).latency_s;
        action == 0 || (beyond.usage_usd <= 0.0 && (beyond.latency_s <= 0.0 || quicker))
    }
}
