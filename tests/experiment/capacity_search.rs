//! Searches against capacities that are known, and that they go on where they stopped.

use crate::support::shell::{Shell, column};
use peeksim::core::ids::{VariantId, WorkerId};
use peeksim::experiment::{CapacityResult, Experiment, Shard, Sweep, SweepResult};

const EXPERIMENT: &str = r#"
[base]
apps = ["voice"]
variants = { voice = ["mlp32"] }
workers = [{ class = "edge-cpu" }]
budget_ms = 1000
workload = { arrivals = "poisson", requests = 20_000 }
scheduler = { name = "edf", max_batch = 1 }

[search]
low = 100
high = 100_000
relative_width = 0.002
"#;

/// An experiment with some settings changed.
fn sweep(set: &[String]) -> (Shell, Sweep) {
    let shell = Shell::new();
    shell.write("x.toml", EXPERIMENT);
    let path = shell.path("x.toml").to_string_lossy().into_owned();
    let experiment = Experiment::load(&path, set).unwrap_or_else(|problems| panic!("{problems}"));
    let sweep = Sweep::new(experiment).unwrap_or_else(|problems| panic!("{problems}"));
    (shell, sweep)
}

fn searched(set: &[String]) -> Vec<CapacityResult> {
    let (shell, mut sweep) = sweep(set);
    let done = sweep.carry_out(&shell.path("o"), &Shard::Whole, 0, &());
    let SweepResult { runs, searches } = done.expect("a search");
    assert!(runs.iter().all(|run| !run.failed()));
    assert_eq!(runs.len(), searches.iter().map(|found| found.probes).sum::<usize>());
    searches
}

/// How long the one variant takes, in nanoseconds.
fn service_ns() -> u64 {
    sweep(&[]).1.scheduling().unwrap()[0].catalog.latency(WorkerId(0), VariantId(0), 1).0
}

/// D/D/1: n requests, one every period, keep the worker busy for n services out of the time until
/// the last is done. The setting is a period, so the limit is kept above the edge.
#[test]
fn regular_arrivals_leave_the_time_that_is_left() {
    let (service_ms, requests, busy) = (service_ns() as f64 / 1e6, 500.0, 0.8);
    let expected = service_ms * (requests / busy - 1.0) / (requests - 1.0);
    let set = [
        "workload={arrivals='bursts',burst=1,period_ms=1000,requests=500}".to_owned(),
        "search.key=workload.period_ms".to_owned(),
        "search.metric=utilization_mean".to_owned(),
        format!("search.at_most={busy}"),
        "search.relative_width=0.0001".to_owned(),
        format!("search.low={}", service_ms / 10.0),
        format!("search.high={}", service_ms * 10.0),
        "replicates=1".to_owned(),
    ];
    let [
        CapacityResult {
            highest_passing: Some((keeps, less)),
            lowest_failing: Some((breaks, more)),
            ..
        },
    ] = searched(&set)[..]
    else {
        panic!("an edge")
    };
    assert!(less <= busy && busy < more, "{less} {more}");
    // A period is a whole number of nanoseconds.
    let slack = 1e-6;
    assert!(breaks < expected + slack && expected <= keeps + slack, "{breaks} {expected} {keeps}");
    assert!((keeps - breaks) / breaks <= 0.0001);
}

/// P(W ≤ t) of M/D/1 (Erlang 1909; Gross and Harris, Fundamentals of Queueing Theory, 5.1.5), as a
/// finite sum; λ and t in service times.
fn waits_at_most(t: f64, load: f64) -> f64 {
    let term = |k: usize| {
        let x = load * (k as f64 - t);
        (1..=k).fold(1.0, |product, j| product * x / j as f64) * libm::exp(-x)
    };
    (1.0 - load) * (0..=t.floor() as usize).map(term).sum::<f64>()
}

#[test]
fn the_formula_is_right_where_it_is_known() {
    assert!((waits_at_most(0.0, 0.7) - 0.3).abs() < 1e-12);
    assert!(waits_at_most(12.0, 0.5) > 0.999);
    // E W = ρ / 2 (1 − ρ), by the area above the distribution.
    let steps = (0..20_000).map(|i| (f64::from(i) + 0.5) * 1e-3);
    let mean: f64 = steps.map(|t| (1.0 - waits_at_most(t, 0.5)) * 1e-3).sum();
    assert!((mean - 0.5).abs() < 1e-3, "{mean}");
}

