//! Nexus: applications are packed onto workers by their rates, and a worker serves its own in turn.
//!
//! A plan says which applications share a worker and how many requests of each it serves per round
//! (`nexus_plan.rs`). The worker goes round and never waits for the end of a cycle: it takes the
//! next application of which requests wait, forms a batch of at most that many, and drops requests
//! that cannot be on time with it.
//!
//! ```text
//! n          min(planned batch, largest batch, waiting)
//! window     by deadline: drop whoever is late after L(n), until n are kept; n and L(n) shrink as
//!            soon as fewer than n are left
//! earliest   drop heads that are late even alone; the largest b <= n with L(b) below what is left
//!            of the head's budget, one at least
//! plan       first after a tenth of a period; then rates are looked at every thirtieth, and a plan
//!            is made after a third if a rate is below 0.8 or above 1.1 of what the plan serves,
//!            after a period in any case
//! ```
//!
//! Source: Shen et al., SOSP 2019; uwsampl/nexus b436191, `backend/model_exec.cpp`,
//! `backend/gpu_executor.cpp`, `scheduler/scheduler.cpp`. Constants of the code: a look every
//! second, plans after 10 s and 30 s, 2 ms of network. It enlarges latencies by 15 % and a
//! deviation: `margin` is 1 here, since tables are exact unless an experiment says otherwise.
//!
//! Adapted: the variant is fixed. Every plan packs from scratch, where the code moves what changed.
//! Workers that have an application take from its one queue, where frontends send requests by
//! planned throughput. A load, the way to a worker and deciding are added to the latency of a
//! batch. What has no place, before the first plan or since all workers are full, is served by
//! every worker in batches of at most `b_max`; or it is rejected, see `unplaced`. Rates are means
//! of ten looks. A variant is loaded by its first batch and leaves when others need room.
//! `plan_at_bursts` is ours: a rate that is off by a factor of two, and by ten requests per look,
//! leads to a plan. Not verified: the instants of plans, and the round.
//!
//! O(batch + drops) per batch; a plan is O(applications · workers²).

use crate::config::settings::names;
use crate::config::{Decoder, Setting};
use crate::contract::{Plan, RejectReason, Scheduler, Trigger, View};
use crate::core::ids::{AppId, VariantId, WorkerId};
use crate::core::units::{Span, Time};
use crate::scheduler::dispatch::dispatcher::{FIXED, FixedVariants};
use crate::scheduler::published::app_lines::AppLines;
use crate::scheduler::published::arrival_rates::ArrivalRates;
use crate::scheduler::published::free_lanes::{FreeLane, FreeLanes};
use crate::scheduler::published::nexus_plan::{Session, is_less, largest, pack};
use crate::scheduler::{BuildContext, MAX_BATCH_SETTING, SchedulerEntry};

const DROPS: [(&str, Drop); 2] = [("window", Drop::Window), ("earliest", Drop::Earliest)];
const UNPLACED: [(&str, bool); 2] = [("serve", true), ("reject", false)];

/// Its line in the registry.
pub const ENTRY: SchedulerEntry = SchedulerEntry {
    name: "nexus-like",
    summary: "applications packed onto workers by rate, served in turn, fixed variant",
    source: "Shen et al., SOSP 2019; uwsampl/nexus b436191",
    settings: &[
        &[
            Setting::choice("early_drop", &names(&DROPS)).means(
                "Which requests are given up: those that would be late with a batch of the planned \
                 size, or only those that are late even alone.",
            ),
            Setting::choice("unplaced", &names(&UNPLACED)).means(
                "What becomes of an application for which the plan has no place: every worker \
                 serves it, or its requests are rejected.",
            ),
            Setting::number("period_s", [1e-3, 1e9], 30.0)
                .means("The longest time between plans; a third of it is the shortest."),
            Setting::flag("plan_at_bursts", true).means(
                "Whether arrivals that are off the plan by a factor of two lead to the next plan \
                 at once.",
            ),
            Setting::number("margin", [1.0, 10.0], 1.0)
                .means("The factor by which latencies are enlarged."),
            Setting::number("network_ms", [0.0, 1e9], 2.0)
                .means("The part of a budget that the largest batch leaves to the network."),
        ],
        FIXED,
        &[MAX_BATCH_SETTING],
    ],
    accuracy: None,
    build: |fields, context| Box::new(Nexus::read(fields, context)),
};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Drop {
    Window,
    Earliest,
}

/// What the formation of a batch depends on; nanoseconds.
#[derive(Clone, Copy, Debug)]
pub struct Round<'a> {
    /// When the batch starts.
    pub start: u64,
    /// The time after the batch.
    pub after: u64,
    /// The most requests.
    pub most: usize,
    /// How many wait.
    pub waiting: usize,
    /// Latencies of batches from 1.
    pub latencies: &'a [u64],
}

