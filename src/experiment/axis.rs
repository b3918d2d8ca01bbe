//! Axes: keys that vary, their values, the labels of these, and the points of the grid.

use super::implied::AxisLabels;
use super::settings::items;
use crate::config::settings::TEXTS;
use crate::config::toml::quote;
use crate::config::{
    ConfigNode, Decoder, Group, Kind, Location, Problem, Problems, Setting, Value, decode, path,
};
use std::collections::BTreeSet;

/// `[[axis]]`
pub(super) const AXIS: Group = Group::named("axis").of(&[&[
    Setting::required("key", Kind::Text).means("The path of the setting that varies, in `[base]`."),
    Setting::required("values", Kind::List(&Kind::Any))
        .means("Its values; a table may have a `label`, which is no part of the value."),
]]);

/// `[[zip]]`
pub(super) const ZIP: Group = Group::named("zip").of(&[&[
    Setting::required("keys", TEXTS).means("The paths of the settings that vary together."),
    Setting::required("values", Kind::List(&Kind::List(&Kind::Any)))
        .means("Rows of values, one for each key."),
]]);

/// The most keys in the path of a setting.
const MAX_DEPTH: usize = 16;

/// Keys that move together through rows of values.
#[derive(Clone, Debug)]
pub struct Axis {
    /// Paths of settings in `[base]`, each a column of the results.
    pub keys: Vec<String>,
    /// Rows of as many values as keys.
    pub rows: Vec<Vec<ConfigNode>>,
    /// Where it was written.
    pub place: Location,
}

/// One point of the grid.
#[derive(Clone, Debug)]
pub struct GridPoint {
    /// The label of each axis key, in the order of [`Sweep::axis_keys`](super::Sweep::axis_keys).
    pub labels: Vec<String>,
    /// The settings as written, with places.
    pub node: ConfigNode,
}

/// One run: a configuration and a replicate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RunSpec {
    /// Index into [`Sweep::points`](super::Sweep::points).
    pub configuration: usize,
    /// The replicate, from 0.
    pub replicate: u64,
}

impl Axis {
    /// Reads a table `[[axis]]`.
    pub(super) fn read(node: &ConfigNode, problems: &mut Problems) -> Option<Self> {
        let mut read = Decoder::new(node, &AXIS, problems);
        let key = read.require("key", "the key that varies");
        let values = read.require("values", "the list of its values");
        let key = key.and_then(|key| read_key(key, read.problems()));
        let expected = "at least one value";
        let values = values.map(|node| items(node, "an empty list", expected, read.problems()));
        read.finish();
        let (key, values) = (key?, values?);
        let mut rows: Vec<Vec<ConfigNode>> = values.iter().map(|v| vec![v.clone()]).collect();
        rows.iter_mut().flatten().for_each(|value| value.rename("axis.values", &key));
        Some(Self { keys: vec![key], rows, place: node.place.clone() })
    }

    /// Reads a table `[[zip]]`.
    pub(super) fn read_zip(node: &ConfigNode, problems: &mut Problems) -> Option<Self> {
        let mut read = Decoder::new(node, &ZIP, problems);
        let keys = read.take("keys").map(|keys| decode::array(keys, read.problems()));
        let keys = keys.into_iter().flatten();
        let keys: Vec<String> = keys.filter_map(|key| read_key(key, read.problems())).collect();
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
        (!keys.is_empty() && !rows.is_empty()).then(|| Self {
            keys,
            rows,
            place: node.place.clone(),
        })
    }
}

/// The path of a setting in `[base]`.
fn read_key(node: &ConfigNode, problems: &mut Problems) -> Option<String> {
    let key = decode::text(node, problems)?;
    check_key(key, &node.place).unwrap_or_else(|problem| problems.push(problem));
    Some(path::spelled(key))
}

/// Whether `key` is a path of keys that can name a setting.
pub(super) fn check_key(key: &str, place: &Location) -> Result<(), Problem> {
    let fail = |found: &str, expected: &str| Err(Problem::new(place.clone(), found, expected));
    let parts = path::parts(key).filter(|parts| parts.iter().all(|part| !part.trim().is_empty()));
    let Some(parts) = parts else {
        let expected = "a key such as `workload.rate_rps`, or `workers.\"a.b\".count` where a name \
                        has a point";
        return fail(&format!("`{key}`"), expected);
    };
    if parts.len() > MAX_DEPTH {
        return fail("a key of too many parts", &format!("{MAX_DEPTH} at most"));
    }
    Ok(())
}

