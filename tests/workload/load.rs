//! `workload.load` means the same on every profile: worked out by hand from the profile's file, and
//! the busy share of a run that uses the best batch of the fastest variant alone.

use crate::support::common::arrivals::{arrivals, prepare};
use crate::workload::latency_fit::isotonic;
use peeksim::contract::{AccuracySource, Plan, Scheduler, Trigger, View};
use peeksim::core::ids::{RequestId, VariantId};
use peeksim::core::rng::Rng;
use peeksim::experiment::{RunConfig, simulate_with};
use peeksim::metrics::{Cell, Summary};

/// (latency / batch in ms, batch, variant) of the least time per request among measured batches:
/// between measured sizes latency is linear and the time per request lies between its ends.
fn best(profile: &str, class: &str) -> (f64, usize, String) {
    let path = format!("profiles/{profile}/latency.csv");
    let text = std::fs::read_to_string(path).expect("a shipped profile");
    let mut best = (f64::INFINITY, 0, String::new());
    let rows: Vec<Vec<&str>> = text.lines().skip(1).map(|row| row.split(',').collect()).collect();
    for curve in rows.chunk_by(|a, b| a[..2] == b[..2]).filter(|curve| curve[0][0] == class) {
        let measured: Vec<f64> = curve.iter().map(|row| row[3].parse().unwrap()).collect();
        for (row, latency) in curve.iter().zip(isotonic(&measured)) {
            let batch: usize = row[2].parse().unwrap();
            if latency / (batch as f64) < best.0 {
                best = (latency / batch as f64, batch, row[1].to_owned());
            }
        }
    }
    best
}

/// Runs full batches of one variant only; what is left at the end goes together.
struct Full {
    variant: VariantId,
    batch: usize,
}

impl Scheduler for Full {
    fn decide(&mut self, view: &View<'_>, trigger: Trigger<'_>, plan: &mut Plan) {
        let mut waiting = view.pending().map(|request| request.id);
        let mut count = view.pending_len();
        for worker in view.idle_workers() {
            if count >= self.batch || (trigger.woken && count > 0) {
                let batch: Vec<RequestId> = waiting.by_ref().take(self.batch).collect();
                count -= batch.len();
                plan.assign(worker, self.variant, batch);
            }
        }
    }
}

fn set(profile: &str, class: &str, count: u32, load: f64, source: &str) -> RunConfig {
    let requests = 40_000;
    prepare(&[
        &format!("apps = ['{profile}']"),
        &format!("workers = [{{ class = '{class}', count = {count} }}]"),
        &format!("workload = {{ arrivals = '{source}', load = {load}, requests = {requests} }}"),
    ])
    .unwrap()
}

#[test]
fn load_is_the_busy_share_of_the_fastest_variant_in_its_best_batch() {
    for (profile, class) in [("activity", "edge-cpu"), ("vision", "titan-x-pascal")] {
        let (share_ms, batch, variant) = best(profile, class);
        for (count, load) in [(1, 0.3), (1, 0.8), (2, 0.6)] {
            let prepared = set(profile, class, count, load, "periodic");
            // By hand: ρ = λ · time per request / workers.
            let rate = load * f64::from(count) / (share_ms / 1e3);
            let all = arrivals(&prepared, 0);
            let span = all[all.len() - 1].time.since(all[0].time).as_s();
            let found = (all.len() - 1) as f64 / span;
            assert!((found / rate - 1.0).abs() < 1e-6, "{profile}: {found}, not {rate}");
            let catalog = &prepared.catalog;
            let app = catalog.app_ids().next().unwrap();
            let variant = catalog.variant_named(app, &variant).unwrap();
            let mut scheduler = Full { variant, batch };
            let mut summary = Summary::new(catalog);
            simulate_with(
                &prepared,
                Rng::new(1, 0),
                &mut scheduler,
                AccuracySource::Profiled,
                &mut summary,
            )
            .unwrap();
            let busy = summary.cell("utilization_mean").and_then(Cell::number).expect("a share");
            // Frames come evenly: only the first load and the last batch are off, two batches of
            // some hundred.
            assert!((busy / load - 1.0).abs() < 0.02, "{profile} {count} {load}: busy {busy}");
        }
    }
}

#[test]
fn load_adds_over_applications_and_workers() {
    let shares = ["activity", "heartbeat"].map(|profile| best(profile, "edge-cpu").0 / 1e3);
    let prepared = prepare(&[
        "apps = ['activity', 'heartbeat']",
        "workers = [{ class = 'edge-cpu', count = 3, lanes = 2 }]",
        "workload = { load = 0.5, requests = 100_000, mix = { activity = 1, heartbeat = 4 } }",
    ])
    .unwrap();
    let rate = 0.5 * 6.0 / (0.2 * shares[0] + 0.8 * shares[1]);
    let all = arrivals(&prepared, 0);
    let found = all.len() as f64 / all[all.len() - 1].time.as_s();
    // Poisson: relative standard error 1 / √n = 0.0032; five of them.
    assert!((found / rate - 1.0).abs() < 0.016, "{found}, not {rate}");
}
