//! The JSON Schema (draft 2020-12) of experiment files, made from the descriptions of settings.
//!
//! Editors check experiments with it while they are written. It does not know the applications of
//! an experiment: any key is valid where the name of one may stand.

use super::file::FILE;
use super::settings::{BASE, OFFLOADING};
use crate::config::settings::{Preset, Registry, flattened};
use crate::config::{Kind, Setting};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// A part of a path that is a name or an index.
const NAME: &str = r#"([^.'"]+|"[^"]*"|'[^']*')"#;

/// The schema of a whole file.
pub fn schema() -> Value {
    let mut schema = Schema::default();
    let settings = flattened(FILE.settings);
    let mut root = schema.object(&settings, &[], false);
    require(&mut root, FILE.settings);
    for setting in settings {
        let group = match setting.kind {
            Kind::Table(group) => group,
            Kind::List(Kind::Table(group)) => *group,
            _ => continue,
        };
        // The required settings of a run may also come from an axis.
        let table = schema.definitions.get_mut(group.name).filter(|_| group.name != BASE.name);
        table.into_iter().for_each(|table| require(table, group.settings));
    }
    schema.add_paths();
    root["$schema"] = json!("https://json-schema.org/draft/2020-12/schema");
    root["title"] = json!("peeksim experiment");
    root["$defs"] = json!(schema.definitions);
    root
}

/// Makes the keys without a default obligatory.
fn require(object: &mut Value, settings: &[&[Setting]]) {
    let required = flattened(settings).into_iter().filter(|s| s.default == Preset::Required);
    let required: Vec<&str> = required.map(|setting| setting.key).collect();
    if !required.is_empty() {
        object["required"] = json!(required);
    }
}

/// The definitions so far.
#[derive(Default)]
struct Schema {
    definitions: BTreeMap<String, Value>,
}

impl Schema {
    /// The schema of a kind of value. `labelled` tables may have a `label`, as values of axes.
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
            Kind::Integer(low, high) => {
                let mut integer = json!({ "type": "integer", "minimum": low });
                if high <= i64::MAX as u64 / 2 {
                    integer["maximum"] = json!(high);
                }
                integer
            }
            Kind::Flag => json!({ "type": "boolean" }),
            Kind::Text => json!({ "type": "string" }),
            Kind::Choice(names) => json!({ "enum": names }),
            Kind::Name(names) => json!({ "enum": names() }),
            Kind::List(of) => json!({ "type": "array", "items": self.kind(*of, false) }),
            Kind::Table(group) => self.defined(group.name, labelled, |schema| {
                schema.object(&flattened(group.settings), &[], labelled)
            }),
            Kind::ByName(_, of) => {
                let mut object = json!({ "type": "object" });
                object["additionalProperties"] = self.kind(*of, false);
                if labelled {
                    object["properties"] = json!({ "label": { "type": "string" } });
                }
                object
            }
            Kind::Registry(registry) => {
                self.defined(registry.name, labelled, |schema| schema.registry(registry, labelled))
            }
            Kind::OneOf(kinds) => self.any_of(kinds, labelled),
            Kind::Again(kind) => self.kind(kind(), labelled),
            Kind::Any => json!({}),
        }
    }

    fn any_of(&mut self, kinds: &[Kind], labelled: bool) -> Value {
        let any: Vec<Value> = kinds.iter().map(|kind| self.kind(*kind, labelled)).collect();
        json!({ "anyOf": any })
    }

    /// A reference to a definition, which is made when it is first needed.
    fn defined(
        &mut self,
        name: &str,
        labelled: bool,
        make: impl FnOnce(&mut Self) -> Value,
    ) -> Value {
        let ending = if labelled { "_with_label" } else { "" };
        let name = format!("{}{ending}", name.replace(' ', "_"));
        if !self.definitions.contains_key(&name) {
            // A table that contains itself finds this name.
            self.definitions.insert(name.clone(), Value::Null);
            let definition = make(self);
            self.definitions.insert(name.clone(), definition);
        }
        json!({ "$ref": format!("#/$defs/{name}") })
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

    /// A table with these settings; the values of some keys are given by `own`.
    fn object(&mut self, settings: &[Setting], own: &[(&str, Value)], labelled: bool) -> Value {
        let mut properties = Map::new();
        if labelled {
            properties.insert("label".into(), json!({ "type": "string" }));
        }
        for setting in settings {
            properties.insert(setting.key.into(), self.value(setting));
        }
        properties.extend(own.iter().map(|(key, value)| ((*key).into(), value.clone())));
        json!({ "type": "object", "properties": properties, "additionalProperties": false })
    }

    /// The bare name of an entry of a registry, or the table of one.
    fn registry(&mut self, registry: &Registry, labelled: bool) -> Value {
        let (tag, entries) = (registry.tag, (registry.entries)());
        let names: Vec<&str> = entries.iter().map(|entry| entry.name).collect();
        let mut forms = vec![json!({ "enum": names })];
        let common = flattened(registry.common.settings);
        // The settings that all entries have are defined once.
        let mut shared: Vec<(&str, Value)> = Vec::new();
        for setting in common.iter().filter(|setting| setting.key != tag) {
            let name = format!("{}.{}", registry.name, setting.key);
            shared.push((setting.key, self.defined(&name, false, |schema| schema.value(setting))));
        }
        for entry in &entries {
            let mut own = shared.clone();
            own.retain(|(key, _)| entry.settings.iter().all(|setting| setting.key != *key));
            own.push((tag, json!({ "const": entry.name, "description": entry.summary })));
            let mut object = self.object(&entry.settings, &own, labelled);
            object["required"] = json!([tag]);
            forms.push(object);
        }
        if registry.optional {
            let lists: Vec<&[Setting]> = entries.iter().map(|e| e.settings.as_slice()).collect();
            forms.push(self.object(&flattened(&lists), &shared, labelled));
        }
        // The name may be a table itself: that of an arrival process.
        let named = common.iter().find(|setting| setting.key == tag);
        if let Some(named @ Setting { kind: Kind::OneOf(_), .. }) = named {
            let mut object = self.object(&[*named], &shared, labelled);
            object["required"] = json!([tag]);
            object["properties"][tag]["not"] = json!({ "type": "string" });
            forms.push(object);
        }
        json!({ "anyOf": forms })
    }

    /// Keys that vary are paths of settings, and the values of an axis are those of its setting.
    fn add_paths(&mut self) {
        let mut paths = Paths::new();
        for setting in [BASE, OFFLOADING].iter().flat_map(|group| flattened(group.settings)) {
            let pattern = format!("^{}", setting.key);
            add(PathPattern { pattern, not: Vec::new() }, setting.kind, &mut paths);
        }
        let patterns: Vec<Value> = paths.keys().map(PathPattern::schema).collect();
        self.definitions.insert("path".into(), json!({ "type": "string", "anyOf": patterns }));
        let mut rules = Vec::new();
        for (path, kinds) in &paths {
            let items = match kinds.as_slice() {
                [kind] => self.kind(*kind, true),
                kinds => self.any_of(kinds, true),
            };
            rules.push(json!({
                "if": { "properties": { "key": path.schema() } },
                "then": { "properties": { "values": { "items": items } } },
            }));
        }
        let path = json!("#/$defs/path");
        for (table, pointer) in [("axis", "/key"), ("search", "/key"), ("zip", "/keys/items")] {
            let table = self.definitions.get_mut(table);
            let key = table.and_then(|table| table["properties"].pointer_mut(pointer));
            key.into_iter().for_each(|key| key["$ref"] = path.clone());
        }
        if let Some(axis) = self.definitions.get_mut("axis") {
            axis["allOf"] = json!(rules);
        }
    }
}

