//! Clockwork: a central schedule of predictable batches, a few milliseconds ahead of every worker.
//!
//! Workers are given batches until they have enough to do for `ahead_ms`; which ones, by the last
//! instant at which they could start (`clockwork_infer.rs`). A model is loaded where requests for
//! it wait that no worker which holds it will serve in time (`clockwork_load.rs`); models without
//! demand leave first, then those that were not used for longest.
//!
//! ```text
//! d          deadline - 5 ms, but 15 ms after arrival at least; beyond it a request is rejected
//! sizes      1, 2, 4, 8, 16 (powers of two up to `max_batch`); those above 1 take at most
//!            `max_exec_ms`
//! L(b)       the longest of the last ten batches of this size, the table before the first
//! load_by    min(25 ms, budget - load - L(1) - 5 ms - ahead), ahead + 5 ms at least
//! ```
//!
//! Source: Gujarati et al., OSDI 2020; malixian/clockwork 5917620 (a mirror of the authors'
//! repository), `controller/concurrent_infer_and_load_scheduler.cpp`, `load_tracker.cpp`,
//! `src/controller.cpp` (250 ms, where its help says 25).
//!
//! Adapted: the variant is fixed. A load stops the worker here and stands on the same timeline as
//! batches; there it runs beside them. Deciding, and the way to a worker and back, delay a batch.
//! The capacity C is 100 ms, the code's default budget. A variant whose load takes no time counts
//! as loaded. Variants that no application uses leave the memory before all others. At the last
//! question of a run what waits is rejected. Not verified: when loads are asked for, at most two at
//! a time per worker; the rest of the controller.
//!
//! O(log requests) per request and size.

use crate::config::{Decoder, Setting};
use crate::contract::{BatchCompletion, Plan, RejectReason, Scheduler, Timeline, Trigger, View};
use crate::core::ids::{Request, RequestId, VariantId, WorkerId};
use crate::core::units::{NS_PER_MS, Span, Time};
use crate::scheduler::dispatch::dispatcher::{FIXED, FixedVariants};
use crate::scheduler::published::acc_scale::AllowedBatch;
use crate::scheduler::published::clockwork_infer::{Strategies, Waiting};
use crate::scheduler::published::clockwork_load::{Demand, LoadTracker};
use crate::scheduler::published::measured_spans::MeasuredSpans;
use crate::scheduler::{BuildContext, SchedulerEntry};

/// An answer is planned so long before its deadline, and a request so long after its arrival.
const EARLY: Span = Span(5 * NS_PER_MS);
const LEAST: Span = Span(15 * NS_PER_MS);

/// The budget in which demands are counted, the code's default.
const CAPACITY: Span = Span(100 * NS_PER_MS);

/// The longest time after which a load no longer helps a request.
const LOAD_BY: Span = Span(25 * NS_PER_MS);

/// The most loads that a worker has to do.
const LOADS: usize = 2;

/// Its line in the registry.
pub const ENTRY: SchedulerEntry = SchedulerEntry {
    name: "clockwork-like",
    summary: "batches by their last start, given to workers ahead; loads by demand, fixed variant",
    source: "Gujarati et al., OSDI 2020; malixian/clockwork 5917620",
    settings: &[
        &[
            Setting::number("ahead_ms", [0.0, 1e9], 10.0)
                .means("The time for which a worker is given batches in advance."),
            Setting::number("max_exec_ms", [0.0, 1e9], 250.0)
                .means("The longest latency of a batch of several requests."),
            Setting::flag("ignore_holders", false).means(
                "Whether a variant is loaded although the workers that hold it can serve its \
                 requests, as in the published code.",
            ),
        ],
        FIXED,
        &[Setting::integer("max_batch", [1, 4096], 16).means(
            "The largest batch; powers of two up to it are used, as far as the profile of a \
             variant allows.",
        )],
    ],
    accuracy: None,
    build: |fields, context| Box::new(Clockwork::read(fields, context)),
};

/// A request that waits or runs.
#[derive(Clone, Copy)]
struct Job {
    id: RequestId,
    demand: Demand,
}

/// A batch that a worker was given.
struct Given {
    variant: VariantId,
    jobs: Vec<Job>,
}

