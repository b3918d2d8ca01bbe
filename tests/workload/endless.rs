//! Settings that would take for ever: each run ends within a bounded number of steps, or is refused
//! before it starts with the setting that asks for them.

use crate::support::common::arrivals::{arrivals, prepare};
use peeksim::core::rng::Rng;
use peeksim::experiment::{OutputRequest, run_one};

/// The problems of an experiment with this table `trace`.
fn refusal(trace: &str) -> String {
    prepare(&[&format!("workload = {{ {trace} }}")]).err().unwrap_or_default()
}

#[test]
fn processes_that_pass_through_too_much_are_refused() {
    for (trace, words, cure) in [
        ("arrivals = 'mmpp', rate_rps = 1e-6, requests = 100", "changes of state", "`sojourn_ms`"),
        ("arrivals = 'on-off', rate_rps = 1e-6, requests = 100", "changes of state", "`on_ms`"),
        (
            "arrivals = 'on-off', rate_rps = 1e-3, requests = 100, copies = 10_000",
            "changes of state",
            "requests per second",
        ),
        (
            "arrivals = 'on-off', rate_rps = 1e-3, phases = 'pareto', alpha = 1.01",
            "changes of state",
            "`off_ms`",
        ),
        (
            "arrivals = 'diurnal', rate_rps = 1e-3, noise_cv = 1, noise_s = 1e-3",
            "levels of noise",
            "a longer `noise_s`",
        ),
        (
            "arrivals = 'diurnal', rate_rps = 1e9, amplitude = 1, phase = 0.75, period_s = 1e9",
            "candidates",
            "a shorter `period_s`",
        ),
        (
            "arrivals = 'ramp', rate_rps = 1e9, from = 0, over_s = 1e9, requests = 5",
            "candidates",
            "a shorter `over_s`",
        ),
        (
            "arrivals = 'recorded', replay = 'thinned', rate_rps = 1e-7, requests = 50",
            "recorded requests",
            "`replay = \"scaled\"`",
        ),
        (
            "arrivals = 'recorded', replay = 'superposed', copies = 10_000, rate_rps = 1e-4",
            "recorded requests",
            "fewer `copies`",
        ),
        (
            "arrivals = 'recorded', replay = 'refitted', rate_rps = 1e-6, requests = 100, \
             interval_s = 1e-3",
            "intervals",
            "`interval_s`",
        ),
        (
            "arrivals = 'poisson', per = 'app', rate_rps = 10, mix = { activity = 1, \
             voice = 1e-9 }, requests = 10",
            "",
            "",
        ),
        (
            "arrivals = 'mmpp', per = 'app', rate_rps = 10, requests = 10, \
             mix = { activity = 1, voice = 1e-9 }",
            "changes of state",
            "requests per second",
        ),
    ] {
        let said = refusal(trace);
        let refused = said.contains("workload.rate_rps") || said.contains("workload.interval_s");
        assert_eq!(refused, !words.is_empty(), "{trace}: {said}");
        assert!(said.contains(words) && said.contains(cure), "{trace}: {said}");
    }
}

#[test]
fn the_rate_that_a_refusal_asks_for_is_enough() {
    for source in ["'mmpp'", "'on-off', copies = 3", "'recorded', replay = 'thinned'"] {
        let of = |rate: f64| format!("arrivals = {source}, requests = 100, rate_rps = {rate:e}");
        let said = refusal(&of(1e-6));
        let least = said.split("at least ").nth(1).and_then(|rest| rest.split(' ').next());
        let least: f64 =
            least.and_then(|text| text.parse().ok()).unwrap_or_else(|| panic!("{said}"));
        assert_eq!(refusal(&of(1.1 * least)), "", "{source}");
        assert!(refusal(&of(0.9 * least)).contains("at most"), "{source}");
    }
}

#[test]
fn settings_of_many_steps_that_are_few_enough_run() {
    for trace in [
        // Two thousand states a request.
        "arrivals = 'mmpp', rate_rps = 1e-3, requests = 100",
        "arrivals = 'on-off', rate_rps = 1e-2, requests = 100, copies = 100",
        // Nothing arrives at first.
        "arrivals = 'ramp', rate_rps = 100, from = 0, over_s = 1e5, requests = 100",
        "arrivals = 'diurnal', rate_rps = 10, amplitude = 1, phase = 0.75, requests = 100",
        "arrivals = 'diurnal', rate_rps = 1, noise_cv = 1, noise_s = 1e-3, requests = 100",
    ] {
        let prepared = prepare(&[&format!("workload = {{ {trace} }}")]);
        let prepared = prepared.unwrap_or_else(|said| panic!("{trace}: {said}"));
        assert_eq!(arrivals(&prepared, 1).len(), 100, "{trace}");
    }
}

#[test]
fn what_would_fill_the_memory_is_refused() {
    let outages: Vec<String> =
        (0..1000).map(|at| format!("{{ at_s = {at}, for_s = 0.5 }}")).collect();
    let workers = |count: u32| {
        format!(
            "workers = [{{ class = 'edge-cpu', memory_bytes = 5_000_000, count = {count}, \
             failures = [{}] }}]",
            outages.join(", ")
        )
    };
    let trace = "workload = { arrivals = 'poisson', rate_rps = 1, requests = 10 }";
    let said = |count| prepare(&[trace, &workers(count)]).err().unwrap_or_default();
    assert_eq!(said(1000), "");
    assert!(said(1001).contains("1001000 failures of all workers"), "{}", said(1001));
}

/// Why a run of these settings fails.
fn failure(settings: &[&str]) -> String {
    let prepared = prepare(settings).unwrap_or_else(|said| panic!("{said}"));
    run_one(&prepared, Rng::new(1, 0), &OutputRequest::default()).error
}

#[test]
fn a_run_beyond_the_clock_says_so_and_why() {
    let few = "workload = { arrivals = 'poisson', rate_rps = 1, requests = 10 }";
    let worker = |more: &str| {
        format!("workers = [{{ class = 'edge-cpu', memory_bytes = 5_000_000, {more} }}]")
    };
    let slow = worker("speedup = 1e-6, slowdown = { factor = 1e6 }");
    let behind = worker("link = { uplink_mbps = 1e-3 }");
    // A request takes 8e6 s to be sent: the clock is full after some two thousand.
    let many = "workload = { arrivals = 'poisson', rate_rps = 1, requests = 3000 }";
    for (settings, what, key) in [
        (vec![few, &slow, "stalls = { probability = 1, factor = 1e6 }"], "a batch of", "`stalls`"),
        (vec![few, &slow, "stalls = { probability = 1, factor = 1e6 }"], "ends later", "`speedup`"),
        (vec![many, &behind, "payload_bytes = 1_000_000_000"], "begin later", "`link.uplink_mbps`"),
        (
            vec!["workload = { arrivals = 'batches', size = 1e6, rate_rps = 1e-9, requests = 1 }"],
            "request 0 arrives later",
            "`workload`",
        ),
    ] {
        let said = failure(&settings);
        let full = said.starts_with("the run is longer than the clock (584 years): ");
        assert!(full && said.contains(what) && said.contains(key), "{settings:?}: {said}");
    }
}