impl Round<'_> {
    fn finish(&self, batch: usize) -> u64 {
        let time = batch.checked_sub(1).and_then(|at| self.latencies.get(at));
        self.start.saturating_add(time.copied().unwrap_or(0))
    }

    fn most(&self, waiting: usize) -> usize {
        self.most.min(waiting).min(self.latencies.len())
    }

    /// Of the first requests by deadline, whether each is in the batch or dropped: sliding window.
    pub fn window(&self, deadlines: impl IntoIterator<Item = u64>) -> Vec<bool> {
        let (mut fates, mut kept) = (Vec::new(), 0);
        let mut size = self.most(self.waiting);
        let mut deadlines = deadlines.into_iter();
        while kept < size {
            let Some(deadline) = deadlines.next() else { break };
            let stays = deadline >= self.finish(size);
            kept += usize::from(stays);
            fates.push(stays);
            size = size.min(kept + self.waiting.saturating_sub(fates.len()));
        }
        fates
    }

    /// The same: earliest first.
    pub fn earliest(&self, deadlines: impl IntoIterator<Item = u64>) -> Vec<bool> {
        let alone = self.finish(1).saturating_add(self.after);
        let (mut dropped, mut first) = (0, None);
        for deadline in deadlines {
            if deadline >= alone {
                first = Some(deadline);
                break;
            }
            dropped += 1;
        }
        let mut fates = vec![false; dropped];
        if let Some(first) = first {
            let last = first.saturating_sub(self.after);
            let most = self.most(self.waiting.saturating_sub(dropped));
            let fits = (2..=most).take_while(|batch| self.finish(*batch) < last).count();
            fates.extend(std::iter::repeat_n(true, most.min(1 + fits)));
        }
        fates
    }
}

/// When a plan is due.
struct Looks {
    period: Span,
    at_bursts: bool,
    next: Option<Time>,
    /// The instant of the last plan, if there is one.
    planned: Option<Time>,
}

impl Looks {
    fn look(&self) -> Span {
        Span((self.period.0 / 30).max(1))
    }

    /// Whether a plan is due, given (rate now, rate planned, rate served) of every application.
    fn is_due(&mut self, now: Time, rates: impl Fn() -> Vec<(f64, f64, f64)>) -> bool {
        let next = *self.next.get_or_insert(now + Span(self.period.0 / 10));
        if now < next {
            return false;
        }
        self.next = Some(now + self.look());
        let Some(planned) = self.planned else { return true };
        let age = now.since(planned);
        let is_off = |(now, _, served): &(f64, f64, f64)| {
            is_less(*now, 0.8 * served) || is_less(1.1 * served, *now)
        };
        let bursts = |(now, planned, _): &(f64, f64, f64)| {
            let (low, high) = (now.min(*planned), now.max(*planned));
            is_less(2.0 * low, high) && (high - low) * self.look().as_s() >= 10.0
        };
        age >= self.period
            || age.0 >= self.period.0 / 3 && rates().iter().any(is_off)
            || self.at_bursts && rates().iter().any(bursts)
    }
}

/// An application in a plan; requests per second.
#[derive(Clone, Copy, Default)]
struct Planned {
    rate: f64,
    served: f64,
    /// Whether any worker has it.
    is_placed: bool,
}

struct Nexus {
    drop: Drop,
    serves_unplaced: bool,
    margin: f64,
    network: Span,
    max_batch: usize,
    looks: Looks,
    lines: AppLines,
    lanes: FreeLanes,
    rates: ArrivalRates,
    variants: FixedVariants,
    planned: Vec<Planned>,
    /// By worker and application, the planned batch; 0 for none.
    batches: Vec<usize>,
    /// By worker, whose turn is next.
    turns: Vec<usize>,
    latencies: Vec<u64>,
}

impl Nexus {
    /// Rates are means over so many looks.
    const LOOKS: u64 = 10;

    fn read(fields: &mut Decoder<'_>, context: &BuildContext<'_>) -> Self {
        let catalog = context.catalog;
        let (workers, apps) = (catalog.worker_ids().len(), catalog.app_ids().len());
        let period = Span::from_s(fields.number("period_s"));
        let looks =
            Looks { period, at_bursts: fields.flag("plan_at_bursts"), next: None, planned: None };
        Self {
            drop: fields.choice("early_drop", &DROPS),
            serves_unplaced: fields.choice("unplaced", &UNPLACED),
            margin: fields.number("margin"),
            network: Span::from_ms(fields.number("network_ms")),
            max_batch: fields.integer("max_batch") as usize,
            lines: AppLines::by_deadline(catalog),
            lanes: FreeLanes::new(catalog),
            rates: ArrivalRates::new(catalog, looks.look(), Self::LOOKS),
            looks,
            variants: FixedVariants::read(fields, catalog),
            planned: vec![Planned::default(); apps],
            batches: vec![0; workers * apps],
            turns: vec![0; workers],
            latencies: Vec::new(),
        }
    }

    fn rate(&self, app: AppId, now: Time) -> f64 {
        self.rates.mean_rps(app, now).unwrap_or(0.0)
    }

    /// Latencies of batches from 1 with the margin and deciding, nanoseconds.
    fn latencies(
        &self,
        view: &View<'_>,
        worker: WorkerId,
        variant: VariantId,
    ) -> impl Iterator<Item = u64> {
        let (view, margin) = (*view, self.margin);
        let most = view.max_batch(worker, variant).min(self.max_batch);
        (1..=most).map(move |batch| {
            let latency = view.expected_latency(worker, variant, batch).scale(margin);
            (latency + view.catalog().overhead.of(batch)).0
        })
    }

