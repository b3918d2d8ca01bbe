//! `peeksim report`: writes the report of a results folder again.

use super::CliError;
use crate::report::{Results, page};
use clap::Args;
use std::io::Write;
use std::path::PathBuf;

/// Arguments of `report`.
#[derive(Debug, Args)]
pub(super) struct ReportArgs {
    /// A results folder with runs.csv and manifest.toml.
    folder: PathBuf,
}

pub(super) fn main(args: &ReportArgs, out: &mut impl Write) -> Result<(), CliError> {
    page::write(&Results::load(&args.folder)?, &args.folder)?;
    Ok(writeln!(out, "wrote {}", args.folder.join(page::NAME).display())?)
}
