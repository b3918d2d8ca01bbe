//! AlpaServe: what was asked last is simulated to decide which worker holds which model.
//!
//! Every period the requests of the last one are served again, in thought, and replicas are added
//! where most of them were refused, until the memories are full
//! ([`alpaserve_plan`](super::alpaserve_plan)). Requests go to the holder that is free first, in
//! the order of their arrival. A worker that is idle takes the oldest request, which is rejected
//! if it would be late even alone, and doubles its batch while that request is on time.
//!
//! Source: Li et al., OSDI 2023; alpa-projects/mms dba47b1. The constants of its simulator (1.009
//! times the latency and 11 ms) describe its cluster: 1 and 0 here.
//!
//! Adapted: a model is an application with a fixed variant; groups are single workers, so that
//! nothing is learned of parallel models. At most the last 2,000 requests of a period are
//! simulated. A holder is free when what it computes and what waits for it alone, one by one, is
//! done. Requests of an application that no worker holds are refused. Not verified: batches of
//! several, and the search with a beam.
//!
//! O(workers · applications) per event; a plan as `alpaserve_plan.rs` says.

use crate::config::{Decoder, Setting};
use crate::contract::{Plan, RejectReason, Scheduler, Timeline, Trigger, View};
use crate::core::ids::{AppId, Request, RequestId, WorkerId};
use crate::core::units::{Span, Time};
use crate::scheduler::dispatch::dispatcher::{FIXED, FixedVariants};
use crate::scheduler::published::alpaserve_plan::{Group, Requests, place};
use crate::scheduler::published::app_lines::AppLines;
use crate::scheduler::published::arrival_rates::ArrivalRates;
use crate::scheduler::published::free_lanes::{FreeLane, FreeLanes};
use crate::scheduler::published::hosting::{self, Hosting};
use crate::scheduler::published::planning_period::PlanningPeriod;
use crate::scheduler::{BuildContext, SchedulerEntry};
use std::collections::VecDeque;

/// Its line in the registry.
pub const ENTRY: SchedulerEntry = SchedulerEntry {
    name: "alpaserve-like",
    summary: "places variants on workers by simulating the last requests, fixed variant",
    source: "Li et al., OSDI 2023; alpa-projects/mms dba47b1",
    settings: &[
        &PlanningPeriod::settings(60.0),
        &[Setting::integer("max_batch", [1, 4096], 16)
            .means("The most requests of a batch, of which powers of two are allowed.")],
        FIXED,
    ],
    accuracy: None,
    build: |fields, context| Box::new(AlpaServe::read(fields, context)),
};

/// The most requests that are simulated.
const SIMULATED: usize = 2_000;

struct AlpaServe {
    max_batch: usize,
    period: PlanningPeriod,
    rates: ArrivalRates,
    /// The arrivals that are simulated.
    last: VecDeque<(Time, AppId)>,
    /// By worker.
    lines: Vec<AppLines>,
    lanes: FreeLanes,
    variants: FixedVariants,
    /// By worker and application.
    held: Vec<bool>,
    timeline: Timeline,
}

impl AlpaServe {
    fn read(fields: &mut Decoder<'_>, context: &BuildContext<'_>) -> Self {
        let catalog = context.catalog;
        let period = PlanningPeriod::read(fields);
        let workers = catalog.worker_ids().len();
        Self {
            max_batch: fields.integer("max_batch") as usize,
            rates: period.rates(catalog, 10),
            period,
            last: VecDeque::new(),
            lines: (0..workers).map(|_| AppLines::by_arrival(catalog)).collect(),
            lanes: FreeLanes::new(catalog),
            variants: FixedVariants::read(fields, catalog),
            held: vec![false; workers * catalog.app_ids().len()],
            timeline: Timeline::default(),
        }
    }

    fn note(&mut self, view: &View<'_>, trigger: Trigger<'_>) {
        let is_fresh = |id: &&RequestId| !view.is_returned(**id);
        let arrived = trigger.arrived.iter().filter(is_fresh).filter_map(|id| view.request(*id));
        self.last.extend(arrived.map(|request| (request.arrival, request.app)));
        let from = self.last.len().saturating_sub(SIMULATED);
        self.last.drain(..from);
        let period = self.period.length();
        while self.last.front().is_some_and(|(at, _)| view.now().since(*at) > period) {
            self.last.pop_front();
        }
    }

    /// What a worker could hold of these applications.
    fn group(&self, view: &View<'_>, worker: WorkerId, apps: &[AppId]) -> Group {
        let catalog = view.catalog();
        let model = |app: &AppId| {
            let variant = self.variants.variant(view, worker, *app)?;
            let latency = view.expected_latency(worker, variant, 1).as_s();
            // What takes no time to load needs no place.
            let is_loaded = view.load_span(worker, variant) > Span::ZERO;
            let bytes = if is_loaded { catalog.variant(variant).bytes as f64 } else { 0.0 };
            Some((latency / f64::from(catalog.worker(worker).lanes), bytes))
        };
        let memory = catalog.worker(worker).memory_bytes as f64;
        Group { memory, models: apps.iter().map(model).collect() }
    }

