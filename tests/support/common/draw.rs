//! Worlds drawn from a seed; schedulers are drawn in `draw_scheduler.rs`.

pub use super::draw_scheduler::{ALONE, Units, built_in, scheduler, sources};

use super::facts::{CostFacts, Facts, LinkFacts, RequestFacts, VariantFacts, WorkerFacts};
use super::penalty_formula::Late;
use super::{CLASS, V, World};
use peeksim::classifier::model::{ClassifierHost, ClassifierKind, VoteModel};
use peeksim::classifier::posterior::Evidence;
use peeksim::core::ids::{AppId, Arrival, TrueClass};
use peeksim::core::rng::Rng;
use peeksim::core::units::{Span, Time};
use peeksim::scheduler::SchedulerEntry;
use peeksim::system::catalog::{DecisionOverhead, OutcomeModel, Resident};
use peeksim::system::faults::{BeliefError, Outage, Slowdown, Stalls};
use peeksim::system::latency::{LatencyFit, LatencyPoints};
use peeksim::system::link::{Link, Uplink};
use peeksim::system::profile::VariantCost;
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;
use std::sync::Arc;

/// The second class of workers; the first is [`CLASS`].
const OTHER: &str = "other";

/// A drawn world, for the simulator and for the checkers.
#[derive(Clone)]
pub struct Case {
    pub world: World,
    pub facts: Facts,
}

/// What a draw may contain.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is drawn or not by itself")]
pub struct Limits {
    /// At most this many lanes on a worker.
    pub lanes: usize,
    /// Service times may vary.
    pub noise: bool,
    /// Workers may be elsewhere.
    pub links: bool,
    /// Batches may stall, workers slow down and fail, beliefs be wrong.
    pub faults: bool,
    /// Workers may hold variants at the start.
    pub residents: bool,
    /// Variants may share their weights.
    pub shares: bool,
}

impl Limits {
    pub const ALL: Self = Self {
        lanes: 3,
        noise: true,
        links: false,
        faults: false,
        residents: false,
        shares: false,
    };
    pub const WIDE: Self = Self { links: true, ..Self::ALL };
}

fn pick<T: Copy>(rng: &mut ChaCha8Rng, items: &[T]) -> T {
    items[rng.random_range(0..items.len())]
}

/// A whole number of ms on a coarse clock, where much coincides; any ns otherwise.
fn span(rng: &mut ChaCha8Rng, coarse: bool, low_ms: u64, high_ms: u64) -> u64 {
    if coarse {
        rng.random_range(low_ms..=high_ms) * 1_000_000
    } else {
        rng.random_range(low_ms * 1_000_000..=high_ms * 1_000_000)
    }
}

impl Case {
    /// One seed draws applications, workers, requests, the penalty and how requests are looked at.
    pub fn draw(seed: u64, limits: Limits) -> Self {
        let rng = &mut ChaCha8Rng::seed_from_u64(seed);
        let coarse = rng.random_bool(0.5);
        let late = Late {
            shape: pick(rng, &Late::SHAPES),
            tolerance_ns: pick(rng, &[0, 3_000_000]),
            remaining: rng.random_bool(0.3),
        };
        let (variants, workers, requests) = (Vec::new(), Vec::new(), Vec::new());
        let payloads = Vec::new();
        let facts = Facts {
            variants,
            workers,
            payloads,
            requests,
            late,
            noise: false,
            overhead: (0, 0),
            drops: None,
        };
        let mut case = Self { world: World::new(), facts };
        case.world.seed = seed;
        case.world.setup.preemption = seed.is_multiple_of(2);
        // Tables that fall stay as they are drawn.
        case.world.setup.latency_fit = LatencyFit::AsMeasured;
        case.world.setup.penalty = late.read();
        let apps = rng.random_range(1..=3);
        let classes: Vec<usize> = (0..apps).map(|_| rng.random_range(2..=3)).collect();
        for (app, classes) in classes.iter().enumerate() {
            case.app(rng, app as u16, *classes, coarse);
        }
        if limits.shares {
            // Draws of their own: nothing else moves.
            case.shares(&mut ChaCha8Rng::seed_from_u64(!seed));
        }
        case.workers(rng, coarse, limits);
        case.requests(rng, &classes, coarse);
        case.peeks(rng, coarse);
        if limits.noise && rng.random_bool(0.4) {
            case.world.setup.noise_cv = 0.4;
            case.facts.noise = true;
        }
        if rng.random_bool(0.3) {
            case.world.setup.outcome =
                pick(rng, &[OutcomeModel::Drawn, OutcomeModel::StreamRecall]);
            case.facts.requests.iter_mut().for_each(|request| request.outcomes = None);
        }
        if rng.random_bool(0.3) {
            let drawn = (span(rng, coarse, 0, 3), span(rng, coarse, 0, 1));
            let (constant, per_request) = (Span(drawn.0), Span(drawn.1));
            case.world.setup.overhead = DecisionOverhead { constant, per_request };
            case.facts.overhead = drawn;
        }
        case.facts.payloads = vec![0; apps];
        if limits.links {
            case.links(rng, coarse);
        }
        if limits.faults {
            case.faults(rng, coarse);
        }
        if limits.residents {
            case.residents(rng);
        }
        case
    }

