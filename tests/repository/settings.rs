//! Settings are described once: the JSON Schema and the reference page are what the tables say.

use super::readme::check;
use crate::support::shell::Shell;
use boon::{Compiler, SchemaIndex, Schemas};
use peeksim::config::settings::{Lists, Registry, flattened};
use peeksim::config::source::STYLES;
use peeksim::config::{Group, Kind, Setting};
use peeksim::experiment::{FILE, schema};
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};

fn repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// Every experiment below a folder.
fn experiments(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            experiments(&path, found);
        } else if path.extension().is_some_and(|ending| ending == "toml") {
            found.push(path);
        }
    }
}

fn shipped() -> Vec<PathBuf> {
    let mut found = Vec::new();
    experiments(&repository("experiments"), &mut found);
    found.retain(|path| path.file_name().is_some_and(|name| name != STYLES));
    found.sort();
    assert!(found.len() > 40, "{}", found.len());
    found
}

/// An experiment as JSON.
fn read(path: &Path) -> Value {
    let text = fs::read_to_string(path).expect("a file");
    let table: toml::Table = text.parse().expect("TOML");
    serde_json::to_value(table).expect("JSON")
}

/// The schema, ready to check experiments.
struct Validator {
    schemas: Schemas,
    root: SchemaIndex,
}

impl Validator {
    fn new() -> Self {
        let url = "https://example.org/experiment.json";
        let (mut schemas, mut compiler) = (Schemas::new(), Compiler::new());
        compiler.add_resource(url, schema()).expect("a schema");
        let root = compiler.compile(url, &mut schemas).expect("a schema");
        Self { schemas, root }
    }

    fn check(&self, experiment: &Value) -> Result<(), String> {
        self.schemas.validate(experiment, self.root).map_err(|error| error.to_string())
    }
}

#[test]
fn the_schema_is_what_the_command_prints() {
    let text = format!("{:#}\n", schema());
    let path = repository("experiments/schema.json");
    if std::env::var_os("UPDATE_README").is_some() {
        fs::write(&path, &text).expect("the file can be written");
    }
    let found = fs::read_to_string(&path).unwrap_or_default();
    assert!(found == text, "experiments/schema.json: run UPDATE_README=1 cargo test settings");
    assert!(Shell::new().ok("schema").out == text);
}

#[test]
fn shipped_experiments_name_the_schema_and_are_valid() {
    let schema = Validator::new();
    let mut paths = shipped();
    for path in &paths {
        let text = fs::read_to_string(path).expect("a file");
        let below = path.strip_prefix(repository("experiments")).expect("below");
        let up = "../".repeat(below.components().count() - 1);
        assert!(text.starts_with(&format!("#:schema {up}schema.json\n")), "{}", path.display());
    }
    paths.extend(["tests/golden/golden.toml", "tests/golden/alone.toml"].map(repository));
    paths.push(repository("tests/bad/good/experiment.toml"));
    for path in paths {
        let experiment = read(&path);
        if let Err(error) = schema.check(&experiment) {
            panic!("{}: {error}", path.display());
        }
    }
}

/// The tables of a value, by pointer; not those whose keys are names of columns, groups or
/// parameters, and not the cells of `[[zip]]`, whose keys stand elsewhere.
fn tables(value: &Value, pointer: &str, found: &mut Vec<String>) {
    match value {
        Value::Object(entries) => {
            found.push(pointer.to_owned());
            for (key, value) in entries
                .iter()
                .filter(|(key, _)| !["grid", "hulls", "where"].contains(&key.as_str()))
            {
                if !(pointer.starts_with("/zip/") && key == "values") {
                    let key = key.replace('~', "~0").replace('/', "~1");
                    tables(value, &format!("{pointer}/{key}"), found);
                }
            }
        }
        Value::Array(items) => {
            for (at, value) in items.iter().enumerate() {
                tables(value, &format!("{pointer}/{at}"), found);
            }
        }
        _ => {}
    }
}

