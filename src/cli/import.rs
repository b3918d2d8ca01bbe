//! `peeksim import`: data of others in the form that peeksim reads.

use super::{Failure, say};
use crate::output::atomic;
use crate::tmo::import;
use clap::{Args, Subcommand};
use std::io::Write;
use std::path::PathBuf;

/// Arguments of `import`.
#[derive(Debug, Args)]
pub(super) struct ImportArgs {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// The dialogues of M4A1: the TMO authors' JSON, or a table of its numbers.
    M4a1 {
        /// The file.
        file: String,
        /// Where to write the dialogues, a row per turn; stdout by default.
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
    },
}

pub(super) fn main(args: &ImportArgs, out: &mut impl Write) -> Result<(), Failure> {
    let What::M4a1 { file, out: path } = &args.what;
    let workload = import::load(file)?;
    let text = workload.to_csv();
    match path {
        Some(path) => atomic::write(path, text.as_bytes())?,
        None => out.write_all(text.as_bytes())?,
    }
    say(&format!(
        "{} dialogues, {} turns, {} tasks, {} views",
        workload.dialogues.len(),
        workload.turns(),
        workload.tasks.len(),
        workload.actions.views()
    ));
    Ok(())
}
