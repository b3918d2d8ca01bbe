//! Shepherd: the largest batch that can be on time goes first, and may end a smaller one.
//!
//! ```text
//! B(m)      of model m by deadline: drop heads with D < t + L(1); then add requests while the
//!           earliest deadline >= t + L(|B| + 1). A running batch of m counts as waiting, and is
//!           never dropped
//! free      the largest B of all models, the last listed of equals
//! arrival   of m, idle: B(m). Busy: the larger of B(m) and B(running model), m of equals; if it
//!           has at least lambda times as many requests as the running batch, that is ended, its
//!           requests wait again, and B starts
//! ```
//!
//! Source: Zhang et al., NSDI 2023, as abcdabcd987/nexuslb dbb9043 has it (`tools/shepherd`, by the
//! authors of Symphony, whose comments tell of two corrections by Shepherd's first author). Its
//! lambda is 3.03. It drops from the back of the queue, which looks like a slip; here as the text
//! has it, from the front.
//!
//! Adapted: the variant is fixed. **Batches are ended only in experiments with `preemption = true`;
//! without it lambda is infinite.** A load, the way to a worker and deciding add to latencies. On
//! several workers a request is compared with the batch of each lane, in order, until it ends
//! one. Not here: Herd, the plan that assigns models to groups of workers.
//!
//! O(models · batch) per batch, O(log n) per request.

use crate::config::{Decoder, Kind, Problem, Setting};
use crate::contract::{Plan, RejectReason, Scheduler, Trigger, View};
use crate::core::ids::{Request, RequestId, VariantId, WorkerId};
use crate::core::units::Span;
use crate::scheduler::dispatch::dispatcher::{FIXED, FixedVariants};
use crate::scheduler::published::free_lanes::{FreeLane, FreeLanes};
use crate::scheduler::{BuildContext, MAX_BATCH_SETTING, SchedulerEntry};
use std::collections::BTreeSet;

/// How many times as large a batch must be to end one that runs, as published.
const LAMBDA: f64 = 3.03;

/// Its line in the registry.
pub const ENTRY: SchedulerEntry = SchedulerEntry {
    name: "shepherd-like",
    summary: "the largest batch that can be on time, and may end a smaller one, fixed variant",
    source: "Zhang et al., NSDI 2023; abcdabcd987/nexuslb dbb9043 (second hand)",
    settings: &[
        &[Setting::optional("lambda", Kind::Number(1.0, 1e6), "3.03 with `preemption = true`")
            .means("How many times as large a batch must be to end one that runs.")],
        FIXED,
        &[MAX_BATCH_SETTING],
    ],
    accuracy: None,
    build: |fields, context| Box::new(Shepherd::read(fields, context)),
};

/// A batch that runs: requests with their deadlines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Running<I> {
    /// The index of its model.
    pub model: usize,
    /// Its requests, by deadline.
    pub requests: Vec<(u64, I)>,
}

/// A batch that starts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Start<I> {
    /// The batch.
    pub batch: Running<I>,
    /// Whether it ends the one that runs.
    pub preempts: bool,
}

/// The waiting requests of all models by deadline.
#[derive(Clone, Debug)]
pub struct Flex<I> {
    waiting: Vec<BTreeSet<(u64, I)>>,
}

impl<I: Copy + Ord> Flex<I> {
    /// No request of so many models.
    pub fn new(models: usize) -> Self {
        Self { waiting: vec![BTreeSet::new(); models] }
    }

    /// Adds a request, without a decision.
    pub fn push(&mut self, model: usize, deadline: u64, request: I) {
        self.waiting[model].insert((deadline, request));
    }

    /// Removes a request, if it waits.
    fn remove(&mut self, model: usize, deadline: u64, request: I) {
        self.waiting[model].remove(&(deadline, request));
    }

