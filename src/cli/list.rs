//! `peeksim list`: what there is, and where it comes from.

use super::Failure;
use crate::input::source::embedded_paths;
use crate::model::arrival::ARRIVALS;
use crate::model::penalty::PENALTIES;
use crate::sched::REGISTRY;
use crate::sweep::FIGURE_KINDS;
use crate::tmo::POLICIES;
use std::io::Write;

pub(super) fn main(out: &mut impl Write) -> Result<(), Failure> {
    writeln!(out, "schedulers")?;
    for entry in REGISTRY {
        let accuracy = entry.accuracy.map_or(String::new(), |info| {
            format!(
                "accuracy = {} (profiled, posterior, oracle-label, oracle-outcome), ",
                info.name()
            )
        });
        writeln!(out, "  {}: {}", entry.name, entry.summary)?;
        writeln!(out, "      source: {}", entry.source)?;
        writeln!(out, "      parameters: {accuracy}{}", entry.params)?;
    }
    writeln!(out, "\npenalties")?;
    for entry in PENALTIES {
        writeln!(out, "  {}: {} [{}]", entry.name, entry.summary, entry.source)?;
    }
    writeln!(out, "\narrival processes (trace.source)")?;
    for entry in ARRIVALS {
        writeln!(out, "  {}: {} [{}]", entry.name, entry.summary, entry.source)?;
        if !entry.params.is_empty() {
            writeln!(out, "      settings: {}", entry.params)?;
        }
    }
    writeln!(out, "\npolicies that offload dialogues (offload --policy)")?;
    for entry in POLICIES {
        writeln!(out, "  {}: {} [{}]", entry.name, entry.summary, entry.source)?;
    }
    let names: Vec<&str> = FIGURE_KINDS.iter().map(|(name, _)| *name).collect();
    writeln!(out, "\nfigures (figure.kind): {}", names.join(", "))?;
    writeln!(out, "\nexperiments that ship with peeksim")?;
    for path in embedded_paths(".toml") {
        if let Some(name) = path.strip_prefix("experiments/").and_then(|p| p.strip_suffix(".toml"))
        {
            writeln!(out, "  {name}")?;
        }
    }
    Ok(())
}
