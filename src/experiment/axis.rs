//! Axes: keys that vary, their values and the labels of these, and a point of the grid they span.

use super::implied::AxisLabels;
use crate::config::toml::quote;
use crate::config::{ConfigNode, Location, Problem, Problems, Value, path};

/// Settings do not lie deeper than this.
const MAX_DEPTH: usize = 16;

/// Keys that move together through rows of values.
#[derive(Clone, Debug)]
pub struct Axis {
    /// Key paths into the base, each a column of the results.
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
    /// The settings.
    pub node: ConfigNode,
}

/// One run: a configuration and a replicate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RunSpec {
    /// Index of the configuration.
    pub configuration: usize,
    /// From 0.
    pub replicate: u64,
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
    let column = |at: usize| axis.rows.iter().map(|row| &row[at]).collect::<Vec<_>>();
    (0..axis.keys.len()).map(|at| labels_of(&column(at))).collect()
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
    let mut seen = std::collections::BTreeSet::new();
    for (row, labels) in axis.rows.iter().zip(&rows) {
        for ((cell, label), key) in row.iter().zip(labels).zip(&axis.keys) {
            // What is no number is told by who reads the setting.
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

/// Why a cell with this label would be read as something else than its text: by pandas as missing,
/// by a spreadsheet as a formula, by a LaTeX or shell script as a line of its own.
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

/// Scalars are their own label. A table is its `label`, or its `name` and, where several values
/// share the name, the keys by which they differ.
fn labels_of(values: &[&ConfigNode]) -> Vec<String> {
    let name = |node: &ConfigNode| node.get("name").map_or_else(|| node.cell(), ConfigNode::cell);
    let label = |node: &ConfigNode| {
        if let Some(label) = node.get("label") {
            return label.cell();
        }
        let Value::Table(entries) = &node.value else { return node.cell() };
        if node.get("name").is_none() {
            return node.canonical();
        }
        let same: Vec<&&ConfigNode> = values.iter().filter(|v| name(v) == name(node)).collect();
        let differs = |key: &str| {
            same.iter().any(|other| {
                other.get(key).map(ConfigNode::canonical)
                    != node.get(key).map(ConfigNode::canonical)
            })
        };
        let extras: Vec<String> = entries
            .iter()
            .filter(|(key, _)| key != "name" && differs(key))
            .map(|(key, value)| format!("{key}={}", value.cell()))
            .collect();
        if extras.is_empty() { name(node) } else { format!("{}[{}]", name(node), extras.join(" ")) }
    };
    // Cells of a table are read without the blanks around them.
    values.iter().map(|node| label(node).trim().to_owned()).collect()
}
