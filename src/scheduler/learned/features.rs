//! Inputs and outputs of a network that decides for a free lane and the head of all queues.
//!
//! An output is a variant by its index among those of its application; the last is the variant of
//! the SneakPeek model, where it may be chosen. With several workers one more output leaves the
//! head to another worker, and there are inputs of each worker. Inputs common to all outputs come
//! first, then a block for each output. A block begins with the score of the output: its utility
//! less the best one, if only the head counted. So a network has the criterion of `lo-edf`, which
//! the agents of TMO have not, and begins as a greedy rule.
//!
//! Times are shares of the head's budget, so that inputs do not depend on the unit of time;
//! unbounded inputs x are mapped to x / (1 + x); prices are shares of the highest one.
//! An observation takes O(applications + variants · workers).

use crate::config::source;
use crate::contract::{AccuracySource, Timeline};
use crate::core::ids::{AppId, Request, VariantId, WorkerId};
use crate::core::units::Time;
use crate::rl::checkpoint::PolicySignature;
use crate::rl::net::{Activation, Mlp, parameters};
use crate::scheduler::dispatch::dispatcher::{Batching, DecisionContext};
use crate::system::catalog::{Catalog, Worker};
use crate::system::link::{Link, Uplink};

/// Changes whenever an input changes its meaning or its place.
const VERSION: u32 = 2;
/// Inputs by application: whether it is the head's, the length of its queue, the slack of its first
/// request.
const BY_APP: usize = 3;
/// Inputs of the head: its slack, the entropy of its posterior, the free memory.
const OF_HEAD: usize = 3;
/// Inputs by worker, if there are several: whether it is the one decided for, whether it is idle,
/// the time until it is free, the best utility of the head there, the price of a call.
const BY_WORKER: usize = 5;
/// Inputs by output, besides its index: score, profiled accuracy, granted accuracy, whether no load
/// is needed, load, time to the end of its batch, time of the batch itself by request, the penalty
/// of the head.
const BY_OUTPUT: usize = 8;
/// The score of an output that loses all utility, as a logarithm of a probability.
const SCORE_SCALE: f64 = 200.0;
const LOWEST_SCORE: f64 = -6.0;

#[derive(Clone, Debug)]
pub struct Featurizer {
    apps: usize,
    /// Variants of all applications.
    variants: usize,
    /// The number of workers if there are several, else 0.
    workers: usize,
    outputs: usize,
    /// Prices of a call by worker, as shares of the highest.
    prices: Vec<f32>,
}

/// The inputs of a network, and which outputs may be chosen.
#[derive(Clone, Debug, Default)]
pub struct Observation {
    pub inputs: Vec<f32>,
    pub allowed: Vec<bool>,
}

struct Candidate<'a> {
    worker: WorkerId,
    timeline: &'a Timeline,
    variant: VariantId,
    batch: usize,
    finish: Time,
    utility: f64,
}

impl<'a> Candidate<'a> {
    fn new(
        context: &DecisionContext<'_>,
        worker: WorkerId,
        timeline: &'a Timeline,
        variant: VariantId,
        batch: usize,
    ) -> Self {
        let DecisionContext { view, head, .. } = *context;
        let finish = view.finish(timeline, variant, batch);
        let utility = view.utility(head, variant, finish);
        Self { worker, timeline, variant, batch, finish, utility }
    }

    /// Its block of inputs, without the score.
    fn write_inputs(&self, context: &DecisionContext<'_>, into: &mut [f32]) {
        let DecisionContext { view, head, .. } = *context;
        let (catalog, worker, variant) = (view.catalog(), self.worker, self.variant);
        let needs_load = view.needs_load(self.timeline.memory(), variant);
        let load = if needs_load { share(view.load_span(worker, variant).0, head) } else { 0.0 };
        let latency = share(view.expected_latency(worker, variant, self.batch).0, head);
        // Most accuracies are above a half, and differ by hundredths.
        let spread = |accuracy: f64| (4.0 * accuracy - 3.0) as f32;
        into.copy_from_slice(&[
            spread(catalog.variant(variant).accuracy),
            spread(view.accuracy(head.id, variant)),
            f32::from(u8::from(!needs_load)),
            squash(load),
            squash(share(self.finish.since(view.now()).0, head)),
            squash(32.0 * latency / self.batch.max(1) as f64),
            view.penalty(head, self.finish) as f32,
        ]);
    }
}

