//! Requests, batches and loads of each variant.

use super::{TableCollector, TableEntry};
use crate::contract::{Event, Observer};
use crate::core::ids::{AppId, Completion, VariantId, WorkerId};
use crate::core::units::{NS_PER_MS, NS_PER_S, Span, Time};
use crate::metrics::column::{Column, column, count, ratio, share, text};
use crate::system::catalog::Catalog;
use std::sync::Arc;

pub(super) const ENTRY: TableEntry = TableEntry {
    name: "variants",
    summary: "a row for each variant of each application",
    columns: COLUMNS,
    build: Some(|catalog, _| {
        let (variants, workers) = (catalog.variant_ids().len(), catalog.worker_ids().len());
        Box::new(Variants {
            catalog: Arc::clone(catalog),
            own: vec![Variant::default(); variants],
            evicted: vec![None; variants * workers],
        })
    }),
};

/// Loading again what was evicted less than this ago is thrashing.
const THRASH: Span = Span(NS_PER_S);

const COLUMNS: &[Column] = &[
    text("app", "the application"),
    text("variant", "the variant; `peek` for the SneakPeek model's own answers"),
    count("batches", "batches that ended"),
    count("requests", "requests answered"),
    column("batch_size_mean", "requests per batch").empty(NO_BATCH),
    share("fill_mean", "mean of batch size over the largest that the worker takes").empty(NO_BATCH),
    share("share", "of the application's completed requests").empty("none was completed"),
    share("accuracy_mean", "share of its answers that were right").empty("it answered nothing"),
    count("model_loads", "loads into memory"),
    column("model_load_ms_sum", "time spent loading it"),
    count("model_load_bytes_sum", "bytes of its loads"),
    count("thrashes", "loads less than 1 s after it had been evicted there"),
];

const NO_BATCH: &str = "no batch ran";

#[derive(Clone, Default)]
struct Variant {
    batches: u64,
    /// Requests in these.
    batched: u64,
    requests: u64,
    correct: u64,
    fill: f64,
    loads: u64,
    load_ns: u128,
    thrashes: u64,
}

struct Variants {
    catalog: Arc<Catalog>,
    own: Vec<Variant>,
    /// When each was last evicted, by worker and variant.
    evicted: Vec<Option<Time>>,
}

impl Variants {
    fn complete(&mut self, completion: &Completion<'_>) {
        let own = &mut self.own[completion.variant.index()];
        own.requests += 1;
        own.correct += u64::from(completion.correct);
    }

    fn batch(&mut self, worker: WorkerId, variant: VariantId, batch: usize) {
        // A peek answers nothing.
        if self.catalog.is_peek(variant) {
            return;
        }
        let most = self.catalog.max_batch(worker, variant).max(batch);
        let own = &mut self.own[variant.index()];
        own.batches += 1;
        own.batched += batch as u64;
        own.fill += batch as f64 / most as f64;
    }

    fn load(&mut self, at: Time, worker: WorkerId, variant: VariantId) {
        let place = self.place(worker, variant);
        let own = &mut self.own[variant.index()];
        own.loads += 1;
        own.thrashes += u64::from(self.evicted[place].is_some_and(|then| at.since(then) < THRASH));
    }

    fn place(&self, worker: WorkerId, variant: VariantId) -> usize {
        worker.index() * self.own.len() + variant.index()
    }

    fn row(&self, id: VariantId, completed: u64) -> Vec<String> {
        let (variant, own) = (self.catalog.variant(id), &self.own[id.index()]);
        let per_batch = |value: f64| ratio(value, own.batches).to_string();
        vec![
            self.catalog.app(variant.app).name.clone(),
            variant.name.clone(),
            own.batches.to_string(),
            own.requests.to_string(),
            per_batch(own.batched as f64),
            per_batch(own.fill),
            ratio(own.requests as f64, completed).to_string(),
            ratio(own.correct as f64, own.requests).to_string(),
            own.loads.to_string(),
            (own.load_ns as f64 / NS_PER_MS as f64).to_string(),
            own.loads.saturating_mul(variant.bytes).to_string(),
            own.thrashes.to_string(),
        ]
    }
}

impl Observer for Variants {
    fn on(&mut self, event: Event<'_>) {
        match event {
            Event::Completed(completion) => self.complete(completion),
            Event::BatchEnded { worker, variant, batch, .. } => self.batch(worker, variant, batch),
            Event::LoadStarted { at, worker, variant, .. } => self.load(at, worker, variant),
            Event::LoadEnded { at, variant, started, .. }
            | Event::LoadLost { at, variant, started, .. } => {
                self.own[variant.index()].load_ns += u128::from(at.since(started).0);
            }
            Event::Evicted { at, worker, variant } => {
                let place = self.place(worker, variant);
                self.evicted[place] = Some(at);
            }
            _ => {}
        }
    }
}

impl TableCollector for Variants {
    fn rows(&mut self, _: Time) -> Vec<Vec<String>> {
        let mut completed = vec![0; self.catalog.app_ids().len()];
        let app = |id: VariantId| -> AppId { self.catalog.variant(id).app };
        for id in self.catalog.variant_ids() {
            completed[app(id).index()] += self.own[id.index()].requests;
        }
        // In the order of applications, the SneakPeek model's answers last.
        let of = |own: AppId| self.catalog.variant_ids().filter(move |id| app(*id) == own);
        self.catalog
            .app_ids()
            .flat_map(of)
            .map(|id| self.row(id, completed[app(id).index()]))
            .collect()
    }
}
