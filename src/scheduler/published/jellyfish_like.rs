//! Jellyfish: clients are mapped to workers and workers to models, so that all are served and
//! answers are as accurate as possible.
//!
//! Every period rates are measured, each worker gets a variant to host and clients to serve, and a
//! batch size ([`jellyfish_plan`](super::jellyfish_plan)). A worker that is idle serves the
//! application whose oldest deadline is earliest, and rejects requests that would be late even
//! alone. Requests of clients that are left out are refused.
//!
//! Source: Nigade et al., RTSS 2022; vuhpdc/jellyfish d3a5f3b. Published: period 10 s, batches of
//! at most 12, no client left out, cells of 5 requests per second.
//!
//! Adapted: clients are the sources of requests: source s belongs to client s modulo `clients`, has
//! the share of the rate that it had since the last plan, a request at least, and its own budget. A
//! source that is new since the plan is served as another one. Where requests have no sources,
//! every application has `clients` that send its requests in turn. Jellyfish serves one
//! application. Several are planned one after the other. The throughput that one can count on is a
//! share of each worker's, its share of the work in the fastest variants, and of the memory it has
//! what the others' smallest variants leave. A cell is the rate of a client, or a quarter of the
//! mean rate of sources. What the network takes is taken off the budgets by worker. Hosts of a plan
//! are loaded at once. Not verified: anything beyond the plan for given hosts, and the best hosts.
//!
//! O(applications) per event; a plan as `jellyfish_plan.rs` says.

use crate::config::{Decoder, Setting};
use crate::contract::{Plan, RejectReason, Scheduler, Trigger, View};
use crate::core::ids::{AppId, Request, RequestId, VariantId, WorkerId};
use crate::core::units::Span;
use crate::scheduler::published::app_lines::AppLines;
use crate::scheduler::published::arrival_rates::ArrivalRates;
use crate::scheduler::published::free_lanes::{FreeLane, FreeLanes};
use crate::scheduler::published::hosting::{self, Hosting};
use crate::scheduler::published::jellyfish_plan::{Client, Host, select};
use crate::scheduler::published::planning_period::PlanningPeriod;
use crate::scheduler::{BuildContext, SchedulerEntry};
use crate::system::link::at_rate;

/// Its line in the registry.
pub const ENTRY: SchedulerEntry = SchedulerEntry {
    name: "jellyfish-like",
    summary: "maps clients to workers and workers to variants so that all clients are served",
    source: "Nigade et al., RTSS 2022; vuhpdc/jellyfish d3a5f3b",
    settings: &[
        &PlanningPeriod::settings(10.0),
        &[
            Setting::integer("clients", [1, 1000], 10).means(
                "How many clients send the requests of an application: in turn, or at most so \
                     many if requests have sources, which are then their clients.",
            ),
            Setting::number("threshold", [0.0, 1.0], 1.0)
                .means("The share of clients that shall be served."),
            Setting::integer("max_batch", [1, 4096], 12)
                .means("The most requests of a batch; the profile of a variant may allow fewer."),
        ],
    ],
    accuracy: None,
    build: |fields, context| Box::new(Jellyfish::read(fields, context)),
};

/// So many ways to host are all tried.
const WAYS: usize = 500;

/// What a worker does for an application.
#[derive(Clone, Copy, Debug)]
struct Served {
    variant: VariantId,
    batch: usize,
}

/// The clients of an application.
#[derive(Clone, Debug, Default)]
struct Clients {
    /// By client, the worker; nothing where it is left out.
    workers: Vec<Option<WorkerId>>,
    next: usize,
    /// By client, what was seen of its sources; empty where requests have none.
    seen: Vec<Seen>,
}

/// What was seen of the sources of a client.
#[derive(Clone, Copy, Debug, Default)]
struct Seen {
    /// Requests since the last plan.
    requests: u64,
    /// The least budget.
    budget: Option<Span>,
}

struct Jellyfish {
    clients: usize,
    threshold: f64,
    max_batch: usize,
    period: PlanningPeriod,
    rates: ArrivalRates,
    /// By worker.
    lines: Vec<AppLines>,
    lanes: FreeLanes,
    /// By application.
    mapped: Vec<Clients>,
    /// By worker and application.
    served: Vec<Option<Served>>,
}

