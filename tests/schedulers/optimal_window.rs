//! `optimal-window` against a brute force of the test's own, which tries every order of every
//! division of the window into batches and every variant of each; and against every registered
//! scheduler on windows too large for that.
//!
//! The brute force shares nothing with the simulator: it has its own timeline (loads, the least
//! recently used variants evicted), its own penalties and its own accuracies.

use crate::support::common::draw::{self, Units};
use crate::support::common::penalty_formula::Late;
use crate::support::common::{Happened, Log, V, World};
use peeksim::contract::AccuracySource;
use peeksim::core::ids::{AppId, Arrival, TrueClass};
use peeksim::core::units::{Span, Time};
use peeksim::system::latency::LatencyFit;
use peeksim::workload::Listed;
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;

const TOLERANCE: f64 = 1e-9;
/// When the second burst arrives.
const LATER_NS: u64 = 1_000_000;

struct Variant {
    app: usize,
    bytes: u64,
    /// By size of the batch, from 1.
    latency_ns: Vec<u64>,
    load_ns: u64,
    recall: [f64; 2],
}

struct Request {
    app: usize,
    arrival_ns: u64,
    budget_ns: u64,
    class: usize,
}

struct Case {
    apps: usize,
    variants: Vec<Variant>,
    /// Those of the first burst, then those of the second.
    requests: Vec<Request>,
    first: usize,
    memory: u64,
    late: Late,
}

/// Where a worker stands: when it is free, and what it holds, least recently used first.
#[derive(Clone, Debug, Default, PartialEq)]
struct Stand {
    free_ns: u64,
    held: Vec<usize>,
}

impl Case {
    /// A burst of `first` requests at zero and one of `second` a little later.
    fn draw(seed: u64, first: usize, second: usize) -> Self {
        let rng = &mut ChaCha8Rng::seed_from_u64(seed);
        let apps = rng.random_range(1..=3);
        let memory = rng.random_range(2..=4);
        // Often one resident variant, as where no weights are published.
        let bytes = if rng.random_bool(0.4) { [memory; 3] } else { [1, 1, 2] };
        let mut variants = Vec::new();
        for app in 0..apps {
            for _ in 0..rng.random_range(1..=3) {
                let mut at = rng.random_range(2_000_000..15_000_000);
                let more = rng.random_range(0..8_000_000);
                let latency = |_| {
                    at += rng.random_range(0..=more);
                    at
                };
                let latency_ns = (0..5).map(latency).collect::<Vec<u64>>();
                let largest = [1, 2, 3, 5][rng.random_range(0..4)];
                let mut latency_ns = latency_ns[..largest].to_vec();
                // Some tables fall: larger batches take less time.
                if rng.random_bool(0.3) {
                    latency_ns.reverse();
                }
                variants.push(Variant {
                    app,
                    bytes: bytes[rng.random_range(0..3)],
                    latency_ns,
                    load_ns: rng.random_range(0..12_000_000),
                    recall: [rng.random_range(0.3..1.0), rng.random_range(0.3..1.0)],
                });
            }
        }
        // Some requests are alike, some are hopeless, some can wait.
        let tight = rng.random_bool(0.3);
        let budget = |rng: &mut ChaCha8Rng| match rng.random_range(0..4) {
            0 => 20_000_000,
            1 if tight => rng.random_range(1_000_000..8_000_000),
            _ => rng.random_range(4_000_000..60_000_000),
        };
        let request = |at| Request {
            app: rng.random_range(0..apps),
            arrival_ns: if at < first { 0 } else { LATER_NS },
            budget_ns: budget(rng),
            class: rng.random_range(0..2),
        };
        let requests = (0..first + second).map(request).collect();
        let late = Late {
            shape: Late::SHAPES[rng.random_range(0..Late::SHAPES.len())],
            tolerance_ns: [0, 500_000][rng.random_range(0..2)],
            remaining: rng.random_bool(0.3),
        };
        Self { apps, variants, requests, first, memory, late }
    }

    /// The probability of a right answer that a scheduler with this information is shown.
    fn accuracy(&self, info: AccuracySource, request: usize, variant: usize) -> f64 {
        let recall = self.variants[variant].recall;
        match info {
            AccuracySource::OracleLabel => recall[self.requests[request].class],
            _ => f64::midpoint(recall[0], recall[1]),
        }
    }

    fn utility(&self, info: AccuracySource, request: usize, variant: usize, finish_ns: u64) -> f64 {
        let Request { arrival_ns, budget_ns, .. } = self.requests[request];
        let gamma = self.late.gamma(finish_ns - arrival_ns, budget_ns);
        self.accuracy(info, request, variant) * (1.0 - gamma)
    }

