//! Estimates of the time that runs take.

use crate::experiment::{Configs, OutputRequest, RunSpec, Sweep, run_one};
use std::time::{Duration, Instant};

/// Requests of a trial run.
const TRIAL_REQUESTS: u64 = 2_000;
/// No trial starts after this time.
const TRIAL_BUDGET: Duration = Duration::from_secs(2);

/// The seconds of processor time of a unit of each configuration: the mean of its finished units,
/// whose seconds are given in order; else those of a short trial, extrapolated; else, if the time
/// for trials is over, as many per request as the trials took. A search is taken to need its most
/// runs, half of them like the one at its low end and half like the one at its high end; it is
/// counted at the configuration of its low end.
pub(super) fn costs(sweep: &Sweep, finished: &[Option<f64>]) -> Vec<f64> {
    let replicates = sweep.experiment.replicates.max(1) as usize;
    let mut known: Vec<Option<f64>> = finished.chunks(replicates).map(mean).collect();
    let of: Vec<usize> = sweep.unit_points().collect();
    let points = of.len();
    known.resize(points, None);
    let requests = |at: usize| sweep.configs.size(of[at]) as f64;
    let begun = Instant::now();
    let (mut spent, mut tried) = (0.0, 0.0);
    // A stride that shares no factor with the grid visits all corners of it.
    let stride = (points / 3).max(1) | 1;
    for at in (0..points).map(|trial| trial * stride % points) {
        if known[at].is_some() {
            continue;
        }
        let seconds = unit(sweep, of[at]);
        known[at] = Some(seconds);
        spent += seconds;
        tried += requests(at);
        if begun.elapsed() > TRIAL_BUDGET {
            break;
        }
    }
    let rest = |at: usize| if tried > 0.0 { spent / tried * requests(at) } else { 0.0 };
    let mut costs = vec![0.0; sweep.points.len()];
    for (at, cost) in known.iter().enumerate() {
        costs[of[at]] = cost.unwrap_or_else(|| rest(at));
    }
    costs
}

fn mean(seconds: &[Option<f64>]) -> Option<f64> {
    let known: Vec<f64> = seconds.iter().flatten().copied().collect();
    (!known.is_empty()).then(|| known.iter().sum::<f64>() / known.len() as f64)
}

/// The seconds of a unit, from trials.
fn unit(sweep: &Sweep, configuration: usize) -> f64 {
    let Some(search) = &sweep.experiment.search else { return trial(sweep, configuration) };
    let ends = trial(sweep, configuration) + trial(sweep, configuration + 1);
    ends / 2.0 * search.probes() as f64
}

/// The seconds of a run, extrapolated from its beginning.
fn trial(sweep: &Sweep, configuration: usize) -> f64 {
    let rng = sweep.rng(RunSpec { configuration, replicate: 0 });
    let start = Instant::now();
    let configs = match &sweep.configs {
        Configs::Scheduling(configs) => configs,
        Configs::Offloading(configs) => {
            let (short, share) = configs[configuration].shortened();
            let _ = short.run(rng, 0);
            return start.elapsed().as_secs_f64() / share;
        }
    };
    let mut config = configs[configuration].clone();
    let whole = config.arrivals.requests;
    config.arrivals.requests = whole.min(TRIAL_REQUESTS);
    let _ = run_one(&config, rng, &OutputRequest::default());
    start.elapsed().as_secs_f64() * whole as f64 / config.arrivals.requests.max(1) as f64
}