struct Clockwork {
    ahead: Span,
    max_exec: Span,
    max_batch: usize,
    ignores_holders: bool,
    variants: FixedVariants,
    spans: MeasuredSpans,
    tracker: LoadTracker,
    /// By application.
    waiting: Vec<Waiting<Job>>,
    /// By worker.
    workers: Vec<Worker>,
    timeline: Timeline,
    /// The wake-up that was asked for last.
    wake: Option<Time>,
}

#[derive(Default)]
struct Worker {
    strategies: Strategies,
    /// By application: the variant, its sizes, whether strategies of it are tried.
    variants: Vec<Option<VariantId>>,
    sizes: Vec<Vec<AllowedBatch>>,
    is_there: Vec<bool>,
    given: Vec<Given>,
    loads: Vec<VariantId>,
}

impl Clockwork {
    fn read(fields: &mut Decoder<'_>, context: &BuildContext<'_>) -> Self {
        let catalog = context.catalog;
        let (apps, workers) = (catalog.app_ids().len(), catalog.worker_ids().len());
        Self {
            ahead: Span::from_ms(fields.number("ahead_ms")),
            max_exec: Span::from_ms(fields.number("max_exec_ms")),
            max_batch: fields.integer("max_batch") as usize,
            ignores_holders: fields.flag("ignore_holders"),
            variants: FixedVariants::read(fields, catalog),
            spans: MeasuredSpans::default(),
            tracker: LoadTracker::new(apps, workers, CAPACITY.0),
            waiting: (0..apps).map(|_| Waiting::default()).collect(),
            workers: Vec::new(),
            timeline: Timeline::default(),
            wake: None,
        }
    }

    /// The workers as the tables have them.
    fn workers(&self, view: &View<'_>) -> Vec<Worker> {
        let catalog = view.catalog();
        let worker = |worker: WorkerId| {
            let variants: Vec<Option<VariantId>> =
                catalog.app_ids().map(|app| self.variants.variant(view, worker, app)).collect();
            let size = |variant: VariantId, size: usize| {
                let latency = view.expected_latency(worker, variant, size);
                AllowedBatch { size, latency: latency.0 }
            };
            let sizes = |variant: &Option<VariantId>| {
                let Some(variant) = *variant else { return Vec::new() };
                let most = view.max_batch(worker, variant).min(self.max_batch);
                let powers = (0..usize::BITS).map(|power| 1 << power);
                let all = powers.take_while(|size| *size <= most).map(|s| size(variant, s));
                all.filter(|b| b.size == 1 || b.latency <= self.max_exec.0).collect()
            };
            Worker {
                sizes: variants.iter().map(sizes).collect(),
                is_there: vec![false; variants.len()],
                variants,
                ..Worker::default()
            }
        };
        catalog.worker_ids().map(worker).collect()
    }

    fn take_in(&mut self, view: &View<'_>, trigger: Trigger<'_>) {
        let now = view.now();
        for Request { app, id, .. } in trigger.dropped {
            if let Some(job) = self.waiting[app.index()].remove(|job| job.id == *id) {
                self.tracker.ends(job.demand, None);
            }
        }
        for request in trigger.arrived.iter().filter_map(|id| view.request(*id)) {
            let app = request.app.index();
            let deadline = Time(request.deadline.0.saturating_sub(EARLY.0));
            let deadline = deadline.max(request.arrival + LEAST);
            let Some((latency, load)) = self.costs(view, app) else { continue };
            let rest = view.planning_budget(request.app).0.saturating_sub(load.0 + latency.0);
            let rest = Span(rest.saturating_sub(EARLY.0 + self.ahead.0));
            let load_by = rest.min(LOAD_BY).max(self.ahead + EARLY);
            let exec_by = deadline.since(request.arrival);
            let demand = self.tracker.request(now.0, app, latency.0, exec_by.0, load_by.0);
            let number = self.waiting[app].push(Job { id: request.id, demand }, deadline.0);
            for worker in self.workers.iter_mut().filter(|worker| worker.is_there[app]) {
                worker.strategies.add(app, number, deadline.0, &worker.sizes[app]);
            }
        }
        self.tracker.expire(now.0);
    }

