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

use crate::support::common::queueing_support::{
    Line, Times, exponential, mean, poisson, rng, service, services, share,
};
use peeksim::config::Location;
use peeksim::core::rng::Rng;
use peeksim::experiment::StoppingRule;
use peeksim::metrics::{interval_key, metric_shape};
use peeksim::offloading::evaluate::evaluate;
use peeksim::offloading::generate::like_m4a1;
use peeksim::offloading::policies::build;
use peeksim::offloading::{Cost, DialogueModel, ModelParams, Scorer, TEST_SHARE, Workload};
use peeksim::stats::{Estimate, Interval, IntervalMethod, mser};
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
        let interval = Interval::of(
            &values,
            metric_shape(metric),
            interval_key(metric, &[repetition.to_string()]),
        );
        let interval = interval.expect("several replicates that vary");
        covered += u64::from(interval.low <= exact && exact <= interval.high);
        resampled += usize::from(interval.method == IntervalMethod::BootstrapT);
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
    let mut model = services(&drawn).workers(1, 1, 1);
    model.arrivals = poisson(&mut rng, requests, 1.0 / rho, 1e9);
    Times::with(&model, &mut Line::endless())
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
        let mut model = service(&[(1, 1.0)]);
        model.arrivals = poisson(&mut rng(102, number), 2_000, 1.0 / rho, 1e9);
        mean(Times::of(&model, "{ name = 'fcfs', max_batch = 1 }").waits(400))
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
    // docs/src/statistics.md says so; this is no promise but the figure that it gives.
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
            let mut model = service(&[(1, s)]);
            model.arrivals = poisson(&mut rng(107, number), 2_000, gap, 1e9);
            mean(Times::of(&model, "{ name = 'fcfs', max_batch = 1 }").waits(400))
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
    let until = |width| StoppingRule {
        metric: "latency_ms_mean".to_owned(),
        relative_half_width: width,
        max_replicates: 100,
        place: Location::default(),
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
                if until.narrow(&values, &[]) || wanted == until.max_replicates {
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

/// Who is compared.
const POLICIES: [&str; 4] = ["random", "local", "always:cloud+0+1", "greedy-knn"];

/// Rewards of each policy on some dialogues by the estimator of a model, and of the last less the
/// second.
fn rewards(model: &DialogueModel, dialogues: &[usize]) -> Vec<Vec<f64>> {
    let column = |name: &&str| {
        let mut policy = build(name, model, Rng::new(1, 0)).expect("a policy");
        let results =
            evaluate(model, Scorer::Estimator(model), dialogues, policy.as_mut(), Cost::PUBLISHED);
        results.iter().map(|result| result.reward).collect::<Vec<f64>>()
    };
    let mut columns: Vec<Vec<f64>> = POLICIES.iter().map(column).collect();
    let pairs = columns[3].iter().zip(&columns[1]);
    columns.push(pairs.map(|(a, b)| a - b).collect());
    columns
}

/// What a data set of a hundred dialogues comes to over splits: the mean by dialogue, its half
/// width by dialogue and by split, and the mean of further dialogues by the same estimators.
fn data_set(set: u64, splits: u64, further: usize) -> Vec<[f64; 4]> {
    let workload = Arc::new(like_m4a1(100 + further, Rng::new(set, 77)));
    let data = Workload { dialogues: workload.dialogues[..100].to_vec(), ..(*workload).clone() };
    let further: Vec<usize> = (100..100 + further).collect();
    let columns = POLICIES.len() + 1;
    let mut by_dialogue = vec![vec![(0.0, 0.0); 100]; columns];
    let (mut by_split, mut truth) = (vec![Vec::new(); columns], vec![0.0; columns]);
    for split in 0..splits {
        let split = data.split(Rng::new(set, split), TEST_SHARE);
        let params = ModelParams::published().expect("the shipped file");
        let model =
            DialogueModel::new(Arc::clone(&workload), &split.train, params).expect("a model");
        for (at, column) in rewards(&model, &split.test).into_iter().enumerate() {
            for (dialogue, reward) in split.test.iter().zip(&column) {
                let (sum, count) = &mut by_dialogue[at][*dialogue];
                (*sum, *count) = (*sum + reward, *count + 1.0);
            }
            by_split[at].push(mean(column.iter().copied()));
        }
        for (truth, column) in truth.iter_mut().zip(rewards(&model, &further)) {
            *truth += mean(column.iter().copied()) / splits as f64;
        }
    }
    let one = |at: usize| {
        let tested = by_dialogue[at].iter().filter(|(_, count)| *count > 0.0);
        let values: Vec<f64> = tested.map(|(sum, count)| sum / count).collect();
        let estimate = |values: &[f64]| Estimate::of(values).expect("several");
        let width = |values: &[f64]| estimate(values).half_width.expect("several");
        [estimate(&values).mean, width(&values), width(&by_split[at]), truth[at]]
    };
    (0..columns).map(one).collect()
}

/// Intervals over dialogues, which all splits of a data set share. Given the estimators of the
/// splits they cover what further dialogues would show; that is known from 400 only, for which 92 %
/// are as good as 95. What other data sets would show, which have other estimators, they do not
/// cover: that is printed, and said where the intervals stand.
#[test]
#[ignore = "takes minutes"]
fn intervals_by_dialogue_cover_what_further_dialogues_would_show() {
    let found: Vec<Vec<[f64; 4]>> = (0..120).map(|set| data_set(set, 10, 400)).collect();
    for at in 0..=POLICIES.len() {
        let name = POLICIES.get(at).copied().unwrap_or("greedy-knn less local");
        let share = |of: &dyn Fn(&[f64; 4]) -> bool| {
            found.iter().filter(|set| of(&set[at])).count() as f64 / found.len() as f64
        };
        let all = mean(found.iter().map(|set| set[at][0]));
        let given = share(&|[mean, width, _, truth]| (mean - truth).abs() <= *width);
        let by_split = share(&|[mean, _, width, truth]| (mean - truth).abs() <= *width);
        let others = share(&|[mean, width, ..]| (mean - all).abs() <= *width);
        println!(
            "{name}: further dialogues {:.1} % (over splits {:.1} %), other data sets {:.1} %",
            100.0 * given,
            100.0 * by_split,
            100.0 * others
        );
        assert!((0.85..=1.0).contains(&given), "{name}: {given}");
    }
}
