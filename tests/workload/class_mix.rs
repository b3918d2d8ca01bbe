//! Which classes arrive: skew, drift and runs of one class, against their closed forms. Shares are
//! binomial: five standard errors of that.

use crate::support::common::arrivals::{arrivals, prepare};
use peeksim::core::ids::Arrival;

const N: usize = 40_000;

fn draw(settings: &str, replicate: u64) -> Vec<Arrival> {
    let trace = format!("workload = {{ rate_rps = 1000, requests = {N}, {settings} }}");
    let prepared = prepare(&["apps = ['activity']", &trace]).unwrap();
    arrivals(&prepared, replicate)
}

/// Shares of the six classes.
fn shares(all: &[Arrival]) -> Vec<f64> {
    let mut counts = [0.0; 6];
    all.iter().for_each(|arrival| counts[usize::from(arrival.truth.class)] += 1.0);
    counts.iter().map(|count| count / all.len() as f64).collect()
}

fn near(found: f64, expected: f64, n: usize) -> bool {
    (found - expected).abs() <= 5.0 * (expected * (1.0 - expected) / n as f64).sqrt() + 1e-12
}

/// Shares of Zipf's law over six classes.
fn zipf(s: f64) -> Vec<f64> {
    let weights: Vec<f64> = (1..=6).map(|place| libm::pow(f64::from(place), -s)).collect();
    let total: f64 = weights.iter().sum();
    weights.iter().map(|weight| weight / total).collect()
}

#[test]
fn zipf_shares_fall_with_the_place() {
    for s in [0.0, 1.0, 2.5] {
        let found = shares(&draw(&format!("class_mix = {{ zipf = {s} }}"), 0));
        for (found, expected) in found.iter().zip(zipf(s)) {
            assert!(near(*found, expected, N), "{s}: {found}, not {expected}");
        }
    }
    let trace = format!("workload = {{ rate_rps = 1000, requests = {N}, mix = {{ zipf = 1 }} }}");
    let all = arrivals(&prepare(&[&trace]).unwrap(), 0);
    for (app, expected) in [6.0 / 11.0, 3.0 / 11.0, 2.0 / 11.0].into_iter().enumerate() {
        let count = all.iter().filter(|arrival| arrival.app.index() == app).count();
        assert!(near(count as f64 / N as f64, expected, N));
    }
}

#[test]
fn dirichlet_mixes_differ_by_replicate_and_tend_to_the_profile() {
    let few = "class_mix = { activity = { dirichlet = 0.3 } }";
    let mixes: Vec<Vec<f64>> = (0..4).map(|replicate| shares(&draw(few, replicate))).collect();
    assert!(mixes.iter().all(|mix| mix.iter().any(|share| *share > 0.4)), "{mixes:?}");
    assert_ne!(mixes[0], mixes[1]);
    assert_eq!(draw(few, 2), draw(few, 2));
    // With a large α the mix is the profile's: class frequencies of the confusion matrix.
    let prepared = prepare(&["apps = ['activity']", "workload = { rate_rps = 1 }"]).unwrap();
    let app = prepared.catalog.app_ids().next().unwrap();
    let frequencies = &prepared.catalog.app(app).frequencies;
    let found = shares(&draw("class_mix = { dirichlet = 1e6 }", 0));
    for (found, expected) in found.iter().zip(frequencies) {
        // The mix itself varies by √(p (1 − p) / α), a fifth of what counting does.
        assert!((found - expected).abs() < 6.0 * (expected / N as f64).sqrt());
    }
}

#[test]
fn mixes_drift_at_once_evenly_and_back() {
    // 40 s of arrivals: from the first class to the sixth.
    let from = "class_mix = { activity = [1, 0, 0, 0, 0, 0] }, ";
    let last = |all: &[Arrival], from: f64, until: f64| {
        let inside = |arrival: &&Arrival| (from..until).contains(&arrival.time.as_s());
        let own: Vec<&Arrival> = all.iter().filter(inside).collect();
        let count = own.iter().filter(|arrival| arrival.truth.class == 5).count();
        (count as f64 / own.len() as f64, own.len())
    };
    let check = |course: &str, from_s: f64, until_s: f64, expected: f64| {
        let to = "to = { activity = [0, 0, 0, 0, 0, 1] }";
        let all = draw(&format!("{from}drift = {{ {to}, {course} }}"), 0);
        let (found, n) = last(&all, from_s, until_s);
        assert!(near(found, expected, n), "{course}: {found}, not {expected}");
    };
    check("at_s = 10", 0.0, 10.0, 0.0);
    check("at_s = 10", 10.0, 30.0, 1.0);
    check("from_s = 10, until_s = 30", 0.0, 10.0, 0.0);
    check("from_s = 10, until_s = 30", 10.0, 20.0, 0.25);
    check("from_s = 10, until_s = 30", 30.0, 35.0, 1.0);
    // (1 − cos 2πt / T) / 2: half over all, and 1/2 − 1/π in the first quarter of a period.
    check("period_s = 20", 0.0, 20.0, 0.5);
    check("period_s = 20", 0.0, 5.0, 0.5 - 1.0 / std::f64::consts::PI);
}

