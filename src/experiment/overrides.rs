//! `--set key=value`: a change of the experiment before it is read.
//!
//! A key that varies keeps its axis, with this value or these values, so that figures that name the
//! axis remain valid. Filters and claims about its old values are dropped.

use super::axis::{below, check_key};
use super::file::FILE;
use super::spelling;
use crate::config::{ConfigNode, Location, Problem, Value, path};
use crate::metrics::Study;
use std::collections::BTreeSet;

/// Applies one override.
pub(super) fn apply(experiment: &mut ConfigNode, text: &str) -> Result<(), Problem> {
    let Some((key, value)) = path::assignment(text).filter(|(key, _)| !key.is_empty()) else {
        return Err(Problem::new(Location::file("--set"), format!("`{text}`"), "key=value"));
    };
    let place = Location::file("--set").field(key);
    check_key(key, &place)?;
    let value = ConfigNode::parse_override(value).relocated(&place);
    let key = &path::spelled(key);
    let first = key.split('.').next().unwrap_or(key);
    let mut top = FILE.settings.iter().copied().flatten();
    if top.any(|setting| setting.key == first) && !key.starts_with("base.") {
        return experiment.set(key, value);
    }
    let key = &as_varied(experiment, key.strip_prefix("base.").unwrap_or(key));
    if let Some(search) = experiment.get("search") {
        let searched = search.get("key").map_or("workload.rate_rps".to_owned(), ConfigNode::cell);
        let base = base_of(experiment);
        if base.resolve(&searched) == base.resolve(key) {
            let found = format!("`{key}`, which is searched");
            return Err(Problem::new(place, found, "`--set search.low=…` and `search.high`"));
        }
    }
    let mut varied = false;
    for list in ["axis", "zip"] {
        for axis in items(experiment, list) {
            varied |= replace(axis, key, &value)?;
        }
    }
    if varied {
        drop_filters(experiment, key);
        return Ok(());
    }
    if experiment.get("base").is_none() {
        experiment.set("base", ConfigNode::empty(place))?;
    }
    experiment.get_mut("base").map_or(Ok(()), |base| spelling::set(base, key, value))
}

fn base_of(experiment: &ConfigNode) -> ConfigNode {
    experiment.get("base").cloned().unwrap_or_else(|| ConfigNode::empty(Location::default()))
}

/// The key in the spelling of the axis that varies it, if there is one.
fn as_varied(experiment: &mut ConfigNode, key: &str) -> String {
    let base = base_of(experiment);
    let meant = base.resolve(key);
    for list in ["axis", "zip"] {
        for axis in items(experiment, list) {
            for varied in keys_of(axis) {
                let whole = base.resolve(&varied);
                if whole == meant {
                    return varied;
                }
                if let Some(part) = meant.strip_prefix(&whole).filter(|part| part.starts_with('.'))
                {
                    return varied + part;
                }
            }
        }
    }
    key.to_owned()
}

/// The keys that an axis varies.
fn keys_of(axis: &ConfigNode) -> Vec<String> {
    let spelled = |key: &ConfigNode| path::spelled(&key.cell());
    match (axis.get("key"), axis.get("keys").map(|keys| &keys.value)) {
        (Some(key), _) => vec![spelled(key)],
        (_, Some(Value::Array(keys))) => keys.iter().map(spelled).collect(),
        _ => Vec::new(),
    }
}

