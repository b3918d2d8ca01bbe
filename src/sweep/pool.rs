//! All runs of an experiment: checked first, then in parallel, then in order.

use super::config::Prepared;
use super::expand::{Configuration, RunSpec, axis_keys, expand};
use super::inputs::Inputs;
use super::journal::{Entry, Journal};
use super::names;
use super::run::{Beside, run_one};
use super::spec::{Experiment, FigureKind};
use super::{BUILD, SCHEMA_VERSION};
use crate::input::source::hex;
use crate::input::{Problems, Value};
use crate::output::atomic::{self, WriteError};
use crate::rng::Rng;
use rayon::prelude::*;
use sha2::{Digest, Sha256};
use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Mutex;
use std::time::Instant;

/// More threads than this help nobody.
const MAX_THREADS: usize = 1024;

/// Told of every finished run; called from many threads.
pub trait Progress: Sync {
    /// `reused` runs were finished before; `total` are asked for.
    fn start(&self, total: usize, reused: usize);
    /// One more is finished.
    fn step(&self);
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
    pub configurations: Vec<Configuration>,
    /// Each ready to run.
    pub prepared: Vec<Prepared>,
    /// What was read.
    pub inputs: Inputs,
    hashes: Vec<String>,
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
}

/// A run and its row.
#[derive(Clone, Debug)]
pub struct Finished {
    /// Which run.
    pub spec: RunSpec,
    /// Its id.
    pub id: String,
    /// What it came to.
    pub entry: Entry,
}

impl Sweep {
    /// Expands and checks an experiment.
    pub fn new(experiment: Experiment) -> Result<Self, Problems> {
        let mut sweep = Self {
            configurations: Vec::new(),
            prepared: Vec::new(),
            inputs: Inputs::default(),
            hashes: Vec::new(),
            experiment,
        };
        let mut problems = Problems::default();
        let grid = expand(&sweep.experiment)?;
        for configuration in &grid {
            match Prepared::read(&configuration.node, &mut sweep.inputs) {
                Ok(ready) => sweep.prepared.push(ready),
                Err(more) => problems.extend(more),
            }
            if problems.is_full() {
                break;
            }
        }
        if problems.is_empty() {
            names::check(&sweep.experiment, &grid, &mut problems);
        }
        // The hash of each is of all files that were read.
        sweep.hashes = grid.iter().map(|configuration| sweep.hash(configuration)).collect();
        sweep.configurations = grid;
        problems.check(Some(sweep))
    }

    /// Adds a configuration that is no point of the grid; its index.
    pub(super) fn push(&mut self, configuration: Configuration) -> Result<usize, Problems> {
        self.prepared.push(Prepared::read(&configuration.node, &mut self.inputs)?);
        self.hashes.push(self.hash(&configuration));
        self.configurations.push(configuration);
        Ok(self.configurations.len() - 1)
    }

    /// Settings and inputs as a hash.
    fn hash(&self, configuration: &Configuration) -> String {
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
    pub fn beside(&self) -> Beside {
        let experiment = &self.experiment;
        let quantiles = experiment.figures.iter().any(|figure| figure.kind == FigureKind::Cdf);
        Beside { quantiles, tables: experiment.tables.clone(), series: experiment.series }
    }

    /// Runs all runs, as [`Self::run_these`], and more replicates as long as they are due.
    pub fn run(
        &self,
        folder: &Path,
        jobs: usize,
        progress: &dyn Progress,
    ) -> Result<Vec<Finished>, SweepError> {
        let mut runs: Vec<Finished> = Vec::new();
        let mut due: Vec<RunSpec> = self.runs().filter(|spec| self.is_certain(*spec)).collect();
        while !due.is_empty() {
            runs.extend(self.run_these(due, folder, jobs, progress)?);
            let until = self.experiment.until.as_ref();
            due = until.map_or(Vec::new(), |until| {
                until.due(&self.axis_keys(), &self.configurations, &runs)
            });
        }
        runs.sort_by_key(|run| (run.spec.configuration, run.spec.replicate));
        Ok(runs)
    }

    /// Runs what of some runs the journal in `folder` does not hold, on `jobs` threads (0: one per
    /// core).
    pub fn run_these(
        &self,
        specs: Vec<RunSpec>,
        folder: &Path,
        jobs: usize,
        progress: &dyn Progress,
    ) -> Result<Vec<Finished>, SweepError> {
        atomic::folder(folder)?;
        let beside = self.beside();
        // Found again only by the same build, and with as much beside it.
        let key = |id: &str| format!("{BUILD}/{id}{}", beside.key());
        let specs: Vec<(RunSpec, String)> =
            specs.into_iter().map(|spec| (spec, self.run_id(spec))).collect();
        let keys: BTreeSet<String> = specs.iter().map(|(_, id)| key(id)).collect();
        let prefix = format!("{BUILD}/");
        let (journal, done) = Journal::open(folder, &prefix, |key| keys.contains(key))?;
        let reused = |id: &str| done.get(&key(id));
        progress.start(specs.len(), specs.iter().filter(|(_, id)| reused(id).is_some()).count());
        let journal = Mutex::new(journal);
        let threads = jobs.min(specs.len().max(1)).min(MAX_THREADS);
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build()?;
        let work = |(spec, id): (RunSpec, String)| -> Result<Finished, WriteError> {
            if let Some(entry) = reused(&id) {
                return Ok(Finished { spec, id, entry: entry.clone() });
            }
            let entry = self.one(spec);
            // A failed run is shown, and tried again the next time.
            if entry.result.error.is_empty() {
                let mut journal = journal.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
                journal.push(&key(&id), &entry)?;
            }
            progress.step();
            Ok(Finished { spec, id, entry })
        };
        // The first run that cannot be kept stops those not yet started.
        let kept: Result<Vec<Finished>, WriteError> =
            pool.install(|| specs.into_par_iter().map(work).collect());
        Ok(kept?)
    }

    /// Runs one run.
    pub fn one(&self, spec: RunSpec) -> Entry {
        let start = Instant::now();
        let prepared = &self.prepared[spec.configuration];
        let result = run_one(prepared, self.rng(spec), &self.beside());
        Entry { result, wall_s: start.elapsed().as_secs_f64() }
    }
}

/// What is wrong with the settings of the first configuration of an experiment that has problems
/// of its own, as far as its axes could be read.
pub(super) fn problems_of_settings(experiment: &Experiment) -> Problems {
    let lists = ["axis", "zip"].map(|key| experiment.resolved.get(key).map(|node| &node.value));
    let written = lists.into_iter().flatten().map(|list| match list {
        Value::Array(items) => items.len(),
        _ => 1,
    });
    if experiment.resolved.get("base").is_none() {
        return Problems::default();
    }
    let settings = match expand(experiment) {
        Ok(grid) if experiment.axes.len() == written.sum::<usize>() => grid.into_iter().next(),
        _ => None,
    };
    let read = settings.map(|first| Prepared::read(&first.node, &mut Inputs::default()));
    read.and_then(Result::err).unwrap_or_default()
}

fn short_hash(text: &str) -> String {
    hex(&Sha256::digest(text.as_bytes())[..8])
}
