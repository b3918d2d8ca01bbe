//! The experiment file, before it is expanded.

use super::axis::{AXIS, Axis, ZIP, axes_with_labels};
use super::capacity_search::{CapacitySearch, SEARCH};
use super::figure_spec::{FIGURE, FigureSpec, WHERE, check_file_name, read_filter};
use super::figure_style::{STYLE_KINDS, Styles};
use super::implied::{AxisLabels, axis_of_claim};
use super::settings::{BASE, OFFLOADING};
use super::stopping::{STOPPING, StoppingRule};
use super::tuning::{TUNE, Tuning};
use crate::config::settings::names;
use crate::config::{
    ConfigNode, Decoder, Group, Kind, Location, Problem, Problems, Setting, Value, decode, path,
};
use crate::core::units::Span;
use crate::metrics::{Study, TABLES, TableEntry};
use std::sync::Arc;

/// `[[expect]]`
const EXPECT: Group = Group::named("expect").of(&[&[
    Setting::required("claim", Kind::Text)
        .means("Two labels of one axis and how they compare, such as `sneakpeek >= grouped`."),
    Setting::optional("axis", Kind::Text, "the axis that has both labels").means("Their axis."),
    Setting::optional("metric", Kind::Text, "utility_mean; of an offloading study reward_mean")
        .means("The column of runs.csv that is compared."),
    Setting::number("factor", [1e-6, 1e6], 1.0).means(
        "The right side is multiplied by it: with 2, `a >= b` claims that the mean of a is at \
         least twice that of b.",
    ),
    WHERE,
    Setting::flag("gate", false).means("Whether a contradiction fails the command."),
    Setting::text("note", "").means("What the claim means."),
    Setting::optional("not_transposable", Kind::Text, "the claim is judged").means(
        "Why a published claim cannot be asked here. `claim` is then any text, and of the other \
         keys only `note` may stand beside it.",
    ),
]]);

fn table_names() -> Vec<&'static str> {
    TABLES.iter().map(|table| table.name).collect()
}

/// The kinds of settings that all runs share.
const BASES: [Kind; 2] = [Kind::Table(&BASE), Kind::Table(&OFFLOADING)];
/// The keys that an offloading study lacks.
const OF_SCHEDULING: [&str; 4] = ["search", "stopping", "timeseries_ms", "tune"];

