//! Results as files, tables and pictures.
//!
//! Everything here reads `runs.csv` (and `quantiles.csv`), never the memory of a sweep, so that a
//! figure can always be drawn again from the file a user has.

pub mod best;
pub mod capacity;
pub mod claims;
pub mod compare;
pub mod comparison_table;
pub mod console;
pub mod data_dictionary;
pub mod figure;
pub mod league;
pub mod manifest;
pub mod package;
pub mod page;
pub mod plan_csv;
mod plots;
pub mod rates;
pub mod reproduction;
mod results;
mod revision;
mod row_notes;
mod runs_csv;
mod samples_csv;
pub mod summary;
mod tables;

pub use plots::{FigureError, draw, draw_all, draw_some};
pub use results::{FOLDER, ResultRow, Results, ResultsError};
pub use revision::Revision;
pub use row_notes::row_notes;
pub use runs_csv::{header, row, write_runs};
pub use samples_csv::write_samples;
pub use tables::Tables;
