//! `peeksim reproduce`: every experiment of a paper, its claims with verdicts, and the differences
//! from the kept results.

use super::messages::status;
use super::output::rows_of_file;
use super::sweep::{SweepReport, make, verdicts};
use super::{CliError, Output, notes, unknown, wrong};
use crate::config::note::{Note, Notes};
use crate::config::source::{below, embedded_paths, exists, is_same};
use crate::config::{Location, Problem};
use crate::experiment::{Experiment, Sweep};
use crate::output::atomic;
use crate::report::claims::Verdict;
use crate::report::reproduction::{
    Cells, ChangedCell, ClaimRow, Claims, ExperimentReport, TableComparison, Verdicts, about,
    markdown, sentence,
};
use crate::report::{Results, package};
use clap::Args;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};

/// Replicates with `--quick` where no kept claims say how many decide.
const QUICK: u64 = 2;
/// The most moved cells that are listed.
const LISTED: usize = 20;

/// Arguments of `reproduce`.
///
/// Fails if a gated claim does not hold, or if a cell of runs.csv or claims.csv is not as it was
/// kept.
#[derive(Debug, Args)]
pub(super) struct ReproduceArgs {
    /// A folder of experiments/, such as sneakpeek, or any other folder of experiments.
    suite: String,
    /// The same configurations with as few replicates as decide every gated claim, by the kept
    /// claims.csv; two where there is none.
    #[arg(long)]
    quick: bool,
    /// Threads; one per core by default.
    #[arg(long, default_value_t = 0, hide_default_value = true)]
    jobs: usize,
    /// The folder of the new results; `reproduced/<suite>` by default. That of the kept results
    /// renews them.
    #[arg(long)]
    out: Option<String>,
    /// The kept results to compare with; `results/<suite>` by default. The claims of `sneakpeek`
    /// are inside the binary, too.
    #[arg(long, value_name = "DIR")]
    baseline: Option<String>,
}

pub(super) fn main(args: &ReproduceArgs, out: &mut Output) -> Result<(), CliError> {
    let (suite, paths) = experiments(&args.suite)?;
    let name = suite.trim_end_matches('/').rsplit('/').next().unwrap_or(&suite).to_owned();
    let default = |folder: &str| Path::new(folder).join(&name);
    let folder = args.out.as_ref().map_or_else(|| default("reproduced"), PathBuf::from);
    let kept = args.baseline.as_ref().map_or_else(|| default("results"), PathBuf::from);
    if args.quick && is_same(&folder, &kept) {
        let found = format!("`{}`, the folder of the kept results", folder.display());
        let expected = "another folder: --quick runs fewer replicates than are kept";
        return Err(wrong("--out", found, expected).into());
    }
    // Read before anything is written: the two folders may be the same.
    let claims = kept_claims(&kept, &mut out.notes)?;
    let experiments = load(&paths, args.quick.then_some(&claims))?;
    let mut reports = Vec::new();
    for (at, (path, experiment)) in paths.iter().zip(experiments).enumerate() {
        let mut sweep = Sweep::new(experiment)?;
        let name = sweep.experiment.name.clone();
        status(&format!("{} of {}: {name}, {}", at + 1, paths.len(), sweep.experiment.title));
        notes::of_inputs(&sweep, &mut out.notes);
        let kept = kept_results(&kept.join(&name), &mut out.notes)?;
        let written = make(&mut sweep, &folder.join(&name), args.jobs)?;
        let SweepReport { failed, results, notes: more, .. } = written;
        let more = more.into_iter().chain(notes::of_rows(&results));
        out.notes.extend(more.map(|note| note.of(&name)));
        failed?;
        let section = section(&suite, path);
        let report = ExperimentReport::new(&sweep, section, results, kept.as_ref(), args.quick);
        print(&report, out)?;
        reports.push(report);
    }
    let path = folder.join("REPORT.md");
    let title = format!("Every claim of `{name}`, with its verdict");
    atomic::write(&path, markdown(&title, &reports, &suite)?.as_bytes())?;
    let table = folder.join("claims.csv");
    let judged = Claims::new(reports.iter().flat_map(|report| report.rows.clone()).collect());
    package::remove(&folder)?;
    judged.write(&table)?;
    package::write_one(&name, "claims.csv", &folder)?;
    if out.is_json() {
        out.set("rows", rows_of_file(&table)?);
    }
    [&path, &table].into_iter().try_for_each(|path| out.wrote(path))?;
    writeln!(out)?;
    conclude(args.quick, &reports, &judged, claims.as_ref(), out)
}

