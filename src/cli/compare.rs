//! `peeksim compare`: paired differences against one value of an axis.

use super::Failure;
use crate::input::{Place, Problem};
use crate::metrics::{COLUMNS, WORDS};
use crate::output::atomic;
use crate::report::paper::{Comparison, Format};
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
    #[arg(long, value_enum, default_value_t = Written::Text)]
    format: Written,
    /// Write the table to this file.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

/// The formats by their names.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Written {
    /// Aligned for a terminal.
    Text,
    /// All digits.
    Csv,
    /// A pipe table.
    Markdown,
    /// A tabular with the rules of booktabs.
    Latex,
}

impl From<Written> for Format {
    fn from(written: Written) -> Self {
        match written {
            Written::Text => Self::Text,
            Written::Csv => Self::Csv,
            Written::Markdown => Self::Markdown,
            Written::Latex => Self::Latex,
        }
    }
}

pub(super) fn main(args: &CompareArgs, out: &mut impl Write) -> Result<(), Failure> {
    let results = super::sweep::load(&args.folder)?;
    let metrics: Vec<&str> =
        COLUMNS.iter().map(|c| c.name).filter(|name| !WORDS.contains(name)).collect();
    if !metrics.contains(&args.metric.as_str()) {
        let place = Place::file("--metric");
        return Err(Problem::unknown(place, "metric", &args.metric, metrics).into());
    }
    let Some(axis) = results.axis(&args.axis) else {
        let known = results.axes.iter().map(String::as_str);
        return Err(Problem::unknown(Place::file("--axis"), "axis", &args.axis, known).into());
    };
    let labels = results.labels(axis);
    let baseline = args.baseline.as_ref().or(labels.first()).cloned().unwrap_or_default();
    if !labels.contains(&baseline) {
        let known = labels.iter().map(String::as_str);
        let place = Place::file("--baseline");
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
