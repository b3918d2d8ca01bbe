//! `peeksim sweep`: makes all runs of an experiment and writes their results.

use super::cluster::{ClusterArgs, Engine, Task};
use super::output::rows_of_file;
use super::progress::SweepProgress;
use super::shard::{self, ShardArgs};
use super::{CliError, ExperimentArgs, Output, milliseconds, notes, results_folder, wrong};
use crate::config::Problem;
use crate::config::note::Note;
use crate::config::toml::quote;
use crate::experiment::{
    CapacityResult, Expectation, Experiment, FigureSpec, Shard, Sweep, SweepResult, build_id,
    threads,
};
use crate::metrics::Study;
use crate::output::atomic;
use crate::report::claims::{ClaimResult, Verdict, judge};
use crate::report::league::{self, Block, FEWEST, League, METRICS, read_walls};
use crate::report::manifest::{FolderContents, Manifest};
use crate::report::{
    ResultRow, Results, Revision, best, capacity, compare, console, draw_all, manifest, package,
    page, summary, write_runs, write_samples,
};
use clap::Args;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::io::Write;
use std::path::{Path, PathBuf};

/// Arguments of `sweep`.
#[derive(Debug, Args)]
pub(super) struct SweepArgs {
    #[command(flatten)]
    experiment: ExperimentArgs,
    /// Threads; one per core by default.
    #[arg(long, default_value_t = 0, hide_default_value = true)]
    jobs: usize,
    /// The folder of the results; `results/<name>` by default.
    // Text: the name stands in messages, and files there are read by name.
    #[arg(long, value_name = "FOLDER")]
    out: Option<String>,
    /// Write tables of several rows a run beside runs.csv: `apps`, `variants`, `batches`, `loads`,
    /// `batch_sizes`, `late_because`, `workers`.
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    tables: Vec<String>,
    /// Write a time series with intervals of this length, as `1s` or `250ms`.
    #[arg(long, value_name = "LENGTH")]
    timeseries: Option<String>,
    /// Replace the results of other settings in the folder.
    #[arg(long)]
    overwrite: bool,
    #[command(flatten)]
    shard: ShardArgs,
    /// Where the runs are made.
    #[arg(long, value_enum, default_value_t)]
    engine: Engine,
    #[command(flatten)]
    cluster: ClusterArgs,
}

impl SweepArgs {
    /// The experiment with the changes of these options.
    fn experiment(&self) -> Result<ExperimentArgs, Problem> {
        let mut experiment = self.experiment.clone();
        if !self.tables.is_empty() {
            let names: Vec<String> = self.tables.iter().map(|name| quote(name)).collect();
            experiment.set.push(format!("tables=[{}]", names.join(", ")));
        }
        if let Some(length) = &self.timeseries {
            experiment.set.push(format!("timeseries_ms={}", milliseconds("--timeseries", length)?));
        }
        Ok(experiment)
    }
}

pub(super) fn main(args: &SweepArgs, out: &mut Output) -> Result<(), CliError> {
    let experiment = args.experiment()?;
    let mut sweep = experiment.load()?;
    let sweep = &mut sweep;
    notes::of_inputs(sweep, &mut out.notes);
    let folder = results_folder(args.out.as_deref(), &sweep.experiment);
    if args.out.as_deref() == Some("") {
        return Err(wrong("--out", "an empty name", "a folder").into());
    }
    args.cluster.check(args.engine)?;
    let shard = args.shard.shard(sweep)?;
    if shard.is_some() || args.engine != Engine::Local {
        shard::check_fixed(sweep)?;
    }
    if let Some(shard) = shard {
        return shard::run(sweep, &folder, &shard, args.jobs, out);
    }
    let stale = stale_figures(sweep, &folder, args.overwrite, out)?;
    let written = match args.engine {
        Engine::Local => make(sweep, &folder, args.jobs)?,
        Engine::Slurm | Engine::Ray => {
            let cluster = &args.cluster;
            let (sweep, experiment) = (&mut *sweep, &experiment);
            let mut task = Task { sweep, folder: &folder, experiment, args: cluster };
            let revision = Revision::of(task.sweep);
            match task.run(args.engine, out)? {
                Some(result) => finish(sweep, result, revision.as_ref(), &folder)?,
                None => return Ok(()),
            }
        }
    };
    for path in stale.iter().filter(|path| !written.figures.contains(path)) {
        atomic::remove(path)?;
    }
    report(sweep, &folder, written, out)
}

