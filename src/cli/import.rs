//! `peeksim import`: data of others in the form that peeksim reads.

use super::{Failure, say};
use crate::input::source;
use crate::model::link;
use crate::output::atomic;
use crate::tmo::import;
use clap::{Args, Subcommand};
use std::io::Write;
use std::path::{Path, PathBuf};

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
    /// A bandwidth trace of a file with columns `trace,time_s,mbps`, for a link's `uplink_mbps`.
    Bandwidth {
        /// The file.
        file: String,
        /// Which of its traces.
        #[arg(long, default_value = "1")]
        trace: String,
        /// Where to write the table; stdout by default.
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
    },
}

pub(super) fn main(args: &ImportArgs, out: &mut impl Write) -> Result<(), Failure> {
    match &args.what {
        What::M4a1 { file, out: path } => m4a1(file, path.as_deref(), out),
        What::Bandwidth { file, trace, out: path } => {
            let text = link::import(&source::read(file)?, trace)?;
            write(&text, path.as_deref(), out)?;
            say(&format!("trace {trace}: {} rows", text.lines().count() - 1));
            Ok(())
        }
    }
}

fn write(text: &str, path: Option<&Path>, out: &mut impl Write) -> Result<(), Failure> {
    match path {
        Some(path) => atomic::write(path, text.as_bytes())?,
        None => out.write_all(text.as_bytes())?,
    }
    Ok(())
}

fn m4a1(file: &str, path: Option<&Path>, out: &mut impl Write) -> Result<(), Failure> {
    let workload = import::load(file)?;
    write(&workload.to_csv(), path, out)?;
    say(&format!(
        "{} dialogues, {} turns, {} tasks, {} views",
        workload.dialogues.len(),
        workload.turns(),
        workload.tasks.len(),
        workload.actions.views()
    ));
    Ok(())
}
