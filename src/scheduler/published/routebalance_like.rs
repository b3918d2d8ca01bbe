//! RouteBalance: one score chooses worker and variant of every request as it arrives.
//!
//! ```text
//! score    0.3 quality + 0.2 (1 - cost / most) + 0.3 (1 - latency / longest)
//!          + 0.2 (1 - utilisation / highest)
//! ```
//!
//! Maxima are over all pairs of a worker and a variant and have 10⁻⁸ added. Equal scores: the pair
//! with fewer requests that run or wait, then the first listed. With `quality_norm = "min-max"` the
//! least quality counts as 0 and the highest as 1. What was chosen for one request counts for the
//! next. Requests of one instant are taken in the order of their longest latency.
//!
//! Source: arXiv 2606.17949; AKafakA/route-balance 671db9f,
//! `global_scheduler/route_balance/route_balance_serve.py`. It routes prompts to language models,
//! whose servers batch by themselves.
//!
//! Adapted: quality is the expected accuracy, cost the latency alone on a lane, latency the
//! expected end. A worker computes what is routed to it in that order; a request joins the batch
//! of its variant that waits there, if it has room. Utilisation is (running + waiting) / (lanes ·
//! largest batch) of the worker. Its filter by deadlines is left out. Not verified: anything but
//! the choice.
//!
//! O(workers · variants) per request, O(waiting batches) per decision.

use crate::config::settings::names;
use crate::config::{Decoder, Setting};
use crate::contract::{AccuracySource, Plan, Scheduler, Timeline, Trigger, View};
use crate::core::ids::{Request, RequestId, VariantId, WorkerId};
use crate::core::units::{Span, Time};
use crate::scheduler::{BuildContext, MAX_BATCH_SETTING, SchedulerEntry};
use std::cmp::Reverse;
use std::collections::VecDeque;

const NORMS: [(&str, QualityNorm); 2] =
    [("raw", QualityNorm::Raw), ("min-max", QualityNorm::MinMax)];

/// Its line in the registry.
pub const ENTRY: SchedulerEntry = SchedulerEntry {
    name: "routebalance-like",
    summary: "a score of quality, cost, latency and balance routes every request as it arrives",
    source: "arXiv 2606.17949; AKafakA/route-balance 671db9f",
    settings: &[
        &[
            Setting::number("quality_weight", [0.0, 1e3], 0.3).means("The weight of accuracy."),
            Setting::number("cost_weight", [0.0, 1e3], 0.2).means("The weight of lane time."),
            Setting::number("latency_weight", [0.0, 1e3], 0.3)
                .means("The weight of the expected end."),
            Setting::number("balance_weight", [0.0, 1e3], 0.2)
                .means("The weight of the worker's utilisation."),
            Setting::choice("quality_norm", &names(&NORMS)).means(
                "Whether accuracy counts as it is, or from 0 for the least to 1 for the highest.",
            ),
        ],
        &[MAX_BATCH_SETTING],
    ],
    accuracy: Some(AccuracySource::Profiled),
    build: |fields, context| Box::new(RouteBalance::read(fields, context)),
};

/// How quality counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum QualityNorm {
    /// As it is.
    Raw,
    /// From 0 for the least to 1 for the highest.
    MinMax,
}

/// Weights of the score.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Weights {
    /// Of quality.
    pub quality: f64,
    /// Of cost.
    pub cost: f64,
    /// Of latency.
    pub latency: f64,
    /// Of utilisation.
    pub balance: f64,
}

/// A place for a request.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Candidate {
    /// The expected quality of the answer.
    pub quality: f64,
    /// What it costs, in any unit.
    pub cost: f64,
    /// The expected time to the answer, in any unit.
    pub latency: f64,
    /// The requests that run or wait there.
    pub queued: usize,
    /// The requests that can run at once.
    pub capacity: usize,
}

/// Added to maxima and ranges.
const LITTLE: f64 = 1e-8;

/// The place with the highest score.
pub fn pick(candidates: &[Candidate], weights: &Weights, norm: QualityNorm) -> Option<usize> {
    let most = |of: &dyn Fn(&Candidate) -> f64| {
        candidates.iter().map(of).fold(f64::NEG_INFINITY, f64::max)
    };
    let used = |c: &Candidate| c.queued as f64 / c.capacity.max(1) as f64;
    let cost = most(&|c| c.cost) + LITTLE;
    let latency = most(&|c| c.latency) + LITTLE;
    let utilisation = most(&used) + LITTLE;
    let least = -most(&|c| -c.quality);
    let range = most(&|c| c.quality) - least + LITTLE;
    let score = |c: &Candidate| {
        let quality = match norm {
            QualityNorm::Raw => c.quality,
            QualityNorm::MinMax => (c.quality - least) / range,
        };
        weights.quality * quality
            + weights.cost * (1.0 - c.cost / cost)
            + weights.latency * (1.0 - c.latency / latency)
            + weights.balance * (1.0 - used(c) / utilisation)
    };
    let key = |at: &usize| (score(&candidates[*at]), Reverse(candidates[*at].queued));
    let best = (0..candidates.len()).map(|at| (key(&at), at)).reduce(|best, one| {
        let order = one.0.0.total_cmp(&best.0.0).then(one.0.1.cmp(&best.0.1));
        if order.is_gt() { one } else { best }
    });
    best.map(|(_, at)| at)
}

/// A batch that waits for its worker.
struct Batch {
    variant: VariantId,
    requests: Vec<RequestId>,
    /// Its expected end.
    finish: Time,
}

/// What is routed to a worker.
#[derive(Default)]
struct Queue {
    batches: VecDeque<Batch>,
    /// The worker after all of it.
    timeline: Timeline,
    /// Whether that and all ends have to be set before they are read.
    is_old: bool,
    /// Requests that run there or have been assigned.
    running: usize,
}

