//! Locally optimal in deadline order: earliest deadline first, each request on the worker and
//! variant of highest expected utility given what was placed before.
//!
//! Source: dndfrink/SERIF bd12bb8, locally optimal EDF. `mode = "dispatch"` is ours: the same
//! rule as a dispatcher that batches.

use crate::contract::AccuracySource;
use crate::scheduler::SchedulerEntry;
use crate::scheduler::planners::locally_optimal::{Objective, SETTINGS, read};
use crate::scheduler::planners::priority::RequestOrder;

pub const ENTRY: SchedulerEntry = SchedulerEntry {
    name: "lo-edf",
    summary: "deadline order, each request on its best worker and variant (locally optimal)",
    source: "dndfrink/SERIF bd12bb8 (locally optimal EDF)",
    settings: SETTINGS,
    accuracy: Some(AccuracySource::Profiled),
    build: |fields, context| read(fields, context, RequestOrder::Deadline, Objective::Utility),
};
