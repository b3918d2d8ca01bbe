//! Whether this question is the last of a run for a scheduler that lets requests wait.

use crate::contract::{Plan, RejectReason, Trigger, View};

/// Rejects all that wait if nothing else will happen: the plan decides nothing, and no worker is
/// busy or absent, so that no event follows but further arrivals, if there are any.
pub fn reject_the_rest(view: &View<'_>, trigger: Trigger<'_>, plan: &mut Plan) {
    let nothing_follows = || view.workers().all(|w| w.is_idle() && w.running().next().is_none());
    if trigger.woken && plan.decisions().is_empty() && nothing_follows() {
        view.pending().for_each(|request| plan.reject(request.id, RejectReason::Late));
    }
}
