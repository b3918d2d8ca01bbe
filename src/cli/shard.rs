//! A share of a sweep: some of its runs, into a journal of their own.

use super::CliError;
use super::notes::failed;
use super::progress::SweepProgress;
use crate::config::Problem;
use crate::config::source;
use crate::experiment::{Shard, Sweep, SweepResult};
use crate::report::manifest;
use clap::Args;
use std::io::Write;
use std::path::Path;

/// Which runs, if not all.
#[derive(Debug, Default, Args)]
pub(super) struct ShardArgs {
    /// Do share I of N, I from 0, into a journal of its own; `merge` puts them together. Without a
    /// value, the task of a Slurm array or an indexed Kubernetes job says which.
    #[arg(long, value_name = "I/N", num_args = 0..=1, default_missing_value = "")]
    #[arg(conflicts_with_all = ["run_ids", "engine"])]
    shard: Option<String>,
    /// Do these runs: their ids with commas between, or a file with one a line.
    #[arg(long, value_name = "FILE|LIST", conflicts_with = "engine")]
    run_ids: Option<String>,
}

impl ShardArgs {
    /// The part that is asked for.
    pub fn part(&self, sweep: &Sweep) -> Result<Option<Shard>, CliError> {
        if let Some(text) = &self.shard {
            let part = if text.is_empty() {
                Shard::from_environment(|name| std::env::var(name).ok())
            } else {
                Shard::parse(text)
            };
            return Ok(Some(part?));
        }
        let Some(given) = &self.run_ids else { return Ok(None) };
        let read = if source::exists(given) { Some(source::read(given)?.text) } else { None };
        let text = read.as_ref().unwrap_or(given);
        Ok(Some(Shard::runs(text, &sweep.unit_ids())?))
    }
}

/// Runs that depend on what others come to cannot be dealt out beforehand.
pub(super) fn fixed(sweep: &Sweep) -> Result<(), CliError> {
    let Some(until) = &sweep.experiment.stopping else { return Ok(()) };
    let place = until.place.clone().field("stopping");
    let found = "a number of replicates that results decide";
    let expected = "a fixed number where several processes share the runs";
    Err(Problem::new(place, found, expected).into())
}

/// Does the runs or searches of a part.
pub(super) fn run(
    sweep: &mut Sweep,
    folder: &Path,
    part: &Shard,
    jobs: usize,
    out: &mut impl Write,
) -> Result<(), CliError> {
    manifest::agree(sweep, folder)?;
    let bar = SweepProgress::new();
    let done = sweep.carry_out(folder, part, jobs, &bar);
    bar.end();
    let SweepResult { runs, searches } = done?;
    let units = if sweep.experiment.search.is_some() { searches.len() } else { runs.len() };
    let journal = folder.join(format!("{}.journal", part.journal()));
    let (all, what) = (sweep.units().count(), sweep.unit_name());
    writeln!(out, "{units} of {all} {what} in {}", journal.display())?;
    failed(&runs)
}
