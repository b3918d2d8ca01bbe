//! `peeksim plot`: draws results from their CSV files.

use super::{CliError, wrong};
use crate::config::{ConfigNode, Location, Problems, Value, path};
use crate::experiment::{AxisLabels, FigureKind, FigureSpec, NameChecker, axis_of_numbers};
use crate::metrics::Study;
use crate::report::{Results, draw_all};
use clap::Args;
use std::collections::BTreeMap;
use std::io::Write;
use std::path::PathBuf;

/// Arguments of `plot`: the keys of a table `[[figure]]`.
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
    /// With `pareto`: a line of the group of which a hull is drawn; several for one group.
    #[arg(long = "hull", value_name = "GROUP=LINE")]
    hulls: Vec<String>,
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
    let results = Results::load(&args.folder)?;
    let spec = figure(args, &results)?;
    let folder = args.out.clone().unwrap_or_else(|| args.folder.join("figures"));
    for path in draw_all(&[spec], &results, &folder)? {
        writeln!(out, "wrote {}", path.display())?;
    }
    Ok(())
}

/// The requested figure, if these results have what it shows.
fn figure(args: &PlotArgs, results: &Results) -> Result<FigureSpec, Problems> {
    let mut problems = Problems::default();
    let axes = results.axes_with_labels();
    let node = table(args, (results.study, &axes), &mut problems);
    let spec = FigureSpec::read(&node, 0, (results.study, &axes), &mut problems);
    let mut grid: Vec<&[String]> = results.rows.iter().map(|row| row.labels.as_slice()).collect();
    grid.sort_unstable();
    grid.dedup();
    let metrics = results.study.numbers().filter(|name| results.columns.contains(name)).collect();
    let mut names = NameChecker { keys: &results.axes, grid, metrics, problems: &mut problems };
    names.filter(&spec.filter, &Location::file("--where"));
    if names.problems.is_empty() {
        names.figure(&spec);
    }
    if spec.kind == FigureKind::Cdf && results.quantiles.is_empty() {
        let found = "no quantiles.csv beside runs.csv";
        problems.push(wrong("--kind cdf", found, "a sweep with a figure of kind cdf"));
    }
    problems.check(Some(spec))
}

/// The options as a table `[[figure]]`.
fn table(
    args: &PlotArgs,
    (study, axes): (Study, &[AxisLabels]),
    problems: &mut Problems,
) -> ConfigNode {
    let place = Location::file("figures");
    let kind = args.kind.as_deref().unwrap_or("lines");
    let lines = kind == "lines";
    let [facet, x] = [&args.facet, &args.x].map(|name| name.as_deref().map(path::spelled));
    let longest = || axis_of_numbers(axes).map(|at| axes[at].0.clone());
    let x = x.or_else(|| longest().filter(|_| lines));
    let y = args.y.clone().or_else(|| lines.then(|| study.usual_metric().to_owned()));
    let mut shown: Vec<&str> = match kind {
        "cdf" => vec!["latency-cdf"],
        _ => [&y, &x].into_iter().flatten().map(String::as_str).collect(),
    };
    shown.extend(facet.as_deref());
    let name = shown.join("-by-").replace(['/', '\\', '"'], "-");
    let name = args.name.clone().unwrap_or(name);
    let folder = args.folder.file_name().map(|name| name.to_string_lossy().into_owned());
    let texts = [
        ("kind", Some(kind.to_owned())),
        ("x", x),
        ("y", y),
        ("series", args.series.clone()),
        ("facet", facet),
        ("name", Some(name).filter(|name| !name.is_empty())),
        ("title", args.title.clone().or(folder).or_else(|| Some(String::new()))),
    ];
    let texts = texts.into_iter().filter_map(|(key, text)| Some((key, Value::Text(text?))));
    let flags = [("x_log", args.log_x), ("y_log", args.log_y)];
    let flags = flags.map(|(key, flag)| (key, Value::Bool(flag)));
    let filter = Value::table(labels("--where", &args.filter, problems));
    let hulls = Value::table(labels("--hull", &args.hulls, problems));
    let tables = [("where", filter), ("hulls", hulls)];
    let entry = |(key, value): (&str, Value)| {
        let place = place.clone().field(&format!("--{key}"));
        (key.to_owned(), ConfigNode { place, value })
    };
    let mut entries: Vec<_> = texts.chain(flags).chain(tables).map(entry).collect();
    entries.sort_by(|a, b| a.0.cmp(&b.0));
    ConfigNode { place, value: Value::table(entries) }
}

/// `key=value` and `key=other` of an option become a key with two values.
fn labels(option: &str, texts: &[String], problems: &mut Problems) -> Vec<(String, ConfigNode)> {
    let mut values: BTreeMap<String, Vec<ConfigNode>> = BTreeMap::new();
    let node = |value| ConfigNode { place: Location::file(option), value };
    for text in texts {
        match path::assignment(text) {
            Some((key, value)) => {
                let key = if option == "--where" { path::spelled(key) } else { key.to_owned() };
                values.entry(key).or_default().push(node(Value::Text(value.to_owned())));
            }
            None => problems.push(wrong(option, format!("`{text}`"), "column=value")),
        }
    }
    values.into_iter().map(|(key, values)| (key, node(Value::array(values)))).collect()
}