/// The figures of earlier results in the folder, which this sweep may not draw; refuses results of
/// other settings, which would be lost.
fn stale_figures(
    sweep: &Sweep,
    folder: &Path,
    overwrite: bool,
    out: &mut Output,
) -> Result<Vec<PathBuf>, CliError> {
    match manifest::held(sweep, folder) {
        FolderContents::Nothing => Ok(Vec::new()),
        FolderContents::Same(manifest) => {
            let Manifest { build, experiment, .. } = *manifest;
            if build != build_id() {
                let (folder, now) = (folder.display(), build_id());
                out.note(format!(
                    "{folder} held results of {build}; they were made again by {now}"
                ));
            }
            Ok(drawn_figures(folder, Some(&experiment.figures)))
        }
        FolderContents::Other(_) if overwrite => Ok(drawn_figures(folder, None)),
        FolderContents::Other(problem) => Err(problem.into()),
    }
}

/// The files of these figures in a folder of results, or of any.
fn drawn_figures(folder: &Path, of: Option<&[FigureSpec]>) -> Vec<PathBuf> {
    let own = |path: &PathBuf| {
        let stem = path.file_stem().unwrap_or_default().to_string_lossy();
        let end = path.extension().unwrap_or_default().to_string_lossy();
        matches!(&*end, "svg" | "pdf" | "png")
            && of.is_none_or(|figures| figures.iter().any(|figure| figure.name == stem))
    };
    atomic::files(&folder.join("figures")).into_iter().filter(own).collect()
}

/// Prints the results of a sweep; fails if a run or a gated claim did.
pub(super) fn report(
    sweep: &Sweep,
    folder: &Path,
    written: SweepReport,
    out: &mut Output,
) -> Result<(), CliError> {
    let SweepReport { failed, results, searches, compared, figures, notes: more } = written;
    writeln!(out, "{}\n", sweep.experiment.title)?;
    if let Some(search) = &sweep.experiment.search {
        writeln!(out, "{}", capacity::render(sweep, search, &searches))?;
    } else {
        write!(out, "{}", console::render(&results, results.study.closing_table()))?;
        if let Some(knees) = console::knees(&results) {
            write!(out, "{knees}")?;
        }
        if let Some(axis) = results.axis(results.study.decider())
            && results.labels(axis).len() > 1
        {
            writeln!(out, "{}", best::render(&results, axis, results.study.usual_metric()))?;
        }
    }
    if !sweep.experiment.note.is_empty() {
        writeln!(out, "Note: {}\n", sweep.experiment.note)?;
    }
    let league = league(sweep, &results, folder)?;
    if let Some(league) = &league {
        writeln!(out, "{}", league.short())?;
    }
    let gate = claims(&sweep.experiment, &results, out)?;
    match sweep.experiment.study {
        Study::Scheduling => conservation(&results, out)?,
        Study::Offloading => samples(&results, out)?,
    }
    out.notes.extend(more);
    out.notes.extend(notes::of_rows(&results));
    out.set("experiment", sweep.experiment.name.as_str());
    out.set("title", sweep.experiment.title.as_str());
    out.set("runs", results.rows.len());
    out.set("failed", results.rows.iter().filter(|row| !row.error().is_empty()).count());
    if out.is_json() {
        let name = if sweep.experiment.search.is_some() { "capacity_summary" } else { "summary" };
        out.set(name, rows_of_file(&folder.join(format!("{name}.csv")))?);
    }
    let mut written = vec!["runs.csv", "summary.csv", "intervals.csv"];
    written.extend((sweep.experiment.study == Study::Offloading).then_some("samples.csv"));
    written.extend(compared.then_some("compare.csv"));
    written.extend(["manifest.toml", "timings.csv", package::NAME, page::NAME]);
    if sweep.experiment.search.is_some() {
        written.extend(["capacity.csv", "capacity_summary.csv"]);
    }
    let written = written.into_iter().map(|name| folder.join(name));
    let tables = sweep.experiment.tables.iter();
    let tables = tables.map(|table| folder.join(format!("{}.csv", table.name)));
    let league = league.map(|_| folder.join("league/league.md"));
    for path in written.chain(tables).chain(figures).chain(league) {
        out.wrote(&path)?;
    }
    failed?;
    if gate { Ok(()) } else { Err(CliError::Failed("a gated claim is contradicted".into())) }
}

