//! The loop that the engine's speed is compared with does the same job: every figure is equal.

#[path = "../../benches/floors/mod.rs"]
#[expect(dead_code, reason = "the other floor")]
mod floors;

use peeksim::experiment::{Experiment, RunSpec, Sweep, simulate, simulate_row, summary};
use peeksim::metrics::{Cell, Summary};
use peeksim::stats::Stationary;

const FIRST: RunSpec = RunSpec { configuration: 0, replicate: 0 };

fn sweep(requests: u64) -> Sweep {
    let set = format!("workload.requests={requests}");
    let experiment = Experiment::load("speed", &[set]).expect("the experiment ships");
    Sweep::new(experiment).expect("the experiment is valid")
}

fn row(sweep: &Sweep) -> Summary {
    let mut summary =
        summary(&sweep.scheduling().unwrap()[0], sweep.rng(FIRST)).expect("no warm-up");
    simulate_row(&sweep.scheduling().unwrap()[0], sweep.rng(FIRST), &mut summary).expect("a run");
    summary
}

/// The upper end of the bucket in which the count of values reaches a share.
fn quantile_ms(counts: &[u64], share: f64) -> f64 {
    let total: u64 = counts.iter().sum();
    let wanted = (share * total as f64).ceil() as u64;
    let mut seen = 0;
    let at = counts.iter().position(|count| {
        seen += count;
        seen >= wanted
    });
    let at = at.expect("something was counted");
    let dropped = (at / 1024).saturating_sub(1);
    let end = (((at - dropped * 1024 + 1) as u64) << dropped) - 1;
    end as f64 / 1e6
}

#[test]
fn the_floor_has_the_figures_of_the_run() {
    // Beyond a million latencies, percentiles come from the histogram.
    let requests = 1_100_000;
    let mut summary = row(&sweep(requests));
    let f = floors::same_job(1, requests);
    let n = f.completed as f64;
    let ms = |ns: u128| ns as f64 / 1e6;
    let means: Vec<f64> = f.queue.iter().map(|sum| *sum as f64).collect();
    let numbers = [
        ("completed", n),
        ("utility_sum", f.utility),
        ("accuracy_mean", f.correct as f64 / n),
        ("accuracy_predicted_mean", f.estimated / n),
        ("calibration_brier", f.brier / n),
        ("calibration_ece", (f.bin.0 - f.bin.1 as f64).abs() / n),
        ("effective_accuracy", f.correct_on_time as f64 / n),
        ("deadline_misses", f.late as f64),
        ("latency_ms_mean", ms(f.latency_ns) / n),
        ("latency_ms_p50", quantile_ms(&f.latencies, 0.5)),
        ("latency_ms_p95", quantile_ms(&f.latencies, 0.95)),
        ("latency_ms_p99", quantile_ms(&f.latencies, 0.99)),
        ("latency_ms_p999", quantile_ms(&f.latencies, 0.999)),
        ("latency_ms_max", f.latency_max_ns as f64 / 1e6),
        ("wait_ms_mean", ms(f.wait_ns) / n),
        ("tardiness_ms_mean", ms(f.tardiness_ns) / n),
        ("tardiness_ms_max", f.tardiness_max_ns as f64 / 1e6),
        ("batch_size_mean", n / f.batches as f64),
        ("utilization_mean", f.busy_ns as f64 / f.end_ns as f64),
        ("makespan_s", f.end_ns as f64 / 1e9),
        ("utility_predicted_mean", f.utility_predicted / n),
        ("estimation_error_mean", f.estimation_error / n),
        ("utility_remaining_mean", f.utility_by_time_left / n),
        ("rate_rps_realised", (n - 1.0) / ((f.last_ns - f.first_ns) as f64 / 1e9)),
    ];
    for (name, value) in numbers {
        let cell = summary.cell(name).and_then(Cell::number);
        assert_eq!(cell, Some(value), "{name}");
    }
    let stationary = Stationary::of(&means).name();
    assert_eq!(summary.cell("stationary").expect("a column").to_string(), stationary);
    assert!(f.tardinesses.iter().sum::<u64>() == f.late);
}

/// A whole run is counted block by block and batch by batch, a part of a run event by event.
#[test]
fn a_row_is_the_same_counted_by_batch_and_by_event() {
    let quickstart = Experiment::load("quickstart", &["workload.requests=500".to_owned()]);
    let quickstart = Sweep::new(quickstart.expect("it ships")).expect("valid");
    for (sweep, step) in [(sweep(20_000), 1), (quickstart, 7)] {
        for config in sweep.scheduling().unwrap().iter().step_by(step) {
            let mut by_event = Summary::new(&config.catalog);
            let mut pair = (&mut by_event, ());
            simulate(config, sweep.rng(FIRST), &mut pair).expect("a run");
            let mut by_batch = Summary::new(&config.catalog);
            simulate_row(config, sweep.rng(FIRST), &mut by_batch).expect("a run");
            assert_eq!(by_event.cells(None), by_batch.cells(None));
        }
    }
}

/// Arrivals drawn in blocks are those drawn one by one.
#[test]
fn blocks_of_arrivals_are_the_same_arrivals() {
    for name in ["speed", "quickstart"] {
        let set = "workload.requests=1000".to_owned();
        let sweep = Sweep::new(Experiment::load(name, &[set]).expect("it ships")).expect("valid");
        let config = &sweep.scheduling().unwrap()[0];
        let build = || config.arrivals.build(&config.truth, sweep.rng(FIRST)).expect("a workload");
        let (mut single, mut blocks) = (build(), build());
        let expected: Vec<_> = std::iter::from_fn(|| single.next_arrival()).collect();
        let mut drawn = Vec::new();
        for most in [1, 7, 256, 300].into_iter().cycle() {
            let before = drawn.len();
            blocks.next_arrivals(most, &mut drawn);
            if drawn.len() == before {
                break;
            }
        }
        assert_eq!((expected.len(), drawn), (1000, expected), "{name}");
    }
}
