//! What a sample of independent numbers says: intervals, tests, and where a transient ends.
//!
//! Samples are one number per replicate. Requests of one run are autocorrelated and no sample; the
//! rules that look inside a run are `mser`, which decides what of it to leave out, and
//! [`Stationary`], which says whether its length matters.

mod bootstrap;
mod estimate;
mod interval;
mod median;
mod mser;
mod power;
mod ranks;
mod significance;
mod stationarity;

pub use bootstrap::studentised;
pub use estimate::{Estimate, t_975, varies};
pub use interval::{Interval, IntervalMethod, MethodReason, MetricShape, WIDEST};
pub use median::Median;
pub use mser::{Truncation, mser};
pub use power::replicates_to_separate;
pub use ranks::Friedman;
pub use significance::{holm, student, wilcoxon};
pub use stationarity::Stationary;
