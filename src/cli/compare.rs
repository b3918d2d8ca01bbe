//! `peeksim compare`: paired differences against one value of an axis.

use super::Failure;
use crate::input::{Place, Problem};
use crate::metrics::numbers;
use crate::report::compare::differences;
use crate::report::table::align;
use clap::Args;
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
}

pub(super) fn main(args: &CompareArgs, out: &mut impl Write) -> Result<(), Failure> {
    let results = super::sweep::load(&args.folder)?;
    let metrics: Vec<&str> = numbers().collect();
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
    let others = results.axes.iter().enumerate().filter(|(at, _)| *at != axis);
    let mut head = vec![args.axis.clone()];
    head.extend(others.map(|(_, name)| name.clone()));
    head.extend(["difference", "95 % interval", "replicates"].map(str::to_owned));
    let mut grid = vec![head];
    let rows: Vec<_> = results.rows.iter().collect();
    for label in labels.iter().filter(|label| **label != baseline) {
        for found in differences(&results, &rows, axis, label, &baseline, &args.metric) {
            let mut line = vec![label.clone()];
            line.extend(found.setting);
            match found.estimate {
                Some(e) => line.extend([
                    format!("{:+.5}", e.mean),
                    match e.half_width {
                        Some(_) => format!("[{:+.5}, {:+.5}]", e.low(), e.high()),
                        None => "–".to_owned(),
                    },
                    e.count.to_string(),
                ]),
                None => line.extend(["–".to_owned(), "–".to_owned(), "0".to_owned()]),
            }
            grid.push(line);
        }
    }
    writeln!(out, "{}: difference to {baseline}, paired over replicates", args.metric)?;
    write!(out, "{}", align(&grid))?;
    Ok(())
}
