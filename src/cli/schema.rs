//! `peeksim schema`: the JSON Schema of experiment files, for editors.

use super::CliError;
use crate::experiment::schema;
use std::io::Write;

pub(super) fn main(out: &mut impl Write) -> Result<(), CliError> {
    Ok(writeln!(out, "{:#}", schema())?)
}
