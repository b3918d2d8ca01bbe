//! Experiments: a TOML file becomes a list of runs, each becomes a row.
//!
//! Expansion is a pure function of the file; every input is read and checked before the first
//! run; runs are independent, so that they give the same rows in any order, on any number of
//! threads, in one go or in several.

mod arrivals;
mod config;
mod expand;
mod faults;
mod implied;
mod inputs;
mod journal;
mod locate;
mod names;
mod overrides;
mod part;
mod peek;
mod pool;
mod practice;
mod run;
mod search;
mod spec;
mod spelling;
mod until;
mod warmup;
mod workers;

pub use config::Prepared;
pub use expand::{Configuration, RunSpec, expand};
pub use implied::{AxisLabels, axis_of_numbers};
pub use inputs::Inputs;
pub use journal::lines as journal_lines;
pub use names::{MAX_SERIES, Names};
pub use part::Part;
pub use pool::{Finished, Outcome, Progress, Sweep, SweepError, threads};
pub use practice::{Practice, utility};
pub use run::{Beside, RunResult, run_one, simulate, simulate_with, summary};
pub use search::{Found, Limit, Search};
pub use spec::{Expectation, Experiment, FIGURE_KINDS, FigureKind, FigureSpec, Relation};
pub use spelling::is_label;
pub use until::Until;
pub use warmup::Warmup;

/// Changes whenever a column changes its meaning or its place.
pub const SCHEMA_VERSION: u32 = 1;

/// Version and hash of the sources this binary was built from.
pub const BUILD: &str = env!("PEEKSIM_BUILD");
