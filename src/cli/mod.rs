//! The command line: one file per subcommand.
//!
//! Exit codes: 0 done, 1 failed while running, 2 bad arguments or input, 75 another process writes
//! there: try again, 130 interrupted. Results go to stdout, everything else to stderr. A reader
//! that closes the pipe early is no failure.

mod calibrate;
mod check;
mod cluster;
mod compare;
mod completions;
mod dialogues;
mod estimate;
mod explain;
mod gantt;
mod import;
mod inspect;
mod league;
mod list;
mod merge;
mod messages;
mod notes;
mod offload;
mod output;
mod plot;
mod progress;
mod report;
mod reproduce;
mod reproduce_edge;
mod reproduce_tmo;
mod schema;
mod shard;
mod shard_plan;
mod sweep;
mod terminal;
mod train;
mod train_args;
mod train_dialogues;
mod training_run;
mod tune;
mod verify;

use crate::config::{Location, Problem, Problems};
use crate::experiment::{BUILD, Experiment, RunSpec, Sweep, SweepError};
use crate::output::atomic::WriteError;
use crate::output::packed;
use crate::report::FigureError;
use crate::report::manifest::ManifestError;
use crate::report::page::ReportError;
use clap::{Args, Parser, Subcommand};
use output::Output;
use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Simulate schedulers of machine-learning inference where hardware cannot scale.
///
/// Without a command, runs the quickstart experiment.
#[derive(Debug, Parser)]
#[command(name = "peeksim", version = BUILD, about, long_about)]
#[command(after_help = after_help())]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    output: OutputArgs,
}

/// What is printed, of every command.
#[derive(Debug, Args)]
struct OutputArgs {
    /// Print no progress and no notes; errors are printed.
    #[arg(long, short, global = true)]
    quiet: bool,
    /// Print the results as one JSON document instead of text.
    #[arg(long, global = true)]
    json: bool,
}

/// The exit codes and what they mean.
const EXIT_CODES: [(u8, &str); 5] = [
    (0, "done"),
    (1, "failed while running; also: a gated claim does not hold, or kept results differ"),
    (2, "bad arguments or input"),
    (cluster::BUSY, "another process writes there: try again"),
    (messages::INTERRUPTED, "interrupted"),
];

/// Command lines under a heading for the end of a help text.
fn example(lines: &str) -> String {
    let lines = lines.lines().map(|line| format!("\n  peeksim {line}"));
    format!("Example:{}", lines.collect::<String>())
}

