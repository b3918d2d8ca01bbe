//! Writing `runs.csv`, `quantiles.csv` and `timings.csv` of a sweep.

use super::results::{HEAD, TABLE_HEAD};
use crate::experiment::{RunRecord, SCHEMA_VERSION, Sweep};
use crate::metrics::{COLUMNS, QUANTILES, TABLES, TableEntry};
use crate::output::atomic::{self, WriteError};
use std::collections::BTreeSet;
use std::path::Path;

/// Writes the rows of all runs, in order, and beside them what does not belong into them.
pub fn write_runs(sweep: &Sweep, runs: &[RunRecord], folder: &Path) -> Result<(), WriteError> {
    let rows = runs.iter().map(|run| row(sweep, run));
    write_csv(&folder.join("runs.csv"), std::iter::once(header(sweep)).chain(rows))?;
    write_tables(sweep, runs, folder)?;
    let quantiles = folder.join("quantiles.csv");
    if sweep.output_request().quantiles {
        let head = ["run_id", "q", "latency_ms"].map(str::to_owned).to_vec();
        // Settings with two names are one run.
        let mut seen = BTreeSet::new();
        let rows = runs.iter().filter(|run| seen.insert(&run.id)).flat_map(|run| {
            let values = run.entry.result.quantiles.iter().zip(QUANTILES);
            values.map(|(value, q)| vec![run.id.clone(), q.to_string(), value.clone()])
        });
        write_csv(&quantiles, std::iter::once(head).chain(rows))?;
    } else {
        // Those of another sweep into this folder would be taken for this one's.
        atomic::remove(&quantiles)?;
    }
    write_csv(&folder.join("timings.csv"), timings(runs))
}

/// Writes the tables that were asked for, each row with what names its run.
fn write_tables(sweep: &Sweep, runs: &[RunRecord], folder: &Path) -> Result<(), WriteError> {
    let wanted = sweep.output_request().tables;
    for table in TABLES {
        let path = folder.join(format!("{}.csv", table.name));
        let Some(at) = wanted.iter().position(|wanted| wanted.name == table.name) else {
            atomic::remove(&path)?;
            continue;
        };
        let rows = runs.iter().flat_map(|run| {
            let head = table_head(sweep, run);
            let rows = run.entry.result.tables.get(at).into_iter().flatten();
            rows.map(move |row| [head.as_slice(), row].concat())
        });
        write_csv(&path, std::iter::once(table_header(sweep, table)).chain(rows))?;
    }
    Ok(())
}

/// The columns of a table of several rows a run.
pub(super) fn table_header(sweep: &Sweep, table: &TableEntry) -> Vec<String> {
    let head = TABLE_HEAD.iter().map(|column| column.name.to_owned()).chain(sweep.axis_keys());
    head.chain(table.columns.iter().map(|column| column.name.to_owned())).collect()
}

/// What every row of a run begins with in such a table.
pub(super) fn table_head(sweep: &Sweep, run: &RunRecord) -> Vec<String> {
    let labels = &sweep.points[run.spec.configuration].labels;
    let mut head = vec![run.id.clone(), run.spec.replicate.to_string()];
    head.extend(labels.iter().cloned());
    head
}

/// The columns of a sweep's `runs.csv`.
pub fn header(sweep: &Sweep) -> Vec<String> {
    let head = HEAD.iter().map(|column| column.name.to_owned()).chain(sweep.axis_keys());
    let metrics = COLUMNS.iter().map(|column| column.name.to_owned());
    head.chain(["accuracy_source".to_owned()]).chain(metrics).chain(["error".to_owned()]).collect()
}

/// The cells of a run's row in `runs.csv`.
pub fn row(sweep: &Sweep, run: &RunRecord) -> Vec<String> {
    let at = run.spec.configuration;
    let mut cells = vec![
        run.id.clone(),
        SCHEMA_VERSION.to_string(),
        sweep.config_hash(at).to_owned(),
        run.spec.replicate.to_string(),
        sweep.experiment.seed.to_string(),
    ];
    cells.extend(sweep.points[at].labels.iter().cloned());
    cells.push(sweep.configs[at].info.name().to_owned());
    cells.extend(run.entry.result.cells.iter().cloned());
    cells.push(run.entry.result.error.clone());
    cells
}

/// Wall-clock facts, apart from the results since no two runs agree on them.
fn timings(runs: &[RunRecord]) -> impl Iterator<Item = Vec<String>> + '_ {
    let head = ["run_id", "wall_s", "requests_per_s", "decisions_per_s"];
    let column = |name: &str| COLUMNS.iter().position(|column| column.name == name);
    let (requests, decisions) = (column("arrived"), column("decisions"));
    let rows = runs.iter().map(move |run| {
        let rate = |at: Option<usize>| {
            let count = at.and_then(|at| run.entry.result.cells[at].parse::<f64>().ok());
            count.map_or(String::new(), |count| format!("{:.0}", count / run.entry.wall_s))
        };
        vec![run.id.clone(), format!("{:.6}", run.entry.wall_s), rate(requests), rate(decisions)]
    });
    std::iter::once(head.map(str::to_owned).to_vec()).chain(rows)
}

/// Writes a table whole or not at all.
pub(super) fn write_csv(
    path: &Path,
    rows: impl Iterator<Item = Vec<String>>,
) -> Result<(), WriteError> {
    atomic::with(path, |file| {
        let mut writer = csv::Writer::from_writer(std::io::BufWriter::new(file));
        for row in rows {
            writer.write_record(&row)?;
        }
        writer.flush()
    })
}
