//! What holds of every interval of a whole sweep, whatever the metric.

use crate::support::shell::{Shell, column};
use peeksim::metrics::{COLUMNS, metric_shape};

/// Ten replicates of the quickstart's applications from an idle worker to one that drowns; with
/// `lo-edf` at 30,000 requests/s all replicates but one have nearly the same fairness.
const SWEEP: &str = r#"
seed = 20250510
replicates = 10

[base]
apps = ["activity", "heartbeat", "voice"]
workload = { arrivals = "poisson", requests = 20_000 }
workers = [{ class = "edge-cpu", memory_bytes = 5_000_000 }]
budget_ms = { activity = 120, heartbeat = 80, voice = 100 }
peek = { evidence = "counts", prior_weight = 1, runs_on = "host" }

[[axis]]
key = "scheduler"
values = [
  { label = "lo-edf", name = "lo-edf", window_ms = 20 },
  { label = "edf", name = "edf", variant = "rf20", max_batch = 1 },
  { label = "grouped", name = "grouped", window_ms = 20 },
]

[[axis]]
key = "workload.rate_rps"
values = [100, 1000, 3000, 30000]
"#;

/// From tables: the 97.5 % quantile of Student's t with 9 degrees of freedom.
const T: f64 = 2.262_157;

/// A row of `intervals.csv`.
struct Row {
    what: String,
    metric: String,
    count: f64,
    mean: f64,
    deviation: f64,
    ends: Option<(f64, f64)>,
    method: String,
    note: String,
    clipped: String,
}

fn rows(text: &str) -> Vec<Row> {
    let cells = |name: &str| column(text, name);
    let number = |cell: &String| cell.parse::<f64>().ok();
    let [labels, rates, metrics, counts, means, deviations, lows, highs] = [
        "scheduler",
        "workload.rate_rps",
        "metric",
        "replicates",
        "mean",
        "sd",
        "ci95_low",
        "ci95_high",
    ]
    .map(cells);
    let [methods, notes, clipped] = ["interval", "interval_note", "interval_clipped"].map(cells);
    (0..metrics.len())
        .map(|at| Row {
            what: format!("{} at {}: {}", labels[at], rates[at], metrics[at]),
            metric: metrics[at].clone(),
            count: number(&counts[at]).expect("a count"),
            mean: number(&means[at]).expect("a mean"),
            deviation: number(&deviations[at]).unwrap_or(0.0),
            ends: number(&lows[at]).zip(number(&highs[at])),
            method: methods[at].clone(),
            note: notes[at].clone(),
            clipped: clipped[at].clone(),
        })
        .collect()
}

/// Whether the replicates of a row agree to nine digits.
fn agree(runs: &str, row: &Row) -> bool {
    let [labels, rates, values] =
        ["scheduler", "workload.rate_rps", &row.metric].map(|name| column(runs, name));
    let own = (0..values.len())
        .filter(|at| row.what == format!("{} at {}: {}", labels[*at], rates[*at], row.metric))
        .filter_map(|at| values[at].parse::<f64>().ok());
    let own: Vec<f64> = own.collect();
    let least = own.iter().copied().fold(f64::INFINITY, f64::min);
    let most = own.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    assert_eq!(own.len() as f64, row.count, "{}", row.what);
    most - least <= 1e-9 * least.abs().max(most.abs())
}

#[test]
fn every_interval_of_a_sweep_can_be_quoted() {
    let shell = Shell::new();
    shell.write("s.toml", SWEEP);
    shell.ok("sweep s.toml --out o");
    let (text, runs) = (shell.read("o/intervals.csv"), shell.read("o/runs.csv"));
    let rows = rows(&text);
    let (mut clipped, mut with, mut resampled) = (0, 0, 0);
    for row in rows.iter().filter(|row| row.count > 1.0) {
        let what = &row.what;
        let Some((low, high)) = row.ends else {
            assert_eq!((row.note.as_str(), row.method.as_str()), ("constant", ""), "{what}");
            assert!(agree(&runs, row), "{what}");
            continue;
        };
        with += 1;
        assert!(!agree(&runs, row) && high > low, "{what}: nothing varies");
        let metric_shape = metric_shape(&row.metric);
        assert!(
            metric_shape.range.0 <= low && high <= metric_shape.range.1,
            "{what}: {low} to {high}"
        );
        clipped += usize::from(!row.clipped.is_empty());
        assert!(low <= row.mean && row.mean <= high, "{what}: {low} {} {high}", row.mean);
        let t = 2.0 * T * row.deviation / row.count.sqrt();
        if row.count == 10.0 {
            assert!(high - low <= 3.0 * t * 1.000_001, "{what}: {} times t", (high - low) / t);
        }
        match row.method.as_str() {
            "bootstrap-t" => {
                resampled += 1;
                assert!(metric_shape.skewed && row.note.is_empty(), "{what}: {}", row.note);
            }
            "t" => assert_eq!(metric_shape.skewed, !row.note.is_empty(), "{what}: {}", row.note),
            other => panic!("{what}: {other}"),
        }
    }
    println!("{with} intervals, {resampled} resampled, {clipped} clipped");
    assert!(with > 300 && resampled > 60, "{with} intervals, {resampled} resampled");
    assert!(100 * clipped <= with, "{clipped} of {with} went beyond their range");
    // All replicates but one agree: a share that was said to be 98,315 at most.
    let fairness = "lo-edf at 30000: fairness_jain";
    let fairness = rows.iter().find(|row| row.what == fairness).expect("a row");
    assert_eq!((fairness.method.as_str(), fairness.note.as_str()), ("t", "agree"));
    let words =
        COLUMNS.iter().filter(|column| metric_shape(column.name).range.0 == f64::NEG_INFINITY);
    assert!(words.count() > 0 && rows.iter().all(|row| row.metric != "stationary"));
}

#[test]
fn intervals_of_metrics_and_configurations_share_no_resamples() {
    // Two configurations of the same runs: only their labels differ.
    let shell = Shell::new();
    let twice = SWEEP
        .replace("values = [100, 1000, 3000, 30000]", "values = [1000]")
        .replace("requests = 20_000", "requests = 500")
        .replace("  { label = \"edf\", name = \"edf\", variant = \"rf20\", max_batch = 1 },\n", "")
        .replace("name = \"grouped\", window_ms = 20", "name = \"lo-edf\", window_ms = 20.0");
    shell.write("s.toml", twice);
    shell.ok("sweep s.toml --jobs 1 --out one");
    shell.ok("sweep s.toml --jobs 4 --out four");
    assert_eq!(shell.bytes("one/intervals.csv"), shell.bytes("four/intervals.csv"));
    let rows = rows(&shell.read("one/intervals.csv"));
    let of = |label: &str| -> Vec<&Row> {
        rows.iter().filter(|row| row.what.starts_with(label)).collect()
    };
    let (mut same, mut other) = (0, 0);
    for (a, b) in of("lo-edf at").iter().zip(of("grouped at")) {
        assert_eq!((a.mean, a.deviation), (b.mean, b.deviation));
        match (a.method.as_str(), b.method.as_str()) {
            ("bootstrap-t", "bootstrap-t") if a.ends == b.ends => same += 1,
            ("bootstrap-t", "bootstrap-t") => other += 1,
            ("t", "t") | ("", "") => assert_eq!(a.ends, b.ends, "{}", a.what),
            // One of them is a little more than three times as wide as t.
            _ => {}
        }
    }
    assert!(other > 5 && same == 0, "{same} of {other}");
}