/// Drops filters, hulls, claims and tuning about the values that an axis no longer has.
fn drop_filters(experiment: &mut ConfigNode, key: &str) {
    let study = experiment.get("study").map(ConfigNode::cell);
    let study = Study::ALL.iter().find(|(name, _)| study.as_deref() == Some(*name));
    let decider = study.map_or(Study::default(), |(_, study)| *study).decider();
    let without = |owner: &mut ConfigNode| {
        if let Some(filter) = owner.get_mut("where").and_then(|node| node.value.entries_mut()) {
            filter.retain(|(axis, _)| path::spelled(axis) != key);
        }
    };
    items(experiment, "figure").for_each(|figure| {
        let series = figure.get("series").map_or(decider.to_owned(), ConfigNode::cell);
        if path::spelled(&series) == key
            && let Some(entries) = figure.value.entries_mut()
        {
            entries.retain(|(name, _)| name != "hulls");
        }
        without(figure);
    });
    experiment.get_mut("tune").map(without);
    if key == "scheduler"
        && let Some(entries) = experiment.value.entries_mut()
    {
        entries.retain(|(name, _)| name != "tune");
    }
    if let Some(claims) = experiment.get_mut("expect").and_then(|node| node.value.items_mut()) {
        claims.retain(|claim| {
            let axis = claim.get("axis").map_or(decider.to_owned(), ConfigNode::cell);
            let names = |filter: &ConfigNode| match &filter.value {
                Value::Table(entries) => entries.iter().any(|(axis, _)| path::spelled(axis) == key),
                _ => false,
            };
            path::spelled(&axis) != key && !claim.get("where").is_some_and(names)
        });
    }
}

/// Replaces the values of `key` in an axis, if that varies it, by a value or, of `[[axis]]`, a list
/// of values; whether it does.
fn replace(axis: &mut ConfigNode, key: &str, value: &ConfigNode) -> Result<bool, Problem> {
    let place = &value.place;
    let keys = keys_of(axis);
    if let Some(varied) = keys.iter().find(|varied| below(key, varied)) {
        let found = format!("a part of `{varied}`, which varies as a whole");
        let expected = format!("`--set {varied}=…`, or another axis in the file");
        return Err(Problem::new(place.clone(), found, expected));
    }
    let Some(at) = keys.iter().position(|varied| varied == key) else { return Ok(false) };
    if axis.get("key").is_some() {
        let values = match &value.value {
            Value::Array(_) => value.value.clone(),
            _ => Value::array(vec![value.clone()]),
        };
        axis.set("values", ConfigNode { place: place.clone(), value: values })?;
        return Ok(true);
    }
    for row in items(axis, "values") {
        if let Some(cell) = row.value.items_mut().and_then(|cells| cells.get_mut(at)) {
            *cell = value.clone();
        }
    }
    // Rows that differed in this key alone are one row now.
    if let Some(rows) = axis.get_mut("values").and_then(|node| node.value.items_mut()) {
        let mut seen = BTreeSet::new();
        rows.retain(|row| seen.insert(row.canonical()));
    }
    Ok(true)
}

