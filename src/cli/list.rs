//! `peeksim list`: registries with their sources, experiments with their questions, and the
//! settings of one entry.

use super::{CliError, Output, unknown};
use crate::config::settings::{self, Registry, flattened, in_a_line};
use crate::config::source::embedded_paths;
use crate::config::{ConfigNode, Problem, Setting, Value as ConfigValue};
use crate::experiment::{BASE, Experiment, FIGURE_KINDS, OFFLOADING, PEEKS};
use crate::metrics::{Study, TABLES};
use crate::offloading::POLICIES;
use crate::offloading::policy_spec::{OTHER_POLICIES, POLICY};
use crate::scheduler::{self, SCHEDULERS};
use crate::system::penalty::{self, SHAPES};
use crate::workload::{self, PROCESSES};
use clap::Args;
use serde_json::{Value, json};
use std::io::{self, Write};

/// What to list.
#[derive(Debug, Args)]
pub(super) struct ListArgs {
    /// A scheduler, a penalty, an arrival process, a SneakPeek model or an experiment, whose
    /// settings to list; or one of the lists alone: `schedulers`, `penalties`, `arrivals`,
    /// `policies`, `figures`, `tables`, `experiments`.
    name: Option<String>,
}

/// Prints a list.
type List = fn(&mut Output) -> Result<(), CliError>;

/// The lists: the field of each, its heading, and what prints it.
const LISTS: [(&str, &str, List); 7] = [
    ("schedulers", "schedulers", schedulers),
    ("penalties", "penalties", penalties),
    ("arrivals", "arrival processes (workload.arrivals)", arrivals),
    (
        "policies",
        "policies that offload dialogues (offload --policy; `policy` of an offloading study)",
        policies,
    ),
    ("figures", "figures (figure.kind)", figures),
    ("tables", "tables beside runs.csv (sweep --tables)", tables),
    ("experiments", "experiments that ship with peeksim", experiments),
];

pub(super) fn main(args: &ListArgs, out: &mut Output) -> Result<(), CliError> {
    let wanted = args.name.as_deref();
    let is_list = LISTS.iter().any(|(field, ..)| Some(*field) == wanted);
    if let Some(name) = wanted.filter(|_| !is_list) {
        return one(name, out);
    }
    let lists = LISTS.iter().filter(|(field, ..)| wanted.is_none_or(|wanted| wanted == *field));
    for (at, (_, heading, list)) in lists.enumerate() {
        let gap = if at > 0 { "\n" } else { "" };
        writeln!(out, "{gap}{heading}")?;
        list(out)?;
    }
    Ok(())
}

/// The registries with their settings.
const REGISTRIES: [&Registry; 5] = [&SCHEDULERS, &SHAPES, &PROCESSES, &PEEKS, &POLICY];

/// The names of the experiments that ship with peeksim.
pub(super) fn shipped() -> Vec<String> {
    let paths = embedded_paths(".toml").into_iter();
    let name =
        |path: String| Some(path.strip_prefix("experiments/")?.strip_suffix(".toml")?.to_owned());
    paths.filter_map(name).collect()
}

/// Every name that may be listed.
pub(super) fn names() -> Vec<String> {
    let mut names: Vec<String> = LISTS.iter().map(|(field, ..)| (*field).to_owned()).collect();
    let entries = REGISTRIES.iter().flat_map(|registry| (registry.entries)());
    names.extend(entries.map(|entry| entry.name.to_owned()));
    names.extend(shipped());
    names.sort();
    names.dedup();
    names
}

/// The settings of every entry of that name.
fn one(name: &str, out: &mut Output) -> Result<(), CliError> {
    if shipped().iter().any(|experiment| experiment == name) {
        return experiment(name, out);
    }
    let mut found = false;
    for registry in REGISTRIES {
        for entry in (registry.entries)() {
            if entry.name == name {
                writeln!(out, "{} {name}: {}", registry.name, entry.summary)?;
                let settings = flattened(&[&entry.settings, &common(registry)]);
                let json: Vec<Value> = settings.iter().map(setting_json).collect();
                let (kind, summary) = (registry.name, entry.summary);
                let entry =
                    json!({ "kind": kind, "name": name, "summary": summary, "settings": json });
                out.push("entries", entry);
                table(&settings, out)?;
                found = true;
            }
        }
    }
    if found {
        return Ok(());
    }
    let known = names();
    let known = known.iter().map(String::as_str);
    let expected = "a name that `peeksim list` shows".to_owned();
    Err(Problem { expected, ..unknown("list", "name", name, known) }.into())
}

