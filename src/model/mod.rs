//! Tables and formulas: what applications, variants, workers, penalties and arrivals are.

pub mod arrival;
pub mod catalog;
pub mod classifier;
mod correlated_outcomes;
pub mod deadline_budget;
pub mod faults;
pub mod knn;
pub mod latency;
pub mod link;
pub mod lru_memory;
pub mod penalty;
pub mod posterior;
pub mod profile;
mod spec;
pub mod ties;
pub mod trace;
pub mod trace_file;
