//! From axes to runs: a pure function.
//!
//! Configurations are the product of the axes, the first varying slowest; each is run once per
//! replicate.

use super::file::{Axis, Experiment};
use super::implied::AxisLabels;
use super::spelling;
use crate::config::toml::quote;
use crate::config::{ConfigNode, Location, Problem, Problems, Value, path};

/// More runs than this are refused: a typo, not an experiment.
pub const MAX_RUNS: u64 = 10_000_000;
/// More configurations than this are refused: each holds its tables, some 25 kB.
pub const MAX_CONFIGURATIONS: u64 = 100_000;
/// More values of settings than this, over all configurations, are refused: each is decoded for
/// each of them.
const MAX_VALUES: u64 = 50_000_000;
/// Settings do not lie deeper than this.
const MAX_DEPTH: usize = 16;

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

/// The keys that vary: the columns that name a configuration.
pub fn axis_keys(experiment: &Experiment) -> Vec<String> {
    experiment.axes.iter().flat_map(|axis| axis.keys.iter().cloned()).collect()
}

/// All configurations in order.
pub fn expand(experiment: &Experiment) -> Result<Vec<GridPoint>, Problems> {
    let mut problems = Problems::default();
    check_keys(experiment, &mut problems);
    let configurations = experiment
        .axes
        .iter()
        .try_fold(1u64, |product, axis| product.checked_mul(axis.rows.len() as u64));
    let runs = configurations.and_then(|count| count.checked_mul(experiment.most_replicates()));
    let counted = |count: Option<u64>, what: &str, most: u64| {
        (count.is_none_or(|count| count > most)).then(|| {
            let file = Location::file(&experiment.path);
            let place = experiment.axes.first().map_or(file, |axis| axis.place.clone());
            let found = count.map_or("more than can be counted".into(), |n| format!("{n} {what}"));
            Problem::new(place, found, format!("{most} {what} at most"))
        })
    };
    let widest = |axis: &Axis| {
        let row = |row: &Vec<ConfigNode>| row.iter().map(ConfigNode::size).sum::<u64>();
        axis.rows.iter().map(row).max().unwrap_or(0)
    };
    let size = experiment.base.size() + experiment.axes.iter().map(widest).sum::<u64>();
    let values = configurations.and_then(|count| count.checked_mul(size));
    let excess = counted(runs, "runs", MAX_RUNS)
        .or_else(|| counted(configurations, "configurations", MAX_CONFIGURATIONS))
        .or_else(|| counted(values, "values in the settings of all runs", MAX_VALUES));
    if let Some(excess) = excess {
        problems.push(excess);
        return Err(problems);
    }
    let mut grid = vec![GridPoint { labels: Vec::new(), node: experiment.base.clone() }];
    for axis in &experiment.axes {
        let labels = axis_labels(axis, &mut problems);
        let mut wider = Vec::with_capacity(grid.len() * axis.rows.len());
        for configuration in &grid {
            for (row, labels) in axis.rows.iter().zip(&labels) {
                let mut next = configuration.clone();
                for (key, value) in axis.keys.iter().zip(row) {
                    let value = without_label(value);
                    if let Err(problem) = spelling::set(&mut next.node, key, value) {
                        problems.push(problem);
                    }
                }
                next.labels.extend(labels.iter().cloned());
                wider.push(next);
            }
        }
        grid = wider;
    }
    problems.check(Some(grid))
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

/// No two axes may vary the same: the later one would undo the earlier.
fn check_keys(experiment: &Experiment, problems: &mut Problems) {
    let mut before: Vec<(&String, String)> = Vec::new();
    for axis in &experiment.axes {
        for key in &axis.keys {
            let meant = experiment.base.resolve(key);
            if before.iter().any(|(_, other)| *other == meant) {
                let found = format!("`{key}` varied twice");
                problems.push(Problem::new(axis.place.clone(), found, "one axis a key"));
            } else if let Some((inner, _)) = before.iter().find(|(_, other)| below(other, &meant)) {
                let found = format!("`{key}`, which undoes the axis of `{inner}` before it");
                let expected = format!("the axis of `{key}` first");
                problems.push(Problem::new(axis.place.clone(), found, expected));
            }
            before.push((key, meant));
        }
    }
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
fn axis_labels(axis: &Axis, problems: &mut Problems) -> Vec<Vec<String>> {
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

/// `label` names a value and is no part of it.
fn without_label(node: &ConfigNode) -> ConfigNode {
    let mut node = node.clone();
    // Most values have none, and a change would copy what they share.
    if node.get("label").is_some()
        && let Some(entries) = node.value.entries_mut()
    {
        entries.retain(|(key, _)| key != "label");
    }
    node
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::source::Source;

    fn experiment(text: &str) -> Experiment {
        let source = Source { path: "x.toml".into(), text: text.into(), sha256: String::new() };
        let node = ConfigNode::parse(&source).unwrap();
        let mut problems = Problems::default();
        let experiment = Experiment::read(&node, "x.toml", &mut problems);
        assert!(problems.is_empty(), "{problems}");
        experiment
    }

    #[test]
    fn axes_multiply_and_zips_move_together() {
        let grid = expand(&experiment(
            "[base]\na = 0\n[[axis]]\nkey = 'a'\nvalues = [1, 2]\n\
             [[zip]]\nkeys = ['b', 'c.d']\nvalues = [[3, 4], [5, 6]]\n",
        ))
        .unwrap();
        let text: Vec<String> = grid.iter().map(|c| c.node.canonical()).collect();
        assert_eq!(text[0], "{ a = 1, b = 3, c = { d = 4 } }");
        assert_eq!(text[3], "{ a = 2, b = 5, c = { d = 6 } }");
        assert_eq!(grid[2].labels, ["2", "3", "4"]);
    }

    #[test]
    fn labels_say_what_differs() {
        let grid = expand(&experiment(
            "[base]\n[[axis]]\nkey = 's'\nvalues = ['edf', { name = 'g', w = 1, m = true }, \
             { name = 'g', w = 2, m = true }, { name = 'g', label = 'mine' }]\n",
        ))
        .unwrap();
        let labels: Vec<&str> = grid.iter().map(|c| c.labels[0].as_str()).collect();
        assert_eq!(labels, ["edf", "g[m=true w=1]", "g[m=true w=2]", "mine"]);
        assert_eq!(grid[3].node.canonical(), "{ s = { name = \"g\" } }");
    }

    #[test]
    fn same_labels_and_huge_grids_are_refused() {
        let twice = experiment("[base]\n[[axis]]\nkey = 'a'\nvalues = [1, 1]\n");
        assert!(expand(&twice).is_err());
        let twice = "[base]\n[[zip]]\nkeys = ['a', 'b']\nvalues = [[1, 2], [1, 3], [1, 2]]\n";
        assert!(expand(&experiment(twice)).is_err());
        let values = "values = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]";
        let huge = format!("replicates = 1000000\n[base]\n[[axis]]\nkey = 'a'\n{values}\n");
        assert!(expand(&experiment(&huge)).is_err());
    }

    #[test]
    fn an_axis_that_another_undoes_is_refused() {
        let axes = |keys: [&str; 2]| {
            let axis = |key: &&str| format!("[[axis]]\nkey = '{key}'\nvalues = [1, 2]\n");
            expand(&experiment(&format!("[base]\n{}", keys.iter().map(axis).collect::<String>())))
        };
        assert!(axes(["s.w", "s"]).is_err());
        assert!(axes(["s", "s"]).is_err());
        assert!(axes(["s", "s.w"]).is_ok());
        assert!(axes(["s", "sw"]).is_ok());
    }
}
