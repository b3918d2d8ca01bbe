//! The experiment file: what is asked for, before it is expanded.

use super::axis::{Axis, axes_with_labels, check_key};
use super::capacity_search::CapacitySearch;
use super::implied::{AxisLabels, axis_of_claim, axis_of_lines, other_axis};
use super::stopping::StoppingRule;
use crate::config::toml::quote;
use crate::config::{ConfigNode, Decoder, Location, Problem, Problems, Value, decode, path};
use crate::core::units::Span;
use crate::metrics::{TABLES, TableEntry};

/// A parsed experiment.
#[derive(Clone, Debug)]
pub struct Experiment {
    /// Names the folder of the results.
    pub name: String,
    /// What it is, in a line; the heading of its figures.
    pub title: String,
    /// What a reader of its figures must know.
    pub note: String,
    /// The root of all random numbers.
    pub seed: u64,
    /// Runs per configuration.
    pub replicates: u64,
    /// More of them, until an interval is narrow enough.
    pub stopping: Option<StoppingRule>,
    /// The settings that all runs share.
    pub base: ConfigNode,
    /// What varies.
    pub axes: Vec<Axis>,
    /// What to search for instead of going through a grid; its ends are the last of the axes.
    pub search: Option<CapacitySearch>,
    /// What to draw.
    pub figures: Vec<FigureSpec>,
    /// What to check.
    pub expectations: Vec<Expectation>,
    /// What to write beside `runs.csv`.
    pub tables: Vec<&'static TableEntry>,
    /// The length of an interval of a time series.
    pub series: Span,
    /// The whole file with overrides, for the manifest.
    pub resolved: ConfigNode,
    /// Where it was read from.
    pub path: String,
}

/// A figure to draw.
#[derive(Clone, Debug)]
pub struct FigureSpec {
    /// The file's name without ending.
    pub name: String,
    /// What it shows.
    pub kind: FigureKind,
    /// The column on the horizontal axis.
    pub x: String,
    /// The column on the vertical axis.
    pub y: String,
    /// The column whose values are the lines; one line if empty.
    pub series: String,
    /// The axis that has a panel for each of its values; one panel if empty.
    pub facet: String,
    /// Only rows with these labels: (column, one of these).
    pub filter: Vec<(String, Vec<String>)>,
    /// Logarithmic axes.
    pub x_log: bool,
    /// Logarithmic axes.
    pub y_log: bool,
    /// Ends of the vertical axis.
    pub y_range: Option<(f64, f64)>,
    /// What stands at the horizontal axis; made from the column's name if empty.
    pub x_label: String,
    /// Heading; the experiment's title if empty.
    pub title: String,
    /// Small print; the experiment's note if empty.
    pub note: String,
    /// Where it was written.
    pub place: Location,
}

/// The kinds of figure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FigureKind {
    /// Means with 95 % bands against a setting.
    Lines,
    /// The distribution of latency.
    Cdf,
    /// One metric against another, a point per setting.
    Pareto,
}

/// A claim about two values of one axis.
#[derive(Clone, Debug)]
pub struct Expectation {
    /// The claim as written, `a >= b`.
    pub claim: String,
    /// The value on the left.
    pub left: String,
    /// How they compare.
    pub relation: Relation,
    /// The value on the right.
    pub right: String,
    /// The axis of both.
    pub axis: String,
    /// The metric compared.
    pub metric: String,
    /// The other settings: (column, label).
    pub filter: Vec<(String, Vec<String>)>,
    /// Whether a contradiction fails the command.
    pub gate: bool,
    /// What the claim means, in plain words.
    pub note: String,
    /// Where it was written.
    pub place: Location,
}

/// How two means compare.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Relation {
    /// Left is larger.
    Greater,
    /// Left is larger or the same.
    GreaterOrEqual,
    /// Left is smaller.
    Less,
    /// Left is smaller or the same.
    LessOrEqual,
}

