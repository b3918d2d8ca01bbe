//! Carries out runs on threads and keeps each in the journal as it finishes.

use super::axis::RunSpec;
use super::build_id::build_id;
use super::journal::{self, Journal, JournalContents, JournalEntry, RunRecord};
use super::remaining_time::RemainingTime;
use super::run::{guarded, run_one};
use super::shard::Shard;
use super::sweep::{Configs, Sweep, SweepError};
use crate::metrics::Study;
use crate::output::atomic::{self, WriteError};
use rayon::prelude::*;
use std::collections::BTreeSet;
use std::path::Path;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// More threads are of no use.
const MAX_THREADS: usize = 1024;
/// How often the folder of the results is checked for having been removed.
const WATCH: Duration = Duration::from_millis(500);

/// Is told of every finished run; called from many threads.
pub trait Progress: Sync {
    /// Of `total` runs, `reused` were finished before.
    fn start(&self, total: usize, reused: usize);
    /// One more is finished.
    fn step(&self);
    /// The runs that are left will take about so many seconds; told before each step where that
    /// is known.
    fn expect(&self, _left_s: f64) {}
    /// The folder of the results was removed, and restored with every finished run.
    fn restored(&self, _folder: &Path) {}
}

impl Progress for () {
    fn start(&self, _: usize, _: usize) {}
    fn step(&self) {}
}

impl Sweep {
    /// Makes the runs that the journals in `folder` do not hold, on `jobs` threads (0: one per
    /// core); all runs in order.
    ///
    /// # Errors
    ///
    /// If the journal cannot be written, or another process writes it.
    pub fn run(
        &self,
        folder: &Path,
        jobs: usize,
        progress: &dyn Progress,
    ) -> Result<Vec<RunRecord>, SweepError> {
        self.run_shard(folder, &Shard::Whole, jobs, progress)
    }

    /// As [`Self::run`], only the runs of a shard.
    pub(super) fn run_shard(
        &self,
        folder: &Path,
        shard: &Shard,
        jobs: usize,
        progress: &dyn Progress,
    ) -> Result<Vec<RunRecord>, SweepError> {
        let ids = shard.select(self.unit_ids());
        let executor = Executor::open(self, folder, shard, &ids, jobs.min(ids.len().max(1)))?;
        let mut runs: Vec<RunRecord> = Vec::new();
        let mut due: Vec<RunSpec> = self.runs().filter(|spec| self.is_certain(*spec)).collect();
        while !due.is_empty() {
            due.retain(|spec| ids.contains(&self.run_id(*spec)));
            runs.extend(executor.run(self, due, progress)?);
            let rule = self.experiment.stopping.as_ref();
            due = rule.map_or(Vec::new(), |rule| rule.due(&self.axis_keys(), &self.points, &runs));
        }
        runs.sort_by_key(|run| (run.spec.configuration, run.spec.replicate));
        Ok(runs)
    }

    /// Makes one run.
    pub fn one(&self, spec: RunSpec) -> JournalEntry {
        let start = Instant::now();
        let rng = self.rng(spec);
        let result = match &self.configs {
            Configs::Scheduling(configs) => {
                run_one(&configs[spec.configuration], rng, &self.output_request())
            }
            Configs::Offloading(configs) => guarded(Study::Offloading, &[], || {
                let made = configs[spec.configuration].run(rng, spec.replicate);
                made.map_err(|problems| problems.to_string())
            }),
        };
        JournalEntry { result, wall_s: start.elapsed().as_secs_f64() }
    }

    /// The key of a run in a journal: only the same build finds it, and with the same outputs.
    fn journal_key(&self, id: &str) -> String {
        format!("{}{id}{}", prefix(), self.output_request().key())
    }

    /// What the journals in `folder` hold of the units of these ids. Of a search, any run of this
    /// build may be a probe.
    pub(super) fn finished(
        &self,
        folder: &Path,
        ids: &BTreeSet<String>,
    ) -> Result<JournalContents, WriteError> {
        let (any, outputs) = (self.experiment.search.is_some(), self.output_request().key());
        let prefix = prefix();
        journal::read(folder, &prefix, |key| {
            let id = key.strip_prefix(&prefix).and_then(|key| key.strip_suffix(&outputs));
            id.is_some_and(|id| any || ids.contains(id))
        })
    }

    /// A run that a journal holds.
    pub(super) fn record(&self, kept: &JournalContents, spec: RunSpec) -> Option<RunRecord> {
        let id = self.run_id(spec);
        let entry = Arc::clone(kept.entries.get(&self.journal_key(&id))?);
        Some(RunRecord { spec, id, entry })
    }
}

