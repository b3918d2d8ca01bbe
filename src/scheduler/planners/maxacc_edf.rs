//! The accuracy-profiled baseline: earliest deadline first, each request on the variant of highest
//! accuracy, latency ignored.
//!
//! Source: the maximum-accuracy picker of dndfrink/SERIF bd12bb8; its combination with deadline
//! order, and the name, are ours. `mode = "dispatch"` is the same rule as a dispatcher that
//! batches.

use crate::contract::AccuracySource;
use crate::scheduler::SchedulerEntry;
use crate::scheduler::planners::locally_optimal::{Objective, SETTINGS, read};
use crate::scheduler::planners::priority::RequestOrder;

pub const ENTRY: SchedulerEntry = SchedulerEntry {
    name: "maxacc-edf",
    summary: "deadline order, the most accurate variant whatever it takes (accuracy-profiled)",
    source: "dndfrink/SERIF bd12bb8 (maximum accuracy), in deadline order",
    settings: SETTINGS,
    accuracy: Some(AccuracySource::Profiled),
    build: |fields, context| read(fields, context, RequestOrder::Deadline, Objective::Accuracy),
};
