//! Writing `runs.csv`, `quantiles.csv` and `timings.csv` of a sweep.

use super::results::{HEAD, TABLE_HEAD};
use crate::experiment::{RunRecord, SCHEMA_VERSION, Sweep};
use crate::metrics::column::{column, share, text};
use crate::metrics::{Cell, Column, QUANTILES, Study, TABLES, TableEntry, named};
use crate::output::atomic::{self, WriteError};
use std::borrow::Cow;
use std::collections::BTreeSet;
use std::path::Path;

/// The columns of `quantiles.csv`.
pub(super) const QUANTILE_COLUMNS: [Column; 3] = [
    text("run_id", "which run, as in runs.csv"),
    share("q", "which quantile"),
    column("latency_ms", "latency that this share of the completed requests does not exceed"),
];

/// When a rate of `timings.csv` is absent.
const NO_RATE: &str = "the run failed, or its experiment is an offloading study";

/// The columns of `timings.csv`.
pub(super) const TIMING_COLUMNS: [Column; 4] = [
    text("run_id", "which run, as in runs.csv"),
    column("wall_s", "how long the run took; no two runs agree"),
    column("requests_per_s", "requests simulated per second").empty(NO_RATE),
    column("decisions_per_s", "decisions taken per second").empty(NO_RATE),
];

/// Writes `runs.csv` and the tables, quantiles and timings of all runs, in order.
///
/// # Errors
/// Says which file could not be written.
pub fn write_runs(sweep: &Sweep, runs: &[RunRecord], folder: &Path) -> Result<(), WriteError> {
    write_csv(&folder.join("runs.csv"), header(sweep), runs.iter().map(|run| row(sweep, run)))?;
    write_tables(sweep, runs, folder)?;
    let quantiles = folder.join("quantiles.csv");
    if sweep.output_request().quantiles {
        // Settings with two names are one run.
        let mut seen = BTreeSet::new();
        let rows = runs.iter().filter(|run| seen.insert(&run.id)).flat_map(|run| {
            let values = run.entry.result.quantiles.iter().zip(QUANTILES);
            values.map(|(value, q)| vec![run.id.clone(), q.to_string(), value.clone()])
        });
        write_csv(&quantiles, names(&QUANTILE_COLUMNS), rows)?;
    } else {
        // Those of another sweep into this folder would be taken for this one's.
        atomic::remove(&quantiles)?;
    }
    let timings = runs.iter().map(|run| timing(sweep.experiment.study, run));
    write_csv(&folder.join("timings.csv"), names(&TIMING_COLUMNS), timings)
}

/// Writes the tables that were asked for, each row with what names its run.
fn write_tables(sweep: &Sweep, runs: &[RunRecord], folder: &Path) -> Result<(), WriteError> {
    // Some are kept for statistics alone.
    let (kept, asked) = (sweep.output_request().tables, &sweep.experiment.tables);
    for table in TABLES {
        let path = folder.join(format!("{}.csv", table.name));
        let at = kept.iter().position(|kept| kept.name == table.name);
        let Some(at) = at.filter(|_| asked.iter().any(|asked| asked.name == table.name)) else {
            atomic::remove(&path)?;
            continue;
        };
        let rows = runs.iter().flat_map(|run| {
            let head = table_head(sweep, run);
            let rows = run.entry.result.tables.get(at).into_iter().flatten();
            rows.map(move |row| [head.as_slice(), row].concat())
        });
        write_csv(&path, table_header(sweep, table), rows)?;
    }
    Ok(())
}

/// The columns of a table of several rows a run.
pub(super) fn table_header(sweep: &Sweep, table: &TableEntry) -> Vec<String> {
    [names(&TABLE_HEAD), sweep.axis_keys(), names(table.columns)].concat()
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
    let study = sweep.experiment.study;
    let source = [study.source().name.to_owned()];
    let error = ["error".to_owned()];
    [&names(&HEAD)[..], &sweep.axis_keys(), &source, &names(study.columns()), &error].concat()
}

/// The cells of a run's row in `runs.csv`.
pub fn row<'a>(sweep: &'a Sweep, run: &'a RunRecord) -> Vec<Cow<'a, str>> {
    let (at, result) = (run.spec.configuration, &run.entry.result);
    let mut cells: Vec<Cow<'_, str>> = vec![
        run.id.as_str().into(),
        SCHEMA_VERSION.to_string().into(),
        sweep.config_hash(at).into(),
        run.spec.replicate.to_string().into(),
        sweep.experiment.seed.to_string().into(),
    ];
    cells.extend(sweep.points[at].labels.iter().map(Cow::from));
    cells.push(sweep.configs.source(at).into());
    cells.extend(result.cells.iter().chain([&result.error]).map(Cow::from));
    cells
}

/// Wall-clock times of a run, apart from the results since no two runs agree on them.
fn timing(study: Study, run: &RunRecord) -> Vec<String> {
    let rate = |name: &str| {
        let cells = Some(&run.entry.result.cells).filter(|_| study == Study::Scheduling);
        let count = cells.and_then(|cells| named(cells, name)?.parse::<f64>().ok());
        count.map_or(String::new(), |count| format!("{:.0}", count / run.entry.wall_s))
    };
    vec![run.id.clone(), format!("{:.6}", run.entry.wall_s), rate("arrived"), rate("decisions")]
}

/// The names of columns.
pub(super) fn names(columns: &[Column]) -> Vec<String> {
    columns.iter().map(|column| column.name.to_owned()).collect()
}

/// A number with all digits; an empty cell if there is none.
pub(super) fn number(value: Option<f64>) -> String {
    Cell::from(value).to_string()
}

/// Writes a table whole or not at all.
pub(super) fn write_csv<C: AsRef<str>>(
    path: &Path,
    header: impl AsRef<[String]>,
    rows: impl IntoIterator<Item = Vec<C>>,
) -> Result<(), WriteError> {
    atomic::with(path, |file| {
        let mut writer = csv::Writer::from_writer(std::io::BufWriter::new(file));
        writer.write_record(header.as_ref())?;
        for row in rows {
            writer.write_record(row.iter().map(|cell| cell.as_ref().as_bytes()))?;
        }
        writer.flush()
    })
}