/// The share of time of each application, with the memory that is left on each worker.
struct Left {
    shares: Vec<f64>,
    memory: Vec<u64>,
}

impl Jellyfish {
    fn read(fields: &mut Decoder<'_>, context: &BuildContext<'_>) -> Self {
        let catalog = context.catalog;
        let period = PlanningPeriod::read(fields);
        let (workers, apps) = (catalog.worker_ids().len(), catalog.app_ids().len());
        Self {
            clients: fields.integer("clients") as usize,
            threshold: fields.number("threshold"),
            max_batch: fields.integer("max_batch") as usize,
            rates: period.rates(catalog, 10),
            period,
            lines: (0..workers).map(|_| AppLines::by_deadline(catalog)).collect(),
            lanes: FreeLanes::new(catalog),
            mapped: vec![Clients::default(); apps],
            served: vec![None; workers * apps],
        }
    }

    /// Counts a request of a source.
    fn see(&mut self, view: &View<'_>, request: &Request) {
        let Some(source) = request.source else { return };
        let (clients, client) =
            (&mut self.mapped[request.app.index()], source.index() % self.clients);
        if clients.seen.len() <= client {
            clients.seen.resize(client + 1, Seen::default());
        }
        let seen = &mut clients.seen[client];
        let budget = view.planning_budget_of(request.app, source);
        seen.requests += 1;
        seen.budget = Some(seen.budget.map_or(budget, |least| least.min(budget)));
    }

    /// The client that sent a request: that of its source, or the next one in turn.
    fn client_of(&mut self, request: &Request) -> usize {
        let clients = &mut self.mapped[request.app.index()];
        if let Some(source) = request.source {
            return source.index() % self.clients % clients.workers.len().max(1);
        }
        let client = clients.next;
        clients.next = (client + 1) % self.clients;
        client
    }

    /// Bytes that count: what takes no time to load needs no place.
    fn bytes(view: &View<'_>, worker: WorkerId, variant: VariantId) -> u64 {
        let is_loaded = view.load_span(worker, variant) > Span::ZERO;
        if is_loaded { view.catalog().variant(variant).bytes } else { 0 }
    }

    /// The least bytes of an application on a worker; 0 if it cannot run there.
    fn least_bytes(view: &View<'_>, worker: WorkerId, app: AppId) -> u64 {
        let usable = view.catalog().variants_of(app).filter(|v| view.max_batch(worker, *v) > 0);
        usable.map(|v| Self::bytes(view, worker, v)).min().unwrap_or(0)
    }

    /// Milliseconds of a request in the best batch of the fastest variant on any worker.
    fn work(&self, view: &View<'_>, app: AppId) -> f64 {
        let catalog = view.catalog();
        let mut least = f64::INFINITY;
        for worker in catalog.worker_ids() {
            for variant in catalog.variants_of(app) {
                let most = view.max_batch(worker, variant).min(self.max_batch);
                let each = |b: usize| view.expected_latency(worker, variant, b).as_ms() / b as f64;
                least = (1..=most).map(each).fold(least, f64::min);
            }
        }
        least
    }

    /// What a worker can host for an application.
    fn hosts(
        &self,
        view: &View<'_>,
        (worker, app): (WorkerId, AppId),
        share: f64,
        memory: u64,
    ) -> Vec<(VariantId, Host)> {
        let catalog = view.catalog();
        let share = share * f64::from(catalog.worker(worker).lanes);
        // Budgets are those of the first worker that is as far away.
        let network = Self::network(view, worker, app);
        let alike = catalog.worker_ids().position(|w| Self::network(view, w, app) == network);
        let first = alike.unwrap_or(0) * catalog.variants_of(app).len();
        let all = catalog.variants_of(app).enumerate();
        let usable = all.filter(|(_, variant)| view.max_batch(worker, *variant) > 0);
        let least = Self::least_bytes(view, worker, app);
        let fits = usable.filter(|(_, variant)| {
            let bytes = Self::bytes(view, worker, *variant);
            bytes <= memory || bytes == least
        });
        fits.map(|(model, variant)| {
            let most = view.max_batch(worker, variant).min(self.max_batch);
            let latency = |batch| view.expected_latency(worker, variant, batch).as_ms();
            let host = Host {
                model: first + model,
                accuracy: catalog.variant(variant).accuracy,
                latencies: (1..=most).map(latency).collect(),
                share,
            };
            (variant, host)
        })
        .collect()
    }

