//! `peeksim reproduce`: every experiment of a paper, its claims with verdicts, and what moved
//! since the results that were kept.

use super::sweep::{Made, failed, make, notes, verdicts};
use super::{Failure, say};
use crate::input::source::{embedded_paths, exists};
use crate::input::{Place, Problem};
use crate::output::atomic;
use crate::report::Results;
use crate::report::reproduction::{Chapter, Moved, markdown, sentence};
use crate::sweep::{Experiment, Sweep};
use clap::Args;
use std::io::Write;
use std::path::{Path, PathBuf};

/// Replicates of a quick look.
const QUICK: u64 = 2;
/// Moved cells that are listed one by one.
const LISTED: usize = 20;

/// Arguments of `reproduce`.
#[derive(Debug, Args)]
pub(super) struct ReproduceArgs {
    /// Which experiments: a folder of experiments/, such as sneakpeek.
    suite: String,
    /// The same configurations with two replicates; only a contradicted gated claim fails.
    #[arg(long)]
    quick: bool,
    /// Threads; one per core by default.
    #[arg(long, default_value_t = 0, hide_default_value = true)]
    jobs: usize,
    /// The folder of the new results; `reproduced/<suite>` by default.
    #[arg(long)]
    out: Option<String>,
    /// The kept results to compare with; `results/<suite>` by default.
    #[arg(long, value_name = "DIR")]
    against: Option<String>,
}

pub(super) fn main(args: &ReproduceArgs, out: &mut impl Write) -> Result<(), Failure> {
    let paths = experiments(&args.suite)?;
    let default = |folder: &str| Path::new(folder).join(&args.suite);
    let folder = args.out.as_ref().map_or_else(|| default("reproduced"), PathBuf::from);
    let kept = args.against.as_ref().map_or_else(|| default("results"), PathBuf::from);
    let mut chapters = Vec::new();
    for (at, path) in paths.iter().enumerate() {
        let set = if args.quick { vec![format!("replicates={QUICK}")] } else { Vec::new() };
        let sweep = Sweep::new(Experiment::load(path, &set)?)?;
        let name = &sweep.experiment.name;
        say(&format!("{} of {}: {name}, {}", at + 1, paths.len(), sweep.experiment.title));
        notes(&sweep);
        // Read before anything is written: the two folders may be the same.
        let kept = kept_results(&kept.join(name))?;
        let Made { runs, results, .. } = make(&sweep, &folder.join(name), args.jobs)?;
        failed(&runs)?;
        let chapter = Chapter::new(&sweep, section(path), results, kept.as_ref());
        print(&chapter, out)?;
        chapters.push(chapter);
    }
    let report = folder.join("REPORT.md");
    let title = format!("Every claim of `{}`, with its verdict", args.suite);
    atomic::write(&report, markdown(&title, &chapters).as_bytes())?;
    writeln!(out, "wrote {}", report.display())?;
    conclude(args, &chapters)
}

/// The experiments of a suite by name, on disk or inside the binary.
fn experiments(suite: &str) -> Result<Vec<String>, Failure> {
    let prefix = format!("experiments/{suite}/");
    let all = embedded_paths(".toml");
    let mut own: Vec<String> =
        all.iter().filter(|path| path.starts_with(&prefix)).cloned().collect();
    // Folders after files; without the ending, `e03` comes before `e03-measured`.
    let order =
        |path: &String| (path.matches('/').count(), path.trim_end_matches(".toml").to_owned());
    own.sort_by_key(order);
    if own.is_empty() {
        let inner = |path: &String| {
            let rest = path.strip_prefix("experiments/")?;
            rest.split_once('/').map(|(folder, _)| folder.to_owned())
        };
        let mut known: Vec<String> = all.iter().filter_map(inner).collect();
        known.dedup();
        let known = known.iter().map(String::as_str);
        return Err(Problem::unknown(Place::file("reproduce"), "suite", suite, known).into());
    }
    Ok(own)
}

/// The folder of an experiment within its suite; empty for its main part.
fn section(path: &str) -> &str {
    path.split('/').nth(3).and(path.split('/').nth(2)).unwrap_or("")
}

/// The results kept in a folder; nothing if there are none.
fn kept_results(folder: &Path) -> Result<Option<Results>, Failure> {
    let path = folder.join("runs.csv");
    if !exists(&path.to_string_lossy()) {
        say(&format!("note: no {} to compare with", path.display()));
        return Ok(None);
    }
    Ok(Some(Results::load(folder)?))
}

fn print(chapter: &Chapter, out: &mut impl Write) -> Result<(), Failure> {
    writeln!(out, "{}: {}", chapter.experiment.name, chapter.experiment.title)?;
    for (claim, judged) in &chapter.claims {
        let gate = if claim.gate { ", gated" } else { "" };
        writeln!(out, "  {} ({}{gate}): {}", claim.claim, claim.metric, sentence(judged))?;
        verdicts(judged, out)?;
    }
    let moved = chapter.moved.as_deref().unwrap_or(&[]);
    for Moved { run, column, was, is } in moved.iter().take(LISTED) {
        writeln!(out, "  moved: {run}: {column} was {was}, is {is}")?;
    }
    if moved.len() > LISTED {
        writeln!(out, "  moved: {} cells more", moved.len() - LISTED)?;
    }
    writeln!(out)?;
    Ok(())
}

/// What fails the command: see the manual of `--quick`.
fn conclude(args: &ReproduceArgs, chapters: &[Chapter]) -> Result<(), Failure> {
    let mut reasons: Vec<String> =
        chapters.iter().flat_map(|chapter| chapter.failed_gates(args.quick)).collect();
    let moved: usize = chapters.iter().map(|c| c.moved.as_ref().map_or(0, Vec::len)).sum();
    if moved > 0 && !args.quick {
        reasons.push(format!("{moved} cells moved since the results that were kept"));
    }
    if reasons.is_empty() { Ok(()) } else { Err(Failure::Failed(reasons.join("\n"))) }
}
