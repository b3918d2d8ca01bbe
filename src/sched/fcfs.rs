//! First come, first served: the oldest request, a fixed variant, a batch behind it.
//!
//! Source: the customary null scheduler. O(log n) per request.

use super::Entry;
use super::dispatch::{Batching, Choice, Dispatcher, read_variant};

pub(super) const ENTRY: Entry = Entry {
    name: "fcfs",
    summary: "oldest request first, fixed variant, batches of one application",
    source: "customary null scheduler",
    params: "variant = fastest (or best, a name, or a name by app), max_batch = 32, \
             batch = full (or head-safe), drop = never (or hopeless, late)",
    accuracy: None,
    build: |fields, context| {
        let choice = Choice::Fixed(read_variant(fields, context));
        let batching = Batching::read(fields);
        let key = Box::new(|request: &crate::domain::Request| request.arrival.0);
        Box::new(Dispatcher::new(context.catalog, key, choice, batching))
    },
};
