//! Experiments: a TOML file becomes a list of runs, each becomes a row.
//!
//! Expansion is a pure function of the file; every input is read and checked before the first
//! run; runs are independent, so that they give the same rows in any order, on any number of
//! threads, in one go or in several.

mod arrivals;
mod run_config;
mod grid;
mod faults;
mod input_cache;
mod journal;
mod locate;
mod validate;
mod overrides;
mod shard;
mod classifiers;
mod executor;
mod training_env;
mod run;
mod capacity_search;
mod file;
mod stopping;
mod warmup;
mod workers;

pub use run_config::RunConfig;
pub use grid::{GridPoint, RunSpec, expand};
pub use input_cache::InputCache;
pub use journal::lines as journal_lines;
pub use validate::{MAX_SERIES, NameChecker};
pub use shard::Shard;
pub use executor::{RunRecord, SweepResult, Progress, Sweep, SweepError, threads};
pub use training_env::{SchedulingEnvironment, utility};
pub use run::{OutputRequest, RunResult, run_one, simulate, simulate_with, summary};
pub use capacity_search::{CapacityResult, MetricLimit, CapacitySearch};
pub use file::{Expectation, Experiment, FIGURE_KINDS, FigureKind, FigureSpec, Relation};
pub use stopping::StoppingRule;
pub use warmup::Warmup;

/// Changes whenever a column changes its meaning or its place.
pub const SCHEMA_VERSION: u32 = 1;

/// Version and hash of the sources this binary was built from.
pub const BUILD: &str = env!("PEEKSIM_BUILD");
