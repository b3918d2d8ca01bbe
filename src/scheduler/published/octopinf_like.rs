//! OctopInf: batch sizes by workload, and a time slot for every model on its lane.
//!
//! Every period each application gets the batch size for which a batch is cheapest per request and
//! takes less than half the budget, and a slot of its worker's cycle
//! ([`octopinf_plan`](super::octopinf_plan)). A batch starts when it is full. Otherwise it waits
//! for the instant at which it would end with its slot of the next cycle, or for the last at which
//! its oldest request can still be answered, whichever is first:
//!
//! ```text
//! ideal   cycle of the oldest request's arrival + cycle + end of the slot - 1.3 · latency(batch)
//! must    deadline of the oldest - 1.2 · latency(waiting)
//! drop    the oldest, while must lies in the past
//! ```
//!
//! Source: Nguyen et al., PerCom 2025; tungngreen/PipelineScheduler 2ca4d58: `scheduling_ppp.cpp`,
//! `controller.cpp`, `basebatcher.cpp`, `receiver.h`. Published: period 360 s, half the budget,
//! four replicas, factors 1.3 and 1.2.
//!
//! Adapted: an application is a chain of one model, with a fixed variant, and a microsecond to
//! prepare and to finish a request. Every local worker serves all applications with its share of
//! the rate, and their slots follow each other in a cycle as long as all of their batches. One that
//! finds no slot, or whose budget is less than two cycles, only has its last instant. The shift to
//! the edge decides per application: local workers serve it if they can (load at most 0.8) and a
//! batch of one takes less than half the budget, else those behind a link. A latency counts the
//! overhead of decisions, loads and the link. Requests are dropped as a batch is formed. Of several
//! batches that may start the one with the earliest must goes first. Replicas are not started, so
//! that the rescaling every 30 s has no effect. Not verified: `ideal` and `must`, which are read
//! and not run.
//!
//! O(applications) per event; a plan O(applications · workers · doublings).

use crate::config::{Decoder, Setting};
use crate::contract::{Plan, RejectReason, Scheduler, Trigger, View};
use crate::core::ids::{AppId, VariantId, WorkerId};
use crate::core::units::{Span, Time};
use crate::scheduler::dispatch::dispatcher::{FIXED, FixedVariants};
use crate::scheduler::published::app_lines::AppLines;
use crate::scheduler::published::arrival_rates::ArrivalRates;
use crate::scheduler::published::free_lanes::{FreeLane, FreeLanes};
use crate::scheduler::published::octopinf_plan::{Lanes, Model, Portion, Profiled, size_chain};
use crate::scheduler::published::planning_period::PlanningPeriod;
use crate::scheduler::{BuildContext, MAX_BATCH_SETTING, SchedulerEntry};

/// Its line in the registry.
pub const ENTRY: SchedulerEntry = SchedulerEntry {
    name: "octopinf-like",
    summary: "batches by workload, started for a time slot or the oldest deadline, fixed variant",
    source: "Nguyen et al., PerCom 2025; tungngreen/PipelineScheduler 2ca4d58",
    settings: &[
        &PlanningPeriod::settings(360.0),
        &[
            Setting::integer("static_batch", [0, 4096], 0).means(
                "A batch size instead of the planned ones, an ablation; 0 for the planned ones.",
            ),
            Setting::flag("slots", true)
                .means("Whether batches are started for time slots; if not, an ablation."),
        ],
        FIXED,
        &[MAX_BATCH_SETTING],
    ],
    accuracy: None,
    build: |fields, context| Box::new(OctopInf::read(fields, context)),
};

/// The most replicas of a model.
const REPLICAS: u64 = 4;

/// Microseconds to prepare and to finish a request.
const AROUND: u64 = 1;

/// The slot of an application in the cycle of its worker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Slot {
    /// The start of the first cycle.
    pub origin: u64,
    /// The length of a cycle.
    pub cycle: u64,
    /// The end of the slot in it.
    pub end: u64,
}

/// A batch that gathers; nanoseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gathering {
    /// The arrival of its oldest request.
    pub arrival: u64,
    /// The deadline of its oldest request.
    pub deadline: u64,
    /// The requests that wait.
    pub waiting: usize,
    /// The planned size.
    pub batch: usize,
    /// The latency of the planned size.
    pub latency: u64,
    /// The latency of those that wait.
    pub latency_now: u64,
    /// Its slot.
    pub slot: Option<Slot>,
}

impl Gathering {
    /// The last start for the oldest request, with some reserve; before time began, the past.
    pub fn must(&self) -> i128 {
        i128::from(self.deadline) - i128::from(Span(self.latency_now).scale(1.2).0)
    }

