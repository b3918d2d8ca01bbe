//! Locally optimal in priority order: as `lo-edf`, but the request of highest priority goes first.
//!
//! Source: dndfrink/SERIF bd12bb8, locally optimal with any of six priorities. `mode = "dispatch"`
//! is ours: the same rule as a dispatcher that batches, for the two priorities whose order does not
//! change while requests wait.

use crate::contract::AccuracySource;
use crate::scheduler::SchedulerEntry;
use crate::scheduler::dispatch::dispatcher::BATCHING;
use crate::scheduler::planners::locally_optimal::{MODE, Objective, read};
use crate::scheduler::planners::planning_window::{MERGE, WINDOW};
use crate::scheduler::planners::priority::{PRIORITY, Priority, RequestOrder};
use crate::scheduler::tie_break::TIE_BREAK;

pub const ENTRY: SchedulerEntry = SchedulerEntry {
    name: "lo-priority",
    summary: "priority order, each request on its best worker and variant (locally optimal)",
    source: "dndfrink/SERIF bd12bb8 (locally optimal with priorities)",
    settings: &[PRIORITY, MODE, TIE_BREAK, WINDOW, MERGE, BATCHING],
    accuracy: Some(AccuracySource::Profiled),
    build: |fields, context| {
        let order = RequestOrder::Priority(Priority::read(fields, true));
        read(fields, context, order, Objective::Utility)
    },
};