    /// The best sum of utilities over all plans of the requests in the set `left`.
    fn best(&self, info: AccuracySource, left: u32, stand: &Stand, largest: usize) -> f64 {
        let mut best = if left == 0 { 0.0 } else { f64::NEG_INFINITY };
        for batch in 1..=left {
            let members: Vec<usize> = (0..32).filter(|at| batch & (1 << at) != 0).collect();
            let app = self.requests[members[0]].app;
            let together = members.iter().all(|at| self.requests[*at].app == app);
            if batch & left != batch || !together || members.len() > largest {
                continue;
            }
            for (at, variant) in self.variants.iter().enumerate() {
                if variant.app != app || members.len() > variant.latency_ns.len() {
                    continue;
                }
                let mut after = stand.clone();
                self.run(at, members.len(), &mut after);
                let worth = |member: &usize| self.utility(info, *member, at, after.free_ns);
                let sum: f64 = members.iter().map(worth).sum();
                best = best.max(sum + self.best(info, left & !batch, &after, largest));
            }
        }
        best
    }

    /// Runs a batch next.
    fn run(&self, variant: usize, batch: usize, stand: &mut Stand) {
        let chosen = &self.variants[variant];
        if let Some(at) = stand.held.iter().position(|held| *held == variant) {
            stand.held.remove(at);
        } else {
            stand.free_ns += chosen.load_ns;
            let used = |held: &[usize]| held.iter().map(|v| self.variants[*v].bytes).sum::<u64>();
            while used(&stand.held) + chosen.bytes > self.memory {
                stand.held.remove(0);
            }
        }
        stand.held.push(variant);
        stand.free_ns += chosen.latency_ns[batch - 1];
    }

    fn world(&self) -> World {
        let points = |v: &Variant| -> Vec<(u64, f64)> {
            (1..).zip(v.latency_ns.iter().map(|ns| *ns as f64 / 1e6)).collect()
        };
        let points: Vec<_> = self.variants.iter().map(points).collect();
        let mut world = World::new().workers(1, 1, self.memory);
        for app in 0..self.apps {
            let own = self.variants.iter().zip(&points).filter(|(v, _)| v.app == app);
            let list: Vec<V<'_>> =
                own.map(|(v, p)| V("v", v.bytes, p, v.load_ns as f64 / 1e6, &v.recall)).collect();
            world = world.app(&format!("app{app}"), &list);
        }
        world.arrivals.extend(self.requests.iter().map(|request| Arrival {
            time: Time(request.arrival_ns),
            app: AppId(request.app as u16),
            source: None,
            budget: Span(request.budget_ns),
            truth: TrueClass { class: request.class as u16, row: TrueClass::NO_ROW },
        }));
        world.setup.penalty = self.late.read();
        world.setup.latency_fit = LatencyFit::AsMeasured;
        world
    }

    /// What the answers to the requests of a set were worth to somebody with this information.
    fn worth(&self, info: AccuracySource, log: &Log, set: u32) -> f64 {
        let each = log.events.iter().filter_map(|event| match event {
            Happened::Completed { at, request, variant, .. } if set & (1 << request) != 0 => {
                Some(self.utility(info, *request as usize, usize::from(*variant), *at))
            }
            _ => None,
        });
        each.sum()
    }

    /// Where the worker stands after the batches of the first burst.
    fn after_first(&self, log: &Log) -> Stand {
        let mut stand = Stand::default();
        for event in &log.events {
            if let Happened::BatchStarted { variant, requests, .. } = event
                && requests.iter().all(|request| (*request as usize) < self.first)
            {
                self.run(usize::from(*variant), requests.len(), &mut stand);
            }
        }
        stand
    }

    fn sets(&self) -> (u32, u32) {
        let first = (1 << self.first) - 1;
        (first, ((1 << self.requests.len()) - 1) & !first)
    }
}

const SOURCES: [(&str, AccuracySource); 2] =
    [("profiled", AccuracySource::Profiled), ("oracle-label", AccuracySource::OracleLabel)];

