//! Tables and formulas: what applications, variants, workers, penalties and arrivals are.

pub mod arrival;
pub mod budget;
pub mod catalog;
mod difficulty;
pub mod faults;
pub mod knn;
pub mod latency;
pub mod link;
pub mod peek;
pub mod penalty;
pub mod posterior;
pub mod profile;
pub mod request_file;
pub mod residency;
mod setup;
pub mod ties;
pub mod trace;
