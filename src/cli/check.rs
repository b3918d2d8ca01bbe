//! `peeksim check`: the runs of an experiment, and an estimate of their time.

use super::estimate::costs;
use super::{CliError, ExperimentArgs, Output, notes};
use crate::experiment::StoppingRule;
use clap::Args;
use serde_json::{Map, Value, json};
use std::io::Write;

/// Arguments of `check`.
#[derive(Debug, Args)]
pub(super) struct CheckArgs {
    #[command(flatten)]
    experiment: ExperimentArgs,
}

pub(super) fn main(args: &CheckArgs, out: &mut Output) -> Result<(), CliError> {
    let sweep = args.experiment.load()?;
    let experiment = &sweep.experiment;
    let (name, points, replicates) = (&experiment.name, sweep.points.len(), experiment.replicates);
    let runs = sweep.runs().filter(|spec| sweep.is_certain(*spec)).count();
    writeln!(out, "{name}: {points} configurations × {replicates} replicates = {runs} runs")?;
    out.set("experiment", name.as_str());
    out.set("configurations", points);
    out.set("replicates", replicates);
    out.set("runs", runs);
    if let Some(StoppingRule { metric, relative_half_width, max_replicates, .. }) =
        &experiment.stopping
    {
        writeln!(
            out,
            "  more, up to {max_replicates} replicates, until {metric} is known to ± \
             {relative_half_width} of it"
        )?;
        out.set("stopping", json!({ "metric": metric, "max_replicates": max_replicates }));
    }
    for axis in &experiment.axes {
        out.push("axes", json!({ "keys": axis.keys, "values": axis.rows.len() }));
        writeln!(out, "  {} takes {} values", axis.keys.join(" + "), axis.rows.len())?;
    }
    if let Some(search) = &experiment.search {
        let (key, probes) = (&search.key, search.probes());
        out.set("search", json!({ "key": key, "probes": probes }));
        writeln!(out, "  of which two begin each search for {key}, of about {probes} runs each")?;
    }
    let keys = sweep.axis_keys();
    writeln!(out, "first runs:")?;
    for spec in sweep.runs().take(5) {
        let labels = keys.iter().zip(&sweep.points[spec.configuration].labels);
        let settings: Map<String, Value> =
            labels.clone().map(|(key, label)| (key.clone(), json!(label))).collect();
        let labels: Vec<String> = labels.map(|(key, label)| format!("{key} = {label}")).collect();
        let id = sweep.run_id(spec);
        let run = json!({ "run_id": id, "replicate": spec.replicate, "settings": settings });
        out.push("first_runs", run);
        writeln!(out, "  {id}  replicate {}  {}", spec.replicate, labels.join(", "))?;
    }
    let seconds = costs(&sweep, &[]).iter().sum::<f64>() * replicates as f64;
    let cores = rayon::current_num_threads();
    out.set("processor_s", seconds);
    out.set("threads", cores);
    writeln!(
        out,
        "about {:.0} s of processor time, {:.0} s on {cores} threads (from short trials; an \
         overloaded run may take longer)",
        seconds.ceil(),
        (seconds / cores as f64).ceil()
    )?;
    notes::of_inputs(&sweep, &mut out.notes);
    Ok(())
}
