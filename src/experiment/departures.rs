//! Settings of an experiment that differ from their defaults.

use super::file::Experiment;
use super::settings::{BASE, OFFLOADING};
use crate::config::settings::flattened;
use crate::config::{ConfigNode, Kind, Setting, Value};
use crate::metrics::Study;

/// A setting with its path, its value as written, and its default; the default is empty for a
/// setting that has to be there, and for one whose default depends on others.
pub type Departure = [String; 3];

impl Experiment {
    /// The settings of `[base]` that differ from their defaults, in order of their keys, without
    /// those that an axis replaces.
    pub fn departures(&self) -> Vec<Departure> {
        let group = match self.study {
            Study::Scheduling => &BASE,
            Study::Offloading => &OFFLOADING,
        };
        let mut found = Vec::new();
        if let Value::Table(entries) = &self.base.value {
            table("base", entries, &flattened(group.settings), &mut found);
        }
        found.retain(|[path, ..]| !self.varies(path.trim_start_matches("base.")));
        found
    }

    /// Whether an axis replaces a setting of `[base]`, or the table that holds it.
    pub fn varies(&self, path: &str) -> bool {
        let mut keys = self.axes.iter().flat_map(|axis| &axis.keys);
        keys.any(|key| {
            path.strip_prefix(key.as_str())
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        })
    }
}

fn table(
    path: &str,
    entries: &[(String, ConfigNode)],
    known: &[Setting],
    found: &mut Vec<Departure>,
) {
    for (key, node) in entries {
        let setting = known.iter().find(|setting| setting.key == key);
        value(&format!("{path}.{key}"), node, setting, found);
    }
}

fn value(path: &str, node: &ConfigNode, setting: Option<&Setting>, found: &mut Vec<Departure>) {
    if let Value::Table(entries) = &node.value
        && let Some(known) = setting.and_then(|own| settings(own.kind, node))
    {
        return table(path, entries, &known, found);
    }
    let default = setting.map_or(String::new(), Setting::shown_default);
    if node.cell() != default {
        let default = if default == "required" { String::new() } else { default };
        found.push([path.to_owned(), node.canonical(), default]);
    }
}

/// The settings that a table of this kind may have.
fn settings(kind: Kind, node: &ConfigNode) -> Option<Vec<Setting>> {
    match kind {
        Kind::Table(group) => Some(flattened(group.settings)),
        Kind::Registry(registry) => {
            let mut all = flattened(registry.common.settings);
            let name = node.get(registry.tag).map(ConfigNode::cell).unwrap_or_default();
            let entry = (registry.entries)().into_iter().find(|entry| entry.name == name);
            all.extend(entry.into_iter().flat_map(|entry| entry.settings));
            Some(all)
        }
        Kind::OneOf(kinds) => kinds.iter().find_map(|kind| settings(*kind, node)),
        _ => None,
    }
}