    fn plan(&mut self, view: &View<'_>, rates: &[Option<f64>], plan: &mut Plan) {
        let catalog = view.catalog();
        let apps: Vec<AppId> = catalog.app_ids().filter(|a| rates[a.index()].is_some()).collect();
        let groups: Vec<Group> =
            catalog.worker_ids().map(|worker| self.group(view, worker, &apps)).collect();
        let budgets: Vec<f64> = apps.iter().map(|app| view.planning_budget(*app).as_s()).collect();
        let first = self.last.iter().map(|(at, _)| *at).min().unwrap_or(Time::ZERO);
        let model = |app: &AppId| apps.iter().position(|other| other == app);
        let mut arrivals: Vec<(f64, usize)> = self
            .last
            .iter()
            .filter_map(|(at, app)| Some((at.since(first).as_s(), model(app)?)))
            .collect();
        // Requests are seen in order of arrival, but for those whose peek took longer.
        arrivals.sort_by(|a, b| a.0.total_cmp(&b.0));
        let requests = Requests { arrivals: &arrivals, budgets: &budgets, overhead: 0.0 };
        let placed = place(&groups, &requests);
        self.held.fill(false);
        let mut wanted: Vec<Hosting> = Vec::new();
        for (worker, own) in catalog.worker_ids().zip(placed) {
            for app in own.into_iter().map(|model| apps[model]) {
                self.held[worker.index() * rates.len() + app.index()] = true;
                let variant = self.variants.variant(view, worker, app);
                wanted.extend(variant.map(|variant| (worker, variant)));
            }
        }
        hosting::settle(view, &wanted, plan);
    }

    /// When what a worker does and what waits for it is done.
    fn free_at(&mut self, view: &View<'_>, worker: WorkerId) -> Time {
        view.backlog_end(worker, &mut self.timeline);
        let lines = &self.lines[worker.index()];
        let work = |app: AppId| {
            let variant = self.variants.variant(view, worker, app);
            let alone = variant.map_or(0, |v| view.expected_latency(worker, v, 1).0);
            alone.saturating_mul(lines.len(app) as u64)
        };
        let waiting: u64 = lines.apps().map(work).fold(0, u64::saturating_add);
        let lanes = u64::from(view.catalog().worker(worker).lanes);
        self.timeline.free_at() + Span(waiting / lanes.max(1))
    }

    /// Sends a request to the holder that is free first, or refuses it.
    fn route(&mut self, view: &View<'_>, request: &Request, plan: &mut Plan) {
        let apps = view.catalog().app_ids().len();
        let held = |worker: &WorkerId| self.held[worker.index() * apps + request.app.index()];
        let holders: Vec<WorkerId> = view.catalog().worker_ids().filter(held).collect();
        let first = match holders.as_slice() {
            [one] => Some(*one),
            all => all.iter().copied().min_by_key(|worker| (self.free_at(view, *worker), *worker)),
        };
        match first {
            Some(worker) => self.lines[worker.index()].add(request),
            None => plan.reject(request.id, RejectReason::Admission),
        }
    }

    /// Requests that wait where their application is not held any more.
    fn stranded(&mut self, apps: usize) -> Vec<RequestId> {
        let mut stranded = Vec::new();
        for (worker, lines) in self.lines.iter_mut().enumerate() {
            for app in lines.apps() {
                if !self.held[worker * apps + app.index()] {
                    stranded.extend(lines.take(app, usize::MAX));
                }
            }
        }
        stranded.sort_unstable();
        stranded
    }

    fn fill(&mut self, lane: FreeLane<'_>) -> bool {
        let (view, worker) = (lane.view, lane.worker);
        let lines = &mut self.lines[worker.index()];
        loop {
            let heads = lines.apps().filter_map(|app| lines.first(app));
            let head = heads.min_by_key(|head| (head.arrival, head.id)).copied();
            let Some(head) = head else { return false };
            let Some(variant) = self.variants.variant(view, worker, head.app) else {
                return false;
            };
            let most = view.max_batch(worker, variant).min(self.max_batch);
            let size = batch(most.min(lines.len(head.app)), |size| {
                let overhead = view.catalog().overhead.of(size);
                view.finish(lane.timeline, variant, size) + overhead <= head.deadline
            });
            if size == 0 {
                lines.pop(head.app);
                lane.plan.reject(head.id, RejectReason::Late);
                continue;
            }
            lane.assign(variant, lines.take(head.app, size));
            return true;
        }
    }
}

/// The batch of an oldest request: doubled while it is on time; 0 if it is late even alone.
pub fn batch(most: usize, is_on_time: impl Fn(usize) -> bool) -> usize {
    let sizes = std::iter::successors(Some(1), |size| Some(size * 2));
    let on_time = sizes.take_while(|size| *size <= most && is_on_time(*size));
    on_time.last().unwrap_or(0)
}

impl Scheduler for AlpaServe {
    fn decide(&mut self, view: &View<'_>, trigger: Trigger<'_>, plan: &mut Plan) {
        self.rates.take_in(view, trigger);
        self.note(view, trigger);
        let dropped = trigger.dropped.iter();
        dropped.for_each(|request| self.lines.iter_mut().for_each(|lines| lines.remove(request)));
        let rate = |app| self.rates.mean_rps(app, view.now());
        if let Some(rates) = self.period.due(view, &self.rates, rate) {
            self.plan(view, &rates, plan);
            let stranded = self.stranded(rates.len());
            let again = stranded.into_iter().filter_map(|id| view.request(id));
            again.for_each(|request| self.route(view, request, plan));
        }
        let arrived = trigger.arrived.iter().filter_map(|id| view.request(*id));
        arrived.for_each(|request| self.route(view, request, plan));
        let mut lanes = std::mem::take(&mut self.lanes);
        lanes.offer(view, plan, |lane| self.fill(lane));
        self.lanes = lanes;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn batches_double_while_the_oldest_is_on_time() {
        assert_eq!(batch(16, |size| size <= 9), 8);
        assert_eq!(batch(7, |_| true), 4);
        assert_eq!(batch(7, |_| false), 0);
    }
}