/// The file.
pub const FILE: Group = Group::named("experiment").of(&[&[
    Setting::optional("name", Kind::Text, "the name of the file")
        .means("The folder of the results."),
    Setting::optional("title", Kind::Text, "the name").means("The heading of the figures."),
    Setting::optional("question", Kind::Text, "the title")
        .means("What the experiment asks, in a sentence; `peeksim list` shows it."),
    Setting::choice("study", &names(&Study::ALL)).means(
        "What runs simulate: a scheduler that assigns requests to workers, or a policy that \
         answers dialogues on a device or in the cloud. `[base]` has other keys for each.",
    ),
    Setting::text("note", "").means("The small print of the figures."),
    Setting::integer("seed", [0, i64::MAX as u64], 1).means("The root of all random numbers."),
    Setting::integer("replicates", [1, 1_000_000], 10).means("The runs of each configuration."),
    Setting::optional("stopping", Kind::Table(&STOPPING), "`replicates` of each configuration")
        .means("When enough replicates have run."),
    Setting::required("base", Kind::OneOf(&BASES)).means("The settings that all runs share."),
    Setting::optional("axis", Kind::List(&Kind::Table(&AXIS)), "none")
        .means("A setting that varies."),
    Setting::optional("zip", Kind::List(&Kind::Table(&ZIP)), "none")
        .means("Settings that vary together."),
    Setting::optional("search", Kind::Table(&SEARCH), "none")
        .means("The search for the value of a setting up to which a metric keeps a limit."),
    Setting::optional("figure", Kind::List(&Kind::Table(&FIGURE)), "none").means("What is drawn."),
    Setting::optional("style", Kind::OneOf(&STYLE_KINDS), "by the label").means(
        "Styles of series in figures, by label. Or the name of a file of such tables, which \
         experiments share; a table names it with the key `include`, and its own styles go over \
         those of the file.",
    ),
    Setting::optional("tune", Kind::Table(&TUNE), "nothing is tuned")
        .means("Grids of parameters for `peeksim tune`; `sweep` does not read them."),
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
    /// The name of the folder of the results.
    pub name: String,
    /// The heading of the figures.
    pub title: String,
    /// What it asks.
    pub question: String,
    /// The small print of the figures.
    pub note: String,
    /// What runs simulate.
    pub study: Study,
    /// The root of all random numbers.
    pub seed: u64,
    /// Runs of each configuration; the first ones with `stopping`.
    pub replicates: u64,
    /// When enough replicates have run.
    pub stopping: Option<StoppingRule>,
    /// The settings that all runs share.
    pub base: ConfigNode,
    /// The settings that vary.
    pub axes: Vec<Axis>,
    /// The search instead of a grid; its ends are the last of the axes.
    pub search: Option<CapacitySearch>,
    /// What is fixed about the styles of series.
    pub styles: Arc<Styles>,
    /// The figures.
    pub figures: Vec<FigureSpec>,
    /// The claims.
    pub expectations: Vec<Expectation>,
    /// What `peeksim tune` tries.
    pub tune: Option<Tuning>,
    /// The tables that are written with `runs.csv`.
    pub tables: Vec<&'static TableEntry>,
    /// The interval of time series.
    pub series: Span,
    /// The whole file with overrides, for the manifest.
    pub resolved: ConfigNode,
    /// The path of the file.
    pub path: String,
}

/// A claim about two values of one axis.
#[derive(Clone, Debug)]
pub struct Expectation {
    /// The claim, `a >= b` or `a >= 2 × b`.
    pub claim: String,
    /// The value on the left.
    pub left: String,
    /// How the means compare.
    pub relation: Relation,
    /// The value on the right.
    pub right: String,
    /// The axis of both.
    pub axis: String,
    /// The column of runs.csv that is compared.
    pub metric: String,
    /// By which the right side is multiplied.
    pub factor: f64,
    /// The rows that count, as (axis, one of these labels).
    pub filter: Vec<(String, Vec<String>)>,
    /// Whether a contradiction fails the command.
    pub gate: bool,
    /// What the claim means.
    pub note: String,
    /// Why it cannot be asked here; such a claim is text alone.
    pub not_transposable: Option<String>,
    /// Where it was written.
    pub place: Location,
}

/// How two means compare.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Relation {
    /// Left is larger.
    Greater,
    /// Left is larger or equal.
    GreaterOrEqual,
    /// Left is smaller.
    Less,
    /// Left is smaller or equal.
    LessOrEqual,
}

impl Experiment {
    /// The most runs of a configuration.
    pub fn most_replicates(&self) -> u64 {
        self.stopping.as_ref().map_or(self.replicates, |rule| rule.max_replicates)
    }

    /// What a command that is about schedulers says to an offloading study.
    pub fn not_of_schedulers(&self) -> Problem {
        let place = Location::file(&self.path).field("study");
        Problem::new(place, "an offloading study", "an experiment about schedulers")
    }

    /// Every key that varies with the labels of its values.
    pub fn axes_with_labels(&self) -> Vec<AxisLabels> {
        axes_with_labels(&self.axes)
    }

    /// Reads the file at `path`, with overrides applied.
    pub fn read(node: &ConfigNode, path: &str, problems: &mut Problems) -> Self {
        let mut read = Decoder::new(node, &FILE, problems);
        let stem = path.rsplit('/').next().unwrap_or(path).trim_end_matches(".toml");
        let name = read.text_or("name", stem);
        check_file_name(&name, node, read.problems());
        let title = read.text_or("title", &name);
        let question = read.text_or("question", &title);
        let note = read.text("note");
        let study = read.choice("study", &Study::ALL);
        let (seed, replicates) = (read.integer("seed"), read.integer("replicates"));
        let rule = read.take("stopping");
        let rule = rule.and_then(|node| StoppingRule::read(node, replicates, read.problems()));
        let base = read.require("base", "a table [base] with the settings of all runs");
        let base = base.cloned().unwrap_or_else(|| ConfigNode::empty(node.place.clone()));
        let [one, several] = ["axis", "zip"].map(|key| list(&mut read, key));
        let mut axes: Vec<Axis> =
            one.iter().filter_map(|node| Axis::read(node, read.problems())).collect();
        axes.extend(several.iter().filter_map(|node| Axis::read_zip(node, read.problems())));
        let search = read.take("search");
        let search = search.and_then(|node| CapacitySearch::read(node, read.problems()));
        if let Some(search) = &search {
            axes.push(search.axis());
            rule.iter().for_each(|rule| rule.refuse_search(read.problems()));
        }
        // The name of a shared file stands for what `load` puts there.
        let style = read.take("style").filter(|node| !matches!(node.value, Value::Text(_)));
        let styles = style.map(|node| Styles::read(node, read.problems()));
        let styles = Arc::new(styles.unwrap_or_default());
        let [figures, claims] = ["figure", "expect"].map(|key| list(&mut read, key));
        let none = figures.is_empty() && claims.is_empty();
        let labels = if none { Vec::new() } else { axes_with_labels(&axes) };
        let figures = read_figures(figures, (study, &labels), [&title, &note], read.problems());
        let figures: Vec<FigureSpec> = figures
            .into_iter()
            .map(|figure| FigureSpec { styles: Arc::clone(&styles), ..figure })
            .collect();
        let claims = claims.iter();
        let claims =
            claims.filter_map(|node| Expectation::read(node, (study, &labels), read.problems()));
        let expectations = claims.collect();
        let tune = read.take("tune");
        let tune = tune.map(|node| Tuning::read(node, &base, &axes, read.problems()));
        let (tables, series) = read_tables(&mut read, study);
        read.finish();
        if study == Study::Offloading {
            refuse_scheduling(node, problems);
        }
        Self {
            name,
            title,
            question,
            note,
            study,
            seed,
            replicates,
            stopping: rule,
            base,
            axes,
            search,
            styles,
            figures,
            expectations,
            tune,
            tables,
            series,
            resolved: node.clone(),
            path: path.to_owned(),
        }
    }
}

/// Reports the keys that an offloading study lacks.
fn refuse_scheduling(node: &ConfigNode, problems: &mut Problems) {
    for key in OF_SCHEDULING {
        if let Some(own) = node.get(key) {
            let found = format!("`{key}` of an offloading study");
            let expected = "an experiment of scheduling, or no such key";
            problems.push(Problem::new(own.place.clone(), found, expected));
        }
    }
}

fn list<'a>(read: &mut Decoder<'a>, key: &'static str) -> &'a [ConfigNode] {
    match read.take(key) {
        Some(node) => decode::array(node, read.problems()),
        None => &[],
    }
}

/// The figures; `own` are the title and the note of the experiment, for figures without them. A
/// title is followed by what the figure shows.
fn read_figures(
    nodes: &[ConfigNode],
    (study, axes): (Study, &[AxisLabels]),
    own: [&str; 2],
    problems: &mut Problems,
) -> Vec<FigureSpec> {
    let mut figures: Vec<FigureSpec> = Vec::new();
    for (at, node) in nodes.iter().enumerate() {
        let mut figure = FigureSpec::read(node, at, (study, axes), problems);
        let [title, note] = own;
        if figure.title.is_empty() {
            figure.title = format!("{title}: {}", figure.shows());
        }
        if figure.note.is_empty() {
            note.clone_into(&mut figure.note);
        }
        if figures.iter().any(|before| before.name == figure.name) {
            let place = figure.place.clone().field("figure.name");
            let found = format!("`{}` twice", figure.name);
            problems.push(Problem::new(place, found, "a file name for each figure"));
        }
        figures.push(figure);
    }
    figures
}

/// `tables = ["apps"]`, and `timeseries_ms = 1000`, which asks for the time series too.
fn read_tables(read: &mut Decoder<'_>, study: Study) -> (Vec<&'static TableEntry>, Span) {
    let own = TABLES.iter().filter(|table| table.study() == study);
    let known: Vec<_> = own.map(|table| (table.name, table.name)).collect();
    let named = list(read, "tables").iter();
    let named: Vec<&str> =
        named.filter_map(|name| decode::choice(name, &known, read.problems())).collect();
    let step = read.optional_number("timeseries_ms");
    let wanted = |table: &&TableEntry| {
        named.contains(&table.name) || (step.is_some() && table.name.starts_with("timeseries"))
    };
    let tables = TABLES.iter().copied().filter(wanted).collect();
    (tables, Span::from_ms(step.unwrap_or(1000.0)))
}

/// Signs of relations; of two that fit, the longer one first.
const RELATIONS: [(&str, Relation); 4] = [
    (">=", Relation::GreaterOrEqual),
    ("<=", Relation::LessOrEqual),
    (">", Relation::Greater),
    ("<", Relation::Less),
];

impl Expectation {
    /// Reads a table `[[expect]]` of an experiment with these axes.
    fn read(
        node: &ConfigNode,
        (study, axes): (Study, &[AxisLabels]),
        problems: &mut Problems,
    ) -> Option<Self> {
        let mut read = Decoder::new(node, &EXPECT, problems);
        let claim = read.text("claim");
        let axis = read.optional_text("axis").map(path::spelled);
        let metric = read.text_or("metric", study.usual_metric());
        let filter = read_filter(&mut read);
        let (gate, note) = (read.flag("gate"), read.text("note"));
        let factor = read.number("factor");
        if let Some(reason) = read.optional_text("not_transposable") {
            let texts = [claim.as_str(), reason, &note];
            let claim = Self::not_transposable(node, texts, read.problems());
            read.finish();
            return Some(claim);
        }
        read.finish();
        let sides = RELATIONS.iter().find_map(|(sign, relation)| {
            let (left, right) = claim.split_once(sign)?;
            Some(([left.trim().to_owned(), right.trim().to_owned()], sign, *relation))
        });
        let Some(([left, right], sign, relation)) = sides else {
            let place = node.get("claim").unwrap_or(node).place.clone();
            problems.push(Problem::new(place, format!("`{claim}`"), "a claim such as \"a >= b\""));
            return None;
        };
        let axis = axis.or_else(|| axis_of_claim(node, [&left, &right], axes, problems))?;
        let claim =
            if factor == 1.0 { claim } else { format!("{left} {sign} {factor} × {right}") };
        let place = node.place.clone();
        let not_transposable = None;
        Some(Self {
            claim,
            left,
            relation,
            right,
            axis,
            metric,
            factor,
            filter,
            gate,
            note,
            not_transposable,
            place,
        })
    }

    /// A claim that cannot be asked, with the reason.
    fn not_transposable(
        node: &ConfigNode,
        [claim, reason, note]: [&str; 3],
        problems: &mut Problems,
    ) -> Self {
        if reason.trim().is_empty() {
            let place = node.place.clone().field("expect.not_transposable");
            problems.push(Problem::new(place, "an empty text", "why it cannot be asked"));
        }
        for key in ["axis", "metric", "factor", "where", "gate"] {
            if let Some(own) = node.get(key) {
                let found = format!("`{key}` of a claim that is not transposable");
                let expected = "`claim`, `not_transposable` and `note` alone";
                problems.push(Problem::new(own.place.clone(), found, expected));
            }
        }
        Self {
            claim: claim.to_owned(),
            left: String::new(),
            relation: Relation::Greater,
            right: String::new(),
            axis: String::new(),
            metric: String::new(),
            factor: 1.0,
            filter: Vec::new(),
            gate: false,
            note: note.to_owned(),
            not_transposable: Some(reason.to_owned()),
            place: node.place.clone(),
        }
    }
}