    /// The latency and the load of an application on the first worker that can serve it.
    fn costs(&self, view: &View<'_>, app: usize) -> Option<(Span, Span)> {
        let mut workers = (0..).map(WorkerId).zip(&self.workers);
        workers.find_map(|(id, worker)| {
            let latency = Span(worker.sizes[app].first()?.latency);
            Some((latency, view.load_span(id, worker.variants[app]?)))
        })
    }

    /// Rejects heads that cannot be in time any more; at the last question all.
    fn reject(&mut self, now: Time, is_last: bool, plan: &mut Plan) {
        for waiting in &mut self.waiting {
            let next = |w: &mut Waiting<Job>| if is_last { w.pop() } else { w.pop_before(now.0) };
            while let Some(job) = next(waiting) {
                plan.reject(job.id, RejectReason::Late);
                self.tracker.ends(job.demand, None);
            }
        }
    }

    /// Forgets what a worker had to do, if that is lost.
    fn settle(&mut self, view: &View<'_>, id: WorkerId) {
        let (worker, state) = (&mut self.workers[id.index()], view.worker(id));
        let is_idle = state.backlog_len() == 0 && state.loading().is_none();
        if is_idle && state.running().next().is_none() {
            // Lost with the worker, unless it had nothing to do.
            let lost = worker.given.drain(..).flat_map(|given| given.jobs);
            lost.for_each(|job| self.tracker.ends(job.demand, None));
        }
        worker.loads.retain(|variant| !is_idle && !state.holds(*variant));
    }

    /// Takes note of what a worker holds after all that it was given.
    fn sync(&mut self, view: &View<'_>, id: WorkerId, timeline: &Timeline) {
        let worker = &mut self.workers[id.index()];
        for app in 0..self.waiting.len() {
            let Some(variant) = worker.variants[app].filter(|_| !self.waiting[app].is_new()) else {
                continue;
            };
            let is_free = view.load_span(id, variant) == Span::ZERO;
            let is_there = is_free || timeline.memory().contains(variant);
            if is_there == worker.is_there[app] {
                continue;
            }
            worker.is_there[app] = is_there;
            self.tracker.set(app, id.index(), is_there);
            worker.strategies.remove(app);
            if is_there {
                for (number, deadline) in self.waiting[app].iter() {
                    worker.strategies.add(app, number, deadline, &worker.sizes[app]);
                }
            }
        }
    }

    /// Gives a worker batches and loads until it has enough to do; when it will have too little.
    fn fill(&mut self, view: &View<'_>, id: WorkerId, plan: &mut Plan) -> Option<Time> {
        let (now, until) = (view.now(), view.now() + self.ahead);
        let mut timeline = std::mem::take(&mut self.timeline);
        view.backlog_end(id, &mut timeline);
        self.settle(view, id);
        loop {
            self.sync(view, id, &timeline);
            while (timeline.free_at() < until || timeline.free_at() <= now)
                && self.give(view, id, &mut timeline, plan)
            {}
            if timeline.free_at() > until || !self.load(view, id, &mut timeline, plan) {
                break;
            }
        }
        let at = Time(timeline.free_at().0.saturating_sub(self.ahead.0));
        self.timeline = timeline;
        let worker = &self.workers[id.index()];
        let waits = !worker.strategies.is_empty() && !worker.given.is_empty();
        (waits && at > now).then_some(at)
    }

    /// Gives a worker its next batch.
    fn give(
        &mut self,
        view: &View<'_>,
        id: WorkerId,
        timeline: &mut Timeline,
        plan: &mut Plan,
    ) -> bool {
        let Worker { strategies, variants, sizes, given, .. } = &mut self.workers[id.index()];
        let overhead = view.catalog().overhead.of(1);
        let available = |app: usize| {
            let Some(variant) = variants[app] else { return u64::MAX };
            let finish = view.finish(timeline, variant, 1) + overhead;
            finish.0.saturating_sub(view.expected_latency(id, variant, 1).0)
        };
        let mut dropped = Vec::new();
        let action =
            strategies.next(&mut self.waiting, sizes, available, |job, _| dropped.push(job));
        for job in dropped {
            plan.reject(job.id, RejectReason::Late);
            self.tracker.ends(job.demand, None);
        }
        let Some(action) = action else { return false };
        let Some(variant) = variants[action.model] else { return false };
        plan.assign(id, variant, action.requests.iter().map(|job| job.id));
        view.estimate_append(timeline, variant, action.requests.len());
        action.requests.iter().for_each(|job| self.tracker.begins(job.demand, id.index()));
        given.push(Given { variant, jobs: action.requests });
        true
    }