impl Featurizer {
    pub fn new(catalog: &Catalog) -> Self {
        let counts = || catalog.app_ids().map(|app| catalog.variants_of(app).len());
        let workers = Some(catalog.worker_ids().len()).filter(|count| *count > 1).unwrap_or(0);
        let outputs = counts().max().unwrap_or(0) + 1 + usize::from(workers > 0);
        let price = |id| catalog.worker(id).usd_per_request.unwrap_or(0.0);
        let most = catalog.worker_ids().map(price).fold(f64::MIN_POSITIVE, f64::max);
        let prices = catalog.worker_ids().map(|id| (price(id) / most) as f32).collect();
        Self { apps: catalog.app_ids().len(), variants: counts().sum(), workers, outputs, prices }
    }

    pub fn inputs(&self) -> usize {
        BY_APP * self.apps
            + OF_HEAD
            + self.variants
            + BY_WORKER * self.workers
            + self.by_output() * self.outputs
    }

    /// The number of inputs in the block of an output.
    pub fn by_output(&self) -> usize {
        BY_OUTPUT + self.outputs
    }

    pub fn outputs(&self) -> usize {
        self.outputs
    }

    /// An untrained network: all outputs are 0.
    pub fn blank(&self) -> Option<Mlp> {
        let sizes = vec![self.inputs(), self.outputs];
        let zeros = vec![0.0; parameters(&sizes)];
        Mlp::new(sizes, Activation::Tanh, zeros)
    }

    /// The variant that an output stands for; none if it leaves the head to another worker.
    pub fn variant(context: &DecisionContext<'_>, output: usize) -> Option<VariantId> {
        let catalog = context.view.catalog();
        let mut open = context.view.variants(context.worker, context.head.app);
        open.find(|variant| catalog.variant_offset(*variant) == output)
    }

    /// Observes a decision whose batches are filled by `batching`.
    pub fn observe(
        &self,
        context: &DecisionContext<'_>,
        batching: Batching,
        observation: &mut Observation,
    ) {
        let DecisionContext { view, timeline, worker, head, .. } = *context;
        let (catalog, now, memory) = (view.catalog(), view.now(), timeline.memory());
        let inputs = &mut observation.inputs;
        inputs.clear();
        for app in catalog.app_ids().take(self.apps) {
            let first = context.first(app).map_or(1.0, |first| slack(first, now));
            inputs.push(f32::from(u8::from(app == head.app)));
            inputs.push(squash(context.waiting(app) as f64 / 8.0));
            inputs.push(first);
        }
        let room = catalog.worker(worker).memory_bytes;
        let left = room.saturating_sub(memory.used_bytes()) as f64 / room.max(1) as f64;
        inputs.extend([slack(head, now), entropy(view.posterior(head)), left as f32]);
        for variant in catalog.app_ids().flat_map(|app: AppId| catalog.variants_of(app)) {
            inputs.push(f32::from(u8::from(memory.contains(variant))));
        }
        let mut elsewhere: Option<Candidate<'_>> = None;
        if self.workers > 0 {
            for (id, timeline) in catalog.worker_ids().zip(context.timelines) {
                let one = |variant| Candidate::new(context, id, timeline, variant, 1);
                let here = view.variants(id, head.app).map(one).reduce(better);
                let best = here.as_ref().map_or(0.0, |here| here.utility);
                inputs.extend([
                    f32::from(u8::from(id == worker)),
                    f32::from(u8::from(timeline.is_open(now))),
                    squash(share(timeline.free_at().since(now).0, head)),
                    best as f32,
                    self.prices[id.index()],
                ]);
                if may_leave(context, id, timeline) {
                    elsewhere = [elsewhere, here].into_iter().flatten().reduce(better);
                }
            }
        }
        let width = self.by_output();
        let rest = inputs.len();
        inputs.resize(rest + width * self.outputs, 0.0);
        observation.allowed.clear();
        observation.allowed.resize(self.outputs, false);
        let mut best = 0.0f64;
        let mut add_candidate = |output: usize, candidate: &Candidate<'_>| {
            best = best.max(candidate.utility);
            observation.allowed[output] = true;
            let block = &mut inputs[rest + width * output..][..width];
            // The utility: it is replaced by the score when the best one is known.
            block[0] = candidate.utility as f32;
            candidate.write_inputs(context, &mut block[1..BY_OUTPUT]);
            block[BY_OUTPUT + output] = 1.0;
        };
        for variant in view.variants(worker, head.app) {
            let batch = batching.size(context, variant);
            let candidate = Candidate::new(context, worker, timeline, variant, batch);
            add_candidate(catalog.variant_offset(variant), &candidate);
        }
        if let Some(candidate) = &elsewhere {
            add_candidate(self.outputs - 1, candidate);
        }
        let blocks = observation.inputs[rest..].chunks_exact_mut(width).zip(&observation.allowed);
        for (block, _) in blocks.filter(|(_, is_allowed)| **is_allowed) {
            block[0] = (SCORE_SCALE * (f64::from(block[0]) - best)).max(LOWEST_SCORE) as f32;
        }
    }
}

