//! The experiment file: what is asked for, before it is expanded.

use super::axis::{Axis, axes_with_labels, check_key};
use super::capacity_search::{CapacitySearch, SEARCH};
use super::figure_spec::{FIGURE, FigureSpec, WHERE, check_file_name, read_filter};
use super::implied::{AxisLabels, axis_of_claim};
use super::settings::BASE;
use super::stopping::{STOPPING, StoppingRule};
use crate::config::settings::TEXTS;
use crate::config::{
    ConfigNode, Decoder, Group, Kind, Location, Problem, Problems, Setting, decode, path,
};
use crate::core::units::Span;
use crate::metrics::{TABLES, TableEntry};

/// `[[axis]]`
const AXIS: Group = Group::named("axis").of(&[&[
    Setting::required("key", Kind::Text).means("The path of the setting that varies, in `[base]`."),
    Setting::required("values", Kind::List(&Kind::Any))
        .means("Its values; a table may have a `label`, which is no part of the value."),
]]);

/// `[[zip]]`
const ZIP: Group = Group::named("zip").of(&[&[
    Setting::required("keys", TEXTS).means("The paths of the settings that vary together."),
    Setting::required("values", Kind::List(&Kind::List(&Kind::Any)))
        .means("Rows of values, one for each key."),
]]);

/// `[[expect]]`
const EXPECT: Group = Group::named("expect").of(&[&[
    Setting::required("claim", Kind::Text)
        .means("Two labels of one axis and how they compare, such as `sneakpeek >= grouped`."),
    Setting::optional("axis", Kind::Text, "the axis that has both labels").means("Their axis."),
    Setting::text("metric", "utility_mean").means("The column of runs.csv that is compared."),
    WHERE,
    Setting::flag("gate", false).means("Whether a contradiction fails the command."),
    Setting::text("note", "").means("What the claim means."),
]]);

fn table_names() -> Vec<&'static str> {
    TABLES.iter().map(|table| table.name).collect()
}

/// The file.
pub const FILE: Group = Group::named("experiment").of(&[&[
    Setting::optional("name", Kind::Text, "the name of the file")
        .means("The folder of the results."),
    Setting::optional("title", Kind::Text, "the name").means("The heading of the figures."),
    Setting::text("note", "").means("The small print of the figures."),
    Setting::integer("seed", [0, i64::MAX as u64], 1).means("The root of all random numbers."),
    Setting::integer("replicates", [1, 1_000_000], 10).means("The runs of each configuration."),
    Setting::optional("stopping", Kind::Table(&STOPPING), "`replicates` of each configuration")
        .means("When enough replicates have run."),
    Setting::required("base", Kind::Table(&BASE)).means("The settings that all runs share."),
    Setting::optional("axis", Kind::List(&Kind::Table(&AXIS)), "none")
        .means("A setting that varies."),
    Setting::optional("zip", Kind::List(&Kind::Table(&ZIP)), "none")
        .means("Settings that vary together."),
    Setting::optional("search", Kind::Table(&SEARCH), "none")
        .means("The search for the value of a setting up to which a metric keeps a limit."),
    Setting::optional("figure", Kind::List(&Kind::Table(&FIGURE)), "none").means("What is drawn."),
    Setting::optional("expect", Kind::List(&Kind::Table(&EXPECT)), "none")
        .means("A claim that is checked."),
    Setting::optional("tables", Kind::List(&Kind::Name(table_names)), "none")
        .means("The tables of several rows a run that are written too."),
    Setting::optional(
        "timeseries_ms",
        Kind::Number(1e-3, 1e9),
        "1000, if `tables` asks for time series",
    )
    .means("The interval of the time series; asks for them."),
]]);

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

impl Experiment {
    /// Runs of a configuration, if none is narrow enough before.
    pub fn most_replicates(&self) -> u64 {
        self.stopping.as_ref().map_or(self.replicates, |until| until.max_replicates)
    }

    /// Reads a tree.
    pub fn read(node: &ConfigNode, path: &str, problems: &mut Problems) -> Self {
        let mut read = Decoder::new(node, &FILE, problems);
        let stem = path.rsplit('/').next().unwrap_or(path).trim_end_matches(".toml");
        let name = read.text_or("name", stem);
        check_file_name(&name, node, read.problems());
        let title = read.text_or("title", &name);
        let note = read.text("note");
        let seed = read.integer("seed");
        let replicates = read.integer("replicates");
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
    let step = read.optional_number("timeseries_ms");
    if step.is_some() {
        wanted
            .extend(TABLES.iter().map(|table| table.name).filter(|n| n.starts_with("timeseries")));
    }
    let tables = TABLES.iter().copied().filter(|table| wanted.contains(&table.name)).collect();
    (tables, Span::from_ms(step.unwrap_or(1000.0)))
}

fn read_axis(node: &ConfigNode, problems: &mut Problems) -> Option<Axis> {
    let mut read = Decoder::new(node, &AXIS, problems);
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
    let mut read = Decoder::new(node, &ZIP, problems);
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

fn read_expectation(
    node: &ConfigNode,
    axes: &[AxisLabels],
    problems: &mut Problems,
) -> Option<Expectation> {
    let mut read = Decoder::new(node, &EXPECT, problems);
    let claim = read.text("claim");
    let axis = read.take("axis");
    let axis = axis.and_then(|node| decode::text(node, read.problems())).map(path::spelled);
    let metric = read.text("metric");
    let filter = read_filter(&mut read);
    let gate = read.flag("gate");
    let note = read.text("note");
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
