//! From axes to runs: a pure function.
//!
//! Configurations are the product of the axes, the first varying slowest; each is run once per
//! replicate.

use super::spec::{Axis, Experiment};
use crate::input::{Node, Problem, Problems, Value};

/// More runs than this are refused: a typo, not an experiment.
pub const MAX_RUNS: u64 = 10_000_000;

/// One point of the grid.
#[derive(Clone, Debug)]
pub struct Configuration {
    /// The label of each axis key, in the order of [`Sweep::axis_keys`](super::Sweep::axis_keys).
    pub labels: Vec<String>,
    /// The settings.
    pub node: Node,
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
pub fn expand(experiment: &Experiment) -> Result<Vec<Configuration>, Problems> {
    let mut problems = Problems::default();
    let keys = axis_keys(experiment);
    for (at, key) in keys.iter().enumerate() {
        if keys[..at].contains(key) {
            let place = experiment.axes.last().map(|a| a.place.clone()).unwrap_or_default();
            problems.push(Problem::new(place, format!("`{key}` varied twice"), "one axis a key"));
        }
    }
    let configurations = experiment
        .axes
        .iter()
        .try_fold(1u64, |product, axis| product.checked_mul(axis.rows.len() as u64));
    let runs = configurations.and_then(|count| count.checked_mul(experiment.replicates));
    if runs.is_none_or(|runs| runs > MAX_RUNS) {
        let place = experiment.axes.first().map(|a| a.place.clone()).unwrap_or_default();
        let found = runs.map_or("more runs than can be counted".into(), |n| format!("{n} runs"));
        problems.push(Problem::new(place, found, format!("{MAX_RUNS} runs at most")));
        return Err(problems);
    }
    let mut grid = vec![Configuration { labels: Vec::new(), node: experiment.base.clone() }];
    for axis in &experiment.axes {
        let labels = axis_labels(axis, &mut problems);
        let mut wider = Vec::with_capacity(grid.len() * axis.rows.len());
        for configuration in &grid {
            for (row, labels) in axis.rows.iter().zip(&labels) {
                let mut next = configuration.clone();
                for (key, value) in axis.keys.iter().zip(row) {
                    next.node.set(key, without_label(value));
                }
                next.labels.extend(labels.iter().cloned());
                wider.push(next);
            }
        }
        grid = wider;
    }
    problems.check(Some(grid))
}

/// A name for every value of every row, unique where rows differ.
fn axis_labels(axis: &Axis, problems: &mut Problems) -> Vec<Vec<String>> {
    let column = |at: usize| axis.rows.iter().map(|row| &row[at]).collect::<Vec<_>>();
    let by_key: Vec<Vec<String>> = (0..axis.keys.len()).map(|at| labels_of(&column(at))).collect();
    for (key, labels) in axis.keys.iter().zip(&by_key) {
        for (at, label) in labels.iter().enumerate() {
            if axis.keys.len() == 1 && labels[..at].contains(label) {
                let place = axis.rows[at][0].place.clone().field(key);
                let expected = "values that differ, or a `label` for each";
                problems.push(Problem::new(place, format!("`{label}` twice"), expected));
            }
        }
    }
    (0..axis.rows.len())
        .map(|row| by_key.iter().map(|labels| labels[row].clone()).collect())
        .collect()
}

/// Scalars are their own label. A table is its `label`, or its `name` and, where several values
/// share the name, the keys by which they differ.
fn labels_of(values: &[&Node]) -> Vec<String> {
    let name = |node: &Node| node.get("name").map_or_else(|| node.cell(), Node::cell);
    let label = |node: &Node| {
        if let Some(label) = node.get("label") {
            return label.cell();
        }
        let Value::Table(entries) = &node.value else { return node.cell() };
        if node.get("name").is_none() {
            return node.canonical();
        }
        let same: Vec<&&Node> = values.iter().filter(|v| name(v) == name(node)).collect();
        let differs = |key: &str| {
            same.iter().any(|other| {
                other.get(key).map(Node::canonical) != node.get(key).map(Node::canonical)
            })
        };
        let extras: Vec<String> = entries
            .iter()
            .filter(|(key, _)| key != "name" && differs(key))
            .map(|(key, value)| format!("{key}={}", value.cell()))
            .collect();
        if extras.is_empty() { name(node) } else { format!("{}[{}]", name(node), extras.join(" ")) }
    };
    values.iter().map(|node| label(node)).collect()
}

/// `label` names a value and is no part of it.
fn without_label(node: &Node) -> Node {
    let mut node = node.clone();
    if let Value::Table(entries) = &mut node.value {
        entries.retain(|(key, _)| key != "label");
    }
    node
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::input::source::Source;

    fn experiment(text: &str) -> Experiment {
        let source = Source { path: "x.toml".into(), text: text.into(), sha256: String::new() };
        let node = Node::parse(&source).unwrap();
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
        let huge = "replicates = 1000000\n[base]\n[[axis]]\nkey = 'a'\nvalues = [1,2,3,4,5,6,7,8,9,10,11]\n";
        assert!(expand(&experiment(huge)).is_err());
    }
}
