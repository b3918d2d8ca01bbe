//! A search instead of a grid: up to which value of a setting a metric stays within a limit.
//!
//! For every configuration of the other axes and every replicate, the interval between a value
//! that keeps the limit and one that does not is bisected (at the geometric mean, rounded to four
//! digits, or more where needed) until it is narrow enough. A setting that takes whole numbers gets
//! only these, until the interval is narrow enough or its ends are neighbours. Every probe is a run
//! like any other: in the journal, in `runs.csv`, with the random numbers of its replicate.
//!
//! A run whose metric is empty, such as one that failed, keeps no limit. If that is so at both ends
//! of a search, its result is unknown; if it is so in all searches, they are refused.

#[cfg(test)]
mod tests;

use super::axis::{Axis, RunSpec, check_key};
use super::journal::RunRecord;
use super::spelling;
use crate::config::settings::NUMBER;
use crate::config::{
    ConfigNode, Decoder, Group, Kind, Location, Problem, Problems, Setting, Value, path,
};
use crate::metrics::Study;
use std::collections::BTreeMap;

const END: Kind = Kind::Number(f64::MIN_POSITIVE, 1e15);

/// `[search]`
pub(super) const SEARCH: Group = Group::named("search").of(&[&[
    Setting::text("key", "workload.rate_rps")
        .means("The setting that is varied, a number above 0."),
    Setting::text("metric", "slo_attainment").means("The column of runs.csv that is limited."),
    Setting::optional("at_least", NUMBER, "0.99, without `at_most`").means("The lower limit."),
    Setting::optional("at_most", NUMBER, "no upper limit").means("The upper limit, instead."),
    Setting::required("low", END).means("The lowest value that is tried."),
    Setting::required("high", END).means("The highest value that is tried."),
    Setting::number("relative_width", [1e-6, 10.0], 0.02).means(
        "The search ends when the highest passing and the lowest failing value are this close, \
         relative to the lower.",
    ),
]]);

/// The table `[search]`.
#[derive(Clone, Debug)]
pub struct CapacitySearch {
    /// The path of the setting that is varied.
    pub key: String,
    /// The column of runs.csv that is limited.
    pub metric: String,
    /// The limit.
    pub limit: MetricLimit,
    /// The lowest and the highest value that are tried.
    pub ends: [f64; 2],
    /// Where the ends were written.
    places: [Location; 2],
    /// The search ends when its two values are this close, relative to the lower.
    pub width: f64,
    /// Whether the setting takes whole numbers only; known once configurations were read.
    pub whole: bool,
    /// Where it was written.
    pub(super) place: Location,
}

