//! The column `stationary` against the log of requests and regimes that are known.

use crate::support::shell::{Shell, column};
use std::fs;

/// One application, one variant, one lane; periodic arrivals are D/D/1.
const LINE: &str = r#"
title = "line"
replicates = 4

[base]
apps = ["activity"]
variants = { activity = ["rf20"] }
workers = [{ class = "edge-cpu", memory_bytes = 5_000_000 }]
workload = { arrivals = "poisson", load = 0.5, requests = 4_000 }
batch_scaling = 1

[[axis]]
key = "scheduler"
values = [{ label = "fcfs", name = "fcfs", max_batch = 1 }]

[[axis]]
key = "workload.load"
values = [0.5, 1.5]

[[figure]]
name = "misses"
x = "workload.load"
y = "deadline_miss_ratio"
"#;

fn line() -> Shell {
    let shell = Shell::new();
    shell.write("line.toml", LINE);
    shell
}

/// The column of a sweep, by load.
fn found(shell: &Shell, set: &str) -> [Vec<String>; 2] {
    shell.ok(&format!("sweep line.toml {set} --out o --overwrite"));
    let text = shell.read("o/runs.csv");
    let (loads, words) = (column(&text, "workload.load"), column(&text, "stationary"));
    ["0.5", "1.5"].map(|load| {
        let own = loads.iter().zip(&words).filter(|(own, _)| *own == load);
        own.map(|(_, word)| word.clone()).collect()
    })
}

#[test]
fn known_regimes_are_told_apart() {
    let shell = line();
    // Poisson arrivals before service of one length, and D/D/1.
    for source in ["poisson", "periodic"] {
        let [half, over] = found(&shell, &format!("--set workload.arrivals={source}"));
        assert_eq!(half, ["yes"; 4], "{source}");
        assert_eq!(over, ["no"; 4], "{source}");
    }
    let [half, over] = found(&shell, "--set workload.requests=200");
    assert_eq!([half, over], [["undecided"; 4], ["undecided"; 4]], "short runs");
    // Who refuses what is too late anyway has a line that does not grow.
    let drop = "--set scheduler={name='fcfs',max_batch=1,drop_policy='late'}";
    let [half, over] = found(&shell, drop);
    assert_eq!([half, over], [["yes"; 4], ["yes"; 4]]);
}

#[test]
fn it_is_that_of_the_log() {
    let shell = line();
    for (load, requests, expected) in
        [(0.5, 4_000, "yes"), (1.5, 4_000, "no"), (1.5, 200, "undecided")]
    {
        let set = format!("--set workload.load={load} --set workload.requests={requests}");
        shell.ok(&format!("sweep line.toml {set} --replicates 1 --out o --overwrite"));
        assert_eq!(column(&shell.read("o/runs.csv"), "stationary"), [expected]);
        shell.ok(&format!("inspect line.toml {set} --replicates 1 --requests r.csv"));
        assert_eq!(recount(&shell.read("r.csv")), expected, "{load}, {requests}");
    }
}

/// The word by the definition: means over equally many arrivals, at most 63 of 8, 16, 32… each.
fn recount(log: &str) -> &'static str {
    let numbers = |name: &str| -> Vec<f64> {
        column(log, name).iter().map(|cell| cell.parse().expect("a number")).collect()
    };
    let (mut arrivals, mut finishes) = (numbers("arrival_s"), numbers("finish_s"));
    arrivals.sort_by(f64::total_cmp);
    finishes.sort_by(f64::total_cmp);
    // What ends at an instant ends before what arrives then.
    let present = |(at, time): (usize, &f64)| {
        at as f64 - finishes.partition_point(|finish| finish <= time) as f64
    };
    let present: Vec<f64> = arrivals.iter().enumerate().map(present).collect();
    let batch = (0..32).map(|k| 8usize << k).find(|b| present.len() / b < 64).expect("a size");
    let y: Vec<f64> =
        present.chunks_exact(batch).map(|c| c.iter().sum::<f64>() / batch as f64).collect();
    if y.len() < 32 {
        return "undecided";
    }
    let n = (y.len() - 1) as f64;
    let change = (y[y.len() - 1] - y[0]) / n;
    let d: Vec<f64> = y.windows(2).map(|w| w[1] - w[0]).collect();
    let variance = d.iter().map(|d| (d - change).powi(2)).sum::<f64>() / (n - 1.0);
    if change.abs() > 2.75 * (1.5 * variance / n).sqrt() {
        return "no";
    }
    // Least squares of d = a + b y.
    let level = y[..d.len()].iter().sum::<f64>() / n;
    let spread: f64 = y[..d.len()].iter().map(|y| (y - level).powi(2)).sum();
    if spread == 0.0 {
        return "yes";
    }
    let b = y.iter().zip(&d).map(|(y, d)| (y - level) * d).sum::<f64>() / spread;
    let rest = y.iter().zip(&d).map(|(y, d)| (d - change - b * (y - level)).powi(2)).sum::<f64>();
    if b < -3.0 * (rest / (n - 2.0) / spread).sqrt() { "yes" } else { "undecided" }
}

#[test]
fn tables_and_figures_mark_what_depends_on_the_length() {
    let shell = line();
    let out = shell.ok("sweep line.toml --out o --overwrite").out;
    let block = out.lines().skip_while(|line| !line.starts_with("deadline-miss ratio")).nth(2);
    let cells: Vec<&str> = block.expect("a row").split_whitespace().collect();
    assert!(!cells[1].ends_with('*') && cells[2].ends_with('*'), "{out}");
    assert!(out.contains("\n* the queue is not stationary"), "{out}");
    let figure = fs::read_to_string(shell.path("o/figures/misses.svg")).expect("a figure");
    assert!(figure.contains("Ringed:"), "no note");
    // Nothing is marked where nothing grows.
    let out = shell.ok("sweep line.toml --set workload.load=0.5 --out p").out;
    assert!(!out.contains('*'), "{out}");
    let figure = fs::read_to_string(shell.path("p/figures/misses.svg"));
    assert!(!figure.expect("a figure").contains("Ringed"));
}