/// The settings that all entries of a registry have, the name apart.
fn common(registry: &Registry) -> Vec<Setting> {
    let common = flattened(registry.common.settings).into_iter();
    common.filter(|setting| setting.key != registry.tag && registry.tag == "name").collect()
}

fn setting_json(setting: &Setting) -> Value {
    json!({
        "key": setting.key, "values": setting.shown_kind(), "default": setting.shown_default(),
        "meaning": setting.meaning,
    })
}

fn table(settings: &[Setting], out: &mut Output) -> io::Result<()> {
    let row = |setting: &Setting| {
        let (kind, default) = (setting.shown_kind(), setting.shown_default());
        [setting.key.to_owned(), kind, default, setting.meaning.to_owned()]
    };
    let head = ["setting", "values", "default", "meaning"].map(str::to_owned);
    let rows: Vec<[String; 4]> = [head].into_iter().chain(settings.iter().map(row)).collect();
    aligned(&rows, out)
}

/// Columns as wide as their widest cell, the last as it is.
fn aligned<const N: usize>(rows: &[[String; N]], out: &mut Output) -> io::Result<()> {
    let width = |at: usize| rows.iter().map(|row| row[at].chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..N).map(width).collect();
    for row in rows {
        let mut line = String::new();
        for (cell, width) in row.iter().zip(&widths) {
            line.push_str(&format!("  {cell:width$}"));
        }
        writeln!(out, "{}", line.trim_end())?;
    }
    Ok(())
}

/// The settings that an experiment has, and those that vary.
fn experiment(name: &str, out: &mut Output) -> Result<(), CliError> {
    let experiment = Experiment::load(name, &[])?;
    writeln!(out, "experiment {name}: {}", experiment.title)?;
    out.set_all(experiment_json(name, &experiment));
    let mut rows = vec![["setting", "value", "default", "meaning"].map(str::to_owned)];
    let base = match experiment.study {
        Study::Scheduling => BASE,
        Study::Offloading => OFFLOADING,
    };
    for setting in flattened(base.settings) {
        let own = experiment.base.get(setting.key).map(ConfigNode::cell);
        let below = format!("{}.", setting.key);
        let keys = experiment.axes.iter().flat_map(|axis| &axis.keys);
        let varies: Vec<&str> = keys
            .filter(|key| **key == setting.key || key.starts_with(&below))
            .map(String::as_str)
            .collect();
        let value = match (&own, varies.as_slice()) {
            (None, []) => continue,
            (Some(own), []) => own.clone(),
            (_, varies) => format!("varies: {}", varies.join(", ")),
        };
        let mut json = setting_json(&setting);
        json["value"] = own.into();
        json["varies"] = varies.into();
        out.push("settings", json);
        let default = setting.shown_default();
        rows.push([setting.key.to_owned(), value, default, setting.meaning.to_owned()]);
    }
    Ok(aligned(&rows, out)?)
}

/// An entry of a list with its source.
fn entry(
    field: &str,
    (name, summary, source): (&str, &str, &str),
    settings: &[Setting],
    out: &mut Output,
) {
    let settings: Vec<Value> = settings.iter().map(setting_json).collect();
    let json = json!({ "name": name, "summary": summary, "source": source, "settings": settings });
    out.push(field, json);
}

fn schedulers(out: &mut Output) -> Result<(), CliError> {
    for scheduler in scheduler::ENTRIES.iter() {
        let settings = scheduler.described().settings;
        entry("schedulers", (scheduler.name, scheduler.summary, scheduler.source), &settings, out);
        writeln!(out, "  {}: {}", scheduler.name, scheduler.summary)?;
        writeln!(out, "      source: {}", scheduler.source)?;
        writeln!(out, "      settings: {}", in_a_line(&settings))?;
    }
    Ok(())
}

fn penalties(out: &mut Output) -> Result<(), CliError> {
    for penalty in penalty::ENTRIES.iter() {
        let settings: Vec<Setting> = (SHAPES.entries)()
            .into_iter()
            .find(|own| own.name == penalty.name)
            .map_or(Vec::new(), |own| own.settings);
        entry("penalties", (penalty.name, penalty.summary, penalty.source), &settings, out);
        writeln!(out, "  {}: {} [{}]", penalty.name, penalty.summary, penalty.source)?;
    }
    Ok(())
}

