//! SneakPeek: look at the data with a cheap model, correct the profiled accuracy of each variant
//! per request by the class posterior, group requests by application and most likely class, and
//! give each group one variant, avoiding swaps; requests in a group go by priority.
//!
//! Source: Wolfrath, Frink, Chandra, SoCC 2025 (arXiv 2505.06641); formulas from the authors'
//! published code, dndfrink/SERIF bd12bb8. The body of the paper was not available: that it
//! groups, orders and searches as this does is not verified.

use crate::contract::AccuracySource;
use crate::scheduler::SchedulerEntry;
use crate::scheduler::planners::group_planner::{GroupBy, GroupPlanner};

pub const ENTRY: SchedulerEntry = SchedulerEntry {
    name: "sneakpeek",
    summary: "groups by application and most likely class, accuracies corrected by the posterior",
    source: "Wolfrath, Frink, Chandra, SoCC 2025; code dndfrink/SERIF bd12bb8",
    params: "group_by = class (app, by-variant), split = false, search = greedy (exact, auto), \
             order = priority (or deadline), group_order = deadline (or priority), priority = \
             acc-deadline, priority_accuracy = profiled (or scheduler), tie_break = \
             earliest-finish, window_ms = 0, window_requests, window_max, plan_when_busy = false, \
             max_batch = 32, merge_adjacent = false",
    accuracy: Some(AccuracySource::Posterior),
    build: |fields, _| Box::new(GroupPlanner::read(fields, GroupBy::Class, true)),
};
