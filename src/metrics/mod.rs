//! What a run came to: one row of numbers.
//!
//! Denominators: `utility_mean` and `effective_accuracy` are over all that arrived, rejected and
//! unfinished counting 0; `accuracy_mean` is over completed; a deadline is missed by late,
//! rejected and unfinished requests alike. A ratio of nothing is an empty cell, never 0. Of a run
//! with a warm-up only what comes after it counts ([`Window`]).

pub mod column;
mod columns;
mod fluid;
mod latencies;
mod queue;
mod realised;
mod requests;
mod skewed;
mod summary;
mod tables;
mod warmup;
mod watch;

pub use column::{Cell, Column, Kind};
pub use columns::{COLUMNS, numbers};
pub use fluid::fluid_bound;
pub use latencies::{QUANTILES, quantile_sorted};
#[cfg(feature = "parquet")]
pub use requests::RequestTable;
pub use requests::{REQUEST_COLUMNS, RequestLog};
pub use skewed::{interval_key, is_skewed, law};
pub use summary::Summary;
pub use tables::{Gather, MAX_INTERVALS, TABLES, TableEntry, Tables};
pub use warmup::{Transient, Window};