/// The end of the help of peeksim itself.
fn after_help() -> String {
    let lines = "check quickstart\nsweep quickstart --replicates 2 --set workload.requests=500\n\
                 compare results/quickstart --best";
    let codes = EXIT_CODES.iter().map(|(code, meaning)| format!("\n  {code:<4} {meaning}"));
    format!("{}\n\nExit codes:{}", example(lines), codes.collect::<String>())
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run all runs of an experiment and write table, CSV files and figures.
    #[command(after_help = example("sweep quickstart --replicates 2 --set workload.requests=500"))]
    Sweep(sweep::SweepArgs),
    /// Check an experiment and print its plan and an estimate of its time, without running it.
    #[command(after_help = example("check quickstart --set workload.rate_rps=200"))]
    Check(check::CheckArgs),
    /// Write the runs of an experiment with their ids and costs, for machines that share them.
    #[command(after_help = example("shard-plan quickstart --replicates 2 --out results/shared"))]
    ShardPlan(shard_plan::ShardPlanArgs),
    /// Merge the shards of a sweep and write what `sweep` writes.
    #[command(after_help = example(
        "sweep quickstart --out results/shared --shard 0/2\n\
         sweep quickstart --out results/shared --shard 1/2\n\
         merge results/shared"
    ))]
    Merge(merge::MergeArgs),
    /// Run one run of an experiment and print it in detail.
    #[command(after_help = example(
        "inspect quickstart --set scheduler=edf --requests requests.csv"
    ))]
    Inspect(inspect::InspectArgs),
    /// Say why a request of a run was late, or ended as it did.
    #[command(after_help = example(
        "explain quickstart --set scheduler=sneakpeek --set workload.rate_rps=500"
    ))]
    Explain(explain::ExplainArgs),
    /// List schedulers, penalties, arrival processes, figures and experiments with their sources,
    /// or the settings of one of them.
    #[command(after_help = example("list grouped"))]
    List(list::ListArgs),
    /// Make the runs of a results folder again and compare their rows.
    #[command(after_help = example("verify results/quickstart"))]
    Verify(verify::VerifyArgs),
    /// Run every experiment of a paper, judge its claims, and compare with the kept results.
    Reproduce(Reproduce),
    /// Print paired differences of a results folder with their 95 % intervals.
    #[command(after_help = example(
        "compare results/quickstart --baseline grouped --metric utility_mean"
    ))]
    Compare(compare::CompareArgs),
    /// Rank the schedulers of one or several results folders, and say where each is not worse than
    /// the best.
    #[command(after_help = example("league results/quickstart"))]
    League(league::LeagueArgs),
    /// Try grids of parameters on one half of the sources, and report the best on the other half.
    #[command(after_help = example("tune arena/edge --replicates 2"))]
    Tune(tune::TuneArgs),
    /// Draw the results of a folder again, with another metric, axis or filter.
    #[command(after_help = example("plot results/quickstart --y latency_ms_p99 --log-y"))]
    Plot(plot::PlotArgs),
    /// Write the report of a results folder, one page for a browser, again.
    #[command(after_help = example("report results/quickstart"))]
    Report(report::ReportArgs),
    /// Make a profile of a real device from runs under load, and predict its other runs.
    Calibrate(calibrate::CalibrateArgs),
    /// Convert other data into the formats that peeksim reads.
    Import(import::ImportArgs),
    /// Compare policies that offload dialogues between a device and the cloud.
    #[command(after_help = example("offload --policy local --policy cloud --policy greedy-knn"))]
    Offload(offload::OffloadArgs),
    /// Print the JSON Schema of experiment files, with which editors check them.
    #[command(after_help = example("schema > experiment.schema.json"))]
    Schema,
    /// Train an agent to offload dialogues or to schedule; the same command resumes a training.
    #[command(after_help = example("train --algorithm ppo --steps 30000 --out results/training"))]
    Train(train_args::TrainArgs),
    /// Print the completions of a shell.
    #[command(after_help = example(
        "completions bash > ~/.local/share/bash-completion/completions/peeksim"
    ))]
    Completions(completions::CompletionsArgs),
    /// Print the manual page of peeksim or of one of its commands.
    #[command(after_help = example("man sweep > peeksim-sweep.1\nman --out man"))]
    Man(completions::ManArgs),
}

impl Command {
    /// Whether the same command takes what an interrupted one finished.
    fn resumes(&self) -> bool {
        match self {
            Self::Sweep(_) | Self::Tune(_) | Self::Train(_) => true,
            Self::Reproduce(reproduce) => !matches!(reproduce.system, Some(System::Edge(_))),
            _ => false,
        }
    }
}

/// A suite of experiments, or a system.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
#[command(after_help = example("reproduce sneakpeek --quick"))]
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
    #[command(after_help = example("reproduce tmo --quick"))]
    Tmo(reproduce_tmo::TmoArgs),
    /// Latency and power of real edge devices under load, predicted from profiles, against goals.
    #[command(after_help = example("reproduce edge --quick"))]
    Edge(reproduce_edge::EdgeArgs),
}