/// Whether `inner` is a part of what `key` names.
pub(super) fn below(inner: &str, key: &str) -> bool {
    inner.strip_prefix(key).is_some_and(|rest| rest.starts_with('.'))
}

/// The labels of each key of an axis, in the order of its rows.
fn labels_by_key(axis: &Axis) -> Vec<Vec<String>> {
    let keys = 0..axis.keys.len();
    keys.map(|at| labels_of(&axis.rows.iter().map(|row| &row[at]).collect::<Vec<_>>())).collect()
}

/// Every key that varies with its labels.
pub(super) fn axes_with_labels(axes: &[Axis]) -> Vec<AxisLabels> {
    axes.iter().flat_map(|axis| axis.keys.iter().cloned().zip(labels_by_key(axis))).collect()
}

/// A name for every value of every row, unique where rows differ.
pub(super) fn axis_labels(axis: &Axis, problems: &mut Problems) -> Vec<Vec<String>> {
    let by_key = labels_by_key(axis);
    let rows: Vec<Vec<String>> = (0..axis.rows.len())
        .map(|row| by_key.iter().map(|labels| labels[row].clone()).collect())
        .collect();
    let mut seen = BTreeSet::new();
    for (row, labels) in axis.rows.iter().zip(&rows) {
        for ((cell, label), key) in row.iter().zip(labels).zip(&axis.keys) {
            // Floats that are no numbers are refused when the setting is decoded.
            let is_float = matches!(cell.value, Value::Float(_));
            if let Some(found) = is_misread(label).filter(|_| !is_float) {
                let place = cell.place.clone().field(key);
                let expected = "a `label` that every program reads as text: no control character, \
                                none of `= + - @` first, not the word for a missing value";
                problems.push(Problem::new(place, found, expected));
            }
        }
        if !seen.insert(labels) {
            let place = row.first().map_or(&axis.place, |cell| &cell.place).clone();
            let found = format!("`{}` twice", labels.join("`, `"));
            let expected = "values that differ, or a `label` for each";
            problems.push(Problem::new(place.field(&axis.keys.join(", ")), found, expected));
        }
    }
    rows
}

/// What pandas reads as a missing value unless it is told otherwise (`read_csv`, `na_values`).
const MISSING: [&str; 19] = [
    "", "#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND", "1.#QNAN",
    "<NA>", "N/A", "NA", "NULL", "NaN", "None", "n/a", "nan", "null",
];

/// Why a program would read a cell with this label as something else: pandas as a missing value,
/// a spreadsheet as a formula, a script as several lines.
fn is_misread(label: &str) -> Option<String> {
    let formula = label.starts_with(['=', '+', '-', '@']) && label.parse::<f64>().is_err();
    if label.contains(char::is_control) {
        Some(format!("the label {} with a control character", quote(label)))
    } else if formula {
        Some(format!("the label `{label}`, a formula to a spreadsheet"))
    } else if MISSING.contains(&label) {
        Some(format!("the label `{label}`, a missing value to pandas"))
    } else {
        None
    }
}

/// The labels of the values of a key. Scalars are their own label; that of a table is its `label`,
/// or its `name` and, where several values share the name, the keys by which they differ.
fn labels_of(values: &[&ConfigNode]) -> Vec<String> {
    // Cells of a table are read without the blanks around them.
    values.iter().map(|node| label_of(node, values).trim().to_owned()).collect()
}

/// The label of one of the values of a key.
fn label_of(node: &ConfigNode, values: &[&ConfigNode]) -> String {
    if let Some(label) = node.get("label") {
        return label.cell();
    }
    let Value::Table(entries) = &node.value else { return node.cell() };
    let Some(name) = node.get("name").map(ConfigNode::cell) else { return node.canonical() };
    let named =
        |other: &ConfigNode| other.get("name").map_or_else(|| other.cell(), ConfigNode::cell);
    let text = |node: &ConfigNode, key: &str| node.get(key).map(ConfigNode::canonical);
    let differs = |key: &str| {
        let mut same = values.iter().filter(|other| named(other) == name);
        same.any(|other| text(other, key) != text(node, key))
    };
    let own = entries.iter().filter(|(key, _)| key != "name" && differs(key));
    let own: Vec<String> = own.map(|(key, value)| format!("{key}={}", value.cell())).collect();
    if own.is_empty() { name } else { format!("{name}[{}]", own.join(" ")) }
}
