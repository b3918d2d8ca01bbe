//! `workload.source_split`: arrivals of every other source of the traces, in both processes.

use peeksim::core::ids::TrueClass;
use peeksim::core::rng::Rng;
use peeksim::experiment::{Experiment, RunSpec, Sweep};
use peeksim::metrics::COLUMNS;
use std::collections::BTreeMap;

fn sweep(set: &[&str]) -> Result<Sweep, String> {
    sweep_of("quickstart", &[&["workload.rate_rps=100", "workload.requests=3000"], set].concat())
}

fn sweep_of(experiment: &str, set: &[&str]) -> Result<Sweep, String> {
    let set: Vec<String> =
        ["scheduler='edf'"].iter().chain(set).map(|text| (*text).to_owned()).collect();
    let mut experiment = Experiment::load(experiment, &set).map_err(|p| p.to_string())?;
    experiment.figures.clear();
    experiment.expectations.clear();
    Sweep::new(experiment).map_err(|problems| problems.to_string())
}

/// By application, the first line of each source in the shipped trace files.
pub fn starts(app: &str) -> Vec<u32> {
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
            let set = [
                format!("workload.arrivals='{process}'"),
                format!("workload.source_split='{sources}'"),
            ];
            let sweep = sweep(&[&set[0], &set[1]]).expect("a valid experiment");
            let prepared = &sweep.scheduling().unwrap()[0];
            let arrivals = prepared.arrivals.build(&prepared.truth, Rng::new(1, 0));
            let mut arrivals = arrivals.unwrap_or_else(|problems| panic!("{problems}"));
            let mut seen = [false; 2];
            while let Some(arrival) = arrivals.next_arrival() {
                assert_ne!(arrival.truth.row, TrueClass::NO_ROW);
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
    let message = sweep(&["workload.source_split='third'"]).err().unwrap_or_default();
    assert!(message.contains("third") && message.contains("odd"), "{message}");
}

#[test]
fn sources_far_from_the_profile_are_those_with_another_class_mix() {
    // By hand from the trace file: the class mix of each source against the confusion matrix's.
    let text = std::fs::read_to_string("traces/activity.csv").expect("a shipped trace");
    let confusion = std::fs::read_to_string("profiles/activity/confusion.csv").expect("shipped");
    let mut prior: BTreeMap<&str, f64> = BTreeMap::new();
    let first = confusion.lines().nth(1).and_then(|l| l.split(',').next()).unwrap_or("");
    for line in confusion.lines().skip(1) {
        let cells: Vec<&str> = line.split(',').collect();
        if cells[0] == first {
            let count = cells[2..].iter().map(|c| c.parse::<f64>().unwrap()).sum();
            prior.insert(cells[1], count);
        }
    }
    let total: f64 = prior.values().sum();
    let mut mixes: BTreeMap<&str, BTreeMap<&str, f64>> = BTreeMap::new();
    let rows: Vec<Vec<&str>> = text.lines().skip(1).map(|l| l.split(',').collect()).collect();
    for row in &rows {
        *mixes.entry(row[0]).or_default().entry(row[2]).or_default() += 1.0;
    }
    let drift = |source: &str| {
        let mix = &mixes[source];
        let count: f64 = mix.values().sum();
        let gap = |(class, n): (&&str, &f64)| {
            (mix.get(*class).copied().unwrap_or(0.0) / count - n / total).abs()
        };
        prior.iter().map(gap).sum::<f64>() / 2.0
    };
    let far: Vec<bool> = rows.iter().map(|row| drift(row[0]) >= 0.3).collect();
    assert!(far.contains(&true) && far.contains(&false));
    let set = ["apps=['activity']", "budget_ms=100", "workload.source_split={drift=0.3}"];
    let drifting = sweep(&set).expect("a valid experiment");
    let prepared = &drifting.scheduling().unwrap()[0];
    let arrivals = prepared.arrivals.build(&prepared.truth, Rng::new(1, 0));
    let mut arrivals = arrivals.unwrap_or_else(|problems| panic!("{problems}"));
    while let Some(arrival) = arrivals.next_arrival() {
        assert!(far[arrival.truth.row as usize]);
    }
}

/// Of a variant whose rows of odd sources are right more often than the recalls of all rows say.
#[test]
fn answers_by_stream_recall_are_as_often_right_as_the_chosen_sources() {
    let text = std::fs::read_to_string("traces/voice.csv").expect("a shipped trace");
    let mut lines = text.lines().map(|line| line.split(',').collect::<Vec<_>>());
    let head = lines.next().expect("a header");
    let said = head.iter().position(|name| *name == "predicted_rf20").expect("a variant");
    let rows: Vec<Vec<&str>> = lines.collect();
    let starts = starts("voice");
    let odd = |at: &usize| starts.partition_point(|start| *start as usize <= *at) % 2 == 1;
    let right = |at: &usize| rows[*at][said] == rows[*at][2];
    let chosen: Vec<usize> = (0..rows.len()).filter(odd).collect();
    let expected = chosen.iter().filter(|at| right(at)).count() as f64 / chosen.len() as f64;
    let set = [
        "apps=['voice']",
        "budget_ms=100",
        "variants={voice=['rf20']}",
        "outcome='stream-recall'",
        "workload={arrivals='poisson',rate_rps=100,requests=20000,source_split='odd'}",
    ];
    let sweep = sweep_of("quickstart", &set).expect("a valid experiment");
    let row = sweep.one(RunSpec { configuration: 0, replicate: 0 }).result;
    let column = COLUMNS.iter().position(|column| column.name == "accuracy_mean");
    let found: f64 = row.cells[column.expect("a column")].parse().expect("an accuracy");
    // Five standard errors; the recalls of all rows give 0.028 less.
    let error = (expected * (1.0 - expected) / 20_000.0).sqrt();
    assert!((found - expected).abs() < 5.0 * error, "{found}, not {expected}");
}

#[test]
fn bursts_arrive_together() {
    let set = ["workload={arrivals='bursts',burst=4,period_ms=250,requests=10}"];
    let bursts = sweep_of("sneakpeek/e09-class-drift", &set).expect("a valid experiment");
    let prepared = &bursts.scheduling().unwrap()[0];
    let arrivals = prepared.arrivals.build(&prepared.truth, Rng::new(1, 0));
    let mut arrivals = arrivals.unwrap_or_else(|problems| panic!("{problems}"));
    let mut times = Vec::new();
    while let Some(arrival) = arrivals.next_arrival() {
        times.push(arrival.time.as_s());
    }
    assert_eq!(times, [0.0, 0.0, 0.0, 0.0, 0.25, 0.25, 0.25, 0.25, 0.5, 0.5]);
    for (wrong, message) in [
        ("workload.rate_rps=5", "`burst` and `period_ms` alone"),
        ("workload.burst=0", "found 0"),
        ("workload={arrivals='poisson',rate_rps=5,burst=4}", "unknown key `burst`"),
        ("workload={arrivals='poisson',rate_rps=5,period_ms=4}", "unknown key `period_ms`"),
    ] {
        let error =
            sweep_of("sneakpeek/e09-class-drift", &[set[0], wrong]).err().unwrap_or_default();
        assert!(error.contains(message), "{wrong}: {error}");
    }
}
