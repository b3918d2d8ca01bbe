//! Window planners: whole decisions per second on windows of a given size, over the quickstart's
//! catalog (three applications of ten variants, 5 MB of memory).
//!
//! Requests arrive in bursts of one window each, far enough apart for the worker to be idle again,
//! so that every decision plans exactly one window. `optimal_window` has a catalog of its own:
//! three applications of four variants of 5 to 40 ms, loads of 4 to 20 ms, memory for one of them,
//! the sigmoid, and budgets of 60 to 200 ms.

use divan::{Bencher, counter::ItemsCount};
use peeksim::classifier::model::{Classifier, ClassifierHost};
use peeksim::config::{ConfigNode, Problems};
use peeksim::contract::AccuracySource;
use peeksim::core::ids::{AppId, Arrival, TrueClass};
use peeksim::core::rng::Rng;
use peeksim::core::units::{Span, Time};
use peeksim::engine::{self, Simulation};
use peeksim::experiment::{Experiment, RunConfig, Sweep, simulate};
use peeksim::scheduler::{self, BuildContext};
use peeksim::system::catalog::{AppSpec, SystemSpec, WorkerSpec};
use peeksim::system::deadline_budget::DeadlineBudget;
use peeksim::system::ground_truth::GroundTruth;
use peeksim::system::latency::LatencyPoints;
use peeksim::system::profile::{Profile, VariantCost, VariantProfile};
use peeksim::workload::Listed;
use std::sync::Arc;

const WINDOWS: u64 = 200;

fn main() {
    divan::main();
}

/// The quickstart with one scheduler.
fn prepared(scheduler: &str) -> RunConfig {
    prepared_with("quickstart", scheduler, &["workload.rate_rps=100".to_owned()])
}

/// An experiment with one scheduler and these changes.
fn prepared_with(experiment: &str, scheduler: &str, set: &[String]) -> RunConfig {
    let mut set = set.to_vec();
    set.extend(["peek.runs_on=free".to_owned(), format!("scheduler={scheduler}")]);
    let mut experiment = Experiment::load(experiment, &set).expect("the experiment ships");
    experiment.figures.clear();
    experiment.expectations.clear();
    Sweep::new(experiment).expect("the experiment is valid").scheduling().expect("schedulers")[0]
        .clone()
}

fn bursts(truth: &GroundTruth, size: u64) -> Vec<Arrival> {
    let app = |i: u64| AppId((i % 3) as u16);
    let row = |i: u64| truth.row(app(i), (i * 7919 % 900) as u32).expect("a recorded row");
    let one = |i: u64| Arrival {
        time: Time(i / size * 10_000_000_000),
        app: app(i),
        source: None,
        budget: Span(100_000_000),
        truth: row(i),
    };
    (0..WINDOWS * size).map(one).collect()
}

fn plan(bencher: Bencher<'_, '_>, scheduler: &str, size: u64) {
    plan_on(bencher, &prepared(scheduler), size);
}

fn plan_on(bencher: Bencher<'_, '_>, prepared: &RunConfig, size: u64) {
    let arrivals = bursts(&prepared.truth, size);
    bencher.counter(ItemsCount::new(WINDOWS)).bench_local(|| {
        run(&prepared.truth, &prepared.scheduler, &arrivals);
    });
}

fn run(truth: &Arc<GroundTruth>, scheduler: &ConfigNode, arrivals: &[Arrival]) {
    let rng = Rng::new(1, 0);
    let context = BuildContext { catalog: truth.catalog(), rng };
    let mut problems = Problems::default();
    let chosen = scheduler::read(scheduler, &context, &mut problems);
    let mut chosen = chosen.expect("the scheduler was checked");
    let listed = Box::new(Listed::new(arrivals.to_vec()));
    let info: AccuracySource = chosen.info;
    let mut sim = Simulation::new(Arc::clone(truth), listed, info, rng, "bench");
    engine::run(&mut sim, chosen.scheduler.as_mut(), &mut ()).expect("a run");
}

#[divan::bench(args = [6, 24, 48, 96])]
fn sneakpeek(bencher: Bencher<'_, '_>, size: u64) {
    plan(bencher, "sneakpeek", size);
}

/// The same on four variants an application.
#[divan::bench(args = [24, 48])]
fn sneakpeek_of_four_variants(bencher: Bencher<'_, '_>, size: u64) {
    let four = "['mlp32', 'mlp256x128', 'rf20', 'dt5']";
    let variants = ["activity", "heartbeat", "voice"].map(|app| format!("{app} = {four}"));
    let set = format!("variants={{ {} }}", variants.join(", "));
    plan_on(bencher, &prepared_with("quickstart", "sneakpeek", &[set]), size);
}

