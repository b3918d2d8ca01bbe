//! The optimum of a tiny window: of every order of the waiting requests and every variant of each,
//! one by one on one worker, the best mean utility wins.
//!
//! n! · Mⁿ plans: it takes the oldest requests only, as many as give two million plans at most.
//! A yardstick for tiny windows, not a scheduler for load.
//!
//! Source: dndfrink/SERIF bd12bb8 (brute force).

use crate::contract::AccuracySource;
use crate::scheduler::SchedulerEntry;
use crate::scheduler::planners::group_planner::GroupPlanner;
use crate::scheduler::planners::planning_window::{MERGE, WINDOW};
use crate::scheduler::tie_break::TIE_BREAK;

pub const ENTRY: SchedulerEntry = SchedulerEntry {
    name: "exhaustive",
    summary: "every order and variant of the oldest few requests, without batching (brute force)",
    source: "dndfrink/SERIF bd12bb8 (brute force)",
    settings: &[TIE_BREAK, WINDOW, MERGE],
    accuracy: Some(AccuracySource::Profiled),
    build: |fields, _| Box::new(GroupPlanner::one_by_one(fields)),
};
