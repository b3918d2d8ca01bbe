//! `peeksim shard-plan`: the runs of an experiment, for machines that share them.

use super::estimate::costs;
use super::output::rows_of_file;
use super::shard::check_fixed;
use super::{CliError, ExperimentArgs, Output, notes, results_folder};
use crate::output::atomic;
use crate::report::{Revision, manifest, plan_csv};
use clap::Args;
use std::io::Write;

/// Arguments of `shard-plan`.
#[derive(Debug, Args)]
pub(super) struct ShardPlanArgs {
    #[command(flatten)]
    experiment: ExperimentArgs,
    /// The folder of the results; `results/<name>` by default.
    #[arg(long, value_name = "FOLDER")]
    out: Option<String>,
}

pub(super) fn main(args: &ShardPlanArgs, out: &mut Output) -> Result<(), CliError> {
    let mut sweep = args.experiment.load()?;
    check_fixed(&sweep)?;
    let folder = results_folder(args.out.as_deref(), &sweep.experiment);
    atomic::folder(&folder)?;
    let finished = sweep.seconds(&folder)?;
    let costs = costs(&sweep, &finished);
    let revision = Revision::of(&sweep);
    manifest::write(&sweep, finished.len(), revision.as_ref(), &folder)?;
    let path = plan_csv::write(&sweep, &costs, &finished, &folder)?;
    let left = sweep.units().zip(&finished).filter(|(_, done)| done.is_none());
    let (count, seconds) =
        left.fold((0, 0.0), |(n, sum), (spec, _)| (n + 1, sum + costs[spec.configuration]));
    writeln!(
        out,
        "{}: {} {}, {count} to be done: about {:.0} s of processor time",
        sweep.experiment.name,
        finished.len(),
        sweep.unit_name(),
        f64::ceil(seconds)
    )?;
    out.set("experiment", sweep.experiment.name.as_str());
    out.set("to_be_done", count);
    out.set("processor_s", seconds);
    if out.is_json() {
        out.set("rows", rows_of_file(&path)?);
    }
    for path in [folder.join("manifest.toml"), path] {
        out.wrote(&path)?;
    }
    notes::of_inputs(&sweep, &mut out.notes);
    Ok(())
}
