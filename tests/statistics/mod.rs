//! Intervals, tests and stopping.

mod coverage;
mod intervals;
mod power;
mod stationarity;
mod warmup_and_stopping;
