//! The JSON Schema (draft 2020-12) of experiment files, made from the descriptions of settings.
//!
//! Editors check experiments with it while they are written. It knows tables and keys, not the
//! applications of an experiment: a key where the name of one may stand is taken for a name.

use super::file::FILE;
use super::settings::BASE;
use crate::config::settings::{Preset, Registry, flattened};
use crate::config::{Group, Kind, Setting};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// A part of a path that is a name or a position.
const NAME: &str = r#"([^.'"]+|"[^"]*"|'[^']*')"#;

/// The schema of a whole file.
pub fn schema() -> Value {
    let mut made = Schema::default();
    let paths = paths(&BASE);
    let path: Vec<Value> = paths.keys().map(PathPattern::schema).collect();
    made.definitions.insert("path".into(), json!({ "type": "string", "anyOf": path }));
    let mut root = made.object(&flattened(FILE.settings), &[], false);
    made.require(&mut root, FILE.settings);
    made.name_paths(&paths);
    let keys = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "peeksim experiment",
        "$defs": made.definitions,
    });
    merge(&mut root, keys);
    root
}

/// The definitions so far.
#[derive(Default)]
struct Schema {
    definitions: BTreeMap<String, Value>,
    /// Whether keys that must be there may also come from an axis, as in `[base]`.
    partial: bool,
}

impl Schema {
    /// Values of a kind. `labelled` tables may have a `label`, as values of axes.
    fn kind(&mut self, kind: Kind, labelled: bool) -> Value {
        match kind {
            Kind::Number(low, high) => {
                let mut number = json!({ "type": "number" });
                if low == f64::MIN_POSITIVE {
                    number["exclusiveMinimum"] = json!(0);
                } else if low > -f64::MAX {
                    number["minimum"] = json!(low);
                }
                if high < f64::MAX {
                    number["maximum"] = json!(high);
                }
                number
            }
            Kind::Integer(low, high) if high > i64::MAX as u64 / 2 => {
                json!({ "type": "integer", "minimum": low })
            }
            Kind::Integer(low, high) => {
                json!({ "type": "integer", "minimum": low, "maximum": high })
            }
            Kind::Flag => json!({ "type": "boolean" }),
            Kind::Text => json!({ "type": "string" }),
            Kind::Choice(names) => json!({ "enum": names }),
            Kind::Name(names) => json!({ "enum": names() }),
            Kind::List(of) => json!({ "type": "array", "items": self.kind(*of, false) }),
            Kind::Table(group) => {
                self.defined(group.name, labelled, |made| made.table(group, labelled))
            }
            Kind::ByName(_, of) => {
                let mut object = json!({ "type": "object" });
                object["additionalProperties"] = self.kind(*of, false);
                if labelled {
                    object["properties"] = json!({ "label": { "type": "string" } });
                }
                object
            }
            Kind::Registry(registry) => {
                self.defined(registry.name, labelled, |made| made.registry(registry, labelled))
            }
            Kind::OneOf(kinds) => {
                let any: Vec<Value> = kinds.iter().map(|kind| self.kind(*kind, labelled)).collect();
                json!({ "anyOf": any })
            }
            Kind::Again(kind) => self.kind(kind(), labelled),
            Kind::Any => json!({}),
        }
    }

    /// A reference to a definition, which is made when it is first needed.
    fn defined(
        &mut self,
        name: &str,
        labelled: bool,
        make: impl FnOnce(&mut Self) -> Value,
    ) -> Value {
        let name =
            format!("{}{}", name.replace(' ', "_"), if labelled { "_with_label" } else { "" });
        if !self.definitions.contains_key(&name) {
            // A table that has itself within finds its name.
            self.definitions.insert(name.clone(), Value::Null);
            let made = make(self);
            self.definitions.insert(name.clone(), made);
        }
        json!({ "$ref": format!("#/$defs/{name}") })
    }

