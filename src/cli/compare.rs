//! `peeksim compare`: paired differences against one value of an axis.

use super::CliError;
use crate::config::{Location, Problem, path};
use crate::metrics::numbers;
use crate::output::atomic;
use crate::report::Results;
use crate::report::comparison_table::{Comparison, PaperFormat};
use clap::{Args, ValueEnum};
use std::io::Write;
use std::path::PathBuf;

/// Arguments of `compare`.
#[derive(Debug, Args)]
pub(super) struct CompareArgs {
    /// A results folder with runs.csv.
    folder: PathBuf,
    /// The metric to compare.
    #[arg(long, default_value = "utility_mean")]
    metric: String,
    /// The axis whose values are compared; the schedulers, or else the first axis that varies.
    #[arg(long)]
    axis: Option<String>,
    /// The value that the others are compared with; the first by default.
    #[arg(long)]
    baseline: Option<String>,
    /// How the table is written.
    #[arg(long, value_enum, default_value_t = TableFormat::Text)]
    format: TableFormat,
    /// Write the table to this file.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

/// The formats by their names.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum TableFormat {
    /// Aligned for a terminal.
    Text,
    /// All digits.
    Csv,
    /// A pipe table.
    Markdown,
    /// A tabular with the rules of booktabs.
    Latex,
}

impl From<TableFormat> for PaperFormat {
    fn from(written: TableFormat) -> Self {
        match written {
            TableFormat::Text => Self::Text,
            TableFormat::Csv => Self::Csv,
            TableFormat::Markdown => Self::Markdown,
            TableFormat::Latex => Self::Latex,
        }
    }
}

pub(super) fn main(args: &CompareArgs, out: &mut impl Write) -> Result<(), CliError> {
    let results = super::sweep::load(&args.folder)?;
    let metrics: Vec<&str> = numbers().collect();
    if !metrics.contains(&args.metric.as_str()) {
        let place = Location::file("--metric");
        return Err(Problem::unknown(place, "metric", &args.metric, metrics).into());
    }
    let axis = axis(args.axis.as_deref(), &results)?;
    let labels = results.labels(axis);
    let asked = args.baseline.as_ref().or(labels.first()).cloned().unwrap_or_default();
    let Some(baseline) = results.label(axis, &asked) else {
        let known = labels.iter().map(String::as_str);
        return Err(Problem::unknown(Location::file("--baseline"), "value", &asked, known).into());
    };
    let format = args.format.into();
    let text = Comparison::new(&results, axis, &baseline, &args.metric).write(format);
    match &args.out {
        None => write!(out, "{text}")?,
        Some(path) => {
            atomic::write(path, text.as_bytes())?;
            writeln!(out, "wrote {}", path.display())?;
        }
    }
    Ok(())
}

/// The place of the axis that is asked for.
fn axis(name: Option<&str>, results: &Results) -> Result<usize, Problem> {
    let Some(name) = name else {
        let varies = || (0..results.axes.len()).find(|at| results.labels(*at).len() > 1);
        return results.axis("scheduler").or_else(varies).ok_or_else(|| {
            let expected = "results with an axis that takes several values";
            Problem::new(Location::file("--axis"), "results in which no setting varies", expected)
        });
    };
    results.axis(&path::spelled(name)).ok_or_else(|| {
        let known = results.axes.iter().map(String::as_str);
        Problem::unknown(Location::file("--axis"), "axis", name, known)
    })
}
