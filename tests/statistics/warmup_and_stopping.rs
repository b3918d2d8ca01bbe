//! Warm-up and sequential stopping, from the outside: what the binary writes against what its own
//! log of requests and its rows say.

use crate::support::shell::{SMALL, Shell, column};
use std::fs;
use std::process::Stdio;
use std::time::{Duration, Instant};

fn numbers(text: &str, name: &str) -> Vec<f64> {
    column(text, name).iter().map(|cell| cell.parse().unwrap_or(f64::NAN)).collect()
}

/// One run of an overloaded line, its row and its log of requests.
fn logged(warmup: &str) -> (String, String) {
    let shell = Shell::small();
    let one = "--set scheduler=edf --set workload.rate_rps=2000 --replicates 1";
    shell.ok(&format!("sweep small.toml {one} --set warmup={warmup} --out o"));
    shell.ok(&format!("inspect small.toml {one} --set warmup={warmup} --requests r.csv"));
    (shell.read("o/runs.csv"), shell.read("r.csv"))
}

#[test]
fn what_counts_are_the_arrivals_after_the_warm_up() {
    let first = 120;
    let (row, log) = logged("{requests=120}");
    let (number, latency) = (numbers(&log, "request"), numbers(&log, "latency_s"));
    let (utility, correct) = (numbers(&log, "utility"), numbers(&log, "correct"));
    assert_eq!(number.len(), 300, "the log holds the whole run");
    let counts: Vec<usize> = (0..300).filter(|at| number[*at] >= f64::from(first)).collect();
    let mean = |of: &[f64]| counts.iter().map(|at| of[*at]).sum::<f64>() / counts.len() as f64;
    let cell = |name: &str| numbers(&row, name)[0];
    assert_eq!((cell("arrived"), cell("completed")), (180.0, 180.0));
    assert!((cell("utility_mean") - mean(&utility)).abs() < 1e-12);
    assert!((cell("accuracy_mean") - mean(&correct)).abs() < 1e-12);
    assert!((cell("latency_ms_mean") - 1e3 * mean(&latency)).abs() < 1e-9);
    let longest = counts.iter().map(|at| latency[*at]).fold(0.0, f64::max);
    assert!((cell("latency_ms_max") - 1e3 * longest).abs() < 1e-9);
    // On time per second from the first request that counts to the end.
    let (arrival, finish) = (numbers(&log, "arrival_s"), numbers(&log, "finish_s"));
    let start = counts.iter().map(|at| arrival[*at]).fold(f64::INFINITY, f64::min);
    let end = finish.iter().copied().fold(0.0, f64::max);
    let due = numbers(&log, "deadline_s");
    let on_time = counts.iter().filter(|at| finish[**at] <= due[**at]).count();
    assert!((cell("goodput_rps") - on_time as f64 / (end - start)).abs() < 1e-6);
    assert_eq!(cell("makespan_s"), end);
    assert_eq!(
        (cell("warmup_requests"), column(&row, "warmup_rule")[0].as_str()),
        (120.0, "fixed")
    );
    // One worker with one lane, busy from then on.
    assert!(cell("utilization_mean") > 0.5 && cell("utilization_mean") <= 1.0);
}

#[test]
fn mser_5_is_that_of_the_times_in_the_system() {
    let (row, log) = logged("mser-5");
    let (number, latency) = (numbers(&log, "request"), numbers(&log, "latency_s"));
    let mut series = vec![0.0; 300];
    number.iter().zip(&latency).for_each(|(number, latency)| series[*number as usize] = *latency);
    let means: Vec<f64> = series.chunks(5).map(|five| five.iter().sum::<f64>() / 5.0).collect();
    let error = |d: usize| {
        let rest = &means[d..];
        let mean = rest.iter().sum::<f64>() / rest.len() as f64;
        rest.iter().map(|y| (y - mean).powi(2)).sum::<f64>() / rest.len().pow(2) as f64
    };
    // At least a quarter of the means is left.
    let d = (0..=45).min_by(|a, b| error(*a).total_cmp(&error(*b))).expect("a least");
    let rule = if d > 30 { "not-converged" } else { "mser-5" };
    assert_eq!(column(&row, "warmup_rule"), [rule]);
    assert_eq!(numbers(&row, "warmup_requests"), [5.0 * d.min(30) as f64]);
    assert_eq!(numbers(&row, "arrived"), [300.0 - 5.0 * d.min(30) as f64]);
}

#[test]
fn a_transient_without_end_is_said_so() {
    let shell = Shell::small();
    // Many times what the most accurate variants can do: the line grows for good.
    let said = shell.ok("sweep small.toml --set scheduler=maxacc-edf --replicates 2 \
         --set workload.rate_rps=2000 --set warmup=mser-5 --out o");
    assert!(said.err.contains("- in 2 of 2 runs the warm-up lasts beyond half"), "{said:?}");
    let rows = shell.read("o/runs.csv");
    assert_eq!(column(&rows, "warmup_rule"), ["not-converged"; 2]);
    assert_eq!(column(&rows, "warmup_requests"), ["150"; 2]);
}

/// Two schedulers at two loads, of which the high one varies more.
const UNTIL: &str = "stopping = { metric = \"latency_ms_mean\", relative_half_width = 0.02, \
                     max_replicates = 25 }\n";

fn sequential() -> Shell {
    let shell = Shell::new();
    shell
        .write("s.toml", format!("{UNTIL}{SMALL}").replace("replicates = 2\n", "replicates = 3\n"));
    shell
}