/// What `figure.kind` may be, for messages and lists.
pub const FIGURE_KINDS: [(&str, FigureKind); 3] =
    [("lines", FigureKind::Lines), ("cdf", FigureKind::Cdf), ("pareto", FigureKind::Pareto)];

impl Experiment {
    /// Runs of a configuration, if none is narrow enough before.
    pub fn most_replicates(&self) -> u64 {
        self.stopping.as_ref().map_or(self.replicates, |until| until.max_replicates)
    }

    /// Reads a tree.
    pub fn read(node: &ConfigNode, path: &str, problems: &mut Problems) -> Self {
        let mut read = Decoder::new(node, problems);
        let stem = path.rsplit('/').next().unwrap_or(path).trim_end_matches(".toml");
        let name = read.text("name", stem);
        check_file_name(&name, node, read.problems());
        let title = read.text("title", &name);
        let note = read.text("note", "");
        let seed = read.integer("seed", 0..=i64::MAX as u64, 1);
        let replicates = read.integer("replicates", 1..=1_000_000, 10);
        let until = read.take("stopping");
        let until = until.and_then(|node| StoppingRule::read(node, replicates, read.problems()));
        let base = read.require("base", "a table [base] with the settings of all runs");
        let base = base.cloned().unwrap_or_else(|| ConfigNode::empty(node.place.clone()));
        let mut axes = Vec::new();
        for item in list(&mut read, "axis") {
            axes.extend(read_axis(item, read.problems()));
        }
        for item in list(&mut read, "zip") {
            axes.extend(read_zip(item, read.problems()));
        }
        let search = read.take("search");
        let search =
            search.and_then(|node| CapacitySearch::read(node, read.problems())).map(|(s, axis)| {
                axes.push(axis);
                s
            });
        until.iter().filter(|_| search.is_some()).for_each(|u| u.refuse_search(read.problems()));
        let figures = list(&mut read, "figure");
        let expectations = list(&mut read, "expect");
        let none = figures.is_empty() && expectations.is_empty();
        let labels = if none { Vec::new() } else { axes_with_labels(&axes) };
        let figure = |(at, node)| {
            let mut figure = FigureSpec::read(node, at, &labels, read.problems());
            let or_own = |text: &mut String, own: &str| {
                if text.is_empty() {
                    own.clone_into(text);
                }
            };
            or_own(&mut figure.title, &title);
            or_own(&mut figure.note, &note);
            figure
        };
        let figures: Vec<FigureSpec> = figures.iter().enumerate().map(figure).collect();
        for (at, figure) in figures.iter().enumerate() {
            if figures[..at].iter().any(|before| before.name == figure.name) {
                let place = figure.place.clone().field("figure.name");
                let found = format!("`{}` twice", figure.name);
                read.problems().push(Problem::new(place, found, "a file name for each figure"));
            }
        }
        let claim = |node| read_expectation(node, &labels, read.problems());
        let expectations = expectations.iter().filter_map(claim).collect();
        let (tables, series) = read_tables(&mut read);
        read.finish();
        Self {
            name,
            title,
            note,
            seed,
            replicates,
            stopping: until,
            base,
            axes,
            search,
            figures,
            expectations,
            tables,
            series,
            resolved: node.clone(),
            path: path.to_owned(),
        }
    }
}

/// Names of experiments and figures become names of folders and files.
fn check_file_name(name: &str, node: &ConfigNode, problems: &mut Problems) {
    let odd = |c: char| c.is_control() || "/\\".contains(c);
    if name.trim().is_empty() || name.len() > 100 || name.starts_with('.') || name.contains(odd) {
        let place = node.get("name").unwrap_or(node).place.clone();
        let expected = "a name for a file: no slash, no dot at its beginning, at most 100 letters";
        problems.push(Problem::new(place, quote(name), expected));
    }
}

fn list<'a>(read: &mut Decoder<'a>, key: &'static str) -> &'a [ConfigNode] {
    match read.take(key) {
        Some(node) => decode::array(node, read.problems()),
        None => &[],
    }
}

