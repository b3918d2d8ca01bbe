//! The other end of the trade: earliest deadline first, each request where it ends soonest, loads
//! included, accuracy ignored.
//!
//! Source: ours, as the counterpart of `maxacc-edf`.

use super::Entry;
use super::lo::{Goal, read};
use super::priority::Order;

pub(super) const ENTRY: Entry = Entry {
    name: "minlat-edf",
    summary: "deadline order, each request where it ends soonest, whatever the accuracy",
    source: "counterpart of maxacc-edf, ours",
    params: "as maxacc-edf",
    accuracy: None,
    build: |fields, context| read(fields, context, Order::Deadline, Goal::Finish),
};
