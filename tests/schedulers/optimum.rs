//! Tiny windows solved by a brute force of the test's own: `exhaustive` finds a plan as good, and
//! nobody who knows the same finds a better one.
//!
//! The brute force shares nothing with the simulator: it has its own timeline (lanes, loads, the
//! least recently used variant evicted), its own penalties and its own accuracies. It tries every
//! order of the requests and, for each, every variant of each request, on one worker, one by one.

use crate::support::common::draw::{self, ALONE};
use crate::support::common::penalty_formula::Late;
use crate::support::common::{Happened, Log, V, World};
use peeksim::contract::AccuracySource;
use peeksim::core::ids::{AppId, Arrival, TrueClass};
use peeksim::core::units::{Span, Time};
use peeksim::scheduler::SchedulerEntry;
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;

const CASES: u64 = 150;
const TOLERANCE: f64 = 1e-9;

struct Variant {
    app: usize,
    latency_ns: u64,
    load_ns: u64,
    recall: [f64; 2],
}

struct Request {
    app: usize,
    budget_ns: u64,
    class: usize,
    votes: [f64; 2],
    /// What each variant of the application will say.
    predicted: Vec<usize>,
}

struct Case {
    apps: usize,
    variants: Vec<Variant>,
    requests: Vec<Request>,
    /// How many variants fit the memory.
    memory: usize,
    lanes: usize,
    late: Late,
}

impl Case {
    fn draw(seed: u64) -> Self {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let apps = rng.random_range(1..=2);
        let mut variants = Vec::new();
        for app in 0..apps {
            for _ in 0..rng.random_range(2..=3) {
                variants.push(Variant {
                    app,
                    latency_ns: rng.random_range(2_000_000..15_000_000),
                    load_ns: rng.random_range(0..8_000_000),
                    recall: [rng.random_range(0.3..1.0), rng.random_range(0.3..1.0)],
                });
            }
        }
        let count = rng.random_range(2..=5);
        let request = |rng: &mut ChaCha8Rng| {
            let app = rng.random_range(0..apps);
            let own = variants.iter().filter(|v| v.app == app).count();
            Request {
                app,
                budget_ns: rng.random_range(3_000_000..50_000_000),
                class: rng.random_range(0..2),
                votes: [rng.random_range(0.0..3.0), rng.random_range(0.0..3.0)],
                predicted: (0..own).map(|_| rng.random_range(0..2)).collect(),
            }
        };
        let requests = (0..count).map(|_| request(&mut rng)).collect();
        let late = Late {
            shape: Late::SHAPES[rng.random_range(0..Late::SHAPES.len())],
            tolerance_ns: [0, 500_000][rng.random_range(0..2)],
            remaining: rng.random_bool(0.3),
        };
        Self {
            apps,
            requests,
            // One resident variant most of the time, as where no weights are published.
            memory: [1, 1, 2][rng.random_range(0..3)],
            lanes: [1, 1, 2][rng.random_range(0..3)],
            late,
            variants,
        }
    }

    /// The probability of a right answer that a scheduler with this information is shown.
    fn accuracy(&self, info: AccuracySource, request: usize, variant: usize) -> f64 {
        let (asks, serves) = (&self.requests[request], &self.variants[variant]);
        let recall = serves.recall;
        match info {
            AccuracySource::Profiled => f64::midpoint(recall[0], recall[1]),
            AccuracySource::OracleLabel => recall[asks.class],
            AccuracySource::Posterior => {
                // A Dirichlet prior of half an observation of each class, and the votes.
                let evidence = asks.votes.map(|votes| votes + 0.5);
                (evidence[0] * recall[0] + evidence[1] * recall[1]) / (evidence[0] + evidence[1])
            }
            AccuracySource::OracleOutcome => {
                let first = self.variants.iter().position(|v| v.app == asks.app).expect("one");
                f64::from(u8::from(asks.predicted[variant - first] == asks.class))
            }
        }
    }

    fn utility(&self, info: AccuracySource, request: usize, variant: usize, finish_ns: u64) -> f64 {
        let budget_ns = self.requests[request].budget_ns;
        let gamma = self.late.gamma(finish_ns, budget_ns);
        self.accuracy(info, request, variant) * (1.0 - gamma)
    }

    /// The best sum of utilities over all orders and variants of the requests in `left`.
    fn best(&self, info: AccuracySource, left: &[usize], lanes: &[u64], memory: &[usize]) -> f64 {
        let mut best = f64::NEG_INFINITY;
        for (at, request) in left.iter().enumerate() {
            let mut rest = left.to_vec();
            rest.remove(at);
            let own = |v: &usize| self.variants[*v].app == self.requests[*request].app;
            for variant in (0..self.variants.len()).filter(own) {
                let (mut lanes, mut memory) = (lanes.to_vec(), memory.to_vec());
                let finish = self.run(variant, &mut lanes, &mut memory);
                let sum = self.utility(info, *request, variant, finish)
                    + self.best(info, &rest, &lanes, &memory);
                best = best.max(sum);
            }
        }
        if left.is_empty() { 0.0 } else { best }
    }