    /// Lets some variants share the weights of another of their application.
    fn shares(&mut self, rng: &mut ChaCha8Rng) {
        let mut first = 0;
        for setup in &mut self.world.setup.apps {
            let profile = Arc::make_mut(&mut setup.profile);
            let count = profile.variants.len();
            let facts = &mut self.facts.variants[first..first + count];
            let named = rng.random_range(0..count);
            for at in (0..count).filter(|at| *at != named) {
                if rng.random_bool(0.4) {
                    continue;
                }
                facts[at].weights = facts[named].weights;
                facts[at].bytes = facts[named].bytes;
                let loads: Vec<_> = facts[named].costs.iter().flatten().map(|c| c.load).collect();
                for (cost, load) in facts[at].costs.iter_mut().zip(loads) {
                    cost.iter_mut().for_each(|cost| cost.load = load);
                }
                let own = &mut profile.variants[at];
                (own.shares, own.bytes) = (Some(named), facts[at].bytes);
                for (cost, drawn) in own.costs.iter_mut().zip(facts[at].costs.iter().flatten()) {
                    cost.load = Span(drawn.load);
                }
            }
            first += count;
        }
    }

    /// Sends some of the workers away.
    fn links(&mut self, rng: &mut ChaCha8Rng, coarse: bool) {
        for (payload, setup) in self.facts.payloads.iter_mut().zip(&mut self.world.setup.apps) {
            *payload = pick(rng, &[0, 125, 1_000, 4_321]);
            setup.payload_bytes = *payload;
        }
        for (worker, setup) in self.facts.workers.iter_mut().zip(&mut self.world.setup.workers) {
            if rng.random_bool(0.5) {
                let one_way = span(rng, coarse, 0, 6);
                let bps = pick(rng, &[None, Some(1_000_000), Some(7_654_321)]);
                worker.link = Some(LinkFacts { one_way, bps });
                setup.link = Some(Link {
                    rtt: Span(2 * one_way),
                    uplink: bps.map_or(Uplink::Endless, Uplink::Constant),
                    power_w: None,
                });
            }
        }
    }

    /// Fills the memory of some of the workers before the start.
    fn residents(&mut self, rng: &mut ChaCha8Rng) {
        for at in 0..self.facts.workers.len() {
            if rng.random_bool(0.5) {
                continue;
            }
            self.world.setup.workers[at].resident = Resident::AllThatFit;
            let mut left = self.facts.workers[at].memory;
            for variant in 0..self.facts.variants.len() as u16 {
                let bytes = self.facts.variants[usize::from(variant)].bytes;
                let is_held = self.facts.place(&self.facts.workers[at].resident, variant).is_some();
                if !is_held && bytes <= left && self.facts.cost(at as u16, variant).is_some() {
                    self.facts.workers[at].resident.push(variant);
                    left -= bytes;
                }
            }
        }
    }

    /// Wrong beliefs in some worlds, stalls and slow workers in some, failures in more.
    fn faults(&mut self, rng: &mut ChaCha8Rng, coarse: bool) {
        if rng.random_bool(0.3) {
            self.world.setup.belief_error = BeliefError { latency: 0.5, accuracy: 0.3 };
        }
        if rng.random_bool(0.3) {
            self.world.setup.stalls = Stalls { probability: 0.2, factor: 3.0 };
            self.facts.noise = true;
        }
        for (facts, setup) in self.facts.workers.iter_mut().zip(&mut self.world.setup.workers) {
            if rng.random_bool(0.2) {
                let from = Time(span(rng, coarse, 0, 60));
                setup.slowdown = Some(Slowdown { from, factor: 1.5 });
                self.facts.noise = true;
            }
            let mut at = 0;
            while rng.random_bool(0.5) {
                at += span(rng, coarse, 0, 50);
                let long = span(rng, coarse, 1, 20);
                facts.outages.push((at, long));
                setup.outages.push(Outage { from: Time(at), span: Span(long) });
                at += long;
            }
        }
    }

