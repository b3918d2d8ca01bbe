//! Do nominal 95 % intervals cover what they should? Long: `cargo test coverage -- --ignored
//! --nocapture`.
//!
//! Each experiment is repeated [`REPETITIONS`] times, each repetition of some replicates of a
//! simulated queue with a known mean. An interval that covers with probability 95 % is found to
//! cover between 93.4 and 96.6 % of them with probability 98 %; 93 to 97 % are asked for.
//!
//! Closed forms: Kleinrock, Queueing Systems, volume 1, Wiley 1975. M/M/1: the sojourn is
//! exponential with mean s / (1 − ρ). M/G/1 (Pollaczek and Khinchine): the mean wait is
//! λ E[S²] / (2 (1 − ρ)).

use crate::common::lab::{Line, Times, exponential, mean, poisson, rng, service, services, share};
use peeksim::input::Place;
use peeksim::metrics::is_skewed;
use peeksim::rng::Rng;
use peeksim::stats::{Estimate, Interval, Method, mser};
use peeksim::sweep::Until;
use peeksim::tmo::generate::like_m4a1;
use peeksim::tmo::reproduce::{Effort, Shelf, make};
use std::sync::Arc;

const REPETITIONS: u64 = 1_000;

/// How often an interval of `one(test, number)` over replicates covers `exact`, and by which
/// method it was found.
fn coverage(
    what: &str,
    replicates: u64,
    exact: f64,
    metric: &str,
    one: impl Fn(u64) -> f64,
) -> (f64, usize) {
    let (mut covered, mut resampled, mut sum) = (0, 0, 0.0);
    for repetition in 0..REPETITIONS {
        let values: Vec<f64> = (0..replicates).map(|r| one(repetition * replicates + r)).collect();
        sum += mean(values.iter().copied());
        let interval = Interval::of(&values, is_skewed(metric)).expect("several replicates");
        covered += u64::from(interval.low <= exact && exact <= interval.high);
        resampled += usize::from(interval.method == Method::BootstrapT);
    }
    let (covered, grand) = (covered as f64 / REPETITIONS as f64, sum / REPETITIONS as f64);
    println!(
        "{what}: covers {:.1} % (bootstrap in {resampled} of {REPETITIONS}); mean {grand:.5}, \
         exactly {exact:.5}",
        100.0 * covered
    );
    (covered, resampled)
}

fn nominal((covered, _): (f64, usize)) {
    assert!((0.93..=0.97).contains(&covered), "{covered}");
}

/// Sojourns of M/M/1 with s = 1 ms, all of them, in order of arrival.
fn mm1(test: u64, number: u64, rho: f64, requests: usize) -> Times {
    let mut rng = rng(test, number);
    let drawn: Vec<f64> = (0..requests).map(|_| exponential(&mut rng, 1.0)).collect();
    let mut world = services(&drawn).workers(1, 1, 1);
    world.arrivals = poisson(&mut rng, requests, 1.0 / rho, 1e9);
    Times::with(&world, &mut Line::endless())
}

#[test]
#[ignore = "takes minutes"]
fn students_t_covers_the_mean_sojourn_of_mm1() {
    // At ρ = 0.5 the transient is over after some hundred requests.
    nominal(coverage("M/M/1, ρ = 0.5, ten replicates, t", 10, 2.0, "latency_ms_mean", |number| {
        mean(mm1(101, number, 0.5, 1_000).sojourns(200))
    }));
}

#[test]
#[ignore = "takes minutes"]
fn students_t_covers_the_mean_wait_of_md1() {
    let rho = 0.7;
    let exact = rho / (2.0 * (1.0 - rho));
    let wait = |number| {
        let mut world = service(&[(1, 1.0)]);
        world.arrivals = poisson(&mut rng(102, number), 2_000, 1.0 / rho, 1e9);
        mean(Times::of(&world, "{ name = 'fcfs', max_batch = 1 }").waits(400))
    };
    nominal(coverage("M/D/1, ρ = 0.7, ten replicates, t", 10, exact, "wait_ms_mean", wait));
}

#[test]
#[ignore = "takes minutes"]
fn mser_5_costs_coverage_on_short_runs() {
    let one = |number| {
        let all: Vec<f64> = mm1(103, number, 0.8, 3_000).sojourns(0).collect();
        let means: Vec<f64> = all.chunks_exact(5).map(|c| c.iter().sum::<f64>() / 5.0).collect();
        mean(all.into_iter().skip(5 * mser(&means).means))
    };
    let found = coverage("M/M/1, ρ = 0.8, MSER-5, ten replicates, t", 10, 5.0, "wait_ms_mean", one);
    // What is cut depends on what is left: a quiet remainder is preferred, and the mean is too low.
    // The README says so; this is no promise but the figure that it gives.
    assert!((0.70..=0.97).contains(&found.0), "{found:?}");
}