/// Exact search over subsets, by number of groups: one application of five classes, two of two.
#[divan::bench(args = [5, 7, 9])]
fn sneakpeek_exact_by_groups(bencher: Bencher<'_, '_>, groups: u64) {
    let apps = match groups {
        5 => "['synthetic']",
        7 => "['synthetic', 'fall']",
        _ => "['synthetic', 'fall', 'wakeword']",
    };
    let set = [
        format!("apps={apps}"),
        "workload.class_mix={}".to_owned(),
        "workload.burst=24".to_owned(),
        "workload.requests=480".to_owned(),
    ];
    let scheduler = "{ name = 'sneakpeek', search = 'auto' }";
    let prepared = prepared_with("sneakpeek/e09-class-drift", scheduler, &set);
    bencher.counter(ItemsCount::new(20u64)).bench_local(|| {
        simulate(&prepared, Rng::new(1, 0), &mut ()).expect("a run");
    });
}

#[divan::bench(args = [6, 24, 48, 96])]
fn peek_plus(bencher: Bencher<'_, '_>, size: u64) {
    plan(bencher, "peek-plus", size);
}

#[divan::bench(args = [6, 24, 48, 96])]
fn grouped(bencher: Bencher<'_, '_>, size: u64) {
    plan(bencher, "grouped", size);
}

/// Three groups of up to ten variants: 6,000 plans a window.
#[divan::bench(args = [6, 24])]
fn grouped_exact(bencher: Bencher<'_, '_>, size: u64) {
    plan(bencher, "{ name = 'grouped', search = 'auto' }", size);
}

#[divan::bench(args = [6, 24, 48])]
fn lo_edf(bencher: Bencher<'_, '_>, size: u64) {
    plan(bencher, "lo-edf", size);
}

/// Ten windows, one after another.
#[divan::bench(args = [6, 8, 10, 12], sample_count = 3)]
fn optimal_window(bencher: Bencher<'_, '_>, size: u64) {
    let truth = small();
    let one = |i: u64| Arrival {
        time: Time(i / size * 10_000_000_000),
        app: AppId((i % 3) as u16),
        source: None,
        budget: Span(60_000_000 + i * 7_919 % 140 * 1_000_000),
        truth: TrueClass { class: 0, row: TrueClass::NO_ROW },
    };
    let arrivals: Vec<Arrival> = (0..10 * size).map(one).collect();
    let scheduler = ConfigNode::parse_override("optimal-window");
    bencher.counter(ItemsCount::new(10u64)).bench_local(|| run(&truth, &scheduler, &arrivals));
}

/// Three applications of four variants, one worker with memory for one of them.
fn small() -> Arc<GroundTruth> {
    let variant = |app: u64, at: u64| {
        let first_ms = [5.0, 12.0, 22.0, 40.0][at as usize] * (0.8 + 0.2 * app as f64);
        let latency = |batch: u64| Span::from_ms(first_ms * (0.75 + 0.25 * batch as f64));
        let points = [1, 32].map(|batch| (batch, latency(batch))).to_vec();
        let accuracy = [0.7, 0.82, 0.9, 0.96][at as usize] - 0.02 * app as f64;
        VariantProfile {
            name: at.to_string(),
            shares: None,
            bytes: 1,
            payload_bytes: None,
            accuracy,
            recall: vec![accuracy],
            samples: vec![1.0],
            costs: vec![VariantCost::new(
                "one",
                LatencyPoints::new(points).expect("a latency table"),
                Span::from_ms([4.0, 8.0, 12.0, 20.0][at as usize]),
            )],
        }
    };
    let app = |app: u64| AppSpec {
        profile: Arc::new(Profile {
            name: app.to_string(),
            summary: String::new(),
            source: String::new(),
            classes: vec!["only".to_owned()],
            budget: DeadlineBudget::Fixed(Span::from_ms(100.0)),
            prior: vec![1.0],
            variants: (0..4).map(|at| variant(app, at)).collect(),
            peek: None,
            peek_confusion: None,
            reference: None,
            warnings: Vec::new(),
            files: Vec::new(),
        }),
        trace: None,
        budget: None,
        variants: Vec::new(),
        peek: Classifier { runs_on: ClassifierHost::Free, ..Classifier::default() },
        payload_bytes: 0,
    };
    let worker = WorkerSpec { memory_bytes: 1, ..WorkerSpec::new("one") };
    let setup = SystemSpec::new((0..3).map(app).collect(), vec![worker]);
    Arc::new(GroundTruth::build(&setup).expect("a catalog"))
}
