//! All runs of an experiment: checked first, then in parallel, then in order.

use super::config::Prepared;
use super::expand::{Configuration, RunSpec, axis_keys, expand};
use super::inputs::Inputs;
use super::journal::{Entry, Journal};
use super::run::run_one;
use super::spec::{Experiment, FigureKind};
use super::{BUILD, SCHEMA_VERSION};
use crate::input::Problems;
use crate::input::source::hex;
use crate::output::atomic::{self, WriteError};
use crate::rng::Rng;
use rayon::prelude::*;
use sha2::{Digest, Sha256};
use std::path::Path;
use std::sync::Mutex;
use std::time::Instant;

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
            check_names(&experiment, &configurations, &mut problems);
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

    /// Every run in order.
    pub fn runs(&self) -> impl Iterator<Item = RunSpec> + '_ {
        (0..self.configurations.len()).flat_map(|configuration| {
            (0..self.experiment.replicates)
                .map(move |replicate| RunSpec { configuration, replicate })
        })
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
        let specs: Vec<(RunSpec, String)> =
            self.runs().map(|spec| (spec, self.run_id(spec))).collect();
        let keys: std::collections::BTreeSet<String> =
            specs.iter().map(|(_, id)| journal_key(id, self.wants_quantiles())).collect();
        let (journal, done) = Journal::open(folder, |key| keys.contains(key))?;
        progress.start(specs.len(), done.len());
        let journal = Mutex::new(journal);
        let pool = rayon::ThreadPoolBuilder::new().num_threads(jobs).build()?;
        let work = |(spec, id): (RunSpec, String)| -> Result<Finished, WriteError> {
            let key = journal_key(&id, self.wants_quantiles());
            if let Some(entry) = done.get(&key) {
                return Ok(Finished { spec, id, entry: entry.clone() });
            }
            let entry = self.one(spec);
            // A failed run is shown, and tried again the next time.
            if entry.result.error.is_empty() {
                let mut journal = journal.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
                journal.push(&key, &entry)?;
            }
            progress.step();
            Ok(Finished { spec, id, entry })
        };
        // The first row that cannot be written ends the sweep; the journal keeps what it has.
        let results: Result<Vec<Finished>, WriteError> =
            pool.install(|| specs.into_par_iter().map(work).collect());
        Ok(results?)
    }

    /// Runs one run.
    pub fn one(&self, spec: RunSpec) -> Entry {
        let start = Instant::now();
        let prepared = &self.prepared[spec.configuration];
        let result = run_one(prepared, self.rng(spec), self.wants_quantiles());
        Entry { result, wall_s: start.elapsed().as_secs_f64() }
    }
}

/// Finished runs are found again only by the same build; with quantiles they are another thing.
fn journal_key(id: &str, quantiles: bool) -> String {
    format!("{BUILD}/{id}{}", if quantiles { "/q" } else { "" })
}

fn short_hash(text: &str) -> String {
    hex(&Sha256::digest(text.as_bytes())[..6])
}

/// Figures and expectations must name columns and labels that will exist.
fn check_names(experiment: &Experiment, grid: &[Configuration], problems: &mut Problems) {
    use crate::input::Problem;
    let keys = axis_keys(experiment);
    let metrics: Vec<&str> = crate::metrics::COLUMNS.iter().map(|c| c.name).collect();
    let axis = |name: &str, place: &crate::input::Place, problems: &mut Problems| {
        if !keys.iter().any(|key| key == name) {
            let known = keys.iter().map(String::as_str);
            problems.push(Problem::unknown(place.clone(), "axis", name, known));
        }
    };
    let metric = |name: &str, place: &crate::input::Place, problems: &mut Problems| {
        if !metrics.contains(&name) {
            problems.push(Problem::unknown(place.clone(), "metric", name, metrics.iter().copied()));
        }
    };
    let label = |key: &str, label: &str, place: &crate::input::Place, problems: &mut Problems| {
        let Some(at) = keys.iter().position(|k| k == key) else { return };
        if !grid.iter().any(|c| c.labels[at] == label) {
            let mut known: Vec<&str> = grid.iter().map(|c| c.labels[at].as_str()).collect();
            known.sort_unstable();
            known.dedup();
            let what = format!("value of `{key}`");
            problems.push(Problem::unknown(place.clone(), &what, label, known));
        }
    };
    for figure in &experiment.figures {
        let place = &figure.place;
        axis(&figure.series, place, problems);
        match figure.kind {
            FigureKind::Lines => {
                axis(&figure.x, place, problems);
                metric(&figure.y, place, problems);
            }
            FigureKind::Pareto => {
                metric(&figure.x, place, problems);
                metric(&figure.y, place, problems);
            }
            FigureKind::Cdf => {}
        }
        for (key, labels) in &figure.filter {
            axis(key, place, problems);
            labels.iter().for_each(|text| label(key, text, place, problems));
        }
    }
    for expectation in &experiment.expectations {
        let place = &expectation.place;
        axis(&expectation.axis, place, problems);
        metric(&expectation.metric, place, problems);
        label(&expectation.axis, &expectation.left, place, problems);
        label(&expectation.axis, &expectation.right, place, problems);
        for (key, labels) in &expectation.filter {
            axis(key, place, problems);
            labels.iter().for_each(|text| label(key, text, place, problems));
        }
    }
}
