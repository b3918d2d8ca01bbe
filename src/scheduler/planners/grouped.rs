//! One group per application, one variant per group: batching and few swaps, without looking at
//! the data.
//!
//! Source: dndfrink/SERIF bd12bb8 (grouped schedulers). Batching latency and greedy placement on
//! several workers are ours. `accuracy = "posterior"` averages each group's posterior.

use crate::contract::AccuracySource;
use crate::scheduler::SchedulerEntry;
use crate::scheduler::planners::group_planner::{GroupBy, GroupPlanner};

pub const ENTRY: SchedulerEntry = SchedulerEntry {
    name: "grouped",
    summary: "one group and one variant per application, placed by summed utility",
    source: "dndfrink/SERIF bd12bb8 (grouped schedulers)",
    params: "group_by = app (class, by-variant), split = false, search = greedy (exact, auto), \
             order = deadline (or priority), group_order = deadline (or priority), priority = \
             acc-deadline, priority_accuracy = profiled (or scheduler), tie_break = \
             earliest-finish, window_ms = 0, window_requests, window_max, plan_when_busy = false, \
             max_batch = 32, merge_adjacent = false",
    accuracy: Some(AccuracySource::Profiled),
    build: |fields, _| Box::new(GroupPlanner::read(fields, GroupBy::App, false)),
};
