//! The other end of the trade: earliest deadline first, each request where it ends soonest, loads
//! included, accuracy ignored.
//!
//! Source: ours, as the counterpart of `maxacc-edf`.

use crate::scheduler::SchedulerEntry;
use crate::scheduler::planners::locally_optimal::{Objective, read};
use crate::scheduler::planners::priority::RequestOrder;

pub const ENTRY: SchedulerEntry = SchedulerEntry {
    name: "minlat-edf",
    summary: "deadline order, each request where it ends soonest, whatever the accuracy",
    source: "counterpart of maxacc-edf, ours",
    params: "mode = window (or dispatch); window: window_ms = 0, window_requests, window_max, \
             plan_when_busy = false, max_batch = 32, merge_adjacent = false; dispatch: max_batch \
             = 32, batch = full, drop_policy = never",
    accuracy: None,
    build: |fields, context| read(fields, context, RequestOrder::Deadline, Objective::Finish),
};
