//! Loads an experiment from a file or from the binary, with overrides.

use super::figure_style::{check_labels, include};
use super::file::Experiment;
use super::grid::expand;
use super::input_cache::InputCache;
use super::offloading_config::OffloadingConfig;
use super::overrides;
use super::run_config::RunConfig;
use crate::config::source::{self, Source};
use crate::config::{ConfigNode, Location, Problem, Problems, Value};
use crate::metrics::Study;

impl Experiment {
    /// Loads a file, or the shipped experiment of that name, and applies `key=value` overrides.
    ///
    /// # Errors
    ///
    /// What is wrong with the file, with overrides, or with figures and claims.
    pub fn load(path: &str, overrides: &[String]) -> Result<Self, Problems> {
        let source = Self::open(path)?;
        let mut node = ConfigNode::parse(&source)?;
        let mut problems = Problems::default();
        for text in overrides {
            overrides::apply(&mut node, text).unwrap_or_else(|problem| problems.push(problem));
        }
        let own_styles = include(&mut node, &source.path).unwrap_or_else(|more| {
            problems.extend(more);
            Vec::new()
        });
        let experiment = Self::read(&node, &source.path, &mut problems);
        // Overrides may remove labels.
        if overrides.is_empty() && problems.is_empty() && !own_styles.is_empty() {
            let axes = experiment.axes_with_labels();
            let labels: Vec<&str> =
                axes.iter().flat_map(|(_, labels)| labels).map(String::as_str).collect();
            check_labels(&own_styles, &labels, &mut problems);
        }
        if !problems.is_empty() {
            // Problems of settings are reported together with these.
            problems.extend(problems_of_settings(&experiment));
        }
        problems.check(Some(experiment))
    }

    fn open(path: &str) -> Result<Source, Problem> {
        let shipped = [format!("experiments/{path}.toml"), format!("experiments/{path}")];
        let named = shipped.iter().find(|name| !source::exists(path) && source::exists(name));
        let found = named.map_or(path, String::as_str);
        source::read(found).map_err(|problem| {
            if std::path::Path::new(found).exists() {
                return problem;
            }
            let names = source::embedded_paths(".toml");
            let known = names.iter().filter_map(|n| n.strip_prefix("experiments/"));
            let known = known.filter_map(|n| n.strip_suffix(".toml"));
            let expected = "an experiment file, or the name of one that `peeksim list` shows";
            let near = Problem::unknown(Location::default(), "experiment", path, known).nearest;
            Problem { expected: expected.into(), nearest: problem.nearest.or(near), ..problem }
        })
    }
}

/// The problems of the first configuration of an experiment that has problems of its own, if its
/// axes could be read.
fn problems_of_settings(experiment: &Experiment) -> Problems {
    let lists = ["axis", "zip"].map(|key| experiment.resolved.get(key).map(|node| &node.value));
    let written = lists.into_iter().flatten().map(|list| match list {
        Value::Array(items) => items.len(),
        _ => 1,
    });
    if experiment.resolved.get("base").is_none() {
        return Problems::default();
    }
    let settings = match expand(experiment) {
        Ok(grid) if experiment.axes.len() == written.sum::<usize>() => grid.into_iter().next(),
        _ => None,
    };
    let mut inputs = InputCache::of(&experiment.path);
    let read = settings.map(|first| match experiment.study {
        Study::Scheduling => RunConfig::read(&first.node, &mut inputs).err(),
        Study::Offloading => OffloadingConfig::read(&first.node, &mut inputs).err(),
    });
    read.flatten().unwrap_or_default()
}