    /// When it starts.
    pub fn start(&self) -> i128 {
        if self.waiting >= self.batch {
            return 0;
        }
        let ideal = self.slot.map_or(i128::MAX, |slot| {
            let cycles = self.arrival.saturating_sub(slot.origin) / slot.cycle.max(1) + 1;
            let end = slot.origin + cycles.saturating_mul(slot.cycle) + slot.end;
            i128::from(end) - i128::from(Span(self.latency).scale(1.3).0)
        });
        self.must().min(ideal)
    }
}

/// The plan of an application on a worker.
#[derive(Clone, Copy, Debug)]
struct AppPlan {
    batch: usize,
    slot: Option<Slot>,
}

struct OctopInf {
    static_batch: usize,
    slots: bool,
    max_batch: usize,
    period: PlanningPeriod,
    rates: ArrivalRates,
    lines: AppLines,
    lanes: FreeLanes,
    variants: FixedVariants,
    /// By worker and application.
    plans: Vec<Option<AppPlan>>,
}

impl OctopInf {
    fn read(fields: &mut Decoder<'_>, context: &BuildContext<'_>) -> Self {
        let catalog = context.catalog;
        let period = PlanningPeriod::read(fields);
        Self {
            static_batch: fields.integer("static_batch") as usize,
            slots: fields.flag("slots"),
            max_batch: fields.integer("max_batch") as usize,
            rates: period.rates(catalog, 10),
            period,
            lines: AppLines::by_arrival(catalog),
            lanes: FreeLanes::new(catalog),
            variants: FixedVariants::read(fields, catalog),
            plans: vec![None; catalog.worker_ids().len() * catalog.app_ids().len()],
        }
    }

    /// The application as a chain of one model, with what it takes on a worker.
    fn model(&self, view: &View<'_>, worker: WorkerId, variant: VariantId, rate: f64) -> Model {
        let most = view.max_batch(worker, variant).min(self.max_batch);
        let sizes = std::iter::successors(Some(1), |size| Some(size * 2));
        let profiled = |batch: usize| Profiled {
            batch: batch as u64,
            prepare: AROUND,
            infer: view.expected_latency(worker, variant, batch).0 / 1000 / batch as u64,
            finish: AROUND,
        };
        let link = view.catalog().worker(worker).link.as_ref();
        let transfer = link.map_or(0, |link| 2 * link.one_way().0 / 1000);
        let profile = sizes.take_while(|size| *size <= most).map(profiled).collect();
        Model { rate: rate as f32, transfer, profile }
    }

    /// Whether local workers, if there are any, can serve an application.
    fn is_local(&self, view: &View<'_>, app: AppId, rate: f64) -> bool {
        let bound = view.planning_budget(app).0 / 1000 / 2;
        let mut served = 0.0;
        for worker in view.workers().filter(|worker| !worker.is_remote()) {
            let Some(variant) = self.variants.variant(view, worker.id, app) else { continue };
            let model = self.model(view, worker.id, variant, rate);
            let sizing = size_chain(&[model], bound, REPLICAS).models[0];
            let alone = view.expected_latency(worker.id, variant, 1).0 / 1000;
            if alone < bound {
                let batch = 1_u64 << sizing.step;
                let lanes = f64::from(view.catalog().worker(worker.id).lanes);
                served += lanes * batch as f64 / (sizing.process.max(1) as f64 / 1e6);
            }
        }
        0.8 * served >= rate
    }

