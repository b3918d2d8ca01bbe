//! All runs of an experiment: checked first, then in parallel, then in order.

use super::axis::{GridPoint, RunSpec};
use super::capacity_search;
use super::figure_spec::FigureKind;
use super::file::Experiment;
use super::grid::{axis_keys, expand};
use super::input_cache::InputCache;
use super::journal::{self, Journal, JournalContents, JournalEntry, RunRecord};
use super::run::{OutputRequest, run_one};
use super::run_config::RunConfig;
use super::shard::Shard;
use super::validate;
use super::{BUILD, SCHEMA_VERSION};
use crate::config::Problems;
use crate::config::source::hex;
use crate::core::rng::Rng;
use crate::output::atomic::{self, WriteError};
use rayon::prelude::*;
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// What the keys of this build's runs begin with in a journal.
pub(super) const PREFIX: &str = concat!(env!("PEEKSIM_BUILD"), "/");

/// More threads than this help nobody.
const MAX_THREADS: usize = 1024;
/// The folder of the results is looked at so often.
const WATCH: Duration = Duration::from_millis(500);

/// Told of every finished run; called from many threads.
pub trait Progress: Sync {
    /// `reused` runs were finished before; `total` are asked for.
    fn start(&self, total: usize, reused: usize);
    /// One more is finished.
    fn step(&self);
    /// The folder of the results was removed, and made again with every finished run.
    fn restored(&self, _folder: &Path) {}
}

impl Progress for () {
    fn start(&self, _: usize, _: usize) {}
    fn step(&self) {}
}

/// An experiment, expanded and checked.
#[derive(Debug)]
pub struct Sweep {
    /// What was asked for.
    pub experiment: Experiment,
    /// The points of the grid.
    pub configurations: Vec<GridPoint>,
    /// Each ready to run.
    pub prepared: Vec<RunConfig>,
    /// What was read.
    pub inputs: InputCache,
    hashes: Vec<String>,
    /// How many configurations the axes make; the others are probes of searches.
    grid: usize,
    /// Those by the configuration that a search begins with and the bits of the value.
    pub(super) probes: BTreeMap<(usize, u64), usize>,
}

/// A sweep that could not be carried out.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SweepError {
    /// Something is wrong with the inputs.
    #[error(transparent)]
    Input(#[from] Problems),
    /// Results could not be written.
    #[error(transparent)]
    Write(#[from] WriteError),
    /// The threads could not be started.
    #[error("cannot start the threads: {0}")]
    Threads(#[from] rayon::ThreadPoolBuildError),
    /// The journals of a folder do not hold every run.
    #[error(
        "{missing} of {total} {what} are not finished; the first is {first}{}",
        others(foreign)
    )]
    Unfinished {
        /// Runs or searches.
        what: &'static str,
        /// How many are missing.
        missing: usize,
        /// Of how many.
        total: usize,
        /// The id of one of them.
        first: String,
        /// Journals of other builds, and these.
        foreign: BTreeMap<PathBuf, String>,
    },
    /// Two journals say different things of one run.
    #[error("run {id} came to something else in {} than before", journal.display())]
    Conflict {
        /// The run.
        id: String,
        /// The second of the two.
        journal: PathBuf,
    },
}

/// A line for each journal of another build.
fn others(foreign: &BTreeMap<PathBuf, String>) -> String {
    let line = |(path, build): (&PathBuf, &String)| {
        format!("\n{} has runs of {build}, this is {BUILD}", path.display())
    };
    foreign.iter().map(line).collect()
}

/// All runs in order, and what was searched for.
pub type SweepResult = (Vec<RunRecord>, Vec<capacity_search::CapacityResult>);

