//! A sweep: an experiment expanded into configurations, each of them checked and ready to run.

use super::axis::{GridPoint, RunSpec};
use super::figure_spec::FigureKind;
use super::file::Experiment;
use super::grid::{axis_keys, expand};
use super::input_cache::InputCache;
use super::offloading_config::OffloadingConfig;
use super::run::OutputRequest;
use super::run_config::RunConfig;
use super::{SCHEMA_VERSION, build_id, validate};
use crate::config::note::Note;
use crate::config::source::hex;
use crate::config::{ConfigNode, Problem, Problems};
use crate::core::rng::Rng;
use crate::metrics::{Study, TABLES};
use crate::output::atomic::WriteError;
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

/// An experiment, expanded and checked.
#[derive(Debug)]
pub struct Sweep {
    /// The experiment.
    pub experiment: Experiment,
    /// The points of the grid, then those that searches probed.
    pub points: Vec<GridPoint>,
    /// The configuration of each point, ready to run.
    pub configs: Configs,
    /// The files that were read.
    pub inputs: InputCache,
    /// The settings and inputs of each configuration as a hash.
    hashes: Vec<String>,
    /// The number of points of the grid; the others are probes of searches.
    grid: usize,
    /// The probes, by the configuration at the low end of their search and the bits of the value.
    pub(super) probes: BTreeMap<(usize, u64), usize>,
}

/// The configurations of a sweep.
#[derive(Debug)]
pub enum Configs {
    /// Of schedulers.
    Scheduling(Vec<RunConfig>),
    /// Of offloading policies.
    Offloading(Vec<OffloadingConfig>),
}

impl Configs {
    fn new(study: Study) -> Self {
        match study {
            Study::Scheduling => Self::Scheduling(Vec::new()),
            Study::Offloading => Self::Offloading(Vec::new()),
        }
    }

    /// Decodes and checks one more configuration.
    fn push(&mut self, node: &ConfigNode, inputs: &mut InputCache) -> Result<(), Problems> {
        match self {
            Self::Scheduling(configs) => configs.push(RunConfig::read(node, inputs)?),
            Self::Offloading(configs) => configs.push(OffloadingConfig::read(node, inputs)?),
        }
        Ok(())
    }

    /// On which knowledge the rows of a configuration rest: the cell of [`Study::source`].
    pub fn source(&self, configuration: usize) -> &'static str {
        match self {
            Self::Scheduling(configs) => configs[configuration].info.name(),
            Self::Offloading(configs) => configs[configuration].evaluation().name(),
        }
    }

    /// What a user should know about the settings.
    pub fn notes(&self) -> Vec<Note> {
        let Self::Scheduling(configs) = self else { return Vec::new() };
        configs.iter().flat_map(|config| config.notes().iter().cloned()).collect()
    }

    /// Notes on configurations whose replicates share their arrivals.
    pub fn repeats(&self) -> BTreeSet<String> {
        let Self::Scheduling(configs) = self else { return BTreeSet::new() };
        configs.iter().filter_map(RunConfig::repeats).collect()
    }

    /// The size of a run: requests, or dialogues.
    pub fn size(&self, configuration: usize) -> u64 {
        match self {
            Self::Scheduling(configs) => configs[configuration].arrivals.requests,
            Self::Offloading(configs) => configs[configuration].dialogues.count() as u64,
        }
    }
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
        /// The number of missing ones.
        missing: usize,
        /// The number of all.
        total: usize,
        /// The id of the first missing one.
        first: String,
        /// Journals of other builds, and these builds.
        foreign: BTreeMap<PathBuf, String>,
    },
    /// Two journals hold different results of one run.
    #[error("run {id} came to something else in {} than before", journal.display())]
    Conflict {
        /// The id of the run.
        id: String,
        /// The second of the two.
        journal: PathBuf,
    },
}

/// A line for each journal of another build.
fn others(foreign: &BTreeMap<PathBuf, String>) -> String {
    let line = |(path, build): (&PathBuf, &String)| {
        format!("\n{} has runs of {build}, this is {}", path.display(), build_id())
    };
    foreign.iter().map(line).collect()
}

