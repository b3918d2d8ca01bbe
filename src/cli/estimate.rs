//! How long runs may take.

use crate::experiment::{OutputRequest, RunSpec, Sweep, run_one};
use std::time::{Duration, Instant};

/// Requests of a trial run.
const TRIAL_REQUESTS: u64 = 2_000;
/// Trials stop after this long.
const TRIAL_BUDGET: Duration = Duration::from_secs(2);

/// Seconds of processor time of a unit of each configuration: the mean of those that are finished,
/// whose seconds are given unit by unit in order; else that of a short trial, extrapolated; else,
/// where time did not suffice, as many per request as the trials took. A search takes as many
/// runs as it may, half of them like that at its low end, half like that at its high one; it is
/// counted where it begins.
pub(super) fn costs(sweep: &Sweep, finished: &[Option<f64>]) -> Vec<f64> {
    let replicates = sweep.experiment.replicates.max(1) as usize;
    let mut known: Vec<Option<f64>> = finished.chunks(replicates).map(mean).collect();
    let of: Vec<usize> = sweep.points().collect();
    let points = of.len();
    known.resize(points, None);
    let requests = |at: usize| sweep.prepared[of[at]].arrivals.requests as f64;
    let unit = |at: usize| match &sweep.experiment.search {
        None => trial(sweep, of[at]),
        Some(search) => {
            let ends = trial(sweep, of[at]) + trial(sweep, of[at] + 1);
            ends / 2.0 * search.probes() as f64
        }
    };
    let begun = Instant::now();
    let (mut spent, mut asked) = (0.0, 0.0);
    // A stride that shares no factor with the grid visits all corners of it.
    let stride = (points / 3).max(1) | 1;
    for at in (0..points).map(|trial| trial * stride % points) {
        if known[at].is_some() {
            continue;
        }
        let seconds = unit(at);
        known[at] = Some(seconds);
        spent += seconds;
        asked += requests(at);
        if begun.elapsed() > TRIAL_BUDGET {
            break;
        }
    }
    let rest = |at: usize| if asked > 0.0 { spent / asked * requests(at) } else { 0.0 };
    let mut costs = vec![0.0; sweep.configurations.len()];
    for (at, cost) in known.iter().enumerate() {
        costs[of[at]] = cost.unwrap_or_else(|| rest(at));
    }
    costs
}

fn mean(seconds: &[Option<f64>]) -> Option<f64> {
    let known: Vec<f64> = seconds.iter().flatten().copied().collect();
    (!known.is_empty()).then(|| known.iter().sum::<f64>() / known.len() as f64)
}

/// Seconds of a run, extrapolated from its beginning.
fn trial(sweep: &Sweep, configuration: usize) -> f64 {
    let mut prepared = sweep.prepared[configuration].clone();
    let whole = prepared.arrivals.requests;
    prepared.arrivals.requests = whole.min(TRIAL_REQUESTS);
    let start = Instant::now();
    let _ = run_one(
        &prepared,
        sweep.rng(RunSpec { configuration, replicate: 0 }),
        &OutputRequest::default(),
    );
    start.elapsed().as_secs_f64() * whole as f64 / prepared.arrivals.requests.max(1) as f64
}