    /// Drops heads of a model that are late even alone, and forms its batch. `latency` is that of
    /// (model, size), counted from now; nothing beyond the largest size.
    fn batch(
        &mut self,
        now: u64,
        model: usize,
        latency: &impl Fn(usize, usize) -> Option<u64>,
        running: Option<&Running<I>>,
        dropped: &mut impl FnMut(I),
    ) -> Running<I> {
        let waiting = &mut self.waiting[model];
        let none = Running { model, requests: Vec::new() };
        let finish = |size| Some(now.saturating_add(latency(model, size)?));
        let Some(alone) = finish(1) else { return none };
        while let Some(head) = waiting.first().copied()
            && head.0 < alone
        {
            waiting.pop_first();
            dropped(head.1);
        }
        let own = running.filter(|running| running.model == model).map_or(&[][..], |r| &r.requests);
        let mut own = own.iter().copied().peekable();
        let mut others = waiting.iter().copied().peekable();
        let mut requests: Vec<(u64, I)> = Vec::new();
        loop {
            let next = match (own.peek(), others.peek()) {
                (Some(a), Some(b)) if a < b => own.next(),
                (_, Some(_)) => others.next(),
                _ => own.next(),
            };
            let Some(next) = next else { break };
            let earliest = requests.first().map_or(next.0, |first| first.0);
            if finish(requests.len() + 1).is_none_or(|finish| finish > earliest) {
                break;
            }
            requests.push(next);
        }
        Running { model, requests }
    }

    fn take(&mut self, batch: &Running<I>) {
        for request in &batch.requests {
            self.waiting[batch.model].remove(request);
        }
    }

    /// A worker is free.
    pub fn freed(
        &mut self,
        now: u64,
        latency: impl Fn(usize, usize) -> Option<u64>,
        mut dropped: impl FnMut(I),
    ) -> Option<Running<I>> {
        let mut best: Option<Running<I>> = None;
        for model in (0..self.waiting.len()).rev() {
            let batch = self.batch(now, model, &latency, None, &mut dropped);
            if batch.requests.len() > best.as_ref().map_or(0, |best| best.requests.len()) {
                best = Some(batch);
            }
        }
        best.inspect(|batch| self.take(batch))
    }

    /// A request of a model has arrived at a worker that runs a batch or is idle.
    pub fn arrived(
        &mut self,
        now: u64,
        model: usize,
        running: Option<&Running<I>>,
        lambda: f64,
        latency: impl Fn(usize, usize) -> Option<u64>,
        mut dropped: impl FnMut(I),
    ) -> Option<Start<I>> {
        let mut batch = self.batch(now, model, &latency, running, &mut dropped);
        if let Some(running) = running {
            if running.model != model {
                let other = self.batch(now, running.model, &latency, Some(running), &mut dropped);
                if other.requests.len() > batch.requests.len() {
                    batch = other;
                }
            }
            if (batch.requests.len() as f64) < lambda * running.requests.len() as f64 {
                return None;
            }
            self.waiting[running.model].extend(running.requests.iter().copied());
        }
        if batch.requests.is_empty() {
            return None;
        }
        self.take(&batch);
        Some(Start { batch, preempts: running.is_some() })
    }
}

struct Shepherd {
    /// Nothing where batches are never ended.
    lambda: Option<f64>,
    max_batch: usize,
    flex: Flex<RequestId>,
    lanes: FreeLanes,
    variants: FixedVariants,
    /// By application, that of the worker in question, and what delays it.
    chosen: Vec<Option<(VariantId, Span)>>,
    /// The batches that this plan ends.
    ended: Vec<(WorkerId, usize)>,
}

impl Shepherd {
    fn read(fields: &mut Decoder<'_>, context: &BuildContext<'_>) -> Self {
        let catalog = context.catalog;
        let place = fields.take("lambda").map(|node| node.place.clone());
        let lambda = fields.optional_number("lambda");
        if let (Some(place), false) = (place, catalog.preemption) {
            let expected = "`preemption = true`, or no such setting";
            let found = "`lambda` where batches are never ended";
            fields.problems().push(Problem::new(place, found, expected));
        }
        Self {
            lambda: catalog.preemption.then(|| lambda.unwrap_or(LAMBDA)),
            max_batch: fields.integer("max_batch") as usize,
            flex: Flex::new(catalog.app_ids().len()),
            lanes: FreeLanes::new(catalog),
            variants: FixedVariants::read(fields, catalog),
            chosen: Vec::new(),
            ended: Vec::new(),
        }
    }

