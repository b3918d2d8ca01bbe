//! Tables beside `runs.csv`, recounted from the log of requests.

use crate::support::shell::{Shell, column};
use std::collections::BTreeMap;

const EXPERIMENT: &str = r#"
replicates = 1
tables = ["apps", "batch_sizes", "batches", "late_because", "loads", "variants", "workers"]
timeseries_ms = 40

[base]
apps = ["voice", "activity", "heartbeat"]
load_times = "cold"
noise_cv = 0.3
budget_ms = 10
workload = { arrivals = "bursts", burst = 100, period_ms = 150, requests = 600 }
workers = [
  { class = "edge-cpu", memory_bytes = 3_000_000 },
  { class = "edge-cpu", memory_bytes = 5_000_000, lanes = 2, available_from_s = 0.1 },
]
scheduler = { name = "random" }
"#;

type Row = BTreeMap<String, String>;

fn rows(text: &str) -> Vec<Row> {
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let header = reader.headers().expect("a header").clone();
    let row = |record: csv::StringRecord| {
        header.iter().map(str::to_owned).zip(record.iter().map(str::to_owned)).collect()
    };
    reader.records().map(|record| row(record.expect("a row"))).collect()
}

fn number(row: &Row, name: &str) -> f64 {
    row[name].parse().unwrap_or_else(|_| panic!("{name}: {}", row[name]))
}

/// Seconds with at most nine decimals, as nanoseconds.
fn ns(text: &str) -> u64 {
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    format!("{whole}{part:0<9}").parse().expect("seconds")
}

fn close(a: f64, b: f64) -> bool {
    (a - b).abs() <= 1e-9 * (1.0 + a.abs())
}

/// The files of a sweep of one run, and its log of requests.
fn made(scheduler: &str) -> (Shell, Vec<Row>) {
    let shell = Shell::new();
    shell.write("x.toml", EXPERIMENT);
    shell.ok(&format!("sweep x.toml --out o --set scheduler={scheduler}"));
    shell.ok(&format!("inspect x.toml --requests r.csv --set scheduler={scheduler}"));
    let log = rows(&shell.read("r.csv"));
    (shell, log)
}

#[test]
fn applications_are_recounted() {
    let (shell, log) = made("random");
    let apps = rows(&shell.read("o/apps.csv"));
    assert_eq!(apps.len(), 3);
    for app in &apps {
        let own: Vec<&Row> = log.iter().filter(|row| row["app"] == app["app"]).collect();
        let late = |row: &&&Row| ns(&row["finish_s"]) > ns(&row["deadline_s"]);
        let utility: f64 = own.iter().map(|row| number(row, "utility")).sum();
        let right = |row: &&&Row| row["correct"] == "1";
        let on_time = own.iter().filter(|row| right(row) && !late(row)).count();
        let n = own.len() as f64;
        assert!(own.len() > 100 && own.iter().filter(late).count() > 10);
        assert!(close(number(app, "arrived"), n));
        assert!(close(number(app, "late"), own.iter().filter(late).count() as f64));
        assert!(close(number(app, "utility_mean"), utility / n));
        assert!(close(number(app, "accuracy_mean"), own.iter().filter(right).count() as f64 / n));
        assert!(close(number(app, "effective_accuracy"), on_time as f64 / n));
    }
    let run = &rows(&shell.read("o/runs.csv"))[0];
    let least = apps.iter().map(|app| number(app, "utility_mean")).fold(f64::INFINITY, f64::min);
    assert!(close(number(run, "utility_app_min"), least));
}

#[test]
fn tardiness_and_goodput_are_recounted() {
    let (shell, log) = made("random");
    let run = &rows(&shell.read("o/runs.csv"))[0];
    let mut late: Vec<u64> =
        log.iter().map(|row| ns(&row["finish_s"]).saturating_sub(ns(&row["deadline_s"]))).collect();
    late.sort_unstable();
    let p99 = peeksim::metrics::quantile_sorted(&late, 0.99).expect("a quantile") / 1e6;
    assert!(p99 > 0.0 && close(number(run, "tardiness_ms_p99"), p99));
    let end = number(run, "makespan_s");
    let right = log.iter().filter(|r| r["correct"] == "1" && !r["finish_s"].is_empty());
    let on_time = right.filter(|row| ns(&row["finish_s"]) <= ns(&row["deadline_s"])).count();
    assert!(close(number(run, "goodput_correct_rps"), on_time as f64 / end));
    assert!(close(number(run, "late"), late.iter().filter(|late| **late > 0).count() as f64));
}

