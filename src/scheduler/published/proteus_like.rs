//! Proteus: a plan says which variant each worker hosts, from rates of arrivals, and AccScale
//! batches the requests of each host.
//!
//! Every period rates are estimated as a moving average of bins with exponential weights, hosts
//! and shares are planned ([`proteus_plan`](super::proteus_plan)), what is not hosted leaves the
//! memory, and what is hosted is loaded. A request goes to a host of its application by weighted
//! round robin in proportion to the shares, waits in the line of that host
//! ([`acc_scale`](super::acc_scale)) and is rejected where its line drops it. Lines of hosts that
//! the next plan does not have are dealt out again.
//!
//! Source: Ahmad et al., ASPLOS 2024; UMass-LIDS/Proteus 6967c93. Published: period 10 s, beta
//! 1.05, centre of mass 1.6 over at most 20 bins, batches of 1, 2, 4 and 8 that take less than half
//! the budget.
//!
//! Adapted: rates are counted in tenths of a period. With fewer workers than applications (one
//! worker, usually), or without a plan, every worker hosts a variant of each application, chosen
//! for accuracy within 1 / beta of its time and its memory; their lines share it, the one whose W
//! is earliest first. That form is ours. A W counts the overhead of decisions, the way to a worker
//! behind a link, and loads of hosts that do not all fit into memory. A batch takes the time of its
//! members. An application none of whose variants takes less than half the budget is served one by
//! one with its fastest. At the last question of a run all that wait are rejected. Not verified:
//! bins, and anything with several workers beyond the plan itself.
//!
//! O(hosts of a worker · log) per event; a plan as `proteus_plan.rs` says.

use crate::config::{Decoder, Setting};
use crate::contract::{Plan, RejectReason, Scheduler, Trigger, View};
use crate::core::ids::{AppId, Request, RequestId, VariantId, WorkerId};
use crate::core::units::{Span, Time};
use crate::scheduler::published::acc_scale::{AccScale, AllowedBatch, Member, Step};
use crate::scheduler::published::arrival_rates::ArrivalRates;
use crate::scheduler::published::hosting::{self, Hosting};
use crate::scheduler::published::last_question::reject_the_rest;
use crate::scheduler::published::planning_period::PlanningPeriod;
use crate::scheduler::published::proteus_plan::{Choice, Host, plan, rate, share_worker};
use crate::scheduler::published::weighted_turns::WeightedTurns;
use crate::scheduler::{BuildContext, SchedulerEntry};
use crate::system::catalog::Catalog;
use crate::system::link::at_rate;

/// Its line in the registry.
pub const ENTRY: SchedulerEntry = SchedulerEntry {
    name: "proteus-like",
    summary: "plans the variant of each worker from rates, batches fill while the oldest can wait",
    source: "Ahmad et al., ASPLOS 2024; UMass-LIDS/Proteus 6967c93",
    settings: &[
        &PlanningPeriod::settings(10.0),
        &[
            Setting::number("beta", [0.25, 10.0], 1.05).means(
                "How many times the rate of arrivals the hosts shall be able to serve; less while \
                 there is no such plan.",
            ),
            Setting::integer("max_batch", [1, 4096], 8)
                .means("The most requests of a batch, of which powers of two are allowed."),
        ],
    ],
    accuracy: None,
    build: |fields, context| Box::new(Proteus::read(fields, context)),
};

/// The centre of mass of the moving average, and its bins.
const AVERAGE: (f64, u64) = (1.6, 20);

/// So many ways to host are all tried.
const WAYS: usize = 20_000;

/// A variant that an application could be served with on a worker.
struct Offer {
    variant: VariantId,
    batches: Vec<AllowedBatch>,
    /// Requests per second, all lanes together.
    rate: f64,
}

/// A variant that is hosted on a worker, with the requests that wait for it.
struct Line {
    worker: WorkerId,
    variant: VariantId,
    waiting: AccScale<RequestId>,
}

/// What a plan wants: a host and its share of the requests of its application.
struct Wanted<'a> {
    worker: WorkerId,
    offer: &'a Offer,
    share: f64,
}

/// The lines of an application, and whose turn it is.
#[derive(Default)]
struct Route {
    lines: Vec<usize>,
    turns: WeightedTurns,
}

struct Proteus {
    beta: f64,
    max_batch: usize,
    period: PlanningPeriod,
    rates: ArrivalRates,
    lines: Vec<Line>,
    /// By application.
    routes: Vec<Route>,
    /// Free lanes by worker.
    free: Vec<usize>,
}

