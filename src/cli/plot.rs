//! `peeksim plot`: draws results again, from their CSV files alone.

use super::CliError;
use crate::config::{ConfigNode, Location, Problem, Problems, Value, path};
use crate::experiment::{AxisLabels, FigureKind, FigureSpec, NameChecker, axis_of_numbers};
use crate::metrics::numbers;
use crate::report::{Results, draw_all};
use clap::Args;
use std::io::Write;
use std::path::PathBuf;

/// Arguments of `figures`: the keys of a table `[[figure]]`.
#[derive(Debug, Args)]
pub(super) struct PlotArgs {
    /// A results folder with runs.csv.
    folder: PathBuf,
    /// `lines` against a setting, `pareto` of two metrics, or `cdf` of latency.
    #[arg(long)]
    kind: Option<String>,
    /// The setting (or, with `pareto`, the metric) on the horizontal axis.
    #[arg(long, value_name = "COLUMN")]
    x: Option<String>,
    /// The metric on the vertical axis.
    #[arg(long, value_name = "COLUMN")]
    y: Option<String>,
    /// The setting whose values are the lines.
    #[arg(long, value_name = "COLUMN")]
    series: Option<String>,
    /// A panel for every value of this setting.
    #[arg(long, value_name = "COLUMN")]
    facet: Option<String>,
    /// Only rows with this value of a setting; several for one setting: any of them.
    #[arg(long = "where", value_name = "COLUMN=VALUE")]
    filter: Vec<String>,
    /// A logarithmic horizontal axis.
    #[arg(long)]
    log_x: bool,
    /// A logarithmic vertical axis.
    #[arg(long)]
    log_y: bool,
    /// The heading.
    #[arg(long)]
    title: Option<String>,
    /// The file's name without ending; what is shown by default.
    #[arg(long)]
    name: Option<String>,
    /// The folder of the figures; `figures` in that of the results by default.
    #[arg(long, value_name = "FOLDER")]
    out: Option<PathBuf>,
}

pub(super) fn main(args: &PlotArgs, out: &mut impl Write) -> Result<(), CliError> {
    let results = super::sweep::load(&args.folder)?;
    let spec = figure(args, &results)?;
    let default = || args.folder.join("figures");
    let folder = args.out.clone().unwrap_or_else(default);
    let drawn = draw_all(std::slice::from_ref(&spec), &results, &folder);
    for path in drawn.map_err(|error| CliError::Failed(error.to_string()))? {
        writeln!(out, "wrote {}", path.display())?;
    }
    Ok(())
}

/// The figure that is asked for, if these results can be drawn so.
fn figure(args: &PlotArgs, results: &Results) -> Result<FigureSpec, Problems> {
    let mut problems = Problems::default();
    let axes = results.axes_with_labels();
    let node = table(args, &axes, &mut problems);
    let spec = FigureSpec::read(&node, 0, &axes, &mut problems);
    let mut grid: Vec<&[String]> = results.rows.iter().map(|row| row.labels.as_slice()).collect();
    grid.sort_unstable();
    grid.dedup();
    let metrics = numbers().filter(|name| results.columns.contains(name)).collect();
    let mut names = NameChecker { keys: &results.axes, grid, metrics, problems: &mut problems };
    names.filter(&spec.filter, &Location::file("--where"));
    if names.problems.is_empty() {
        names.figure(&spec);
    }
    if spec.kind == FigureKind::Cdf && results.quantiles.is_empty() {
        let found = "no quantiles.csv beside runs.csv";
        let expected = "a sweep with a figure of kind cdf";
        problems.push(Problem::new(Location::file("--kind cdf"), found, expected));
    }
    problems.check(Some(spec))
}

/// The flags as a table `[[figure]]`.
fn table(args: &PlotArgs, axes: &[AxisLabels], problems: &mut Problems) -> ConfigNode {
    let place = Location::file("figures");
    let mut entries = Vec::new();
    let mut set = |key: &str, value: Value| {
        let place = place.clone().field(&format!("--{key}"));
        entries.push((key.to_owned(), ConfigNode { place, value }));
    };
    let kind = args.kind.as_deref().unwrap_or("lines");
    let lines = kind == "lines";
    let own = |name: &Option<String>| name.as_deref().map(path::spelled);
    let (facet, x) = (own(&args.facet), own(&args.x));
    let x =
        x.or_else(|| lines.then(|| axis_of_numbers(axes)).flatten().map(|at| axes[at].0.clone()));
    let y = args.y.clone().or_else(|| lines.then(|| "utility_mean".to_owned()));
    let series = args.series.clone();
    let name = match kind {
        "cdf" => vec!["latency-cdf".to_owned()],
        _ => [y.clone(), x.clone()].into_iter().flatten().collect(),
    };
    let name = [name, facet.iter().cloned().collect()].concat().join("-by-");
    let name = args.name.clone().unwrap_or_else(|| name.replace(['/', '\\', '"'], "-"));
    let folder = args.folder.file_name().map(|name| name.to_string_lossy().into_owned());
    let title = args.title.clone().or(folder).unwrap_or_default();
    let texts = [("kind", Some(kind.to_owned())), ("x", x), ("y", y), ("series", series)];
    let facet = [("facet", facet)];
    let names = [("name", Some(name).filter(|name| !name.is_empty())), ("title", Some(title))];
    for (key, text) in texts.into_iter().chain(facet).chain(names) {
        if let Some(text) = text {
            set(key, Value::Text(text));
        }
    }
    set("x_log", Value::Bool(args.log_x));
    set("y_log", Value::Bool(args.log_y));
    let filter = Value::table(filter(&args.filter, problems));
    entries.push(("where".to_owned(), ConfigNode { place: place.clone(), value: filter }));
    entries.sort_by(|a, b| a.0.cmp(&b.0));
    ConfigNode { place, value: Value::table(entries) }
}

/// `key=value` and `key=other` become a key with two values.
fn filter(texts: &[String], problems: &mut Problems) -> Vec<(String, ConfigNode)> {
    let place = Location::file("--where");
    let mut filter: Vec<(String, ConfigNode)> = Vec::new();
    for text in texts {
        let Some((key, value)) = path::assignment(text) else {
            problems.push(Problem::new(place.clone(), format!("`{text}`"), "column=value"));
            continue;
        };
        let (key, value) = (path::spelled(key), Value::Text(value.to_owned()));
        let value = ConfigNode { place: place.clone(), value };
        match filter.iter_mut().find(|(known, _)| *known == key) {
            Some((_, known)) => {
                known.value.items_mut().into_iter().for_each(|v| v.push(value.clone()));
            }
            None => {
                let values = ConfigNode { place: place.clone(), value: Value::array(vec![value]) };
                filter.push((key, values));
            }
        }
    }
    filter
}
