//! Requests per second of the engine on the speed yardstick, beside a bare binary-heap loop that
//! does the same job with nothing around it: read the ratio, not the seconds.
//!
//! One worker, EDF, batches of at most 8, a batch of b takes 0.6 ms + 0.2 ms b, Poisson at load
//! 0.9, slack uniform from 1 to 21 ms.

use divan::{Bencher, counter::ItemsCount};
use peeksim::core::rng::{Label, Rng};
use peeksim::experiment::{Experiment, RunSpec, Sweep, simulate};
use peeksim::metrics::{RequestLog, Summary};
use rand::RngExt;
use rand_distr::{Distribution, Exp1};
use std::cmp::Reverse;
use std::collections::BinaryHeap;

const REQUESTS: u64 = 500_000;

fn main() {
    divan::main();
}

fn sweep() -> Sweep {
    let set = format!("workload.requests={REQUESTS}");
    let experiment = Experiment::load("speed", &[set]).expect("the experiment ships");
    Sweep::new(experiment).expect("the experiment is valid")
}

const FIRST: RunSpec = RunSpec { configuration: 0, replicate: 0 };

/// Everything a sweep does for a run in summary mode, arrivals included.
#[divan::bench]
fn summary(bencher: Bencher<'_, '_>) {
    let sweep = sweep();
    bencher.counter(ItemsCount::new(REQUESTS)).bench_local(|| {
        let mut summary = Summary::new(&sweep.configs[0].catalog);
        simulate(&sweep.configs[0], sweep.rng(FIRST), &mut summary).expect("a run");
        summary.cells(None)
    });
}

/// The same with a CSV row for every request, written to nowhere.
#[divan::bench]
fn requests_csv(bencher: Bencher<'_, '_>) {
    let sweep = sweep();
    bencher.counter(ItemsCount::new(REQUESTS)).bench_local(|| {
        let mut summary = Summary::new(&sweep.configs[0].catalog);
        let mut log = RequestLog::new(&sweep.configs[0].catalog, std::io::sink());
        let mut both = (&mut summary, &mut log);
        simulate(&sweep.configs[0], sweep.rng(FIRST), &mut both).expect("a run");
        log.finish().expect("a sink never fails");
        summary.cells(None)
    });
}

/// The floor: arrivals from the same generator, one heap of deadlines, sums of latency and misses.
#[divan::bench]
fn bare_heap(bencher: Bencher<'_, '_>) {
    bencher.counter(ItemsCount::new(REQUESTS)).bench_local(bare_loop);
}

fn bare_loop() -> (u64, u64) {
    let rng = Rng::new(1, 0);
    let (mut gaps, mut slacks) = (rng.stream(Label::Arrivals), rng.stream(Label::Budgets));
    let mut next = |now: u64| {
        let gap: f64 = Exp1.sample(&mut gaps);
        let arrival = now + (gap * 1e9 / 3272.7) as u64;
        (arrival, arrival + slacks.random_range(1_000_000..=21_000_000u64))
    };
    let mut waiting: BinaryHeap<Reverse<(u64, u64)>> = BinaryHeap::new();
    let (mut latency, mut late, mut free) = (0u64, 0u64, 0u64);
    let mut left = REQUESTS;
    let mut coming = next(0);
    while left > 0 || !waiting.is_empty() {
        if waiting.is_empty() {
            free = free.max(coming.0);
        }
        while left > 0 && coming.0 <= free {
            waiting.push(Reverse((coming.1, coming.0)));
            left -= 1;
            coming = next(coming.0);
        }
        let batch = waiting.len().min(8) as u64;
        free += 600_000 + 200_000 * batch;
        for _ in 0..batch {
            if let Some(Reverse((deadline, arrival))) = waiting.pop() {
                latency += free - arrival;
                late += u64::from(free > deadline);
            }
        }
    }
    (latency, late)
}