impl Proteus {
    fn read(fields: &mut Decoder<'_>, context: &BuildContext<'_>) -> Self {
        let period = PlanningPeriod::read(fields);
        Self {
            beta: fields.number("beta"),
            max_batch: fields.integer("max_batch") as usize,
            rates: period.rates(context.catalog, AVERAGE.1),
            period,
            lines: Vec::new(),
            routes: context.catalog.app_ids().map(|_| Route::default()).collect(),
            free: vec![0; context.catalog.worker_ids().len()],
        }
    }

    /// What can serve an application on a worker.
    fn offers(&self, view: &View<'_>, worker: WorkerId, app: AppId) -> Vec<Offer> {
        let catalog = view.catalog();
        let budget = view.planning_budget(app).as_ms();
        let lanes = f64::from(catalog.worker(worker).lanes);
        let offer = |variant: VariantId, is_last_resort: bool| {
            let most = catalog.max_batch(worker, variant).min(self.max_batch);
            let sizes = std::iter::successors(Some(1), |size| Some(size * 2));
            let latency = |size| catalog.latency(worker, variant, size).as_ms();
            let all: Vec<(usize, f64)> =
                sizes.take_while(|size| *size <= most).map(|size| (size, latency(size))).collect();
            let is_allowed = |(size, latency): &(usize, f64)| {
                if is_last_resort { *size == 1 } else { *latency < budget / 2.0 }
            };
            let batches: Vec<AllowedBatch> = all
                .iter()
                .filter(|batch| is_allowed(batch))
                .map(|(size, _)| allowed(view, worker, variant, *size))
                .collect();
            let budget = if is_last_resort { f64::INFINITY } else { budget };
            let all = all.into_iter().take(if is_last_resort { 1 } else { usize::MAX });
            Offer { variant, batches, rate: rate(all, budget).max(1e-3) * lanes }
        };
        let usable = || catalog.variants_of(app).filter(|v| catalog.usable(worker, *v));
        let offers: Vec<Offer> =
            usable().map(|v| offer(v, false)).filter(|offer| !offer.batches.is_empty()).collect();
        if !offers.is_empty() {
            return offers;
        }
        let fastest = usable().min_by_key(|v| (catalog.latency(worker, *v, 1), *v));
        fastest.map(|variant| offer(variant, true)).into_iter().collect()
    }

    /// Plans for these rates; requests of lines that are no more have to be dealt out again.
    fn plan(&mut self, view: &View<'_>, rates: &[Option<f64>], plan: &mut Plan) -> Vec<Request> {
        let catalog = view.catalog();
        let apps: Vec<AppId> =
            catalog.app_ids().filter(|app| rates[app.index()].is_some()).collect();
        let rates: Vec<f64> = rates.iter().flatten().copied().collect();
        // By worker, then by application.
        let offers: Vec<Vec<Vec<Offer>>> = catalog
            .worker_ids()
            .map(|worker| apps.iter().map(|app| self.offers(view, worker, *app)).collect())
            .collect();
        let of_each = self.a_variant_each(catalog, &offers, &rates);
        let wanted = of_each.unwrap_or_else(|| self.a_variant_of_each(catalog, &offers, &rates));
        let mut old: Vec<Option<Line>> = self.lines.drain(..).map(Some).collect();
        self.routes.iter_mut().for_each(|route| *route = Route::default());
        let mut shares = vec![Vec::new(); self.routes.len()];
        for Wanted { worker, offer, share } in wanted {
            let app = catalog.variant(offer.variant).app;
            let same = |line: &&mut Option<Line>| {
                line.as_ref().is_some_and(|l| (l.worker, l.variant) == (worker, offer.variant))
            };
            let kept = old.iter_mut().find(same).and_then(Option::take);
            let fresh = || {
                let waiting = AccScale::new(offer.batches.clone())?;
                Some(Line { worker, variant: offer.variant, waiting })
            };
            if let Some(line) = kept.or_else(fresh) {
                self.routes[app.index()].lines.push(self.lines.len());
                shares[app.index()].push(share);
                self.lines.push(line);
            }
        }
        for (route, shares) in self.routes.iter_mut().zip(shares) {
            route.turns = WeightedTurns::new(shares);
        }
        let hosts: Vec<Hosting> = self.lines.iter().map(|l| (l.worker, l.variant)).collect();
        hosting::settle(view, &hosts, plan);
        let left = old.into_iter().flatten().flat_map(|line| line.waiting.into_waiting());
        let mut left: Vec<RequestId> = left.map(|member| member.id).collect();
        left.sort_unstable();
        left.into_iter().filter_map(|id| view.request(id)).copied().collect()
    }