    fn plan(&mut self, view: &View<'_>, rates: &[Option<f64>]) {
        self.plans.fill(None);
        let catalog = view.catalog();
        let is_local: Vec<bool> = catalog
            .app_ids()
            .map(|app| rates[app.index()].is_some_and(|rate| self.is_local(view, app, rate)))
            .collect();
        let serves = |worker: WorkerId, app: AppId| {
            let variant = self.variants.variant(view, worker, app)?;
            let is_alike = |other: WorkerId| {
                view.worker(other).is_remote() != is_local[app.index()]
                    && self.variants.variant(view, other, app).is_some()
            };
            let alike = catalog.worker_ids().filter(|other| is_alike(*other)).count();
            // Without a worker of the kind that it is for, all serve it.
            let all = catalog.worker_ids().len();
            let is_one = alike == 0 || is_alike(worker);
            is_one.then_some((variant, if alike == 0 { all } else { alike }))
        };
        let mut plans = self.plans.clone();
        for worker in catalog.worker_ids() {
            let mut sized: Vec<(AppId, usize, u64)> = Vec::new();
            for app in catalog.app_ids() {
                let Some(rate) = rates[app.index()] else { continue };
                let Some((variant, alike)) = serves(worker, app) else { continue };
                let model = self.model(view, worker, variant, rate / alike as f64);
                let bound = view.planning_budget(app).0 / 1000 / 2;
                let sizing = size_chain(&[model], bound, REPLICAS).models[0];
                let most = view.max_batch(worker, variant).min(self.max_batch);
                let (mut batch, mut process) = (1 << sizing.step, sizing.process);
                if self.static_batch > 0 {
                    batch = self.static_batch.min(most);
                    process = view.expected_latency(worker, variant, batch).0 / 1000;
                }
                sized.push((app, batch, process));
            }
            let cycle: u64 = sized.iter().map(|(_, _, process)| process).sum();
            let mut lanes = Lanes::new(usize::from(catalog.worker(worker).lanes));
            let mut start = 0;
            for (app, batch, process) in sized {
                let end = start + process;
                let budget = view.planning_budget(app).0 / 1000;
                let placed = lanes.place(&Portion { start, end, cycle, budget });
                let has_slot = self.slots && matches!(placed, Ok(Some(_)));
                let origin = view.now().0;
                let slot = Slot { origin, cycle: cycle * 1000, end: end * 1000 };
                let at = worker.index() * catalog.app_ids().len() + app.index();
                plans[at] = Some(AppPlan { batch, slot: has_slot.then_some(slot) });
                start = if placed == Ok(None) { start } else { end };
            }
        }
        self.plans = plans;
    }

    /// The batch of an application that gathers for a lane; late requests are rejected.
    fn gathering(
        &mut self,
        lane: &mut FreeLane<'_>,
        app: AppId,
        (plan, variant): (AppPlan, VariantId),
    ) -> Option<Gathering> {
        let view = lane.view;
        let AppPlan { batch, slot } = plan;
        let around = lane.delay(variant);
        let latency = |batch: usize| {
            let own = view.expected_latency(lane.worker, variant, batch);
            let overhead = view.catalog().overhead.of(batch) + Span(AROUND * 1000);
            (own + around + overhead).0 + AROUND * 1000 * batch as u64
        };
        loop {
            let first = self.lines.first(app)?;
            let waiting = self.lines.len(app);
            let gathering = Gathering {
                arrival: first.arrival.0,
                deadline: first.deadline.0,
                waiting,
                batch,
                latency: latency(batch),
                latency_now: latency(waiting.min(batch)),
                slot,
            };
            if gathering.must() >= i128::from(view.now().0) {
                return Some(gathering);
            }
            let first = self.lines.pop(app)?;
            lane.plan.reject(first, RejectReason::Late);
        }
    }

    /// Starts the batch with the earliest must among those whose start has come; otherwise lowers
    /// `wake` to the first start.
    fn fill(&mut self, mut lane: FreeLane<'_>, wake: &mut Time) -> bool {
        let now = lane.view.now();
        let mut first: Option<(i128, AppId, VariantId, usize)> = None;
        let apps = self.lines.apps().count();
        for app in self.lines.apps() {
            let Some(plan) = self.plans[lane.worker.index() * apps + app.index()] else { continue };
            let found = self.variants.variant(lane.view, lane.worker, app);
            let Some(variant) = found else { continue };
            let gathering = self.gathering(&mut lane, app, (plan, variant));
            let Some(gathering) = gathering else { continue };
            let (start, must) = (gathering.start(), gathering.must());
            if start > i128::from(now.0) {
                *wake = (*wake).min(Time(start as u64));
            } else if first.is_none_or(|(other, ..)| must < other) {
                first = Some((must, app, variant, plan.batch));
            }
        }
        let Some((_, app, variant, batch)) = first else { return false };
        lane.assign(variant, self.lines.take(app, batch));
        true
    }
}

impl Scheduler for OctopInf {
    fn waits_for_idle_workers(&self) -> bool {
        true
    }

    fn decide(&mut self, view: &View<'_>, trigger: Trigger<'_>, plan: &mut Plan) {
        self.lines.take_in(view, trigger);
        self.rates.take_in(view, trigger);
        if view.idle_workers().next().is_none() {
            return;
        }
        let rate = |app| self.rates.mean_rps(app, view.now());
        if let Some(rates) = self.period.due(view, &self.rates, rate) {
            self.plan(view, &rates);
        }
        let mut wake = Time::MAX;
        let mut lanes = std::mem::take(&mut self.lanes);
        lanes.offer(view, plan, |lane| self.fill(lane, &mut wake));
        self.lanes = lanes;
        if wake < Time::MAX {
            plan.wake_at(wake);
        }
    }
}
