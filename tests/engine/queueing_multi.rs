//! Simulated queues with several servers, losses and batches against their closed forms.
//!
//! Sources: A. K. Erlang 1917, as in L. Kleinrock, Queueing Systems, volume 1, Wiley 1975,
//! chapter 3 (loss and delay formulas, M/M/c/K); B. A. Sevast'yanov, Theory of Probability and its
//! Applications 2, 1957 (the loss formula depends on the mean service only); N. T. J. Bailey, On
//! queueing processes with bulk service, Journal of the Royal Statistical Society B 16, 1954;
//! J. D. C. Little, Operations Research 9, 1961. How the comparisons are made is told in
//! `queueing.rs`.

use crate::support::common::check::little;
use crate::support::common::queueing_support::{
    Line, Times, agree, arrival, exponential, mean, poisson, rng, service, services, share,
};
use crate::support::common::{Log, World};

const REPLICATES: u64 = 80;
const REQUESTS: usize = 20_000;
const WARM: usize = 1_500;

/// Two numbers from each replicate, by number.
fn columns(replicates: u64, one: impl Fn(u64) -> [f64; 2]) -> [Vec<f64>; 2] {
    let rows: Vec<[f64; 2]> = (0..replicates).map(one).collect();
    std::array::from_fn(|column| rows.iter().map(|row| row[column]).collect())
}

/// Erlang B: the probability that all of `c` servers are busy and a request is lost, offered
/// load a = λ s; B(0) = 1, B(c) = a B(c−1) / (c + a B(c−1)).
fn erlang_b(c: u32, a: f64) -> f64 {
    (1..=c).fold(1.0, |b, c| a * b / (f64::from(c) + a * b))
}

/// Erlang C: the probability that a request has to wait; C = B / (1 − ρ (1 − B)), ρ = a / c.
fn erlang_c(c: u32, a: f64) -> f64 {
    let b = erlang_b(c, a);
    b / (1.0 - a / f64::from(c) * (1.0 - b))
}

/// M/M/c: a share C(c, a) of the requests waits, and W = C(c, a) s / (c − a).
fn check_mmc(what: &str, replicates: u64, requests: usize, c: u16, build: fn(World, u16) -> World) {
    let (s, a) = (1.0, 0.6 * f64::from(c));
    let rows = columns(replicates, |replicate| {
        let mut rng = rng(u64::from(c), replicate);
        let drawn: Vec<f64> = (0..requests).map(|_| exponential(&mut rng, s)).collect();
        let mut world = build(services(&drawn), c);
        world.arrivals = poisson(&mut rng, requests, s / a, 1e9);
        let times = Times::with(&world, &mut Line::endless());
        let warm = requests / 8;
        [mean(times.waits(warm)), share(times.waits(warm), |wait| wait > 0.0)]
    });
    let wait = erlang_c(c.into(), a);
    agree(&format!("{what} mean wait"), &rows[0], wait * s / (f64::from(c) - a));
    agree(&format!("{what} share that waits"), &rows[1], wait);
}

#[test]
fn mmc_on_workers() {
    check_mmc("M/M/3 on 3 workers", 150, REQUESTS, 3, |world, c| world.workers(c, 1, 1));
}

/// All variants stay in memory, since a load would wait for all lanes; looking one up takes time
/// in proportion to their number, so there are few requests in each of many replicates.
#[test]
fn mmc_on_lanes() {
    check_mmc("M/M/4 on 4 lanes", 1_000, 2_000, 4, |world, c| world.workers(1, c, 1 << 40));
    let mixed = |world: World, _| world.workers(1, 3, 1 << 40).workers(2, 1, 1 << 40);
    check_mmc("M/M/5 on 3 + 1 + 1 lanes", 1_000, 2_000, 5, mixed);
}

