//! `peeksim report`: writes the report of a results folder again.

use super::{CliError, Output};
use crate::report::{Results, page};
use clap::Args;
use std::path::PathBuf;

/// Arguments of `report`.
#[derive(Debug, Args)]
pub(super) struct ReportArgs {
    /// A results folder with runs.csv and manifest.toml.
    folder: PathBuf,
}

pub(super) fn main(args: &ReportArgs, out: &mut Output) -> Result<(), CliError> {
    page::write(&Results::load(&args.folder)?, &args.folder)?;
    Ok(out.wrote(&args.folder.join(page::NAME))?)
}
