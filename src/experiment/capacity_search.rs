//! A search instead of a grid: up to which value of a setting a metric stays within a limit.
//!
//! For every configuration of the axes and every replicate by itself, the interval between a
//! value that keeps the limit and one that does not is halved (by its geometric mean, rounded to
//! four digits or as many as it takes) until it is narrow enough. A setting that takes whole
//! numbers is given only these, until they are narrow enough or next to each other. Every probe is
//! a run like any other: in the journal, in `runs.csv`, with the random numbers of its replicate.
//! Probes go in rounds, all searches at once, so that what is found depends on no thread.
//!
//! A run whose metric is empty, as one that failed, keeps no limit. Where both ends of a search are
//! so, nothing is known of the setting; where that is true of all searches, they are refused.

#[cfg(test)]
mod tests;

use super::axis::{Axis, GridPoint, RunSpec, check_key};
use super::executor::{Executor, PREFIX, Progress, Sweep, SweepError, SweepResult, journal_key};
use super::journal;
use super::journal::RunRecord;
use super::shard::Shard;
use super::spelling;
use crate::config::settings::NUMBER;
use crate::config::{
    ConfigNode, Decoder, Group, Kind, Location, Problem, Problems, Setting, Value, path,
};
use crate::metrics::{COLUMNS, numbers};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

const END: Kind = Kind::Number(f64::MIN_POSITIVE, 1e15);

/// `[search]`
pub(super) const SEARCH: Group = Group {
    name: "search",
    settings: &[&[
        Setting::text("key", "workload.rate_rps", "The setting that is varied, a number above 0."),
        Setting::text("metric", "slo_attainment", "The column of runs.csv that is limited."),
        Setting::optional("at_least", NUMBER, "0.99, without `at_most`", "The lower limit."),
        Setting::optional("at_most", NUMBER, "no upper limit", "The upper limit, instead."),
        Setting::required("low", END, "The lowest value that is tried."),
        Setting::required("high", END, "The highest value that is tried."),
        Setting::number(
            "relative_width",
            [1e-6, 10.0],
            0.02,
            "The search ends when the highest passing and the lowest failing value are this close, \
             relative to the lower.",
        ),
    ]],
    short: None,
};

/// What is searched for.
#[derive(Clone, Debug)]
pub struct CapacitySearch {
    /// The setting that is varied.
    pub key: String,
    /// What is limited.
    pub metric: String,
    /// The limit.
    pub limit: MetricLimit,
    /// The ends of the search.
    pub ends: [f64; 2],
    /// How far apart, relative to the lower, two values may lie in the end.
    pub width: f64,
    /// Whether the setting takes whole numbers only; known once configurations were read.
    pub whole: bool,
    /// Where it was written.
    place: Location,
}

/// Which side of a limit is wanted.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum MetricLimit {
    /// This or more.
    AtLeast(f64),
    /// This or less.
    AtMost(f64),
}

impl MetricLimit {
    fn keeps(self, value: f64) -> bool {
        match self {
            Self::AtLeast(limit) => value >= limit,
            Self::AtMost(limit) => value <= limit,
        }
    }
}

impl CapacitySearch {
    /// Reads `[search]`, and the axis that it makes of its ends.
    pub(super) fn read(node: &ConfigNode, problems: &mut Problems) -> Option<(Self, Axis)> {
        let mut read = Decoder::new(node, &SEARCH, problems);
        let at = |field: &str| node.place.clone().field(&format!("search.{field}"));
        let key = read.text("key");
        if let Err(problem) = check_key(&key, &at("key")) {
            read.problems().push(problem);
        }
        let key = path::spelled(&key);
        let metric = read.text("metric");
        if !numbers().any(|name| name == metric) {
            read.problems().push(Problem::unknown(at("metric"), "metric", &metric, numbers()));
        }
        let limits = ["at_least", "at_most"].map(|key| read.optional_number(key));
        let limit = match (limits[0], limits[1]) {
            (None, Some(limit)) => MetricLimit::AtMost(limit),
            (Some(limit), None) => MetricLimit::AtLeast(limit),
            (None, None) => MetricLimit::AtLeast(0.99),
            (Some(_), Some(_)) => {
                let found = "`at_least` and `at_most`";
                read.problems().push(Problem::new(at("at_most"), found, "one of them"));
                return None;
            }
        };
        let width = read.number("relative_width");
        let mut end = |key| {
            let node = read.require(key, "an end of the search, a number > 0")?;
            let number = read.number_at(key, node)?;
            Some((number, value(number, &node.place)))
        };
        let ends = [end("low"), end("high")];
        read.finish();
        let [Some((low, first)), Some((high, last))] = ends else { return None };
        if low >= high {
            let found = format!("{low} to {high}");
            problems.push(Problem::new(at("high"), found, "`low` below `high`"));
            return None;
        }
        let (rows, place) = (vec![vec![first], vec![last]], node.place.clone());
        let axis = Axis { keys: vec![key.clone()], rows, place: place.clone() };
        Some((Self { key, metric, limit, ends: [low, high], width, whole: false, place }, axis))
    }

