//! `peeksim list`: what there is, and where it comes from.

use super::CliError;
use crate::config::settings::in_a_line;
use crate::config::source::embedded_paths;
use crate::experiment::FIGURE_KINDS;
use crate::metrics::TABLES;
use crate::offloading::POLICIES;
use crate::scheduler::REGISTRY;
use crate::system::penalty::PENALTIES;
use crate::workload::ARRIVALS;
use std::io::Write;

pub(super) fn main(out: &mut impl Write) -> Result<(), CliError> {
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
    for path in embedded_paths(".toml") {
        if let Some(name) = path.strip_prefix("experiments/").and_then(|p| p.strip_suffix(".toml"))
        {
            writeln!(out, "  {name}")?;
        }
    }
    Ok(())
}