/// M/M/c/K: pₙ from the birth and death balance; a share `p_K` is lost, and those let in stay for
/// `L / (λ (1 − p_K))` on average (Little).
#[test]
fn mmck_losses_and_sojourns() {
    let (s, a) = (1.0, 1.8);
    let (c, k) = (2u32, 6u32);
    let rows = columns(REPLICATES, |replicate| {
        let mut rng = rng(100, replicate);
        let drawn: Vec<f64> = (0..REQUESTS).map(|_| exponential(&mut rng, s)).collect();
        let mut world = services(&drawn).workers(c as u16, 1, 1);
        world.arrivals = poisson(&mut rng, REQUESTS, s / a, 1e9);
        let times = Times::with(&world, &mut Line::with_room((k - c) as usize));
        [lost(&times), mean(times.sojourns(WARM))]
    });
    let mut law = vec![1.0];
    for n in 1..=k {
        law.push(law[n as usize - 1] * a / f64::from(n.min(c)));
    }
    let total: f64 = law.iter().sum();
    let loss = law[k as usize] / total;
    let inside = (0..=k).map(|n| f64::from(n) * law[n as usize] / total).sum::<f64>();
    agree("M/M/2/6 share lost", &rows[0], loss);
    agree("M/M/2/6 mean sojourn", &rows[1], inside * s / (a * (1.0 - loss)));
}

/// The share of requests that never finished.
fn lost(times: &Times) -> f64 {
    share(times.finish[WARM..].iter().map(|f| f.map_or(1.0, |_| 0.0)), |lost| lost > 0.0)
}

/// M/G/c/c: Erlang's loss formula whatever the law of service, here exponential on workers and
/// constant and log-normal on lanes.
#[test]
fn losses_do_not_depend_on_the_law_of_service() {
    let (s, c, a) = (1.0, 4u16, 3.0);
    let exact = erlang_b(c.into(), a);
    for (what, cv) in [("constant", 0.0), ("log-normal", 1.0)] {
        let shares: Vec<f64> = (0..REPLICATES)
            .map(|replicate| {
                let mut world = service(&[(1, s)]).workers(1, c, 1);
                world.setup.noise_cv = cv;
                world.seed = replicate;
                world.arrivals = poisson(&mut rng(101, replicate), REQUESTS, s / a, 1e9);
                lost(&Times::with(&world, &mut Line::with_room(0)))
            })
            .collect();
        agree(&format!("M/G/4/4 share lost, {what} service"), &shares, exact);
    }
    let shares: Vec<f64> = (0..REPLICATES)
        .map(|replicate| {
            let mut rng = rng(102, replicate);
            let drawn: Vec<f64> = (0..REQUESTS).map(|_| exponential(&mut rng, s)).collect();
            let mut world = services(&drawn).workers(c, 1, 1);
            world.arrivals = poisson(&mut rng, REQUESTS, s / a, 1e9);
            lost(&Times::with(&world, &mut Line::with_room(0)))
        })
        .collect();
    agree("M/M/4/4 share lost", &shares, exact);
}

/// Waits and batch sizes of first come, first served with batches of up to `largest`, each taking
/// 1 ms, at `a` arrivals per ms.
fn bulk(largest: u64, a: f64) -> [Vec<f64>; 2] {
    columns(REPLICATES, |replicate| {
        let mut world = service(&[(1, 1.0), (largest, 1.0)]);
        world.arrivals = poisson(&mut rng(103, replicate), REQUESTS, 1.0 / a, 1e9);
        let times = Times::of(&world, &format!("{{ name = 'fcfs', max_batch = {largest} }}"));
        // The first and the last batches are not stationary: they are left out.
        let batches = &times.batches[WARM / 4..times.batches.len() - 1];
        [mean(times.waits(WARM)), mean(batches.iter().map(|b| *b as f64))]
    })
}

/// Batches without limit: every batch takes all who came during the one before, so their numbers
/// N are independent and Poisson(a). If N = 0 the server waits for the next, who is served alone
/// and at once. A batch therefore holds a + P(N = 0) = a + e⁻ᵃ on average; of these a came during
/// a service, at a uniform instant of it, and waited for half of it.
#[test]
fn bulk_service_without_limit() {
    let a = 1.5;
    let [waits, batches] = bulk(64, a);
    let batch = a + libm::exp(-a);
    agree("bulk service, mean wait", &waits, 0.5 * a / batch);
    agree("bulk service, mean batch", &batches, batch);
}

