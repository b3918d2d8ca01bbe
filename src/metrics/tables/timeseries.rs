//! A run interval by interval: the effect of a burst, and when the queue has recovered.
//!
//! Interval k holds what happened at k·d ≤ t < (k+1)·d. Completions, their utility and their
//! lateness belong to the instant of the answer; requests never served are misses of the last.

use super::{TableCollector, TableEntry};
use crate::contract::{Event, Observer};
use crate::core::ids::VariantId;
use crate::core::units::{Span, Time};
use crate::metrics::column::{Cell, Column, column, count, ratio, share, text};
use crate::system::catalog::Catalog;
use std::collections::BTreeMap;
use std::sync::Arc;

pub(super) const ENTRY: TableEntry = TableEntry {
    name: "timeseries",
    summary: "a row for each interval of time",
    columns: COLUMNS,
    build: Some(|catalog, step| Box::new(Series::new(catalog, step))),
};

pub(super) const VARIANTS: TableEntry = TableEntry {
    name: "timeseries_variants",
    summary: "a row for each interval of time and variant that answered in it",
    columns: VARIANT_COLUMNS,
    build: Some(|catalog, step| Box::new(VariantSeries(Series::new(catalog, step)))),
};

const START: Column = column("start_s", "when the interval begins");

const COLUMNS: &[Column] = &[
    START,
    count("arrived", "requests that arrived"),
    count("completed", "requests answered"),
    count("deadline_misses", "requests answered late, rejected, or at last unfinished"),
    column("utility_sum", "sum of correct × (1 − penalty) of the requests answered"),
    count(
        "waiting",
        "requests that had arrived by the end of the interval and neither been started, but for \
         batches that were lost, nor been refused or answered by the SneakPeek model",
    ),
    count("model_loads", "loads begun"),
];

const VARIANT_COLUMNS: &[Column] = &[
    START,
    text("app", "the application"),
    text("variant", "the variant; `peek` for the SneakPeek model's own answers"),
    count("completed", "requests it answered"),
    share("share", "of all requests answered in the interval"),
];

/// What comes after this many intervals is added to the last: a row each would fill the memory.
pub const MAX_INTERVALS: usize = 1_000_000;

#[derive(Default)]
struct Interval {
    arrived: u64,
    completed: u64,
    misses: u64,
    utility: f64,
    waiting: u64,
    loads: u64,
    variants: BTreeMap<VariantId, u64>,
}

struct Series {
    catalog: Arc<Catalog>,
    step: Span,
    intervals: Vec<Interval>,
    waiting: u64,
}

impl Series {
    fn new(catalog: &Arc<Catalog>, step: Span) -> Self {
        let step = Span(step.0.max(1));
        Self { catalog: Arc::clone(catalog), step, intervals: Vec::new(), waiting: 0 }
    }

    fn index(&self, at: Time) -> usize {
        usize::try_from(at.0 / self.step.0).unwrap_or(MAX_INTERVALS).min(MAX_INTERVALS - 1)
    }

    /// The interval of an instant; those before it are over.
    fn at(&mut self, at: Time) -> &mut Interval {
        let index = self.index(at);
        while self.intervals.len() <= index {
            if let Some(last) = self.intervals.last_mut() {
                last.waiting = self.waiting;
            }
            self.intervals.push(Interval::default());
        }
        &mut self.intervals[index]
    }

    /// The intervals of a run that counts from `from` on, by number.
    fn finish(&mut self, from: Time) -> impl Iterator<Item = (usize, &Interval)> {
        if let Some(last) = self.intervals.last_mut() {
            last.waiting = self.waiting;
        }
        let first = self.index(from);
        self.intervals.iter().enumerate().skip(first)
    }
}

fn start_s(interval: usize, step: Span) -> String {
    Span(interval as u64 * step.0).as_s().to_string()
}

impl Observer for Series {
    fn on(&mut self, event: Event<'_>) {
        match event {
            Event::Arrived { request } => {
                self.at(request.arrival).arrived += 1;
                self.waiting += 1;
            }
            Event::BatchStarted { at, variant, requests, .. } if !self.catalog.is_peek(variant) => {
                self.at(at);
                self.waiting -= requests.len() as u64;
            }
            // What was lost has to be started again.
            Event::BatchLost { at, variant, requests, .. } if !self.catalog.is_peek(variant) => {
                self.at(at);
                self.waiting += requests.len() as u64;
            }
            Event::Completed(completion) => {
                let (request, finished) = (completion.request, completion.finished);
                let gamma =
                    self.catalog.penalty.gamma(finished, request.deadline, request.budget());
                let late = self.catalog.penalty.tardiness(finished, request.deadline);
                let interval = self.at(finished);
                interval.completed += 1;
                interval.misses += u64::from(late > Span::ZERO);
                interval.utility += if completion.correct { 1.0 - gamma } else { 0.0 };
                *interval.variants.entry(completion.variant).or_default() += 1;
                // Answered by the SneakPeek model, it was never started.
                self.waiting -= u64::from(completion.worker.is_none());
            }
            Event::Rejected { at, .. } | Event::Unfinished { at, .. } => {
                self.at(at).misses += 1;
                self.waiting -= 1;
            }
            Event::LoadStarted { at, .. } => self.at(at).loads += 1,
            _ => {}
        }
    }
}

impl TableCollector for Series {
    fn rows(&mut self, from: Time) -> Vec<Vec<String>> {
        let step = self.step;
        self.finish(from).map(|(at, interval)| interval.row(start_s(at, step))).collect()
    }
}

impl Interval {
    fn row(&self, start_s: String) -> Vec<String> {
        let cells = [
            Cell::Count(self.arrived),
            Cell::Count(self.completed),
            Cell::Count(self.misses),
            Cell::Number(self.utility),
            Cell::Count(self.waiting),
            Cell::Count(self.loads),
        ];
        std::iter::once(start_s).chain(cells.iter().map(Cell::to_string)).collect()
    }
}

/// The same intervals, by variant.
struct VariantSeries(Series);

impl Observer for VariantSeries {
    fn on(&mut self, event: Event<'_>) {
        self.0.on(event);
    }
}

impl TableCollector for VariantSeries {
    fn rows(&mut self, from: Time) -> Vec<Vec<String>> {
        let (catalog, step) = (Arc::clone(&self.0.catalog), self.0.step);
        let mut rows = Vec::new();
        for (at, interval) in self.0.finish(from) {
            for (id, completed) in &interval.variants {
                let variant = catalog.variant(*id);
                rows.push(vec![
                    start_s(at, step),
                    catalog.app(variant.app).name.clone(),
                    variant.name.clone(),
                    completed.to_string(),
                    ratio(*completed as f64, interval.completed).to_string(),
                ]);
            }
        }
        rows
    }
}
