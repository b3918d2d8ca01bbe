//! `peeksim init`: writes a folder to begin with.

mod program;
mod study;

use super::{CliError, Output};
use crate::config::{Location, Problem, Problems};
use crate::output::atomic;
use clap::Args;
use std::io::Write;
use std::path::{Path, PathBuf};

/// Arguments of `init`.
#[derive(Debug, Args)]
pub(super) struct InitArgs {
    /// The folder to write: a new one, or one without files of these names, as `.`. That of a
    /// scheduler is called like it by default.
    #[arg(value_name = "DIR", required_unless_present = "scheduler")]
    folder: Option<PathBuf>,
    /// Write a crate with a scheduler of this name, which has the whole command line of peeksim,
    /// instead of a study.
    #[arg(long, value_name = "NAME", conflicts_with = "from_latencies")]
    scheduler: Option<String>,
    /// The sources of peeksim on which that crate depends; by default those in which the current
    /// folder is, else the published version.
    #[arg(long, value_name = "FOLDER", requires = "scheduler")]
    checkout: Option<PathBuf>,
    /// Make the profiles of a table of measured latencies: columns `variant`, `batch`,
    /// `latency_ms`, and if known `app`, `worker_class`, `count`, `load_ms`, `bytes`, `accuracy`;
    /// several rows of a batch size are its timings.
    #[arg(long, value_name = "CSV")]
    from_latencies: Option<String>,
}

/// Files of a folder, by their paths in it.
type Files = Vec<(String, String)>;

pub(super) fn main(args: &InitArgs, out: &mut Output) -> Result<(), CliError> {
    if let Some(name) = &args.scheduler {
        return scheduler(name, args, out);
    }
    let Some(folder) = &args.folder else { return Ok(()) };
    let study = study::make(args.from_latencies.as_deref())?;
    write(folder, &study.files, out)?;
    study.notes.into_iter().for_each(|note| out.note(note));
    let experiment = folder.join(study::EXPERIMENT);
    Ok(writeln!(out, "next: peeksim sweep {}", experiment.display())?)
}

/// Writes the crate of a scheduler.
fn scheduler(name: &str, args: &InitArgs, out: &mut Output) -> Result<(), CliError> {
    let folder = args.folder.clone().unwrap_or_else(|| PathBuf::from(name));
    write(&folder, &program::make(name, args.checkout.as_deref())?, out)?;
    let folder = folder.display();
    Ok(writeln!(out, "next: cd {folder} && cargo test && cargo run -- sweep experiment.toml")?)
}

/// Writes all files into a folder, or none.
fn write(folder: &Path, files: &Files, out: &mut Output) -> Result<(), CliError> {
    let place = || Location::file(&folder.display().to_string());
    if folder.exists() && !folder.is_dir() {
        return Err(Problem::new(place(), "a file", "a folder, or none yet").into());
    }
    let mut problems = Problems::default();
    for (name, _) in files {
        let path = folder.join(name);
        if path.exists() || path.is_symlink() {
            let place = Location::file(&path.display().to_string());
            problems.push(Problem::new(place, "an existing file", "none, so that none is lost"));
        }
    }
    problems.check(Some(()))?;
    atomic::new_files(folder, files)?;
    for (name, _) in files {
        out.wrote(&folder.join(name))?;
    }
    Ok(())
}