/// Writes the league of a sweep into its folder, or removes that of an earlier one: of a search, of
/// few schedulers, or of rows that have no ranks there is none.
fn league(sweep: &Sweep, results: &Results, folder: &Path) -> Result<Option<League>, CliError> {
    let path = folder.join("league");
    let axis = results.axis("scheduler").filter(|axis| results.labels(*axis).len() >= FEWEST);
    let made = axis.filter(|_| sweep.experiment.search.is_none()).map(|axis| {
        let rows: Vec<&ResultRow> = results.rows.iter().collect();
        let (name, walls) = (sweep.experiment.name.as_str(), &read_walls(folder)?);
        let block = Block { name, results, rows: &rows, axis, walls };
        Ok::<_, Problem>(League::new(&[block], METRICS[0]))
    });
    match made.transpose()?.filter(League::has_ranks) {
        None => league::remove(&path)?,
        Some(league) => {
            league.write(&path)?;
            return Ok(Some(league));
        }
    }
    Ok(None)
}

/// The results of a sweep in its folder.
pub(super) struct SweepReport {
    /// Fails if a run did.
    pub failed: Result<(), CliError>,
    pub results: Results,
    /// The results of searches.
    pub searches: Vec<CapacityResult>,
    /// Whether compare.csv was written.
    pub compared: bool,
    pub figures: Vec<PathBuf>,
    /// What a user should know about the runs.
    pub notes: Vec<Note>,
}

/// Runs a sweep and writes everything into its folder.
pub(super) fn make(sweep: &mut Sweep, folder: &Path, jobs: usize) -> Result<SweepReport, CliError> {
    let revision = Revision::of(sweep);
    let bar = SweepProgress::new();
    let done = sweep.carry_out(folder, &Shard::Whole, jobs, &bar);
    let notes = bar.end();
    let (result, sweep) = (done?, &*sweep);
    let mut report = threads(jobs)?.install(|| finish(sweep, result, revision.as_ref(), folder))?;
    report.notes.extend(notes);
    Ok(report)
}

/// Writes the results of a sweep into its folder.
pub(super) fn finish(
    sweep: &Sweep,
    result: SweepResult,
    revision: Option<&Revision>,
    folder: &Path,
) -> Result<SweepReport, CliError> {
    let SweepResult { runs, searches } = result;
    let earlier = package::Earlier::read(folder);
    package::remove(folder)?;
    // First, so that rows without a manifest are never of this program.
    manifest::write(sweep, runs.len(), revision, folder)?;
    write_runs(sweep, &runs, folder)?;
    write_samples(sweep, &runs, folder)?;
    let (failed, notes) = (notes::failed(&runs), notes::of_runs(sweep, &runs));
    // Rows are read back from the file; both at once would take twice the memory.
    drop(runs);
    let results = Results::load(folder)?;
    // Resampling takes longer than short runs do.
    if !earlier.holds(folder, &results.sha256, &summary::FILES) {
        summary::write(&results, folder)?;
    }
    capacity::write(sweep, &searches, folder)?;
    let compared = compare::write(&results, folder)?;
    package::write(sweep, &results, folder)?;
    let figures = draw_all(&sweep.experiment.figures, &results, &folder.join("figures"))?;
    page::write(&results, folder)?;
    Ok(SweepReport { failed, results, searches, compared, figures, notes })
}

