//! `peeksim verify`: makes the runs of a results folder again and compares their rows.

use super::inspect::find;
use super::{CliError, Output};
use crate::experiment::{RunRecord, RunSpec, Sweep, build_id};
use crate::report::{self, ResultRow, Results, manifest};
use clap::Args;
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;

/// Arguments of `verify`.
#[derive(Debug, Args)]
pub(super) struct VerifyArgs {
    /// A results folder with manifest.toml and runs.csv.
    folder: PathBuf,
    /// Which run, by its id or the beginning of it; all by default.
    #[arg(long, value_name = "ID")]
    run: Option<String>,
}

pub(super) fn main(args: &VerifyArgs, out: &mut Output) -> Result<(), CliError> {
    let manifest = manifest::read(&args.folder)?;
    let results = Results::load_runs(&args.folder)?;
    if manifest.build != build_id() {
        let (then, now) = (&manifest.build, build_id());
        out.note(format!("the results are of build {then}, this is {now}"));
    }
    let mut sweep = Sweep::new(manifest.experiment)?;
    let probes = probes(&mut sweep, &results)?;
    for (path, hash) in &manifest.inputs {
        if sweep.inputs.files().get(path) != Some(hash) {
            out.note(format!("{path} is not what it was"));
        }
    }
    let specs: Vec<_> = match &args.run {
        Some(id) => vec![find(&sweep, Some(id))?],
        None => probes.unwrap_or_else(|| {
            // Which further replicates there are was decided by the rows.
            let kept: BTreeSet<&str> = results.rows.iter().map(ResultRow::id).collect();
            let is_kept = |spec| kept.contains(sweep.run_id(spec).as_str());
            sweep.runs().filter(|spec| sweep.is_certain(*spec) || is_kept(*spec)).collect()
        }),
    };
    let mut kept: BTreeMap<&str, Vec<&ResultRow>> = BTreeMap::new();
    results.rows.iter().for_each(|row| kept.entry(row.id()).or_default().push(row));
    let header = report::header(&sweep);
    let tables = report::Tables::load(&sweep, &args.folder)?;
    let ids: BTreeSet<String> = specs.iter().map(|spec| sweep.run_id(*spec)).collect();
    let (mut same, mut moved) = (0u64, 0u64);
    for spec in specs {
        let (id, entry) = (sweep.run_id(spec), Arc::new(sweep.one(spec)));
        let run = RunRecord { spec, id, entry };
        let rows = kept.get(run.id.as_str()).map_or(&[][..], Vec::as_slice);
        let quantiles = results.quantiles.get(&run.id).map_or(&[][..], Vec::as_slice);
        let mut differences = differences(&sweep, (rows, quantiles), &header, &run);
        differences.extend(tables.differences(&sweep, &run));
        if differences.is_empty() {
            same += 1;
            continue;
        }
        moved += 1;
        let labels = &sweep.points[spec.configuration].labels;
        writeln!(out, "{}: {}", run.id, labels.join(", "))?;
        differences.iter().try_for_each(|line| writeln!(out, "  {line}"))?;
        out.push("differences", json!({ "run_id": run.id, "differences": differences }));
    }
    if args.run.is_none() {
        for row in results.rows.iter().filter(|row| !ids.contains(row.id())) {
            let text = "no run of this experiment";
            writeln!(out, "{}: {text}", row.id())?;
            out.push("differences", json!({ "run_id": row.id(), "differences": [text] }));
            moved += 1;
        }
    }
    out.set("same", same);
    out.set("moved", moved);
    writeln!(out, "{same} rows the same, {moved} moved")?;
    if moved == 0 { Ok(()) } else { Err(CliError::Failed(format!("{moved} rows moved"))) }
}

/// The runs of searches, which are no points of the grid.
fn probes(sweep: &mut Sweep, results: &Results) -> Result<Option<Vec<RunSpec>>, CliError> {
    let Some(search) = sweep.experiment.search.clone() else { return Ok(None) };
    let mut specs = Vec::new();
    for row in &results.rows {
        specs.extend(sweep.find_probe(&search, &row.labels, row.replicate)?);
    }
    Ok(Some(specs))
}

/// The differences between the kept rows and quantiles of a run and the run made again, one line
/// each.
fn differences(
    sweep: &Sweep,
    (rows, kept): (&[&ResultRow], &[f64]),
    header: &[String],
    run: &RunRecord,
) -> Vec<String> {
    let labels = &sweep.points[run.spec.configuration].labels;
    // Equal configurations with two labels are one run with two rows.
    let same = rows.iter().find(|row| row.labels == *labels);
    let Some(row) = same.or(rows.first()) else {
        return vec!["not in runs.csv".to_owned()];
    };
    let new = report::row(sweep, run);
    let cells = header.iter().zip(row.text().zip(&new));
    let mut lines: Vec<String> = cells
        .filter(|(_, (old, new))| *old != new.trim())
        .map(|(column, (old, new))| format!("{column}: {} became {}", shown(old), shown(new)))
        .collect();
    let quantiles: Vec<f64> =
        run.entry.result.quantiles.iter().filter_map(|value| value.parse().ok()).collect();
    if kept != quantiles {
        lines.push("quantiles.csv: not the same latencies".to_owned());
    }
    lines
}

fn shown(cell: &str) -> &str {
    if cell.is_empty() { "an empty cell" } else { cell }
}
