//! The accuracy-profiled baseline: earliest deadline first, each request on the variant of highest
//! accuracy, latency ignored.
//!
//! Source: the maximum-accuracy picker of dndfrink/SERIF bd12bb8; its combination with deadline
//! order, and the name, are ours. `plan = "head"` is the same rule as a dispatcher that batches.

use super::Entry;
use super::lo::{Goal, read};
use super::priority::Order;
use crate::policy::Info;

pub(super) const ENTRY: Entry = Entry {
    name: "maxacc-edf",
    summary: "deadline order, the most accurate variant whatever it takes (accuracy-profiled)",
    source: "dndfrink/SERIF bd12bb8 (maximum accuracy), in deadline order",
    params: "plan = window (or head), ties = finish; window: window_ms = 0, window_requests, \
             window_max, while_busy = false, max_batch = 32, merge = false; head: max_batch = 32, \
             batch = full, drop = never",
    accuracy: Some(Info::Profiled),
    build: |fields, context| read(fields, context, Order::Deadline, Goal::Accuracy),
};
