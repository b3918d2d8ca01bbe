//! Chance: requests in a random order, each batch on a random variant that its worker can run.
//!
//! The floor that any rule must beat. Its coins are its own: they change nobody's arrivals.

use super::SchedulerEntry;
use super::dispatch::{BATCHING, Batching, DecisionContext, Dispatcher, VariantChoice};
use crate::contract::View;
use crate::core::rng::Label;
use rand::RngExt;

pub(super) const ENTRY: SchedulerEntry = SchedulerEntry {
    name: "random",
    summary: "requests in random order, each batch on a random variant",
    source: "the floor that any rule must beat",
    settings: &[BATCHING],
    accuracy: None,
    build: |fields, context| {
        let batching = Batching::read(fields);
        let mut coins = context.rng.stream(Label::Scheduler);
        let rng = context.rng;
        let key = Box::new(move |_: &View<'_>, request: &crate::core::ids::Request| {
            rng.keyed(Label::Scheduler, u64::from(request.id.number()), 0)
        });
        let rule = move |moment: &DecisionContext<'_>| {
            let DecisionContext { view, worker, head, .. } = *moment;
            let count = view.variants(worker, head.app).count();
            // No coin where nothing can run: others would fall differently.
            if count == 0 {
                return None;
            }
            view.variants(worker, head.app).nth(coins.random_range(0..count))
        };
        let choice = VariantChoice::Rule(Box::new(rule));
        Box::new(Dispatcher::new(context.catalog, key, choice, batching))
    },
};
