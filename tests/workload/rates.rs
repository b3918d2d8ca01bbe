//! The rate of a run is that of its requests, (n − 1) / (last − first), and its clock begins with
//! the first of them.

use crate::support::common::arrivals::{arrivals, prepare};
use crate::support::shell::{Shell, column};
use peeksim::core::ids::Arrival;

/// A file of requests at these seconds.
fn file(shell: &Shell, name: &str, seconds: impl Iterator<Item = f64>) -> String {
    let rows: String = seconds.map(|at| format!("{at:.6},voice\n")).collect();
    shell.write(name, format!("arrival_s,app\n{rows}"));
    shell.path(name).to_string_lossy().into_owned()
}

fn of_file(path: &str, settings: &str) -> Vec<Arrival> {
    let trace = format!("workload = {{ arrivals = 'file', file = '{path}'{settings} }}");
    let prepared = prepare(&["apps = ['voice']", &trace]);
    arrivals(&prepared.unwrap_or_else(|message| panic!("{message}")), 0)
}

fn rate(all: &[Arrival]) -> f64 {
    (all.len() - 1) as f64 / all[all.len() - 1].time.since(all[0].time).as_s()
}

/// A hundred requests, ten a second, and nine thousand more, a thousand a second.
fn slow_at_first(shell: &Shell) -> String {
    let seconds = (0..100).map(|i| f64::from(i) / 10.0);
    file(shell, "slow.csv", seconds.chain((0..9000).map(|i| 10.0 + f64::from(i) / 1000.0)))
}

#[test]
fn the_clock_of_a_file_begins_with_its_first_row() {
    let shell = Shell::new();
    let late = file(&shell, "late.csv", (0..100).map(|i| 7200.0 + f64::from(i) / 50.0));
    let ends = |settings: &str| {
        let all = of_file(&late, settings);
        (all[0].time.as_s(), all[99].time.as_s())
    };
    assert_eq!(ends(""), (0.0, 1.98));
    assert_eq!(ends(", rate_rps = 50"), (0.0, 1.98));
    assert_eq!(ends(", rate_rps = 100"), (0.0, 0.99));
    assert_eq!(ends(", keep_offset = true"), (7200.0, 7201.98));
    assert_eq!(ends(", keep_offset = true, rate_rps = 100"), (3600.0, 3600.99));
}

#[test]
fn a_file_comes_to_its_rate_by_the_requests_that_run() {
    let shell = Shell::new();
    let two = file(&shell, "two.csv", [0.0, 1.0].into_iter());
    let all = of_file(&two, ", rate_rps = 1");
    assert_eq!([all[0].time.as_s(), all[1].time.as_s()], [0.0, 1.0]);
    let slow = slow_at_first(&shell);
    for requests in [2, 100, 101, 5000, 9100] {
        let all = of_file(&slow, &format!(", rate_rps = 100, requests = {requests}"));
        assert_eq!(all.len(), requests);
        let rate = rate(&all);
        assert!((rate / 100.0 - 1.0).abs() < 1e-6, "{requests} at {rate}");
    }
    // So does a load; and what `check` tries, the beginning of a run.
    let trace = format!("workload = {{ arrivals = 'file', file = '{slow}', load = 0.5 }}");
    let mut prepared = prepare(&["apps = ['voice']", &trace]).unwrap();
    let asked = prepared.arrivals.rate_rps(&prepared.catalog).unwrap().expect("a rate");
    for requests in [9100, 100] {
        prepared.arrivals.requests = requests;
        let rate = rate(&arrivals(&prepared, 0));
        assert!((rate / asked - 1.0).abs() < 1e-3, "{requests} at {rate}, not {asked}");
    }
    // One request has no rate, and several at once cannot have one.
    assert_eq!(of_file(&slow, ", rate_rps = 100, requests = 1")[0].time.0, 0);
    let once = file(&shell, "once.csv", [5.0, 5.0, 6.0].into_iter());
    let trace =
        format!("workload = {{ arrivals = 'file', file = '{once}', rate_rps = 1, requests = 2 }}");
    let message = prepare(&["apps = ['voice']", &trace]).err().unwrap_or_default();
    assert!(message.contains("that arrive at once"), "{message}");
}

