//! SneakPeek: peek at the data with a cheap model, correct the profiled accuracy of each variant
//! per request by the class posterior, group requests by application and most likely class, and
//! give each group one variant, avoiding loads; requests in a group go by priority.
//!
//! Source: Wolfrath, Frink, Chandra, SoCC 2025 (arXiv 2505.06641); formulas from the authors'
//! published code, dndfrink/SERIF bd12bb8. The body of the paper was not available: that it
//! groups, orders and searches as this does is not verified.

use crate::contract::AccuracySource;
use crate::scheduler::SchedulerEntry;
use crate::scheduler::planners::group_planner::{GROUP_BY, GROUPS, GroupPlanner, ORDER};
use crate::scheduler::planners::planning_window::{MERGE, WINDOW};
use crate::scheduler::planners::priority::PRIORITY;
use crate::scheduler::tie_break::TIE_BREAK;

pub const ENTRY: SchedulerEntry = SchedulerEntry {
    name: "sneakpeek",
    summary: "groups by application and most likely class, accuracies corrected by the posterior",
    source: "Wolfrath, Frink, Chandra, SoCC 2025; code dndfrink/SERIF bd12bb8",
    settings: &[
        &[GROUP_BY.or("class"), ORDER.or("priority")],
        GROUPS,
        PRIORITY,
        TIE_BREAK,
        WINDOW,
        MERGE,
    ],
    accuracy: Some(AccuracySource::Posterior),
    build: |fields, _| Box::new(GroupPlanner::read(fields)),
};