    fn table(&mut self, group: &Group, labelled: bool) -> Value {
        let before = self.partial;
        self.partial |= group.name == BASE.name;
        let mut object = self.object(&flattened(group.settings), &[], labelled);
        if !self.partial {
            self.require(&mut object, group.settings);
        }
        self.partial = before;
        object
    }

    fn require(&self, object: &mut Value, settings: &[&[Setting]]) {
        let required = flattened(settings).into_iter().filter(|s| s.default == Preset::Required);
        let required: Vec<&str> = required.map(|setting| setting.key).collect();
        if !required.is_empty() {
            object["required"] = json!(required);
        }
    }

    /// The values of a setting.
    fn value(&mut self, setting: &Setting) -> Value {
        let mut value = self.kind(setting.kind, false);
        value["description"] = json!(setting.meaning);
        match setting.default {
            Preset::Number(number) => value["default"] = json!(number),
            Preset::Integer(number) if number <= i64::MAX as u64 / 4 => {
                value["default"] = json!(number);
            }
            Preset::Flag(flag) => value["default"] = json!(flag),
            Preset::Text(text) => value["default"] = json!(text),
            _ => {}
        }
        value
    }

    /// A table with these keys, of which some have values of their own kinds.
    fn object(&mut self, settings: &[Setting], own: &[(&str, Value)], labelled: bool) -> Value {
        let mut properties = Map::new();
        if labelled {
            properties.insert("label".into(), json!({ "type": "string" }));
        }
        for setting in settings {
            if own.iter().any(|(key, _)| *key == setting.key) {
                continue;
            }
            let value = self.value(setting);
            properties.insert(setting.key.into(), value);
        }
        for (key, value) in own {
            properties.insert((*key).into(), value.clone());
        }
        json!({ "type": "object", "properties": properties, "additionalProperties": false })
    }

    /// One of the tables of a registry, or the bare name of one.
    fn registry(&mut self, registry: &Registry, labelled: bool) -> Value {
        let (tag, entries) = (registry.tag, (registry.entries)());
        let common = flattened(registry.common.settings);
        let rest: Vec<Setting> = common.iter().filter(|s| s.key != tag).copied().collect();
        // What all forms have is written once.
        let mut shared: Vec<(&str, Value)> = Vec::new();
        for setting in &rest {
            let name = format!("{}.{}", registry.name, setting.key);
            shared.push((setting.key, self.defined(&name, false, |made| made.value(setting))));
        }
        let names: Vec<&str> = entries.iter().map(|entry| entry.name).collect();
        let mut forms = vec![json!({ "enum": names })];
        for entry in &entries {
            let name = json!({ "const": entry.name, "description": entry.summary });
            let mut own = shared.clone();
            own.retain(|(key, _)| entry.settings.iter().all(|setting| setting.key != *key));
            own.push((tag, name));
            let mut object = self.object(&entry.settings, &own, labelled);
            object["required"] = json!([tag]);
            forms.push(object);
        }
        if registry.optional {
            let lists: Vec<&[Setting]> =
                entries.iter().map(|entry| entry.settings.as_slice()).collect();
            forms.push(self.object(&flattened(&lists), &shared, labelled));
        }
        // The name may be a table itself: that of an arrival process.
        if let Some(Kind::OneOf(_)) = common.iter().find(|s| s.key == tag).map(|s| s.kind) {
            let mut object = self.object(&common, &shared, labelled);
            object["required"] = json!([tag]);
            object["properties"][tag]["not"] = json!({ "type": "string" });
            forms.push(object);
        }
        json!({ "anyOf": forms })
    }

