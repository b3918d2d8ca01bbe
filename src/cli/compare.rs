//! `peeksim compare`: paired differences against one value of an axis.

use super::{CliError, unknown, wrong};
use crate::config::{Problem, path};
use crate::output::atomic;
use crate::report::Results;
use crate::report::comparison_table::{Comparison, PaperFormat};
use clap::Args;
use std::io::Write;
use std::path::PathBuf;

/// Arguments of `compare`.
#[derive(Debug, Args)]
pub(super) struct CompareArgs {
    /// A results folder with runs.csv.
    folder: PathBuf,
    /// The metric to compare; by default `utility_mean`, of an offloading study
    /// `reward_mean`.
    #[arg(long)]
    metric: Option<String>,
    /// The axis whose values are compared; schedulers or policies, or else the first that varies.
    #[arg(long)]
    axis: Option<String>,
    /// The value that the others are compared with; the first by default.
    #[arg(long)]
    baseline: Option<String>,
    /// The format of the table.
    #[arg(long, value_enum, default_value_t = PaperFormat::Text)]
    format: PaperFormat,
    /// Write the table to this file.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

pub(super) fn main(args: &CompareArgs, out: &mut impl Write) -> Result<(), CliError> {
    let results = Results::load(&args.folder)?;
    let metrics: Vec<&str> = results.study.numbers().collect();
    let metric = args.metric.as_deref().unwrap_or(results.study.usual_metric());
    if !metrics.contains(&metric) {
        return Err(unknown("--metric", "metric", metric, metrics).into());
    }
    let axis = axis(args.axis.as_deref(), &results)?;
    let labels = results.labels(axis);
    let asked = args.baseline.as_ref().or(labels.first()).cloned().unwrap_or_default();
    let Some(baseline) = results.label(axis, &asked) else {
        let known = labels.iter().map(String::as_str);
        return Err(unknown("--baseline", "value", &asked, known).into());
    };
    let text = Comparison::new(&results, axis, &baseline, metric).write(args.format);
    match &args.out {
        None => write!(out, "{text}")?,
        Some(path) => {
            atomic::write(path, text.as_bytes())?;
            writeln!(out, "wrote {}", path.display())?;
        }
    }
    Ok(())
}

/// The index of the axis of this name, or of the one that is compared by default.
fn axis(name: Option<&str>, results: &Results) -> Result<usize, Problem> {
    let Some(name) = name else {
        let varies = || (0..results.axes.len()).find(|at| results.labels(*at).len() > 1);
        return results.axis(results.study.decider()).or_else(varies).ok_or_else(|| {
            let expected = "results with an axis that takes several values";
            wrong("--axis", "results in which no setting varies", expected)
        });
    };
    let known = results.axes.iter().map(String::as_str);
    results.axis(&path::spelled(name)).ok_or_else(|| unknown("--axis", "axis", name, known))
}
