//! Ray: a driver in Python distributes chunks of run ids.

use super::{Task, TaskPlan, absolute, unstarted};
use crate::cli::CliError;
use crate::cli::progress::SweepProgress;
use crate::output::atomic;
use std::process::{Command, Stdio};

/// The driver.
const DRIVER: &str = include_str!("../../../cluster/ray_driver.py");

impl Task<'_> {
    pub(super) fn ray_plan(&mut self) -> Result<TaskPlan, CliError> {
        let finished = self.sweep.seconds(self.folder)?;
        let left = self.sweep.units().zip(finished).filter(|(_, done)| done.is_none());
        let mut ids: Vec<String> = left.map(|(spec, _)| self.sweep.run_id(spec)).collect();
        // Ids are hashes: in their order, each chunk has cheap and expensive runs.
        ids.sort();
        ids.dedup();
        let size = self.runs_per_task(ids.len() as u64)? as usize;
        let chunks = ids.chunks(size).map(|chunk| format!("{}\n", chunk.join(","))).collect();
        let folder = absolute(self.folder)?.join("ray");
        let file = |name: &str| folder.join(name).to_string_lossy().into_owned();
        let cpus = self.args.cpus.to_string();
        let mut words = vec![self.args.python.clone(), file("driver.py")];
        words.extend([self.args.address.clone(), cpus, file("chunks.txt")]);
        words.extend(self.command()?);
        Ok(TaskPlan::Ray { chunks, words })
    }

    /// Starts the driver and follows it to its end.
    pub(super) fn ray(
        &mut self,
        chunks: &str,
        words: &[String],
        bar: &SweepProgress,
    ) -> Result<(), CliError> {
        let folder = absolute(self.folder)?.join("ray");
        atomic::inner_folder(&folder)?;
        atomic::write(&folder.join("driver.py"), DRIVER.as_bytes())?;
        atomic::write(&folder.join("chunks.txt"), chunks.as_bytes())?;
        let mut command = Command::new(&words[0]);
        command.args(&words[1..]).stdin(Stdio::null()).stdout(Stdio::null());
        let mut driver = command.spawn().map_err(unstarted(&words[0]))?;
        let followed = self.follow(bar, || Ok(driver.try_wait()?.is_some()));
        if followed.is_err() {
            driver.kill()?;
        }
        driver.wait()?;
        followed
    }
}
