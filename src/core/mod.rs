//! What everything is made of: time, ids and plain records, random numbers, rounding.

pub mod ids;
pub mod log;
pub mod rng;
pub mod rounding;
pub mod units;
