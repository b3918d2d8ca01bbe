//! Intervals, tests and stopping.

mod coverage;
mod intervals;
mod stationarity;
mod warmup_and_stopping;
