//! A scheduler of one's own beside the shipped ones: `cargo run --release --example own_scheduler`.

use peeksim::contract::{AccuracySource, Plan, Scheduler, Trigger, View};
use peeksim::experiment::{Experiment, Sweep, simulate, simulate_with};
use peeksim::metrics::{Cell, Summary};

/// Longest queue first: the application with most waiting requests, on its most accurate variant
/// that is in memory (or its smallest), in one batch.
struct LongestQueue;

impl Scheduler for LongestQueue {
    fn decide(&mut self, view: &View<'_>, _: Trigger<'_>, plan: &mut Plan) {
        let catalog = view.catalog();
        for worker in view.idle_workers().take(1) {
            let waiting = |app| view.pending().filter(|r| r.app == app).count();
            let Some(app) = catalog.app_ids().max_by_key(|app| waiting(*app)) else { return };
            let resident = view.variants(worker, app).filter(|v| view.worker(worker).holds(*v));
            let best = resident.max_by(|a, b| {
                catalog.variant(*a).accuracy.total_cmp(&catalog.variant(*b).accuracy)
            });
            let smallest = || view.variants(worker, app).min_by_key(|v| catalog.variant(*v).bytes);
            let Some(variant) = best.or_else(smallest) else { return };
            let batch: Vec<_> = view.pending().filter(|r| r.app == app).map(|r| r.id).collect();
            if !batch.is_empty() {
                let most = view.max_batch(worker, variant).min(batch.len());
                plan.assign(worker, variant, batch[..most].iter().copied());
            }
        }
    }
}

/// What is printed: a line for each scheduler, results read by the names of their columns.
pub fn report() -> Result<String, Box<dyn std::error::Error>> {
    let set =
        ["workload.rate_rps=300", "workload.requests=5000", "replicates=1"].map(str::to_owned);
    let mut lines = String::new();
    let sweep = Sweep::new(Experiment::load("quickstart", &set)?)?;
    for spec in sweep.runs() {
        let prepared = &sweep.scheduling()?[spec.configuration];
        let mut summary = Summary::new(&prepared.catalog);
        simulate(prepared, sweep.rng(spec), &mut summary)?;
        let label = sweep.label(spec.configuration, "scheduler").unwrap_or_default();
        lines += &line(label, &mut summary);
    }
    // The same arrivals and outcomes, replicate by replicate, for a scheduler that no experiment
    // file knows.
    let prepared = &sweep.scheduling()?[0];
    let first = sweep.runs().next().ok_or("no run")?;
    let mut summary = Summary::new(&prepared.catalog);
    let own = &mut LongestQueue;
    simulate_with(prepared, sweep.rng(first), own, AccuracySource::Profiled, &mut summary)?;
    lines += &line("longest queue", &mut summary);
    Ok(lines)
}

fn line(label: &str, summary: &mut Summary) -> String {
    let mut number = |column| summary.cell(column).and_then(Cell::number).unwrap_or(f64::NAN);
    let (utility, misses) = (number("utility_mean"), number("deadline_miss_ratio"));
    format!("{label:28} utility {utility:.3}  missed deadlines {misses:.3}\n")
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    print!("{}", report()?);
    Ok(())
}
