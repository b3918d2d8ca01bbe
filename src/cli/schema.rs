//! `peeksim schema`: the JSON Schema of experiment files, for editors.

use super::{CliError, Output};
use crate::experiment::schema;
use std::io::Write;

pub(super) fn main(out: &mut Output) -> Result<(), CliError> {
    let schema = schema();
    writeln!(out, "{schema:#}")?;
    out.set_all(schema);
    Ok(())
}