const RUN: &str = r#"replicates = 2
[base]
apps = ["voice"]
workers = [{ class = "edge-cpu", lanes = 4 }]
workload = { rate_rps = 100, requests = 2000 }
scheduler = "edf"
"#;

/// The realised rates of two replicates, their goodput, and what was said.
fn realised(shell: &Shell, set: &str) -> (Vec<String>, Vec<String>, String) {
    shell.write("run.toml", RUN);
    let said = shell.ok(&format!("sweep run.toml --out o --overwrite --set {set}"));
    let rows = shell.read("o/runs.csv");
    (column(&rows, "rate_rps_realised"), column(&rows, "goodput_rps"), said.err)
}

#[test]
fn every_source_tells_the_rate_it_had() {
    let shell = Shell::new();
    slow_at_first(&shell);
    file(&shell, "late.csv", (0..100).map(|i| 7200.0 + f64::from(i) / 50.0));
    let number = |cells: &[String]| -> Vec<f64> {
        cells.iter().map(|cell| cell.parse().unwrap_or(f64::NAN)).collect()
    };
    for (set, rate, tolerance) in [
        // Poisson: five standard deviations of two thousand gaps.
        ("workload.requests=2000", 100.0, 0.12),
        ("warmup={requests=1000}", 100.0, 0.12),
        ("workload={arrivals='file',file='slow.csv',rate_rps=40,requests=100}", 40.0, 1e-6),
        ("workload={arrivals='file',file='late.csv'}", 50.0, 1e-6),
        ("workload={arrivals='recorded',rate_rps=70,requests=500}", 70.0, 1e-6),
        ("workload={arrivals='periodic',rate_rps=20,requests=500}", 20.0, 1e-6),
        ("workload={arrivals='bursts',burst=1,period_ms=50,requests=9}", 20.0, 1e-6),
        // One client thinks for 10 ms and waits for less than 1 ms.
        (
            "workload={arrivals='closed',clients=1,think_ms=10,think='constant',requests=99}",
            98.0,
            0.05,
        ),
    ] {
        let (cells, goodput, _) = realised(&shell, set);
        for found in number(&cells) {
            assert!((found / rate - 1.0).abs() <= tolerance, "{set}: {found}");
        }
        // Everybody is served in time. The first request of some comes after a gap, and the last
        // answer after the last arrival.
        for found in number(&goodput).into_iter().filter(|_| !set.contains("warmup")) {
            assert!((found / rate - 1.0).abs() <= tolerance + 0.15, "{set}: {found}");
        }
    }
    for set in ["workload.requests=1", "workload={arrivals='bursts',burst=5,requests=5}"] {
        assert_eq!(realised(&shell, set).0, [""; 2], "{set}");
    }
}

#[test]
fn a_rate_that_was_not_reached_is_said() {
    let shell = Shell::new();
    let (rates, _, said) =
        realised(&shell, "workload={arrivals='ramp',over_s=1000,rate_rps=1000,requests=2000}");
    assert!(said.contains("- in 2 of 2 runs requests arrived at another rate"), "{said}");
    let worst = rates.iter().map(|rate| rate.parse::<f64>().expect("a rate"));
    let worst = worst.fold(f64::INFINITY, f64::min);
    let told = format!("{worst:.3e}").parse::<f64>().expect("a number");
    assert!(said.contains(&format!("{told} instead of 1000 requests/s")), "{said} {rates:?}");
    // Ten Poisson arrivals differ by chance; nobody asked exact stamps for a rate.
    for set in [
        "workload={rate_rps=100,requests=10}",
        "workload={arrivals='recorded',replay='exact',requests=100}",
    ] {
        let said = realised(&shell, set).2;
        assert!(!said.contains("another rate"), "{set}: {said}");
    }
}
