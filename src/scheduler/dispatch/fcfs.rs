//! First come, first served: the oldest request, a fixed variant, a batch behind it.
//!
//! Source: the customary null scheduler. O(log n) per request.

use crate::scheduler::SchedulerEntry;
use crate::scheduler::dispatch::dispatcher::read_fixed;

pub const ENTRY: SchedulerEntry = SchedulerEntry {
    name: "fcfs",
    summary: "oldest request first, fixed variant, batches of one application",
    source: "customary null scheduler",
    params: "variant = fastest (or best, a name, or a name by app), max_batch = 32, \
             batch = full (or deadline-aware), drop_policy = never (or hopeless, late)",
    accuracy: None,
    build: |fields, context| read_fixed(fields, context, |request| request.arrival.0),
};
