//! `peeksim list`: what there is, and where it comes from.

use super::CliError;
use crate::config::settings::{Registry, flattened, in_a_line};
use crate::config::source::embedded_paths;
use crate::config::{ConfigNode, Location, Problem, Setting};
use crate::experiment::{BASE, Experiment, FIGURE_KINDS, PEEKS};
use crate::metrics::TABLES;
use crate::offloading::POLICIES;
use crate::scheduler::{REGISTRY, SCHEDULERS};
use crate::system::penalty::{PENALTIES, SHAPES};
use crate::workload::{ARRIVALS, PROCESSES};
use clap::Args;
use std::io::{self, Write};

/// What to list.
#[derive(Debug, Args)]
pub(super) struct ListArgs {
    /// A scheduler, a penalty, an arrival process, a SneakPeek model or an experiment, whose
    /// settings to list.
    name: Option<String>,
}

pub(super) fn main(args: &ListArgs, out: &mut impl Write) -> Result<(), CliError> {
    match &args.name {
        Some(name) => one(name, out),
        None => all(out),
    }
}

/// The registries with their settings.
const REGISTRIES: [&Registry; 4] = [&SCHEDULERS, &SHAPES, &PROCESSES, &PEEKS];

fn experiments() -> Vec<String> {
    let paths = embedded_paths(".toml").into_iter();
    let name =
        |path: String| Some(path.strip_prefix("experiments/")?.strip_suffix(".toml")?.to_owned());
    paths.filter_map(name).collect()
}

/// The settings of every entry of that name.
fn one(name: &str, out: &mut impl Write) -> Result<(), CliError> {
    let all = REGISTRIES
        .iter()
        .flat_map(|registry| (registry.entries)().into_iter().map(move |entry| (*registry, entry)));
    let (found, others): (Vec<_>, Vec<_>) = all.partition(|(_, entry)| entry.name == name);
    for (registry, entry) in &found {
        writeln!(out, "{} {name}: {}", registry.name, entry.summary)?;
        table(&flattened(&[&entry.settings, &rest(registry)]), out)?;
    }
    let shipped = experiments();
    if shipped.iter().any(|known| known == name) {
        return experiment(name, out);
    }
    if !found.is_empty() {
        return Ok(());
    }
    let mut known: Vec<&str> = others.iter().map(|(_, entry)| entry.name).collect();
    known.extend(shipped.iter().map(String::as_str));
    let near = Problem::unknown(Location::file("list"), "name", name, known);
    let expected = "a name that `peeksim list` shows".to_owned();
    Err(Problem { expected, ..near }.into())
}

/// The settings that all entries of a registry have, the name apart.
fn rest(registry: &Registry) -> Vec<Setting> {
    let common = flattened(registry.common.settings).into_iter();
    common.filter(|setting| setting.key != registry.tag && registry.tag == "name").collect()
}

fn table(settings: &[Setting], out: &mut impl Write) -> io::Result<()> {
    let row = |setting: &Setting| {
        let (kind, default) = (setting.shown_kind(), setting.shown_default());
        [setting.key.to_owned(), kind, default, setting.meaning.to_owned()]
    };
    let head = ["setting", "values", "default", "meaning"].map(str::to_owned);
    let rows: Vec<[String; 4]> = [head].into_iter().chain(settings.iter().map(row)).collect();
    aligned(&rows, out)
}

/// Columns as wide as their widest cell, the last as it is.
fn aligned<const N: usize>(rows: &[[String; N]], out: &mut impl Write) -> io::Result<()> {
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

/// What an experiment says of its settings, and what varies.
fn experiment(name: &str, out: &mut impl Write) -> Result<(), CliError> {
    let experiment = Experiment::load(name, &[])?;
    writeln!(out, "experiment {name}: {}", experiment.title)?;
    let mut rows = vec![["setting", "value", "default", "meaning"].map(str::to_owned)];
    for setting in flattened(BASE.settings) {
        let own = experiment.base.get(setting.key).map(ConfigNode::cell);
        let below = format!("{}.", setting.key);
        let keys = experiment.axes.iter().flat_map(|axis| &axis.keys);
        let varies: Vec<&str> = keys
            .filter(|key| **key == setting.key || key.starts_with(&below))
            .map(String::as_str)
            .collect();
        let value = match (own, varies.as_slice()) {
            (None, []) => continue,
            (Some(own), []) => own,
            (_, varies) => format!("varies: {}", varies.join(", ")),
        };
        let default = setting.shown_default();
        rows.push([setting.key.to_owned(), value, default, setting.meaning.to_owned()]);
    }
    Ok(aligned(&rows, out)?)
}

fn all(out: &mut impl Write) -> Result<(), CliError> {
    writeln!(out, "schedulers")?;
    for entry in REGISTRY {
        writeln!(out, "  {}: {}", entry.name, entry.summary)?;
        writeln!(out, "      source: {}", entry.source)?;
        writeln!(out, "      settings: {}", in_a_line(&entry.described().settings))?;
    }
    writeln!(out, "\npenalties")?;
    for entry in PENALTIES {
        writeln!(out, "  {}: {} [{}]", entry.name, entry.summary, entry.source)?;
    }
    writeln!(out, "\narrival processes (workload.arrivals)")?;
    for entry in ARRIVALS {
        writeln!(out, "  {}: {} [{}]", entry.name, entry.summary, entry.source)?;
        let settings = entry.described().settings;
        if !settings.is_empty() {
            writeln!(out, "      settings: {}", in_a_line(&settings))?;
        }
    }
    writeln!(out, "\npolicies that offload dialogues (offload --policy)")?;
    for entry in POLICIES {
        writeln!(out, "  {}: {} [{}]", entry.name, entry.summary, entry.source)?;
    }
    let names: Vec<&str> = FIGURE_KINDS.iter().map(|(name, _)| *name).collect();
    writeln!(out, "\nfigures (figure.kind): {}", names.join(", "))?;
    writeln!(out, "\ntables beside runs.csv (sweep --tables)")?;
    for table in TABLES {
        writeln!(out, "  {}: {}", table.name, table.summary)?;
    }
    writeln!(out, "\nexperiments that ship with peeksim")?;
    for name in experiments() {
        writeln!(out, "  {name}")?;
    }
    Ok(())
}