    fn sessions(&self, view: &View<'_>) -> Vec<Session> {
        let catalog = view.catalog();
        let session = |app| {
            let hosted = |w: WorkerId| Some((w, self.variants.variant(view, w, app)?));
            let on = |w| hosted(w).map(|(w, variant)| self.latencies(view, w, variant));
            let latencies = |w| on(w).into_iter().flatten().collect();
            // A load that takes no time needs no room.
            let loaded = |(w, v): &(WorkerId, VariantId)| view.load_span(*w, *v) > Span::ZERO;
            let bytes = catalog.worker_ids().filter_map(hosted).filter(loaded);
            Session {
                rate: self.rate(app, view.now()),
                budget: view.planning_budget(app).0,
                around: 0,
                network: self.network.0,
                bytes: bytes.map(|(_, v)| catalog.variant(v).bytes).max().unwrap_or(0),
                latencies: catalog.worker_ids().map(latencies).collect(),
            }
        };
        catalog.app_ids().map(session).collect()
    }

    fn plan(&mut self, view: &View<'_>) {
        self.looks.planned = Some(view.now());
        let (catalog, sessions) = (view.catalog(), self.sessions(view));
        let memory: Vec<u64> =
            catalog.worker_ids().map(|w| catalog.worker(w).memory_bytes).collect();
        let packing = pack(&memory, &sessions);
        let served = |at: usize| {
            let own = packing.placed.iter().filter(|placed| placed.session == at);
            own.map(|placed| placed.throughput).sum()
        };
        self.planned.clear();
        self.planned.extend((0..).zip(&sessions).map(|(at, session)| Planned {
            rate: session.rate,
            served: served(at),
            is_placed: packing.placed.iter().any(|placed| placed.session == at),
        }));
        self.batches.fill(0);
        for placed in packing.cycles.iter().flat_map(|cycle| &cycle.placed) {
            self.batches[placed.worker * sessions.len() + placed.session] = placed.batch;
        }
    }

    fn is_due(&mut self, now: Time) -> bool {
        let Self { looks, planned, rates, .. } = self;
        let rates = || {
            let apps = (0..).map(AppId).zip(planned.iter());
            let rate = |app| rates.mean_rps(app, now).unwrap_or(0.0);
            apps.map(|(app, planned)| (rate(app), planned.rate, planned.served)).collect()
        };
        looks.is_due(now, rates)
    }

    /// The next application of the worker's round of which a batch can be formed.
    fn fill(&mut self, lane: FreeLane<'_>, is_last: bool) -> bool {
        let (view, worker, apps) = (lane.view, lane.worker, self.planned.len());
        for _ in 0..apps {
            let at = self.turns[worker.index()];
            self.turns[worker.index()] = (at + 1) % apps;
            let app = AppId(at as u16);
            let own = self.batches[worker.index() * apps + at];
            if self.lines.len(app) == 0 || own == 0 && self.planned[at].is_placed && !is_last {
                continue;
            }
            let Some(variant) = self.variants.variant(view, worker, app) else { continue };
            let mut latencies = std::mem::take(&mut self.latencies);
            latencies.clear();
            latencies.extend(self.latencies(view, worker, variant));
            let most =
                largest(&latencies, view.planning_budget(app).0.saturating_sub(self.network.0));
            let round = Round {
                start: (view.now() + lane.delay(variant)).0,
                after: 0,
                most: if own == 0 { most } else { own.min(most) },
                waiting: self.lines.len(app),
                latencies: &latencies,
            };
            let deadlines = self.lines.walk(app).map(|request| request.deadline.0);
            let fates = match self.drop {
                Drop::Window => round.window(deadlines),
                Drop::Earliest => round.earliest(deadlines),
            };
            self.latencies = latencies;
            let mut batch = Vec::new();
            for (id, stays) in self.lines.take(app, fates.len()).zip(fates) {
                if stays {
                    batch.push(id);
                } else {
                    lane.plan.reject(id, RejectReason::Late);
                }
            }
            if !batch.is_empty() {
                lane.assign(variant, batch);
                return true;
            }
        }
        false
    }
}

impl Scheduler for Nexus {
    fn decide(&mut self, view: &View<'_>, trigger: Trigger<'_>, plan: &mut Plan) {
        self.lines.take_in(view, trigger);
        self.rates.take_in(view, trigger);
        if self.is_due(view.now()) {
            self.plan(view);
        }
        if !self.serves_unplaced && self.looks.planned.is_some() {
            for app in self.lines.apps().filter(|app| !self.planned[app.index()].is_placed) {
                let all = self.lines.take(app, usize::MAX);
                all.for_each(|id| plan.reject(id, RejectReason::Admission));
            }
        }
        let mut lanes = std::mem::take(&mut self.lanes);
        lanes.offer(view, plan, |lane| self.fill(lane, trigger.woken));
        self.lanes = lanes;
    }
}
