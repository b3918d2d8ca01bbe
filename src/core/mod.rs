//! What everything is made of: time, ids and plain records, random numbers, rounding, vectors.

pub mod ids;
pub mod log;
pub mod rng;
pub mod rounding;
pub mod units;
pub mod vector;
