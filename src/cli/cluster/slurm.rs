//! Slurm: an array of shards, and a job that merges when the array ends.
//!
//! The jobs are found by their name, which is derived from the folder, so that the same command
//! follows them. Accounting is not needed. The merging job waits for the end of the array, even if
//! tasks fail, and reports what is missing.

use super::{BUSY, Task, TaskPlan, absolute, program, shell, unstarted};
use crate::cli::messages::status;
use crate::cli::progress::SweepProgress;
use crate::cli::{CliError, wrong};
use crate::config::Problem;
use crate::config::source::hash;
use crate::config::toml::quote;
use crate::output::atomic;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The jobs as scripts.
pub(super) struct Scripts {
    name: String,
    array: String,
    merge: String,
}

impl Scripts {
    pub fn text(&self) -> String {
        let Self { name, array, merge } = self;
        format!(
            "# sbatch array.sh\n{array}\n# sbatch --dependency=afterany:<{name}> merge.sh\n{merge}"
        )
    }
}

impl Task<'_> {
    pub(super) fn slurm_plan(&mut self) -> Result<TaskPlan, CliError> {
        let runs = self.sweep.unit_ids().len() as u64;
        let tasks = runs.div_ceil(self.runs_per_task(runs)?);
        let here = std::env::current_dir()?.to_string_lossy().into_owned();
        let folder = absolute(self.folder)?;
        let name = format!("peeksim-{}", &hash(&folder.to_string_lossy())[..12]);
        let args = self.args;
        let mut common = vec![option("--time", &args.time)?, option("--mem", &args.memory)?];
        if let Some(partition) = &args.partition {
            common.push(option("--partition", partition)?);
        }
        let start_in = format!("cd {} || exit 1\n", shell(&[here])?);
        let head = |name: &str, own: &[String]| {
            let named = format!("--job-name={name}");
            let options = std::iter::once(&named).chain(&common).chain(own);
            let lines: String = options.map(|option| format!("#SBATCH {option}\n")).collect();
            format!("#!/bin/sh\n{lines}{start_in}")
        };
        let logs = log_folder(&self.logs()?)?;
        let at_once = args.max_concurrent.map_or(String::new(), |most| format!("%{most}"));
        let own = [
            format!("--array=0-{}{at_once}", tasks.max(1) - 1),
            format!("--cpus-per-task={}", args.cpus),
            "--requeue".to_owned(),
            format!("--output={logs}/%a.log"),
        ];
        let command = self.command()?;
        let (start, rest) = command.split_at(2);
        let (start, rest) = (shell(start)?, shell(rest)?);
        let array = format!(
            "{}# Busy: a copy of this task from before is still at work.\n\
             while {start} --shard=\"$SLURM_ARRAY_TASK_ID/{tasks}\" {rest}\n\
             \x20 code=$?\n  [ $code -eq {BUSY} ]\ndo sleep 5; done\nexit $code\n",
            head(&name, &own)
        );
        let own = ["--cpus-per-task=1".to_owned(), format!("--output={logs}/merge.log")];
        let folder = self.folder.to_string_lossy().into_owned();
        let words = [program()?, "merge".to_owned(), "--".to_owned(), folder];
        let merge = format!("{}exec {}\n", head(&format!("{name}-merge"), &own), shell(&words)?);
        Ok(TaskPlan::Slurm(Scripts { name, array, merge }))
    }

    /// Submits the jobs, unless they are queued, and follows them to their end.
    pub(super) fn slurm(&mut self, scripts: &Scripts, bar: &SweepProgress) -> Result<(), CliError> {
        let name = &scripts.name;
        if queued(name)? {
            status(&format!("found {name} at work"));
        } else {
            self.submit(scripts)?;
        }
        let (mut quiet, mut failing) = (0, false);
        self.follow(bar, || {
            let answer = queued(name);
            match &answer {
                Ok(true) => quiet = 0,
                Ok(false) => quiet += 1,
                // A controller that restarts does not answer for a while.
                Err(failure) if !failing => status(&format!("{failure}; asking again")),
                Err(_) => (),
            }
            failing = answer.is_err();
            Ok(quiet >= 2)
        })
    }

    fn submit(&self, scripts: &Scripts) -> Result<(), CliError> {
        let logs = self.logs()?;
        atomic::inner_folder(&logs)?;
        let (array, merge) = (logs.join("array.sh"), logs.join("merge.sh"));
        atomic::write(&array, scripts.array.as_bytes())?;
        atomic::write(&merge, scripts.merge.as_bytes())?;
        let answer = call("sbatch", &["--parsable", &array.to_string_lossy()])?;
        // `id`, or `id;cluster`.
        let id = answer.trim().split(';').next().unwrap_or_default().to_owned();
        let after = format!("--dependency=afterany:{id}");
        call("sbatch", &["--parsable", &after, &merge.to_string_lossy()])?;
        status(&format!("submitted job {id} ({}); logs in {}", scripts.name, logs.display()));
        Ok(())
    }

    /// The folder of scripts and logs.
    fn logs(&self) -> Result<PathBuf, CliError> {
        Ok(absolute(self.folder)?.join("slurm"))
    }
}

/// An option of `sbatch` in a script: its line ends at a blank, and a line end would begin a
/// command of the shell.
fn option(name: &str, value: &str) -> Result<String, Problem> {
    if value.is_empty() || value.contains(|c: char| c.is_whitespace() || c.is_control()) {
        let expected = "a value without blanks and control characters, which scripts cannot hold";
        return Err(wrong(name, quote(value), expected));
    }
    Ok(format!("{name}={value}"))
}

/// The folder of the logs for `--output`, where `%` begins a pattern of Slurm.
fn log_folder(folder: &Path) -> Result<String, Problem> {
    let text = folder.to_string_lossy();
    option("--out", &text)?;
    Ok(text.replace('%', "%%"))
}

/// Whether a job of this name, or the one that merges, waits or runs.
fn queued(name: &str) -> Result<bool, CliError> {
    let names = format!("--name={name},{name}-merge");
    Ok(!call("squeue", &["--noheader", &names, "--format=%A"])?.trim().is_empty())
}

/// The output of a command.
fn call(program: &str, arguments: &[&str]) -> Result<String, CliError> {
    let output = Command::new(program).args(arguments).output().map_err(unstarted(program))?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let message = String::from_utf8_lossy(&output.stderr);
    Err(CliError::Failed(format!("{program}: {}", message.trim())))
}
