//! Moments of every arrival process against their closed forms. A figure is measured in many
//! independent replicates; their mean may be off by five of its standard errors, which are
//! themselves small enough for the test to be able to fail.

use crate::support::common::arrivals::{arrivals, prepare};
use peeksim::workload::{ARRIVALS, ArrivalEntry};
use std::f64::consts::PI;

const RATE: f64 = 200.0;
const REPLICATES: u64 = 40;

/// Instants in seconds of `requests` arrivals in each replicate.
fn replicates(source: &str, requests: u32) -> Vec<Vec<f64>> {
    let trace =
        format!("workload={{ arrivals = {source}, rate_rps = {RATE}, requests = {requests} }}");
    let prepared = prepare(&["apps=['activity']", "budget_ms=100", &trace]).unwrap();
    let times = |replicate| {
        arrivals(&prepared, replicate).iter().map(|arrival| arrival.time.as_s()).collect()
    };
    (0..REPLICATES).map(times).collect()
}

/// Checks the mean over replicates; the standard error is to be below `precision` of it.
fn check(what: &str, figures: &[f64], expected: f64, precision: f64) {
    let n = figures.len() as f64;
    let mean = figures.iter().sum::<f64>() / n;
    let square: f64 = figures.iter().map(|x| (x - mean).powi(2)).sum();
    let error = (square / (n - 1.0) / n).sqrt();
    println!("{what}: {mean} ± {error}, expected {expected}");
    assert!(error <= precision * expected, "{what}: {mean} ± {error} says too little");
    let off = (mean - expected).abs();
    assert!(off <= 5.0 * error + 1e-6 * expected, "{what}: {mean} ± {error}, not {expected}");
}