    /// Loads the variant that is needed most, after others have made room for it.
    fn load(
        &mut self,
        view: &View<'_>,
        id: WorkerId,
        timeline: &mut Timeline,
        plan: &mut Plan,
    ) -> bool {
        let (worker, waiting) = (&mut self.workers[id.index()], &self.waiting);
        if worker.loads.len() >= LOADS {
            return false;
        }
        let may = |app: usize| !waiting[app].is_empty() && worker.variants[app].is_some();
        let Some(app) = self.tracker.to_load(id.index(), self.ignores_holders, may) else {
            return false;
        };
        let Some(variant) = worker.variants[app] else { return false };
        let bytes = view.catalog().variant(variant).bytes;
        while !timeline.memory().fits(bytes) {
            let state = view.worker(id);
            let weights = |variant| view.catalog().weights(variant);
            let used = worker.given.iter().map(|given| given.variant);
            let used = used.chain(worker.loads.iter().copied());
            let loading = state.loading().map(|(loading, _)| loading);
            let used: Vec<VariantId> = used.chain(loading).map(weights).collect();
            let may = |v: &VariantId| {
                timeline.memory().contains(*v) && state.holds(*v) && !used.contains(&weights(*v))
            };
            let is_own = |v: &VariantId| {
                worker.variants.iter().flatten().any(|own| weights(*own) == weights(*v))
            };
            let mut foreign = state.resident().filter(|v| !is_own(v));
            let own = || {
                let may = |app: usize| worker.variants[app].is_some_and(|v| may(&v));
                self.tracker.to_evict(id.index(), may).and_then(|app| worker.variants[app])
            };
            let Some(victim) = foreign.find(may).or_else(own) else { return false };
            plan.evict(id, victim);
            timeline.evict(victim);
            if let Some(app) = worker.variants.iter().position(|v| *v == Some(victim)) {
                self.tracker.set(app, id.index(), false);
                worker.is_there[app] = false;
                worker.strategies.remove(app);
            }
        }
        plan.preload(id, variant);
        view.estimate_append(timeline, variant, 0);
        worker.loads.push(variant);
        self.tracker.loads(app, id.index());
        true
    }
}

impl Scheduler for Clockwork {
    fn on_completion(&mut self, ended: &BatchCompletion) {
        self.spans.add(ended);
        let BatchCompletion { worker: id, variant, batch, .. } = *ended;
        let Some(worker) = self.workers.get_mut(id.index()) else { return };
        let is_it = |given: &Given| given.variant == variant && given.jobs.len() == batch;
        if let Some(at) = worker.given.iter().position(is_it) {
            let given = worker.given.remove(at);
            given.jobs.iter().for_each(|job| self.tracker.ends(job.demand, Some(id.index())));
        }
        let sizes = worker.variants.iter().zip(&mut worker.sizes);
        let own = sizes.filter(|(own, _)| **own == Some(variant)).flat_map(|(_, sizes)| sizes);
        if let Some(worst) = self.spans.worst(id, variant, batch) {
            own.filter(|size| size.size == batch).for_each(|size| size.latency = worst.0);
        }
    }

    fn decide(&mut self, view: &View<'_>, trigger: Trigger<'_>, plan: &mut Plan) {
        if self.workers.is_empty() {
            self.workers = self.workers(view);
        }
        self.take_in(view, trigger);
        self.reject(view.now(), false, plan);
        let workers = view.catalog().worker_ids();
        let wake = workers.filter_map(|id| self.fill(view, id, plan)).min();
        let is_busy = |worker: &Worker| !worker.given.is_empty() || !worker.loads.is_empty();
        if let Some(wake) = wake {
            plan.wake_at(wake);
        } else if trigger.woken && self.wake != Some(view.now()) {
            // Nothing else happens, unless a worker has something to do.
            let is_last = !self.workers.iter().any(is_busy);
            self.reject(view.now(), is_last, plan);
        }
        self.wake = wake;
    }
}
