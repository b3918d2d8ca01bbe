//! A shard of a sweep: some of its runs, in a journal of their own.

use super::notes::failed;
use super::progress::SweepProgress;
use super::{CliError, Output};
use crate::config::Problem;
use crate::config::source;
use crate::experiment::{Shard, Sweep, SweepResult};
use crate::report::manifest;
use clap::Args;
use std::io::Write;
use std::path::Path;

/// The runs of a sweep that are made, if not all.
#[derive(Debug, Args)]
pub(super) struct ShardArgs {
    /// Make the runs of shard I of N, I from 0, in a journal of its own, for `merge`. Without a
    /// value, it is that of the task of a Slurm array or an indexed Kubernetes job.
    #[arg(long, value_name = "I/N", num_args = 0..=1, default_missing_value = "")]
    #[arg(conflicts_with_all = ["run_ids", "engine"])]
    shard: Option<String>,
    /// Make these runs: their ids separated by commas, or a file with one in each line.
    #[arg(long, value_name = "FILE|LIST", conflicts_with = "engine")]
    run_ids: Option<String>,
}

impl ShardArgs {
    /// The requested shard, if not all runs are.
    pub fn shard(&self, sweep: &Sweep) -> Result<Option<Shard>, CliError> {
        if let Some(text) = &self.shard {
            let shard = match text.as_str() {
                "" => Shard::from_environment(|name| std::env::var(name).ok()),
                text => Shard::parse(text),
            };
            return Ok(Some(shard?));
        }
        let Some(given) = &self.run_ids else { return Ok(None) };
        let read = if source::exists(given) { Some(source::read(given)?.text) } else { None };
        let text = read.as_ref().unwrap_or(given);
        Ok(Some(Shard::runs(text, &sweep.unit_ids())?))
    }
}

/// Refuses experiments whose results decide which runs are made: these cannot be distributed.
pub(super) fn check_fixed(sweep: &Sweep) -> Result<(), Problem> {
    let Some(rule) = &sweep.experiment.stopping else { return Ok(()) };
    let place = rule.place.clone().field("stopping");
    let found = "a number of replicates that results decide";
    let expected = "a fixed number where several processes share the runs";
    Err(Problem::new(place, found, expected))
}

/// Makes the runs or searches of a shard.
pub(super) fn run(
    sweep: &mut Sweep,
    folder: &Path,
    shard: &Shard,
    jobs: usize,
    out: &mut Output,
) -> Result<(), CliError> {
    manifest::agree(sweep, folder)?;
    let bar = SweepProgress::new();
    let done = sweep.carry_out(folder, shard, jobs, &bar);
    out.notes.extend(bar.end());
    let SweepResult { runs, searches } = done?;
    let units = if sweep.experiment.search.is_some() { searches.len() } else { runs.len() };
    let journal = folder.join(format!("{}.journal", shard.journal()));
    let (all, what) = (sweep.units().count(), sweep.unit_name());
    out.set("made", units);
    out.set("of", all);
    out.set("unit", what);
    out.set("journal", journal.to_string_lossy());
    writeln!(out, "{units} of {all} {what} in {}", journal.display())?;
    failed(&runs)
}