#[test]
fn the_log_odds_of_classes_walk_at_random() {
    // Ten steps of 4,000 requests; two classes that begin alike.
    let (steps, per_step, deviation) = (10, 4_000, 0.25);
    let trace = format!(
        "workload = {{ rate_rps = {per_step}, requests = {}, arrivals = 'periodic', \
         class_mix = {{ activity = [1, 0, 0, 0, 0, 1] }}, \
         drift = {{ random_walk_sd = {deviation}, step_s = 1 }} }}",
        steps * per_step
    );
    let prepared = prepare(&["apps = ['activity']", &trace]).unwrap();
    let (mut moves, mut ends) = (Vec::new(), Vec::new());
    for replicate in 0..100 {
        let mut counts = vec![[0.0f64; 2]; steps + 1];
        for arrival in arrivals(&prepared, replicate) {
            let class = usize::from(arrival.truth.class == 5);
            counts[arrival.time.as_s() as usize][class] += 1.0;
        }
        let odds: Vec<f64> = counts[..steps].iter().map(|[a, b]| libm::log(b / a)).collect();
        // What counting adds to the variance of each.
        let noise: Vec<f64> = counts[..steps].iter().map(|[a, b]| 1.0 / a + 1.0 / b).collect();
        // Before the first step the mix is the one it began with.
        assert!(odds[0].abs() < 5.0 * noise[0].sqrt(), "{}", odds[0]);
        for at in 1..steps {
            moves.push((odds[at] - odds[at - 1]).powi(2) - noise[at] - noise[at - 1]);
        }
        ends.push((odds[steps - 1], noise[steps - 1]));
    }
    // Two classes move, each by itself: 2 σ² a step. Squares of normal draws vary by √2 of it.
    let expected = 2.0 * deviation * deviation;
    let found = moves.iter().sum::<f64>() / moves.len() as f64;
    let error = expected * (2.0 / moves.len() as f64).sqrt();
    assert!((found - expected).abs() < 5.0 * error, "{found}, not {expected} ± {error}");
    // And add up over nine steps.
    let all = 9.0 * expected;
    let found = ends.iter().map(|(end, noise)| end * end - noise).sum::<f64>() / 100.0;
    assert!((found - all).abs() < 5.0 * all * 0.02f64.sqrt(), "{found}, not {all}");
    let mean = ends.iter().map(|(end, _)| end).sum::<f64>() / 100.0;
    assert!(mean.abs() < 5.0 * (all / 100.0).sqrt(), "{mean}");
    // A trace without weights wanders from its own mix.
    let all = draw("drift = { random_walk_sd = 0.5, step_s = 1 }", 1);
    assert_ne!(shares(&all[..1000]), shares(&draw("", 1)[..1000]));
    assert_eq!(draw("drift = { random_walk_sd = 0.5, step_s = 1 }", 1), all);
}

#[test]
fn sticky_classes_come_in_runs_and_keep_their_shares() {
    let all = draw("class_mix = { zipf = 1 }, class_autocorrelation = 0.8", 0);
    let pairs = all.windows(2).filter(|pair| pair[0].truth.class == pair[1].truth.class);
    // Kept, or drawn again: s + (1 − s) Σ π².
    let again: f64 = zipf(1.0).iter().map(|share| share * share).sum();
    let expected = 0.8 + 0.2 * again;
    let found = pairs.count() as f64 / (N - 1) as f64;
    assert!(near(found, expected, N), "{found}, not {expected}");
    // Runs of 1 / (1 − s) draws leave a fifth of the information, less by the correlation 0.8:
    // a share varies (1 + s) / (1 − s) = 9 times as much.
    for (found, expected) in shares(&all).iter().zip(zipf(1.0)) {
        assert!(near(*found, expected, N / 9), "{found}, not {expected}");
    }
}

#[test]
fn rows_are_of_the_class_that_was_drawn() {
    for settings in
        ["class_autocorrelation = 0.5", "drift = { to = { zipf = 2 }, at_s = 5 }", "per = 'app'"]
    {
        let trace = format!("workload = {{ rate_rps = 1000, requests = 2000, {settings} }}");
        let prepared = prepare(&[&trace]).unwrap();
        for arrival in arrivals(&prepared, 0) {
            assert_eq!(prepared.truth.row(arrival.app, arrival.truth.row), Some(arrival.truth));
        }
    }
}
