//! Locally optimal in priority order: as `lo-edf`, but the request of highest priority goes first.
//!
//! Source: dndfrink/SERIF bd12bb8, locally optimal with any of six priorities.

use super::Entry;
use super::lo::{Goal, Planner};
use super::priority::{Order, Priority};
use crate::policy::Info;

pub(super) const ENTRY: Entry = Entry {
    name: "lo-priority",
    summary: "priority order, each request on its best worker and variant (locally optimal)",
    source: "dndfrink/SERIF bd12bb8 (locally optimal with priorities)",
    params: "priority = acc-deadline (acc-slack, util-deadline, util-range, util-max, util-rate), \
             priority_accuracy = profiled (or granted), ties = finish, window_ms = 0, \
             window_requests, window_max, while_busy = false, max_batch = 32, merge = false",
    accuracy: Some(Info::Profiled),
    build: |fields, _| {
        let order = Order::Priority(Priority::read(fields));
        Box::new(Planner::read(fields, order, Goal::Utility))
    },
};
