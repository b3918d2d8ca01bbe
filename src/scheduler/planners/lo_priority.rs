//! Locally optimal in priority order: as `lo-edf`, but the request of highest priority goes first.
//!
//! Source: dndfrink/SERIF bd12bb8, locally optimal with any of six priorities. `mode = "dispatch"`
//! is ours: the same rule as a dispatcher that batches, for the two priorities whose order does not
//! change while requests wait.

use crate::contract::AccuracySource;
use crate::scheduler::SchedulerEntry;
use crate::scheduler::planners::locally_optimal::{Objective, read};
use crate::scheduler::planners::priority::{Priority, RequestOrder};

pub const ENTRY: SchedulerEntry = SchedulerEntry {
    name: "lo-priority",
    summary: "priority order, each request on its best worker and variant (locally optimal)",
    source: "dndfrink/SERIF bd12bb8 (locally optimal with priorities)",
    params: "priority = acc-deadline (acc-slack, util-deadline, util-range, util-max, util-rate), \
             priority_accuracy = profiled (or scheduler), mode = window (or dispatch, with \
             acc-deadline or acc-slack), tie_break = earliest-finish; window: window_ms = 0, \
             window_requests, window_max, plan_when_busy = false, max_batch = 32, merge_adjacent \
             = false; dispatch: max_batch = 32, batch = full, drop_policy = never",
    accuracy: Some(AccuracySource::Profiled),
    build: |fields, context| {
        let order = RequestOrder::Priority(Priority::read(fields, true));
        read(fields, context, order, Objective::Utility)
    },
};