#[test]
fn a_wrong_key_in_any_table_is_not_valid() {
    let schema = Validator::new();
    let mut tried = 0;
    for path in shipped() {
        let experiment = read(&path);
        let mut pointers = Vec::new();
        tables(&experiment, "", &mut pointers);
        assert!(pointers.len() >= 4, "{}: {pointers:?}", path.display());
        for pointer in pointers {
            let mut wrong = experiment.clone();
            wrong.pointer_mut(&pointer).expect("a table")["no_such_key"] = Value::Bool(true);
            assert!(schema.check(&wrong).is_err(), "{}: {pointer}", path.display());
            tried += 1;
        }
    }
    assert!(tried > 500, "{tried}");
}

/// Keys that are no settings, values out of their range, names that do not exist.
#[test]
fn the_schema_refuses_what_the_decoder_refuses() {
    let schema = Validator::new();
    let valid = |change: &str| {
        let text = format!("base.apps = ['voice']\n{change}\n");
        let table: toml::Table = text.parse().unwrap_or_else(|error| panic!("{change}: {error}"));
        schema.check(&serde_json::to_value(table).expect("JSON")).is_ok()
    };
    for good in [
        "",
        "base.scheduler = 'edf'",
        "base.scheduler = { name = 'edf', max_batch = 4096 }",
        "base.workload = { arrivals = 'gamma', cv = 2, load = 0.5 }",
        "base.workload = { arrivals = { name = 'gamma', cv = 2 } }",
        "base.workload = { arrivals = { voice = 'gamma' } }",
        "base.peek = 'knn'",
        "base.peek = { quality = 0.5 }",
        "base.penalty = { exponent = 2 }",
        "base.budget_ms = { mixture = [{ budget = { slo = 9, network = { normal = [1, 2] } } }] }",
        "axis = [{ key = 'workers.0.count', values = [1] }]",
        "axis = [{ key = 'workers.\"a.b\".link.rtt_ms', values = [1] }]",
        "axis = [{ key = 'workload', values = [{ label = 'a', load = 1 }] }]",
        "axis = [{ key = 'scheduler', values = [{ label = 'a', name = 'edf' }, 'fcfs'] }]",
    ] {
        assert!(valid(good), "{good}");
    }
    for bad in [
        "base.scheduler = 'efd'",
        "base.scheduler = { name = 'edf', max_batch = 4097 }",
        "base.scheduler = { name = 'edf', window_ms = 20 }",
        "base.scheduler = { label = 'a', name = 'edf' }",
        "base.workload = { arrivals = 'poisson', cv = 2 }",
        "base.workload = { arrivals = { name = 'poisson', cv = 2 } }",
        "base.peek = { kind = 'knn', quality = 0.5 }",
        "base.penalty = { name = 'step', exponent = 2 }",
        "base.workers = [{ class = 'a', speedup = 0 }]",
        "axis = [{ key = 'workers.0.cuont', values = [1] }]",
        "axis = [{ key = 'workers.0.count', values = ['one'] }]",
        "axis = [{ key = 'scheduler', values = [{ name = 'edf', window_ms = 20 }] }]",
        "search = { low = 1 }",
        "figure = [{ kind = 'pie' }]",
        "expect = [{ metric = 'utility_mean' }]",
    ] {
        assert!(!valid(bad), "{bad}");
    }
}

/// The reference page of one table and those within it.
struct Page {
    text: String,
    told: Vec<&'static str>,
}

impl Page {
    fn rows(&mut self, settings: &[Setting]) {
        self.text.push_str("| key | values | default | meaning |\n|---|---|---|---|\n");
        for setting in settings {
            let Setting { key, meaning, .. } = setting;
            let (kind, default) = (setting.shown_kind(), setting.shown_default());
            let default = if default.is_empty() { "–".to_owned() } else { default };
            self.text.push_str(&format!("| `{key}` | {kind} | {default} | {meaning} |\n"));
        }
    }

