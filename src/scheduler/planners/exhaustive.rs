//! Brute force: every order of the waiting requests and every variant of each, one by one on one
//! worker, the best mean utility wins.
//!
//! n! · Mⁿ plans: it takes the oldest requests only, as many as give two million plans at most.
//! A yardstick for tiny windows, not a scheduler for load.
//!
//! Source: dndfrink/SERIF bd12bb8 (brute force).

use crate::contract::AccuracySource;
use crate::scheduler::SchedulerEntry;
use crate::scheduler::planners::group_planner::GroupPlanner;

pub const ENTRY: SchedulerEntry = SchedulerEntry {
    name: "exhaustive",
    summary: "every order and variant of the oldest few requests, without batching (brute force)",
    source: "dndfrink/SERIF bd12bb8 (brute force)",
    params: "tie_break = earliest-finish, window_ms = 0, window_requests, window_max, \
             plan_when_busy = false, merge_adjacent = false, max_batch = 32 (of what is merged)",
    accuracy: Some(AccuracySource::Profiled),
    build: |fields, _| Box::new(GroupPlanner::one_by_one(fields)),
};