    fn fill(&mut self, lane: FreeLane<'_>) -> bool {
        let (view, worker) = (lane.view, lane.worker);
        self.choose(view, worker, |variant| lane.delay(variant));
        let (now, latency) = (view.now().0, latency(&self.chosen, self.max_batch, view, worker));
        let late = |id| lane.plan.reject(id, RejectReason::Late);
        let Some(batch) = self.flex.freed(now, latency, late) else { return false };
        let Some((variant, _)) = self.chosen[batch.model] else { return false };
        lane.assign(variant, batch.requests.into_iter().map(|(_, id)| id));
        true
    }

    /// The variants of a worker, and what delays them.
    fn choose(&mut self, view: &View<'_>, worker: WorkerId, delay: impl Fn(VariantId) -> Span) {
        let variants = view.catalog().app_ids().map(|app| {
            let variant = self.variants.variant(view, worker, app)?;
            Some((variant, delay(variant)))
        });
        self.chosen.clear();
        self.chosen.extend(variants);
    }

    /// Compares a request that has arrived with the batches that run, lane by lane, until it ends
    /// one.
    fn compare(&mut self, view: &View<'_>, request: &Request, lambda: f64, plan: &mut Plan) {
        let model = request.app.index();
        for worker in view.workers() {
            let load = |v: VariantId| {
                if worker.holds(v) { Span::ZERO } else { view.load_span(worker.id, v) }
            };
            self.choose(view, worker.id, load);
            for lane in 0..usize::from(view.catalog().worker(worker.id).lanes) {
                let Some((variant, _, requests)) = view.batch_on(worker.id, lane) else { continue };
                let Some(own) = self.chosen.iter().position(|c| c.is_some_and(|c| c.0 == variant))
                else {
                    continue;
                };
                if self.ended.contains(&(worker.id, lane)) {
                    continue;
                }
                let mut requests: Vec<_> = requests.map(|r| (r.deadline.0, r.id)).collect();
                requests.sort_unstable();
                let running = Running { model: own, requests };
                let latency = latency(&self.chosen, self.max_batch, view, worker.id);
                let late = |id| plan.reject(id, RejectReason::Late);
                let (now, running) = (view.now().0, Some(&running));
                let start = self.flex.arrived(now, model, running, lambda, latency, late);
                let Some(start) = start else { continue };
                let Some((variant, _)) = self.chosen[start.batch.model] else { continue };
                self.ended.push((worker.id, lane));
                plan.preempt(worker.id, lane);
                plan.assign(worker.id, variant, start.batch.requests.iter().map(|(_, id)| *id));
                return;
            }
        }
    }
}

/// The latency of (application, size) on a worker from now.
fn latency<'a>(
    chosen: &'a [Option<(VariantId, Span)>],
    max_batch: usize,
    view: &'a View<'a>,
    worker: WorkerId,
) -> impl Fn(usize, usize) -> Option<u64> + use<'a> {
    move |app, size| {
        let (variant, delay) = chosen[app]?;
        let most = view.max_batch(worker, variant).min(max_batch);
        let overhead = view.catalog().overhead.of(size);
        (size <= most).then(|| (view.expected_latency(worker, variant, size) + delay + overhead).0)
    }
}

impl Scheduler for Shepherd {
    fn waits_for_idle_workers(&self) -> bool {
        self.lambda.is_none()
    }

    fn decide(&mut self, view: &View<'_>, trigger: Trigger<'_>, plan: &mut Plan) {
        self.ended.clear();
        for Request { app, deadline, id, .. } in trigger.dropped {
            self.flex.remove(app.index(), deadline.0, *id);
        }
        let is_idle = view.idle_workers().next().is_some();
        for request in trigger.arrived.iter().filter_map(|id| view.request(*id)) {
            self.flex.push(request.app.index(), request.deadline.0, request.id);
            if let (Some(lambda), false) = (self.lambda, is_idle) {
                self.compare(view, request, lambda, plan);
            }
        }
        let mut lanes = std::mem::take(&mut self.lanes);
        lanes.offer(view, plan, |lane| self.fill(lane));
        self.lanes = lanes;
    }
}
