//! Results as files, tables and pictures.
//!
//! Everything here reads `runs.csv` (and `quantiles.csv`), never the memory of a sweep, so that a
//! figure can always be drawn again from the file a user has.

mod charts;
pub mod compare;
pub mod dictionary;
pub mod expect;
pub mod figure;
pub mod found;
pub mod manifest;
pub mod package;
pub mod paper;
pub mod plan;
pub mod rates;
pub mod reproduction;
mod results;
pub mod summary;
pub mod table;
mod tables;
mod write;

pub use charts::{FigureError, draw, draw_all};
pub use results::{ResultRow, Results, ResultsError};
pub use tables::Tables;
pub use write::{header, row, write_runs};