/// M/D/1 with a budget of five service times: the rate at which 99 % are done in time.
#[test]
fn random_arrivals_are_sustained_as_theory_says() {
    let service_s = service_ns() as f64 / 1e9;
    let (mut low, mut high) = (0.1, 0.999);
    for _ in 0..60 {
        let middle = f64::midpoint(low, high);
        if waits_at_most(4.0, middle) >= 0.99 { low = middle } else { high = middle }
    }
    let expected = low / service_s;
    let set = [
        format!("budget_ms={}", 5.0 * service_s * 1e3),
        format!("search.low={}", 0.2 / service_s),
        format!("search.high={}", 0.99 / service_s),
        "replicates=8".to_owned(),
    ];
    let found = searched(&set);
    let rates: Vec<f64> =
        found.iter().map(|found| found.highest_passing.expect("an edge").0).collect();
    let mean = rates.iter().sum::<f64>() / rates.len() as f64;
    let variance = rates.iter().map(|rate| (rate - mean) * (rate - mean)).sum::<f64>() / 7.0;
    let error = (variance / 8.0).sqrt();
    println!("found {mean:.1} ± {error:.1}, expected {expected:.1}");
    // Four standard errors, and the width at which a search ends.
    assert!((mean - expected).abs() < 4.0 * error + 0.002 * expected, "{mean} {expected} {error}");
    assert!(error < 0.02 * expected);
}

/// How long loading the one variant takes, in milliseconds.
fn load_ms() -> f64 {
    sweep(&[]).1.scheduling().unwrap()[0].catalog.load(WorkerId(0), VariantId(0)).as_ms()
}

/// The edge of a search over whole numbers, as exactly as they are.
fn whole_edge(set: &[String]) -> [f64; 2] {
    let more = ["replicates=1".to_owned(), "search.relative_width=1e-6".to_owned()];
    let set: Vec<String> = set.iter().cloned().chain(more).collect();
    let [
        CapacityResult {
            highest_passing: Some((keeps, _)), lowest_failing: Some((breaks, _)), ..
        },
    ] = searched(&set)[..]
    else {
        panic!("an edge")
    };
    [keeps, breaks]
}

/// Of requests that arrive together one is done after each service time: a hundred of them within
/// a hundred and a half.
#[test]
fn as_many_requests_are_found_as_the_budget_has_room_for() {
    let found = whole_edge(&[
        "workload={arrivals='bursts',burst=1000000,requests=10}".to_owned(),
        "search.key=workload.requests".to_owned(),
        format!("budget_ms={}", load_ms() + 100.5 * service_ns() as f64 / 1e6),
        "search.low=1".to_owned(),
        "search.high=10000".to_owned(),
        "search.at_least=1".to_owned(),
    ]);
    assert_eq!(found, [100.0, 101.0]);
}

/// D/D/c: six lanes keep up with 5.9 requests a service time; with five, 0.9 more wait after each.
#[test]
fn as_many_lanes_are_found_as_keep_up() {
    let (service_s, load_s) = (service_ns() as f64 / 1e9, load_ms() / 1e3);
    // While the variant is loaded some wait, which six lanes make good slowly.
    let patience_s = 2.0 * load_s + 20.0 * service_s;
    let requests = (100.0 * patience_s / service_s).ceil();
    let rate = 5.9 / service_s;
    let found = whole_edge(&[
        format!("workload={{arrivals='periodic',rate_rps={rate},requests={requests}}}"),
        "search.key=workers.0.lanes".to_owned(),
        format!("budget_ms={}", patience_s * 1e3),
        "search.low=1".to_owned(),
        "search.high=64".to_owned(),
    ]);
    assert_eq!(found, [6.0, 5.0]);
}

#[test]
fn a_metric_that_is_always_empty_is_refused_with_the_reason() {
    let shell = Shell::new();
    shell.write("x.toml", EXPERIMENT);
    let set = "--set replicates=2 --set workload.requests=100 --set search.metric=cost_usd";
    let said = shell.fails(2, &format!("sweep x.toml --out o {set}"));
    let told = "`search.metric`: found `cost_usd`, empty in all 4 runs: no price is known";
    assert!(said.error().contains(told), "{said:?}");
    assert!(!shell.exists("o/capacity.csv"));
    // Where another search has the metric, nothing is known of this one.
    let axis = "axis=[{key='workers',values=[[{class='edge-cpu'}],\
                [{class='edge-cpu',usd_per_request=0.5}]]}]";
    let more = "--set search.key=workload.requests --set search.at_most=12 --set search.low=10";
    let rate =
        "--set workload.rate_rps=100 --set search.high=1000 --set search.relative_width=1e-6";
    shell.ok(&format!("sweep x.toml --out o {set} {more} {rate} --set {axis}"));
    let found = shell.read("o/capacity.csv");
    assert_eq!(column(&found, "status"), ["unknown", "unknown", "found", "found"]);
    assert_eq!(column(&found, "highest_passing"), ["", "", "24", "24"]);
    assert_eq!(column(&found, "lowest_failing"), ["", "", "25", "25"]);
    assert_eq!(column(&shell.read("o/capacity_summary.csv"), "unknown"), ["1", "0"]);
}

