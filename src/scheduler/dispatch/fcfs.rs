//! First come, first served: the oldest request, a fixed variant, a batch behind it.
//!
//! Source: the customary null scheduler. O(log n) per request.

use crate::scheduler::SchedulerEntry;
use crate::scheduler::dispatch::dispatcher::{BATCHING, FIXED, read_fixed};

pub const ENTRY: SchedulerEntry = SchedulerEntry {
    name: "fcfs",
    summary: "oldest request first, fixed variant, batches of one application",
    source: "customary null scheduler",
    settings: &[FIXED, BATCHING],
    accuracy: None,
    build: |fields, context| read_fixed(fields, context, |request| request.arrival.0),
};
