//! `peeksim sweep`: the main job.

use super::progress::Bar;
use super::{ExperimentArgs, Failure, say};
use crate::report::expect::{Judged, Verdict, judge};
use crate::report::{self, Results, compare, draw_all, manifest, summary, table, write_runs};
use crate::sweep::{Experiment, Finished, Sweep};
use clap::Args;
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
    // As text: what is written there is named in messages and read back by its name.
    #[arg(long, value_name = "FOLDER")]
    out: Option<String>,
}

impl SweepArgs {
    pub fn quickstart() -> Self {
        Self { experiment: ExperimentArgs::named("quickstart"), jobs: 0, out: None }
    }
}

pub(super) fn main(args: &SweepArgs, out: &mut impl Write) -> Result<(), Failure> {
    let sweep = args.experiment.load()?;
    let default = || Path::new("results").join(&sweep.experiment.name);
    let folder = args.out.as_ref().map_or_else(default, PathBuf::from);
    notes(&sweep);
    let Made { runs, results, compared, figures } = make(&sweep, &folder, args.jobs)?;
    writeln!(out, "{}\n", sweep.experiment.title)?;
    write!(out, "{}", table::render(&results, &table::METRICS))?;
    if let Some(knees) = table::knees(&results) {
        write!(out, "{knees}")?;
    }
    if !sweep.experiment.note.is_empty() {
        writeln!(out, "Note: {}\n", sweep.experiment.note)?;
    }
    let gate = claims(&sweep.experiment, &results, out)?;
    conservation(&results, out)?;
    transients(&results);
    let names =
        ["runs.csv", "summary.csv", "intervals.csv", "compare.csv", "manifest.toml", "timings.csv"];
    let written = names.iter().filter(|name| compared || **name != "compare.csv");
    for path in written.map(|name| folder.join(name)).chain(figures) {
        writeln!(out, "wrote {}", path.display())?;
    }
    failed(&runs)?;
    if gate { Ok(()) } else { Err(Failure::Failed("a gated claim is contradicted".into())) }
}

/// What a sweep left behind.
pub(super) struct Made {
    pub runs: Vec<Finished>,
    pub results: Results,
    /// Whether there was something to compare.
    pub compared: bool,
    pub figures: Vec<PathBuf>,
}

/// Runs a sweep and writes everything into its folder.
pub(super) fn make(sweep: &Sweep, folder: &Path, jobs: usize) -> Result<Made, Failure> {
    let bar = Bar::new();
    let runs = sweep.run(folder, jobs, &bar);
    bar.end();
    let runs = runs?;
    write_runs(sweep, &runs, folder)?;
    manifest::write(sweep, runs.len(), folder)?;
    let results = Results::load(folder)?;
    summary::write(&results, folder)?;
    let compared = compare::write(&results, folder)?;
    let figures = draw_all(&sweep.experiment, &results, folder);
    let figures = figures.map_err(|error| Failure::Failed(error.to_string()))?;
    Ok(Made { runs, results, compared, figures })
}

/// What a user should know about the inputs, once.
pub(super) fn notes(sweep: &Sweep) {
    let mut notes = sweep.inputs.warnings();
    for prepared in &sweep.prepared {
        notes.extend(
            prepared.notes().iter().filter(|n| !notes.contains(n)).cloned().collect::<Vec<_>>(),
        );
    }
    notes.iter().for_each(|note| say(&format!("note: {note}")));
}

/// Prints each claim with its verdict; false if a gated one is contradicted.
fn claims(
    experiment: &Experiment,
    results: &Results,
    out: &mut impl Write,
) -> Result<bool, Failure> {
    let mut pass = true;
    for claim in &experiment.expectations {
        writeln!(out, "claim: {} ({})", claim.claim, claim.metric)?;
        let judged = judge(results, claim);
        verdicts(&judged, out)?;
        pass &= !(claim.gate && judged.iter().any(|j| j.verdict == Verdict::Contradicted));
    }
    if !experiment.expectations.is_empty() {
        writeln!(out)?;
    }
    Ok(pass)
}

/// A line for each setting of a claim.
pub(super) fn verdicts(judged: &[Judged], out: &mut impl Write) -> Result<(), Failure> {
    for judged in judged {
        let difference = judged.difference_text();
        writeln!(out, "  {:<12} {difference:<20} {}", judged.verdict.name(), judged.setting)?;
    }
    Ok(())
}

/// Every request of every run is accounted for; the sums show it.
fn conservation(results: &Results, out: &mut impl Write) -> Result<(), Failure> {
    let sum = |name: &str| -> u64 {
        results.rows.iter().filter_map(|row| row.metric(name)).sum::<f64>() as u64
    };
    writeln!(
        out,
        "{} runs: {} requests arrived = {} completed + {} rejected + {} unfinished",
        results.rows.len(),
        sum("requests_total"),
        sum("completed"),
        sum("rejected"),
        sum("unfinished")
    )?;
    Ok(())
}

/// Says so where MSER-5 found no end of the transient in the first half of a run.
fn transients(results: &Results) {
    let long = results.rows.iter().filter(|row| row.word("warmup_rule") == "beyond-half").count();
    if long > 0 {
        let all = results.rows.len();
        say(&format!(
            "note: in {long} of {all} runs the warm-up lasts beyond half of the run, where it was \
             cut (`warmup_rule` = beyond-half): longer runs are needed, or the queue is not stable"
        ));
    }
}

pub(super) fn failed(runs: &[Finished]) -> Result<(), Failure> {
    let failed: Vec<&Finished> =
        runs.iter().filter(|run| !run.entry.result.error.is_empty()).collect();
    match failed.first() {
        None => Ok(()),
        Some(first) => Err(Failure::Failed(format!(
            "{} of {} runs failed; the first, {}: {}",
            failed.len(),
            runs.len(),
            first.id,
            first.entry.result.error
        ))),
    }
}

/// The rows of a results folder.
pub(super) fn load(folder: &Path) -> Result<report::Results, Failure> {
    Ok(Results::load(folder)?)
}