    /// The settings of a configuration with a fraction between the ends, which are whole, and where
    /// that stands: they are refused for it if the setting takes whole numbers only.
    pub(super) fn fraction(&self, settings: &ConfigNode) -> Option<(ConfigNode, Location)> {
        let [low, high] = self.ends;
        if low.fract() != 0.0 || high.fract() != 0.0 {
            return None;
        }
        let (mut settings, place) =
            (settings.clone(), Location::file(&self.place.file).field("search"));
        spelling::set(&mut settings, &self.key, value(low + 0.5, &place)).ok()?;
        Some((settings, place))
    }

    /// How many runs a search takes at most, apart from rounding.
    pub fn probes(&self) -> u64 {
        let [low, high] = self.ends.map(libm::log);
        // Whole numbers are next to each other at the latest where they are.
        let narrowest = if self.whole { self.width.max(1.0 / self.ends[1]) } else { self.width };
        let halvings = libm::log2((high - low) / libm::log1p(narrowest));
        2 + halvings.max(0.0).ceil() as u64
    }

    /// Where to look between two values; `None` if they are close enough.
    fn between(&self, low: f64, high: f64) -> Option<f64> {
        let middle = libm::sqrt(low) * libm::sqrt(high);
        let inside = |value: &f64| low < *value && *value < high;
        let rounded = |digits: usize| format!("{middle:.digits$e}").parse().ok().filter(inside);
        let whole = || [rounded(3).unwrap_or(middle).round(), middle.floor(), middle.ceil()];
        let next =
            if self.whole { whole().into_iter().find(inside) } else { (3..17).find_map(rounded) };
        next.filter(|_| high - low > self.width * low)
    }
}

/// A number as it would stand in an experiment.
fn value(number: f64, place: &Location) -> ConfigNode {
    let whole = number.fract() == 0.0 && number.abs() < 1e15;
    let value = if whole { Value::Integer(number as i64) } else { Value::Float(number) };
    ConfigNode { place: place.clone(), value }
}

/// What a search came to.
#[derive(Clone, Debug, PartialEq)]
pub struct CapacityResult {
    /// The labels of the other axes.
    pub labels: Vec<String>,
    /// Which replicate.
    pub replicate: u64,
    /// The last value that keeps the limit, and the metric there.
    pub highest_passing: Option<(f64, f64)>,
    /// The first value that does not, and the metric there.
    pub lowest_failing: Option<(f64, f64)>,
    /// How many runs it took.
    pub probes: usize,
}

impl CapacityResult {
    /// `found`, or which of its ends the search could not pass; `unknown` if its metric was empty
    /// at both.
    pub fn status(&self) -> &'static str {
        match (self.highest_passing, self.lowest_failing) {
            (Some(_), Some(_)) => "found",
            (Some(_), None) => "always",
            (None, Some(_)) => "never",
            (None, None) => "unknown",
        }
    }
}

/// One search on its way.
struct Bisection {
    /// Index of the configuration at the low end; that of the high end follows.
    first: usize,
    replicate: u64,
    /// What is known of the metric, by the bits of the (positive) value.
    known: BTreeMap<u64, f64>,
    /// The runs that say so.
    runs: BTreeMap<u64, RunRecord>,
    /// Whether a run is needed and not there: the search ends without a result.
    missing: bool,
}

impl Bisection {
    fn new(first: usize, replicate: u64) -> Self {
        let (known, runs) = (BTreeMap::new(), BTreeMap::new());
        Self { first, replicate, known, runs, missing: false }
    }

    /// Whether the metric was empty at every probe.
    fn is_unknown(&self) -> bool {
        self.known.values().all(|metric| metric.is_nan())
    }