impl JournalContents {
    /// Itself, unless two journals hold different results of one run.
    pub(super) fn agreed(self) -> Result<Self, SweepError> {
        let Some((key, journal)) = self.conflict else { return Ok(self) };
        let id = key.split('/').nth(1).unwrap_or_default().to_owned();
        Err(SweepError::Conflict { id, journal })
    }
}

/// The keys of this build's runs begin with this in a journal.
fn prefix() -> String {
    format!("{}/", build_id())
}

/// A pool of `jobs` threads; 0 for one per core.
///
/// # Errors
///
/// If the system starts no more threads.
pub fn threads(jobs: usize) -> Result<rayon::ThreadPool, SweepError> {
    Ok(rayon::ThreadPoolBuilder::new().num_threads(jobs.min(MAX_THREADS)).build()?)
}

/// The journal of a shard, which no other process writes, and the threads that make its runs.
pub(super) struct Executor {
    journal: Mutex<Journal>,
    kept: JournalContents,
    pool: rayon::ThreadPool,
}

impl Executor {
    /// Opens the journal of a shard and reads what all journals hold of the units of these ids;
    /// `jobs` threads, 0 for one per core.
    pub fn open(
        sweep: &Sweep,
        folder: &Path,
        shard: &Shard,
        ids: &BTreeSet<String>,
        jobs: usize,
    ) -> Result<Self, SweepError> {
        atomic::folder(folder)?;
        let journal = Mutex::new(Journal::open(folder, &shard.journal(), &prefix())?);
        Ok(Self { journal, kept: sweep.finished(folder, ids)?, pool: threads(jobs)? })
    }

    /// Makes these runs, except those that are finished.
    pub fn run(
        &self,
        sweep: &Sweep,
        specs: Vec<RunSpec>,
        progress: &dyn Progress,
    ) -> Result<Vec<RunRecord>, SweepError> {
        let mut remaining = RemainingTime::new(self.pool.current_num_threads());
        let mut reused = 0;
        for spec in &specs {
            let earlier_s = self.reused(sweep, *spec).map(|run| run.entry.wall_s);
            reused += usize::from(earlier_s.is_some());
            let size = sweep.configs.size(spec.configuration) as f64;
            remaining.add(spec.configuration, size, earlier_s);
        }
        progress.start(specs.len(), reused);
        let (begun, remaining) = (Instant::now(), Mutex::new(remaining));
        let step = |run: &RunRecord| {
            let mut remaining = remaining.lock().unwrap_or_else(PoisonError::into_inner);
            let (configuration, now) = (run.spec.configuration, begun.elapsed().as_secs_f64());
            progress.expect(remaining.finished(configuration, run.entry.wall_s, now));
            progress.step();
        };
        let (over, ended) = mpsc::channel::<()>();
        let runs: Result<Vec<RunRecord>, WriteError> = std::thread::scope(|scope| {
            scope.spawn(move || {
                // A run may take minutes; the removal of the folder is noticed meanwhile.
                while ended.recv_timeout(WATCH) == Err(RecvTimeoutError::Timeout) {
                    self.watch(progress);
                }
            });
            // The first run that cannot be kept stops those not yet started.
            let one = |spec| self.one(sweep, spec, progress, &step);
            let runs = self.pool.install(|| specs.into_par_iter().map(one).collect());
            drop(over);
            runs
        });
        Ok(runs?)
    }

    /// A run that is finished and did not fail.
    fn reused(&self, sweep: &Sweep, spec: RunSpec) -> Option<RunRecord> {
        sweep.record(&self.kept, spec).filter(|run| !run.failed())
    }

    fn one(
        &self,
        sweep: &Sweep,
        spec: RunSpec,
        progress: &dyn Progress,
        step: &(dyn Fn(&RunRecord) + Sync),
    ) -> Result<RunRecord, WriteError> {
        if let Some(run) = self.reused(sweep, spec) {
            return Ok(run);
        }
        let (id, entry) = (sweep.run_id(spec), Arc::new(sweep.one(spec)));
        // A failed run is kept for `merge`, and made again the next time.
        self.watch(progress);
        self.journal().push(&sweep.journal_key(&id), &entry)?;
        let run = RunRecord { spec, id, entry };
        step(&run);
        Ok(run)
    }

    fn journal(&self) -> MutexGuard<'_, Journal> {
        self.journal.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn watch(&self, progress: &dyn Progress) {
        let mut journal = self.journal();
        // If it cannot be restored now, the next run that finishes reports it.
        if journal.restore().unwrap_or(false) {
            progress.restored(journal.folder());
        }
    }
}
