//! Requests per second of the engine on the speed yardstick, and of two loops that do the job with
//! nothing around it. They run one after the other, and the ratios are printed: read those, not
//! the seconds.

mod floors;

use divan::{Bencher, counter::ItemsCount};
use peeksim::experiment::{Experiment, RunSpec, Sweep, simulate, simulate_row};
use peeksim::metrics::{RequestLog, Summary};
use std::hint::black_box;
use std::time::{Duration, Instant};

const REQUESTS: u64 = 500_000;

fn main() {
    divan::main();
    ratios();
}

/// Runs engine and floors in turns and prints how they compare, by the fastest of each.
fn ratios() {
    let sweep = sweep();
    let run = || {
        let mut summary = Summary::new(&sweep.scheduling().unwrap()[0].catalog);
        simulate_row(&sweep.scheduling().unwrap()[0], sweep.rng(FIRST), &mut summary)
            .expect("a run");
        black_box(summary.cells(None));
    };
    let mut fastest = [Duration::MAX; 3];
    for _ in 0..15 {
        let loops: [&dyn Fn(); 3] =
            [&run, &|| drop(black_box(floors::same_job(1, REQUESTS))), &|| {
                _ = black_box(floors::bare_heap(REQUESTS));
            }];
        for (fastest, work) in fastest.iter_mut().zip(loops) {
            let began = Instant::now();
            work();
            *fastest = began.elapsed().min(*fastest);
        }
    }
    let [engine, same_job, bare_heap] = fastest.map(|time| time.as_secs_f64());
    let speed = REQUESTS as f64 / engine / 1e6;
    println!(
        "engine: {speed:.2} M requests/s; times the speed of same_job: {:.2}, of bare_heap: {:.2}",
        same_job / engine,
        bare_heap / engine
    );
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
        let mut summary = Summary::new(&sweep.scheduling().unwrap()[0].catalog);
        simulate_row(&sweep.scheduling().unwrap()[0], sweep.rng(FIRST), &mut summary)
            .expect("a run");
        summary.cells(None)
    });
}

/// The same with a CSV row for every request, written to nowhere.
#[divan::bench]
fn requests_csv(bencher: Bencher<'_, '_>) {
    let sweep = sweep();
    bencher.counter(ItemsCount::new(REQUESTS)).bench_local(|| {
        let mut summary = Summary::new(&sweep.scheduling().unwrap()[0].catalog);
        let mut log = RequestLog::new(&sweep.scheduling().unwrap()[0].catalog, std::io::sink());
        let mut both = (&mut summary, &mut log);
        simulate(&sweep.scheduling().unwrap()[0], sweep.rng(FIRST), &mut both).expect("a run");
        log.finish().expect("a sink never fails");
        summary.cells(None)
    });
}

/// A floor: arrivals with the ziggurat, one heap of deadlines, sums of latency and misses.
#[divan::bench]
fn bare_heap(bencher: Bencher<'_, '_>) {
    bencher.counter(ItemsCount::new(REQUESTS)).bench_local(|| floors::bare_heap(REQUESTS));
}

/// The other floor: the same draws and all figures of the closing table, and nothing general.
#[divan::bench]
fn same_job(bencher: Bencher<'_, '_>) {
    bencher.counter(ItemsCount::new(REQUESTS)).bench_local(|| floors::same_job(1, REQUESTS));
}
