//! `peeksim reproduce edge`: real edge devices, predicted and compared with their measurements.

use super::messages::status;
use super::output::rows_of;
use super::{CliError, Output};
use crate::calibration::edge::{EdgeConfig, EdgeError, ISOLATED, LOADS, SHIPPED, reproduce};
use crate::output::atomic;
use crate::report::draw;
use clap::Args;
use serde_json::json;
use std::io::Write;
use std::path::{Path, PathBuf};

/// Arguments of `reproduce edge`.
#[derive(Debug, Args)]
pub(super) struct EdgeArgs {
    /// Three repeats of each load and the chosen model alone: seconds instead of minutes.
    #[arg(long)]
    quick: bool,
    /// A folder with `poisson_load_sweep.csv` and `isolated_profiles.csv`. Without it,
    /// `edge_devices` below the folder that `PEEKSIM_DATA` names, if it is there; else six devices
    /// that ship with peeksim.
    #[arg(long, value_name = "DIR")]
    data: Option<String>,
    /// Where to write tables, REPORT.md and figures/.
    #[arg(long, value_name = "DIR", default_value = "reproduced/edge")]
    out: PathBuf,
}

impl From<EdgeError> for CliError {
    fn from(error: EdgeError) -> Self {
        match error {
            EdgeError::Input(problems) => Self::Input(problems),
            other => Self::Failed(other.to_string()),
        }
    }
}

pub(super) fn main(args: &EdgeArgs, out: &mut Output) -> Result<(), CliError> {
    let folder = args.data.clone().or_else(shared).unwrap_or_else(|| SHIPPED.to_owned());
    status(&format!("{folder}: {LOADS}, {ISOLATED}"));
    let config = if args.quick { EdgeConfig::QUICK } else { EdgeConfig::FULL };
    let artifacts = reproduce(&folder, config)?;
    atomic::folder(&args.out)?;
    for (name, text) in &artifacts.files {
        atomic::write(&args.out.join(name), text.as_bytes())?;
    }
    for (name, chart) in &artifacts.plots {
        draw(chart, &args.out.join("figures"), name)?;
    }
    writeln!(out, "median absolute errors over cells, and differences of repeats")?;
    write!(out, "{}", artifacts.summary)?;
    let mut missed = Vec::new();
    for goal in &artifacts.goals {
        writeln!(out, "{:<8} {}", format!("{}:", goal.verdict()), goal.line)?;
        out.push("goals", json!({ "goal": goal.line, "verdict": goal.verdict() }));
        missed.extend((goal.is_met == Some(false)).then_some(goal.line.as_str()));
    }
    if out.is_json() {
        for (name, text) in &artifacts.files {
            if let Some(table) = name.strip_suffix(".csv") {
                out.set(table, rows_of(text));
            }
        }
    }
    out.wrote(&args.out.join("REPORT.md"))?;
    match missed.as_slice() {
        [] => Ok(()),
        missed => Err(CliError::Failed(format!("missed: {}", missed.join("; ")))),
    }
}

/// The data in the folder that the environment names.
fn shared() -> Option<String> {
    let folder = std::env::var_os("PEEKSIM_DATA")?;
    let folder = Path::new(&folder).join("edge_devices");
    folder.join(LOADS).is_file().then(|| folder.to_string_lossy().into_owned())
}
