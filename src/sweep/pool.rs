//! All runs of an experiment: checked first, then in parallel, then in order.

use super::config::Prepared;
use super::expand::{Configuration, RunSpec, axis_keys, expand};
use super::inputs::Inputs;
use super::journal::{Entry, Journal};
use super::names;
use super::run::run_one;
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
        let configurations = expand(&experiment)?;
        let mut inputs = Inputs::default();
        let mut problems = Problems::default();
        let mut prepared = Vec::with_capacity(configurations.len());
        for configuration in &configurations {
            match Prepared::read(&configuration.node, &mut inputs) {
                Ok(ready) => prepared.push(ready),
                Err(more) => problems.extend(more),
            }
            if problems.is_full() {
                break;
            }
        }
        if problems.is_empty() {
            names::check(&experiment, &configurations, &mut problems);
        }
        let mut files = String::new();
        for (path, hash) in inputs.files() {
            files.push_str(&format!("{path} {hash}\n"));
        }
        let hashes = configurations
            .iter()
            .map(|configuration| {
                let text = configuration.node.canonical();
                short_hash(&format!("{SCHEMA_VERSION}\n{text}\n{files}"))
            })
            .collect();
        problems.check(Some(Self { experiment, configurations, prepared, inputs, hashes }))
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

    /// Whether any figure needs the distribution of latency.
    pub fn wants_quantiles(&self) -> bool {
        self.experiment.figures.iter().any(|figure| figure.kind == FigureKind::Cdf)
    }

    /// Runs what the journal in `folder` does not hold, on `jobs` threads (0: one per core).
    pub fn run(
        &self,
        folder: &Path,
        jobs: usize,
        progress: &dyn Progress,
    ) -> Result<Vec<Finished>, SweepError> {
        atomic::folder(folder)?;
        let quantiles = self.wants_quantiles();
        let keys: BTreeSet<String> =
            self.runs().map(|spec| journal_key(&self.run_id(spec), quantiles)).collect();
        let prefix = journal_key("", false);
        let (journal, done) = Journal::open(folder, &prefix, |key| keys.contains(key))?;
        let journal = Mutex::new(journal);
        let threads = jobs.min(keys.len().max(1)).min(MAX_THREADS);
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build()?;
        let work = |(spec, id): (RunSpec, String)| -> Result<Finished, WriteError> {
            if let Some(entry) = done.get(&journal_key(&id, quantiles)) {
                return Ok(Finished { spec, id, entry: entry.clone() });
            }
            let entry = self.one(spec);
            // A failed run is shown, and tried again the next time.
            if entry.result.error.is_empty() {
                let mut journal = journal.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
                journal.push(&journal_key(&id, quantiles), &entry)?;
            }
            progress.step();
            Ok(Finished { spec, id, entry })
        };
        let mut runs: Vec<Finished> = Vec::new();
        let mut due: Vec<RunSpec> = self.runs().filter(|spec| self.is_certain(*spec)).collect();
        while !due.is_empty() {
            let specs: Vec<_> = due.iter().map(|spec| (*spec, self.run_id(*spec))).collect();
            let reused = |(_, id): &&(_, String)| done.contains_key(&journal_key(id, quantiles));
            progress.start(specs.len(), specs.iter().filter(reused).count());
            // The first run that cannot be kept stops those not yet started.
            let kept: Result<Vec<Finished>, WriteError> =
                pool.install(|| specs.into_par_iter().map(work).collect());
            runs.extend(kept?);
            let until = self.experiment.until.as_ref();
            due = until.map_or(Vec::new(), |until| {
                until.due(&self.axis_keys(), &self.configurations, &runs)
            });
        }
        runs.sort_by_key(|run| (run.spec.configuration, run.spec.replicate));
        Ok(runs)
    }

    /// Runs one run.
    pub fn one(&self, spec: RunSpec) -> Entry {
        let start = Instant::now();
        let prepared = &self.prepared[spec.configuration];
        let result = run_one(prepared, self.rng(spec), self.wants_quantiles());
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

/// Finished runs are found again only by the same build; with quantiles they are another thing.
fn journal_key(id: &str, quantiles: bool) -> String {
    format!("{BUILD}/{id}{}", if quantiles { "/q" } else { "" })
}

fn short_hash(text: &str) -> String {
    hex(&Sha256::digest(text.as_bytes())[..8])
}
