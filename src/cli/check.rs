//! `peeksim check`: the plan, and how long it may take.

use super::{ExperimentArgs, Failure, sweep::notes};
use crate::sweep::{RunSpec, Sweep, run_one};
use clap::Args;
use std::io::Write;
use std::time::{Duration, Instant};

/// Arguments of `check`.
#[derive(Debug, Args)]
pub(super) struct CheckArgs {
    #[command(flatten)]
    experiment: ExperimentArgs,
}

/// Requests of a trial run.
const TRIAL_REQUESTS: u64 = 2_000;
/// Trials stop after this long.
const TRIAL_BUDGET: Duration = Duration::from_secs(2);

pub(super) fn main(args: &CheckArgs, out: &mut impl Write) -> Result<(), Failure> {
    let sweep = args.experiment.load()?;
    notes(&sweep);
    let experiment = &sweep.experiment;
    let (points, replicates) = (sweep.configurations.len(), experiment.replicates);
    let runs = sweep.runs().filter(|spec| sweep.is_certain(*spec)).count();
    writeln!(
        out,
        "{}: {points} configurations × {replicates} replicates = {runs} runs",
        experiment.name
    )?;
    if let Some(until) = &experiment.until {
        let (metric, width, most) =
            (&until.metric, until.relative_half_width, until.max_replicates);
        writeln!(
            out,
            "  more, up to {most} replicates, until {metric} is known to ± {width} of it"
        )?;
    }
    for axis in &experiment.axes {
        writeln!(out, "  {} takes {} values", axis.keys.join(" + "), axis.rows.len())?;
    }
    let keys = sweep.axis_keys();
    writeln!(out, "first runs:")?;
    for spec in sweep.runs().take(5) {
        let labels = keys.iter().zip(&sweep.configurations[spec.configuration].labels);
        let labels: Vec<String> = labels.map(|(key, label)| format!("{key} = {label}")).collect();
        let id = sweep.run_id(spec);
        writeln!(out, "  {id}  replicate {}  {}", spec.replicate, labels.join(", "))?;
    }
    let seconds = estimate(&sweep);
    let cores = rayon::current_num_threads();
    writeln!(
        out,
        "about {:.0} s of processor time, {:.0} s on {cores} threads (from short trials; an \
         overloaded run may take longer)",
        seconds.ceil(),
        (seconds / cores as f64).ceil()
    )?;
    Ok(())
}

/// Seconds of processor time, extrapolated from short runs of evenly spread configurations.
fn estimate(sweep: &Sweep) -> f64 {
    let points = sweep.configurations.len();
    let begun = Instant::now();
    let (mut spent, mut asked) = (0.0, 0.0);
    // A stride that shares no factor with the grid visits all corners of it.
    let stride = (points / 3).max(1) | 1;
    for trial in 0..points {
        let at = trial * stride % points;
        let mut prepared = sweep.prepared[at].clone();
        let whole = prepared.arrivals.requests;
        prepared.arrivals.requests = whole.min(TRIAL_REQUESTS);
        let start = Instant::now();
        let rng = sweep.rng(RunSpec { configuration: at, replicate: 0 });
        let _ = run_one(&prepared, rng, false);
        spent += start.elapsed().as_secs_f64() * whole as f64 / prepared.arrivals.requests as f64;
        asked += 1.0;
        if begun.elapsed() > TRIAL_BUDGET {
            break;
        }
    }
    spent / asked * points as f64 * sweep.experiment.replicates as f64
}
