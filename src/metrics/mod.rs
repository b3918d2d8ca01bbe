//! The results of a run: one row of numbers, and tables.
//!
//! Denominators: `utility_mean` and `effective_accuracy` are over all that arrived, rejected and
//! unfinished counting 0; `accuracy_mean` is over completed; a deadline is missed by late,
//! rejected and unfinished requests alike. A ratio of nothing is an empty cell, never 0. Of a run
//! with a warm-up only what comes after it counts ([`MeasurementWindow`]).

mod answer_totals;
mod axis_title;
pub mod column;
mod columns;
mod direction;
mod fluid_bound;
mod histogram;
mod interval_method;
mod latencies;
mod latency_breakdown;
mod measured_events;
mod queue_length;
mod requests;
mod study;
mod summary;
mod tables;
mod warmup;

pub use axis_title::{axis_title, column_words};
pub use column::{Cell, Column, ColumnKind};
pub use columns::{COLUMNS, named};
pub use direction::more_is_better;
pub use fluid_bound::fluid_bound;
pub use interval_method::{interval_key, is_skewed, metric_shape};
pub use latencies::{QUANTILES, quantile_sorted};
pub use latency_breakdown::{LatencyBreakdown, LatencyBreakdowns, Part};
#[cfg(feature = "parquet")]
pub use requests::RequestTable;
pub use requests::{REQUEST_COLUMNS, RequestLog};
pub use study::{DIALOGUE_COLUMNS, Study, column_named};
pub use summary::Summary;
pub use tables::{MAX_INTERVALS, TABLES, TableCollector, TableEntry, Tables};
pub use warmup::{MeasurementWindow, Transient};