impl Sweep {
    /// Expands and checks an experiment.
    pub fn new(experiment: Experiment) -> Result<Self, Problems> {
        let mut sweep = Self {
            configurations: Vec::new(),
            prepared: Vec::new(),
            inputs: InputCache::of(&experiment.path),
            hashes: Vec::new(),
            grid: 0,
            probes: BTreeMap::new(),
            experiment,
        };
        let mut problems = Problems::default();
        let grid = expand(&sweep.experiment)?;
        for configuration in &grid {
            match RunConfig::read(&configuration.node, &mut sweep.inputs) {
                Ok(ready) => sweep.prepared.push(ready),
                Err(more) => problems.extend(more),
            }
            if problems.is_full() {
                break;
            }
        }
        if problems.is_empty()
            && let (Some(search), Some(first)) = (&mut sweep.experiment.search, grid.first())
            && let Some((settings, place)) = search.fraction(&first.node)
        {
            let read = RunConfig::read(&settings, &mut sweep.inputs);
            let refused = |problems: &Problems| problems.iter().any(|p| p.place == place);
            search.whole = read.as_ref().err().is_some_and(refused);
        }
        if problems.is_empty() {
            validate::check(&sweep.experiment, &grid, &mut problems);
        }
        // The hash of each is of all files that were read.
        sweep.hashes = grid.iter().map(|configuration| sweep.hash(configuration)).collect();
        sweep.grid = grid.len();
        sweep.configurations = grid;
        problems.check(Some(sweep))
    }

    /// Adds a configuration that is no point of the grid; its index.
    pub(super) fn push(&mut self, configuration: GridPoint) -> Result<usize, Problems> {
        self.prepared.push(RunConfig::read(&configuration.node, &mut self.inputs)?);
        self.hashes.push(self.hash(&configuration));
        self.configurations.push(configuration);
        Ok(self.configurations.len() - 1)
    }

    /// Settings and inputs as a hash.
    fn hash(&self, configuration: &GridPoint) -> String {
        let mut files = String::new();
        for (path, hash) in self.inputs.files() {
            files.push_str(&format!("{path} {hash}\n"));
        }
        let text = configuration.node.canonical();
        short_hash(&format!("{SCHEMA_VERSION}\n{text}\n{files}"))
    }

    /// The keys that vary.
    pub fn axis_keys(&self) -> Vec<String> {
        axis_keys(&self.experiment)
    }

    /// What a configuration has for a key that varies; `None` if the key does not.
    pub fn label(&self, configuration: usize, key: &str) -> Option<&str> {
        let at = self.axis_keys().iter().position(|known| known == key)?;
        Some(self.configurations.get(configuration)?.labels.get(at)?.as_str())
    }

