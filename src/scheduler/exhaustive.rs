//! Brute force: every order of the waiting requests and every variant of each, one by one on one
//! worker, the best mean utility wins.
//!
//! n! · Mⁿ plans: it takes the oldest requests only, as many as give two million plans at most.
//! A yardstick for tiny windows, not a scheduler for load.
//!
//! Source: dndfrink/SERIF bd12bb8 (brute force).

use super::SchedulerEntry;
use super::group_planner::GroupPlanner;
use super::planning_window::{MERGE, TIE_BREAK, WINDOW};
use crate::contract::AccuracySource;

pub(super) const ENTRY: SchedulerEntry = SchedulerEntry {
    name: "exhaustive",
    summary: "every order and variant of the oldest few requests, without batching (brute force)",
    source: "dndfrink/SERIF bd12bb8 (brute force)",
    settings: &[TIE_BREAK, WINDOW, MERGE],
    accuracy: Some(AccuracySource::Profiled),
    build: |fields, _| Box::new(GroupPlanner::one_by_one(fields)),
};
