//! Requests in a random order, each batch on a random variant that its worker can run.
//!
//! The floor that any rule must beat. It draws from a stream of its own: arrivals do not change.

use crate::contract::View;
use crate::core::rng::Label;
use crate::scheduler::SchedulerEntry;
use crate::scheduler::dispatch::dispatcher::{
    BATCHING, Batching, DecisionContext, Dispatcher, VariantChoice,
};
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
        let key = Box::new(move |_: &View<'_>, request: &crate::core::ids::Request| {
            rng.keyed(Label::Scheduler, u64::from(request.id.number()), 0)
        });
        let rule = move |context: &DecisionContext<'_>| {
            let DecisionContext { view, worker, head, .. } = *context;
            let count = view.variants(worker, head.app).count();
            // Nothing is drawn where nothing can run: later draws stay the same.
            if count == 0 {
                return None;
            }
            view.variants(worker, head.app).nth(draws.random_range(0..count))
        };
        let choice = VariantChoice::Rule(Box::new(rule));
        Box::new(Dispatcher::new(context.catalog, key, choice, batching))
    },
};