/// Prints each claim with its verdict; false if a gated one is contradicted.
fn claims(experiment: &Experiment, results: &Results, out: &mut Output) -> Result<bool, CliError> {
    let mut pass = true;
    for claim in &experiment.expectations {
        let metric = &claim.metric;
        let metric = if metric.is_empty() { String::new() } else { format!(" ({metric})") };
        writeln!(out, "claim: {}{metric}", claim.claim)?;
        let judged = judge(results, claim);
        verdicts(&judged, out)?;
        if out.is_json() {
            out.push("claims", claim_json(claim, &judged));
        }
        pass &= !(claim.gate && judged.iter().any(|j| j.verdict == Verdict::Contradicted));
    }
    if !experiment.expectations.is_empty() {
        writeln!(out)?;
    }
    Ok(pass)
}

/// Prints a line for each setting of a claim.
pub(super) fn verdicts(judged: &[ClaimResult], out: &mut Output) -> Result<(), CliError> {
    for judged in judged {
        let difference = judged.difference_text();
        writeln!(out, "  {:<12} {difference:<20} {}", judged.verdict.name(), judged.setting)?;
    }
    Ok(())
}

/// A claim with its verdicts as JSON.
pub(super) fn claim_json(claim: &Expectation, judged: &[ClaimResult]) -> Value {
    let verdict = |own: &ClaimResult| {
        let ends = own.difference.filter(|estimate| estimate.half_width.is_some());
        json!({
            "where": own.setting,
            "difference": own.difference.map(|estimate| estimate.mean),
            "ci95_low": ends.map(|estimate| estimate.low()),
            "ci95_high": ends.map(|estimate| estimate.high()),
            "verdict": own.verdict.name(),
        })
    };
    let verdicts: Vec<Value> = judged.iter().map(verdict).collect();
    json!({
        "claim": claim.claim, "metric": claim.metric, "gated": claim.gate, "verdicts": verdicts,
    })
}

/// Prints who scored, and over how many dialogues or replicates the means are.
fn samples(results: &Results, out: &mut Output) -> Result<(), CliError> {
    let sources: BTreeSet<&str> = results.rows.iter().map(ResultRow::source).collect();
    let sources: Vec<&str> = sources.into_iter().collect();
    let cells = summary::cells(&results.rows);
    let counts: BTreeSet<usize> = cells.iter().map(|cell| cell.rows.len()).collect();
    let counts: Vec<String> = counts.iter().map(ToString::to_string).collect();
    Ok(writeln!(
        out,
        "answers scored by: {}; means and intervals over {} samples (samples.csv)",
        sources.join(", "),
        counts.join(" or ")
    )?)
}

/// Prints sums over all runs which show that every request is accounted for.
fn conservation(results: &Results, out: &mut Output) -> Result<(), CliError> {
    let sum = |name| ResultRow::numbers(name, &results.rows).sum::<f64>() as u64;
    let [arrived, completed, rejected, unfinished] =
        ["arrived", "completed", "rejected", "unfinished"].map(sum);
    let runs = results.rows.len();
    let counts = [arrived, completed, rejected, unfinished];
    for (field, count) in ["arrived", "completed", "rejected", "unfinished"].iter().zip(counts) {
        out.set(field, count);
    }
    Ok(writeln!(
        out,
        "{runs} runs: {arrived} requests arrived = {completed} completed + {rejected} rejected + \
         {unfinished} unfinished"
    )?)
}