/// The folder of a suite and its experiments: a folder on disk, or one of experiments/.
fn experiments(suite: &str) -> Result<(String, Vec<String>), CliError> {
    let folders = [format!("experiments/{suite}"), suite.to_owned()];
    let found = folders.into_iter().map(|folder| {
        let paths = below(&folder, ".toml");
        (folder, paths)
    });
    let named = |(_, paths): &(String, Vec<String>)| !suite.is_empty() && !paths.is_empty();
    let Some((folder, mut own)) = found.into_iter().find(named) else {
        let inner = |path: &String| {
            let rest = path.strip_prefix("experiments/")?;
            rest.split_once('/').map(|(folder, _)| folder.to_owned())
        };
        let mut known: Vec<String> = embedded_paths(".toml").iter().filter_map(inner).collect();
        known.dedup();
        let known = known.iter().map(String::as_str);
        return Err(unknown("reproduce", "suite", suite, known).into());
    };
    // Folders after files; without the ending, `e03` comes before `e03-measured`.
    let order =
        |path: &String| (path.matches('/').count(), path.trim_end_matches(".toml").to_owned());
    own.sort_by_key(order);
    Ok((folder, own))
}

/// The experiments of a suite; each has results in a folder of its name, so names must differ. With
/// kept claims, `quick` gives each the fewest replicates that decide its claims.
fn load(paths: &[String], quick: Option<&Option<Claims>>) -> Result<Vec<Experiment>, CliError> {
    let mut named = BTreeMap::new();
    let mut experiments = Vec::new();
    for path in paths {
        let mut experiment = Experiment::load(path, &[])?;
        if let Some(other) = named.insert(experiment.name.clone(), path) {
            let found = format!("\"{}\", the name of {other}", experiment.name);
            let place = Location::file(path).field("name");
            return Err(Problem::new(place, found, "a name of its own in the suite").into());
        }
        if let Some(claims) = quick {
            let fewest = claims.as_ref().and_then(|claims| claims.fewest(&experiment.name));
            let replicates = fewest.unwrap_or(QUICK).min(experiment.replicates);
            experiment = Experiment::load(path, &[format!("replicates={replicates}")])?;
        }
        experiments.push(experiment);
    }
    Ok(experiments)
}

/// The folder of an experiment within that of its suite; empty if it has none.
fn section<'p>(folder: &str, path: &'p str) -> &'p str {
    let inner = path.get(folder.trim_end_matches('/').len() + 1..).unwrap_or("");
    inner.rsplit_once('/').map_or("", |(section, _)| section)
}

/// The claims kept in a folder, or inside the binary, if there are any.
fn kept_claims(folder: &Path, notes: &mut Notes) -> Result<Option<Claims>, CliError> {
    let path = folder.join("claims.csv");
    let claims = Claims::load(&path)?;
    if claims.is_none() {
        notes.add(Note::new("", format!("no {} to compare with", path.display())));
    } else if !folder.is_dir() {
        let folder = folder.display();
        let text =
            format!("no folder {folder}: claims are compared with those kept inside the binary");
        notes.add(Note::new("", text));
    }
    Ok(claims)
}