    /// The published form: a variant on each worker.
    fn a_variant_each<'a>(
        &self,
        catalog: &Catalog,
        offers: &'a [Vec<Vec<Offer>>],
        rates: &[f64],
    ) -> Option<Vec<Wanted<'a>>> {
        let flat = |own: &'a Vec<Vec<Offer>>| -> Vec<(usize, &'a Offer)> {
            (0..).zip(own).flat_map(|(app, own)| own.iter().map(move |o| (app, o))).collect()
        };
        let flat: Vec<(WorkerId, Vec<(usize, &Offer)>)> = catalog
            .worker_ids()
            .map(|worker| (worker, flat(&offers[worker.index()])))
            .filter(|(_, own)| !own.is_empty())
            .collect();
        if flat.len() < rates.len() {
            return None;
        }
        let host = |(app, offer): &(usize, &Offer)| {
            let accuracy = catalog.variant(offer.variant).accuracy;
            Host { app: *app, accuracy, rate: offer.rate }
        };
        let hosts: Vec<Vec<Host>> =
            flat.iter().map(|(_, own)| own.iter().map(host).collect()).collect();
        let found = plan(&hosts, rates, self.beta, WAYS)?;
        let wanted = flat.iter().zip(found.hosts.iter().zip(&found.shares)).map(
            |((worker, own), (host, share))| Wanted {
                worker: *worker,
                offer: own[*host].1,
                share: *share,
            },
        );
        Some(wanted.collect())
    }

    /// Ours: a variant of every application on each worker; workers take requests in proportion to
    /// how many of the mix they could serve with the fastest variants.
    fn a_variant_of_each<'a>(
        &self,
        catalog: &Catalog,
        offers: &'a [Vec<Vec<Offer>>],
        rates: &[f64],
    ) -> Vec<Wanted<'a>> {
        let fastest = |own: &[Offer]| own.iter().map(|offer| offer.rate).fold(0.0, f64::max);
        let capacity = |own: &Vec<Vec<Offer>>| {
            let served = rates.iter().zip(own).filter(|(_, own)| !own.is_empty());
            1.0 / served.map(|(rate, own)| rate / fastest(own)).sum::<f64>().max(1e-9)
        };
        let capacities: Vec<f64> = offers.iter().map(capacity).collect();
        let share = |worker: usize, app: usize| {
            let serving = (0..offers.len()).filter(|w| !offers[*w][app].is_empty());
            capacities[worker] / serving.map(|w| capacities[w]).sum::<f64>()
        };
        let mut wanted = Vec::new();
        for worker in catalog.worker_ids() {
            let at = worker.index();
            let served: Vec<usize> =
                (0..rates.len()).filter(|app| !offers[at][*app].is_empty()).collect();
            let choice = |app: usize, offer: &Offer| {
                let time = rates[app] * share(at, app) / offer.rate;
                // What takes no time to load needs no place.
                let is_loaded = catalog.load(worker, offer.variant) > Span::ZERO;
                let bytes = if is_loaded { catalog.variant(offer.variant).bytes } else { 0 };
                Choice { accuracy: catalog.variant(offer.variant).accuracy, time, bytes }
            };
            let choices: Vec<Vec<Choice>> = served
                .iter()
                .map(|app| offers[at][*app].iter().map(|offer| choice(*app, offer)).collect())
                .collect();
            let weights: Vec<f64> = served.iter().map(|app| rates[*app]).collect();
            let memory = catalog.worker(worker).memory_bytes;
            let chosen = share_worker(&choices, &weights, memory, self.beta).unwrap_or_default();
            wanted.extend(served.iter().zip(chosen).map(|(app, chosen)| Wanted {
                worker,
                offer: &offers[at][*app][chosen],
                share: share(at, *app),
            }));
        }
        wanted
    }

    /// Counts lanes that are free now. A worker that loads first is busy.
    fn count_free(&mut self, view: &View<'_>, plan: &Plan) {
        self.free.fill(0);
        for worker in view.idle_workers() {
            let lanes = view.worker(worker).free_lanes();
            let is_remote = view.worker(worker).is_remote();
            self.free[worker.index()] = if is_remote { lanes.min(1) } else { lanes };
        }
        hosting::loads_first(plan).for_each(|worker| self.free[worker.index()] = 0);
    }

    /// Does what a line says; whether a batch starts.
    fn take(&mut self, at: usize, step: Step<RequestId>, plan: &mut Plan) -> bool {
        step.dropped.into_iter().for_each(|id| plan.reject(id, RejectReason::Late));
        let Some((_, batch)) = step.batch else { return false };
        let Line { worker, variant, .. } = self.lines[at];
        plan.assign(worker, variant, batch);
        self.free[worker.index()] -= 1;
        true
    }

    /// A lane has become free: lines may start batches, the one whose W is earliest first.
    fn ended(&mut self, now: Time, worker: WorkerId, plan: &mut Plan) {
        let own = (0..self.lines.len()).filter(|at| self.lines[*at].worker == worker);
        let mut own: Vec<usize> = own.collect();
        own.sort_by_key(|at| (self.lines[*at].waiting.last_set(), *at));
        for at in own {
            if self.free[worker.index()] == 0 {
                return;
            }
            let step = self.lines[at].waiting.ended(now.0);
            self.take(at, step, plan);
        }
    }

    fn remove(&mut self, request: &Request) {
        let Self { routes, lines, .. } = self;
        let mut own = routes[request.app.index()].lines.iter();
        own.find(|at| lines[**at].waiting.remove(request.id));
    }

    fn arrive(&mut self, now: Time, request: &Request, plan: &mut Plan) {
        let route = &mut self.routes[request.app.index()];
        let turn = route.turns.next().or((!route.lines.is_empty()).then_some(0));
        let Some(at) = turn.map(|turn| route.lines[turn]) else { return };
        let is_idle = self.free[self.lines[at].worker.index()] > 0;
        let Request { id, arrival, deadline, .. } = *request;
        let member = Member { id, arrival: arrival.0, deadline: deadline.0 };
        let step = self.lines[at].waiting.arrive(now.0, member, is_idle);
        self.take(at, step, plan);
    }

    /// Every W that has come.
    fn timers(&mut self, now: Time, plan: &mut Plan) {
        let next = |line: &Line| line.waiting.next_timer().filter(|at| *at <= now.0);
        while let Some((_, at)) =
            (0..self.lines.len()).filter_map(|at| Some((next(&self.lines[at])?, at))).min()
        {
            let is_idle = self.free[self.lines[at].worker.index()] > 0;
            let step = self.lines[at].waiting.timer(now.0, is_idle);
            self.take(at, step, plan);
        }
    }
}

