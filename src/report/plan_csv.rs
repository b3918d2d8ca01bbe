//! `plan.csv`: every run of a sweep, or every search, with its id and what it may cost.

use super::results::HEAD;
use super::runs_csv::{names, write_csv};
use crate::experiment::Sweep;
use crate::output::atomic::WriteError;
use std::path::{Path, PathBuf};

/// Writes a row for each run or search: `cost_s` are the seconds of its configuration, `done` is 1
/// where `finished` knows it, else 0. A search has the id and the settings of its first run.
pub fn write(
    sweep: &Sweep,
    costs: &[f64],
    finished: &[Option<f64>],
    folder: &Path,
) -> Result<PathBuf, WriteError> {
    let path = folder.join("plan.csv");
    let own = names(&HEAD).into_iter().filter(|name| name != "schema_version");
    let tail = ["requests", "cost_s", "done"].map(str::to_owned);
    let head: Vec<String> = own.chain(sweep.axis_keys()).chain(tail).collect();
    let rows = sweep.units().zip(finished).map(|(spec, seconds)| {
        let at = spec.configuration;
        let mut row = vec![
            sweep.run_id(spec),
            sweep.config_hash(at).to_owned(),
            spec.replicate.to_string(),
            sweep.experiment.seed.to_string(),
        ];
        row.extend(sweep.points[at].labels.iter().cloned());
        row.push(sweep.configs.size(at).to_string());
        row.push(format!("{:.6}", costs[at]));
        row.push(u8::from(seconds.is_some()).to_string());
        row
    });
    write_csv(&path, head, rows)?;
    Ok(path)
}