    fn group(&mut self, group: &Group, path: &str) {
        if self.told.contains(&group.name) {
            return;
        }
        self.told.push(group.name);
        let head = match group.name {
            _ if path.is_empty() => "The file".to_owned(),
            "offloading" => "`base` of an offloading study".to_owned(),
            _ => format!("`{path}`"),
        };
        self.text.push_str(&format!("\n### {head}\n\n"));
        self.rows(&flattened(group.settings));
        self.within(group.settings, path);
    }

    fn within(&mut self, lists: Lists, path: &str) {
        for setting in flattened(lists) {
            let point = if path.is_empty() { "" } else { "." };
            self.kind(setting.kind, &format!("{path}{point}{}", setting.key));
        }
    }

    fn kind(&mut self, kind: Kind, path: &str) {
        match kind {
            Kind::Table(group) => self.group(group, path),
            Kind::Registry(registry) => self.registry(registry, path),
            Kind::List(of) => self.kind(*of, &format!("{path}[]")),
            Kind::ByName(of, kind) => self.kind(*kind, &format!("{path}.<{of}>")),
            Kind::OneOf(kinds) => kinds.iter().for_each(|kind| self.kind(*kind, path)),
            _ => {}
        }
    }

    fn registry(&mut self, registry: &Registry, path: &str) {
        let first = !self.told.contains(&registry.common.name);
        self.group(registry.common, path);
        for entry in (registry.entries)().iter().filter(|entry| first && !entry.settings.is_empty())
        {
            let (tag, name) = (registry.tag, entry.name);
            // Processes stand in the table `workload` too, where they are told.
            if registry.name == "arrival process" {
                break;
            }
            self.text.push_str(&format!("\n#### `{path}` with `{tag} = \"{name}\"`\n\n"));
            self.rows(&entry.settings);
        }
    }
}

#[test]
fn the_reference_page_is_what_the_tables_say() {
    let mut page = Page { text: String::new(), told: Vec::new() };
    page.group(&FILE, "");
    for name in ["worker", "link", "figure", "expect", "axis", "zip", "search", "peek", "workload"]
    {
        assert!(page.told.contains(&name), "{name}");
    }
    let begin =
        "<!-- settings: generated from the tables, checked by tests/repository/settings.rs -->\n";
    check("docs/src/settings.md", begin, "<!-- end of settings -->", &page.text);
}

#[test]
fn the_keys_of_devices_files_are_what_the_tables_say() {
    let mut page = Page { text: String::new(), told: Vec::new() };
    page.group(&peeksim::offloading::cost_file::FILE, "");
    let begin = "<!-- devices file: generated from the tables, checked by \
                 tests/repository/settings.rs -->\n";
    check("docs/src/dialogues.md", begin, "<!-- end of devices file -->", &page.text);
}

/// Every description is a sentence, and says something of its own.
#[test]
fn descriptions_are_sentences() {
    fn look(kind: Kind, seen: &mut Vec<&'static str>) {
        let check = |settings: &[Setting], seen: &mut Vec<&'static str>| {
            for setting in settings {
                let meaning = setting.meaning;
                let ends = meaning.ends_with('.') && meaning.starts_with(char::is_alphabetic);
                assert!(ends || meaning.starts_with('η') || meaning.starts_with('α'), "{meaning}");
                look(setting.kind, seen);
            }
        };
        match kind {
            Kind::Table(group) if !seen.contains(&group.name) => {
                seen.push(group.name);
                check(&flattened(group.settings), seen);
            }
            Kind::Registry(registry) if !seen.contains(&registry.common.name) => {
                seen.push(registry.common.name);
                check(&flattened(registry.common.settings), seen);
                (registry.entries)().iter().for_each(|entry| check(&entry.settings, seen));
            }
            Kind::List(of) | Kind::ByName(_, of) => look(*of, seen),
            Kind::OneOf(kinds) => kinds.iter().for_each(|kind| look(*kind, seen)),
            _ => {}
        }
    }
    let mut seen = Vec::new();
    look(Kind::Table(&FILE), &mut seen);
    look(Kind::Table(&peeksim::offloading::cost_file::FILE), &mut seen);
    assert!(seen.len() > 20, "{seen:?}");
}