#[test]
#[ignore = "takes minutes"]
fn the_bootstrap_covers_a_ratio_near_zero() {
    // Late by a budget of 9.21 ms with probability e^(−9.21 / 2) = 0.01.
    let budget = -2.0 * libm::log(0.01);
    for replicates in [10, 20] {
        let what = format!("M/M/1, 1 % late, {replicates} replicates, bootstrap");
        let found = coverage(&what, replicates, 0.01, "deadline_miss_ratio", |number| {
            share(mm1(104 + replicates, number, 0.5, 1_000).sojourns(200), |t| t > budget)
        });
        nominal(found);
        assert!(found.1 > 900);
    }
}

#[test]
#[ignore = "takes minutes"]
fn the_bootstrap_covers_a_percentile() {
    // The mean over runs of the 99th percentile of a run has no closed form, and is found by all.
    let p99 = |number| {
        let mut all: Vec<f64> = mm1(141, number, 0.5, 1_000).sojourns(200).collect();
        all.sort_by(f64::total_cmp);
        all[all.len() * 99 / 100]
    };
    let exact = mean((0..10_000).map(|number| p99(10_000_000 + number)));
    nominal(coverage("M/M/1 p99, ten replicates, bootstrap", 10, exact, "latency_ms_p99", p99));
}

#[test]
#[ignore = "takes minutes"]
fn students_t_covers_paired_differences() {
    // The same arrivals before two servers of fixed speed.
    let (slow, fast, gap) = (1.0, 0.8, 1.0 / 0.7);
    let wait = |s: f64| s * (s / gap) / (2.0 * (1.0 - s / gap));
    let one = |number| {
        let of = |s: f64| {
            let mut world = service(&[(1, s)]);
            world.arrivals = poisson(&mut rng(107, number), 2_000, gap, 1e9);
            mean(Times::of(&world, "{ name = 'fcfs', max_batch = 1 }").waits(400))
        };
        of(slow) - of(fast)
    };
    let exact = wait(slow) - wait(fast);
    nominal(coverage("M/D/1, paired difference, ten, t", 10, exact, "wait_ms_mean", one));
}

/// Stopping at a narrow interval covers less than nominal; by how much is measured.
#[test]
#[ignore = "takes minutes"]
fn the_sequential_rule_covers_almost_as_much() {
    let until = |width| Until {
        metric: "latency_ms_mean".to_owned(),
        relative_half_width: width,
        max_replicates: 100,
        place: Place::default(),
    };
    for (width, least) in [(0.05, 10), (0.05, 5)] {
        let until = until(width);
        let (mut covered, mut runs) = (0, 0);
        for repetition in 0..REPETITIONS {
            let mut values: Vec<f64> = Vec::new();
            let mut wanted = least;
            loop {
                let more = values.len() as u64..wanted;
                let one = |r| mean(mm1(108, repetition * 100 + r, 0.5, 1_000).sojourns(200));
                values.extend(more.map(one));
                if until.narrow(&values) || wanted == until.max_replicates {
                    break;
                }
                wanted = until.next(wanted);
            }
            runs += values.len();
            let estimate = Estimate::of(&values).expect("values");
            covered += u64::from(estimate.low() <= 2.0 && 2.0 <= estimate.high());
        }
        let share = covered as f64 / REPETITIONS as f64;
        println!(
            "sequential, ± {width}, at least {least}: covers {:.1} %, {:.1} replicates on average",
            100.0 * share,
            runs as f64 / REPETITIONS as f64
        );
        assert!((0.90..=0.97).contains(&share), "{share}");
    }
}

/// Intervals over dialogues, which splits share: new data sets of a hundred dialogues, twenty
/// splits of each, and the mean over all data sets as what is true.
#[test]
#[ignore = "takes minutes"]
fn intervals_by_dialogue_cover_what_other_data_sets_would_show() {
    let effort =
        Effort { dialogues: 4, scored: 2, splits: 20, bounds: 0, trained: 0, seeds: 0, steps: 0 };
    let folder = std::env::temp_dir();
    let sets = 150;
    let found: Vec<Vec<(String, f64, f64)>> = (0..sets)
        .map(|set| {
            let data = Arc::new(like_m4a1(100, Rng::new(set, 77)));
            let shelf = Shelf { folder: folder.clone(), steps: 0, progress: &() };
            let made = make(Some(&data), &effort, &shelf).expect("it can be made");
            let lines = made.lines.into_iter().filter(|line| line.section == "splits");
            let rewards = lines.filter(|line| line.name.ends_with(", reward"));
            rewards
                .map(|line| (line.name, line.figure.unwrap_or(0.0), line.half_width.unwrap_or(0.0)))
                .collect()
        })
        .collect();
    for line in 0..found[0].len() {
        let truth = mean(found.iter().map(|set| set[line].1));
        let covers = |set: &&Vec<(String, f64, f64)>| (set[line].1 - truth).abs() <= set[line].2;
        let covered = found.iter().filter(covers).count() as f64 / found.len() as f64;
        println!("{}: {truth:.4}, covered {:.1} %", found[0][line].0, 100.0 * covered);
        assert!((0.85..=1.0).contains(&covered), "{}: {covered}", found[0][line].0);
    }
}
