//! Every load of a variant.

use super::batches::seconds;
use super::{TableCollector, TableEntry};
use crate::contract::{Event, Observer};
use crate::core::ids::{VariantId, WorkerId};
use crate::core::units::Time;
use crate::metrics::column::{Column, ColumnKind, column, count, text};
use crate::system::catalog::Catalog;
use std::sync::Arc;

pub(super) const ENTRY: TableEntry = TableEntry {
    name: "loads",
    summary: "a row for each load of a variant, in order of start",
    columns: COLUMNS,
    build: Some(|catalog, _| {
        Box::new(Loads { catalog: Arc::clone(catalog), all: Vec::new(), evicted: Vec::new() })
    }),
};

const COLUMNS: &[Column] = &[
    text("worker", "where it was loaded"),
    text("app", "the application"),
    text("variant", "the variant"),
    count("bytes", "its weights"),
    text("evicted", "the variants that left the memory for it, separated by spaces")
        .empty("none did"),
    column("start_s", "when the load began"),
    column("expected_end_s", "when it was to end"),
    column("end_s", "when it ended").empty("it was in progress when the run ended"),
    text("outcome", "whether it ended, or was lost with its worker")
        .of(ColumnKind::Word(&["ended", "lost", "running"])),
];

struct Load {
    worker: WorkerId,
    variant: VariantId,
    evicted: Vec<VariantId>,
    start: Time,
    expected: Time,
    end: Option<Time>,
    outcome: &'static str,
}

struct Loads {
    catalog: Arc<Catalog>,
    all: Vec<Load>,
    /// What left the memory of a worker at an instant: a load that begins then made it leave.
    evicted: Vec<(Time, WorkerId, VariantId)>,
}

impl Loads {
    fn end(&mut self, worker: WorkerId, at: Time, outcome: &'static str) {
        let open = self.all.iter_mut().rev().find(|load| load.worker == worker);
        if let Some(load) = open.filter(|load| load.end.is_none()) {
            (load.end, load.outcome) = (Some(at), outcome);
        }
    }

    fn row(&self, load: &Load) -> Vec<String> {
        let own = self.catalog.variant(load.variant);
        let name = |variant: &VariantId| self.catalog.variant(*variant).name.as_str();
        let evicted: Vec<&str> = load.evicted.iter().map(name).collect();
        vec![
            self.catalog.worker(load.worker).name.clone(),
            self.catalog.app(own.app).name.clone(),
            own.name.clone(),
            own.bytes.to_string(),
            evicted.join(" "),
            seconds(load.start),
            seconds(load.expected),
            load.end.map_or(String::new(), seconds),
            load.outcome.to_owned(),
        ]
    }
}

impl Observer for Loads {
    fn on(&mut self, _: Event<'_>) {}
}

impl TableCollector for Loads {
    // A load is one thing: it is not cut at the end of a warm-up.
    fn follow(&mut self, event: Event<'_>) {
        match event {
            Event::Evicted { at, worker, variant } => self.evicted.push((at, worker, variant)),
            Event::LoadStarted { at, worker, variant, end } => {
                let own = self.evicted.drain(..).filter(|own| (own.0, own.1) == (at, worker));
                let evicted = own.map(|(.., variant)| variant).collect();
                let (start, expected, end, outcome) = (at, end, None, "running");
                let load = Load { worker, variant, evicted, start, expected, end, outcome };
                self.all.push(load);
            }
            Event::LoadEnded { at, worker, .. } => self.end(worker, at, "ended"),
            Event::LoadLost { at, worker, .. } => self.end(worker, at, "lost"),
            _ => {}
        }
    }

    fn rows(&mut self, from: Time) -> Vec<Vec<String>> {
        let counts = |load: &&Load| load.end.is_none_or(|end| end >= from);
        self.all.iter().filter(counts).map(|load| self.row(load)).collect()
    }
}
