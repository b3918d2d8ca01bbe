//! Simulated queues with one server against their closed forms.
//!
//! Sources: L. Kleinrock, Queueing Systems, volume 1, Wiley 1975 (M/M/1, M/G/1); A. Cobham,
//! Priority assignment in waiting line problems, Operations Research 2, 1954. Notation: arrival
//! rate λ, service S with mean s, utilisation ρ = λ s, wait W, sojourn T = W + S.
//!
//! Every expectation is compared with the mean over independent replicates; the tolerance comes
//! from their variance. Requests before `WARM` are left out: from an empty start the distance to
//! the stationary law of M/M/1 falls like exp(−μ (1 − √ρ)² t), below 1e-15 by then.

use crate::support::common::queueing_support::{
    Line, Times, agree, arrival, exponential, interval, mean, poisson, rng, service, services,
    share,
};
use crate::support::common::{V, World};
use rand::RngExt;

const REPLICATES: u64 = 100;
const REQUESTS: usize = 20_000;
const WARM: usize = 1_500;

/// One number from each replicate.
fn replicates(one: impl Fn(u64) -> f64) -> Vec<f64> {
    (0..REPLICATES).map(one).collect()
}

/// Several numbers from each replicate, by number.
fn columns<const N: usize>(one: impl Fn(u64) -> [f64; N]) -> [Vec<f64>; N] {
    let rows: Vec<[f64; N]> = (0..REPLICATES).map(one).collect();
    std::array::from_fn(|column| rows.iter().map(|row| row[column]).collect())
}

/// M/M/1: T is exponential with mean s / (1 − ρ) (Kleinrock, chapter 5).
#[test]
fn mm1_sojourns_are_exponential() {
    let (s, rho) = (1.0, 0.6);
    let exact = s / (1.0 - rho);
    // P(T > t) = 1 − p at the quantile t = −T̄ ln(1 − p).
    let levels = [0.25, 0.5, 0.9, 0.98];
    let rows = columns::<5>(|replicate| {
        let mut rng = rng(1, replicate);
        let drawn: Vec<f64> = (0..REQUESTS).map(|_| exponential(&mut rng, s)).collect();
        let mut world = services(&drawn).workers(1, 1, 1);
        world.arrivals = poisson(&mut rng, REQUESTS, s / rho, 1e9);
        let times = Times::with(&world, &mut Line::endless());
        let above = levels.map(|p| -exact * libm::log(1.0 - p));
        let share = |at: usize| share(times.sojourns(WARM), |t| t > above[at]);
        [mean(times.sojourns(WARM)), share(0), share(1), share(2), share(3)]
    });
    agree("M/M/1 mean sojourn", &rows[0], exact);
    for (at, p) in levels.iter().enumerate() {
        let (mean, tolerance) = interval(&rows[at + 1]);
        assert!((mean - (1.0 - p)).abs() < tolerance, "quantile {p}: {mean} ± {tolerance}");
        // Relative to the rarer side, where the comparison is hardest.
        assert!(tolerance < 0.15 * (1.0 - p), "quantile {p}: ± {tolerance} is too wide to tell");
    }
}

/// Pollaczek and Khinchine: W = λ E[S²] / (2 (1 − ρ)) (Kleinrock, chapter 5).
fn pollaczek_khinchine(lambda: f64, s: f64, second_moment: f64) -> f64 {
    lambda * second_moment / (2.0 * (1.0 - lambda * s))
}

/// M/D/1: E[S²] = s². Served by the registered first-come scheduler.
#[test]
fn md1_mean_wait() {
    let (s, rho) = (1.0, 0.8);
    let waits = replicates(|replicate| {
        let mut world = service(&[(1, s)]);
        world.arrivals = poisson(&mut rng(2, replicate), REQUESTS, s / rho, 1e9);
        mean(Times::of(&world, "fcfs").waits(WARM))
    });
    agree("M/D/1 mean wait", &waits, pollaczek_khinchine(rho / s, s, s * s));
}

/// M/G/1 with the engine's own noise: mean 1, coefficient of variation c, E[S²] = s² (1 + c²).
#[test]
fn mg1_mean_wait_with_noise() {
    let (s, rho) = (1.0, 0.6);
    for cv in [0.3, 0.8] {
        let waits = replicates(|replicate| {
            let mut world = service(&[(1, s)]);
            world.setup.noise_cv = cv;
            world.seed = replicate;
            world.arrivals = poisson(&mut rng(3, replicate), REQUESTS, s / rho, 1e9);
            mean(Times::of(&world, "{ name = 'fcfs', max_batch = 1 }").waits(WARM))
        });
        let exact = pollaczek_khinchine(rho / s, s, s * s * (1.0 + cv * cv));
        agree(&format!("M/G/1 mean wait, cv {cv}"), &waits, exact);
    }
}

