//! The search over subsets of groups finds plans as good as trying every order and variant, which
//! is done where the worker is behind a link: here behind one that takes no time.

use crate::support::common::{V, World};
use crate::support::shell::repository;
use peeksim::config::{ConfigNode, Problems};
use peeksim::core::units::Span;
use peeksim::experiment::{Experiment, Sweep, simulate};
use peeksim::metrics::{Cell, Summary};
use peeksim::system::link::{Link, Uplink};
use peeksim::system::penalty::Penalty;
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;
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
    behind_link: bool,
) -> Vec<(f64, f64, Option<u64>)> {
    let set = [
        format!("profiles = '{}'", profiles.display()),
        "latency_fit = 'as-measured'".to_owned(),
        "workload = { arrivals = 'bursts', burst = 7, period_ms = 1000, requests = 7 }".to_owned(),
        "budget_ms = { uniform = [20, 200] }".to_owned(),
        format!("workers.0.memory_bytes = {memory}"),
        "replicates = 12".to_owned(),
        format!(
            "scheduler = {{ name = '{scheduler}', max_batch = {max_batch}, search = 'exact' }}"
        ),
    ];
    let set = set.into_iter().chain(behind_link.then(|| "workers.0.link = { rtt_ms = 0 }".into()));
    let set: Vec<String> = set.collect();
    let mut experiment =
        Experiment::load("sneakpeek/e09-class-drift", &set).expect("an experiment");
    experiment.figures.clear();
    experiment.expectations.clear();
    let sweep = Sweep::new(experiment).expect("a valid experiment");
    let results = sweep.runs().map(|spec| {
        let prepared = &sweep.scheduling().unwrap()[spec.configuration];
        let mut summary = Summary::new(&prepared.catalog);
        let exact = simulate(prepared, sweep.rng(spec), &mut summary).expect("a run");
        let mut number = |name| summary.cell(name).and_then(Cell::number).expect("a number");
        (number("utility_predicted_mean"), number("makespan_s"), exact)
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
        let run = |behind_link| runs("sneakpeek", *memory, *max_batch, profiles, behind_link);
        for (a, b) in run(true).iter().zip(&run(false)) {
            assert_eq!(b.2, Some(1), "subsets always prove so few groups");
            // More than two million plans are not tried one by one.
            if a.2 == Some(1) {
                assert!((a.0 - b.0).abs() < 1e-12, "{a:?} {b:?}");
                assert!((a.1 - b.1).abs() < 1e-12, "{a:?} {b:?}");
                compared += 1;
            }
        }
    }
    assert!(compared > 200);
}

/// Five applications whose requests wait at once; whole milliseconds, few accuracies and hard
/// deadlines, so that many plans are worth the same.
fn tied(seed: u64) -> World {
    let rng = &mut ChaCha8Rng::seed_from_u64(seed);
    let mut world = World::new().workers(1, 1, rng.random_range(1..=2));
    world.setup.penalty =
        Penalty::read(&ConfigNode::parse_override("{ name = 'step' }"), &mut Problems::default());
    for app in 0..5u16 {
        let points: Vec<[(u64, f64); 1]> =
            (0..3).map(|_| [(1, f64::from(rng.random_range(1..=3u8)))]).collect();
        let recalls: Vec<[f64; 1]> = (0..3).map(|_| [[0.5, 0.7][rng.random_range(0..2)]]).collect();
        let list: Vec<V<'_>> = points
            .iter()
            .zip(&recalls)
            .map(|(p, recall)| V("v", 1, p, f64::from(rng.random_range(0..=2u8)), recall))
            .collect();
        world = world.app(&format!("app{app}"), &list);
        for _ in 0..rng.random_range(1..=2) {
            world = world.request(app, 0.0, [4.0, 8.0, 200.0][rng.random_range(0..3)], 0);
        }
    }
    world
}

/// Five groups of three variants have 29,160 plans, behind a link tried one by one. Whichever rule
/// tells equal plans apart, both find the same plan.
#[test]
fn subsets_find_the_plan_that_is_listed_first_of_equals() {
    let mut by_rule = 0;
    for seed in 0..60 {
        let world = tied(seed);
        let plans: Vec<_> = ["earliest-finish", "listed"]
            .into_iter()
            .map(|ties| {
                let run = |world: &World| {
                    let scheduler =
                        format!("{{ name = 'grouped', search = 'exact', tie_break = '{ties}' }}");
                    let log = world.run(&scheduler);
                    assert_eq!(log.windows_solved_exactly, Some(1), "seed {seed}, {scheduler}");
                    log.timeline()
                };
                let mut behind_link = tied(seed);
                behind_link.setup.workers[0].link =
                    Some(Link { rtt: Span::ZERO, uplink: Uplink::Endless, power_w: None });
                let (one_by_one, subsets) = (run(&behind_link), run(&world));
                assert_eq!(one_by_one, subsets, "seed {seed}, ties = {ties}");
                subsets
            })
            .collect();
        by_rule += usize::from(plans[0] != plans[1]);
    }
    // Otherwise `ties` would decide nothing here.
    assert!(by_rule > 10, "{by_rule}");
}