    /// The values on both sides of the limit that are next to each other, if there are two sides.
    fn sides(&self, search: &CapacitySearch) -> [Option<(f64, f64)>; 2] {
        if self.is_unknown() {
            return [None; 2];
        }
        let known: Vec<(f64, f64)> =
            self.known.iter().map(|(bits, metric)| (f64::from_bits(*bits), *metric)).collect();
        let keeps = |probe: &(f64, f64)| search.limit.keeps(probe.1);
        let (Some(first), Some(last)) = (known.first(), known.last()) else { return [None; 2] };
        match (keeps(first), keeps(last)) {
            (true, true) => [Some(*last), None],
            (false, false) => [None, Some(*first)],
            (low, _) => {
                let at = known.iter().position(|probe| keeps(probe) != low).unwrap_or(1);
                let pair = [Some(known[at - 1]), Some(known[at])];
                if low { pair } else { [pair[1], pair[0]] }
            }
        }
    }

    /// The values to look at next: the ends, then one between those on both sides.
    fn next(&self, search: &CapacitySearch) -> Vec<f64> {
        if self.missing {
            return Vec::new();
        }
        if self.known.is_empty() {
            return search.ends.to_vec();
        }
        let [Some((a, _)), Some((b, _))] = self.sides(search) else { return Vec::new() };
        search.between(a.min(b), a.max(b)).into_iter().collect()
    }

    /// Takes note of a run at a value.
    fn learn(&mut self, value: f64, run: RunRecord, column: usize) {
        // What failed, or has an empty metric, keeps no limit.
        let metric = run.entry.result.cells[column].parse().unwrap_or(f64::NAN);
        self.known.insert(value.to_bits(), metric);
        self.runs.insert(value.to_bits(), run);
    }

    /// Whether one of its runs failed.
    fn failed(&self) -> bool {
        self.runs.values().any(|run| !run.entry.result.error.is_empty())
    }

    /// The seconds of all its runs, if it is finished and none of them failed.
    fn seconds(&self) -> Option<f64> {
        let finished = !self.missing && !self.failed();
        finished.then(|| self.runs.values().map(|run| run.entry.wall_s).sum())
    }
}

impl Sweep {
    /// Carries out the searches of a part: every probe as a run, in order of configuration, value
    /// and replicate, and what was found.
    pub fn search(
        &mut self,
        search: &CapacitySearch,
        folder: &Path,
        part: &Shard,
        jobs: usize,
        progress: &dyn Progress,
    ) -> Result<SweepResult, SweepError> {
        let ids = part.select(self.unit_ids());
        let work = Executor::open(folder, part, jobs, self.probe_keys())?;
        let brackets = self.bisect(search, &ids, |sweep, specs| {
            let runs = work.run(sweep, specs, progress)?;
            Ok(runs.into_iter().map(Some).collect())
        })?;
        self.outcome(search, brackets)
    }

    /// All searches, as the journals in `folder` hold their runs.
    pub(super) fn collect_searches(
        &mut self,
        search: &CapacitySearch,
        folder: &Path,
    ) -> Result<SweepResult, SweepError> {
        let kept = journal::read(folder, PREFIX, self.probe_keys())?.agreed()?;
        let brackets = self.bisect_kept(search, &kept)?;
        let missing: Vec<_> = brackets.iter().filter(|own| own.missing).collect();
        let Some(first) = missing.first() else { return self.outcome(search, brackets) };
        Err(SweepError::Unfinished {
            what: self.unit_name(),
            missing: missing.len(),
            total: brackets.len(),
            first: self.run_id(RunSpec { configuration: first.first, replicate: first.replicate }),
            foreign: kept.foreign,
        })
    }

    /// The seconds that each search took, in order, as far as the journals in `folder` know.
    pub(super) fn seconds_of_searches(
        &mut self,
        search: &CapacitySearch,
        folder: &Path,
    ) -> Result<Vec<Option<f64>>, SweepError> {
        let kept = journal::read(folder, PREFIX, self.probe_keys())?;
        Ok(self.bisect_kept(search, &kept)?.iter().map(Bisection::seconds).collect())
    }

    /// Which keys of a journal may be of probes: nobody knows them all beforehand.
    fn probe_keys(&self) -> impl Fn(&str) -> bool + use<> {
        let beside = self.beside().key();
        move |key| key.starts_with(PREFIX) && key.ends_with(&beside)
    }

    /// All searches, as far as their runs were kept.
    fn bisect_kept(
        &mut self,
        search: &CapacitySearch,
        kept: &journal::JournalContents,
    ) -> Result<Vec<Bisection>, SweepError> {
        let (ids, beside) = (self.unit_ids(), self.beside().key());
        self.bisect(search, &ids, |sweep, specs| {
            let run = |spec| {
                let id = sweep.run_id(spec);
                let entry = Arc::clone(kept.entries.get(&journal_key(&id, &beside))?);
                Some(RunRecord { spec, id, entry })
            };
            Ok(specs.into_iter().map(run).collect())
        })
    }