    /// The same with as many workers and lanes as the scheduler takes.
    pub fn for_entry(&self, entry: &SchedulerEntry) -> Self {
        let mut case = self.clone();
        if ALONE.contains(&entry.name) {
            case.facts.workers.truncate(1);
            case.facts.workers[0].lanes = 1;
            case.world.setup.workers.truncate(1);
            case.facts.workers[0].link = None;
            case.world.setup.workers[0].link = None;
            case.world.setup.workers[0].lanes = 1;
        }
        case
    }

    /// The same where late requests are dropped; `peeks` if requests are peeked at.
    pub fn with_drops(&self, peeks: bool) -> Self {
        let mut case = self.clone();
        case.world.setup.drop_late = true;
        let catalog = self.world.truth().believed(Rng::new(self.world.seed, 0));
        let is_wrong = self.world.setup.belief_error != BeliefError::default();
        let latency = |worker, variant| {
            (1..=catalog.max_batch(worker, variant)).map(move |b| (worker, variant, b))
        };
        let believed = |app: AppId| {
            let workers = catalog.worker_ids();
            let all =
                workers.flat_map(|w| catalog.variants_of(app).flat_map(move |v| latency(w, v)));
            all.map(|(w, v, b)| catalog.latency(w, v, b).0).min()
        };
        let shortest = |app: AppId| match catalog.app(app).peek_is_offered && peeks {
            true => Some(0),
            false if is_wrong => believed(app),
            false => self.facts.shortest(app.0),
        };
        let all = catalog.app_ids().map(|app| shortest(app).expect("a worker that can run it"));
        case.facts.drops = Some(all.collect());
        case
    }

    fn app(&mut self, rng: &mut ChaCha8Rng, app: u16, classes: usize, coarse: bool) {
        let count = rng.random_range(1..=3);
        let cost = |rng: &mut ChaCha8Rng| {
            let batches: &[u64] = pick(rng, &[&[1][..], &[1, 2], &[1, 4], &[1, 3, 8]]);
            let mut latency = 0;
            let point = |batch: &u64| {
                latency += span(rng, coarse, u64::from(*batch == 1), 8);
                (*batch, latency)
            };
            let mut points: Vec<(u64, u64)> = batches.iter().map(point).collect();
            // Measured tables fall here and there: larger batches then take less time.
            if rng.random_bool(0.2) {
                let falling: Vec<u64> = points.iter().rev().map(|point| point.1).collect();
                points.iter_mut().zip(falling).for_each(|(point, ns)| point.1 = ns);
            }
            let load = if rng.random_bool(0.25) { 0 } else { span(rng, coarse, 0, 12) };
            CostFacts { points, load }
        };
        let mut drawn: Vec<VariantFacts> = Vec::new();
        for at in 0..count {
            let other = rng.random_bool(0.7).then(|| cost(rng));
            let costs = vec![Some(cost(rng)), other];
            let (bytes, weights) = (rng.random_range(1..=3), self.facts.variants.len() + at);
            drawn.push(VariantFacts { app, bytes, weights: weights as u16, costs });
        }
        let recalls: Vec<Vec<f64>> = (0..count)
            .map(|_| (0..classes).map(|_| rng.random_range(0.2..1.0)).collect())
            .collect();
        let in_ms = |cost: &CostFacts| -> Vec<(u64, f64)> {
            cost.points.iter().map(|(b, ns)| (*b, *ns as f64 / 1e6)).collect()
        };
        let first = |v: &VariantFacts| v.costs[0].clone().expect("the first class");
        let points: Vec<_> = drawn.iter().map(|v| in_ms(&first(v))).collect();
        let list: Vec<V<'_>> = drawn
            .iter()
            .zip(points.iter().zip(&recalls))
            .map(|(v, (p, recall))| V("v", v.bytes, p, first(v).load as f64 / 1e6, recall))
            .collect();
        let mut world = std::mem::take(&mut self.world).app(&format!("app{app}"), &list);
        let setup = world.setup.apps.last_mut().expect("an application");
        let profile = Arc::make_mut(&mut setup.profile);
        for (variant, drawn) in profile.variants.iter_mut().zip(&drawn) {
            if let Some(cost) = &drawn.costs[1] {
                let points = cost.points.iter().map(|(b, ns)| (*b, Span(*ns))).collect();
                variant.costs.push(VariantCost::new(
                    OTHER,
                    LatencyPoints::new(points).expect("a latency table"),
                    Span(cost.load),
                ));
            }
        }
        self.world = world;
        self.facts.variants.extend(drawn);
    }

