//! Results as files, tables and pictures.
//!
//! Everything here reads `runs.csv` (and `quantiles.csv`), never the memory of a sweep, so that a
//! figure can always be drawn again from the file a user has.

mod plots;
pub mod compare;
pub mod data_dictionary;
pub mod claims;
pub mod figure;
pub mod capacity;
pub mod manifest;
pub mod comparison_table;
pub mod plan_csv;
pub mod rates;
pub mod reproduction;
mod results;
pub mod summary;
pub mod console;
mod tables;
mod runs_csv;

pub use plots::{FigureError, draw, draw_all};
pub use results::{ResultRow, Results, ResultsError};
pub use tables::Tables;
pub use runs_csv::{header, row, write_runs};
