//! Makes workers hold what a plan says.

use crate::contract::{Decision, Plan, Timeline, View};
use crate::core::ids::{VariantId, WorkerId};
use crate::core::units::Span;

/// A variant that a worker shall hold.
pub type Hosting = (WorkerId, VariantId);

/// Loads what each worker shall hold and will not, as far as all of it fits, in this order. What it
/// shall not hold leaves first, unless it is needed still.
pub fn settle(view: &View<'_>, hosts: &[Hosting], plan: &mut Plan) {
    let mut end = Timeline::default();
    for worker in view.workers() {
        let wanted = || hosts.iter().filter(|host| host.0 == worker.id).map(|host| host.1);
        view.backlog_end(worker.id, &mut end);
        let memory = view.catalog().worker(worker.id).memory_bytes;
        let (mut bytes, mut missing) = (0, Vec::new());
        for variant in wanted() {
            bytes += view.catalog().variant(variant).bytes;
            // What takes no time to load is loaded when it is needed.
            let takes_time = view.load_span(worker.id, variant) > Span::ZERO;
            if takes_time && bytes <= memory && !end.memory().contains(variant) {
                missing.push(variant);
            }
        }
        // What waits to run may need what is there.
        if !missing.is_empty() && worker.backlog_len() == 0 && worker.loading().is_none() {
            let running = worker.running().map(|(running, ..)| running);
            let weights = |variant| view.catalog().weights(variant);
            let needed: Vec<VariantId> = wanted().chain(running).map(weights).collect();
            let leaves = |variant: &VariantId| !needed.contains(&weights(*variant));
            worker.resident().filter(leaves).for_each(|variant| plan.evict(worker.id, variant));
        }
        missing.into_iter().for_each(|variant| plan.preload(worker.id, variant));
    }
}

/// Workers that a plan makes load something.
pub fn loads_first(plan: &Plan) -> impl Iterator<Item = WorkerId> {
    plan.decisions().iter().filter_map(|decision| match decision {
        Decision::Preload { worker, .. } => Some(*worker),
        _ => None,
    })
}
