//! What a user should know about a sweep: notes that a command prints at its end.

use super::CliError;
use crate::config::note::{Note, Notes};
use crate::experiment::{RunRecord, Sweep};
use crate::report::rates;
use crate::report::{Results, row_notes};

/// What a user should know about the inputs and the settings of a sweep.
pub(super) fn of_inputs(sweep: &Sweep, notes: &mut Notes) {
    notes.extend(sweep.inputs.warnings());
    notes.extend(sweep.configs.notes());
    if sweep.experiment.most_replicates() > 1 {
        notes.extend(sweep.configs.repeats().into_iter().map(|text| Note::new("", text)));
    }
}

/// What a user should know about the runs of a sweep.
pub(super) fn of_runs(sweep: &Sweep, runs: &[RunRecord]) -> Vec<Note> {
    let all = [rates::note(sweep, runs), rates::overload(sweep, runs), long_series(sweep, runs)];
    all.into_iter().flatten().map(|text| Note::new("", text)).collect()
}

/// What a user should know about the rows of a sweep.
pub(super) fn of_rows(results: &Results) -> Vec<Note> {
    row_notes(results).into_iter().map(|text| Note::new("", text)).collect()
}

/// Runs with more intervals than a time series has rows.
fn long_series(sweep: &Sweep, runs: &[RunRecord]) -> Option<String> {
    let at = sweep.experiment.tables.iter().position(|table| table.name == "timeseries")?;
    let most = crate::metrics::MAX_INTERVALS;
    let long =
        |run: &&RunRecord| run.entry.result.tables.get(at).is_some_and(|rows| rows.len() >= most);
    let count = runs.iter().filter(long).count();
    let (all, step_ms) = (runs.len(), sweep.experiment.series.as_ms());
    (count > 0).then(|| {
        format!(
            "in {count} of {all} runs a time series has {most} intervals of {step_ms} ms, and the \
             last of them holds all that came later: a longer `timeseries_ms` shows the rest"
        )
    })
}

/// Fails if a run did.
pub(super) fn failed(runs: &[RunRecord]) -> Result<(), CliError> {
    let failed = || runs.iter().filter(|run| run.failed());
    let Some(RunRecord { id, entry, .. }) = failed().next() else { return Ok(()) };
    let (count, all, error) = (failed().count(), runs.len(), &entry.result.error);
    Err(CliError::Failed(format!("{count} of {all} runs failed; the first, {id}: {error}")))
}