#[test]
fn batches_and_variants_are_recounted() {
    let (shell, log) = made("random");
    let of = |row: &Row| (row["app"].clone(), row["variant"].clone());
    let mut sizes: BTreeMap<((String, String), u64), u64> = BTreeMap::new();
    for row in &log {
        *sizes.entry((of(row), number(row, "batch_size") as u64)).or_default() += 1;
    }
    let batches = rows(&shell.read("o/batch_sizes.csv"));
    assert_eq!(batches.len(), sizes.len());
    for row in &batches {
        let size = number(row, "batch_size") as u64;
        assert_eq!(number(row, "batches") as u64 * size, sizes[&(of(row), size)], "{row:?}");
    }
    let variants = rows(&shell.read("o/variants.csv"));
    for row in &variants {
        let own: Vec<&Row> = log.iter().filter(|other| of(other) == of(row)).collect();
        let app = log.iter().filter(|other| other["app"] == row["app"]).count();
        assert!(close(number(row, "requests"), own.len() as f64));
        assert!(close(number(row, "share"), own.len() as f64 / app as f64));
        let ran: u64 = batches
            .iter()
            .filter(|batch| of(batch) == of(row))
            .map(|batch| number(batch, "batches") as u64)
            .sum();
        assert!(close(number(row, "batches"), ran as f64));
    }
    let run = &rows(&shell.read("o/runs.csv"))[0];
    let sum = |name: &str| variants.iter().map(|row| number(row, name)).sum::<f64>();
    for name in ["model_loads", "model_load_ms_sum", "model_load_bytes_sum"] {
        assert!(number(run, name) > 0.0 && close(number(run, name), sum(name)), "{name}");
    }
    let arrived = number(run, "arrived");
    assert!(close(number(run, "model_loads_per_1000"), 1000.0 * sum("model_loads") / arrived));
    assert!(sum("thrashes") > 0.0 && sum("thrashes") <= sum("model_loads"));
}

#[test]
fn every_batch_has_a_row_and_every_request_its_batch() {
    let (shell, log) = made("random");
    let batches = rows(&shell.read("o/batches.csv"));
    let mut requests: BTreeMap<&str, Vec<&Row>> = BTreeMap::new();
    for row in &log {
        requests.entry(&row["batch"]).or_default().push(row);
    }
    assert_eq!(batches.len(), requests.len());
    for (at, batch) in batches.iter().enumerate() {
        assert_eq!(batch["batch"], at.to_string(), "in order of start");
        let own = &requests[batch["batch"].as_str()];
        assert_eq!(own.len() as f64, number(batch, "batch_size"));
        for row in own {
            for name in ["worker", "lane", "app", "variant", "start_s", "batch_size"] {
                assert_eq!(row[name], batch[name], "{name}: {row:?}");
            }
            assert_eq!(row["finish_s"], batch["end_s"]);
            assert!(ns(&row["decision_s"]) <= ns(&row["start_s"]));
        }
        // Service times vary around the table.
        assert!(batch["outcome"] == "ended" && batch["expected_end_s"] != batch["end_s"]);
    }
    // Batches of a lane follow one another.
    let mut last: BTreeMap<(&str, &str), u64> = BTreeMap::new();
    for batch in &batches {
        let end = last.entry((&batch["worker"], &batch["lane"])).or_default();
        assert!(ns(&batch["start_s"]) >= *end);
        *end = ns(&batch["end_s"]);
    }
}

