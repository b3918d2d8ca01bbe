//! `[[figure]]`: figures of the results.

use super::figure_size::{FONT_SIZES, FigureSize, Length};
use super::figure_style::Styles;
use super::implied::{AxisLabels, axis_of_lines, other_axis};
use crate::config::settings::{NUMBER, names};
use crate::config::toml::quote;
use crate::config::{
    ConfigNode, Decoder, Group, Kind, Location, Problem, Problems, Setting, Value, decode, path,
};
use crate::metrics::{Study, column_words};
use std::sync::Arc;

/// A figure to draw.
#[derive(Clone, Debug)]
pub struct FigureSpec {
    /// The name of the file without ending.
    pub name: String,
    /// Its kind.
    pub kind: FigureKind,
    /// The column on the horizontal axis.
    pub x: String,
    /// The column on the vertical axis.
    pub y: String,
    /// The column whose values are the lines; one line if empty.
    pub series: String,
    /// The axis that has a panel for each of its values; one panel if empty.
    pub facet: String,
    /// Groups of lines by name, of each of which the hull is drawn.
    pub hulls: Vec<(String, Vec<String>)>,
    /// The rows that count, as (axis, one of these labels).
    pub filter: Vec<(String, Vec<String>)>,
    /// Whether the horizontal axis is logarithmic.
    pub x_log: bool,
    /// Whether the vertical axis is logarithmic.
    pub y_log: bool,
    /// The ends of the vertical axis.
    pub y_range: Option<(f64, f64)>,
    /// The title of the horizontal axis; made from the name of the column if empty.
    pub x_label: String,
    /// The heading; the title of the experiment if empty.
    pub title: String,
    /// The small print; the note of the experiment if empty.
    pub note: String,
    /// Its width and the size of its type.
    pub size: FigureSize,
    /// What is fixed about the styles of its series.
    pub styles: Arc<Styles>,
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

/// The names of the kinds.
pub const FIGURE_KINDS: [(&str, FigureKind); 3] =
    [("lines", FigureKind::Lines), ("cdf", FigureKind::Cdf), ("pareto", FigureKind::Pareto)];

/// Only the rows with these labels.
pub(super) const WHERE: Setting =
    Setting::optional("where", Kind::ByName("axis", &Kind::Any), "all rows")
        .means("The rows that count: a label, or a list of labels, for axes.");

/// `[[figure]]`
pub(super) const FIGURE: Group = Group::named("figure").of(&[&[
    Setting::choice("kind", &names(&FIGURE_KINDS)).means(
        "Means with 95 % bands against an axis, the distribution of latency, or one metric against \
         another with a point for each value of an axis.",
    ),
    Setting::optional("facet", Kind::Text, "one panel")
        .means("The axis that has a panel for each of its values."),
    Setting::optional(
        "x",
        Kind::Text,
        "`lines`: the axis of numbers; `cdf`: latency_ms; `pareto`: deadline_miss_ratio, of an \
         offloading study usage_usd_mean",
    )
    .means("The axis or column on the horizontal axis."),
    Setting::optional(
        "y",
        Kind::Text,
        "`lines`: utility_mean; `cdf`: share; `pareto`: accuracy_mean; of an offloading study \
         reward_mean",
    )
    .means("The column on the vertical axis."),
    Setting::optional("series", Kind::Text, "the other axis")
        .means("The axis whose values are the lines."),
    Setting::optional("name", Kind::Text, "the place in the file and `y`")
        .means("The name of the file, without ending."),
    Setting::optional("y_range", Kind::List(&NUMBER), "as the data")
        .means("The two ends of the vertical axis."),
    WHERE,
    Setting::optional("hulls", Kind::ByName("group", &Kind::Any), "none").means(
        "Of `pareto`: groups of labels of `series`; around each group a hull is drawn, which no \
         point of it exceeds.",
    ),
    Setting::flag("x_log", false).means("Whether the horizontal axis is logarithmic."),
    Setting::flag("y_log", false).means("Whether the vertical axis is logarithmic."),
    Setting::optional("x_label", Kind::Text, "made from the name of the column")
        .means("The title of the horizontal axis."),
    Setting::optional("title", Kind::Text, "that of the experiment, and what is shown")
        .means("The heading."),
    Setting::optional("note", Kind::Text, "that of the experiment").means(
        "The small print. What bands and marks mean, which values are cut off and which lines \
         coincide is added to it.",
    ),
    Setting::optional("width", Kind::Text, "\"3.4in\"").means(
        "The width on paper, as \"85mm\": a number with mm, cm, in or pt, from 40 mm to 300 mm.",
    ),
    Setting::optional("font_size", FONT_SIZES, "6.12").means(
        "The size of axis titles in points; other type is in proportion: labels of ticks 0.94, \
         small print 0.76.",
    ),
]]);

/// Names of experiments and figures become names of folders and files.
pub(super) fn check_file_name(name: &str, node: &ConfigNode, problems: &mut Problems) {
    let odd = |c: char| c.is_control() || "/\\".contains(c);
    if name.trim().is_empty() || name.len() > 100 || name.starts_with('.') || name.contains(odd) {
        let place = node.get("name").unwrap_or(node).place.clone();
        let expected = "a name for a file: no slash, no dot at its beginning, at most 100 letters";
        problems.push(Problem::new(place, quote(name), expected));
    }
}

impl FigureSpec {
    /// Reads a table `[[figure]]`, number `at` (from 0) of its file, with these axes.
    pub fn read(
        node: &ConfigNode,
        at: usize,
        (study, axes): (Study, &[AxisLabels]),
        problems: &mut Problems,
    ) -> Self {
        let mut read = Decoder::new(node, &FIGURE, problems);
        let kind = read.choice("kind", &FIGURE_KINDS);
        let (x, y) = match kind {
            FigureKind::Lines => ("workload.rate_rps", study.usual_metric()),
            FigureKind::Cdf => ("latency_ms", "share"),
            FigureKind::Pareto => study.usual_pareto(),
        };
        let facet = path::spelled(&read.text("facet"));
        let x = match read.take("x") {
            Some(node) => {
                let x = decode::text(node, read.problems()).unwrap_or_default();
                if kind == FigureKind::Lines { path::spelled(x) } else { x.to_owned() }
            }
            None if kind == FigureKind::Lines => axis_of_lines(node, axes, x, read.problems()),
            None => x.to_owned(),
        };
        let y = read.text_or("y", y);
        let series = read.take("series");
        let series = match series.map(|node| decode::text(node, read.problems())) {
            Some(name) => path::spelled(name.unwrap_or_default()),
            None => other_axis(axes, &[&x, &facet]),
        };
        let name = read.text_or("name", &format!("{}-{}", at + 1, y.replace(['.', '/'], "-")));
        check_file_name(&name, node, read.problems());
        let range = read.take("y_range").map(|node| {
            let ends = decode::array(node, read.problems()).iter();
            let ends: Vec<f64> = ends.filter_map(|end| read.number_at("y_range", end)).collect();
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
            hulls: read_labels(&mut read, "hulls"),
            filter: read_filter(&mut read),
            x_log: read.flag("x_log"),
            y_log: read.flag("y_log"),
            y_range: range.filter(|ends| ends.len() == 2).map(|ends| (ends[0], ends[1])),
            x_label: read.text("x_label"),
            title: read.text("title"),
            note: read.text("note"),
            size: read_size(&mut read),
            styles: Arc::default(),
            place: node.place.clone(),
        };
        read.finish();
        spec
    }
}

impl FigureSpec {
    /// What the figure shows, in words.
    pub fn shows(&self) -> String {
        match self.kind {
            FigureKind::Lines => column_words(&self.y),
            FigureKind::Cdf => "distribution of latency".to_owned(),
            FigureKind::Pareto => {
                format!("{} against {}", column_words(&self.y), column_words(&self.x))
            }
        }
    }
}

/// `width = "85mm"` and `font_size = 8`.
fn read_size(read: &mut Decoder<'_>) -> FigureSize {
    let width = read.take("width").and_then(|node| {
        let text = decode::text(node, read.problems())?;
        let refuse = |expected| Problem::new(node.place.clone(), quote(text), expected);
        Length::width(text).map_err(|expected| read.problems().push(refuse(expected))).ok()
    });
    let node = read.take("font_size");
    let font = node.and_then(|node| read.number_at("font_size", node));
    FigureSize::of(width, font).unwrap_or_else(|expected| {
        let place = node.map_or_else(|| read.place().clone(), |node| node.place.clone());
        let found = font.map_or_else(|| "its usual type".to_owned(), |font| font.to_string());
        read.problems().push(Problem::new(place, found, expected));
        FigureSize::default()
    })
}

/// `where = { "workload.rate_rps" = 200, scheduler = ["a", "b"] }`
pub(super) fn read_filter(read: &mut Decoder<'_>) -> Vec<(String, Vec<String>)> {
    let filter = read_labels(read, "where").into_iter();
    filter.map(|(key, labels)| (path::spelled(&key), labels)).collect()
}

/// A table of labels, or of lists of labels, by name.
fn read_labels(read: &mut Decoder<'_>, key: &'static str) -> Vec<(String, Vec<String>)> {
    let Some(node) = read.take(key) else { return Vec::new() };
    let entries = decode::table(node, read.problems()).iter();
    let labels = |node: &ConfigNode| match &node.value {
        Value::Array(items) => items.iter().map(ConfigNode::cell).collect(),
        _ => vec![node.cell()],
    };
    entries.map(|(name, node)| (name.clone(), labels(node))).collect()
}