/// A batch and all the time until its answers are there.
fn allowed(view: &View<'_>, worker: WorkerId, variant: VariantId, size: usize) -> AllowedBatch {
    let catalog = view.catalog();
    let mut span = catalog.latency(worker, variant, size) + catalog.overhead.of(size);
    if let Some(link) = &catalog.worker(worker).link {
        let bytes = catalog.payload_bytes(variant, size);
        span = span + link.one_way() + link.one_way() + at_rate(link.rate_bps(view.now()), bytes);
    }
    AllowedBatch { size, latency: span.0 }
}

impl Scheduler for Proteus {
    fn decide(&mut self, view: &View<'_>, trigger: Trigger<'_>, plan: &mut Plan) {
        let now = view.now();
        self.rates.take_in(view, trigger);
        trigger.dropped.iter().for_each(|request| self.remove(request));
        let rate = |app| self.rates.ewma_rps(app, now, AVERAGE.0);
        let due = self.period.due(view, &self.rates, rate);
        let again = due.map(|rates| self.plan(view, &rates, plan)).unwrap_or_default();
        self.count_free(view, plan);
        for worker in trigger.freed.iter().chain(trigger.loaded) {
            self.ended(now, *worker, plan);
        }
        let arrived = trigger.arrived.iter().filter_map(|id| view.request(*id));
        for request in again.iter().chain(arrived) {
            self.arrive(now, request, plan);
        }
        self.timers(now, plan);
        let waiting = self.lines.iter().filter(|line| self.free[line.worker.index()] > 0);
        if let Some(wake) = waiting.filter_map(|line| line.waiting.next_timer()).min() {
            plan.wake_at(Time(wake));
        }
        reject_the_rest(view, trigger, plan);
    }
}