struct RouteBalance {
    weights: Weights,
    norm: QualityNorm,
    max_batch: usize,
    /// By worker.
    queues: Vec<Queue>,
    candidates: Vec<Candidate>,
    places: Vec<(WorkerId, VariantId)>,
}

impl RouteBalance {
    fn read(fields: &mut Decoder<'_>, context: &BuildContext<'_>) -> Self {
        Self {
            weights: Weights {
                quality: fields.number("quality_weight"),
                cost: fields.number("cost_weight"),
                latency: fields.number("latency_weight"),
                balance: fields.number("balance_weight"),
            },
            norm: fields.choice("quality_norm", &NORMS),
            max_batch: fields.integer("max_batch") as usize,
            queues: context.catalog.worker_ids().map(|_| Queue::default()).collect(),
            candidates: Vec::new(),
            places: Vec::new(),
        }
    }

    /// Variants of a request's application that a worker can load and run.
    fn variants<'a>(
        view: &View<'a>,
        id: WorkerId,
        r: &Request,
    ) -> impl Iterator<Item = VariantId> + use<'a> {
        let catalog = view.catalog();
        view.variants(id, r.app).filter(|variant| !catalog.is_peek(*variant))
    }

    fn most(&self, view: &View<'_>, id: WorkerId, variant: VariantId) -> usize {
        view.max_batch(id, variant).min(self.max_batch)
    }

    /// Routes a request.
    fn route(&mut self, view: &View<'_>, request: &Request) {
        self.candidates.clear();
        self.places.clear();
        for id in view.catalog().worker_ids() {
            let queue = &mut self.queues[id.index()];
            queue.look_ahead(view, id);
            let queue = &self.queues[id.index()];
            let waiting: usize = queue.batches.iter().map(|batch| batch.requests.len()).sum();
            let lanes = queue.timeline.lanes();
            for variant in Self::variants(view, id, request) {
                let most = self.most(view, id, variant);
                let finish = match open(&queue.batches, variant, most) {
                    Some(batch) => grown(view, id, batch),
                    None => view.finish(&queue.timeline, variant, 1),
                };
                self.places.push((id, variant));
                self.candidates.push(Candidate {
                    quality: view.accuracy(request.id, variant),
                    cost: view.expected_latency(id, variant, 1).as_ms(),
                    latency: finish.since(view.now()).as_ms(),
                    queued: queue.running + waiting,
                    capacity: lanes * most,
                });
            }
        }
        let Some(at) = pick(&self.candidates, &self.weights, self.norm) else { return };
        let (id, variant) = self.places[at];
        let most = self.most(view, id, variant);
        let queue = &mut self.queues[id.index()];
        let is_open = |batch: &&mut Batch| batch.variant == variant && batch.requests.len() < most;
        if let Some(batch) = queue.batches.iter_mut().find(is_open) {
            batch.requests.push(request.id);
            queue.is_old = true;
        } else {
            let finish = view.estimate_append(&mut queue.timeline, variant, 1);
            queue.batches.push_back(Batch { variant, requests: vec![request.id], finish });
        }
    }
}

/// The batch that a request would join.
fn open(batches: &VecDeque<Batch>, variant: VariantId, most: usize) -> Option<&Batch> {
    batches.iter().find(|batch| batch.variant == variant && batch.requests.len() < most)
}

/// The expected end of a batch with one more request.
fn grown(view: &View<'_>, id: WorkerId, batch: &Batch) -> Time {
    let latency = |size| view.expected_latency(id, batch.variant, size);
    let size = batch.requests.len();
    batch.finish + Span(latency(size + 1).0.saturating_sub(latency(size).0))
}

impl Queue {
    /// Removes requests that were dropped.
    fn forget(&mut self, view: &View<'_>) {
        self.batches.retain_mut(|batch| {
            batch.requests.retain(|id| view.request(*id).is_some());
            !batch.requests.is_empty()
        });
    }

    /// Sets the timeline and all ends, if they are old.
    fn look_ahead(&mut self, view: &View<'_>, id: WorkerId) {
        if !std::mem::take(&mut self.is_old) {
            return;
        }
        view.backlog_end(id, &mut self.timeline);
        for batch in &mut self.batches {
            let size = batch.requests.len();
            batch.finish = view.estimate_append(&mut self.timeline, batch.variant, size);
        }
    }
}

impl Scheduler for RouteBalance {
    fn decide(&mut self, view: &View<'_>, trigger: Trigger<'_>, plan: &mut Plan) {
        if !trigger.dropped.is_empty() {
            self.queues.iter_mut().for_each(|queue| queue.forget(view));
        }
        for (queue, worker) in self.queues.iter_mut().zip(view.workers()) {
            queue.running = worker.running().map(|(_, size, _)| size).sum();
            queue.is_old = true;
        }
        let arrived = trigger.arrived.iter().filter_map(|id| view.request(*id));
        let mut arrived: Vec<Request> = arrived.copied().collect();
        let longest = |request: &Request| {
            let of = |id| {
                let variants = Self::variants(view, id, request);
                variants.map(move |variant| view.expected_latency(id, variant, 1))
            };
            view.catalog().worker_ids().flat_map(of).max()
        };
        arrived.sort_by_cached_key(|request| (Reverse(longest(request)), request.id));
        for request in arrived {
            self.route(view, &request);
        }
        for id in view.idle_workers() {
            let worker = view.worker(id);
            let lanes = if worker.has_way_in() { 1 } else { worker.free_lanes() };
            let queue = &mut self.queues[id.index()];
            for _ in 0..lanes {
                let Some(batch) = queue.batches.pop_front() else { break };
                plan.assign(id, batch.variant, batch.requests);
            }
        }
    }
}