/// The results kept in a folder, if there are any.
fn kept_results(folder: &Path, notes: &mut Notes) -> Result<Option<Results>, CliError> {
    let path = folder.join("runs.csv");
    if !exists(&path.to_string_lossy()) {
        notes.add(Note::new("kept", format!("no {} to compare with", path.display())));
        return Ok(None);
    }
    Ok(Some(Results::load(folder)?))
}

fn print(report: &ExperimentReport, out: &mut Output) -> Result<(), CliError> {
    writeln!(out, "{}: {}", report.experiment.name, report.experiment.title)?;
    for (claim, judged) in &report.claims {
        let (what, found) = (about(claim, ""), sentence(claim, judged));
        writeln!(out, "  {}{what}: {found}", claim.claim)?;
        if claim.not_transposable.is_none() {
            verdicts(judged, out)?;
        }
    }
    if let Some(compared) = &report.compared {
        list(compared, out)?;
    }
    writeln!(out)?;
    Ok(())
}

/// Lists the cells that moved, or the first of them.
pub(super) fn list(compared: &TableComparison, out: &mut Output) -> Result<(), CliError> {
    for ChangedCell { row, column, was, is } in &compared.moved {
        out.push("moved", json!({ "row": row, "column": column, "was": was, "is": is }));
    }
    for ChangedCell { row, column, was, is } in compared.moved.iter().take(LISTED) {
        writeln!(out, "  moved: {row}: {column} was {was}, is {is}")?;
    }
    if let Some(more) = compared.moved.len().checked_sub(LISTED).filter(|more| *more > 0) {
        writeln!(out, "  moved: {more} cells more")?;
    }
    Ok(())
}

/// Prints the totals; fails if a gated claim does not hold or a cell moved. `--quick` makes too few
/// replicates to decide more than the kept claims did.
fn conclude(
    quick: bool,
    reports: &[ExperimentReport],
    judged: &Claims,
    kept: Option<&Claims>,
    out: &mut Output,
) -> Result<(), CliError> {
    let undecided = |row: &ClaimRow| !quick || kept.is_some_and(|kept| kept.decides(row));
    let failed = reports.iter().flat_map(|report| report.failed_gates(undecided));
    let mut reasons: Vec<String> = failed.collect();
    let compared =
        kept.map(|kept| judged.compare(&if quick { kept.quick() } else { kept.clone() }));
    if let Some(compared) = &compared {
        list(compared, out)?;
    }
    let (mut all, mut gated) = (Verdicts::default(), Verdicts::default());
    for (claim, judged) in reports.iter().flat_map(|report| &report.claims) {
        let verdicts = judged.iter().map(|judged| judged.verdict);
        if claim.gate {
            gated.extend(verdicts.clone());
        }
        all.extend(verdicts);
    }
    let count = |compared: &mut dyn Iterator<Item = &TableComparison>| {
        compared.fold(Cells::default(), Cells::with)
    };
    let runs = count(&mut reports.iter().filter_map(|report| report.compared.as_ref()));
    let claims = count(&mut compared.iter());
    let counts = |verdicts: Verdicts| -> Map<String, Value> {
        let count = |own: Verdict| (own.name().to_owned(), json!(verdicts.count(own)));
        Verdict::ALL.into_iter().map(count).collect()
    };
    out.set("claims", counts(all));
    out.set("gated_claims", counts(gated));
    for (field, Cells { compared, moved }) in [("cells_of_claims", claims), ("cells_of_runs", runs)]
    {
        out.set(field, json!({ "compared": compared, "moved": moved }));
    }
    writeln!(out, "claims: {all}")?;
    writeln!(out, "gated claims: {gated}")?;
    writeln!(out, "cells of claims.csv: {claims}")?;
    writeln!(out, "cells of runs.csv: {runs}")?;
    for (cells, file) in [(runs, "runs.csv"), (claims, "claims.csv")] {
        if cells.moved > 0 {
            reasons.push(format!("{} cells of {file} moved since they were kept", cells.moved));
        }
    }
    if reasons.is_empty() { Ok(()) } else { Err(CliError::Failed(reasons.join("\n"))) }
}
