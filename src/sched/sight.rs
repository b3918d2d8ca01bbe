//! What a network sees of a free lane and the head of all lines, and what its outputs stand for.
//!
//! An output is a variant by its place among those of its application; the last is the answer of
//! the SneakPeek model, where it may be chosen. Where there are several workers one more output
//! leaves the head to another of them, and all of them are seen. Times are shares of the head's
//! budget b, so that a world whose times are all longer looks the same; what has no end is squashed
//! by x / (1 + x).
//! A look is O(applications + variants).

use super::dispatch::{Batching, Moment};
use crate::domain::{AppId, Request, VariantId, WorkerId};
use crate::learn::net::{Activation, Mlp, parameters};
use crate::learn::store::Catalogue;
use crate::model::catalog::Catalog;
use crate::policy::Cursor;
use crate::units::Time;

/// Changes whenever an input changes its meaning or its place.
const VERSION: u32 = 1;
/// Inputs by application: whether it is the head's, the length of its line, the slack of its first.
const BY_APP: usize = 3;
/// Inputs by output: resident, load, time to the end of its batch, utility of the head, accuracy.
const BY_OUTPUT: usize = 5;
/// Inputs of the head: its slack, the entropy of its posterior, the memory that is left.
const ALONE: usize = 3;
/// Inputs by worker, if there are several: whether it is the one asked about, whether it is idle,
/// the time until it is free, the best utility of the head there.
const BY_WORKER: usize = 4;
/// Accuracies of variants differ by some hundredths; inputs should differ by more.
const ZOOM: f64 = 10.0;

/// How a world is seen.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sight {
    apps: usize,
    /// Variants of all applications.
    variants: usize,
    /// How many workers, if there are several.
    workers: usize,
    outputs: usize,
}

/// What is seen, and which outputs may be chosen.
#[derive(Clone, Debug, Default)]
pub(super) struct Seen {
    pub inputs: Vec<f32>,
    pub allowed: Vec<bool>,
}

impl Sight {
    pub fn new(catalog: &Catalog) -> Self {
        let counts = || catalog.app_ids().map(|app| catalog.variants_of(app).len());
        let workers = Some(catalog.worker_ids().len()).filter(|count| *count > 1).unwrap_or(0);
        let outputs = counts().max().unwrap_or(0) + 1 + usize::from(workers > 0);
        Self { apps: catalog.app_ids().len(), variants: counts().sum(), workers, outputs }
    }

    pub fn inputs(&self) -> usize {
        BY_APP * self.apps
            + ALONE
            + self.variants
            + BY_WORKER * self.workers
            + BY_OUTPUT * self.outputs
    }

    pub fn outputs(&self) -> usize {
        self.outputs
    }

    /// A network that nobody trained: all outputs are 0.
    pub fn blank(&self) -> Option<Mlp> {
        let sizes = vec![self.inputs(), self.outputs];
        let zeros = vec![0.0; parameters(&sizes)];
        Mlp::new(sizes, Activation::Tanh, zeros)
    }

    /// The variant that an output stands for; none if it leaves the head to another worker.
    pub fn variant(moment: &Moment<'_>, output: usize) -> Option<VariantId> {
        let catalog = moment.view.catalog();
        let mut open = moment.view.variants(moment.worker, moment.head.app);
        open.find(|variant| catalog.variant_offset(*variant) == output)
    }

    /// Looks at a moment whose batches are filled by `batching`.
    pub fn see(&self, moment: &Moment<'_>, batching: Batching, seen: &mut Seen) {
        let Moment { view, cursor, worker, head, .. } = *moment;
        let (catalog, now, memory) = (view.catalog(), view.now(), cursor.memory());
        let inputs = &mut seen.inputs;
        inputs.clear();
        for app in catalog.app_ids().take(self.apps) {
            let first = moment.first(app).map_or(1.0, |first| slack(first, now));
            inputs.push(f32::from(u8::from(app == head.app)));
            inputs.push(squash(moment.waiting(app) as f64 / 8.0));
            inputs.push(first);
        }
        let room = catalog.worker(worker).memory_bytes;
        let left = room.saturating_sub(memory.used_bytes()) as f64 / room.max(1) as f64;
        inputs.extend([slack(head, now), entropy(view.posterior(head)), left as f32]);
        for variant in catalog.app_ids().flat_map(|app: AppId| catalog.variants_of(app)) {
            inputs.push(f32::from(u8::from(memory.contains(variant))));
        }
        if self.workers > 0 {
            let workers = catalog.worker_ids().zip(moment.cursors);
            workers.for_each(|(id, cursor)| see_worker(moment, id, cursor, inputs));
        }
        let rest = inputs.len();
        inputs.resize(rest + BY_OUTPUT * self.outputs, 0.0);
        seen.allowed.clear();
        seen.allowed.resize(self.outputs, false);
        if self.workers > 0 {
            seen.allowed[self.outputs - 1] = may_wait(moment);
        }
        let best = view
            .variants(worker, head.app)
            .map(|variant| view.accuracy(head.id, variant))
            .fold(0.0, f64::max);
        for variant in view.variants(worker, head.app) {
            let output = catalog.variant_offset(variant);
            seen.allowed[output] = true;
            let finish = view.finish(cursor, variant, batching.size(moment, variant));
            let resident = memory.contains(variant);
            let load = if resident || catalog.is_peek(variant) {
                0.0
            } else {
                share(view.load_span(worker, variant).0, head)
            };
            let accuracy = ZOOM * (view.accuracy(head.id, variant) - best);
            seen.inputs[rest + BY_OUTPUT * output..][..BY_OUTPUT].copy_from_slice(&[
                f32::from(u8::from(resident)),
                squash(load),
                squash(share(finish.since(now).0, head)),
                view.utility(head, variant, finish) as f32,
                accuracy.max(-2.0) as f32,
            ]);
        }
    }
}

