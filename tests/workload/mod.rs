//! Arrivals, traces and importers.

mod arrival_moments;
mod budgets;
mod class_mix;
mod endless;
mod importers;
mod importers_messy;
mod latency_fit;
mod load;
mod neighbours;
mod rates;
mod replay;
mod request_sources;
mod resampling;
mod sources;
