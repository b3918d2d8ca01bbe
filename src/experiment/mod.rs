//! Experiments: a TOML file becomes a list of runs, each becomes a row.
//!
//! Expansion is a pure function of the file; every input is read and checked before the first
//! run; runs are independent, so that they give the same rows in any order, on any number of
//! threads, in one go or in several.

mod axis;
mod build_id;
mod capacity_search;
mod departures;
mod executor;
mod figure_size;
mod figure_spec;
mod figure_style;
mod file;
mod grid;
mod implied;
mod input_cache;
mod journal;
mod load;
mod locate;
mod offloading_config;
mod overrides;
mod remaining_time;
mod run;
mod run_config;
mod run_notes;
mod schema;
mod searches;
mod settings;
mod shard;
mod spelling;
mod stopping;
mod sweep;
mod training_env;
mod tuning;
mod validate;

pub use axis::{Axis, GridPoint, RunSpec};
pub use build_id::{build_id, set_program};
pub use capacity_search::{CapacityResult, CapacitySearch, MetricLimit};
pub use departures::Departure;
pub use executor::{Progress, threads};
pub use figure_size::{FONT_SIZES, FigureSize, Length, TITLE_PIXELS};
pub use figure_spec::{FIGURE_KINDS, FigureKind, FigureSpec};
pub use figure_style::{DASHES, Dash, FixedStyle, SHAPES, Shape, Styles};
pub use file::{Expectation, Experiment, FILE, Relation};
pub use grid::expand;
pub use implied::{AxisLabels, axis_of_numbers};
pub use input_cache::InputCache;
pub use journal::{RunRecord, lines as journal_lines};
pub use offloading_config::OffloadingConfig;
pub use run::{
    OutputRequest, RunResult, run_one, simulate, simulate_row, simulate_watched, simulate_with,
    summary,
};
pub use run_config::RunConfig;
pub use schema::schema;
pub use searches::SweepResult;
pub use settings::{BASE, OFFLOADING, PEEKS, USERS, Warmup, read_users};
pub use shard::Shard;
pub use spelling::is_label;
pub use stopping::StoppingRule;
pub use sweep::{Configs, Sweep, SweepError};
pub use training_env::{SchedulingEnvironment, utility};
pub use tuning::{MOST_POINTS, TunedRow, Tuning};
pub use validate::{MAX_SERIES, NameChecker};

/// Changes whenever a column changes its meaning or its place.
pub const SCHEMA_VERSION: u32 = 1;