fn gaps(times: &[f64]) -> Vec<f64> {
    times.windows(2).map(|pair| pair[1] - pair[0]).collect()
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

fn variance(values: &[f64]) -> f64 {
    let mean = mean(values);
    values.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / (values.len() - 1) as f64
}

/// Variance over mean of the counts in windows of `window_s`, the first `skip` left out.
fn dispersion(times: &[f64], window_s: f64, skip: usize) -> f64 {
    let last = times.last().copied().unwrap_or(0.0);
    let mut counts = vec![0.0; (last / window_s) as usize];
    for time in times {
        if let Some(count) = counts.get_mut((time / window_s) as usize) {
            *count += 1.0;
        }
    }
    variance(&counts[skip..]) / mean(&counts[skip..])
}

fn each(runs: &[Vec<f64>], figure: impl Fn(&[f64]) -> f64) -> Vec<f64> {
    runs.iter().map(|times| figure(times)).collect()
}

#[test]
fn gaps_of_renewal_processes_have_their_mean_and_variation() {
    for (source, cv) in [
        ("'poisson'", 1.0),
        ("{ name = 'gamma', cv = 4 }", 4.0),
        ("{ name = 'gamma', cv = 0.5 }", 0.5),
        ("{ name = 'weibull', cv = 2 }", 2.0),
        ("{ name = 'weibull', cv = 0.3 }", 0.3),
        ("{ name = 'lognormal', cv = 1.5 }", 1.5),
        // Variance 1 / (α (α − 2)) of the mean's square.
        ("{ name = 'pareto', alpha = 6 }", 1.0 / 24f64.sqrt()),
    ] {
        let runs = replicates(source, 10_000);
        check(source, &each(&runs, |times| mean(&gaps(times))), 1.0 / RATE, 0.01);
        let cvs = each(&runs, |times| variance(&gaps(times)) * RATE * RATE);
        check(&format!("{source}, cv²"), &cvs, cv * cv, 0.04);
    }
}

#[test]
fn weibull_and_lognormal_quantiles_are_theirs() {
    // The median of Weibull gaps of variation 2: shape 0.5427, scale λ Γ(1 + 1/k) = mean.
    let runs = replicates("{ name = 'weibull', cv = 2 }", 10_000);
    let below = |times: &[f64], x: f64| {
        let gaps = gaps(times);
        gaps.iter().filter(|gap| **gap * RATE < x).count() as f64 / gaps.len() as f64
    };
    let (k, scale) = (0.542_689_9, 1.0 / libm::tgamma(1.0 + 1.0 / 0.542_689_9));
    let median = scale * libm::pow(std::f64::consts::LN_2, 1.0 / k);
    check("Weibull median", &each(&runs, |times| below(times, median)), 0.5, 0.01);
    let runs = replicates("{ name = 'lognormal', cv = 2 }", 10_000);
    // Median e^μ = 1 / √(1 + cv²).
    let median = 1.0 / 5f64.sqrt();
    check("log-normal median", &each(&runs, |times| below(times, median)), 0.5, 0.01);
}

#[test]
fn heavy_pareto_gaps_have_their_tail() {
    // P(X > x) = (m / x)^α with m = (α − 1) / α of the mean: infinite variance at 1.5.
    let runs = replicates("{ name = 'pareto', alpha = 1.5 }", 10_000);
    for x in [1.0f64, 10.0] {
        let above = |times: &[f64]| {
            let gaps = gaps(times);
            gaps.iter().filter(|gap| **gap * RATE > x).count() as f64 / gaps.len() as f64
        };
        check("Pareto tail", &each(&runs, above), libm::pow(3.0 * x, -1.5), 0.05);
    }
}

#[test]
fn periodic_arrivals_keep_their_period() {
    let runs = replicates("'periodic'", 1000);
    for times in &runs {
        assert!(gaps(times).iter().all(|gap| (gap * RATE - 1.0).abs() < 1e-6));
    }
    // The phase is uniform within the first period.
    check("phase", &each(&runs, |times| times[0] * RATE), 0.5, 0.2);
    let runs = replicates("{ name = 'periodic', jitter = 0.3 }", 10_000);
    check("jittered", &each(&runs, |times| mean(&gaps(times))), 1.0 / RATE, 0.01);
    // Two moves, each uniform within 0.3 of a period to either side.
    let cvs = each(&runs, |times| variance(&gaps(times)) * RATE * RATE);
    check("jitter", &cvs, 2.0 * 0.3 * 0.3 / 3.0, 0.02);
}

#[test]
fn modulated_arrivals_have_their_rate_and_dispersion() {
    // Rates 1 : 9, mean lengths 90 and 30 ms: mean 3 of the units, so 200/3 and 600 a second.
    let source = "{ name = 'mmpp', rates = [1, 9], sojourn_ms = [90, 30] }";
    let (l1, l2, q12, q21) = (RATE / 3.0, RATE * 3.0, 1.0 / 0.09, 1.0 / 0.03);
    let runs = replicates(source, 40_000);
    let rate = |times: &[f64]| times.len() as f64 / times.last().unwrap();
    check("MMPP rate", &each(&runs, rate), RATE, 0.01);
    let (r, window) = (q12 + q21, 0.5);
    let limit = 2.0 * q12 * q21 * (l1 - l2) * (l1 - l2) / (r * r * (l1 * q21 + l2 * q12));
    // In windows of finite length the limit is approached as 1 − (1 − e^(−rt)) / rt.
    let finite =
        |limit: f64, r: f64| 1.0 + limit * (1.0 - (1.0 - libm::exp(-r * window)) / (r * window));
    let found = each(&runs, |times| dispersion(times, window, 0));
    check("MMPP dispersion", &found, finite(limit, r), 0.04);
    // On-off: the same with a silent state; λ_on = rate / p.
    let runs = replicates("{ name = 'on-off', on_ms = 20, off_ms = 60 }", 40_000);
    check("on-off rate", &each(&runs, rate), RATE, 0.01);
    let (q12, q21, on) = (1.0 / 0.02, 1.0 / 0.06, RATE * 4.0);
    let r = q12 + q21;
    let limit = 2.0 * q12 * q21 * on * on / (r * r * on * q21);
    let found = each(&runs, |times| dispersion(times, window, 0));
    check("on-off dispersion", &found, finite(limit, r), 0.04);
}

/// Variance of the counts in windows of this length, around the mean that the rate has.
fn count_variance(runs: &[Vec<f64>], window_s: f64) -> f64 {
    let squares = runs.iter().flat_map(|times| {
        let whole = (times.last().unwrap() / window_s) as usize;
        let mut counts = vec![0.0; whole];
        for time in times {
            if let Some(count) = counts.get_mut((time / window_s) as usize) {
                *count += 1.0;
            }
        }
        counts.into_iter().map(move |count: f64| (count - RATE * window_s).powi(2))
    });
    mean(&squares.collect::<Vec<_>>())
}

#[test]
fn superposed_copies_share_the_rate_and_heavy_phases_are_self_similar() {
    let rate = |times: &[f64]| times.len() as f64 / times.last().unwrap();
    // Independent sources: variances add, so each brings the dispersion of its own rate.
    let runs = replicates("{ name = 'on-off', on_ms = 20, off_ms = 60, copies = 4 }", 40_000);
    check("superposed rate", &each(&runs, rate), RATE, 0.01);
    let (q12, q21, on, window) = (1.0 / 0.02, 1.0 / 0.06, RATE, 0.5);
    let r = q12 + q21;
    let limit = 2.0 * q12 * q21 * on * on / (r * r * on * q21);
    let expected = 1.0 + limit * (1.0 - (1.0 - libm::exp(-r * window)) / (r * window));
    let found = each(&runs, |times| dispersion(times, window, 0));
    check("superposed dispersion", &found, expected, 0.04);
    // Var N(t) ~ t^2H with H = (3 - α) / 2; phases with a variance give H = 1/2.
    let growth = |phases: &str| {
        let source =
            format!("{{ name = 'on-off', on_ms = 50, off_ms = 150, copies = 8, {phases} }}");
        let runs = replicates(&source, 40_000);
        libm::log2(count_variance(&runs, 16.0) / count_variance(&runs, 1.0)) / 4.0
    };
    let (heavy, light) =
        (growth("phases = 'pareto', alpha = 1.4"), growth("phases = 'exponential'"));
    println!("2 H: {heavy} with α = 1.4 (1.6), {light} with exponential phases (1)");
    assert!((heavy - 1.6).abs() < 0.2 && (light - 1.0).abs() < 0.15, "{heavy} {light}");
}

#[test]
fn many_states_share_time_by_their_length() {
    // Rates 0, 1, 4 for 10, 20, 30 ms: mean 140 / 60 of the units.
    let source = "{ name = 'mmpp', rates = [0, 1, 4], sojourn_ms = [10, 20, 30] }";
    let rate = |times: &[f64]| times.len() as f64 / times.last().unwrap();
    check("three states", &each(&replicates(source, 20_000), rate), RATE, 0.01);
    let source = "{ name = 'on-off', on_ms = 10, off_ms = 30, phases = 'pareto', alpha = 3 }";
    check("Pareto phases", &each(&replicates(source, 40_000), rate), RATE, 0.01);
}

#[test]
fn a_square_wave_is_silent_between() {
    let source = "{ name = 'on-off', on_ms = 100, off_ms = 300, phases = 'fixed' }";
    let runs = replicates(source, 10_000);
    for times in &runs {
        assert!(times.iter().all(|time| (time / 0.4).fract() <= 0.25 + 1e-9));
    }
    // Up to the end of a whole number of cycles.
    let rate = |times: &[f64]| times.iter().filter(|time| **time < 40.0).count() as f64 / 40.0;
    check("square wave", &each(&runs, rate), RATE, 0.01);
}

#[test]
fn batches_are_geometric() {
    let runs = replicates("{ name = 'batches', size = 5 }", 40_000);
    let rate = |times: &[f64]| times.len() as f64 / times.last().unwrap();
    check("batches", &each(&runs, rate), RATE, 0.01);
    check("dispersion", &each(&runs, |times| dispersion(times, 1.0, 0)), 9.0, 0.04);
    // A batch has one request with probability 1 / size, and no more than that.
    let alone = |times: &[f64]| {
        let mut sizes: Vec<u32> = vec![1];
        for gap in gaps(times) {
            if gap > 0.0 {
                sizes.push(1);
            } else {
                *sizes.last_mut().unwrap() += 1;
            }
        }
        sizes.iter().filter(|size| **size == 1).count() as f64 / sizes.len() as f64
    };
    check("lone", &each(&runs, alone), 0.2, 0.02);
}

#[test]
fn hawkes_arrivals_have_their_dispersion() {
    let runs = replicates("{ name = 'hawkes', branching = 0.6, decay_ms = 20 }", 40_000);
    let rate = |times: &[f64]| times.len() as f64 / times.last().unwrap();
    check("Hawkes rate", &each(&runs, rate), RATE, 0.01);
    // Var N(t) / E N(t) = κ² + (1 − κ²) (1 − e^(−γt)) / γt with κ = 1 / (1 − n), γ = (1 − n) β.
    let (kappa, gamma_t) = (1.0 / 0.4f64, 0.4 / 0.02 * 0.5f64);
    let expected = kappa * kappa + (1.0 - kappa * kappa) * (1.0 - libm::exp(-gamma_t)) / gamma_t;
    // It begins with no arrivals before: the first seconds are left out.
    check("dispersion", &each(&runs, |times| dispersion(times, 0.5, 4)), expected, 0.04);
}

#[test]
fn rates_that_change_with_time_do_so() {
    let source = "{ name = 'diurnal', amplitude = 0.8, period_s = 4 }";
    let runs = replicates(source, 10_000);
    let up = |times: &[f64]| {
        let whole: Vec<&f64> = times.iter().filter(|time| **time < 40.0).collect();
        whole.iter().filter(|time| (**time / 4.0).fract() < 0.5).count() as f64 / whole.len() as f64
    };
    check("first half of a day", &each(&runs, up), 0.5 + 0.8 / PI, 0.01);
    let until =
        |end: f64| move |times: &[f64]| times.iter().filter(|time| **time < end).count() as f64;
    check("whole days", &each(&runs, until(40.0)), 40.0 * RATE, 0.01);
    let source = "{ name = 'diurnal', amplitude = 0.2, weekly = 0.6, period_s = 2, phase = 0.25 }";
    let runs = replicates(source, 10_000);
    // Half a week is 3.5 days: the daily term, a cosine, integrates to nothing but sin(7π) = 0.
    let expected = 7.0 * RATE * (1.0 + 0.6 * 2.0 / PI);
    check("half a week", &each(&runs, until(7.0)), expected, 0.01);
    let runs = replicates("{ name = 'ramp', from = 0.2, over_s = 10 }", 5_000);
    check("ramp", &each(&runs, until(10.0)), 10.0 * RATE * 0.6, 0.01);
    check("first half", &each(&runs, until(5.0)), 5.0 * RATE * 0.4, 0.02);
    let after = |times: &[f64]| until(20.0)(times) - until(10.0)(times);
    check("plateau", &each(&runs, after), 10.0 * RATE, 0.01);
    let runs = replicates("{ name = 'ramp', from = 3, over_s = 4 }", 5_000);
    check("down", &each(&runs, until(4.0)), 4.0 * RATE * 2.0, 0.01);
}

#[test]
fn a_noisy_rate_has_its_dispersion() {
    // Counts in intervals of one level: Var N = λ + λ² cv².
    let source = "{ name = 'diurnal', amplitude = 0, noise_cv = 0.5, noise_s = 0.25 }";
    let runs = replicates(source, 40_000);
    let rate = |times: &[f64]| times.len() as f64 / times.last().unwrap();
    check("noisy rate", &each(&runs, rate), RATE, 0.01);
    let expected = 1.0 + RATE * 0.25 * 0.25;
    check("noise", &each(&runs, |times| dispersion(times, 0.25, 0)), expected, 0.04);
    // In windows of four levels the same: these are independent.
    check("four", &each(&runs, |times| dispersion(times, 1.0, 0)), expected, 0.05);
    let source =
        "{ name = 'diurnal', amplitude = 0.8, period_s = 4, noise_cv = 0.3, noise_s = 0.1 }";
    let runs = replicates(source, 10_000);
    let up = |times: &[f64]| {
        let whole: Vec<&f64> = times.iter().filter(|time| **time < 40.0).collect();
        whole.iter().filter(|time| (**time / 4.0).fract() < 0.5).count() as f64 / whole.len() as f64
    };
    check("first half of a noisy day", &each(&runs, up), 0.5 + 0.8 / PI, 0.01);
}

#[test]
fn every_process_is_in_order_and_says_when_it_is_wrong() {
    // Some need more than a rate: tests/workload/importers.rs, tests/engine/closed_loop.rs.
    let plain = |entry: &&ArrivalEntry| !["file", "closed"].contains(&entry.name);
    for entry in ARRIVALS.iter().filter(plain) {
        let rate = if entry.name == "bursts" { "burst = 7" } else { "rate_rps = 50" };
        let trace = format!("workload={{ arrivals = '{}', {rate}, requests = 500 }}", entry.name);
        let prepared = prepare(&[&trace]).unwrap_or_else(|why| panic!("{}: {why}", entry.name));
        let all = arrivals(&prepared, 0);
        assert_eq!(all.len(), 500, "{}", entry.name);
        assert!(all.windows(2).all(|pair| pair[0].time <= pair[1].time), "{}", entry.name);
        assert_eq!(all, arrivals(&prepared, 0), "{}", entry.name);
        assert_ne!(arrivals(&prepared, 1), arrivals(&prepared, 2), "{}", entry.name);
        // Without a rate only those go that have one of their own.
        let trace = format!("workload={{ arrivals = '{}', requests = 500 }}", entry.name);
        let message = prepare(&[&trace]).err().unwrap_or_default();
        let alone = entry.name == "recorded";
        assert_eq!(message.is_empty(), alone, "{}: {message}", entry.name);
    }
}

#[test]
fn applications_may_have_a_process_each() {
    let set = |per: &str| {
        let trace = format!(
            "workload={{ arrivals = {{ name = 'gamma', cv = 4 }}, per = '{per}', \
             rate_rps = {RATE}, requests = 40_000, mix = {{ activity = 1, heartbeat = 3 }} }}"
        );
        prepare(&["apps=['activity','heartbeat']", "budget_ms=100", &trace]).unwrap()
    };
    for (per, cvs) in [("total", [4.75, 12.25]), ("app", [16.0, 16.0])] {
        let prepared = set(per);
        for (app, (share, square)) in [0.25, 0.75].into_iter().zip(cvs).enumerate() {
            let runs: Vec<Vec<f64>> = (0..REPLICATES)
                .map(|replicate| {
                    let all = arrivals(&prepared, replicate);
                    let own = all.iter().filter(|arrival| arrival.app.index() == app);
                    own.map(|arrival| arrival.time.as_s()).collect()
                })
                .collect();
            let rate = RATE * share;
            check(per, &each(&runs, |times| mean(&gaps(times)) * rate), 1.0, 0.02);
            // In total, keeping a share p of the arrivals leaves p cv² + 1 − p.
            let found = each(&runs, |times| variance(&gaps(times)) * rate * rate);
            check(&format!("{per}, cv²"), &found, square, 0.05);
        }
    }
    // Two processes: frames of a camera, and voices.
    let trace = "workload={ arrivals = { activity = 'periodic', voice = { name = 'gamma', cv = 2 } \
                 }, rate_rps = 20, requests = 1000 }";
    let prepared = prepare(&["apps=['activity','voice']", "budget_ms=100", trace]).unwrap();
    let all = arrivals(&prepared, 0);
    let frames: Vec<f64> =
        all.iter().filter(|a| a.app.index() == 0).map(|a| a.time.as_s()).collect();
    assert!(gaps(&frames).iter().all(|gap| (gap - 0.1).abs() < 1e-6));
    assert!(frames.len() < all.len());
}