/// The items of the list `key`, if there is such a list.
fn items<'a>(node: &'a mut ConfigNode, key: &str) -> impl Iterator<Item = &'a mut ConfigNode> {
    node.get_mut(key).and_then(|node| node.value.items_mut()).into_iter().flatten()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::source::Source;

    const FILE: &str = "seed = 1\n[base]\na = 1\n[[axis]]\nkey = 'a'\nvalues = [1, 2]\n\
                        [[zip]]\nkeys = ['b', 'c.d']\nvalues = [[3, 4], [5, 6]]\n";

    fn with(text: &str) -> Result<String, String> {
        let source = Source { path: "x.toml".into(), text: FILE.into(), sha256: String::new() };
        let mut node = ConfigNode::parse(&source).unwrap();
        apply(&mut node, text).map_err(|problem| problem.to_string())?;
        Ok(node.canonical())
    }

    #[test]
    fn what_varied_keeps_its_axis_with_one_value() {
        for key in ["a", "base.a"] {
            let text = with(&format!("{key} = 7")).unwrap();
            assert!(text.contains("axis = [{ key = \"a\", values = [7] }]"), "{text}");
        }
        let text = with("b=7").unwrap();
        assert!(text.contains("values = [[7, 4], [7, 6]]"), "{text}");
        let text = with("zip = [{ keys = ['b', 'c'], values = [[1, 2], [3, 2]] }]").unwrap();
        let mut node = ConfigNode::parse_override(&text);
        apply(&mut node, "b=7").unwrap();
        assert!(node.canonical().contains("values = [[7, 2]]"), "{}", node.canonical());
    }

    #[test]
    fn a_worker_is_reached_by_name_or_position() {
        let text = "{ base = { w = [{ name = 'x' }, { name = 'y' }] }, \
                    axis = [{ key = 'w.y.n', values = [1, 2] }] }";
        for (set, found) in [
            ("w.x.n=7", "w = [{ n = 7, name = \"x\" }, { name = \"y\" }]"),
            ("w.1.n=7", "axis = [{ key = \"w.y.n\", values = [7] }]"),
            ("w.y.n=7", "axis = [{ key = \"w.y.n\", values = [7] }]"),
            ("'w' . \"y\".n=7", "axis = [{ key = \"w.y.n\", values = [7] }]"),
        ] {
            let mut node = ConfigNode::parse_override(text);
            apply(&mut node, set).unwrap();
            assert!(node.canonical().contains(found), "{set}: {}", node.canonical());
        }
        for set in ["w.z.n=7", "w.2.n=7", "w.1.n.m=7"] {
            assert!(apply(&mut ConfigNode::parse_override(text), set).is_err(), "{set}");
        }
    }

    #[test]
    fn a_name_with_a_point_is_quoted() {
        let text = "{ base = { w = [{ name = 'v1.5' }, { name = 'v2.0' }], s = 'x' }, \
                    axis = [{ key = \"w.'v1.5'.n\", values = [1, 2] }], \
                    figure = [{ where = { \"w.'v1.5'.n\" = 1 } }], \
                    expect = [{ where = { 'w.\"v1.5\".n' = 1 } }] }";
        for (set, found) in [
            ("w.\"v1.5\".n=7", "axis = [{ key = \"w.'v1.5'.n\", values = [7] }]"),
            ("w.\"v1.5\".n=7", "expect = [], figure = [{ where = {} }]"),
            ("w.0.n=7", "axis = [{ key = \"w.'v1.5'.n\", values = [7] }]"),
            ("w.\"v2.0\".n=7", "{ n = 7, name = \"v2.0\" }"),
            ("budget_ms.\"llama-3.1-8B\"=7", "budget_ms = { \"llama-3.1-8B\" = 7 }"),
            ("budget_ms.'a=b'=7", "budget_ms = { \"a=b\" = 7 }"),
        ] {
            let mut node = ConfigNode::parse_override(text);
            apply(&mut node, set).unwrap();
            assert!(node.canonical().contains(found), "{set}: {}", node.canonical());
        }
        for (set, said) in [
            ("w.v1.5.n=7", "expected one of 0, 1, \"v1.5\", \"v2.0\""),
            ("w.\"v1.5.n=7", "where a name has a point"),
            ("w.\"v1.5\"x.n=7", "where a name has a point"),
            ("w.\"v1.5\".n.m=7", "a part of `w.\"v1.5\".n`, which varies as a whole"),
        ] {
            let problem =
                apply(&mut ConfigNode::parse_override(text), set).unwrap_err().to_string();
            assert!(problem.contains(said), "{set}: {problem}");
        }
    }

    #[test]
    fn the_top_level_and_new_settings_are_reached() {
        assert!(with("seed=9").unwrap().contains("seed = 9"));
        assert!(with("expect=[]").unwrap().contains("expect = []"));
        assert!(with("e.f=x").unwrap().contains("base = { a = 1, e = { f = \"x\" } }"));
    }

    #[test]
    fn what_would_have_no_effect_or_no_end_is_refused() {
        assert!(with("a.b=1").unwrap_err().contains("which varies as a whole"));
        assert!(with("c.d.e=1").unwrap_err().contains("which varies as a whole"));
        assert!(with(&format!("{}=1", vec!["x"; 100_000].join("."))).is_err());
        assert!(with("x..y=1").is_err());
        let mut searched = ConfigNode::parse_override("{ search = { low = 1 } }");
        assert!(apply(&mut searched, "workload.rate_rps=5").is_err());
        assert!(apply(&mut searched, "search.low=5").is_ok());
        assert!(with("=1").is_err());
        assert!(with("x").is_err());
    }
}