/// `tables = ["apps"]`, and `timeseries_ms = 1000`, which asks for the time series too.
fn read_tables(read: &mut Decoder<'_>) -> (Vec<&'static TableEntry>, Span) {
    let names = read.take("tables").map(|node| decode::array(node, read.problems()));
    let known: Vec<_> = TABLES.iter().map(|table| (table.name, *table)).collect();
    let named = names.unwrap_or_default().iter();
    let mut wanted: Vec<&str> = named
        .filter_map(|name| decode::choice(name, &known, read.problems()))
        .map(|table| table.name)
        .collect();
    let step = read.take("timeseries_ms");
    let step = step.and_then(|node| decode::number(node, &(1e-3..=1e9), read.problems()));
    if step.is_some() {
        wanted
            .extend(TABLES.iter().map(|table| table.name).filter(|n| n.starts_with("timeseries")));
    }
    let tables = TABLES.iter().copied().filter(|table| wanted.contains(&table.name)).collect();
    (tables, Span::from_ms(step.unwrap_or(1000.0)))
}

fn read_axis(node: &ConfigNode, problems: &mut Problems) -> Option<Axis> {
    let mut read = Decoder::new(node, problems);
    let key = read.require("key", "the key that varies");
    let values = read.require("values", "the list of its values");
    let key = key.and_then(|key| axis_key(key, read.problems()));
    let values = values.map(|values| decode::array(values, read.problems()));
    if values.is_some_and(<[ConfigNode]>::is_empty) {
        let place = node.get("values").unwrap_or(node).place.clone();
        read.problems().push(Problem::new(place, "an empty list", "at least one value"));
    }
    read.finish();
    let (key, mut rows) = (key?, Vec::new());
    for value in values? {
        let mut value = value.clone();
        value.rename("axis.values", &key);
        rows.push(vec![value]);
    }
    Some(Axis { keys: vec![key], rows, place: node.place.clone() })
}

/// A path of keys into the base.
fn axis_key(node: &ConfigNode, problems: &mut Problems) -> Option<String> {
    let key = decode::text(node, problems)?;
    if let Err(problem) = check_key(key, &node.place) {
        problems.push(problem);
    }
    Some(path::spelled(key))
}

fn read_zip(node: &ConfigNode, problems: &mut Problems) -> Option<Axis> {
    let mut read = Decoder::new(node, problems);
    let keys = read.take("keys").map(|keys| decode::array(keys, read.problems()));
    let keys: Vec<String> =
        keys.into_iter().flatten().filter_map(|key| axis_key(key, read.problems())).collect();
    let values = read.require("values", "a list of rows, one value for each key");
    let values = values.map(|v| decode::array(v, read.problems())).unwrap_or_default();
    if keys.is_empty() || values.is_empty() {
        let expected = "`keys` and rows of `values`";
        read.problems().push(Problem::new(node.place.clone(), "nothing to move", expected));
    }
    let mut rows = Vec::new();
    for row in values.iter().filter(|_| !keys.is_empty()) {
        let mut cells = decode::array(row, read.problems()).to_vec();
        cells.iter_mut().zip(&keys).for_each(|(cell, key)| cell.rename("zip.values", key));
        if cells.len() == keys.len() {
            rows.push(cells);
        } else {
            let found = format!("a row of {}", cells.len());
            let expected = format!("{} values, one for each key", keys.len());
            read.problems().push(Problem::new(row.place.clone(), found, expected));
        }
    }
    read.finish();
    (!keys.is_empty() && !rows.is_empty()).then(|| Axis { keys, rows, place: node.place.clone() })
}

