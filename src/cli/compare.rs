//! `peeksim compare`: paired differences against one value of an axis.

use super::CliError;
use crate::config::{Location, Problem};
use crate::metrics::numbers;
use crate::output::atomic;
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
    /// The axis whose values are compared.
    #[arg(long, default_value = "scheduler")]
    axis: String,
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
    let Some(axis) = results.axis(&args.axis) else {
        let known = results.axes.iter().map(String::as_str);
        return Err(Problem::unknown(Location::file("--axis"), "axis", &args.axis, known).into());
    };
    let labels = results.labels(axis);
    let baseline = args.baseline.as_ref().or(labels.first()).cloned().unwrap_or_default();
    if !labels.contains(&baseline) {
        let known = labels.iter().map(String::as_str);
        let place = Location::file("--baseline");
        return Err(Problem::unknown(place, "value", &baseline, known).into());
    }
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
