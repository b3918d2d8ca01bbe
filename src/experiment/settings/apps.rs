//! The applications: `apps`, and the settings that have a value for each of them.

use super::names::{for_apps, index_of, items};
use super::{PAYLOAD_BYTES, classifiers};
use crate::classifier::model::Classifier;
use crate::config::source::{embedded_paths, exists};
use crate::config::{ConfigNode, Decoder, Problem, Problems, Value, decode};
use crate::experiment::input_cache::InputCache;
use crate::system::catalog::AppSpec;
use crate::system::deadline_budget::DeadlineBudget;

/// Reads applications, with the settings of them that the table has.
pub(super) fn read(read: &mut Decoder<'_>, inputs: &mut InputCache) -> Vec<AppSpec> {
    let folders = Folders { profiles: read.text("profiles"), traces: read.text("traces") };
    let names = read.require("apps", "the list of applications, folders of profiles/");
    let [budgets, variants, peeks, payloads] = ["budget_ms", "variants", "peek", "payload_bytes"]
        .map(|key| if read.describes(key) { read.take(key) } else { None });
    let Some(names) = names else { return Vec::new() };
    let problems = read.problems();
    let mut apps: Vec<AppSpec> = Vec::new();
    for name in items(names, "no application", "at least one application", problems) {
        apps.extend(read_app(name, &folders, &apps, inputs, problems));
    }
    if let Some(node) = budgets {
        let by_app = is_table(node) && !DeadlineBudget::is_distribution(node);
        for_apps(node, by_app, &mut apps, problems, |app, node, problems| {
            app.budget = DeadlineBudget::read_for_sources(node, problems);
        });
    }
    if let Some(node) = payloads {
        for_apps(node, is_table(node), &mut apps, problems, |app, node, problems| {
            app.payload_bytes = decode::integer(node, &PAYLOAD_BYTES, problems).unwrap_or(0);
        });
    }
    if let Some(node) = variants {
        for_apps(node, true, &mut apps, problems, |app, node, problems| {
            app.variants = read_variants(node, &app.profile.variant_names(), problems);
        });
    }
    if let Some(node) = peeks {
        let by_app = apps.iter().any(|app| node.get(&app.profile.name).is_some());
        for_apps(node, by_app, &mut apps, problems, |app, node, problems| {
            app.peek = classifiers::read(node, app, problems);
        });
    }
    apps
}

/// The folders of profiles and traces.
struct Folders {
    profiles: String,
    traces: String,
}

fn is_table(node: &ConfigNode) -> bool {
    matches!(node.value, Value::Table(_))
}

/// The application of this name, which must not be in `apps` yet, with its profile and trace.
fn read_app(
    node: &ConfigNode,
    folders: &Folders,
    apps: &[AppSpec],
    inputs: &mut InputCache,
    problems: &mut Problems,
) -> Option<AppSpec> {
    let Folders { profiles, traces } = folders;
    let name = decode::text(node, problems)?;
    if name.is_empty() || name.starts_with('.') || name.contains(['/', '\\']) {
        let expected = format!("the name of a folder of {profiles}/");
        problems.push(decode::mismatch(node, expected));
        return None;
    }
    if apps.iter().any(|app| app.profile.name == name) {
        let found = format!("`{name}` twice");
        problems.push(Problem::new(node.place.clone(), found, "each once"));
        return None;
    }
    let profile = inputs.profile(&format!("{profiles}/{name}"));
    let profile =
        profile.map_err(|found| no_profile(node, name, profiles, found, problems)).ok()?;
    let trace = inputs.trace(profiles, traces, &profile);
    let trace = trace.and_then(|trace| trace.map_err(|found| problems.extend(found)).ok());
    let (variants, peek) = (Vec::new(), Classifier::default());
    Some(AppSpec { profile, trace, budget: None, variants, peek, payload_bytes: 0 })
}

/// A name without a folder is unknown; a folder with problems has its own messages.
fn no_profile(
    node: &ConfigNode,
    name: &str,
    folder: &str,
    found: Problems,
    problems: &mut Problems,
) {
    if exists(&format!("{folder}/{name}/app.toml")) {
        problems.extend(found);
        return;
    }
    let shipped = embedded_paths("/app.toml");
    let known =
        shipped.iter().filter_map(|path| path.strip_prefix("profiles/")?.strip_suffix("/app.toml"));
    let mut problem = Problem::unknown(node.place.clone(), "application", name, known);
    problem.expected = format!("a folder {folder}/{name} with app.toml, or {}", problem.expected);
    problems.push(problem);
}

/// The variants of an application that are used.
fn read_variants(node: &ConfigNode, known: &[String], problems: &mut Problems) -> Vec<String> {
    let mut used = Vec::new();
    for item in items(node, "no variant", "at least one", problems) {
        let Some(name) = decode::text(item, problems) else { continue };
        index_of(name, known, "variant", &item.place, problems);
        used.push(name.to_owned());
    }
    used
}