    /// Runs a variant next: when it ends. `memory` is in order of use, the oldest first.
    fn run(&self, variant: usize, lanes: &mut [u64], memory: &mut Vec<usize>) -> u64 {
        if let Some(at) = memory.iter().position(|v| *v == variant) {
            memory.remove(at);
        } else {
            if memory.len() == self.memory {
                memory.remove(0);
            }
            let idle = lanes.iter().max().expect("a lane");
            let loaded = idle + self.variants[variant].load_ns;
            lanes.fill(loaded);
        }
        memory.push(variant);
        let lane = lanes.iter_mut().min().expect("a lane");
        *lane += self.variants[variant].latency_ns;
        *lane
    }

    /// The same as a world; everybody arrives at zero.
    fn world(&self) -> World {
        let points: Vec<[(u64, f64); 1]> =
            self.variants.iter().map(|v| [(1, v.latency_ns as f64 / 1e6)]).collect();
        let mut world = World::new().workers(1, self.lanes as u16, self.memory as u64);
        let mut rows = vec![0; self.apps];
        for app in 0..self.apps {
            let own = self.variants.iter().zip(&points).filter(|(v, _)| v.app == app);
            let list: Vec<V<'_>> =
                own.map(|(v, p)| V("v", 1, p, v.load_ns as f64 / 1e6, &v.recall)).collect();
            let asks = self.requests.iter().filter(|request| request.app == app);
            let said: Vec<Vec<u16>> = asks
                .clone()
                .map(|r| r.predicted.iter().map(|class| *class as u16).collect())
                .collect();
            let trace: Vec<(u16, &[f64], &[u16])> = asks
                .zip(&said)
                .map(|(r, said)| (r.class as u16, r.votes.as_slice(), said.as_slice()))
                .collect();
            world = world.app(&format!("app{app}"), &list).trace(&trace);
        }
        for request in &self.requests {
            world.arrivals.push(Arrival {
                time: Time::ZERO,
                app: AppId(request.app as u16),
                source: None,
                budget: Span(request.budget_ns),
                truth: TrueClass { class: request.class as u16, row: rows[request.app] },
            });
            rows[request.app] += 1;
        }
        world.setup.penalty = self.late.read();
        world
    }

    /// What a run is worth to somebody with this information.
    fn worth(&self, info: AccuracySource, log: &Log) -> f64 {
        let each = log.events.iter().filter_map(|event| match event {
            Happened::Completed { at, request, variant, .. } => {
                Some(self.utility(info, *request as usize, usize::from(*variant), *at))
            }
            _ => None,
        });
        each.sum()
    }
}

#[test]
fn exhaustive_is_optimal_and_nobody_beats_it() {
    let (mut compared, mut beaten) = (0, 0);
    for seed in 0..CASES {
        let case = Case::draw(seed);
        let world = case.world();
        let left: Vec<usize> = (0..case.requests.len()).collect();
        for (name, info) in AccuracySource::ALL {
            let best = case.best(info, &left, &vec![0; case.lanes], &[]);
            let log = world.run(&format!("{{ name = 'exhaustive', accuracy = '{name}' }}"));
            let found = case.worth(info, &log);
            let told = format!("seed {seed}, {name}");
            assert_eq!(log.counts.completed, left.len() as u64, "{told}");
            assert!((found - best).abs() < TOLERANCE, "{told}: found {found}, best {best}");
            // What the simulator says of its own beliefs is the same number.
            let believed = log.believed;
            assert!((believed - best).abs() < TOLERANCE, "{told}: {believed}, best {best}");
            let taken = |entry: &&SchedulerEntry| case.lanes == 1 || !ALONE.contains(&entry.name);
            for entry in draw::built_in().filter(taken) {
                let accuracy =
                    entry.accuracy.map(|_| format!(", accuracy = '{name}'")).unwrap_or_default();
                let batch = if entry.described().settings.iter().any(|s| s.key == "max_batch") {
                    ", max_batch = 1"
                } else {
                    ""
                };
                let scheduler = format!("{{ name = '{}'{accuracy}{batch} }}", entry.name);
                let other = case.worth(info, &world.run(&scheduler));
                assert!(other < best + TOLERANCE, "{told}, {scheduler}: {other} beats {best}");
                compared += 1;
                beaten += u32::from(other < best - TOLERANCE);
            }
        }
    }
    println!("{compared} comparisons, {beaten} strictly worse than the optimum");
    // Cases in which everybody is optimal would show nothing.
    assert!(beaten > compared / 4, "{beaten} of {compared}");
}
