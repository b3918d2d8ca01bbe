//! The results of a sweep: of its runs, or of its searches.
//!
//! All searches are bisected at once, in rounds, so that results do not depend on threads.

use super::axis::{GridPoint, RunSpec};
use super::capacity_search::{Bisection, CapacityResult, CapacitySearch, value};
use super::executor::{Executor, Progress};
use super::journal::{JournalContents, RunRecord};
use super::shard::Shard;
use super::spelling;
use super::sweep::{Sweep, SweepError};
use crate::config::{Location, Problem, Problems};
use crate::metrics::COLUMNS;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// All runs in order, and the results of searches.
#[derive(Debug)]
pub struct SweepResult {
    /// The runs in order of configuration and replicate; of searches, each probe, in order of
    /// configuration, value and replicate.
    pub runs: Vec<RunRecord>,
    /// The results of searches; none of a grid.
    pub searches: Vec<CapacityResult>,
}

impl Sweep {
    /// Makes the runs of a shard that the journals in `folder` do not hold, or carries out its
    /// searches, on `jobs` threads (0: one per core).
    ///
    /// # Errors
    ///
    /// If the journal cannot be written, another process writes it, or no run of a search has the
    /// metric.
    pub fn carry_out(
        &mut self,
        folder: &Path,
        shard: &Shard,
        jobs: usize,
        progress: &dyn Progress,
    ) -> Result<SweepResult, SweepError> {
        let Some(search) = self.experiment.search.clone() else {
            let runs = self.run_shard(folder, shard, jobs, progress)?;
            return Ok(SweepResult { runs, searches: Vec::new() });
        };
        let ids = shard.select(self.unit_ids());
        let executor = Executor::open(self, folder, shard, &ids, jobs)?;
        let searches = self.bisect(&search, &ids, |sweep, specs| {
            let runs = executor.run(sweep, specs, progress)?;
            Ok(runs.into_iter().map(Some).collect())
        })?;
        self.results(&search, searches)
    }

    /// Every run in order, as the journals in `folder` hold it, and the results of searches.
    ///
    /// # Errors
    ///
    /// If a run is missing, or two journals hold different results of it.
    pub fn collect(&mut self, folder: &Path) -> Result<SweepResult, SweepError> {
        let ids = self.unit_ids();
        let kept = self.finished(folder, &ids)?.agreed()?;
        let (mut runs, mut missing) = (Vec::new(), Vec::new());
        if let Some(search) = self.experiment.search.clone() {
            let searches = self.bisect_kept(&search, &kept)?;
            let unfinished = searches.iter().filter(|search| search.missing);
            missing.extend(unfinished.map(|search| search.spec));
            if missing.is_empty() {
                return self.results(&search, searches);
            }
        } else {
            for spec in self.runs() {
                match self.record(&kept, spec) {
                    Some(run) => runs.push(run),
                    None => missing.push(spec),
                }
            }
        }
        let Some(first) = missing.first() else {
            return Ok(SweepResult { runs, searches: Vec::new() });
        };
        Err(SweepError::Unfinished {
            what: self.unit_name(),
            missing: missing.len(),
            total: self.units().count(),
            first: self.run_id(*first),
            foreign: kept.foreign,
        })
    }

    /// The seconds that each unit took, in order, as far as the journals in `folder` know.
    ///
    /// # Errors
    ///
    /// If a journal cannot be read.
    pub fn seconds(&mut self, folder: &Path) -> Result<Vec<Option<f64>>, SweepError> {
        let kept = self.finished(folder, &self.unit_ids())?;
        if let Some(search) = self.experiment.search.clone() {
            return Ok(self.bisect_kept(&search, &kept)?.iter().map(Bisection::seconds).collect());
        }
        let run = |spec| self.record(&kept, spec).filter(|run| !run.failed());
        Ok(self.runs().map(|spec| Some(run(spec)?.entry.wall_s)).collect())
    }

    /// All searches, as far as their runs were kept.
    fn bisect_kept(
        &mut self,
        search: &CapacitySearch,
        kept: &JournalContents,
    ) -> Result<Vec<Bisection>, SweepError> {
        self.bisect(search, &self.unit_ids(), |sweep, specs| {
            Ok(specs.into_iter().map(|spec| sweep.record(kept, spec)).collect())
        })
    }

