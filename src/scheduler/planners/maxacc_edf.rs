//! The accuracy-profiled baseline: earliest deadline first, each request on the variant of highest
//! accuracy, latency ignored.
//!
//! Source: the maximum-accuracy picker of dndfrink/SERIF bd12bb8; its combination with deadline
//! order, and the name, are ours. `mode = "dispatch"` is the same rule as a dispatcher that
//! batches.

use crate::contract::AccuracySource;
use crate::scheduler::SchedulerEntry;
use crate::scheduler::dispatch::dispatcher::BATCHING;
use crate::scheduler::planners::locally_optimal::{MODE, Objective, read};
use crate::scheduler::planners::planning_window::{MERGE, WINDOW};
use crate::scheduler::planners::priority::RequestOrder;
use crate::scheduler::tie_break::TIE_BREAK;

pub const ENTRY: SchedulerEntry = SchedulerEntry {
    name: "maxacc-edf",
    summary: "deadline order, the most accurate variant whatever it takes (accuracy-profiled)",
    source: "dndfrink/SERIF bd12bb8 (maximum accuracy), in deadline order",
    settings: &[MODE, TIE_BREAK, WINDOW, MERGE, BATCHING],
    accuracy: Some(AccuracySource::Profiled),
    build: |fields, context| read(fields, context, RequestOrder::Deadline, Objective::Accuracy),
};