    /// Halves the intervals of the searches of these ids, all at once. `run` gives the run of each
    /// specification that has one.
    fn bisect(
        &mut self,
        search: &CapacitySearch,
        ids: &BTreeSet<String>,
        mut run: impl FnMut(&Self, Vec<RunSpec>) -> Result<Vec<Option<RunRecord>>, SweepError>,
    ) -> Result<Vec<Bisection>, SweepError> {
        let column = COLUMNS.iter().position(|column| column.name == search.metric).unwrap_or(0);
        let own = self.units().filter(|spec| ids.contains(&self.run_id(*spec)));
        let mut brackets: Vec<Bisection> =
            own.map(|spec| Bisection::new(spec.configuration, spec.replicate)).collect();
        loop {
            let next = |(at, own): (usize, &Bisection)| {
                own.next(search).into_iter().map(move |value| (at, value))
            };
            let asked: Vec<(usize, f64)> = brackets.iter().enumerate().flat_map(next).collect();
            if asked.is_empty() {
                return Ok(brackets);
            }
            let mut specs = Vec::with_capacity(asked.len());
            for (at, value) in &asked {
                let Bisection { first, replicate, .. } = brackets[*at];
                let configuration = self.probe(first, search, *value)?;
                specs.push(RunSpec { configuration, replicate });
            }
            for ((at, value), run) in asked.into_iter().zip(run(self, specs)?) {
                match run {
                    Some(run) => brackets[at].learn(value, run, column),
                    None => brackets[at].missing = true,
                }
            }
        }
    }

    /// The runs of searches in order of configuration, value and replicate, and what was found;
    /// refused if none of the runs, which all succeeded, has the metric.
    fn outcome(
        &self,
        search: &CapacitySearch,
        brackets: Vec<Bisection>,
    ) -> Result<SweepResult, SweepError> {
        let empty = |own: &Bisection| own.is_unknown() && !own.failed();
        if !brackets.is_empty() && brackets.iter().all(empty) {
            let column = COLUMNS.iter().find(|column| column.name == search.metric);
            let why = column.map_or("", |column| column.empty);
            let runs: usize = brackets.iter().map(|own| own.known.len()).sum();
            let found = format!("`{}`, empty in all {runs} runs: {why}", search.metric);
            let place = search.place.clone().field("search.metric");
            let problem = Problem::new(place, found, "a metric that these runs have");
            return Err(Problems::from(problem).into());
        }
        let (mut runs, mut found) = (BTreeMap::new(), Vec::new());
        for own in brackets {
            let mut labels = self.configurations[own.first].labels.clone();
            labels.pop();
            let [keeps, breaks] = own.sides(search);
            let (first, replicate, probes) = (own.first, own.replicate, own.known.len());
            found.push(CapacityResult {
                labels,
                replicate,
                highest_passing: keeps,
                lowest_failing: breaks,
                probes,
            });
            runs.extend(own.runs.into_iter().map(|(bits, run)| ((first, bits, replicate), run)));
        }
        Ok((runs.into_values().collect(), found))
    }

    /// The run of a probe that was made before, by its labels.
    pub fn find_probe(
        &mut self,
        search: &CapacitySearch,
        labels: &[String],
        replicate: u64,
    ) -> Result<Option<RunSpec>, Problems> {
        let shared = labels.len().saturating_sub(1);
        let same = |at: &usize| self.configurations[*at].labels[..shared] == labels[..shared];
        let first = self.points().find(same);
        let value = labels.last().and_then(|label| label.parse().ok());
        let (Some(first), Some(value)) = (first, value) else { return Ok(None) };
        Ok(Some(RunSpec { configuration: self.probe(first, search, value)?, replicate }))
    }

    /// The configuration of a probe, which is added if it is new.
    fn probe(&mut self, first: usize, search: &CapacitySearch, at: f64) -> Result<usize, Problems> {
        if let Some(end) = search.ends.iter().position(|end| *end == at) {
            return Ok(first + end);
        }
        if let Some(known) = self.probes.get(&(first, at.to_bits())) {
            return Ok(*known);
        }
        let node = value(at, &Location::file(&self.experiment.path).field("search"));
        let GridPoint { mut labels, node: mut settings } = self.configurations[first].clone();
        labels.pop();
        labels.push(node.cell());
        spelling::set(&mut settings, &search.key, node)?;
        let index = self.push(GridPoint { labels, node: settings })?;
        self.probes.insert((first, at.to_bits()), index);
        Ok(index)
    }
}
