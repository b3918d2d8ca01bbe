//! `peeksim plot`: draws results from their CSV files: the figures of the experiment, or the one
//! that options describe.

use super::{CliError, Output, wrong};
use crate::config::settings::number_range;
use crate::config::{ConfigNode, Location, Problem, Problems, Value, path};
use crate::experiment::{
    AxisLabels, Experiment, FONT_SIZES, FigureKind, FigureSize, FigureSpec, Length, NameChecker,
    Styles, axis_of_numbers,
};
use crate::metrics::Study;
use crate::report::{Results, draw_some, manifest};
use clap::Args;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

/// Arguments of `plot`: the keys of a table `[[figure]]`.
///
/// Without such keys, draws the figures of the experiment again, as the manifest of the folder has
/// it; without those, too, the usual metric against the axis of numbers.
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
    /// The width on paper, as 85mm, 8.5cm, 3.4in or 240pt; 3.4in by default.
    #[arg(long)]
    width: Option<String>,
    /// The size of axis titles in points; other type is in proportion. 6.12 by default.
    #[arg(long, value_name = "POINTS")]
    font_size: Option<String>,
    /// A file of styles by label, instead of those of the experiment.
    #[arg(long, value_name = "FILE")]
    style: Option<String>,
    /// Take figures and styles from this experiment, not from the manifest of the folder.
    #[arg(long, value_name = "FILE")]
    experiment: Option<String>,
    /// The folder of the figures; `figures` in that of the results by default.
    #[arg(long, value_name = "FOLDER")]
    out: Option<PathBuf>,
}

pub(super) fn main(args: &PlotArgs, out: &mut Output) -> Result<(), CliError> {
    let results = Results::load(&args.folder)?;
    let experiment = experiment(args)?;
    let styles = match (&args.style, &experiment) {
        (Some(path), _) => Arc::new(Styles::load(path)?),
        (None, Some(experiment)) => Arc::clone(&experiment.styles),
        (None, None) => Arc::default(),
    };
    let own = experiment.map_or_else(Vec::new, |experiment| experiment.figures);
    let is_usual = !args.describes_a_figure() && !own.is_empty();
    let asked = if is_usual { own.clone() } else { vec![figure(args, &results)?] };
    let width = args.width.as_deref().map(width).transpose()?;
    let font = args.font_size.as_deref().map(font_size).transpose()?;
    let mut shown = Vec::new();
    for spec in asked {
        if spec.kind == FigureKind::Cdf && results.quantiles.is_empty() {
            let text = "it needs quantiles.csv, which is not in the folder";
            out.note(format!("{} is not drawn: {text}", spec.name));
            continue;
        }
        let size = match (width, font) {
            (None, None) => spec.size,
            (width, font) => FigureSize::of(width, font).map_err(|expected| {
                let option = if font.is_some() { "--font-size" } else { "--width" };
                let found = if font.is_some() { &args.font_size } else { &args.width };
                wrong(option, found.clone().unwrap_or_default(), expected)
            })?,
        };
        shown.push(FigureSpec { size, styles: Arc::clone(&styles), ..spec });
    }
    let folder = args.out.clone().unwrap_or_else(|| args.folder.join("figures"));
    for path in draw_some(&shown, &own, &results, &folder)? {
        out.wrote(&path)?;
    }
    Ok(())
}

impl PlotArgs {
    /// Whether an option says what is drawn.
    fn describes_a_figure(&self) -> bool {
        let texts =
            [&self.kind, &self.x, &self.y, &self.series, &self.facet, &self.title, &self.name];
        texts.iter().any(|text| text.is_some())
            || !self.filter.is_empty()
            || !self.hulls.is_empty()
            || self.log_x
            || self.log_y
    }
}

/// The experiment of the results: the one that is named, or the one of the manifest.
fn experiment(args: &PlotArgs) -> Result<Option<Experiment>, CliError> {
    if let Some(name) = &args.experiment {
        return Ok(Some(Experiment::load(name, &[])?));
    }
    if !args.folder.join("manifest.toml").is_file() {
        return Ok(None);
    }
    Ok(Some(manifest::read(&args.folder)?.experiment))
}

fn width(text: &str) -> Result<Length, Problem> {
    Length::width(text).map_err(|expected| wrong("--width", format!("`{text}`"), expected))
}

fn font_size(text: &str) -> Result<f64, Problem> {
    let (least, most) = FONT_SIZES.numbers().unwrap_or_default();
    let size = text.trim().trim_end_matches("pt").parse::<f64>().ok();
    let expected = format!("points, {}", number_range(least, most));
    size.filter(|size| (least..=most).contains(size))
        .ok_or_else(|| wrong("--font-size", format!("`{text}`"), expected))
}

/// The requested figure, if these results have what it shows.
fn figure(args: &PlotArgs, results: &Results) -> Result<FigureSpec, Problems> {
    let mut problems = Problems::default();
    let axes = results.axes_with_labels();
    let node = table(args, (results.study, &axes), &mut problems);
    let mut spec = FigureSpec::read(&node, 0, (results.study, &axes), &mut problems);
    if spec.title.is_empty() {
        let folder = args.folder.file_name().map(|name| name.to_string_lossy().into_owned());
        let shows = spec.shows();
        spec.title = folder.map_or(shows.clone(), |folder| format!("{folder}: {shows}"));
    }
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
    let texts = [
        ("kind", Some(kind.to_owned())),
        ("x", x),
        ("y", y),
        ("series", args.series.clone()),
        ("facet", facet),
        ("name", Some(name).filter(|name| !name.is_empty())),
        ("title", args.title.clone()),
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
