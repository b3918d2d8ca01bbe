//! `peeksim reproduce`: every experiment of a paper, its claims with verdicts, and what moved
//! since the results that were kept.

use super::sweep::{Made, make, notes, verdicts};
use super::{Failure, say};
use crate::input::source::{below, embedded_paths, exists};
use crate::input::{Place, Problem};
use crate::output::atomic;
use crate::report::Results;
use crate::report::reproduction::{Chapter, Moved, markdown, sentence};
use crate::sweep::{Experiment, Sweep};
use clap::Args;
use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};

/// Replicates of a quick look.
const QUICK: u64 = 2;
/// Moved cells that are listed one by one.
const LISTED: usize = 20;

/// Arguments of `reproduce`.
#[derive(Debug, Args)]
pub(super) struct ReproduceArgs {
    /// Which experiments: a folder of experiments/, such as sneakpeek, or any other folder.
    suite: String,
    /// The same configurations with two replicates; only a contradicted gated claim fails.
    #[arg(long)]
    quick: bool,
    /// Threads; one per core by default.
    #[arg(long, default_value_t = 0, hide_default_value = true)]
    jobs: usize,
    /// The folder of the new results; `reproduced/<suite>` by default. That of the kept results
    /// renews them.
    #[arg(long)]
    out: Option<String>,
    /// The kept results to compare with; `results/<suite>` by default.
    #[arg(long, value_name = "DIR")]
    against: Option<String>,
}

pub(super) fn main(args: &ReproduceArgs, out: &mut impl Write) -> Result<(), Failure> {
    let (suite, paths) = experiments(&args.suite)?;
    let name = suite.trim_end_matches('/').rsplit('/').next().unwrap_or(&suite).to_owned();
    let default = |folder: &str| Path::new(folder).join(&name);
    let folder = args.out.as_ref().map_or_else(|| default("reproduced"), PathBuf::from);
    let kept = args.against.as_ref().map_or_else(|| default("results"), PathBuf::from);
    let experiments = load(&paths, args.quick)?;
    let mut chapters = Vec::new();
    for (at, (path, experiment)) in paths.iter().zip(experiments).enumerate() {
        let sweep = Sweep::new(experiment)?;
        let name = &sweep.experiment.name;
        say(&format!("{} of {}: {name}, {}", at + 1, paths.len(), sweep.experiment.title));
        notes(&sweep);
        // Read before anything is written: the two folders may be the same.
        let kept = kept_results(&kept.join(name))?;
        let Made { failed, results, .. } = make(&sweep, &folder.join(name), args.jobs)?;
        failed?;
        let chapter = Chapter::new(&sweep, section(&suite, path), results, kept.as_ref());
        print(&chapter, out)?;
        chapters.push(chapter);
    }
    let report = folder.join("REPORT.md");
    let title = format!("Every claim of `{name}`, with its verdict");
    atomic::write(&report, markdown(&title, &chapters).as_bytes())?;
    writeln!(out, "wrote {}", report.display())?;
    conclude(args, &chapters)
}

/// The folder of a suite and its experiments: a folder on disk, or one of experiments/.
fn experiments(suite: &str) -> Result<(String, Vec<String>), Failure> {
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
        let problem = Problem::unknown(Place::file("reproduce"), "suite", suite, known);
        return Err(problem.into());
    };
    // Folders after files; without the ending, `e03` comes before `e03-measured`.
    let order =
        |path: &String| (path.matches('/').count(), path.trim_end_matches(".toml").to_owned());
    own.sort_by_key(order);
    Ok((folder, own))
}

/// The experiments of a suite; each has results in a folder of its name, so no two share one.
fn load(paths: &[String], quick: bool) -> Result<Vec<Experiment>, Failure> {
    let set = if quick { vec![format!("replicates={QUICK}")] } else { Vec::new() };
    let mut named = BTreeMap::new();
    let one = |path: &String| {
        let experiment = Experiment::load(path, &set)?;
        if let Some(other) = named.insert(experiment.name.clone(), path.clone()) {
            let found = format!("\"{}\", the name of {other}", experiment.name);
            let place = Place::file(path).field("name");
            return Err(Problem::new(place, found, "a name of its own in the suite").into());
        }
        Ok(experiment)
    };
    paths.iter().map(one).collect()
}

/// The folder of an experiment within that of its suite; empty for its main part.
fn section<'p>(folder: &str, path: &'p str) -> &'p str {
    let inner = path.get(folder.trim_end_matches('/').len() + 1..).unwrap_or("");
    inner.rsplit_once('/').map_or("", |(section, _)| section)
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
