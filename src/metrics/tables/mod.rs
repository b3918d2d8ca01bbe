//! Tables beside `runs.csv`, written when they are asked for: a few rows for each run.
//!
//! Each listens to a run of its own accord and costs time only where it is wanted, and to the whole
//! of it, a warm-up included. One file and one line in [`TABLES`] each.

mod apps;
mod batches;
mod series;
mod variants;
mod workers;

use super::column::Column;
use crate::model::catalog::Catalog;
use crate::policy::{Event, Observer};
use crate::units::Span;
use std::sync::Arc;

/// A table and how to gather it.
#[derive(Debug)]
pub struct TableEntry {
    /// Its name in experiments, and of its file.
    pub name: &'static str,
    /// What a row is.
    pub summary: &'static str,
    /// Its columns, behind those that say which run it is.
    pub columns: &'static [Column],
    /// Starts to gather; the span is the length of an interval of a time series.
    pub build: fn(&Arc<Catalog>, Span) -> Box<dyn Gather>,
}

/// Listens to a run and makes rows of it.
pub trait Gather: Observer {
    /// The rows at the end of the run, a cell for each column.
    fn rows(&mut self) -> Vec<Vec<String>>;
}

/// Every table there is.
pub const TABLES: &[&TableEntry] = &[
    &apps::ENTRY,
    &batches::ENTRY,
    &series::ENTRY,
    &series::VARIANTS,
    &variants::ENTRY,
    &workers::ENTRY,
];

/// Some tables listening at once.
impl Observer for Vec<Box<dyn Gather>> {
    fn on(&mut self, event: Event<'_>) {
        self.iter_mut().for_each(|table| table.on(event));
    }
}