    /// What the network takes of a budget.
    fn network(view: &View<'_>, worker: WorkerId, app: AppId) -> Span {
        let catalog = view.catalog();
        catalog.worker(worker).link.as_ref().map_or(Span::ZERO, |link| {
            let bytes = catalog.app(app).payload_bytes;
            link.one_way() + link.one_way() + at_rate(link.rate_bps(view.now()), bytes)
        })
    }

    /// The clients of an application at this rate, and the cell in which rates count.
    fn clients(&mut self, view: &View<'_>, app: AppId, rate: f64) -> (Vec<Client>, f64) {
        let all = view.planning_budget(app);
        let seen = &mut self.mapped[app.index()].seen;
        if seen.is_empty() {
            let each = rate / self.clients as f64;
            let client = Client { rate: each, budgets: Self::budgets(view, app, all) };
            return (vec![client; self.clients], each);
        }
        let counted = |own: &Seen| own.requests.max(1) as f64;
        let sum: f64 = seen.iter().map(counted).sum();
        let client = |own: &Seen| Client {
            rate: rate * counted(own) / sum,
            budgets: Self::budgets(view, app, own.budget.unwrap_or(all)),
        };
        let clients: Vec<Client> = seen.iter().map(client).collect();
        seen.iter_mut().for_each(|own| own.requests = 0);
        let cell = rate / (4 * clients.len()) as f64;
        (clients, cell)
    }

    /// A budget by worker and variant.
    fn budgets(view: &View<'_>, app: AppId, budget: Span) -> Vec<f64> {
        let catalog = view.catalog();
        let of = |worker: WorkerId| {
            let network = Self::network(view, worker, app);
            let budget = budget.0.saturating_sub(network.0);
            std::iter::repeat_n(Span(budget).as_ms(), catalog.variants_of(app).len())
        };
        catalog.worker_ids().flat_map(of).collect()
    }

    fn plan(&mut self, view: &View<'_>, rates: &[Option<f64>], plan: &mut Plan) {
        let catalog = view.catalog();
        let apps: Vec<AppId> = catalog.app_ids().filter(|a| rates[a.index()].is_some()).collect();
        let works: Vec<f64> = apps
            .iter()
            .map(|app| rates[app.index()].unwrap_or(0.0) * self.work(view, *app))
            .collect();
        let all: f64 = works.iter().sum();
        let mut left = Left {
            shares: works.iter().map(|work| (work / all.max(1e-12)).max(1e-6)).collect(),
            memory: catalog.worker_ids().map(|w| catalog.worker(w).memory_bytes).collect(),
        };
        self.served.fill(None);
        let mut wanted: Vec<Hosting> = Vec::new();
        for (at, app) in apps.iter().enumerate() {
            let rate = rates[app.index()].unwrap_or(0.0).max(1e-9);
            wanted.extend(self.plan_app(view, (&apps[at..], at), rate, &mut left));
        }
        hosting::settle(view, &wanted, plan);
    }

