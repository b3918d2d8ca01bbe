//! The search over subsets of groups finds plans as good as trying every order and variant.

use crate::shell::repository;
use peeksim::metrics::{COLUMNS, Summary};
use peeksim::sweep::{Experiment, Sweep, simulate};
use std::fs;
use std::path::Path;
use tempfile::TempDir;

/// The profiles of the experiment with the latencies of each variant in reverse order: the largest
/// batch is the fastest.
fn falling() -> TempDir {
    let folder = TempDir::new().expect("a folder");
    for app in ["fall", "wakeword", "synthetic"] {
        let (from, into) = (repository(&format!("profiles/{app}")), folder.path().join(app));
        fs::create_dir(&into).expect("a folder");
        for file in ["app.toml", "variants.csv", "confusion.csv", "load.csv"] {
            fs::copy(from.join(file), into.join(file)).expect("a copy");
        }
        let text = fs::read_to_string(from.join("latency.csv")).expect("a table");
        let rows: Vec<Vec<&str>> = text.lines().map(|row| row.split(',').collect()).collect();
        let mut reversed = format!("{}\n", rows[0].join(","));
        for curve in rows[1..].chunk_by(|a, b| a[..2] == b[..2]) {
            for (row, last) in curve.iter().zip(curve.iter().rev()) {
                reversed.push_str(&format!("{},{},{},{}\n", row[0], row[1], row[2], last[3]));
            }
        }
        fs::write(into.join("latency.csv"), reversed).expect("a table");
    }
    folder
}

/// (utility believed, makespan, windows searched exactly) of each run of one window.
fn runs(
    scheduler: &str,
    memory: u64,
    max_batch: u64,
    profiles: &Path,
) -> Vec<(f64, f64, Option<u64>)> {
    let scheduler = format!("name = '{scheduler}', max_batch = {max_batch}");
    let set = [
        format!("profiles = '{}'", profiles.display()),
        "latency_fit = 'as-measured'".to_owned(),
        "trace = { source = 'bursts', burst = 7, period_ms = 1000, requests = 7 }".to_owned(),
        "budget_ms = { uniform = [20, 200] }".to_owned(),
        format!("workers.0.memory_bytes = {memory}"),
        "replicates = 12".to_owned(),
        format!(
            "scheduler = [{{ {scheduler}, search = 'exact', label = 'one by one' }}, \
                 {{ {scheduler}, search = 'auto', label = 'subsets' }}]"
        ),
    ];
    let mut experiment = Experiment::load("sneakpeek/e09", &set).expect("an experiment");
    experiment.figures.clear();
    experiment.expectations.clear();
    let sweep = Sweep::new(experiment).expect("a valid experiment");
    let column = |name: &str| COLUMNS.iter().position(|c| c.name == name).expect("a column");
    let (believed, makespan) = (column("utility_believed_mean"), column("makespan_s"));
    let results = sweep.runs().map(|spec| {
        let prepared = &sweep.prepared[spec.configuration];
        let mut summary = Summary::new(&prepared.catalog);
        let exact = simulate(prepared, sweep.rng(spec), &mut summary).expect("a run");
        let cells = summary.cells(exact);
        let number = |at: usize| cells[at].to_string().parse::<f64>().expect("a number");
        (number(believed), number(makespan), exact)
    });
    results.collect()
}

#[test]
fn subsets_find_what_one_by_one_finds() {
    let (mut compared, reversed) = (0, falling());
    let shipped = repository("profiles");
    let cases = [(1, 32), (1, 1), (2, 2), (3, 32)];
    let cases = cases.iter().flat_map(|case| [(case, &*shipped), (case, reversed.path())]);
    for ((memory, max_batch), profiles) in cases {
        let results = runs("sneakpeek", *memory, *max_batch, profiles);
        let (one_by_one, subsets) = results.split_at(results.len() / 2);
        for (a, b) in one_by_one.iter().zip(subsets) {
            assert_eq!(b.2, Some(1), "subsets always prove so few groups");
            // More than two million plans are left to the subsets in both.
            if a.2 == Some(1) {
                assert!((a.0 - b.0).abs() < 1e-12, "{a:?} {b:?}");
                assert!((a.1 - b.1).abs() < 1e-12, "{a:?} {b:?}");
                compared += 1;
            }
        }
    }
    assert!(compared > 200);
}