    /// Keys that vary are paths of settings, and values of an axis are those of its setting.
    fn name_paths(&mut self, paths: &Paths) {
        self.partial = true;
        let path = json!({ "$ref": "#/$defs/path" });
        let mut rules = Vec::new();
        for (path, kinds) in paths {
            let any: Vec<Value> = kinds.iter().map(|kind| self.kind(*kind, true)).collect();
            let items = if any.len() == 1 { any[0].clone() } else { json!({ "anyOf": any }) };
            rules.push(json!({
                "if": { "properties": { "key": path.schema() } },
                "then": { "properties": { "values": { "items": items } } },
            }));
        }
        for (table, key) in [("axis", "key"), ("search", "key"), ("zip", "keys")] {
            let Some(table) = self.definitions.get_mut(table) else { continue };
            let property = &mut table["properties"][key];
            if key == "keys" {
                property["items"] = path.clone();
            } else {
                merge(property, path.clone());
            }
        }
        if let Some(axis) = self.definitions.get_mut("axis") {
            axis["allOf"] = json!(rules);
        }
    }
}

/// Adds the keys of another object.
fn merge(object: &mut Value, more: Value) {
    if let (Some(object), Value::Object(more)) = (object.as_object_mut(), more) {
        object.extend(more);
    }
}

/// Paths of keys.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
struct PathPattern {
    /// They fit this,
    pattern: String,
    /// and none of these: what begins with a key of a table is no name.
    not: Vec<String>,
}

impl PathPattern {
    fn then(&self, more: &str) -> Self {
        Self { pattern: format!("{}{more}", self.pattern), not: self.not.clone() }
    }

    fn schema(&self) -> Value {
        let mut schema = json!({ "pattern": format!("{}$", self.pattern) });
        if !self.not.is_empty() {
            schema["not"] = json!({ "pattern": self.not.join("|") });
        }
        schema
    }
}

type Paths = BTreeMap<PathPattern, Vec<Kind>>;

/// The paths of all settings of a table, and what their values may be.
fn paths(group: &Group) -> Paths {
    let mut found = Paths::new();
    let root = PathPattern { pattern: "^".into(), not: Vec::new() };
    below(&flattened(group.settings), &root, &mut found);
    found
}

fn below(settings: &[Setting], before: &PathPattern, found: &mut Paths) {
    for setting in settings {
        add(before.then(setting.key), setting.kind, found);
    }
}

fn add(path: PathPattern, kind: Kind, found: &mut Paths) {
    within(kind, &path, found);
    found.entry(path).or_default().push(kind);
}

/// The paths below one that has values of this kind.
fn within(kind: Kind, path: &PathPattern, found: &mut Paths) {
    let inside = path.then("\\.");
    match kind {
        Kind::Table(group) => below(&flattened(group.settings), &inside, found),
        Kind::Registry(registry) => below(&all_keys(registry), &inside, found),
        Kind::List(of) | Kind::ByName(_, of) => add(inside.then(NAME), *of, found),
        Kind::OneOf(kinds) => {
            let keys: Vec<&str> = kinds.iter().flat_map(|kind| keys(*kind)).collect();
            let mut other = inside.then(NAME);
            if !keys.is_empty() {
                other.not.push(format!("{}({})(\\.|$)", inside.pattern, keys.join("|")));
            }
            for kind in kinds {
                match kind {
                    Kind::ByName(_, of) => add(other.clone(), **of, found),
                    kind => within(*kind, path, found),
                }
            }
        }
        Kind::Again(_) => add(inside.then(".*"), Kind::Any, found),
        _ => {}
    }
}

/// The keys of all entries of a registry.
fn all_keys(registry: &Registry) -> Vec<Setting> {
    let entries = (registry.entries)();
    let common = registry.common.settings.iter().copied();
    let lists: Vec<&[Setting]> =
        common.chain(entries.iter().map(|entry| entry.settings.as_slice())).collect();
    flattened(&lists)
}

/// The keys of a table.
fn keys(kind: Kind) -> Vec<&'static str> {
    let settings = match kind {
        Kind::Table(group) => flattened(group.settings),
        Kind::Registry(registry) => all_keys(registry),
        Kind::OneOf(kinds) => return kinds.iter().flat_map(|kind| keys(*kind)).collect(),
        _ => Vec::new(),
    };
    settings.iter().map(|setting| setting.key).collect()
}
