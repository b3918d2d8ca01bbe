//! Intervals, tests and stopping.

mod coverage;
mod intervals;
mod stationarity;
mod statistics;
