//! How large batches were.

use super::{TableCollector, TableEntry};
use crate::contract::{Event, Observer};
use crate::core::units::Time;
use crate::metrics::column::{Column, count, text};
use crate::system::catalog::Catalog;
use std::sync::Arc;

pub(super) const ENTRY: TableEntry = TableEntry {
    name: "batch_sizes",
    summary: "a row for each variant and size of batch that occurred",
    columns: COLUMNS,
    build: Some(|catalog, _| {
        let sizes = vec![Vec::new(); catalog.variant_ids().len()];
        Box::new(BatchSizes { catalog: Arc::clone(catalog), sizes })
    }),
};

const COLUMNS: &[Column] = &[
    text("app", "the application"),
    text("variant", "the variant"),
    count("batch_size", "requests in a batch"),
    count("batches", "batches of that size that ended"),
];

struct BatchSizes {
    catalog: Arc<Catalog>,
    /// How many batches, by variant and size.
    sizes: Vec<Vec<u64>>,
}

impl Observer for BatchSizes {
    fn on(&mut self, event: Event<'_>) {
        let Event::BatchEnded { variant, batch, .. } = event else { return };
        if self.catalog.is_peek(variant) {
            return;
        }
        let sizes = &mut self.sizes[variant.index()];
        if sizes.len() <= batch {
            sizes.resize(batch + 1, 0);
        }
        sizes[batch] += 1;
    }
}

impl TableCollector for BatchSizes {
    fn rows(&mut self, _: Time) -> Vec<Vec<String>> {
        let mut rows = Vec::new();
        for (id, sizes) in self.catalog.variant_ids().zip(&self.sizes) {
            let variant = self.catalog.variant(id);
            let app = &self.catalog.app(variant.app).name;
            for (size, batches) in sizes.iter().enumerate().filter(|(_, batches)| **batches > 0) {
                let (app, variant) = (app.clone(), variant.name.clone());
                rows.push(vec![app, variant, size.to_string(), batches.to_string()]);
            }
        }
        rows
    }
}
