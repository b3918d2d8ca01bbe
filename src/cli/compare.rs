//! `peeksim compare`: paired differences against one value of an axis, and the best row of every
//! setting.

use super::output::rows_of;
use super::{CliError, Output, unknown, wrong};
use crate::config::{Problem, path};
use crate::metrics::more_is_better;
use crate::output::atomic;
use crate::report::comparison_table::{Comparison, PaperFormat, write_grid};
use crate::report::{Results, best};
use clap::Args;
use std::io::Write;
use std::path::{Path, PathBuf};

/// Arguments of `compare`.
#[derive(Debug, Args)]
pub(super) struct CompareArgs {
    /// One results folder with runs.csv, or two with the same axes, which then are an axis
    /// `folder`.
    #[arg(required = true, num_args = 1..=2, value_name = "FOLDER")]
    folders: Vec<PathBuf>,
    /// The metrics to compare, separated by commas; by default `utility_mean`, of an offloading
    /// study `reward_mean`.
    #[arg(long, value_delimiter = ',', value_name = "METRICS")]
    metric: Vec<String>,
    /// The axis whose values are compared; by default the folders if there are two, schedulers or
    /// policies, or else the first that varies.
    #[arg(long)]
    axis: Option<String>,
    /// The value that the others are compared with; the first by default.
    #[arg(long)]
    baseline: Option<String>,
    /// Only rows with this value of a setting; several for one setting: any of them.
    #[arg(long = "where", value_name = "COLUMN=VALUE")]
    filter: Vec<String>,
    /// Print only which row is best at each setting, and which rows are not significantly worse.
    #[arg(long, conflicts_with = "baseline")]
    best: bool,
    /// The format of the tables.
    #[arg(long, value_enum, default_value_t = PaperFormat::Text)]
    format: PaperFormat,
    /// Write the tables to this file.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

pub(super) fn main(args: &CompareArgs, out: &mut Output) -> Result<(), CliError> {
    let results = load(&args.folders)?;
    let filter = filter(&args.filter, &results)?;
    let results = results.narrowed(&filter);
    if results.rows.is_empty() {
        return Err(wrong(
            "--where",
            "no row with all of these values",
            "a setting of the results",
        )
        .into());
    }
    let metrics = metrics(&args.metric, &results)?;
    if let Some(metric) = metrics.iter().find(|name| args.best && more_is_better(name).is_none()) {
        let found = format!("`{metric}`, of which neither more nor less is better");
        return Err(wrong("--metric", found, "a metric with a direction").into());
    }
    let axis = axis(args.axis.as_deref(), &results)?;
    if args.best && results.labels(axis).len() < 2 {
        let found = format!("one value of {}", results.axes[axis]);
        return Err(wrong("--axis", found, "an axis with several values").into());
    }
    let text = if args.best && args.format != PaperFormat::Text {
        let grid = best::grid(&results, axis, &metrics, args.format != PaperFormat::Csv);
        write_grid(&grid, best::labels(&results), args.format)
    } else {
        let baseline = baseline(args.baseline.as_deref(), axis, &results)?;
        let mut texts = Vec::new();
        for metric in &metrics {
            if !args.best {
                let table = Comparison::new(&results, axis, &baseline, metric).write(args.format);
                // Tables for programs have one header.
                let is_csv = args.format == PaperFormat::Csv && !texts.is_empty();
                let rows = table.split_once('\n').map_or("", |(_, rows)| rows).to_owned();
                texts.push(if is_csv { rows } else { table });
            }
            let is_compared = results.labels(axis).len() > 1 && more_is_better(metric).is_some();
            if args.format == PaperFormat::Text && is_compared {
                texts.push(best::render(&results, axis, metric));
            }
        }
        texts.join(if args.format == PaperFormat::Csv { "" } else { "\n" })
    };
    if out.is_json() {
        fields(args, &results, axis, &metrics, out)?;
    }
    match &args.out {
        None => write!(out, "{text}")?,
        Some(path) => {
            atomic::write(path, text.as_bytes())?;
            out.wrote(path)?;
        }
    }
    Ok(())
}

/// The tables as fields: the columns of `--format csv`.
fn fields(
    args: &CompareArgs,
    results: &Results,
    axis: usize,
    metrics: &[&str],
    out: &mut Output,
) -> Result<(), CliError> {
    let csv = PaperFormat::Csv;
    out.set("axis", results.axes[axis].as_str());
    if !args.best {
        let baseline = baseline(args.baseline.as_deref(), axis, results)?;
        for metric in metrics {
            let rows = rows_of(&Comparison::new(results, axis, &baseline, metric).write(csv));
            rows.as_array().into_iter().flatten().for_each(|row| out.push("rows", row.clone()));
        }
    }
    if results.labels(axis).len() > 1 {
        let known = metrics.iter().copied().filter(|name| more_is_better(name).is_some());
        let grid = best::grid(results, axis, &known.collect::<Vec<_>>(), false);
        out.set("best", rows_of(&write_grid(&grid, best::labels(results), csv)));
    }
    Ok(())
}

/// The results of one folder, or of several as one.
fn load(folders: &[PathBuf]) -> Result<Results, CliError> {
    let [folder] = folders else {
        let name = |path: &Path| {
            let last = path.file_name().map(|name| name.to_string_lossy().into_owned());
            let shown = path.display().to_string();
            let is_shared = |other: &&PathBuf| other.file_name() == path.file_name();
            match last {
                Some(last) if folders.iter().filter(is_shared).count() == 1 => last,
                _ => shown,
            }
        };
        if folders[0] == folders[1] {
            let found = format!("{} twice", folders[0].display());
            return Err(wrong("FOLDER", found, "two folders").into());
        }
        let parts = folders.iter().map(|path| Ok((name(path), Results::load(path)?)));
        let parts = parts.collect::<Result<Vec<_>, Problem>>()?;
        let axes = parts[0].1.axes.join(", ");
        return Results::joined(parts).map_err(|at| {
            let found = format!("{} with other axes or of another study", folders[at].display());
            wrong("FOLDER", found, format!("results whose axes are {axes}")).into()
        });
    };
    Ok(Results::load(folder)?)
}

/// `--where` as a filter of rows.
pub(super) fn filter(
    texts: &[String],
    results: &Results,
) -> Result<Vec<(String, Vec<String>)>, Problem> {
    let mut filter: Vec<(String, Vec<String>)> = Vec::new();
    for text in texts {
        let Some((key, value)) = path::assignment(text) else {
            return Err(wrong("--where", format!("`{text}`"), "column=value"));
        };
        let key = path::spelled(key);
        let known = results.axes.iter().map(String::as_str);
        let Some(axis) = results.axis(&key) else {
            return Err(unknown("--where", "axis", &key, known));
        };
        let Some(label) = results.label(axis, value) else {
            let labels = results.labels(axis);
            let known = labels.iter().map(String::as_str);
            return Err(unknown("--where", &format!("value of {key}"), value, known));
        };
        match filter.iter_mut().find(|(other, _)| *other == key) {
            Some((_, labels)) => labels.push(label),
            None => filter.push((key, vec![label])),
        }
    }
    Ok(filter)
}

/// The asked metrics, if the results have them.
fn metrics(asked: &[String], results: &Results) -> Result<Vec<&'static str>, Problem> {
    let known: Vec<&'static str> = results.study.numbers().collect();
    let usual = [results.study.usual_metric().to_owned()];
    let asked = if asked.is_empty() { &usual } else { asked };
    let find = |name: &String| {
        let found = known.iter().copied().find(|own| *own == name.trim());
        found.ok_or_else(|| unknown("--metric", "metric", name, known.iter().copied()))
    };
    asked.iter().map(find).collect()
}

/// The value that the others are compared with.
fn baseline(asked: Option<&str>, axis: usize, results: &Results) -> Result<String, Problem> {
    let labels = results.labels(axis);
    let asked = asked.or(labels.first().map(String::as_str)).unwrap_or_default();
    let known = labels.iter().map(String::as_str);
    results.label(axis, asked).ok_or_else(|| unknown("--baseline", "value", asked, known))
}

/// The index of the axis of this name, or of the one that is compared by default.
fn axis(name: Option<&str>, results: &Results) -> Result<usize, Problem> {
    let Some(name) = name else {
        let varies = || (0..results.axes.len()).find(|at| results.labels(*at).len() > 1);
        let folder =
            results.axis(crate::report::FOLDER).filter(|axis| results.labels(*axis).len() > 1);
        return folder.or(results.axis(results.study.decider())).or_else(varies).ok_or_else(|| {
            let expected = "results with an axis that takes several values";
            wrong("--axis", "results in which no setting varies", expected)
        });
    };
    let known = results.axes.iter().map(String::as_str);
    results.axis(&path::spelled(name)).ok_or_else(|| unknown("--axis", "axis", name, known))
}
