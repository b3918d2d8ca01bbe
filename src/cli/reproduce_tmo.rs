//! `peeksim reproduce tmo`: figures of TMO, measured and compared with their targets.

use super::dialogues::enough;
use super::messages::status;
use super::output::rows_of;
use super::progress::SweepProgress;
use super::reproduce::list;
use super::{CliError, Output, wrong};
use crate::config::csv::Table;
use crate::config::source;
use crate::offloading::{Workload, import};
use crate::output::atomic;
use crate::report::claims::Verdict;
use crate::report::console::align;
use crate::report::draw;
use crate::report::reproduction::{Cells, Check, Verdicts, checks_csv, compare_checks};
use crate::reproduce_tmo::{
    Artifacts, PolicyCache, ReproductionConfig, ReproductionError, report, reproduce,
};
use clap::Args;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Arguments of `reproduce tmo`.
#[derive(Debug, Args)]
pub(super) struct TmoArgs {
    /// Fewer dialogues and splits, and no training: seconds instead of more than an hour.
    #[arg(long)]
    quick: bool,
    /// Test on all synthetic dialogues rather than on a thousand a seed.
    #[arg(long)]
    all: bool,
    /// Number of trainings of each agent on each split, and of synthetic workloads of each shape.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u64).range(0..=100))]
    seeds: u64,
    /// Number of splits of the data set on which agents are trained.
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u64).range(0..=200))]
    splits: u64,
    /// The data set M4A1: the authors' JSON, the table of its numbers, or what `import` made of
    /// them. Without it, `tmo_m4a1/m4a1.csv` below the folder that `PEEKSIM_DATA` names, if it is
    /// there.
    #[arg(long, value_name = "FILE")]
    data: Option<String>,
    /// Fail without the data set.
    #[arg(long)]
    require_data: bool,
    /// Where to write tmo.csv, REPORT.md, figures/, and policies/, from which the same command
    /// takes finished trainings.
    #[arg(long, value_name = "DIR", default_value = "reproduced/tmo")]
    out: PathBuf,
    /// A folder with a kept tmo.csv to compare with, made with the same options.
    #[arg(long, value_name = "DIR")]
    baseline: Option<PathBuf>,
}

impl From<ReproductionError> for CliError {
    fn from(error: ReproductionError) -> Self {
        match error {
            ReproductionError::Input(problem) => problem.into(),
            other => Self::Failed(other.to_string()),
        }
    }
}

pub(super) fn main(args: &TmoArgs, out: &mut Output) -> Result<(), CliError> {
    let data = data(args, out)?;
    let (trained, seeds) = (args.splits as usize, args.seeds as usize);
    let full = ReproductionConfig { trained, seeds, ..ReproductionConfig::FULL };
    let mut config = if args.quick { ReproductionConfig::QUICK } else { full };
    if args.all {
        config.scored = config.dialogues;
    }
    if config.seeds > 0 {
        status("about half an hour of processor time for each seed; finished trainings are kept");
    }
    let bar = SweepProgress::new();
    let cache =
        PolicyCache { folder: args.out.join("policies"), steps: config.steps, progress: &bar };
    atomic::folder(&cache.folder)?;
    let artifacts = reproduce(data.as_ref(), &config, &cache)?;
    out.notes.extend(bar.end());
    let Artifacts { checks, plots } = &artifacts;
    write!(out, "{}", table(checks))?;
    if out.is_json() {
        out.set("rows", rows_of(&checks_csv(checks)));
    }
    let path = args.out.join("tmo.csv");
    // Read before anything is written: the two folders may be the same.
    let kept = kept(args)?;
    atomic::write(&path, checks_csv(checks).as_bytes())?;
    atomic::write(&args.out.join("REPORT.md"), report(&artifacts).as_bytes())?;
    for (name, chart) in plots {
        draw(chart, &args.out.join("figures"), name)?;
    }
    let verdicts: Verdicts = checks.iter().map(|check| check.verdict).collect();
    let mut reasons = Vec::new();
    if let Some(kept) = kept {
        let now = Table::parse(&source::read_own(&path.to_string_lossy())?)?;
        let compared = compare_checks(&kept, &now)?;
        list(&compared, out)?;
        let cells = Cells::default().with(&compared);
        writeln!(out, "cells of tmo.csv: {cells}")?;
        if cells.moved > 0 {
            reasons.push(format!("{} cells of tmo.csv moved since they were kept", cells.moved));
        }
    }
    writeln!(out, "{verdicts}")?;
    let contradicted = verdicts.count(Verdict::Contradicted);
    if contradicted > 0 {
        reasons.push(format!("{contradicted} figures are contradicted"));
    }
    if reasons.is_empty() { Ok(()) } else { Err(CliError::Failed(reasons.join("\n"))) }
}

/// The kept table to compare with, if one was named.
fn kept(args: &TmoArgs) -> Result<Option<Table>, CliError> {
    let Some(folder) = &args.baseline else { return Ok(None) };
    Ok(Some(Table::parse(&source::read_own(&folder.join("tmo.csv").to_string_lossy())?)?))
}

/// The data set, if there is one; it must have enough dialogues for a split.
fn data(args: &TmoArgs, out: &mut Output) -> Result<Option<Arc<Workload>>, CliError> {
    let shared = || {
        let folder = std::env::var_os("PEEKSIM_DATA")?;
        let file = Path::new(&folder).join("tmo_m4a1/m4a1.csv");
        file.is_file().then(|| file.to_string_lossy().into_owned())
    };
    match args.data.clone().or_else(shared) {
        Some(path) => {
            let workload = import::load(&path)?;
            enough("--data", &workload)?;
            Ok(Some(Arc::new(workload)))
        }
        None if args.require_data => {
            Err(wrong("--data", "nothing", "the data set M4A1, or PEEKSIM_DATA").into())
        }
        None => {
            out.note("without the data set M4A1 (--data FILE), many lines have no figure");
            Ok(None)
        }
    }
}

fn table(checks: &[Check]) -> String {
    let head = ["section", "figure", "measured", "± 95 %", "target", "tolerance", "verdict"];
    let cell = |value: Option<f64>| value.map_or("–".to_owned(), short);
    let rows = checks.iter().map(|check| check.cells(cell).to_vec());
    align(&std::iter::once(head.map(str::to_owned).to_vec()).chain(rows).collect::<Vec<_>>())
}

/// About five significant digits.
fn short(value: f64) -> String {
    let size = value.abs();
    if size != 0.0 && size < 1e-3 { format!("{value:.4e}") } else { format!("{value:.5}") }
}
