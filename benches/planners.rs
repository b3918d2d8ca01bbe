//! Window planners: whole decisions per second on windows of a given size, over the quickstart's
//! catalog (three applications of ten variants, 5 MB of memory).
//!
//! Requests arrive in bursts of one window each, far enough apart for the worker to be idle again,
//! so that every decision plans exactly one window.

use divan::{Bencher, counter::ItemsCount};
use peeksim::domain::{AppId, Arrival};
use peeksim::model::arrival::Listed;
use peeksim::model::catalog::Catalog;
use peeksim::policy::Info;
use peeksim::rng::Rng;
use peeksim::sched::{self, Context};
use peeksim::sim::{self, Simulation};
use peeksim::sweep::{Experiment, Prepared, Sweep};
use peeksim::units::{Span, Time};
use std::sync::Arc;

const WINDOWS: u64 = 200;

fn main() {
    divan::main();
}

/// The quickstart with one scheduler.
fn prepared(scheduler: &str) -> Prepared {
    let set = [
        "trace.rate_rps=100".to_owned(),
        "peek.place=free".to_owned(),
        format!("scheduler={scheduler}"),
    ];
    let mut experiment = Experiment::load("quickstart", &set).expect("the experiment ships");
    experiment.figures.clear();
    experiment.expectations.clear();
    Sweep::new(experiment).expect("the experiment is valid").prepared.remove(0)
}

fn bursts(catalog: &Catalog, size: u64) -> Vec<Arrival> {
    let app = |i: u64| AppId((i % 3) as u16);
    let row = |i: u64| catalog.row(app(i), (i * 7919 % 900) as u32).expect("a recorded row");
    let one = |i: u64| Arrival {
        time: Time(i / size * 10_000_000_000),
        app: app(i),
        budget: Span(100_000_000),
        truth: row(i),
    };
    (0..WINDOWS * size).map(one).collect()
}

fn plan(bencher: Bencher<'_, '_>, scheduler: &str, size: u64) {
    let prepared = prepared(scheduler);
    let arrivals = bursts(&prepared.catalog, size);
    bencher.counter(ItemsCount::new(WINDOWS)).bench_local(|| {
        let rng = Rng::new(1, 0);
        let context = Context { catalog: &prepared.catalog, rng };
        let mut problems = peeksim::input::Problems::default();
        let chosen = sched::read(&prepared.scheduler, &context, &mut problems);
        let mut chosen = chosen.expect("the scheduler was checked");
        let listed = Box::new(Listed::new(arrivals.clone()));
        let info: Info = chosen.info;
        let mut sim = Simulation::new(Arc::clone(&prepared.catalog), listed, info, rng, "bench");
        sim::run(&mut sim, chosen.scheduler.as_mut(), &mut ()).expect("a run")
    });
}

#[divan::bench(args = [6, 24, 48, 96])]
fn sneakpeek(bencher: Bencher<'_, '_>, size: u64) {
    plan(bencher, "sneakpeek", size);
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
