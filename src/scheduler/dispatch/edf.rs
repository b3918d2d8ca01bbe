//! Earliest deadline first: the request that is due next, a fixed variant, a batch behind it.
//!
//! Source: Jackson 1955; Liu and Layland, JACM 1973. Optimal for the largest lateness on one
//! machine when all are there from the start; collapses in overload (late requests go first).
//! O(log n) per request.

use crate::scheduler::SchedulerEntry;
use crate::scheduler::dispatch::dispatcher::{BATCHING, FIXED, read_fixed};

pub const ENTRY: SchedulerEntry = SchedulerEntry {
    name: "edf",
    summary: "earliest deadline first, fixed variant, batches of one application",
    source: "Jackson 1955; Liu and Layland, JACM 1973",
    settings: &[FIXED, BATCHING],
    accuracy: None,
    build: |fields, context| read_fixed(fields, context, |request| request.deadline.0),
};
