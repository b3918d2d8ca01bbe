//! The other end of the trade: earliest deadline first, each request where it ends soonest, loads
//! included, accuracy ignored.
//!
//! Source: ours, as the counterpart of `maxacc-edf`.

use crate::scheduler::SchedulerEntry;
use crate::scheduler::dispatch::dispatcher::BATCHING;
use crate::scheduler::planners::locally_optimal::{MODE, Objective, read};
use crate::scheduler::planners::planning_window::{MERGE, WINDOW};
use crate::scheduler::planners::priority::RequestOrder;

pub const ENTRY: SchedulerEntry = SchedulerEntry {
    name: "minlat-edf",
    summary: "deadline order, each request where it ends soonest, whatever the accuracy",
    source: "counterpart of maxacc-edf, ours",
    settings: &[MODE, WINDOW, MERGE, BATCHING],
    accuracy: None,
    build: |fields, context| read(fields, context, RequestOrder::Deadline, Objective::Finish),
};
