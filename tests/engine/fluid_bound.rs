//! The fluid bound: no run of any scheduler is above it, and on tiny cases it is the optimum of the
//! linear programme, found by trying every basic solution.

use crate::support::common::draw::{self, Case, Limits, Units};
use crate::support::common::penalty_formula::{Late, Shape};
use crate::support::common::{V, World};
use peeksim::core::ids::{AppId, Arrival, TrueClass};
use peeksim::core::rng::Rng;
use peeksim::core::units::{Span, Time};
use peeksim::metrics::fluid_bound;
use peeksim::system::latency::LatencyFit;
use peeksim::workload::Listed;
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;

fn bound(world: &World) -> f64 {
    let mut arrivals = Listed::new(world.arrivals.clone());
    let rng = Rng::new(world.seed, 0);
    fluid_bound(&world.truth(), &mut arrivals, rng).expect("requests arrive")
}

#[test]
fn nobody_is_above_it() {
    let (mut runs, mut gap, mut tight) = (0, 0.0, 0);
    for seed in 0..200 {
        let case = Case::draw(seed, Limits { noise: false, links: seed % 2 == 0, ..Limits::ALL });
        for (at, entry) in (0u64..).zip(draw::built_in()) {
            let case = draw::for_entry(&case, entry);
            let bound = bound(&case.world);
            for source in draw::sources(entry) {
                let name = source.map(|(name, _)| name);
                let scheduler = draw::scheduler(seed * 100 + at, entry, name, Units::PLAIN);
                let found = case.world.run(&scheduler).number("utility_mean");
                assert!(found <= bound + 1e-9, "seed {seed}, {scheduler}: {found} above {bound}");
                (runs, gap) = (runs + 1, gap + bound - found);
                tight += u32::from(found > 0.9 * bound);
            }
        }
    }
    let gap = gap / f64::from(runs);
    println!("{runs} runs, {tight} within a tenth of the bound, {gap} below on average");
    // A bound of 1 would be one, too.
    assert!(tight > 1_000, "{tight} of {runs}");
}

/// A tiny world in plain numbers.
struct Tiny {
    /// By application and variant: (batch, latency in ms), ascending.
    latency_ms: Vec<Vec<Vec<(u64, f64)>>>,
    /// By request: application, arrival and budget in ms, and which variants answer right.
    requests: Vec<(usize, u64, u64, Vec<bool>)>,
    lanes: Vec<u16>,
    late: Late,
}

impl Tiny {
    fn draw(seed: u64) -> Self {
        let rng = &mut ChaCha8Rng::seed_from_u64(seed);
        let latency = |rng: &mut ChaCha8Rng| {
            let one = f64::from(rng.random_range(3..18u8));
            let more = f64::from(rng.random_range(0..80u8));
            // Some tables fall.
            let ms = if rng.random_bool(0.3) { one / (1.0 + more) } else { one + more };
            let four = (4, (ms * 1e6).round() / 1e6);
            if rng.random_bool(0.3) { vec![(1, one), four] } else { vec![(1, one)] }
        };
        let variants = |rng: &mut ChaCha8Rng| -> Vec<_> {
            (0..rng.random_range(1..=3)).map(|_| latency(rng)).collect()
        };
        let latency_ms: Vec<Vec<_>> = (0..rng.random_range(1..=2)).map(|_| variants(rng)).collect();
        let common_ms = rng.random_range(3..25);
        let request = |rng: &mut ChaCha8Rng| {
            let app = rng.random_range(0..latency_ms.len());
            let right = latency_ms[app].iter().map(|_| rng.random_bool(0.7)).collect();
            (app, rng.random_range(0..8), common_ms + rng.random_range(0..6), right)
        };
        let mut requests: Vec<_> = (0..rng.random_range(3..=6)).map(|_| request(rng)).collect();
        requests.sort_by_key(|request| request.1);
        let lanes = if rng.random_bool(0.2) { vec![1, 1] } else { vec![1] };
        let shape = Late::SHAPES[rng.random_range(0..Late::SHAPES.len())];
        let late = Late { shape, tolerance_ns: 0, remaining: false };
        Self { latency_ms, requests, lanes, late }
    }

    fn world(&self) -> World {
        let mut world = World::new();
        for lanes in &self.lanes {
            world = world.workers(1, *lanes, 10);
        }
        for (app, latency_ms) in self.latency_ms.iter().enumerate() {
            let list: Vec<V<'_>> =
                latency_ms.iter().map(|points| V("v", 1, points, 1.0, &[0.5, 0.5])).collect();
            let own = self.requests.iter().filter(|request| request.0 == app);
            let said: Vec<Vec<u16>> =
                own.map(|r| r.3.iter().map(|right| u16::from(!right)).collect()).collect();
            let rows: Vec<(u16, &[f64], &[u16])> =
                said.iter().map(|said| (0, &[1.0, 0.0][..], said.as_slice())).collect();
            world = world.app(&format!("app{app}"), &list).trace(&rows);
        }
        let mut rows = [0; 2];
        for (app, arrival_ms, budget_ms, _) in &self.requests {
            world.arrivals.push(Arrival {
                time: Time(arrival_ms * 1_000_000),
                app: AppId(*app as u16),
                source: None,
                budget: Span(budget_ms * 1_000_000),
                truth: TrueClass { class: 0, row: rows[*app] },
            });
            rows[*app] += 1;
        }
        world.setup.penalty = self.late.read();
        world.setup.latency_fit = LatencyFit::AsMeasured;
        world
    }