const FILES: [&str; 5] =
    ["runs.csv", "summary.csv", "intervals.csv", "compare.csv", "manifest.toml"];

fn files(shell: &Shell, folder: &str) -> Vec<Vec<u8>> {
    FILES.iter().map(|file| shell.bytes(&format!("{folder}/{file}"))).collect()
}

#[test]
fn replicates_are_added_until_the_interval_is_narrow() {
    let shell = sequential();
    shell.ok("sweep s.toml --out o");
    let rows = shell.read("o/runs.csv");
    let (schedulers, rates) = (column(&rows, "scheduler"), column(&rows, "workload.rate_rps"));
    let latency = numbers(&rows, "latency_ms_mean");
    let of = |scheduler: &str, rate: &str| -> Vec<f64> {
        (0..latency.len())
            .filter(|at| schedulers[*at] == scheduler && rates[*at] == rate)
            .map(|at| latency[at])
            .collect()
    };
    // From tables: t(0.975) for 2 to 24 degrees of freedom.
    let t = [
        4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.160, 2.145,
        2.131, 2.120, 2.110, 2.101, 2.093, 2.086, 2.080, 2.074, 2.069, 2.064,
    ];
    let narrow = |values: &[f64]| {
        let n = values.len() as f64;
        let mean = values.iter().sum::<f64>() / n;
        let squares: f64 = values.iter().map(|v| (v - mean).powi(2)).sum();
        t[values.len() - 3] * (squares / (n - 1.0) / n).sqrt() <= 0.02 * mean
    };
    let counts: Vec<usize> = ["50", "2000"].map(|rate| of("edf", rate).len()).to_vec();
    println!("replicates {counts:?}");
    for (rate, count) in ["50", "2000"].into_iter().zip(&counts) {
        let family = ["edf", "grouped"].map(|scheduler| of(scheduler, rate));
        assert!(family.iter().all(|values| values.len() == *count), "pairs at {rate}");
        assert!(*count == 25 || family.iter().all(|values| narrow(values)), "{rate}: {family:?}");
        // Every look before the last found one that was not narrow.
        for look in [3, 4, 5, 6, 7, 8, 10, 12, 15, 18, 22].into_iter().filter(|l| l < count) {
            assert!(family.iter().any(|values| !narrow(&values[..look])), "{rate} at {look}");
        }
    }
    assert!(counts.iter().any(|count| *count > 3), "nothing was added: {counts:?}");
    assert_ne!(counts[0], counts[1]);
    // A replay makes the same rows and misses none.
    let said = shell.ok("verify o").out;
    assert_eq!(said, format!("{} rows the same, 0 moved\n", latency.len()));
    let plan = shell.ok("check s.toml").out;
    assert!(plan.contains("× 3 replicates = 12 runs\n  more, up to 25 replicates"), "{plan}");
}

#[test]
fn what_was_added_does_not_depend_on_threads_or_a_kill() {
    let shell = sequential();
    shell.ok("sweep s.toml --jobs 1 --out one");
    let one = files(&shell, "one");
    shell.ok("sweep s.toml --jobs 16 --out many");
    assert!(one == files(&shell, "many"), "16 threads");
    shell.ok("sweep s.toml --jobs 3 --out many");
    assert!(one == files(&shell, "many"), "reused");
    let total = column(&shell.read("one/runs.csv"), "run_id").len();
    for least in [1, total / 2, total - 2] {
        let out = format!("o{least}");
        let journal = shell.path(&format!("{out}/runs.journal"));
        let lines = || fs::read_to_string(&journal).unwrap_or_default().matches('\n').count();
        let mut child = shell
            .command(&["sweep", "s.toml", "--jobs", "2", "--out", &out])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("a process");
        let begun = Instant::now();
        while lines() < least {
            assert!(begun.elapsed() < Duration::from_secs(60), "no progress");
            std::thread::sleep(Duration::from_millis(1));
        }
        // A process that is through already is as good as one that is killed.
        let _ = child.kill();
        child.wait().expect("an end");
        shell.ok(&format!("sweep s.toml --out {out}"));
        assert!(one == files(&shell, &out), "killed after {least}");
    }
}

#[test]
fn intervals_say_how_they_were_found() {
    let shell = Shell::small();
    shell.ok("sweep small.toml --replicates 12 --set scheduler=edf --set workload.rate_rps=2000");
    let text = shell.read("results/small/intervals.csv");
    let (metrics, methods) = (column(&text, "metric"), column(&text, "interval"));
    let of = |metric: &str| metrics.iter().position(|name| name == metric).expect("a metric");
    assert_eq!(methods[of("latency_ms_mean")], "t");
    assert_eq!(methods[of("latency_ms_p99")], "bootstrap-t");
    assert!(!metrics.iter().any(|name| name == "cost_usd"), "no price is known");
    let (low, high) = (numbers(&text, "ci95_low"), numbers(&text, "ci95_high"));
    let mean = numbers(&text, "mean");
    let notes = column(&text, "interval_note");
    let fits = |at: usize| match notes[at].as_str() {
        "constant" => low[at].is_nan() && high[at].is_nan() && methods[at].is_empty(),
        _ => low[at] <= mean[at] && mean[at] <= high[at],
    };
    assert!((0..mean.len()).all(fits), "{text}");
    assert_eq!(notes[of("arrived")], "constant");
    let summary = shell.read("results/small/summary.csv");
    let half = numbers(&summary, "latency_ms_mean_ci95")[0];
    let at = of("latency_ms_mean");
    assert!((high[at] - low[at] - 2.0 * half).abs() < 1e-9 * half);
}