#[test]
fn queues_and_waits_for_loads_are_recounted() {
    let (shell, log) = made("random");
    let loads = rows(&shell.read("o/loads.csv"));
    let run = &rows(&shell.read("o/runs.csv"))[0];
    assert_eq!(loads.len() as f64, number(run, "model_loads"));
    let spent: u64 = loads.iter().map(|row| ns(&row["end_s"]) - ns(&row["start_s"])).sum();
    assert!(close(number(run, "model_load_ms_sum"), spent as f64 / 1e6));
    assert!(loads.iter().any(|row| !row["evicted"].is_empty()));
    let mut waited = 0;
    for row in &log {
        // Requests that arrived before it and were not computed yet, of the same instant too.
        let (number_of, arrival) = (number(row, "request"), ns(&row["arrival_s"]));
        let waits =
            |other: &&Row| number(other, "request") < number_of && ns(&other["start_s"]) > arrival;
        let started =
            |other: &&Row| number(other, "request") < number_of && ns(&other["start_s"]) == arrival;
        let queue = log.iter().filter(waits).count() as f64;
        let ties = log.iter().filter(started).count() as f64;
        let found = number(row, "queue_length");
        assert!(queue <= found && found <= queue + ties, "{row:?}: {queue}");
        // After the decision only its worker counts: what it loaded until the batch began.
        let (decided, start) = (ns(&row["decision_s"]), ns(&row["start_s"]));
        let own = loads.iter().filter(|load| load["worker"] == row["worker"]);
        let overlap = own.map(|load| {
            ns(&load["end_s"]).min(start).saturating_sub(ns(&load["start_s"]).max(decided))
        });
        let (overlap, wait) = (overlap.sum::<u64>(), ns(&row["load_wait_s"]));
        assert!(overlap <= wait && wait <= start - arrival, "{row:?}: {overlap}");
        waited += wait;
    }
    assert!(waited > 0);
}

#[test]
fn causes_of_late_answers_are_counted() {
    let (shell, log) = made("random");
    let causes = rows(&shell.read("o/late_because.csv"));
    for app in ["voice", "activity", "heartbeat"] {
        let is_late =
            |row: &&Row| row["app"] == app && ns(&row["finish_s"]) > ns(&row["deadline_s"]);
        let late: Vec<&Row> = log.iter().filter(is_late).collect();
        let own: Vec<&Row> = causes.iter().filter(|row| row["app"] == app).collect();
        let counted: f64 = own.iter().map(|row| number(row, "late")).sum();
        assert_eq!(counted, late.len() as f64, "{app}");
        // The parts of the mean latency of late answers add up to it.
        let latency: u64 = late.iter().map(|row| ns(&row["latency_s"])).sum();
        let parts: f64 = own.iter().map(|row| number(row, "delay_s_mean")).sum();
        assert!(close(parts, latency as f64 / 1e9 / late.len() as f64), "{app}");
        let load: u64 = late.iter().map(|row| ns(&row["load_wait_s"])).sum();
        let of_load = own.iter().find(|row| row["cause"] == "load").expect("a row");
        let mean = load as f64 / 1e9 / late.len() as f64;
        assert!(close(number(of_load, "delay_s_mean"), mean), "{app}");
    }
}

#[test]
fn shares_of_workers_add_up() {
    let (shell, log) = made("random");
    let (run, workers) = (&rows(&shell.read("o/runs.csv"))[0], rows(&shell.read("o/workers.csv")));
    let end = number(run, "makespan_s");
    let (mut lanes, mut busy, mut loading) = (0.0, 0.0, 0.0);
    for (worker, ready) in workers.iter().zip([0.0, 0.1]) {
        let parts = ["busy_share", "loading_share", "idle_share"].map(|name| number(worker, name));
        assert!(close(parts.iter().sum(), 1.0), "{worker:?}");
        let own = log.iter().filter(|row| row["worker"] == worker["worker"]);
        // Each batch once: its requests share start and end.
        let spans: BTreeMap<(u64, String), u64> = own
            .map(|row| ((ns(&row["start_s"]), row["variant"].clone()), ns(&row["finish_s"])))
            .collect();
        let open = (end - ready) * number(worker, "lanes");
        // Two lanes may start the same at once; such batches would be counted as one.
        let spent: u64 = spans.iter().map(|((start, _), finish)| finish - start).sum();
        if number(worker, "lanes") == 1.0 {
            assert!(close(parts[0], spent as f64 / 1e9 / open), "{worker:?}");
        }
        (lanes, busy, loading) = (lanes + open, busy + parts[0] * open, loading + parts[1] * open);
    }
    assert!(close(number(run, "utilization_mean"), busy / lanes));
    assert!(close(number(run, "loading_share"), loading / lanes));
    assert!(close(number(run, "idle_share"), 1.0 - (busy + loading) / lanes));
}

