//! Expands the axes into the points of the grid: their product, the first axis varying slowest.

use super::axis::{Axis, GridPoint, axis_labels, below};
use super::file::Experiment;
use super::spelling;
use crate::config::{ConfigNode, Location, Problem, Problems};

/// The most runs of an experiment.
pub const MAX_RUNS: u64 = 10_000_000;
/// The most configurations: each holds tables of about 25 kB.
pub const MAX_CONFIGURATIONS: u64 = 100_000;
/// The most values of settings over all configurations: each is decoded.
const MAX_VALUES: u64 = 50_000_000;

/// The keys that vary: the columns that identify a configuration.
pub fn axis_keys(experiment: &Experiment) -> Vec<String> {
    experiment.axes.iter().flat_map(|axis| axis.keys.iter().cloned()).collect()
}

/// All points of the grid in order.
///
/// # Errors
///
/// If axes contradict each other, labels are equal, or the grid is too large.
pub fn expand(experiment: &Experiment) -> Result<Vec<GridPoint>, Problems> {
    let mut problems = Problems::default();
    check_keys(experiment, &mut problems);
    let mut axes = experiment.axes.iter();
    let configurations =
        axes.try_fold(1u64, |product, axis| product.checked_mul(axis.rows.len() as u64));
    let runs = configurations.and_then(|count| count.checked_mul(experiment.most_replicates()));
    let widest = |axis: &Axis| {
        let row = |row: &Vec<ConfigNode>| row.iter().map(ConfigNode::size).sum::<u64>();
        axis.rows.iter().map(row).max().unwrap_or(0)
    };
    let size = experiment.base.size() + experiment.axes.iter().map(widest).sum::<u64>();
    let values = configurations.and_then(|count| count.checked_mul(size));
    for (count, what, most) in [
        (runs, "runs", MAX_RUNS),
        (configurations, "configurations", MAX_CONFIGURATIONS),
        (values, "values in the settings of all runs", MAX_VALUES),
    ] {
        if count.is_none_or(|count| count > most) {
            let file = Location::file(&experiment.path);
            let place = experiment.axes.first().map_or(file, |axis| axis.place.clone());
            let found = count.map_or("more than can be counted".into(), |n| format!("{n} {what}"));
            problems.push(Problem::new(place, found, format!("{most} {what} at most")));
            return Err(problems);
        }
    }
    let mut grid = vec![GridPoint { labels: Vec::new(), node: experiment.base.clone() }];
    for axis in &experiment.axes {
        let labels = axis_labels(axis, &mut problems);
        let mut wider = Vec::with_capacity(grid.len() * axis.rows.len());
        for point in &grid {
            for (row, labels) in axis.rows.iter().zip(&labels) {
                let mut next = point.clone();
                for (key, value) in axis.keys.iter().zip(row) {
                    let set = spelling::set(&mut next.node, key, without_label(value));
                    set.unwrap_or_else(|problem| problems.push(problem));
                }
                next.labels.extend(labels.iter().cloned());
                wider.push(next);
            }
        }
        grid = wider;
    }
    problems.check(Some(grid))
}

/// Refuses an axis that replaces the values of an earlier one.
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
