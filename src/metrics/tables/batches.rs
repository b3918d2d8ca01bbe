//! Every batch.

use super::{TableCollector, TableEntry};
use crate::contract::{Event, Observer};
use crate::core::ids::{VariantId, WorkerId};
use crate::core::units::{NS_PER_S, Time, decimal};
use crate::metrics::column::{Column, ColumnKind, column, count, text};
use crate::system::catalog::Catalog;
use std::sync::Arc;

pub(super) const ENTRY: TableEntry = TableEntry {
    name: "batches",
    summary: "a row for each batch, in order of start",
    columns: COLUMNS,
    build: Some(|catalog, _| {
        let lanes = |worker| usize::from(catalog.worker(worker).lanes);
        Box::new(Batches {
            catalog: Arc::clone(catalog),
            running: catalog.worker_ids().map(|worker| vec![None; lanes(worker)]).collect(),
            ended: Vec::new(),
            started: 0,
        })
    }),
};

const COLUMNS: &[Column] = &[
    count("batch", "its number in order of start, from 0, peeks left out"),
    text("worker", "where it ran"),
    count("lane", "the lane of the worker, from 0"),
    text("app", "the application"),
    text("variant", "the variant"),
    count("batch_size", "its requests"),
    column("start_s", "when it began to compute"),
    column("expected_end_s", "when it would have ended by the table of latencies"),
    column("end_s", "when it ended").empty("it ran when the run ended"),
    text("outcome", "whether it ended, or was lost with its worker or ended by the scheduler")
        .of(ColumnKind::Word(&["ended", "lost", "running"])),
];

#[derive(Clone, Debug)]
struct Batch {
    number: u64,
    worker: WorkerId,
    lane: usize,
    variant: VariantId,
    size: usize,
    start: Time,
    end: Option<Time>,
    outcome: &'static str,
}

struct Batches {
    catalog: Arc<Catalog>,
    /// By worker and lane.
    running: Vec<Vec<Option<Batch>>>,
    ended: Vec<Batch>,
    started: u64,
}

impl Batches {
    fn end(&mut self, (worker, lane): (WorkerId, usize), at: Time, outcome: &'static str) {
        if let Some(batch) = self.running[worker.index()][lane].take() {
            self.ended.push(Batch { end: Some(at), outcome, ..batch });
        }
    }

    fn row(&self, batch: &Batch) -> Vec<String> {
        let Batch { number, worker, lane, variant, size, start, end, outcome } = batch;
        let expected = *start + self.catalog.latency(*worker, *variant, *size);
        let own = self.catalog.variant(*variant);
        vec![
            number.to_string(),
            self.catalog.worker(*worker).name.clone(),
            lane.to_string(),
            self.catalog.app(own.app).name.clone(),
            own.name.clone(),
            size.to_string(),
            seconds(*start),
            seconds(expected),
            end.map_or(String::new(), seconds),
            (*outcome).to_owned(),
        ]
    }
}

/// An instant in seconds, exactly.
pub(super) fn seconds(at: Time) -> String {
    decimal(at.0, NS_PER_S.ilog10())
}

impl Observer for Batches {
    fn on(&mut self, _: Event<'_>) {}
}

impl TableCollector for Batches {
    // A batch is one thing: it is not cut at the end of a warm-up.
    fn follow(&mut self, event: Event<'_>) {
        match event {
            Event::BatchStarted { at: start, worker, lane, variant, requests }
                if !self.catalog.is_peek(variant) =>
            {
                let (number, size) = (self.started, requests.len());
                self.started += 1;
                let (end, outcome) = (None, "running");
                let batch = Batch { number, worker, lane, variant, size, start, end, outcome };
                self.running[worker.index()][lane] = Some(batch);
            }
            Event::BatchEnded { at, worker, lane, .. } => self.end((worker, lane), at, "ended"),
            Event::BatchLost { at, worker, lane, .. } => self.end((worker, lane), at, "lost"),
            _ => {}
        }
    }

    fn rows(&mut self, from: Time) -> Vec<Vec<String>> {
        let running = self.running.iter().flatten().flatten();
        let counts = |batch: &&Batch| batch.end.is_none_or(|end| end >= from);
        let mut all: Vec<&Batch> = self.ended.iter().chain(running).filter(counts).collect();
        all.sort_by_key(|batch| batch.number);
        all.into_iter().map(|batch| self.row(batch)).collect()
    }
}