    /// Plans the first of these applications, and leaves the others what it does not need.
    fn plan_app(
        &mut self,
        view: &View<'_>,
        (apps, at): (&[AppId], usize),
        rate: f64,
        left: &mut Left,
    ) -> Vec<Hosting> {
        let (catalog, app) = (view.catalog(), apps[0]);
        let mut options = Vec::new();
        for worker in catalog.worker_ids() {
            let others = apps[1..].iter().map(|app| Self::least_bytes(view, worker, *app));
            let memory = left.memory[worker.index()].saturating_sub(others.sum());
            let hosts = self.hosts(view, (worker, app), left.shares[at], memory);
            if !hosts.is_empty() {
                options.push((worker, hosts));
            }
        }
        let hosts: Vec<Vec<Host>> = options
            .iter()
            .map(|(_, own)| own.iter().map(|(_, host)| host.clone()).collect())
            .collect();
        let (clients, cell) = self.clients(view, app, rate);
        let selected = select(&hosts, &clients, self.threshold, cell, WAYS);
        let Some(selected) = selected else { return Vec::new() };
        let mut wanted = Vec::new();
        for (at, (worker, own)) in options.iter().enumerate() {
            let variant = own[selected.hosts[at]].0;
            let batch = selected.mapping.serving[at].batch;
            if batch > 0 {
                let served = &mut self.served[worker.index() * self.mapped.len() + app.index()];
                *served = Some(Served { variant, batch });
                let memory = &mut left.memory[worker.index()];
                *memory = memory.saturating_sub(Self::bytes(view, *worker, variant));
                wanted.push((*worker, variant));
            }
        }
        let place = |at: &Option<usize>| at.map(|at| options[at].0);
        self.mapped[app.index()].workers = selected.mapping.workers.iter().map(place).collect();
        wanted
    }

    /// Sends a request to the worker of its client, or refuses it.
    fn route(&mut self, request: &Request, plan: &mut Plan) {
        let client = self.client_of(request);
        let worker = self.mapped[request.app.index()].workers.get(client).copied().flatten();
        match worker {
            Some(worker) => self.lines[worker.index()].add(request),
            None => plan.reject(request.id, RejectReason::Admission),
        }
    }

    /// Requests that wait where their application is served no more.
    fn stranded(&mut self) -> Vec<RequestId> {
        let apps = self.mapped.len();
        let mut stranded = Vec::new();
        for (worker, lines) in self.lines.iter_mut().enumerate() {
            for app in lines.apps() {
                if self.served[worker * apps + app.index()].is_none() {
                    stranded.extend(lines.take(app, usize::MAX));
                }
            }
        }
        stranded.sort_unstable();
        stranded
    }

    fn fill(&mut self, lane: FreeLane<'_>) -> bool {
        let (view, worker, apps) = (lane.view, lane.worker, self.mapped.len());
        let lines = &mut self.lines[worker.index()];
        loop {
            let heads = lines.apps().filter_map(|app| lines.first(app));
            let head = heads.min_by_key(|head| (head.deadline, head.id)).copied();
            let Some(head) = head else { return false };
            let served = self.served[worker.index() * apps + head.app.index()];
            let Some(Served { variant, batch }) = served else { return false };
            let overhead = view.catalog().overhead.of(1);
            let alone = view.soonest(lane.timeline, variant, batch) + overhead;
            if alone > head.deadline {
                lines.pop(head.app);
                lane.plan.reject(head.id, RejectReason::Late);
                continue;
            }
            lane.assign(variant, lines.take(head.app, batch));
            return true;
        }
    }
}

impl Scheduler for Jellyfish {
    fn decide(&mut self, view: &View<'_>, trigger: Trigger<'_>, plan: &mut Plan) {
        self.rates.take_in(view, trigger);
        let dropped = trigger.dropped.iter();
        dropped.for_each(|request| self.lines.iter_mut().for_each(|lines| lines.remove(request)));
        let is_fresh = |id: &&RequestId| !view.is_returned(**id);
        let fresh = trigger.arrived.iter().filter(is_fresh).filter_map(|id| view.request(*id));
        fresh.for_each(|request| self.see(view, request));
        let rate = |app| self.rates.mean_rps(app, view.now());
        if let Some(rates) = self.period.due(view, &self.rates, rate) {
            self.plan(view, &rates, plan);
            let stranded = self.stranded();
            let again = stranded.into_iter().filter_map(|id| view.request(id));
            again.for_each(|request| self.route(request, plan));
        }
        let arrived = trigger.arrived.iter().filter_map(|id| view.request(*id));
        arrived.for_each(|request| self.route(request, plan));
        let mut lanes = std::mem::take(&mut self.lanes);
        lanes.offer(view, plan, |lane| self.fill(lane));
        self.lanes = lanes;
    }
}
