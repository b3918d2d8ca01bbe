//! What a run came to: one row of numbers.
//!
//! Denominators: `utility_mean` and `effective_accuracy` are over all that arrived, rejected and
//! unfinished counting 0; `accuracy_mean` is over completed; a deadline is missed by late,
//! rejected and unfinished requests alike. A ratio of nothing is an empty cell, never 0. Of a run
//! with a warm-up only what comes after it counts ([`Window`]).

mod fluid;
mod latencies;
mod requests;
mod skewed;
mod summary;
mod warmup;

pub use fluid::fluid_bound;
pub use latencies::{QUANTILES, quantile_sorted};
pub use requests::RequestLog;
pub use skewed::is_skewed;
pub use summary::{COLUMNS, Cell, Column, Summary, WORDS};
pub use warmup::{Transient, Window};
