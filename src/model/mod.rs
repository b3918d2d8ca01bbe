//! Tables and formulas: what applications, variants, workers, penalties and arrivals are.

pub mod arrival;
pub mod deadline_budget;
pub mod catalog;
mod correlated_outcomes;
pub mod faults;
pub mod knn;
pub mod latency;
pub mod link;
pub mod classifier;
pub mod penalty;
pub mod posterior;
pub mod profile;
pub mod trace_file;
pub mod lru_memory;
mod spec;
pub mod ties;
pub mod trace;
