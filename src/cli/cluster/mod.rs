//! Sweeps on a cluster: every task is `peeksim sweep` with a shard of the runs.
//!
//! All state is in the folder of the results, which every machine must see at the same path. A
//! shard skips what any journal there holds, so tasks may be repeated or interrupted, and the same
//! command resumes the sweep.

mod ray;
mod slurm;

use super::estimate::costs;
use super::messages::status;
use super::progress::SweepProgress;
use super::{CliError, ExperimentArgs, Output, wrong};
use crate::config::Problem;
use crate::experiment::{CapacitySearch, Progress, Sweep, SweepError, SweepResult, journal_lines};
use crate::report::manifest;
use clap::{Args, ValueEnum};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The exit code of a shard that another process works on: to be tried again.
pub(super) const BUSY: u8 = 75;
/// The seconds of a task without `--runs-per-task`; a cluster takes about one to start it.
const TASK_S: f64 = 600.0;
/// The first pause between two queries of files and queues; pauses grow.
const FIRST_PAUSE: Duration = Duration::from_millis(200);
/// The longest pause.
const LAST_PAUSE: Duration = Duration::from_secs(10);

/// Where the runs of a sweep are made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum Engine {
    /// This machine.
    #[default]
    Local,
    /// A job array, and a job that merges.
    Slurm,
    /// Tasks of a Ray cluster.
    Ray,
}

/// The tasks of a sweep on Slurm or Ray.
#[derive(Debug, Args)]
#[command(next_help_heading = "Slurm and Ray")]
pub(super) struct ClusterArgs {
    /// Print what would be submitted, and do nothing.
    #[arg(long)]
    dry_run: bool,
    /// Runs of one task; as many as take about ten minutes by default.
    #[arg(long, value_name = "RUNS", value_parser = clap::value_parser!(u64).range(1..))]
    runs_per_task: Option<u64>,
    /// Tasks at most; a task takes more runs instead. Sites limit the size of arrays.
    #[arg(long, value_name = "TASKS", default_value_t = 1000)]
    #[arg(value_parser = clap::value_parser!(u64).range(1..=1_000_000))]
    max_tasks: u64,
    /// Tasks at once at most (Slurm).
    #[arg(long, value_name = "TASKS", value_parser = clap::value_parser!(u64).range(1..))]
    max_concurrent: Option<u64>,
    /// Cores of a task.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..=1024))]
    cpus: u64,
    /// The partition (Slurm).
    #[arg(long)]
    partition: Option<String>,
    /// The time limit of a task (Slurm).
    #[arg(long, value_name = "TIME", default_value = "01:00:00")]
    time: String,
    /// The memory of a task (Slurm).
    #[arg(long, default_value = "2G")]
    memory: String,
    /// The cluster's address (Ray).
    #[arg(long, default_value = "auto")]
    address: String,
    /// The Python that has Ray.
    #[arg(long, value_name = "PROGRAM", default_value = "python3")]
    python: String,
}

impl ClusterArgs {
    /// Refuses to print what would be submitted where nothing is.
    pub(super) fn check(&self, engine: Engine) -> Result<(), Problem> {
        if self.dry_run && engine == Engine::Local {
            let found = "a sweep on this machine, which submits nothing";
            return Err(wrong(
                "--dry-run",
                found,
                "`--engine slurm` or `--engine ray`; `peeksim check` shows a plan",
            ));
        }
        Ok(())
    }
}

/// A sweep on a cluster.
pub(super) struct Task<'a> {
    pub sweep: &'a mut Sweep,
    /// The folder of the results.
    pub folder: &'a Path,
    /// The experiment and its overrides.
    pub experiment: &'a ExperimentArgs,
    pub args: &'a ClusterArgs,
}

