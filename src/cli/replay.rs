//! `peeksim replay`: makes a row again and compares it with what the folder holds.

use super::run::find;
use super::{Failure, say};
use crate::metrics::COLUMNS;
use crate::report::manifest;
use crate::sweep::{BUILD, Sweep};
use clap::Args;
use std::io::Write;
use std::path::PathBuf;

/// Arguments of `replay`.
#[derive(Debug, Args)]
pub(super) struct ReplayArgs {
    /// A results folder with manifest.toml and runs.csv.
    folder: PathBuf,
    /// Which run, by its id or the beginning of it; all by default.
    #[arg(long, value_name = "ID")]
    run: Option<String>,
}

pub(super) fn main(args: &ReplayArgs, out: &mut impl Write) -> Result<(), Failure> {
    let manifest = manifest::read(&args.folder)?;
    let results = super::sweep::load(&args.folder)?;
    if manifest.build != BUILD {
        say(&format!("note: the results are of build {}, this is {BUILD}", manifest.build));
    }
    let sweep = Sweep::new(manifest.experiment)?;
    for (path, hash) in &manifest.inputs {
        if sweep.inputs.files().get(path) != Some(hash) {
            say(&format!("note: {path} is not what it was"));
        }
    }
    let specs: Vec<_> = match &args.run {
        Some(id) => vec![find(&sweep, Some(id))?],
        None => sweep.runs().collect(),
    };
    let (mut same, mut moved) = (0u64, 0u64);
    for spec in specs {
        let id = sweep.run_id(spec);
        let Some(row) = results.rows.iter().find(|row| row.id == id) else {
            writeln!(out, "{id}: not in runs.csv")?;
            moved += 1;
            continue;
        };
        let result = sweep.one(spec).result;
        let columns = COLUMNS.iter().zip(row.cells.iter().zip(&result.cells));
        let differs: Vec<_> = columns.filter(|(_, (old, new))| old != new).collect();
        if differs.is_empty() && row.error == result.error {
            same += 1;
            continue;
        }
        moved += 1;
        writeln!(out, "{id}: {}", row.labels.join(", "))?;
        for (column, (old, new)) in differs {
            writeln!(out, "  {}: {old} became {new}", column.name)?;
        }
    }
    writeln!(out, "{same} rows the same, {moved} moved")?;
    if moved == 0 { Ok(()) } else { Err(Failure::Failed(format!("{moved} rows moved"))) }
}
