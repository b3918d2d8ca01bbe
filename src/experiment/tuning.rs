//! `[tune]`: a grid of parameters for each of some schedulers, tried on one half of the sources of
//! the traces and reported on the other, so that no row of the report has been tuned on.

use super::axis::Axis;
use super::figure_spec::{WHERE, read_filter};
use crate::config::{
    ConfigNode, Decoder, Group, Kind, Location, Problem, Problems, Setting, Value, decode,
};
use crate::metrics::Study;

/// The most points of a scheduler: every scheduler gets the same effort.
pub const MOST_POINTS: usize = 24;

/// `[tune]`
pub(super) const TUNE: Group = Group::named("tune").of(&[&[
    Setting::text("metric", "effective_accuracy")
        .means("The column of runs.csv whose mean chooses a point."),
    Setting::flag("least", false).means("Whether the least mean is the best, and not the largest."),
    Setting::integer("replicates", [1, 1000], 3).means("The runs of a point at each setting."),
    Setting::choice("source_split", &["odd", "even"]).means(
        "The half of the sources on which points are tried; the other half is reported. Where no \
         trace has sources, points are tried on replicates of their own.",
    ),
    WHERE,
    Setting::required("row", Kind::List(&Kind::Table(&ROW))).means("What is tuned."),
]]);

/// `[[tune.row]]`
const ROW: Group = Group::named("row").of(&[&[
    Setting::required("label", Kind::Text).means("The label of a value of the scheduler axis."),
    Setting::required("grid", Kind::ByName("parameter", &Kind::Any)).means(
        "For each parameter a list of values, or a range as `{ from = 1, to = 64, points = 4 }`, \
         with `log = true` of equal ratios. All combinations are tried, 24 at most.",
    ),
]]);

/// A range of values.
const RANGE: Group = Group::named("range").of(&[&[
    Setting::optional("from", Kind::Number(-1e12, 1e12), "nothing").means("The first value."),
    Setting::optional("to", Kind::Number(-1e12, 1e12), "nothing").means("The last value."),
    Setting::integer("points", [1, MOST_POINTS as u64], 4).means("How many there are."),
    Setting::flag("log", false).means("Whether their ratios are equal, and not their differences."),
]]);

/// What is tuned, and on what.
#[derive(Clone, Debug)]
pub struct Tuning {
    /// The column whose mean chooses.
    pub metric: String,
    /// Whether its least mean is the best.
    pub least: bool,
    /// The runs of a point at each setting.
    pub replicates: u64,
    /// The half of the sources on which points are tried, `odd` or `even`.
    pub tried_on: &'static str,
    /// The other half.
    pub reported_on: &'static str,
    /// The settings that count, as (axis, one of these labels).
    pub filter: Vec<(String, Vec<String>)>,
    /// Schedulers with their points.
    pub rows: Vec<TunedRow>,
}

/// A scheduler with the points that are tried.
#[derive(Clone, Debug)]
pub struct TunedRow {
    /// The label of the scheduler.
    pub label: String,
    /// By point, the values of the parameters.
    pub points: Vec<Vec<(String, ConfigNode)>>,
}

impl Tuning {
    /// Reads `[tune]` of an experiment with these axes and this base.
    pub(super) fn read(
        node: &ConfigNode,
        base: &ConfigNode,
        axes: &[Axis],
        problems: &mut Problems,
    ) -> Self {
        let mut read = Decoder::new(node, &TUNE, problems);
        let metric = read.text("metric");
        let (least, replicates) = (read.flag("least"), read.integer("replicates"));
        let halves = [("odd", ["odd", "even"]), ("even", ["even", "odd"])];
        let [tried_on, reported_on] = read.choice("source_split", &halves);
        let filter = read_filter(&mut read);
        let rows = read.require("row", "a table [[tune.row]] for each scheduler");
        let rows = rows.map(|rows| decode::array(rows, read.problems())).unwrap_or_default();
        let rows = rows.iter().filter_map(|node| TunedRow::read(node, axes, read.problems()));
        let rows = rows.collect();
        read.finish();
        let place =
            |key: &str| node.get(key).unwrap_or(node).place.clone().field(&format!("tune.{key}"));
        if !Study::Scheduling.numbers().any(|known| known == metric) {
            problems.push(Problem::unknown(
                place("metric"),
                "metric",
                &metric,
                Study::Scheduling.numbers(),
            ));
        }
        let split = base.get("workload").and_then(|workload| workload.get("source_split"));
        if let Some(split) = split.filter(|split| split.cell() == tried_on) {
            let found = format!("`{tried_on}`, on which schedulers are tuned");
            let expected = format!("`{reported_on}`, or nothing");
            let place = split.place.clone().field("workload.source_split");
            problems.push(Problem::new(place, found, expected));
        }
        let known = |key: &String| axes.iter().any(|axis| axis.keys.contains(key));
        for (key, _) in filter.iter().filter(|(key, _)| !known(key)) {
            let known = axes.iter().flat_map(|axis| axis.keys.iter().map(String::as_str));
            problems.push(Problem::unknown(place("where"), "axis", key, known));
        }
        Self { metric, least, replicates, tried_on, reported_on, filter, rows }
    }
}