#[test]
fn it_finds_what_trying_everything_finds() {
    let (mut late, mut batches, mut evictions) = (0, 0, 0);
    for seed in 0..400 {
        // One burst, or one while the worker is still busy with another.
        let (first, second) = [(5, 0), (4, 0), (3, 0), (1, 3), (2, 2), (1, 4)][(seed % 6) as usize];
        let case = Case::draw(seed, first, second);
        let world = case.world();
        let (first, later) = case.sets();
        for (name, info) in SOURCES {
            for largest in [1, 5] {
                let told = format!("seed {seed}, {name}, batches of {largest}");
                let parameters = format!("accuracy = '{name}', max_batch = {largest}");
                let log = world.run(&format!(
                    "{{ name = 'optimal-window', {parameters}, plan_when_busy = true }}"
                ));
                let count = case.requests.len() as u64;
                assert_eq!(log.counts.completed, count, "{told}: nobody is left");
                let windows = 1 + u64::from(second > 0);
                assert_eq!(log.windows_solved_exactly, Some(windows), "{told}");
                let same = |found: f64, best: f64, what: &str| {
                    let close = (found - best).abs() < TOLERANCE;
                    assert!(close, "{told}, {what}: found {found}, best {best}");
                };
                let best = case.best(info, first, &Stand::default(), largest);
                same(case.worth(info, &log, first), best, "first burst");
                let stand = case.after_first(&log);
                let best_later = case.best(info, later, &stand, largest);
                same(case.worth(info, &log, later), best_later, "second burst");
                if largest == 1 && second == 0 {
                    let log = world.run(&format!("{{ name = 'exhaustive', {parameters} }}"));
                    same(case.worth(info, &log, first), best, "exhaustive");
                }
                late += u32::from(best + best_later < 0.3 * count as f64);
                for event in &log.events {
                    let several = |requests: &[u32]| u32::from(requests.len() > 1);
                    match event {
                        Happened::BatchStarted { requests, .. } => batches += several(requests),
                        Happened::Evicted { .. } => evictions += 1,
                        _ => {}
                    }
                }
            }
        }
    }
    println!("{late} windows came late, {batches} batches of several, {evictions} evictions");
    assert!(late > 100 && batches > 300 && evictions > 500, "{late} {batches} {evictions}");
}

#[test]
fn nobody_beats_it() {
    let (mut compared, mut beaten) = (0, 0);
    for seed in 0..60 {
        let case = Case::draw(1_000 + seed, 4 + (seed % 6) as usize, 0);
        let world = case.world();
        let (all, _) = case.sets();
        for (name, info) in SOURCES {
            let optimal = format!("{{ name = 'optimal-window', accuracy = '{name}' }}");
            let log = world.run(&optimal);
            assert_eq!(log.windows_solved_exactly, Some(1), "seed {seed}, {name}");
            let best = case.worth(info, &log, all);
            for (at, entry) in (0u64..).zip(draw::built_in()) {
                for draw in 0..4 {
                    let source = entry.accuracy.map(|_| name);
                    let seed = (seed * 100 + at) * 4 + draw;
                    let other = draw::scheduler(seed, entry, source, Units::PLAIN);
                    let other_worth = case.worth(info, &world.run(&other), all);
                    let told = format!("seed {seed}, {name}, {other}");
                    assert!(other_worth < best + TOLERANCE, "{told}: {other_worth} beats {best}");
                    compared += 1;
                    beaten += u32::from(other_worth < best - TOLERANCE);
                }
            }
        }
    }
    println!("{compared} comparisons, {beaten} strictly worse than the optimum");
    assert!(beaten > compared / 2, "{beaten} of {compared}");
}

#[test]
fn larger_windows_are_refused_or_planned_by_the_beam() {
    let (mut beam, mut grouped) = (0.0, 0.0);
    for seed in 0..20 {
        let case = Case::draw(2_000 + seed, 17 + seed as usize % 12, 0);
        let (world, count) = (case.world(), case.requests.len());
        let catalog = world.catalog();
        let mut chosen = world.choose(&catalog, "optimal-window");
        let arrivals = Box::new(Listed::new(world.arrivals.clone()));
        let who = (AccuracySource::Profiled, "optimal-window");
        let (log, result) = world.observe(who, chosen.scheduler.as_mut(), arrivals);
        let expected = format!(
            "scheduler `optimal-window` at 0 s: abort: {count} requests wait, and the best plan \
             is proved for 16 at most: set `window_max` to less, or oversize_window = \"beam\""
        );
        assert_eq!(result.expect_err("refused").to_string(), expected);
        assert_eq!(log.windows_solved_exactly.unwrap_or(0), 0);
        let worth = |scheduler: &str, windows| {
            let log = world.run(scheduler);
            assert_eq!(log.counts.completed, count as u64, "seed {seed}: nobody is left");
            assert_eq!(
                log.windows_solved_exactly,
                Some(windows),
                "seed {seed}: beams are not exact"
            );
            case.worth(AccuracySource::Profiled, &log, u32::MAX)
        };
        beam += worth("{ name = 'optimal-window', oversize_window = 'beam' }", 0);
        grouped += worth("grouped", 0);
    }
    println!("beam {beam}, grouped {grouped}");
    assert!(beam > grouped, "{beam}, {grouped}");
}

/// Five requests at most at once, whoever waits: the oldest are the window.
#[test]
fn the_window_is_the_oldest() {
    let case = Case::draw(3_000, 12, 0);
    let log = case.world().run("{ name = 'optimal-window', window_max = 5 }");
    assert_eq!(log.windows_solved_exactly, Some(3));
    let each = log.events.iter().filter_map(|event| match event {
        Happened::BatchStarted { requests, .. } => Some(requests),
        _ => None,
    });
    let served: Vec<u32> = each.flatten().copied().collect();
    let windows: Vec<u32> = served.iter().map(|request| request / 5).collect();
    assert!(windows.is_sorted() && served.len() == 12, "{served:?}");
}
