//! `peeksim list`: registries with their sources, and the settings of one entry.

use super::{CliError, unknown};
use crate::config::settings::{Registry, flattened, in_a_line, names};
use crate::config::source::embedded_paths;
use crate::config::{ConfigNode, Problem, Setting};
use crate::experiment::{BASE, Experiment, FIGURE_KINDS, OFFLOADING, PEEKS};
use crate::metrics::{Study, TABLES};
use crate::offloading::POLICIES;
use crate::offloading::policy_spec::{OTHER_POLICIES, POLICY};
use crate::scheduler::{self, SCHEDULERS};
use crate::system::penalty::{self, SHAPES};
use crate::workload::{self, PROCESSES};
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
const REGISTRIES: [&Registry; 5] = [&SCHEDULERS, &SHAPES, &PROCESSES, &PEEKS, &POLICY];

fn experiments() -> Vec<String> {
    let paths = embedded_paths(".toml").into_iter();
    let name =
        |path: String| Some(path.strip_prefix("experiments/")?.strip_suffix(".toml")?.to_owned());
    paths.filter_map(name).collect()
}

/// The settings of every entry of that name.
fn one(name: &str, out: &mut impl Write) -> Result<(), CliError> {
    let shipped = experiments();
    let mut known: Vec<&str> = shipped.iter().map(String::as_str).collect();
    let mut found = known.contains(&name);
    for registry in REGISTRIES {
        for entry in (registry.entries)() {
            if entry.name == name {
                writeln!(out, "{} {name}: {}", registry.name, entry.summary)?;
                table(&flattened(&[&entry.settings, &common(registry)]), out)?;
                found = true;
            }
            known.push(entry.name);
        }
    }
    if shipped.iter().any(|experiment| experiment == name) {
        return experiment(name, out);
    }
    if found {
        return Ok(());
    }
    let expected = "a name that `peeksim list` shows".to_owned();
    Err(Problem { expected, ..unknown("list", "name", name, known) }.into())
}

/// The settings that all entries of a registry have, the name apart.
fn common(registry: &Registry) -> Vec<Setting> {
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

/// The settings that an experiment has, and those that vary.
fn experiment(name: &str, out: &mut impl Write) -> Result<(), CliError> {
    let experiment = Experiment::load(name, &[])?;
    writeln!(out, "experiment {name}: {}", experiment.title)?;
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
    for entry in scheduler::ENTRIES.iter() {
        writeln!(out, "  {}: {}", entry.name, entry.summary)?;
        writeln!(out, "      source: {}", entry.source)?;
        writeln!(out, "      settings: {}", in_a_line(&entry.described().settings))?;
    }
    writeln!(out, "\npenalties")?;
    for entry in penalty::ENTRIES.iter() {
        writeln!(out, "  {}: {} [{}]", entry.name, entry.summary, entry.source)?;
    }
    writeln!(out, "\narrival processes (workload.arrivals)")?;
    for entry in workload::ENTRIES.iter() {
        writeln!(out, "  {}: {} [{}]", entry.name, entry.summary, entry.source)?;
        let settings = in_a_line(&entry.described().settings);
        if !settings.is_empty() {
            writeln!(out, "      settings: {settings}")?;
        }
    }
    writeln!(
        out,
        "\npolicies that offload dialogues (offload --policy; `policy` of an offloading study)"
    )?;
    for entry in POLICIES {
        writeln!(out, "  {}: {} [{}]", entry.name, entry.summary, entry.source)?;
    }
    for entry in &OTHER_POLICIES {
        writeln!(out, "  {}: {} [{}]", entry.name, entry.summary, entry.source)?;
    }
    writeln!(out, "\nfigures (figure.kind): {}", names(&FIGURE_KINDS).join(", "))?;
    writeln!(out, "\ntables beside runs.csv (sweep --tables)")?;
    TABLES.iter().try_for_each(|t| writeln!(out, "  {}: {}", t.name, t.summary))?;
    writeln!(out, "\nexperiments that ship with peeksim")?;
    experiments().iter().try_for_each(|name| writeln!(out, "  {name}"))?;
    Ok(())
}