/// One request alone has no rate: the column is empty there, which keeps no limit.
#[test]
fn an_empty_metric_at_one_probe_keeps_no_limit() {
    let set = [
        "search.key=workload.requests",
        "search.metric=rate_rps_realised",
        "search.at_least=1",
        "search.low=1",
        "search.high=500",
        "workload.rate_rps=1000",
        "search.relative_width=1e-6",
        "replicates=1",
    ];
    let [
        CapacityResult {
            highest_passing: Some((keeps, _)),
            lowest_failing: Some((breaks, metric)),
            ..
        },
    ] = searched(&set.map(str::to_owned))[..]
    else {
        panic!("an edge")
    };
    assert_eq!((keeps, breaks), (2.0, 1.0));
    assert!(metric.is_nan());
}

const TWO: &str = r#"
replicates = 2
[base]
apps = ["voice", "activity"]
workers = [{ class = "edge-cpu", memory_bytes = 5_000_000 }]
workload = { arrivals = "poisson", requests = 3_000 }
budget_ms = 20
[[axis]]
key = "scheduler"
values = ["edf", { name = "edf", label = "alone", max_batch = 1 }]
[search]
low = 200
high = 500_000
relative_width = 0.1
"#;

#[test]
fn a_search_goes_on_where_it_stopped_and_can_be_replayed() {
    let shell = Shell::new();
    shell.write("x.toml", TWO);
    let said = shell.ok("sweep x.toml --out o --jobs 1");
    assert!(said.out.contains("workload.rate_rps that keeps it"), "{}", said.out);
    assert!(
        said.out.contains("wrote o/capacity.csv\nwrote o/capacity_summary.csv"),
        "{}",
        said.out
    );
    let files = ["runs.csv", "capacity.csv", "capacity_summary.csv", "summary.csv"];
    let first = files.map(|file| shell.read(&format!("o/{file}")));
    let found = &first[1];
    assert_eq!(column(found, "scheduler"), ["edf", "edf", "alone", "alone"]);
    let (keeps, breaks) = (column(found, "highest_passing"), column(found, "lowest_failing"));
    for at in 0..4 {
        assert_eq!(column(found, "status")[at], "found");
        let [keeps, breaks] = [&keeps, &breaks].map(|c| c[at].parse::<f64>().expect("a number"));
        assert!(keeps < breaks && breaks <= keeps * 1.1);
    }
    assert!(keeps[0].parse::<f64>().unwrap() > keeps[2].parse::<f64>().unwrap());
    // Every other finished run is lost, and the rest is done on two threads.
    let journal = shell.read("o/runs.journal");
    let half: String = journal.split_inclusive('\n').step_by(2).collect();
    shell.write("o/runs.journal", half);
    shell.ok("sweep x.toml --out o --jobs 2");
    assert_eq!(files.map(|file| shell.read(&format!("o/{file}"))), first);
    let rows = column(&first[0], "run_id").len();
    let said = shell.ok("verify o");
    assert!(said.out.ends_with(&format!("{rows} rows the same, 0 moved\n")), "{}", said.out);
    // A probe is the run that the same rate gives.
    let rate = &keeps[0];
    shell.ok(&format!("sweep x.toml --out p --set search={{low={rate},high=600000}} --jobs 1"));
    let ids = column(&shell.read("p/runs.csv"), "run_id");
    assert!(column(&first[0], "run_id").iter().any(|id| ids.contains(id)));
    let set = "--set search.metric=utility_mean --set search.at_least=0.1";
    shell.ok(&format!("sweep x.toml --out p --overwrite {set}"));
    assert_eq!(column(&shell.read("p/capacity.csv"), "metric"), ["utility_mean"; 4]);
}