/// Swaps: two applications with equal shares, memory for one variant. Whether a request is of
/// another application than the one before is a fair coin, independent of all other such coins.
/// First come, first served, each such request costs a load more: M/G/1 with S = s + load · coin.
#[test]
fn swaps_are_an_mg1_queue() {
    let (s, load, gap) = (1.0, 0.8, 2.0);
    let sojourns = replicates(|replicate| {
        let mut rng = rng(4, replicate);
        let mut world = World::new()
            .app("a", &[V("a", 1, &[(1, s)], load, &[1.0])])
            .app("b", &[V("b", 1, &[(1, s)], load, &[1.0])])
            .workers(1, 1, 1);
        world.arrivals = poisson(&mut rng, REQUESTS, gap, 1e9);
        for arrival in &mut world.arrivals {
            arrival.app.0 = u16::from(rng.random_bool(0.5));
        }
        mean(Times::of(&world, "{ name = 'fcfs', max_batch = 1 }").sojourns(WARM))
    });
    let total = s + load / 2.0;
    let second_moment = f64::midpoint(s * s, (s + load) * (s + load));
    let exact = total + pollaczek_khinchine(1.0 / gap, total, second_moment);
    agree("M/G/1 with swaps, mean sojourn", &sojourns, exact);
}

/// Deadlines so far apart that they are priorities: W₁ = W₀ / (1 − ρ₁) and
/// W₂ = W₀ / ((1 − ρ₁)(1 − ρ₁ − ρ₂)) with W₀ = (λ₁ E[S₁²] + λ₂ E[S₂²]) / 2 (Cobham 1954).
#[test]
fn edf_with_two_budgets_is_a_priority_queue() {
    let (s1, s2, gap) = (1.0, 2.0, 2.0);
    let rows = columns::<2>(|replicate| {
        let mut rng = rng(5, replicate);
        let mut world = World::new()
            .app("urgent", &[V("u", 1, &[(1, s1)], 0.0, &[1.0])])
            .app("patient", &[V("p", 1, &[(1, s2)], 0.0, &[1.0])]);
        let mut at_ms = 0.0;
        for _ in 0..REQUESTS {
            at_ms += exponential(&mut rng, gap);
            let app = u16::from(rng.random_bool(0.5));
            world.arrivals.push(arrival(at_ms, app, [1.0, 1e9][usize::from(app)]));
        }
        let times = Times::of(&world, "{ name = 'edf', max_batch = 1 }");
        let waits: Vec<f64> = times.waits(WARM).collect();
        let of = |app: u16| {
            let own =
                |(at, wait): (usize, f64)| (world.arrivals[WARM + at].app.0 == app).then_some(wait);
            mean(waits.iter().copied().enumerate().filter_map(own))
        };
        [of(0), of(1)]
    });
    let rate = 0.5 / gap;
    let (rho1, rho2) = (rate * s1, rate * s2);
    let residual = rate * (s1 * s1 + s2 * s2) / 2.0;
    let first = residual / (1.0 - rho1);
    agree("priority queue, urgent", &rows[0], first);
    agree("priority queue, patient", &rows[1], first / (1.0 - rho1 - rho2));
}

/// An order that does not depend on service times leaves the mean wait alone: exactly, if all
/// services are equal, since the starts are then the same instants in another order.
#[test]
fn edf_and_fcfs_wait_alike() {
    let differences = replicates(|replicate| {
        let mut rng = rng(6, replicate);
        let mut world = service(&[(1, 1.0)]);
        world.arrivals = poisson(&mut rng, REQUESTS, 1.25, 1.0);
        for arrival in &mut world.arrivals {
            arrival.budget.0 = rng.random_range(1_000_000..50_000_000);
        }
        let run = |name| Times::of(&world, &format!("{{ name = '{name}', max_batch = 1 }}"));
        let (edf, fcfs) = (run("edf"), run("fcfs"));
        assert_ne!(edf.start, fcfs.start, "the order does not matter in this case");
        let sum = |times: &Times| times.start.iter().flatten().sum::<u64>();
        assert_eq!(sum(&edf), sum(&fcfs));
        // With noise, which belongs to the request, only the expectations are equal.
        world.setup.noise_cv = 0.8;
        world.seed = replicate;
        let run = |name| Times::of(&world, &format!("{{ name = '{name}', max_batch = 1 }}"));
        mean(run("edf").waits(WARM)) - mean(run("fcfs").waits(WARM))
    });
    let (mean, tolerance) = interval(&differences);
    println!("edf waits {mean:.6} ± {tolerance:.6} longer than fcfs");
    assert!(mean.abs() < tolerance, "{mean} ± {tolerance}");
    // By Pollaczek and Khinchine the wait itself is 0.8 · 1.64 / (2 · 0.2) = 3.28.
    assert!(tolerance < 0.1, "± {tolerance} is too wide to tell");
}

/// D/D/1: request i waits i · max(0, s − gap), to the nanosecond.
#[test]
fn dd1_exactly() {
    for (s, gap) in [(700_000u64, 1_000_000u64), (1_000_000, 1_000_000), (1_300_001, 1_000_000)] {
        let mut world = service(&[(1, s as f64 / 1e6)]);
        let at = |i: u64| arrival((i * gap) as f64 / 1e6, 0, 100.0);
        world.arrivals = (0..5_000).map(at).collect();
        let times = Times::of(&world, "{ name = 'edf', max_batch = 1 }");
        for (i, finish) in (0u64..).zip(&times.finish) {
            let wait = i * s.saturating_sub(gap);
            assert_eq!(*finish, Some(i * gap + wait + s), "request {i}, service {s}, gap {gap}");
        }
    }
}
