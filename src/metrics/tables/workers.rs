//! Requests, batches and loads of each worker, and shares of its time.

use super::{TableCollector, TableEntry};
use crate::contract::{Event, Observer};
use crate::core::ids::WorkerId;
use crate::core::units::{NS_PER_MS, NS_PER_S, Time};
use crate::metrics::column::{Cell, Column, column, count, share, text};
use crate::metrics::measured_events::last_instant;
use crate::system::catalog::Catalog;
use std::sync::Arc;

pub(super) const ENTRY: TableEntry = TableEntry {
    name: "workers",
    summary: "a row for each worker",
    columns: COLUMNS,
    build: Some(|catalog, _| {
        let own = vec![Worker::default(); catalog.worker_ids().len()];
        Box::new(Workers { catalog: Arc::clone(catalog), own, end: Time::ZERO })
    }),
};

const COLUMNS: &[Column] = &[
    text("worker", "the worker"),
    text("class", "its class"),
    count("lanes", "batches it can run at once"),
    count("requests", "requests it answered"),
    count("batches", "batches that ended, peeks included"),
    count("model_loads", "loads into its memory"),
    column("model_load_ms_sum", "time it spent loading"),
    count("model_load_bytes_sum", "bytes it loaded"),
    share(
        "busy_share",
        "lane time computing, lost batches included, of that until the end of the run",
    )
    .empty(NO_TIME),
    share("loading_share", "lane time loading, likewise; a load takes every lane").empty(NO_TIME),
    share("idle_share", "the rest").empty(NO_TIME),
];

const NO_TIME: &str = "the run ended before it started";

#[derive(Clone, Default)]
struct Worker {
    requests: u64,
    batches: u64,
    loads: u64,
    busy_ns: u128,
    loading_ns: u128,
    bytes: u64,
}

struct Workers {
    catalog: Arc<Catalog>,
    own: Vec<Worker>,
    end: Time,
}

impl Workers {
    fn row(&self, id: WorkerId, from: Time) -> Vec<String> {
        let (worker, own) = (self.catalog.worker(id), &self.own[id.index()]);
        let seconds = |ns: u128| ns as f64 / NS_PER_S as f64;
        let open_s = self.end.since(worker.ready.max(from)).as_s();
        let busy = seconds(own.busy_ns) / f64::from(worker.lanes) / open_s;
        let loading = seconds(own.loading_ns) / open_s;
        let share = |of: f64| if open_s > 0.0 { Cell::Number(of) } else { Cell::Empty }.to_string();
        vec![
            worker.name.clone(),
            worker.class.clone(),
            worker.lanes.to_string(),
            own.requests.to_string(),
            own.batches.to_string(),
            own.loads.to_string(),
            (own.loading_ns as f64 / NS_PER_MS as f64).to_string(),
            own.bytes.to_string(),
            share(busy),
            share(loading),
            share((1.0 - busy - loading).max(0.0)),
        ]
    }
}

impl Observer for Workers {
    fn on(&mut self, event: Event<'_>) {
        self.end = last_instant(&event).unwrap_or(self.end);
        match event {
            Event::Completed(completion) => {
                if let Some(worker) = completion.worker {
                    self.own[worker.index()].requests += 1;
                }
            }
            Event::BatchEnded { at, worker, started, .. } => {
                let own = &mut self.own[worker.index()];
                own.batches += 1;
                own.busy_ns += u128::from(at.since(started).0);
            }
            Event::BatchLost { at, worker, started, .. } => {
                self.own[worker.index()].busy_ns += u128::from(at.since(started).0);
            }
            Event::LoadStarted { worker, variant, .. } => {
                let own = &mut self.own[worker.index()];
                own.loads += 1;
                own.bytes = own.bytes.saturating_add(self.catalog.variant(variant).bytes);
            }
            Event::LoadEnded { at, worker, started, .. }
            | Event::LoadLost { at, worker, started, .. } => {
                self.own[worker.index()].loading_ns += u128::from(at.since(started).0);
            }
            _ => {}
        }
    }
}

impl TableCollector for Workers {
    fn rows(&mut self, from: Time) -> Vec<Vec<String>> {
        self.catalog.worker_ids().map(|id| self.row(id, from)).collect()
    }
}
