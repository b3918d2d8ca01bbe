//! The command line: one file per subcommand.
//!
//! Exit codes: 0 done, 1 failed while running, 2 bad arguments or input, 75 another process is at
//! work there, try again. Results go to stdout, everything else to stderr. A reader that closes the
//! pipe early is no failure.

mod check;
mod cluster;
mod compare;
mod dialogues;
mod estimate;
mod import;
mod inspect;
mod list;
mod merge;
mod notes;
mod offload;
mod plot;
mod progress;
mod reproduce;
mod reproduce_tmo;
mod schema;
mod shard;
mod shard_plan;
mod sweep;
mod terminal;
mod train;
mod verify;

use crate::config::shown::shown_lines;
use crate::config::{Problem, Problems};
use crate::experiment::SweepError;
use crate::output::atomic::WriteError;
use crate::report::manifest::ManifestError;
use clap::{Args, Parser, Subcommand};
use std::io::{self, Write};
use std::process::ExitCode;
use terminal::Terminal;

/// Simulate schedulers of machine-learning inference where hardware cannot scale.
///
/// Without a command, runs the quickstart experiment.
#[derive(Debug, Parser)]
#[command(name = "peeksim", version = crate::experiment::BUILD, about, long_about)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run all runs of an experiment and write table, CSV files and figures.
    Sweep(sweep::SweepArgs),
    /// Check an experiment and print its plan and an estimate of its time, without running it.
    Check(check::CheckArgs),
    /// Write the runs of an experiment with their ids and costs, for machines that share them.
    ShardPlan(shard_plan::ShardPlanArgs),
    /// Put the shares of a sweep together and write what `sweep` writes.
    Merge(merge::MergeArgs),
    /// Run one run of an experiment and print it in detail.
    Inspect(inspect::InspectArgs),
    /// List schedulers, penalties, arrival processes, figures and experiments with their sources,
    /// or the settings of one of them.
    List(list::ListArgs),
    /// Make a row of a results folder again and compare it.
    Verify(verify::VerifyArgs),
    /// Run every experiment of a paper and say which of its claims hold, and what moved.
    Reproduce(Reproduce),
    /// Print paired differences of a results folder with their 95 % intervals.
    Compare(compare::CompareArgs),
    /// Draw the results of a folder again, with another metric, axis or filter.
    Plot(plot::PlotArgs),
    /// Bring data of others into the form that peeksim reads.
    Import(import::ImportArgs),
    /// Compare policies that offload dialogues between a device and the cloud.
    Offload(offload::OffloadArgs),
    /// Print the JSON Schema of experiment files, with which editors check them.
    Schema,
    /// Train an agent to offload dialogues or to schedule; the same command resumes a training.
    Train(train::TrainArgs),
}

/// A suite of experiments, or a system with figures of its own.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
struct Reproduce {
    #[command(subcommand)]
    system: Option<System>,
    #[command(flatten)]
    suite: Option<reproduce::ReproduceArgs>,
}

#[derive(Debug, Subcommand)]
enum System {
    /// Offloading of dialogues between a device and the cloud (TMO, MobiHoc 2025): figures against
    /// their targets.
    Tmo(reproduce_tmo::TmoArgs),
}

/// Which experiment, and what to change of it.
#[derive(Clone, Debug, Args)]
struct ExperimentArgs {
    /// A TOML file, or the name of an experiment that ships with peeksim.
    experiment: String,
    /// Change a setting, as `workload.rate_rps=200` or `scheduler=edf`; a key that varies then
    /// varies over that value or list.
    #[arg(long = "set", value_name = "KEY=VALUE")]
    set: Vec<String>,
    /// Runs per configuration, instead of the experiment's.
    #[arg(long)]
    replicates: Option<u64>,
}

impl ExperimentArgs {
    fn named(experiment: &str) -> Self {
        Self { experiment: experiment.to_owned(), set: Vec::new(), replicates: None }
    }

    /// The options among these arguments, as a command line has them.
    fn options(&self) -> Vec<String> {
        let set = self.set.iter().map(|set| format!("--set={set}"));
        set.chain(self.replicates.map(|count| format!("--replicates={count}"))).collect()
    }

