//! Requests in a random order, each batch on a random variant that its worker can run.
//!
//! A lower bound for any rule. It draws from its own stream: arrivals do not change.

use crate::contract::View;
use crate::core::ids::Request;
use crate::core::rng::Label;
use crate::scheduler::SchedulerEntry;
use crate::scheduler::dispatch::dispatcher::{BATCHING, Batching, DecisionContext, Dispatcher};
use rand::RngExt;

pub const ENTRY: SchedulerEntry = SchedulerEntry {
    name: "random",
    summary: "requests in random order, each batch on a random variant",
    source: "the floor that any rule must beat",
    settings: &[BATCHING],
    accuracy: None,
    build: |fields, context| {
        let batching = Batching::read(fields);
        let mut draws = context.rng.stream(Label::Scheduler);
        let rng = context.rng;
        let key = move |_: &View<'_>, request: &Request| {
            rng.keyed(Label::Scheduler, u64::from(request.id.number()), 0)
        };
        let rule = move |context: &DecisionContext<'_>| {
            let DecisionContext { view, worker, head, .. } = *context;
            let count = view.variants(worker, head.app).count();
            // No draw where no variant can run.
            if count == 0 {
                return None;
            }
            view.variants(worker, head.app).nth(draws.random_range(0..count))
        };
        Box::new(Dispatcher::new(context.catalog, key, rule, batching))
    },
};
