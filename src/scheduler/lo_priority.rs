//! Locally optimal in priority order: as `lo-edf`, but the request of highest priority goes first.
//!
//! Source: dndfrink/SERIF bd12bb8, locally optimal with any of six priorities. `mode = "dispatch"` is
//! ours: the same rule as a dispatcher that batches, for the two priorities whose order does not
//! change while requests wait.

use super::SchedulerEntry;
use super::dispatch::BATCHING;
use super::locally_optimal::{MODE, Objective, read};
use super::planning_window::{MERGE, TIE_BREAK, WINDOW};
use super::priority::{PRIORITY, Priority, RequestOrder};
use crate::contract::AccuracySource;

pub(super) const ENTRY: SchedulerEntry = SchedulerEntry {
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
