//! Locally optimal in deadline order: earliest deadline first, each request on the worker and
//! variant of highest expected utility given what was placed before.
//!
//! Source: dndfrink/SERIF bd12bb8, locally optimal EDF. `mode = "dispatch"` is ours: the same
//! rule as a dispatcher that batches.

use super::SchedulerEntry;
use super::dispatch::BATCHING;
use super::locally_optimal::{MODE, Objective, read};
use super::planning_window::{MERGE, TIE_BREAK, WINDOW};
use super::priority::RequestOrder;
use crate::contract::AccuracySource;

pub(super) const ENTRY: SchedulerEntry = SchedulerEntry {
    name: "lo-edf",
    summary: "deadline order, each request on its best worker and variant (locally optimal)",
    source: "dndfrink/SERIF bd12bb8 (locally optimal EDF)",
    settings: &[MODE, TIE_BREAK, WINDOW, MERGE, BATCHING],
    accuracy: Some(AccuracySource::Profiled),
    build: |fields, context| read(fields, context, RequestOrder::Deadline, Objective::Utility),
};