    /// Lane time in ms.
    fn capacity(&self) -> f64 {
        let end = |(_, arrival_ms, budget_ms, _): &(usize, u64, u64, Vec<bool>)| {
            let budget_ms = *budget_ms as f64;
            let late_ms = match self.late.shape {
                Shape::None => f64::INFINITY,
                Shape::Step => 0.0,
                Shape::Linear => budget_ms,
                Shape::Sigmoid { cutoff, .. } => budget_ms * (cutoff - 1.0),
            };
            *arrival_ms as f64 + budget_ms + late_ms
        };
        let last = self.requests.iter().map(end).fold(0.0, f64::max);
        f64::from(self.lanes.iter().sum::<u16>()) * (last - self.requests[0].1 as f64)
    }

    /// (cost in ms, worth) of not answering a request and of every variant.
    fn options(&self, request: usize) -> Vec<(f64, f64)> {
        let (app, _, budget_ms, right) = &self.requests[request];
        let answer = |(points, right): (&Vec<(u64, f64)>, &bool)| {
            // On a line through (1, l) and (4, m) the share falls or rises all the way, and the
            // quickest batch is one of the ends.
            let shares = points.iter().map(|(batch, ms)| ms / *batch as f64);
            let cost = shares.fold(f64::INFINITY, f64::min);
            let quickest_ms = points.iter().map(|(_, ms)| *ms).fold(f64::INFINITY, f64::min);
            let quickest_ns = (quickest_ms * 1e6).round() as u64;
            let gamma = self.late.gamma(quickest_ns, budget_ms * 1_000_000);
            (cost, if *right { 1.0 - gamma } else { 0.0 })
        };
        let answers = self.latency_ms[*app].iter().zip(right).map(answer);
        std::iter::once((0.0, 0.0)).chain(answers).collect()
    }

    /// The best basic solution: every request has one option, or one of them a mixture of two
    /// that takes all the time that is left.
    fn best(&self, at: usize, mixed: bool, left: f64) -> f64 {
        if at == self.requests.len() {
            return if left >= -1e-9 { 0.0 } else { f64::NEG_INFINITY };
        }
        let options = self.options(at);
        let rest = |cost: f64, mixed| self.best(at + 1, mixed, left - cost);
        let whole = options.iter().map(|(cost, worth)| worth + rest(*cost, mixed));
        let mut best = whole.fold(f64::NEG_INFINITY, f64::max);
        if mixed {
            return best;
        }
        for (low, low_worth) in &options {
            for (high, high_worth) in options.iter().filter(|high| high.0 > *low) {
                // The others' costs decide the mixture: try every sum they may have.
                for others in self.sums(at + 1) {
                    let part = (left - others - low) / (high - low);
                    if (0.0..=1.0).contains(&part) {
                        let cost = low + part * (high - low);
                        let worth = low_worth + part * (high_worth - low_worth);
                        best = best.max(worth + rest(cost, true));
                    }
                }
            }
        }
        best
    }

    /// The costs that whole answers to the requests from `at` on may sum up to.
    fn sums(&self, at: usize) -> Vec<f64> {
        if at == self.requests.len() {
            return vec![0.0];
        }
        let rest = self.sums(at + 1);
        let options = self.options(at);
        options.iter().flat_map(|(cost, _)| rest.iter().map(move |sum| sum + cost)).collect()
    }
}

#[test]
fn it_is_the_optimum_of_the_linear_programme() {
    let (mut congested, mut partly) = (0, 0);
    for seed in 0..300 {
        let tiny = Tiny::draw(seed);
        let (count, capacity) = (tiny.requests.len(), tiny.capacity());
        let best = tiny.best(0, false, capacity) / count as f64;
        let whole = tiny.best(0, true, capacity) / count as f64;
        let free = tiny.best(0, true, f64::INFINITY) / count as f64;
        let found = bound(&tiny.world());
        // Near its end the sigmoid is 1 by rounding, a few millionths of a budget early.
        assert!((found - best).abs() < 1e-5, "seed {seed}: found {found}, best {best}");
        congested += u32::from(best < free - 1e-9);
        partly += u32::from(best > whole + 1e-9);
    }
    println!("{congested} congested, {partly} with a part of an answer");
    assert!(congested > 20 && partly > 20, "{congested} {partly}");
}

/// With time for everything it is the share of requests that any variant answers right.
#[test]
fn without_congestion_it_counts_right_answers() {
    let said: [&[u16]; 5] = [&[0, 1], &[1, 0], &[1, 1], &[0, 0], &[1, 1]];
    let rows = said.map(|said| (0, &[1.0, 0.0][..], said));
    let (slow, fast) = ([(1, 5.0)], [(1, 1.0)]);
    let list = [V("slow", 1, &slow, 1.0, &[0.5, 0.5]), V("fast", 1, &fast, 1.0, &[0.5, 0.5])];
    let mut world = World::new().workers(1, 1, 10).app("app", &list).trace(&rows);
    for at in 0..5u32 {
        world = world.request(0, 100.0 * f64::from(at), 50.0, 0);
        world.arrivals.last_mut().expect("one").truth.row = at;
    }
    assert_eq!(bound(&world), 3.0 / 5.0);
    let best = "{ name = 'lo-edf', accuracy = 'oracle-outcome' }";
    assert_eq!(world.run(best).number("utility_mean"), 3.0 / 5.0);
}