impl Sweep {
    /// Expands an experiment and checks every configuration.
    ///
    /// # Errors
    ///
    /// What is wrong with settings, inputs, figures or claims.
    pub fn new(experiment: Experiment) -> Result<Self, Problems> {
        let mut sweep = Self {
            points: Vec::new(),
            configs: Configs::new(experiment.study),
            inputs: InputCache::of(&experiment.path),
            hashes: Vec::new(),
            grid: 0,
            probes: BTreeMap::new(),
            experiment,
        };
        let mut problems = Problems::default();
        let grid = expand(&sweep.experiment)?;
        for point in &grid {
            if let Err(more) = sweep.configs.push(&point.node, &mut sweep.inputs) {
                problems.extend(more);
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
        // Each hash covers all files that were read.
        let files = sweep.files();
        sweep.hashes = grid.iter().map(|point| hash(point, &files)).collect();
        sweep.grid = grid.len();
        sweep.points = grid;
        problems.check(Some(sweep))
    }

    /// Adds a configuration that is no point of the grid; its index.
    pub(super) fn push(&mut self, point: GridPoint) -> Result<usize, Problems> {
        self.configs.push(&point.node, &mut self.inputs)?;
        self.hashes.push(hash(&point, &self.files()));
        self.points.push(point);
        Ok(self.points.len() - 1)
    }

    /// The inputs with their hashes, as text.
    fn files(&self) -> String {
        self.inputs.files().iter().map(|(path, hash)| format!("{path} {hash}\n")).collect()
    }

    /// The configurations of an experiment about schedulers.
    ///
    /// # Errors
    /// It is an offloading study.
    pub fn scheduling(&self) -> Result<&[RunConfig], Problem> {
        match &self.configs {
            Configs::Scheduling(configs) => Ok(configs),
            Configs::Offloading(_) => Err(self.experiment.not_of_schedulers()),
        }
    }

    /// The keys that vary.
    pub fn axis_keys(&self) -> Vec<String> {
        axis_keys(&self.experiment)
    }

    /// The label of a configuration for a key that varies; `None` if the key does not.
    pub fn label(&self, configuration: usize, key: &str) -> Option<&str> {
        let at = self.axis_keys().iter().position(|known| known == key)?;
        Some(self.points.get(configuration)?.labels.get(at)?.as_str())
    }

    /// Every run in order, those included that are needed only if others vary much.
    pub fn runs(&self) -> impl Iterator<Item = RunSpec> + '_ {
        self.replicates_of(0..self.points.len())
    }

    /// What several processes can share, in order: every run, or every search, which is identified
    /// by its first run.
    pub fn units(&self) -> impl Iterator<Item = RunSpec> + '_ {
        self.replicates_of(self.unit_points())
    }

    fn replicates_of<'a>(
        &'a self,
        configurations: impl Iterator<Item = usize> + 'a,
    ) -> impl Iterator<Item = RunSpec> + 'a {
        configurations.flat_map(|configuration| {
            (0..self.experiment.most_replicates())
                .map(move |replicate| RunSpec { configuration, replicate })
        })
    }

    /// The configurations of the units of work.
    pub fn unit_points(&self) -> impl Iterator<Item = usize> + '_ {
        // The ends of a search are neighbours, the low one first.
        (0..self.grid).step_by(if self.experiment.search.is_some() { 2 } else { 1 })
    }

    /// The word for units.
    pub fn unit_name(&self) -> &'static str {
        if self.experiment.search.is_some() { "searches" } else { "runs" }
    }

    /// The ids of all units. Equal configurations with two labels have one id.
    pub fn unit_ids(&self) -> BTreeSet<String> {
        self.units().map(|spec| self.run_id(spec)).collect()
    }

    /// Whether a run is made whatever the results of the others are.
    pub fn is_certain(&self, spec: RunSpec) -> bool {
        spec.replicate < self.experiment.replicates
    }

    /// The settings of a configuration and all inputs as a hash.
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

    /// The outputs of every run in addition to its row; the distribution of latency if a figure
    /// shows it.
    pub fn output_request(&self) -> OutputRequest {
        let experiment = &self.experiment;
        let quantiles = experiment.figures.iter().any(|figure| figure.kind == FigureKind::Cdf);
        // Rows of dialogues are always kept: statistics are made of them.
        let kept = TABLES.iter().copied().filter(|table| match experiment.study {
            Study::Scheduling => experiment.tables.iter().any(|own| own.name == table.name),
            Study::Offloading => table.study() == Study::Offloading,
        });
        OutputRequest { quantiles, tables: kept.collect(), series: experiment.series }
    }
}

/// The settings of a point and all inputs as a hash.
fn hash(point: &GridPoint, files: &str) -> String {
    short_hash(&format!("{SCHEMA_VERSION}\n{}\n{files}", point.node.canonical()))
}

fn short_hash(text: &str) -> String {
    hex(&Sha256::digest(text.as_bytes())[..8])
}
