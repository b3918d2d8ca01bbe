//! What a run came to: one row of numbers.
//!
//! Denominators: `utility_mean` and `effective_accuracy` are over all that arrived, rejected and
//! unfinished counting 0; `accuracy_mean` is over completed; a deadline is missed by late,
//! rejected and unfinished requests alike. A ratio of nothing is an empty cell, never 0.

pub mod column;
mod fluid;
mod latencies;
mod requests;
mod summary;
mod tables;

pub use column::{Cell, Column, Kind};
pub use fluid::fluid_bound;
pub use latencies::{QUANTILES, quantile_sorted};
pub use requests::{REQUEST_COLUMNS, RequestLog};
pub use summary::{COLUMNS, Summary, numbers};
pub use tables::{Gather, TABLES, TableEntry};