/// Batches of at most b (after Bailey 1954, but a batch starts as soon as anybody waits). X, the
/// number left behind by a batch, is a Markov chain: if X = 0 the next batch is of one, else of
/// min(X, b), and A ~ Poisson(a) come during it, so X' = (X − b)⁺ + A. During the service the
/// queue is (X − b)⁺ at first and grows by a / 2 on average; a cycle lasts 1, and 1 / a more if
/// X = 0. The mean queue over the cycle divided by the arrival rate a is the mean wait (Little).
#[test]
fn bulk_service_with_a_limit() {
    let (b, a) = (4usize, 3.0);
    let [waits, batches] = bulk(b as u64, a);
    let poisson: Vec<f64> = (0..200u32)
        .scan(libm::exp(-a), |p, n| Some(std::mem::replace(p, *p * a / f64::from(n + 1))))
        .collect();
    // The stationary law by iteration from an empty start, until nothing changes any more.
    let mut law = vec![0.0; poisson.len()];
    law[0] = 1.0;
    for _ in 0..2_000 {
        let mut next = vec![0.0; law.len()];
        for (x, p) in law.iter().enumerate() {
            let rest = x.saturating_sub(b);
            next.iter_mut().skip(rest).zip(&poisson).for_each(|(n, q)| *n += p * q);
        }
        law = next;
    }
    let total: f64 = law.iter().sum();
    assert!((total - 1.0).abs() < 1e-12, "mass lost beyond {}: {total}", law.len());
    let expect =
        |of: &dyn Fn(usize) -> f64| -> f64 { law.iter().enumerate().map(|(x, p)| p * of(x)).sum() };
    let queue = expect(&|x| x.saturating_sub(b) as f64) + a / 2.0;
    let cycle = 1.0 + law[0] / a;
    agree("bulk service of 4, mean wait", &waits, queue / cycle / a);
    agree("bulk service of 4, mean batch", &batches, expect(&|x| x.clamp(1, b) as f64));
}

/// Arrivals every 1 ms, batches of any size in 4 ms: after the first, alone, batches of four who
/// came 3, 2, 1 and 0 ms before its start.
#[test]
fn bulk_dd1_exactly() {
    let mut world = service(&[(1, 4.0), (16, 4.0)]);
    world.arrivals = (0..401).map(|i| arrival(f64::from(i), 0, 100.0)).collect();
    let times = Times::of(&world, "fcfs");
    let waits: Vec<f64> = times.waits(0).collect();
    assert_eq!(waits[0], 0.0);
    for (at, wait) in waits[1..].iter().enumerate() {
        assert_eq!(*wait, (3 - at % 4) as f64, "request {}", at + 1);
    }
    assert_eq!(times.batches[1..], [4; 100]);
}

/// L = λ W without any limit: the sum of all sojourns is the integral of the number in the
/// system, to the nanosecond, with losses, batches, lanes and noise.
#[test]
fn littles_law_is_an_identity() {
    let log = |mut world: World, gap_ms: f64, scheduler: &str| -> Log {
        world.setup.noise_cv = 0.5;
        world.arrivals = poisson(&mut rng(104, 0), 5_000, gap_ms, 20.0);
        world.run(scheduler)
    };
    let lanes = service(&[(1, 2.0), (4, 4.0)]).workers(2, 2, 1);
    let drop = "{ name = 'edf', max_batch = 3, drop_policy = 'hopeless' }";
    let overloaded = log(lanes, 0.2, drop);
    assert!(overloaded.counts.rejected > 500, "{:?}", overloaded.counts);
    for log in [overloaded, log(service(&[(1, 1.0)]), 1.1, "fcfs")] {
        little(&log).unwrap_or_else(|why| panic!("{why}"));
        assert_eq!(log.counts.arrived, 5_000);
    }
}