/// Paths of settings.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct PathPattern {
    /// A regular expression without its end.
    pattern: String,
    /// Paths that match one of these are excluded: a key of a table is no name of the experiment.
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

/// The kinds of the values at paths.
type Paths = BTreeMap<PathPattern, Vec<Kind>>;

/// Adds a path and those below it.
fn add(path: PathPattern, kind: Kind, paths: &mut Paths) {
    add_below(&path, kind, paths);
    paths.entry(path).or_default().push(kind);
}

/// Adds the paths below one that has values of this kind.
fn add_below(path: &PathPattern, kind: Kind, paths: &mut Paths) {
    let inside = path.then("\\.");
    match kind {
        Kind::List(of) | Kind::ByName(_, of) => add(inside.then(NAME), *of, paths),
        Kind::OneOf(kinds) => {
            let mut name = inside.then(NAME);
            let keys: Vec<&str> = settings_of(kind).iter().map(|setting| setting.key).collect();
            if !keys.is_empty() {
                name.not.push(format!("{}({})(\\.|$)", inside.pattern, keys.join("|")));
            }
            for kind in kinds {
                match kind {
                    Kind::ByName(_, of) => add(name.clone(), **of, paths),
                    kind => add_below(path, *kind, paths),
                }
            }
        }
        Kind::Again(_) => add(inside.then(".*"), Kind::Any, paths),
        kind => {
            for setting in settings_of(kind) {
                add(inside.then(setting.key), setting.kind, paths);
            }
        }
    }
}

/// The settings of a table, those of all entries if it is of a registry.
fn settings_of(kind: Kind) -> Vec<Setting> {
    match kind {
        Kind::Table(group) => flattened(group.settings),
        Kind::Registry(registry) => {
            let entries = (registry.entries)();
            let own = entries.iter().map(|entry| entry.settings.as_slice());
            flattened(&registry.common.settings.iter().copied().chain(own).collect::<Vec<_>>())
        }
        Kind::OneOf(kinds) => kinds.iter().flat_map(|kind| settings_of(*kind)).collect(),
        _ => Vec::new(),
    }
}
