//! A discrete-event simulator for scheduling machine-learning inference where hardware cannot
//! scale.
pub mod cli;
pub mod domain;
pub mod input;
pub mod metrics;
pub mod model;
pub mod output;
pub mod policy;
pub mod report;
pub mod rng;
pub mod sched;
pub mod sim;
pub mod sweep;
pub mod units;