/// An experiment, and changes of its settings.
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

    fn load(&self) -> Result<Sweep, Problems> {
        let mut set = self.set.clone();
        set.extend(self.replicates.map(|count| format!("replicates={count}")));
        Sweep::new(Experiment::load(&self.experiment, &set)?)
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
    /// Another process writes there: exit code 75.
    #[error("error: {0}")]
    Busy(WriteError),
    /// The reader closed the pipe: exit code 0.
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

impl From<ReportError> for CliError {
    fn from(error: ReportError) -> Self {
        match error {
            ReportError::Input(problems) => Self::Input(problems),
            ReportError::Write(error) => error.into(),
            other => Self::Failed(other.to_string()),
        }
    }
}

impl From<FigureError> for CliError {
    fn from(error: FigureError) -> Self {
        Self::Failed(error.to_string())
    }
}

/// Parses the command line and carries out its command.
pub fn main() -> ExitCode {
    let Cli { command, output } = Cli::parse();
    let command = command.or_else(|| Cli::parse_from(["peeksim", "sweep", "quickstart"]).command);
    if output.quiet {
        messages::silence();
    }
    messages::end_on_interrupt(command.as_ref().is_some_and(Command::resumes));
    let mut out = Output::new(output.json);
    let done = match command {
        None => Ok(()),
        Some(Command::Sweep(args)) => sweep::main(&args, &mut out),
        Some(Command::Check(args)) => check::main(&args, &mut out),
        Some(Command::ShardPlan(args)) => shard_plan::main(&args, &mut out),
        Some(Command::Merge(args)) => merge::main(&args, &mut out),
        Some(Command::Inspect(args)) => inspect::main(&args, &mut out),
        Some(Command::Explain(args)) => explain::main(&args, &mut out),
        Some(Command::List(args)) => list::main(&args, &mut out),
        Some(Command::Verify(args)) => verify::main(&args, &mut out),
        Some(Command::Reproduce(Reproduce { system, suite })) => match (system, suite) {
            (Some(System::Tmo(args)), _) => reproduce_tmo::main(&args, &mut out),
            (Some(System::Edge(args)), _) => reproduce_edge::main(&args, &mut out),
            (None, Some(args)) => reproduce::main(&args, &mut out),
            // The parser asks for one of them.
            (None, None) => Ok(()),
        },
        Some(Command::Compare(args)) => compare::main(&args, &mut out),
        Some(Command::League(args)) => league::main(&args, &mut out),
        Some(Command::Tune(args)) => tune::main(&args, &mut out),
        Some(Command::Plot(args)) => plot::main(&args, &mut out),
        Some(Command::Report(args)) => report::main(&args, &mut out),
        Some(Command::Calibrate(args)) => calibrate::main(&args, &mut out),
        Some(Command::Import(args)) => import::main(&args, &mut out),
        Some(Command::Offload(args)) => offload::main(&args, &mut out),
        Some(Command::Schema) => schema::main(&mut out),
        Some(Command::Train(args)) => train::main(&args, &mut out),
        Some(Command::Completions(args)) => completions::print(&args, &mut out),
        Some(Command::Man(args)) => completions::man(&args, &mut out),
    };
    messages::clear_bar();
    match out.conclude(done) {
        Ok(()) | Err(CliError::BrokenPipe) => ExitCode::SUCCESS,
        Err(failure) => {
            messages::error(&failure.to_string());
            ExitCode::from(match failure {
                CliError::Input(_) => 2,
                CliError::Busy(_) => cluster::BUSY,
                _ => 1,
            })
        }
    }
}

/// A problem with the value of an option.
fn wrong(option: &str, found: impl Into<String>, expected: impl Into<String>) -> Problem {
    Problem::new(Location::file(option), found, expected)
}

/// The labels of a run.
fn setting(sweep: &Sweep, spec: RunSpec) -> String {
    let labels = &sweep.points[spec.configuration].labels;
    let labels = sweep.axis_keys().into_iter().zip(labels);
    let labels = labels.map(|(key, label)| format!("{key} {label}"));
    labels.chain([format!("replicate {}", spec.replicate)]).collect::<Vec<_>>().join(", ")
}

/// A length of time, as `1s` or `250ms`, in milliseconds.
fn milliseconds(option: &str, text: &str) -> Result<f64, Problem> {
    let (number, unit) = match text.strip_suffix("ms") {
        Some(number) => (number, 1.0),
        None => (text.strip_suffix('s').unwrap_or(""), 1e3),
    };
    let length = number.trim().parse::<f64>().ok().filter(|length| length.is_finite());
    let expected = "a length of time, as `1s` or `250ms`";
    let problem = || wrong(option, format!("`{text}`"), expected);
    length.map(|length| length * unit).ok_or_else(problem)
}

/// A name that an option does not know.
fn unknown<'a>(
    option: &str,
    what: &str,
    name: &str,
    known: impl IntoIterator<Item = &'a str>,
) -> Problem {
    Problem::unknown(Location::file(option), what, name, known)
}

/// Refuses a path that ends like a compression that is not written.
fn check_compression(option: &str, path: &Path) -> Result<(), Problem> {
    let Some(ending) = packed::unknown(path) else { return Ok(()) };
    let found = format!("`{}`: `.{ending}` is not written", path.display());
    Err(wrong(option, found, "`.gz`, `.zst` or no compression"))
}

/// The folder of the results of an experiment: `out`, or `results/<name>`.
fn results_folder(out: Option<&str>, experiment: &Experiment) -> PathBuf {
    out.map_or_else(|| Path::new("results").join(&experiment.name), PathBuf::from)
}
