//! Tables with several rows per run, written on request.
//!
//! Each is an observer of its own and costs time only if requested. They count what the row of the
//! run counts, without a warm-up. One file and one line in [`TABLES`] each.

mod apps;
mod batch_sizes;
mod batches;
mod dialogues;
mod late_because;
mod loads;
mod timeseries;
mod variants;
mod workers;

pub use timeseries::MAX_INTERVALS;

use super::Study;
use super::column::Column;
use super::measured_events::MeasuredEvents;
use super::warmup::MeasurementWindow;
use crate::contract::{Event, Observer};
use crate::core::units::{Span, Time};
use crate::system::catalog::Catalog;
use std::sync::Arc;

/// A table and how to gather it.
#[derive(Debug)]
pub struct TableEntry {
    /// Its name in experiments, and of its file.
    pub name: &'static str,
    /// What a row is.
    pub summary: &'static str,
    /// Its columns, after those that name the run.
    pub columns: &'static [Column],
    /// Starts to gather; `None` for a table of an offloading study, whose runs have their rows.
    pub build: Option<Build>,
}

/// Starts to gather a table; the span is the length of an interval of a time series.
pub type Build = fn(&Arc<Catalog>, Span) -> Box<dyn TableCollector>;

impl TableEntry {
    /// The kind of experiments that have it.
    pub fn study(&self) -> Study {
        if self.build.is_some() { Study::Scheduling } else { Study::Offloading }
    }
}

/// Listens to a run and makes rows of it.
pub trait TableCollector: Observer {
    /// Called for every event, those of a warm-up included, before it is counted.
    fn follow(&mut self, _event: Event<'_>) {}

    /// The rows at the end of a run that counts from `from` on, a cell for each column.
    fn rows(&mut self, from: Time) -> Vec<Vec<String>>;
}

/// Every table there is.
pub const TABLES: &[&TableEntry] = &[
    &apps::ENTRY,
    &batch_sizes::ENTRY,
    &batches::ENTRY,
    &dialogues::ENTRY,
    &late_because::ENTRY,
    &loads::ENTRY,
    &timeseries::ENTRY,
    &timeseries::VARIANTS,
    &variants::ENTRY,
    &workers::ENTRY,
];

/// Some tables of one run.
pub struct Tables {
    catalog: Arc<Catalog>,
    watch: MeasuredEvents,
    each: Vec<Box<dyn TableCollector>>,
}

impl Tables {
    /// These tables of a part of a run; a time series has intervals of length `series`.
    pub fn new(
        entries: &[&'static TableEntry],
        catalog: &Arc<Catalog>,
        series: Span,
        window: MeasurementWindow,
    ) -> Self {
        let each = entries.iter().filter_map(|entry| entry.build);
        let each = each.map(|build| build(catalog, series)).collect();
        Self { catalog: Arc::clone(catalog), watch: MeasuredEvents::new(window), each }
    }

    /// The rows of each table at the end of the run.
    pub fn rows(&mut self) -> Vec<Vec<Vec<String>>> {
        let from = self.watch.start();
        self.each.iter_mut().map(|table| table.rows(from)).collect()
    }
}

impl Observer for Tables {
    fn on(&mut self, event: Event<'_>) {
        let Self { catalog, watch, each } = self;
        each.iter_mut().for_each(|table| table.follow(event));
        let mut count = |event: Event<'_>| each.iter_mut().for_each(|table| table.on(event));
        if watch.is_whole() {
            count(event);
        } else {
            watch.forward(catalog, event, &mut count);
        }
    }
}
