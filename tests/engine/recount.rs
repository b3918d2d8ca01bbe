//! Every column of every table, and of the row of a run, recounted from the log of events: in
//! drawn worlds with failures, links, warm-ups, closed loops, peeks and variants that are resident
//! at the start.

use crate::engine::closed_loop::clients;
use crate::support::common::draw::{self, Case, Limits, Units};
use crate::support::common::ledger::Ledger;
use crate::support::common::recorder::Scribe;
use crate::support::common::recounted_row::compare;
use crate::support::common::recounted_tables;
use crate::support::common::{Log, Told};
use peeksim::classifier::model::{ClassifierHost, ShortCircuit};
use peeksim::core::rng::Rng;
use peeksim::core::units::Span;
use peeksim::engine::{self, Simulation};
use peeksim::metrics::{Cell, MeasurementWindow, Study, Summary, TABLES, Tables};
use peeksim::workload::{Arrivals, Listed};
use std::sync::Arc;

/// Tables that are recounted from the log of requests, in tests/experiment/tables.rs.
const APART: [&str; 3] = ["batches", "late_because", "loads"];

const SEEDS: u64 = 600;
const CLIENTS: u32 = 5;

/// A world, what of it does not count, and how long an interval of a series is.
fn draw(seed: u64) -> (Case, usize, u64) {
    let (links, faults) = (!seed.is_multiple_of(3), seed % 3 != 1);
    let limits = Limits {
        links,
        faults,
        residents: seed.is_multiple_of(2),
        shares: seed.is_multiple_of(3),
        ..Limits::ALL
    };
    let mut case = Case::draw(seed, limits);
    for (at, worker) in (seed..).zip(&mut case.world.setup.workers) {
        worker.power_w = (at % 3 > 0).then_some(7.0);
        worker.idle_w = (at % 4 > 0).then_some(2.0);
        worker.usd_per_request = (at % 2 > 0).then_some(0.01);
        if let Some(link) = &mut worker.link {
            link.power_w = (at % 2 > 0).then_some(3.0);
        }
    }
    for (at, app) in (seed..).zip(&mut case.world.setup.apps) {
        let classes = app.profile.classes.len();
        app.peek.matrix = Some(vec![vec![1.0; classes]; classes]);
        if seed.is_multiple_of(4) {
            app.peek.runs_on =
                [ClassifierHost::Worker, ClassifierHost::Host][usize::from(at % 3 == 0)];
            app.peek.short_circuit = [
                ShortCircuit::Never,
                ShortCircuit::Precision,
                ShortCircuit::Posterior,
                ShortCircuit::Threshold(0.8),
            ][(at / 4 % 4) as usize];
        }
    }
    let skip = [0, 0, 1, 7, 9][(seed % 5) as usize];
    (case, skip, [5_000_000, 1_234_567, 40_000_000][(seed % 3) as usize])
}

/// Runs a case; what of it is not as the recount says.
fn check(case: &Case, scheduler: &str, skip: usize, step: u64, closed: bool) -> Result<(), String> {
    let (truth, rng) = (case.world.truth(), Rng::new(case.world.seed, 0));
    let catalog = truth.believed(rng);
    let mut chosen = case.world.choose(&catalog, scheduler);
    let arrivals: Box<dyn Arrivals> = if closed {
        let plan = clients(CLIENTS, 4.0, 40, truth.catalog().app_ids().len());
        plan.build(&truth, rng).expect("arrivals")
    } else {
        Box::new(Listed::new(case.world.arrivals.clone()))
    };
    let window =
        if skip == 0 { MeasurementWindow::whole() } else { MeasurementWindow::after(skip as u32) };
    let mut log = Log::new(truth.catalog());
    let mut summary = Summary::new(truth.catalog()).with_window(window);
    let entries = TABLES.iter().copied().filter(|entry| entry.study() == Study::Scheduling);
    let entries = entries.filter(|entry| !APART.contains(&entry.name));
    let entries: Vec<_> = entries.collect();
    let mut tables = Tables::new(&entries, truth.catalog(), Span(step), window);
    let mut sim = Simulation::new(Arc::clone(&truth), arrivals, chosen.info, rng, "test");
    let mut scribe = Scribe::new(chosen.scheduler.as_mut(), &log.logged);
    let mut observers = (&mut log, (&mut summary, &mut tables));
    engine::run(&mut sim, &mut scribe, &mut observers).map_err(|error| error.to_string())?;
    log.asked = scribe.asked;
    let ledger = Ledger::new(case, &log, skip);
    let cells: Vec<String> = summary.cells(None).iter().map(Cell::to_string).collect();
    compare(&ledger, &cells)?;
    for (entry, found) in entries.iter().zip(tables.rows()) {
        let expected = recounted_tables::rows(&ledger, entry.name, step);
        let names: Vec<&str> = entry.columns.iter().map(|column| column.name).collect();
        if found.len() != expected.len() {
            return Err(format!("{}: {} rows, not {}", entry.name, found.len(), expected.len()));
        }
        for (found, expected) in found.iter().zip(&expected) {
            assert_eq!(names, expected.iter().map(|(name, _)| *name).collect::<Vec<_>>());
            for (cell, (name, want)) in found.iter().zip(expected) {
                if !want.is(cell) {
                    let table = entry.name;
                    return Err(format!("{table}.{name} is `{cell}`, not {want:?}: {expected:?}"));
                }
            }
        }
    }
    Ok(())
}

#[test]
fn every_column_of_every_table_is_recounted() {
    let entries: Vec<_> = draw::built_in().collect();
    for seed in 0..SEEDS {
        let (case, skip, step) = draw(seed);
        for turn in 0..3 {
            let entry = entries[(3 * seed + turn) as usize % entries.len()];
            let case = draw::for_entry(&case, entry);
            let drops = seed.is_multiple_of(5).then(|| case.with_drops(true));
            let sources = draw::sources(entry);
            let posterior = sources.iter().flatten().find(|(name, _)| *name == "posterior");
            let source = posterior.map(|(name, _)| *name).filter(|_| seed % 2 == 0);
            let scheduler = draw::scheduler(seed * 100 + turn, entry, source, Units::PLAIN);
            let closed = seed % 7 == 0;
            let _told = Told(format!("seed {seed}, {scheduler}, skip {skip}, closed {closed}"));
            for case in std::iter::once(&case).chain(&drops) {
                check(case, &scheduler, skip, step, closed).unwrap_or_else(|why| panic!("{why}"));
            }
        }
    }
}