impl Task<'_> {
    /// The results, once all runs are finished; nothing of a dry run.
    pub fn run(
        &mut self,
        engine: Engine,
        out: &mut Output,
    ) -> Result<Option<SweepResult>, CliError> {
        let plan = match engine {
            Engine::Ray => self.ray_plan()?,
            _ => self.slurm_plan()?,
        };
        if self.args.dry_run {
            let text = plan.text()?;
            out.write_all(text.as_bytes())?;
            out.set("plan", text);
            return Ok(None);
        }
        manifest::agree(self.sweep, self.folder)?;
        if self.is_finished()? {
            status("every run was finished before");
            return Ok(Some(self.sweep.collect(self.folder)?));
        }
        let bar = SweepProgress::new();
        let followed = match plan {
            TaskPlan::Slurm(scripts) => self.slurm(&scripts, &bar),
            TaskPlan::Ray { chunks, words } => self.ray(&chunks, &words, &bar),
        };
        out.notes.extend(bar.end());
        followed?;
        match self.sweep.collect(self.folder) {
            Err(error @ SweepError::Unfinished { .. }) => Err(CliError::Failed(format!(
                "{error}\n{} says why; the same command again does what is left",
                self.folder.join(if engine == Engine::Ray { "ray" } else { "slurm" }).display()
            ))),
            collected => Ok(Some(collected?)),
        }
    }

    /// Whether every run is finished and none of them failed.
    fn is_finished(&mut self) -> Result<bool, CliError> {
        Ok(self.sweep.seconds(self.folder)?.iter().all(Option::is_some))
    }

    /// The runs of a task.
    fn runs_per_task(&mut self, runs: u64) -> Result<u64, CliError> {
        let least = runs.div_ceil(self.args.max_tasks).max(1);
        if let Some(chunk) = self.args.runs_per_task {
            return Ok(chunk.max(least));
        }
        let finished = self.sweep.seconds(self.folder)?;
        let costs = costs(self.sweep, &finished);
        let mean = costs.iter().sum::<f64>() / self.sweep.unit_points().count().max(1) as f64;
        let fits = TASK_S * self.args.cpus as f64 / mean.max(1e-6);
        Ok((fits as u64).clamp(least, runs.max(1)))
    }

    /// The command of a shard, without the option that selects it. No name in it can be taken for
    /// an option.
    fn command(&self) -> Result<Vec<String>, CliError> {
        let mut words = vec![program()?, "sweep".to_owned()];
        words.extend(self.experiment.options());
        words.push(format!("--out={}", self.folder.to_string_lossy()));
        words.push(format!("--jobs={}", self.args.cpus));
        words.extend(["--".to_owned(), self.experiment.experiment.clone()]);
        Ok(words)
    }

    /// Shows how many runs are finished until `over` says that no task is left, or every run is
    /// finished.
    fn follow(
        &mut self,
        bar: &SweepProgress,
        mut over: impl FnMut() -> Result<bool, CliError>,
    ) -> Result<(), CliError> {
        // The number of runs of a search is not known in advance; it is seldom larger.
        let probes =
            self.sweep.experiment.search.as_ref().map_or(1, CapacitySearch::probes) as usize;
        let total = self.sweep.unit_ids().len() * probes;
        let mut shown = journal_lines(self.folder).min(total);
        bar.start(total, shown);
        let mut pause = FIRST_PAUSE;
        loop {
            let over = over()?;
            let lines = journal_lines(self.folder).min(total);
            (shown..lines).for_each(|_| bar.step());
            shown = shown.max(lines);
            if over || (shown == total && self.is_finished()?) {
                return Ok(());
            }
            std::thread::sleep(pause);
            pause = pause.mul_f64(1.03).min(LAST_PAUSE);
        }
    }
}

/// What would be submitted.
enum TaskPlan {
    Slurm(slurm::Scripts),
    Ray { chunks: String, words: Vec<String> },
}

impl TaskPlan {
    fn text(&self) -> Result<String, CliError> {
        match self {
            Self::Slurm(scripts) => Ok(scripts.text()),
            Self::Ray { chunks, words } => Ok(format!("{}\n{chunks}", shell(words)?)),
        }
    }
}

/// Words as a shell reads them.
fn shell(words: &[String]) -> Result<String, CliError> {
    let words = words.iter().map(String::as_str);
    shlex::try_join(words).map_err(|error| CliError::Failed(error.to_string()))
}

/// This program, as other machines find it.
fn program() -> Result<String, CliError> {
    Ok(std::env::current_exe()?.to_string_lossy().into_owned())
}

/// A program that could not be started.
fn unstarted(program: &str) -> impl FnOnce(io::Error) -> CliError + '_ {
    move |error| CliError::Failed(format!("cannot start {program}: {error}"))
}

/// A path that is valid on every machine.
fn absolute(path: &Path) -> Result<PathBuf, CliError> {
    Ok(std::path::absolute(path)?)
}