#[test]
fn the_series_is_recounted_interval_by_interval() {
    let (shell, log) = made("random");
    let (series, step) = (rows(&shell.read("o/timeseries.csv")), 40_000_000);
    let mixes = rows(&shell.read("o/timeseries_variants.csv"));
    assert!(series.len() > 15);
    for (at, row) in series.iter().enumerate() {
        let (begin, end) = (at as u64 * step, (at as u64 + 1) * step);
        assert_eq!(ns(&row["start_s"]), begin);
        let within = |name: &'static str| {
            log.iter().filter(move |row| (begin..end).contains(&ns(&row[name])))
        };
        let late = |row: &&Row| ns(&row["finish_s"]) > ns(&row["deadline_s"]);
        let utility: f64 = within("finish_s").map(|row| number(row, "utility")).sum();
        let waiting =
            log.iter().filter(|row| ns(&row["arrival_s"]) < end && ns(&row["start_s"]) >= end);
        let counts = [
            ("arrived", within("arrival_s").count()),
            ("completed", within("finish_s").count()),
            ("deadline_misses", within("finish_s").filter(late).count()),
            ("waiting", waiting.count()),
        ];
        for (name, count) in counts {
            assert_eq!(row[name], count.to_string(), "{name} of {row:?}");
        }
        assert!(close(number(row, "utility_sum"), utility));
        let mix: Vec<&Row> = mixes.iter().filter(|mix| mix["start_s"] == row["start_s"]).collect();
        for mix in &mix {
            let own = within("finish_s")
                .filter(|row| row["app"] == mix["app"] && row["variant"] == mix["variant"]);
            assert_eq!(mix["completed"], own.count().to_string());
        }
        let shares: f64 = mix.iter().map(|mix| number(mix, "share")).sum();
        assert!(mix.is_empty() && row["completed"] == "0" || close(shares, 1.0));
    }
    let run = &rows(&shell.read("o/runs.csv"))[0];
    let sum = |name: &str| series.iter().map(|row| number(row, name)).sum::<f64>();
    assert!(close(sum("model_loads"), number(run, "model_loads")));
}

#[test]
fn what_is_not_served_is_a_miss_and_waits_no_more() {
    let (shell, log) = made("{name=\"edf\",drop_policy=\"hopeless\",variant=\"best\"}");
    let (run, series) =
        (&rows(&shell.read("o/runs.csv"))[0], rows(&shell.read("o/timeseries.csv")));
    assert!(log.iter().any(|row| row["outcome"] == "rejected"));
    let misses: f64 = series.iter().map(|row| number(row, "deadline_misses")).sum();
    assert!(close(misses, number(run, "deadline_misses")));
    assert_eq!(series.last().expect("an interval")["waiting"], "0");
}

#[test]
fn an_interrupted_sweep_goes_on_with_its_tables() {
    let shell = Shell::small();
    let tables = "--tables apps,variants --timeseries 500ms";
    shell.ok(&format!("sweep small.toml {tables} --out whole"));
    shell.ok(&format!("sweep small.toml {tables} --replicates 1 --out parts"));
    let said = shell.ok(&format!("sweep small.toml {tables} --out parts"));
    assert!(said.err.contains("4 of 8 runs were finished before"), "{}", said.err);
    for table in ["apps", "variants", "timeseries", "timeseries_variants", "runs"] {
        let read = |folder: &str| shell.read(&format!("{folder}/{table}.csv"));
        assert_eq!(read("whole"), read("parts"), "{table}");
    }
    let other = shell.ok("sweep small.toml --tables apps --timeseries 1s --out parts");
    assert!(!other.err.contains("finished before"), "other intervals: {}", other.err);
    assert_eq!(column(&shell.read("parts/apps.csv"), "app")[..2], ["voice", "activity"]);
}

#[test]
fn what_is_no_table_or_no_length_is_refused() {
    let shell = Shell::small();
    let said = shell.fails(2, "sweep small.toml --tables app");
    assert!(said.err.contains("did you mean `apps`?"), "{}", said.err);
    for length in ["1", "s", "1m", "-1s", "nan s", "0s"] {
        shell.fails(2, &format!("sweep small.toml --timeseries={length}"));
    }
}
