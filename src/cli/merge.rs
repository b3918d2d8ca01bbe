//! `peeksim merge`: the results of a sweep whose runs were made in shards.

use super::sweep::{finish, report};
use super::{CliError, Output, notes};
use crate::config::{Location, Problem, Problems};
use crate::experiment::{Sweep, build_id};
use crate::report::manifest;
use clap::Args;
use std::path::PathBuf;

/// Arguments of `merge`.
#[derive(Debug, Args)]
pub(super) struct MergeArgs {
    /// The folder of the shards, with its manifest.toml.
    folder: PathBuf,
}

pub(super) fn main(args: &MergeArgs, out: &mut Output) -> Result<(), CliError> {
    let manifest = manifest::read(&args.folder)?;
    let path = args.folder.join("manifest.toml").to_string_lossy().into_owned();
    let place = |field: &str| Location::file(&path).field(field);
    if manifest.build != build_id() {
        let expected = format!("`{}`, which this program is", build_id());
        return Err(Problem::new(place("build"), format!("`{}`", manifest.build), expected).into());
    }
    let mut sweep = Sweep::new(manifest.experiment)?;
    let mut problems = Problems::default();
    for (input, hash) in &manifest.inputs {
        let now = sweep.inputs.files().get(input);
        if now != Some(hash) {
            let found = format!("SHA-256 {hash}");
            let expected = now.map_or("an input of the experiment".to_owned(), |now| {
                format!("{now}, as the file has it now")
            });
            problems.push(Problem::new(place(input), found, expected));
        }
    }
    problems.check(Some(()))?;
    let result = sweep.collect(&args.folder)?;
    let written = finish(&sweep, result, manifest.revision.as_ref(), &args.folder)?;
    notes::of_inputs(&sweep, &mut out.notes);
    report(&sweep, &args.folder, written, out)
}
