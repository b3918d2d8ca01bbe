//! A share of a sweep: some of its runs, into a journal of their own.

use super::Failure;
use super::progress::Bar;
use super::sweep::failed;
use crate::input::Problem;
use crate::input::source;
use crate::report::manifest;
use crate::sweep::{Part, Sweep};
use clap::Args;
use std::io::Write;
use std::path::Path;

/// Which runs, if not all.
#[derive(Debug, Default, Args)]
pub(super) struct ShareArgs {
    /// Do share I of N, I from 0, into a journal of its own; `merge` puts them together. Without a
    /// value, the task of a Slurm array or an indexed Kubernetes job says which.
    #[arg(long, value_name = "I/N", num_args = 0..=1, default_missing_value = "")]
    #[arg(conflicts_with_all = ["run_ids", "engine"])]
    shard: Option<String>,
    /// Do these runs: their ids with commas between, or a file with one a line.
    #[arg(long, value_name = "FILE|LIST", conflicts_with = "engine")]
    run_ids: Option<String>,
}

impl ShareArgs {
    /// The part that is asked for.
    pub fn part(&self, sweep: &Sweep) -> Result<Option<Part>, Failure> {
        if let Some(text) = &self.shard {
            let part = if text.is_empty() {
                Part::from_environment(|name| std::env::var(name).ok())
            } else {
                Part::shard(text)
            };
            return Ok(Some(part?));
        }
        let Some(given) = &self.run_ids else { return Ok(None) };
        let read = if source::exists(given) { Some(source::read(given)?.text) } else { None };
        let text = read.as_ref().unwrap_or(given);
        Ok(Some(Part::runs(text, &sweep.unit_ids())?))
    }
}

/// Runs that depend on what others come to cannot be dealt out beforehand.
pub(super) fn fixed(sweep: &Sweep) -> Result<(), Failure> {
    let Some(until) = &sweep.experiment.until else { return Ok(()) };
    let place = until.place.clone().field("stopping");
    let found = "a number of replicates that results decide";
    let expected = "a fixed number where several processes share the runs";
    Err(Problem::new(place, found, expected).into())
}

/// Does the runs or searches of a part.
pub(super) fn run(
    sweep: &mut Sweep,
    folder: &Path,
    part: &Part,
    jobs: usize,
    out: &mut impl Write,
) -> Result<(), Failure> {
    manifest::agree(sweep, folder)?;
    let bar = Bar::new();
    let made = match sweep.experiment.search.clone() {
        Some(search) => {
            sweep.search(&search, folder, part, jobs, &bar).map(|(runs, found)| (found.len(), runs))
        }
        None => sweep.run_part(folder, part, jobs, &bar).map(|runs| (runs.len(), runs)),
    };
    bar.end();
    let (units, runs) = made?;
    let journal = folder.join(format!("{}.journal", part.journal()));
    let (all, what) = (sweep.units().count(), sweep.unit_name());
    writeln!(out, "{units} of {all} {what} in {}", journal.display())?;
    failed(&runs)
}
