//! The engine: timelines worked out by hand, closed forms, recounts, properties.

mod closed_loop;
mod determinism;
mod devices;
mod faults;
mod fluid_bound;
mod inspection;
mod late_drops;
mod lateness;
mod links;
mod measured;
mod metamorphic;
mod outcomes;
mod peek_timelines;
mod peeks;
mod preemption;
mod properties;
mod queueing;
mod queueing_multi;
mod recount;
mod refused;
mod residency;
mod rules;
mod same_job;
mod scenarios;
mod shared_weights;
mod violations;