    /// Every run in order, those included that are needed only if others vary much.
    pub fn runs(&self) -> impl Iterator<Item = RunSpec> + '_ {
        (0..self.configurations.len()).flat_map(|configuration| {
            (0..self.experiment.most_replicates())
                .map(move |replicate| RunSpec { configuration, replicate })
        })
    }

    /// Whether a run is done whatever the others come to.
    pub fn is_certain(&self, spec: RunSpec) -> bool {
        spec.replicate < self.experiment.replicates
    }

    /// Settings and inputs of a configuration as a hash.
    pub fn config_hash(&self, configuration: usize) -> &str {
        &self.hashes[configuration]
    }

    /// The id of a run: configuration, inputs, seed and replicate.
    pub fn run_id(&self, spec: RunSpec) -> String {
        let hash = self.config_hash(spec.configuration);
        short_hash(&format!("{hash}\n{}\n{}", self.experiment.seed, spec.replicate))
    }

    /// The random numbers of a run.
    pub fn rng(&self, spec: RunSpec) -> Rng {
        Rng::new(self.experiment.seed, spec.replicate)
    }

    /// What is wanted of every run besides its row; the distribution of latency if a figure is
    /// drawn from it.
    pub fn beside(&self) -> OutputRequest {
        let experiment = &self.experiment;
        let quantiles = experiment.figures.iter().any(|figure| figure.kind == FigureKind::Cdf);
        OutputRequest { quantiles, tables: experiment.tables.clone(), series: experiment.series }
    }

    /// The configurations of the units of work.
    pub fn points(&self) -> impl Iterator<Item = usize> + '_ {
        // The ends of a search are neighbours, the low one first.
        (0..self.grid).step_by(if self.experiment.search.is_some() { 2 } else { 1 })
    }

    /// What several processes can share, in order: every run, or every search, which is known by
    /// its first run.
    pub fn units(&self) -> impl Iterator<Item = RunSpec> + '_ {
        self.points().flat_map(|configuration| {
            (0..self.experiment.most_replicates())
                .map(move |replicate| RunSpec { configuration, replicate })
        })
    }

    /// The word for units.
    pub fn unit_name(&self) -> &'static str {
        if self.experiment.search.is_some() { "searches" } else { "runs" }
    }

    /// The ids of all units. Settings with two names are one.
    pub fn unit_ids(&self) -> BTreeSet<String> {
        self.units().map(|spec| self.run_id(spec)).collect()
    }

    /// Runs what the journals in `folder` do not hold, on `jobs` threads (0: one per core).
    pub fn run(
        &self,
        folder: &Path,
        jobs: usize,
        progress: &dyn Progress,
    ) -> Result<Vec<RunRecord>, SweepError> {
        self.run_part(folder, &Shard::Whole, jobs, progress)
    }

    /// As [`Self::run`], only the runs of one part.
    pub fn run_part(
        &self,
        folder: &Path,
        part: &Shard,
        jobs: usize,
        progress: &dyn Progress,
    ) -> Result<Vec<RunRecord>, SweepError> {
        let ids = part.select(self.unit_ids());
        let keys = self.keys(&ids);
        let threads = jobs.min(ids.len().max(1));
        let work = Executor::open(folder, part, threads, |key| keys.contains(key))?;
        let mut runs: Vec<RunRecord> = Vec::new();
        let mut due: Vec<RunSpec> = self.runs().filter(|spec| self.is_certain(*spec)).collect();
        while !due.is_empty() {
            due.retain(|spec| ids.contains(&self.run_id(*spec)));
            runs.extend(work.run(self, due, progress)?);
            let until = self.experiment.stopping.as_ref();
            due = until.map_or(Vec::new(), |until| {
                until.due(&self.axis_keys(), &self.configurations, &runs)
            });
        }
        runs.sort_by_key(|run| (run.spec.configuration, run.spec.replicate));
        Ok(runs)
    }

    /// What the journals in `folder` hold of the runs of these ids.
    fn finished(
        &self,
        folder: &Path,
        ids: &BTreeSet<String>,
    ) -> Result<JournalContents, WriteError> {
        let keys = self.keys(ids);
        journal::read(folder, PREFIX, |key| keys.contains(key))
    }

    fn keys(&self, ids: &BTreeSet<String>) -> BTreeSet<String> {
        let beside = self.beside().key();
        ids.iter().map(|id| journal_key(id, &beside)).collect()
    }

    /// Every run, in order, as the journals in `folder` hold it, and what was searched for.
    pub fn collect(&mut self, folder: &Path) -> Result<SweepResult, SweepError> {
        if let Some(search) = self.experiment.search.clone() {
            return self.collect_searches(&search, folder);
        }
        let beside = self.beside().key();
        let found = self.finished(folder, &self.unit_ids())?.agreed()?;
        let (mut runs, mut missing) = (Vec::new(), Vec::new());
        for spec in self.runs() {
            let id = self.run_id(spec);
            match found.entries.get(&journal_key(&id, &beside)) {
                Some(entry) => runs.push(RunRecord { spec, id, entry: Arc::clone(entry) }),
                None => missing.push(id),
            }
        }
        let total = runs.len() + missing.len();
        let foreign = found.foreign;
        match missing.first().cloned() {
            None => Ok((runs, Vec::new())),
            Some(first) => {
                let (what, missing) = (self.unit_name(), missing.len());
                Err(SweepError::Unfinished { what, missing, total, first, foreign })
            }
        }
    }

    /// The seconds that each unit took, in order, as far as the journals in `folder` know.
    pub fn seconds(&mut self, folder: &Path) -> Result<Vec<Option<f64>>, SweepError> {
        if let Some(search) = self.experiment.search.clone() {
            return self.seconds_of_searches(&search, folder);
        }
        let beside = self.beside().key();
        let found = self.finished(folder, &self.unit_ids())?.entries;
        let entry = |spec| found.get(&journal_key(&self.run_id(spec), &beside));
        let entries = self.runs().map(entry);
        Ok(entries
            .map(|entry| Some(entry.filter(|entry| entry.result.error.is_empty())?.wall_s))
            .collect())
    }

    /// Runs one run.
    pub fn one(&self, spec: RunSpec) -> JournalEntry {
        let start = Instant::now();
        let prepared = &self.prepared[spec.configuration];
        let result = run_one(prepared, self.rng(spec), &self.beside());
        JournalEntry { result, wall_s: start.elapsed().as_secs_f64() }
    }
}