impl TunedRow {
    fn read(node: &ConfigNode, axes: &[Axis], problems: &mut Problems) -> Option<Self> {
        let mut read = Decoder::new(node, &ROW, problems);
        let label = read.optional_text("label").unwrap_or_default().to_owned();
        let grid = read.require("grid", "a table of parameters and their values")?;
        let entries = decode::table(grid, read.problems());
        let mut points = vec![Vec::new()];
        for (parameter, node) in entries {
            let values = values(parameter, node, read.problems());
            points = points
                .iter()
                .flat_map(|point: &Vec<(String, ConfigNode)>| {
                    values.iter().map(|value| {
                        point.iter().cloned().chain([(parameter.clone(), value.clone())]).collect()
                    })
                })
                .take(MOST_POINTS + 1)
                .collect();
        }
        let place = grid.place.clone().field("tune.row.grid");
        read.finish();
        if !points.is_empty() && (entries.is_empty() || points.len() > MOST_POINTS) {
            let found = match entries {
                [] => "no parameter".to_owned(),
                _ => format!("more than {MOST_POINTS} points"),
            };
            let expected = format!("1 to {MOST_POINTS} points");
            problems.push(Problem::new(place, found, expected));
        }
        let labels = super::axis::axes_with_labels(axes);
        let schedulers = labels.iter().find(|(key, _)| key == "scheduler");
        let known = || schedulers.iter().flat_map(|(_, labels)| labels.iter().map(String::as_str));
        if !known().any(|known| known == label) {
            let place = node.get("label").unwrap_or(node).place.clone().field("tune.row.label");
            problems.push(Problem::unknown(place, "scheduler of the axis", &label, known()));
        }
        Some(Self { label, points })
    }
}

/// The values of a parameter: a list, or the points of a range.
fn values(parameter: &str, node: &ConfigNode, problems: &mut Problems) -> Vec<ConfigNode> {
    let place = node.place.clone().field(&format!("tune.row.grid.{parameter}"));
    match &node.value {
        Value::Array(items) if items.is_empty() => {
            problems.push(Problem::new(place, "an empty list", "at least one value"));
            Vec::new()
        }
        Value::Array(items) => items.to_vec(),
        Value::Table(_) => range(node, &place, problems),
        _ => vec![node.clone()],
    }
}

fn range(node: &ConfigNode, place: &Location, problems: &mut Problems) -> Vec<ConfigNode> {
    let mut read = Decoder::new(node, &RANGE, problems);
    let ends = [read.optional_number("from"), read.optional_number("to")];
    let (points, is_log) = (read.integer("points"), read.flag("log"));
    read.finish();
    let [Some(from), Some(to)] = ends else {
        problems.push(Problem::new(place.clone(), "a range without ends", "`from` and `to`"));
        return Vec::new();
    };
    if from > to || (is_log && from <= 0.0) {
        let found = format!("an empty range from {from} to {to}");
        let expected = "`from` at most `to`, and above 0 if `log`";
        problems.push(Problem::new(place.clone(), found, expected));
        return Vec::new();
    }
    let share = |at: u64| if points > 1 { at as f64 / (points - 1) as f64 } else { 0.0 };
    let value = |at: u64| {
        if is_log { from * libm::pow(to / from, share(at)) } else { from + (to - from) * share(at) }
    };
    // Ends are exact, and whole numbers between whole ends stay such where they can.
    let is_whole = from.fract() == 0.0 && to.fract() == 0.0;
    let mut found: Vec<f64> = (0..points).map(value).collect();
    if is_whole {
        found.iter_mut().for_each(|value| *value = value.round_ties_even());
        found.dedup();
    }
    let node = |value: f64| ConfigNode {
        place: place.clone(),
        value: if is_whole { Value::Integer(value as i64) } else { Value::Float(value) },
    };
    found.into_iter().map(node).collect()
}