/// The candidate of higher utility, the first of equals.
fn better<'a>(one: Candidate<'a>, other: Candidate<'a>) -> Candidate<'a> {
    if other.utility > one.utility { other } else { one }
}

/// Whether the head can be left to this worker: one that is tried later, or one that is busy, whose
/// next completion triggers another decision.
fn may_leave(context: &DecisionContext<'_>, id: WorkerId, timeline: &Timeline) -> bool {
    let DecisionContext { view, worker, .. } = *context;
    id != worker && (id > worker || !timeline.is_open(view.now()))
}

/// The facts on which a scheduling policy depends: its inputs and outputs, speed and links of
/// workers, the penalty of lateness, and the source of accuracies.
pub fn catalogue(catalog: &Catalog, info: AccuracySource) -> PolicySignature {
    let entry = |name: &str, value: String| (name.to_owned(), value);
    let joined = |parts: Vec<String>| parts.join("; ");
    let variants = |app: AppId| {
        let names: Vec<&str> =
            catalog.variants_of(app).map(|v| catalog.variant(v).name.as_str()).collect();
        format!("{}: {}", catalog.app(app).name, names.join(", "))
    };
    let worker = |id| worker_signature(catalog.worker(id));
    vec![
        entry("accuracy", info.name().to_owned()),
        entry("penalty", catalog.penalty.signature()),
        entry("sight", VERSION.to_string()),
        entry("variants", joined(catalog.app_ids().map(variants).collect())),
        entry("workers", joined(catalog.worker_ids().map(worker).collect())),
    ]
}

fn worker_signature(worker: &Worker) -> String {
    let Worker { class, speed, lanes, memory_bytes, .. } = worker;
    let link = worker.link.as_ref().map_or_else(String::new, link_signature);
    let price =
        worker.usd_per_request.map_or_else(String::new, |usd| format!(", {usd} USD a call"));
    format!("{class}, speed {speed}, lanes {lanes}, bytes {memory_bytes}{link}{price}")
}

/// A link, as far as it delays requests.
fn link_signature(link: &Link) -> String {
    let uplink = match &link.uplink {
        Uplink::Endless => "without limit".to_owned(),
        Uplink::Constant(bps) => format!("{bps} bit/s"),
        Uplink::Table(table) => format!("by table {}", &source::hash(&format!("{table:?}"))[..16]),
    };
    format!(", behind a link of {} ms, {uplink}", link.rtt.as_ms())
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
    fn unbounded_inputs_are_squashed() {
        assert_eq!([0.0, 1.0, 3.0].map(squash), [0.0, 0.5, 0.75]);
    }

    #[test]
    fn entropy_is_a_share() {
        assert_eq!(entropy(&[]), 0.0);
        assert_eq!(entropy(&[1.0, 0.0]), 0.0);
        assert!((entropy(&[0.25; 4]) - 1.0).abs() < 1e-6);
        // Half of the weight on one of four, the rest on another: one bit of two.
        assert!((entropy(&[0.5, 0.5, 0.0, 0.0]) - 0.5).abs() < 1e-6);
    }
}