fn arrivals(out: &mut Output) -> Result<(), CliError> {
    for process in workload::ENTRIES.iter() {
        let settings = process.described().settings;
        entry("arrivals", (process.name, process.summary, process.source), &settings, out);
        writeln!(out, "  {}: {} [{}]", process.name, process.summary, process.source)?;
        let settings = in_a_line(&settings);
        if !settings.is_empty() {
            writeln!(out, "      settings: {settings}")?;
        }
    }
    Ok(())
}

fn policies(out: &mut Output) -> Result<(), CliError> {
    let known = POLICIES.iter().map(|own| (own.name, own.summary, own.source));
    let other = OTHER_POLICIES.iter().map(|own| (own.name, own.summary, own.source));
    for (name, summary, source) in known.chain(other) {
        entry("policies", (name, summary, source), &[], out);
        writeln!(out, "  {name}: {summary} [{source}]")?;
    }
    Ok(())
}

fn figures(out: &mut Output) -> Result<(), CliError> {
    let kinds = settings::names(&FIGURE_KINDS);
    out.set("figures", kinds.to_vec());
    Ok(writeln!(out, "  {}", kinds.join(", "))?)
}

fn tables(out: &mut Output) -> Result<(), CliError> {
    for table in TABLES {
        out.push("tables", json!({ "name": table.name, "summary": table.summary }));
        writeln!(out, "  {}: {}", table.name, table.summary)?;
    }
    Ok(())
}

fn experiments(out: &mut Output) -> Result<(), CliError> {
    for name in shipped() {
        let experiment = Experiment::load(&name, &[])?;
        let shown = |list: Vec<String>| list.join(", ");
        writeln!(out, "  {name}: {}", experiment.question)?;
        let (profiles, metrics) = (shown(profiles(&experiment)), shown(metrics(&experiment)));
        writeln!(out, "      profiles: {profiles}; metrics: {metrics}")?;
        out.push("experiments", experiment_json(&name, &experiment));
    }
    Ok(())
}

fn experiment_json(name: &str, experiment: &Experiment) -> Value {
    json!({
        "name": name, "title": experiment.title, "question": experiment.question,
        "profiles": profiles(experiment), "metrics": metrics(experiment),
    })
}

/// The profiles that an experiment reads: of its applications, in the base or as values of an
/// axis; of an offloading study, its file of devices.
fn profiles(experiment: &Experiment) -> Vec<String> {
    let key = match experiment.study {
        Study::Scheduling => "apps",
        Study::Offloading => "devices",
    };
    let varies = experiment.axes.iter().flat_map(|axis| {
        let at = axis.keys.iter().position(|own| own == key);
        at.into_iter().flat_map(|at| axis.rows.iter().map(move |row| &row[at]))
    });
    let mut found = Vec::new();
    experiment.base.get(key).into_iter().chain(varies).for_each(|node| texts(node, &mut found));
    if found.is_empty() && experiment.study == Study::Offloading {
        found.push(crate::offloading::cost_file::SHIPPED.to_owned());
    }
    found
}

/// The names in a value that is a name, a table with one, or a list of such.
fn texts(node: &ConfigNode, found: &mut Vec<String>) {
    match &node.value {
        ConfigValue::Text(text) if !found.contains(text) => found.push(text.clone()),
        ConfigValue::Array(items) => items.iter().for_each(|item| texts(item, found)),
        ConfigValue::Table(_) => node.get("name").into_iter().for_each(|own| texts(own, found)),
        _ => (),
    }
}

/// The metrics of the figures, claims and search of an experiment.
fn metrics(experiment: &Experiment) -> Vec<String> {
    let usual = experiment.study.usual_metric().to_owned();
    let drawn = experiment.figures.iter().flat_map(|figure| [&figure.x, &figure.y]);
    let claimed = experiment.expectations.iter().map(|claim| &claim.metric);
    let searched = experiment.search.iter().map(|search| &search.metric);
    let mut found: Vec<String> = Vec::new();
    for name in drawn.chain(claimed).chain(searched) {
        if experiment.study.numbers().any(|known| known == name) && !found.contains(name) {
            found.push(name.clone());
        }
    }
    if found.is_empty() { vec![usual] } else { found }
}
