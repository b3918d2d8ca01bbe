//! One group per application, one variant per group: batching and few loads, without peeks at
//! the data.
//!
//! Source: dndfrink/SERIF bd12bb8 (grouped schedulers). Batching latency and greedy placement on
//! several workers are ours. `accuracy = "posterior"` averages each group's posterior.

use crate::contract::AccuracySource;
use crate::scheduler::SchedulerEntry;
use crate::scheduler::planners::group_planner::{GROUP_BY, GROUPS, GroupPlanner, ORDER};
use crate::scheduler::planners::planning_window::{MERGE, WINDOW};
use crate::scheduler::planners::priority::PRIORITY;
use crate::scheduler::tie_break::TIE_BREAK;

pub const ENTRY: SchedulerEntry = SchedulerEntry {
    name: "grouped",
    summary: "one group and one variant per application, placed by summed utility",
    source: "dndfrink/SERIF bd12bb8 (grouped schedulers)",
    settings: &[&[GROUP_BY, ORDER], GROUPS, PRIORITY, TIE_BREAK, WINDOW, MERGE],
    accuracy: Some(AccuracySource::Profiled),
    build: |fields, _| Box::new(GroupPlanner::read(fields)),
};
