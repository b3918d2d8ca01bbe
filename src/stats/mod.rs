//! What a sample of independent numbers says: intervals, tests, and where a transient ends.
//!
//! Samples are one number per replicate. Requests of one run are autocorrelated and no sample; the
//! one rule that looks inside a run is [`mser`], which decides what of it to leave out.

mod bootstrap;
mod estimate;
mod interval;
mod mser;
mod significance;

pub use bootstrap::studentised;
pub use estimate::{Estimate, t_975};
pub use interval::{Interval, Method};
pub use mser::{Truncation, mser};
pub use significance::{holm, student, wilcoxon};
