//! `peeksim check`: the runs of an experiment, and an estimate of their time.

use super::estimate::costs;
use super::{CliError, ExperimentArgs, notes};
use crate::config::note::Notes;
use crate::experiment::StoppingRule;
use clap::Args;
use std::io::Write;

/// Arguments of `check`.
#[derive(Debug, Args)]
pub(super) struct CheckArgs {
    #[command(flatten)]
    experiment: ExperimentArgs,
}

pub(super) fn main(args: &CheckArgs, out: &mut impl Write) -> Result<(), CliError> {
    let sweep = args.experiment.load()?;
    let experiment = &sweep.experiment;
    let (name, points, replicates) = (&experiment.name, sweep.points.len(), experiment.replicates);
    let runs = sweep.runs().filter(|spec| sweep.is_certain(*spec)).count();
    writeln!(out, "{name}: {points} configurations × {replicates} replicates = {runs} runs")?;
    if let Some(StoppingRule { metric, relative_half_width, max_replicates, .. }) =
        &experiment.stopping
    {
        writeln!(
            out,
            "  more, up to {max_replicates} replicates, until {metric} is known to ± \
             {relative_half_width} of it"
        )?;
    }
    for axis in &experiment.axes {
        writeln!(out, "  {} takes {} values", axis.keys.join(" + "), axis.rows.len())?;
    }
    if let Some(search) = &experiment.search {
        let (key, probes) = (&search.key, search.probes());
        writeln!(out, "  of which two begin each search for {key}, of about {probes} runs each")?;
    }
    let keys = sweep.axis_keys();
    writeln!(out, "first runs:")?;
    for spec in sweep.runs().take(5) {
        let labels = keys.iter().zip(&sweep.points[spec.configuration].labels);
        let labels: Vec<String> = labels.map(|(key, label)| format!("{key} = {label}")).collect();
        let id = sweep.run_id(spec);
        writeln!(out, "  {id}  replicate {}  {}", spec.replicate, labels.join(", "))?;
    }
    let seconds = costs(&sweep, &[]).iter().sum::<f64>() * replicates as f64;
    let cores = rayon::current_num_threads();
    writeln!(
        out,
        "about {:.0} s of processor time, {:.0} s on {cores} threads (from short trials; an \
         overloaded run may take longer)",
        seconds.ceil(),
        (seconds / cores as f64).ceil()
    )?;
    let mut notes = Notes::default();
    notes::of_inputs(&sweep, &mut notes);
    notes::print(&notes, out)
}