impl JournalContents {
    /// Itself, unless two journals say different things of one run.
    pub(super) fn agreed(self) -> Result<Self, SweepError> {
        let Some((key, journal)) = self.conflict else { return Ok(self) };
        let id = key.split('/').nth(1).unwrap_or_default().to_owned();
        Err(SweepError::Conflict { id, journal })
    }
}

/// So many threads, 0 for one per core.
pub fn threads(jobs: usize) -> Result<rayon::ThreadPool, SweepError> {
    Ok(rayon::ThreadPoolBuilder::new().num_threads(jobs.min(MAX_THREADS)).build()?)
}

/// A folder at work: runs are kept as they finish, and nobody else works on the same part.
pub(super) struct Executor {
    journal: Mutex<Journal>,
    done: BTreeMap<String, Arc<JournalEntry>>,
    pool: rayon::ThreadPool,
}

impl Executor {
    /// Opens the journal of a part and reads what all journals hold of the `wanted` keys; `jobs`
    /// threads, 0 for one per core.
    pub fn open(
        folder: &Path,
        part: &Shard,
        jobs: usize,
        wanted: impl Fn(&str) -> bool,
    ) -> Result<Self, SweepError> {
        atomic::folder(folder)?;
        let journal = Mutex::new(Journal::open(folder, &part.journal(), PREFIX)?);
        let done = journal::read(folder, PREFIX, wanted)?.entries;
        Ok(Self { journal, done, pool: threads(jobs)? })
    }

    /// Does these runs, but for those that are done.
    pub fn run(
        &self,
        sweep: &Sweep,
        specs: Vec<RunSpec>,
        progress: &dyn Progress,
    ) -> Result<Vec<RunRecord>, SweepError> {
        let beside = sweep.beside().key();
        let specs: Vec<(RunSpec, String)> =
            specs.into_iter().map(|spec| (spec, sweep.run_id(spec))).collect();
        let reused = |id: &str| {
            let entry = self.done.get(&journal_key(id, &beside));
            entry.filter(|entry| entry.result.error.is_empty())
        };
        let before = specs.iter().filter(|(_, id)| reused(id).is_some()).count();
        progress.start(specs.len(), before);
        let one = |(spec, id): (RunSpec, String)| -> Result<RunRecord, WriteError> {
            if let Some(entry) = reused(&id) {
                return Ok(RunRecord { spec, id, entry: Arc::clone(entry) });
            }
            let entry = Arc::new(sweep.one(spec));
            // One that failed is kept for who merges, and tried again the next time.
            self.watch(progress);
            let mut journal = self.journal.lock().unwrap_or_else(PoisonError::into_inner);
            journal.push(&journal_key(&id, &beside), &entry)?;
            drop(journal);
            progress.step();
            Ok(RunRecord { spec, id, entry })
        };
        let (over, ended) = mpsc::channel::<()>();
        std::thread::scope(|scope| {
            scope.spawn(move || {
                // A run may take minutes; a folder that is removed meanwhile is noticed at once.
                while ended.recv_timeout(WATCH) == Err(RecvTimeoutError::Timeout) {
                    self.watch(progress);
                }
            });
            // The first run that cannot be kept stops those not yet started.
            let kept: Result<Vec<RunRecord>, WriteError> =
                self.pool.install(|| specs.into_par_iter().map(one).collect());
            drop(over);
            kept
        })
        .map_err(SweepError::from)
    }

    fn watch(&self, progress: &dyn Progress) {
        let mut journal = self.journal.lock().unwrap_or_else(PoisonError::into_inner);
        // What cannot be made again now fails with the next run that finishes.
        if journal.restore().unwrap_or(false) {
            progress.restored(journal.folder());
        }
    }
}

/// Finished runs are found again only by the same build, and with as much beside their row.
pub(super) fn journal_key(id: &str, beside: &str) -> String {
    format!("{PREFIX}{id}{beside}")
}

fn short_hash(text: &str) -> String {
    hex(&Sha256::digest(text.as_bytes())[..8])
}
