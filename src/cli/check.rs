//! `peeksim check`: the plan, and how long it may take.

use super::estimate::costs;
use super::{CliError, ExperimentArgs, notes};
use crate::config::note::Notes;
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
    let (points, replicates) = (sweep.configurations.len(), experiment.replicates);
    let runs = sweep.runs().filter(|spec| sweep.is_certain(*spec)).count();
    writeln!(
        out,
        "{}: {points} configurations × {replicates} replicates = {runs} runs",
        experiment.name
    )?;
    if let Some(until) = &experiment.stopping {
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
    if let Some(search) = &experiment.search {
        let (key, probes) = (&search.key, search.probes());
        writeln!(out, "  of which two begin each search for {key}, of about {probes} runs each")?;
    }
    let keys = sweep.axis_keys();
    writeln!(out, "first runs:")?;
    for spec in sweep.runs().take(5) {
        let labels = keys.iter().zip(&sweep.configurations[spec.configuration].labels);
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