    /// Bisects the searches of these ids, all at once. `run` gives the run of each specification
    /// that has one.
    fn bisect(
        &mut self,
        search: &CapacitySearch,
        ids: &BTreeSet<String>,
        mut run: impl FnMut(&Self, Vec<RunSpec>) -> Result<Vec<Option<RunRecord>>, SweepError>,
    ) -> Result<Vec<Bisection>, SweepError> {
        let column = COLUMNS.iter().position(|column| column.name == search.metric).unwrap_or(0);
        let units = self.units().filter(|spec| ids.contains(&self.run_id(*spec)));
        let mut searches: Vec<Bisection> = units.map(Bisection::new).collect();
        loop {
            let mut probes = Vec::new();
            for (at, bisection) in searches.iter().enumerate() {
                probes.extend(bisection.next(search).into_iter().map(|value| (at, value)));
            }
            if probes.is_empty() {
                return Ok(searches);
            }
            let mut specs = Vec::with_capacity(probes.len());
            for (at, value) in &probes {
                let RunSpec { configuration, replicate } = searches[*at].spec;
                let configuration = self.probe(configuration, search, *value)?;
                specs.push(RunSpec { configuration, replicate });
            }
            for ((at, value), run) in probes.into_iter().zip(run(self, specs)?) {
                searches[at].add(value, run, column);
            }
        }
    }

    /// The runs and the results of searches; refused if none of the runs, all of which succeeded,
    /// has the metric.
    fn results(
        &self,
        search: &CapacitySearch,
        bisections: Vec<Bisection>,
    ) -> Result<SweepResult, SweepError> {
        let empty = |search: &Bisection| search.is_unknown() && !search.failed();
        if !bisections.is_empty() && bisections.iter().all(empty) {
            let column = COLUMNS.iter().find(|column| column.name == search.metric);
            let why = column.map_or("", |column| column.empty);
            let runs: usize = bisections.iter().map(|search| search.known.len()).sum();
            let found = format!("`{}`, empty in all {runs} runs: {why}", search.metric);
            let place = search.place.clone().field("search.metric");
            let problem = Problem::new(place, found, "a metric that these runs have");
            return Err(Problems::from(problem).into());
        }
        let (mut runs, mut searches) = (BTreeMap::new(), Vec::new());
        for bisection in bisections {
            let RunSpec { configuration, replicate } = bisection.spec;
            let mut labels = self.points[configuration].labels.clone();
            labels.pop();
            let [highest_passing, lowest_failing] = bisection.sides(search);
            let probes = bisection.known.len();
            searches.push(CapacityResult {
                labels,
                replicate,
                highest_passing,
                lowest_failing,
                probes,
            });
            let key = |bits| (configuration, bits, replicate);
            runs.extend(bisection.runs.into_iter().map(|(bits, run)| (key(bits), run)));
        }
        Ok(SweepResult { runs: runs.into_values().collect(), searches })
    }

    /// The run of a probe of earlier results, by its labels.
    ///
    /// # Errors
    ///
    /// If the settings of the probe are refused.
    pub fn find_probe(
        &mut self,
        search: &CapacitySearch,
        labels: &[String],
        replicate: u64,
    ) -> Result<Option<RunSpec>, Problems> {
        let shared = labels.len().saturating_sub(1);
        let same = |at: &usize| self.points[*at].labels[..shared] == labels[..shared];
        let first = self.unit_points().find(same);
        let value = labels.last().and_then(|label| label.parse().ok());
        let (Some(first), Some(value)) = (first, value) else { return Ok(None) };
        Ok(Some(RunSpec { configuration: self.probe(first, search, value)?, replicate }))
    }

    /// The configuration of a probe at a value, of the search whose low end is the configuration
    /// `first`; it is added if it is new.
    fn probe(&mut self, first: usize, search: &CapacitySearch, at: f64) -> Result<usize, Problems> {
        if let Some(end) = search.ends.iter().position(|end| *end == at) {
            return Ok(first + end);
        }
        if let Some(known) = self.probes.get(&(first, at.to_bits())) {
            return Ok(*known);
        }
        let node = value(at, &Location::file(&self.experiment.path).field("search"));
        let GridPoint { mut labels, node: mut settings } = self.points[first].clone();
        labels.pop();
        labels.push(node.cell());
        spelling::set(&mut settings, &search.key, node)?;
        let index = self.push(GridPoint { labels, node: settings })?;
        self.probes.insert((first, at.to_bits()), index);
        Ok(index)
    }
}
