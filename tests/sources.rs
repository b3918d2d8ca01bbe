//! `trace.sources`: arrivals of every other source of the traces, in both arrival processes.

use peeksim::domain::Truth;
use peeksim::rng::Rng;
use peeksim::sweep::{Experiment, Sweep};

fn sweep(set: &[&str]) -> Result<Sweep, String> {
    let common = ["trace.rate_rps=100", "trace.requests=3000", "scheduler='edf'"];
    let set: Vec<String> = common.iter().chain(set).map(|text| (*text).to_owned()).collect();
    let mut experiment = Experiment::load("quickstart", &set).map_err(|p| p.to_string())?;
    experiment.figures.clear();
    experiment.expectations.clear();
    Sweep::new(experiment).map_err(|problems| problems.to_string())
}

/// By application, the first line of each source in the shipped trace files.
fn starts(app: &str) -> Vec<u32> {
    let text = std::fs::read_to_string(format!("traces/{app}.csv")).expect("a shipped trace");
    let sources: Vec<&str> =
        text.lines().skip(1).map(|line| line.split(',').next().unwrap_or("")).collect();
    let first = |at: &usize| *at == 0 || sources[*at] != sources[at - 1];
    (0..sources.len()).filter(first).map(|at| at as u32).collect()
}

#[test]
fn only_rows_of_every_other_source_arrive() {
    let starts = ["activity", "heartbeat", "voice"].map(starts);
    for process in ["poisson", "recorded"] {
        for (sources, odd, even) in
            [("odd", true, false), ("even", false, true), ("all", true, true)]
        {
            let set = [format!("trace.source='{process}'"), format!("trace.sources='{sources}'")];
            let sweep = sweep(&[&set[0], &set[1]]).expect("a valid experiment");
            let prepared = &sweep.prepared[0];
            let arrivals = prepared.arrivals.build(&prepared.catalog, Rng::new(1, 0));
            let mut arrivals = arrivals.unwrap_or_else(|problems| panic!("{problems}"));
            let mut seen = [false; 2];
            while let Some(arrival) = arrivals.next_arrival() {
                assert_ne!(arrival.truth.row, Truth::NO_ROW);
                let starts = &starts[arrival.app.index()];
                let position = starts.partition_point(|start| *start <= arrival.truth.row);
                seen[position % 2] = true;
            }
            assert_eq!(seen, [even, odd], "{process}, {sources}");
        }
    }
}

#[test]
fn a_bad_value_and_a_trace_that_is_missing_are_problems() {
    let message = sweep(&["trace.sources='third'"]).err().unwrap_or_default();
    assert!(message.contains("third") && message.contains("odd"), "{message}");
}