fn see_worker(moment: &Moment<'_>, id: WorkerId, cursor: &Cursor, inputs: &mut Vec<f32>) {
    let Moment { view, head, .. } = *moment;
    let worth = |variant| view.utility(head, variant, view.finish(cursor, variant, 1));
    let best = view.variants(id, head.app).map(worth).fold(0.0, f64::max);
    inputs.extend([
        f32::from(u8::from(id == moment.worker)),
        f32::from(u8::from(cursor.is_open(view.now()))),
        squash(share(cursor.free_at().since(view.now()).0, head)),
        best as f32,
    ]);
}

/// Whether the head can be left to another worker: one that is asked later, or one whose work will
/// end, so that somebody asks again.
fn may_wait(moment: &Moment<'_>) -> bool {
    let Moment { view, worker, head, .. } = *moment;
    let mut others = view.catalog().worker_ids().zip(moment.cursors);
    others.any(|(id, cursor)| {
        id != worker
            && view.variants(id, head.app).next().is_some()
            && (id > worker || !cursor.is_open(view.now()))
    })
}

/// What a network that schedules depends on.
pub(super) fn catalogue(catalog: &Catalog) -> Catalogue {
    let entry = |name: &str, value: String| (name.to_owned(), value);
    let joined = |parts: Vec<String>| parts.join("; ");
    let variants = |app: AppId| {
        let names: Vec<&str> =
            catalog.variants_of(app).map(|v| catalog.variant(v).name.as_str()).collect();
        format!("{}: {}", catalog.app(app).name, names.join(", "))
    };
    let worker = |id| {
        let worker = catalog.worker(id);
        let (lanes, bytes) = (worker.lanes, worker.memory_bytes);
        let away = if worker.link.is_some() { ", behind a link" } else { "" };
        format!("{}, lanes {lanes}, bytes {bytes}{away}", worker.class)
    };
    vec![
        entry("sight", VERSION.to_string()),
        entry("variants", joined(catalog.app_ids().map(variants).collect())),
        entry("workers", joined(catalog.worker_ids().map(worker).collect())),
    ]
}

/// A span as a share of the head's budget.
fn share(span: u64, head: &Request) -> f64 {
    span as f64 / head.budget().0.max(1) as f64
}

/// The time to a deadline as a share of its budget, negative behind it, at least -1.
fn slack(request: &Request, now: Time) -> f32 {
    let left = request.deadline.since(now).0 as f64 - now.since(request.deadline).0 as f64;
    (left / request.budget().0.max(1) as f64).clamp(-1.0, 1.0) as f32
}

/// From [0, ∞) to [0, 1).
fn squash(x: f64) -> f32 {
    (x / (1.0 + x)) as f32
}

/// The entropy of class probabilities as a share of the highest there is.
fn entropy(posterior: &[f64]) -> f32 {
    if posterior.len() < 2 {
        return 0.0;
    }
    let sum: f64 = posterior.iter().filter(|p| **p > 0.0).map(|p| -p * libm::log(*p)).sum();
    (sum / libm::log(posterior.len() as f64)) as f32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entropy_is_a_share() {
        assert_eq!(entropy(&[]), 0.0);
        assert_eq!(entropy(&[1.0, 0.0]), 0.0);
        assert!((entropy(&[0.25; 4]) - 1.0).abs() < 1e-6);
        // Half of the weight on one of four, the rest on another: one bit of two.
        assert!((entropy(&[0.5, 0.5, 0.0, 0.0]) - 0.5).abs() < 1e-6);
    }
}
