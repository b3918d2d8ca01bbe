//! The system that is simulated: profiles, the catalog made of them, latencies, memory, links,
//! faults, deadline budgets and penalties.

pub mod catalog;
mod correlated_outcomes;
pub mod deadline_budget;
pub mod device;
pub mod faults;
pub mod ground_truth;
pub mod latency;
pub mod link;
pub mod lru_memory;
pub mod penalty;
pub mod profile;
mod spec;
mod truths;