    /// The first worker can run every variant; others may be too small or of another class.
    fn workers(&mut self, rng: &mut ChaCha8Rng, coarse: bool, limits: Limits) {
        for at in 0..rng.random_range(1..=3) {
            let anywhere = self.facts.variants.iter().any(|v| v.costs[1].is_some());
            let class = usize::from(at > 0 && anywhere && rng.random_bool(0.5));
            let least = if at == 0 { 3 } else { 1 };
            let worker = WorkerFacts {
                class,
                lanes: rng.random_range(1..=limits.lanes),
                memory: rng.random_range(least..=5),
                ready: if rng.random_bool(0.2) { span(rng, coarse, 0, 40) } else { 0 },
                link: None,
                resident: Vec::new(),
                outages: Vec::new(),
            };
            let world = std::mem::take(&mut self.world);
            self.world = world.workers(1, worker.lanes as u16, worker.memory);
            let setup = self.world.setup.workers.last_mut().expect("a worker");
            setup.class = String::from([CLASS, OTHER][class]);
            setup.ready = Time(worker.ready);
            self.facts.workers.push(worker);
        }
    }

    fn requests(&mut self, rng: &mut ChaCha8Rng, classes: &[usize], coarse: bool) {
        let gap = rng.random_range(1..=8);
        let mut arrival = 0;
        for _ in 0..rng.random_range(10..=40) {
            if rng.random_bool(0.7) {
                arrival += span(rng, coarse, 0, gap);
            }
            self.facts.requests.push(RequestFacts {
                app: rng.random_range(0..classes.len()) as u16,
                arrival,
                budget: span(rng, coarse, 2, 70),
                outcomes: None,
            });
        }
        let truths: Vec<u16> = self
            .facts
            .requests
            .iter()
            .map(|r| rng.random_range(0..classes[usize::from(r.app)]) as u16)
            .collect();
        let mut rows = vec![TrueClass::NO_ROW; truths.len()];
        for (app, classes) in classes.iter().enumerate() {
            if rng.random_bool(0.5) {
                self.trace(rng, app as u16, *classes, &truths, &mut rows);
            }
        }
        let drawn = self.facts.requests.iter().zip(truths.iter().zip(rows));
        self.world.arrivals = drawn
            .map(|(request, (class, row))| Arrival {
                time: Time(request.arrival),
                app: AppId(request.app),
                source: None,
                budget: Span(request.budget),
                truth: TrueClass { class: *class, row },
            })
            .collect();
    }

    /// Records votes, and most of the time predictions, for every request of an application.
    fn trace(
        &mut self,
        rng: &mut ChaCha8Rng,
        app: u16,
        classes: usize,
        truths: &[u16],
        rows: &mut [u32],
    ) {
        let variants = self.facts.variants.iter().filter(|v| v.app == app).count();
        let predicts = rng.random_bool(0.7);
        let mut table: Vec<(u16, Vec<f64>, Vec<u16>)> = Vec::new();
        for (at, request) in self.facts.requests.iter_mut().enumerate() {
            if request.app != app {
                continue;
            }
            rows[at] = table.len() as u32;
            let votes = (0..classes).map(|_| f64::from(rng.random_range(0..4u8))).collect();
            let said: Vec<u16> =
                (0..variants).map(|_| rng.random_range(0..classes) as u16).collect();
            if predicts {
                request.outcomes = Some(said.iter().map(|said| *said == truths[at]).collect());
            }
            table.push((truths[at], votes, if predicts { said } else { Vec::new() }));
        }
        let table: Vec<(u16, &[f64], &[u16])> =
            table.iter().map(|row| (row.0, row.1.as_slice(), row.2.as_slice())).collect();
        if !table.is_empty() {
            let setup = &mut self.world.setup.apps[usize::from(app)];
            let mut one = World::new();
            one.setup.apps.push(setup.clone());
            *setup = one.trace(&table).setup.apps.remove(0);
        }
    }

    /// How requests are looked at, by schedulers that do.
    fn peeks(&mut self, rng: &mut ChaCha8Rng, coarse: bool) {
        let evidence = pick(rng, &[Evidence::OneHot, Evidence::Counts]);
        let place = pick(rng, &[ClassifierHost::Host, ClassifierHost::Free]);
        let recall = rng.random_range(0.5..1.0);
        for app in &mut self.world.setup.apps {
            (app.peek.evidence, app.peek.runs_on) = (evidence, place);
            if matches!(app.peek.kind, ClassifierKind::Confusion(_)) {
                app.peek.kind =
                    ClassifierKind::Confusion(VoteModel::recall(app.profile.classes.len(), recall));
            }
            if rng.random_bool(0.6) {
                let one = span(rng, coarse, 0, 3);
                let four = one + span(rng, coarse, 0, 3);
                let table = LatencyPoints::new(vec![(1, Span(one)), (4, Span(four))]);
                let table = table.expect("a latency table");
                Arc::make_mut(&mut app.profile).peek = Some(table);
            }
        }
    }
}