impl FigureSpec {
    /// Reads a table `[[figure]]`, the `at`-th of its file, of results with these axes.
    pub fn read(
        node: &ConfigNode,
        at: usize,
        axes: &[AxisLabels],
        problems: &mut Problems,
    ) -> Self {
        let mut read = Decoder::new(node, problems);
        let kind = read.choice("kind", &FIGURE_KINDS);
        let (x, y) = match kind {
            FigureKind::Lines => ("workload.rate_rps", "utility_mean"),
            FigureKind::Cdf => ("latency_ms", "share"),
            FigureKind::Pareto => ("deadline_miss_ratio", "accuracy_mean"),
        };
        let facet = path::spelled(&read.text("facet", ""));
        let x = match read.take("x") {
            Some(node) => {
                let x = decode::text(node, read.problems()).unwrap_or_default();
                if kind == FigureKind::Lines { path::spelled(x) } else { x.to_owned() }
            }
            None if kind == FigureKind::Lines => axis_of_lines(node, axes, x, read.problems()),
            None => x.to_owned(),
        };
        let y = read.text("y", y);
        let series = read.take("series");
        let series = match series.map(|node| decode::text(node, read.problems())) {
            Some(name) => path::spelled(name.unwrap_or_default()),
            None => other_axis(axes, &[&x, &facet]),
        };
        let name = read.text("name", &format!("{}-{}", at + 1, y.replace(['.', '/'], "-")));
        check_file_name(&name, node, read.problems());
        let range = read.take("y_range").map(|node| {
            let ends = decode::array(node, read.problems()).iter();
            let all = -f64::MAX..=f64::MAX;
            let ends: Vec<f64> =
                ends.filter_map(|end| decode::number(end, &all, read.problems())).collect();
            if ends.len() != 2 || ends[0] >= ends[1] {
                let expected = "two numbers, the lower first";
                read.problems().push(decode::mismatch(node, expected));
            }
            ends
        });
        let spec = Self {
            name,
            kind,
            x,
            y,
            series,
            facet,
            filter: read_filter(&mut read),
            x_log: read.flag("x_log", false),
            y_log: read.flag("y_log", false),
            y_range: range.filter(|ends| ends.len() == 2).map(|ends| (ends[0], ends[1])),
            x_label: read.text("x_label", ""),
            title: read.text("title", ""),
            note: read.text("note", ""),
            place: node.place.clone(),
        };
        read.finish();
        spec
    }
}

/// `where = { "workload.rate_rps" = 200, scheduler = ["a", "b"] }`
fn read_filter(read: &mut Decoder<'_>) -> Vec<(String, Vec<String>)> {
    let Some(node) = read.take("where") else { return Vec::new() };
    let entries = decode::table(node, read.problems()).iter();
    let labels = |node: &ConfigNode| match &node.value {
        Value::Array(items) => items.iter().map(ConfigNode::cell).collect(),
        _ => vec![node.cell()],
    };
    entries.map(|(key, node)| (path::spelled(key), labels(node))).collect()
}

fn read_expectation(
    node: &ConfigNode,
    axes: &[AxisLabels],
    problems: &mut Problems,
) -> Option<Expectation> {
    let mut read = Decoder::new(node, problems);
    let claim = read.text("claim", "");
    let axis = read.take("axis");
    let axis = axis.and_then(|node| decode::text(node, read.problems())).map(path::spelled);
    let metric = read.text("metric", "utility_mean");
    let filter = read_filter(&mut read);
    let gate = read.flag("gate", false);
    let note = read.text("note", "");
    read.finish();
    let relations = [
        (">=", Relation::GreaterOrEqual),
        ("<=", Relation::LessOrEqual),
        (">", Relation::Greater),
        ("<", Relation::Less),
    ];
    let split = relations.iter().find_map(|(sign, relation)| {
        claim.split_once(sign).map(|(left, right)| (left.trim(), *relation, right.trim()))
    });
    let Some((left, relation, right)) = split else {
        let place = node.get("claim").unwrap_or(node).place.clone();
        problems.push(Problem::new(place, format!("`{claim}`"), "a claim such as \"a >= b\""));
        return None;
    };
    let axis = axis.or_else(|| axis_of_claim(node, [left, right], axes, problems))?;
    let (left, right) = (left.to_owned(), right.to_owned());
    let place = node.place.clone();
    Some(Expectation {
        claim: claim.clone(),
        left,
        relation,
        right,
        axis,
        metric,
        filter,
        gate,
        note,
        place,
    })
}