/// A limit of a metric.
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
    /// Reads `[search]`.
    pub(super) fn read(node: &ConfigNode, problems: &mut Problems) -> Option<Self> {
        let mut read = Decoder::new(node, &SEARCH, problems);
        let at = |field: &str| node.place.clone().field(&format!("search.{field}"));
        let key = read.text("key");
        check_key(&key, &at("key")).unwrap_or_else(|problem| read.problems().push(problem));
        let key = path::spelled(&key);
        let metric = read.text("metric");
        if !Study::Scheduling.numbers().any(|name| name == metric) {
            read.problems().push(Problem::unknown(
                at("metric"),
                "metric",
                &metric,
                Study::Scheduling.numbers(),
            ));
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
        let expected = "an end of the search, a number > 0";
        let ends = ["low", "high"].map(|key| read.required_number(key, expected));
        read.finish();
        let [Some(low), Some(high)] = ends else { return None };
        if low >= high {
            let found = format!("{low} to {high}");
            problems.push(Problem::new(at("high"), found, "`low` below `high`"));
            return None;
        }
        let places = ["low", "high"].map(|key| node.get(key).unwrap_or(node).place.clone());
        let (ends, place) = ([low, high], node.place.clone());
        Some(Self { key, metric, limit, ends, places, width, whole: false, place })
    }

    /// The axis of its ends.
    pub(super) fn axis(&self) -> Axis {
        let ends = self.ends.into_iter().zip(&self.places);
        let rows = ends.map(|(end, place)| vec![value(end, place)]).collect();
        Axis { keys: vec![self.key.clone()], rows, place: self.place.clone() }
    }

    /// The settings of a configuration with a fraction between the ends, if these are whole, and
    /// its place: a problem there means that the setting takes whole numbers only.
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

    /// The most runs that a search takes, apart from rounding.
    pub fn probes(&self) -> u64 {
        let [low, high] = self.ends.map(libm::log);
        // Whole numbers become neighbours.
        let narrowest = if self.whole { self.width.max(1.0 / self.ends[1]) } else { self.width };
        let halvings = libm::log2((high - low) / libm::log1p(narrowest));
        2 + halvings.max(0.0).ceil() as u64
    }

    /// The next value between two; `None` if they are close enough.
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

/// A number as an experiment has it.
pub(super) fn value(number: f64, place: &Location) -> ConfigNode {
    let whole = number.fract() == 0.0 && number.abs() < 1e15;
    let value = if whole { Value::Integer(number as i64) } else { Value::Float(number) };
    ConfigNode { place: place.clone(), value }
}

/// The result of a search.
#[derive(Clone, Debug, PartialEq)]
pub struct CapacityResult {
    /// The labels of the other axes.
    pub labels: Vec<String>,
    /// The replicate, from 0.
    pub replicate: u64,
    /// The last value that keeps the limit, and the metric there.
    pub highest_passing: Option<(f64, f64)>,
    /// The first value that does not, and the metric there.
    pub lowest_failing: Option<(f64, f64)>,
    /// The number of runs.
    pub probes: usize,
}

impl CapacityResult {
    /// `found`; `always` or `never` if both ends are on one side of the limit; `unknown` if the
    /// metric was empty at both.
    pub fn status(&self) -> &'static str {
        match (self.highest_passing, self.lowest_failing) {
            (Some(_), Some(_)) => "found",
            (Some(_), None) => "always",
            (None, Some(_)) => "never",
            (None, None) => "unknown",
        }
    }
}

/// A search under way.
pub(super) struct Bisection {
    /// The first run: the configuration at the low end; that of the high end follows.
    pub spec: RunSpec,
    /// The metric at each value, by the bits of the (positive) value; NaN if it is empty.
    pub known: BTreeMap<u64, f64>,
    /// The runs of these values.
    pub runs: BTreeMap<u64, RunRecord>,
    /// Whether a run that is needed is not in the journal: the search ends without a result.
    pub missing: bool,
}

impl Bisection {
    pub fn new(spec: RunSpec) -> Self {
        Self { spec, known: BTreeMap::new(), runs: BTreeMap::new(), missing: false }
    }

    /// Whether the metric was empty at every probe.
    pub fn is_unknown(&self) -> bool {
        self.known.values().all(|metric| metric.is_nan())
    }

    /// The neighbouring values on the passing and the failing side of the limit, as far as there
    /// are two sides, each with its metric.
    pub fn sides(&self, search: &CapacitySearch) -> [Option<(f64, f64)>; 2] {
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

    /// The values to try next: the ends, then one between the two sides.
    pub fn next(&self, search: &CapacitySearch) -> Vec<f64> {
        if self.missing {
            return Vec::new();
        }
        if self.known.is_empty() {
            return search.ends.to_vec();
        }
        let [Some((a, _)), Some((b, _))] = self.sides(search) else { return Vec::new() };
        search.between(a.min(b), a.max(b)).into_iter().collect()
    }

    /// Adds the run at a value; `None` if the journal does not hold it.
    pub fn add(&mut self, value: f64, run: Option<RunRecord>, column: usize) {
        let Some(run) = run else {
            self.missing = true;
            return;
        };
        let metric = run.entry.result.cells[column].parse().unwrap_or(f64::NAN);
        self.known.insert(value.to_bits(), metric);
        self.runs.insert(value.to_bits(), run);
    }

    /// Whether one of its runs failed.
    pub fn failed(&self) -> bool {
        self.runs.values().any(RunRecord::failed)
    }

    /// The seconds of all its runs, if it is finished and none of them failed.
    pub fn seconds(&self) -> Option<f64> {
        let finished = !self.missing && !self.failed();
        finished.then(|| self.runs.values().map(|run| run.entry.wall_s).sum())
    }
}