    fn load(&self) -> Result<crate::experiment::Sweep, Problems> {
        let mut set = self.set.clone();
        set.extend(self.replicates.map(|count| format!("replicates={count}")));
        crate::experiment::Sweep::new(crate::experiment::Experiment::load(&self.experiment, &set)?)
    }
}

/// Why a command ended early.
#[derive(Debug, thiserror::Error)]
enum CliError {
    /// Bad arguments or input: exit code 2.
    #[error(transparent)]
    Input(#[from] Problems),
    /// Failed while running: exit code 1.
    #[error("error: {0}")]
    Failed(String),
    /// Another process is at work there: exit code 75.
    #[error("error: {0}")]
    Busy(WriteError),
    /// Nobody reads on: exit code 0.
    #[error("broken pipe")]
    BrokenPipe,
}

impl From<Problem> for CliError {
    fn from(problem: Problem) -> Self {
        Self::Input(problem.into())
    }
}

impl From<SweepError> for CliError {
    fn from(error: SweepError) -> Self {
        match error {
            SweepError::Input(problems) => Self::Input(problems),
            SweepError::Write(error) => error.into(),
            other => Self::Failed(other.to_string()),
        }
    }
}

impl From<WriteError> for CliError {
    fn from(error: WriteError) -> Self {
        match error.source.kind() {
            io::ErrorKind::WouldBlock => Self::Busy(error),
            _ => Self::Failed(error.to_string()),
        }
    }
}

impl From<ManifestError> for CliError {
    fn from(error: ManifestError) -> Self {
        match error {
            ManifestError::Input(problems) => Self::Input(problems),
            ManifestError::Write(error) => error.into(),
        }
    }
}

impl From<io::Error> for CliError {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::BrokenPipe => Self::BrokenPipe,
            _ => Self::Failed(error.to_string()),
        }
    }
}

/// Parses the command line and does what it says.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    let mut out = Terminal::new(io::stdout().lock());
    let done = match cli.command {
        None => sweep::main(&sweep::SweepArgs::quickstart(), &mut out),
        Some(Command::Sweep(args)) => sweep::main(&args, &mut out),
        Some(Command::Check(args)) => check::main(&args, &mut out),
        Some(Command::ShardPlan(args)) => shard_plan::main(&args, &mut out),
        Some(Command::Merge(args)) => merge::main(&args, &mut out),
        Some(Command::Inspect(args)) => inspect::main(&args, &mut out),
        Some(Command::List(args)) => list::main(&args, &mut out),
        Some(Command::Verify(args)) => verify::main(&args, &mut out),
        Some(Command::Reproduce(Reproduce { system, suite })) => match (system, suite) {
            (Some(System::Tmo(args)), _) => reproduce_tmo::main(&args, &mut out),
            (None, Some(args)) => reproduce::main(&args, &mut out),
            // The parser asks for one of them.
            (None, None) => Ok(()),
        },
        Some(Command::Compare(args)) => compare::main(&args, &mut out),
        Some(Command::Plot(args)) => plot::main(&args, &mut out),
        Some(Command::Import(args)) => import::main(&args, &mut out),
        Some(Command::Offload(args)) => offload::main(&args, &mut out),
        Some(Command::Schema) => schema::main(&mut out),
        Some(Command::Train(args)) => train::main(&args, &mut out),
    };
    let done = done.and_then(|()| Ok(out.flush()?));
    match done {
        Ok(()) | Err(CliError::BrokenPipe) => ExitCode::SUCCESS,
        Err(failure) => {
            // Nothing is left to do if stderr is gone too.
            let _ = writeln!(io::stderr(), "{}", shown_lines(&failure.to_string()));
            ExitCode::from(match failure {
                CliError::Input(_) => 2,
                CliError::Busy(_) => cluster::BUSY,
                _ => 1,
            })
        }
    }
}

/// Refuses a path that promises a compression that is not written.
fn check_compression(option: &str, path: &std::path::Path) -> Result<(), CliError> {
    let Some(ending) = crate::output::packed::unknown(path) else { return Ok(()) };
    let place = crate::config::Location::file(option);
    let found = format!("`{}`: `.{ending}` is not written", path.display());
    Err(crate::config::Problem::new(place, found, "`.gz`, `.zst` or no compression").into())
}

/// A line for the person at the terminal.
fn print_note(text: &str) {
    // A closed stderr is no reason to stop.
    let _ = writeln!(io::stderr(), "{}", shown_lines(text));
}
