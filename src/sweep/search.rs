//! A search instead of a grid: up to which value of a setting a metric stays within a limit.
//!
//! For every configuration of the axes and every replicate by itself, the interval between a
//! value that keeps the limit and one that does not is halved (by its geometric mean, rounded to
//! four digits or as many as it takes) until it is narrow enough. Every probe is a run like any
//! other: in the journal, in `runs.csv`, with the random numbers of its replicate. Probes go in
//! rounds, all searches at once, so that what is found depends on no thread.

use super::expand::{Configuration, RunSpec};
use super::part::Part;
use super::pool::{Finished, Progress, Sweep, SweepError, Work};
use super::spec::Axis;
use crate::input::{Fields, Node, Place, Problem, Problems, Value, fields};
use crate::metrics::{COLUMNS, numbers};
use std::collections::BTreeMap;
use std::path::Path;

/// What is searched for.
#[derive(Clone, Debug)]
pub struct Search {
    /// The setting that is varied.
    pub key: String,
    /// What is limited.
    pub metric: String,
    /// The limit.
    pub limit: Limit,
    /// The ends of the search.
    pub ends: [f64; 2],
    /// How far apart, relative to the lower, two values may lie in the end.
    pub width: f64,
}

/// Which side of a limit is wanted.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Limit {
    /// This or more.
    AtLeast(f64),
    /// This or less.
    AtMost(f64),
}

impl Limit {
    fn keeps(self, value: f64) -> bool {
        match self {
            Self::AtLeast(limit) => value >= limit,
            Self::AtMost(limit) => value <= limit,
        }
    }
}

impl Search {
    /// Reads `[search]`, and the axis that it makes of its ends.
    pub(super) fn read(node: &Node, problems: &mut Problems) -> Option<(Self, Axis)> {
        let mut read = Fields::new(node, problems);
        let at = |field: &str| node.place.clone().field(&format!("search.{field}"));
        let key = read.text("key", "trace.rate_rps");
        if let Err(problem) = super::expand::check_key(&key, &at("key")) {
            read.problems().push(problem);
        }
        let metric = read.text("metric", "slo_attainment");
        if !numbers().any(|name| name == metric) {
            read.problems().push(Problem::unknown(at("metric"), "metric", &metric, numbers()));
        }
        let all = -f64::MAX..=f64::MAX;
        let mut bound = |key| {
            let node = read.take(key);
            node.and_then(|node| fields::number(node, &all, read.problems()))
        };
        let limit = match (bound("at_least"), bound("at_most")) {
            (None, Some(limit)) => Limit::AtMost(limit),
            (Some(limit), None) => Limit::AtLeast(limit),
            (None, None) => Limit::AtLeast(0.99),
            (Some(_), Some(_)) => {
                let found = "`at_least` and `at_most`";
                read.problems().push(Problem::new(at("at_most"), found, "one of them"));
                return None;
            }
        };
        let width = read.number("relative_width", 1e-6..=10.0, 0.02);
        let mut end = |key| {
            let node = read.require(key, "an end of the search, a number > 0");
            let range = f64::MIN_POSITIVE..=1e15;
            node.and_then(|node| fields::number(node, &range, read.problems()))
        };
        let ends = [end("low"), end("high")];
        read.finish();
        let [Some(low), Some(high)] = ends else { return None };
        if low >= high {
            let found = format!("{low} to {high}");
            problems.push(Problem::new(at("high"), found, "`low` below `high`"));
            return None;
        }
        let rows = [low, high].map(|end| vec![value(end, &at("low"))]).to_vec();
        let axis = Axis { keys: vec![key.clone()], rows, place: node.place.clone() };
        Some((Self { key, metric, limit, ends: [low, high], width }, axis))
    }

    /// How many runs a search takes at most, apart from rounding.
    pub fn probes(&self) -> u64 {
        let [low, high] = self.ends.map(libm::log);
        let halvings = libm::log2((high - low) / libm::log1p(self.width));
        2 + halvings.max(0.0).ceil() as u64
    }

    /// Where to look between two values; `None` if they are close enough.
    fn between(&self, low: f64, high: f64) -> Option<f64> {
        let middle = libm::sqrt(low) * libm::sqrt(high);
        let inside = |value: &f64| low < *value && *value < high;
        let rounded = |digits: usize| format!("{middle:.digits$e}").parse().ok().filter(inside);
        (3..17).find_map(rounded).filter(|_| high - low > self.width * low)
    }
}

/// A number as it would stand in an experiment.
fn value(number: f64, place: &Place) -> Node {
    let whole = number.fract() == 0.0 && number.abs() < 1e15;
    let value = if whole { Value::Integer(number as i64) } else { Value::Float(number) };
    Node { place: place.clone(), value }
}

/// What a search came to.
#[derive(Clone, Debug, PartialEq)]
pub struct Found {
    /// The labels of the other axes.
    pub labels: Vec<String>,
    /// Which replicate.
    pub replicate: u64,
    /// The last value that keeps the limit, and the metric there.
    pub keeps: Option<(f64, f64)>,
    /// The first value that does not, and the metric there.
    pub breaks: Option<(f64, f64)>,
    /// How many runs it took.
    pub probes: usize,
}

impl Found {
    /// `found`, or which of its ends the search could not pass.
    pub fn status(&self) -> &'static str {
        match (self.keeps, self.breaks) {
            (Some(_), Some(_)) => "found",
            (Some(_), None) => "always",
            (None, _) => "never",
        }
    }
}

/// One search on its way: what is known of the metric, by the bits of the (positive) value.
struct Bracket {
    /// Index of the configuration at the low end; that of the high end follows.
    first: usize,
    replicate: u64,
    known: BTreeMap<u64, f64>,
}

impl Bracket {
    /// The values on both sides of the limit that are next to each other, if there are two sides.
    fn sides(&self, search: &Search) -> [Option<(f64, f64)>; 2] {
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

    /// The value to look at next.
    fn next(&self, search: &Search) -> Option<f64> {
        let [Some((a, _)), Some((b, _))] = self.sides(search) else { return None };
        search.between(a.min(b), a.max(b))
    }
}

impl Sweep {
    /// Carries out the search of the experiment: every probe as a run, in order of configuration,
    /// value and replicate, and what was found.
    pub fn search(
        &mut self,
        search: &Search,
        folder: &Path,
        jobs: usize,
        progress: &dyn Progress,
    ) -> Result<(Vec<Finished>, Vec<Found>), SweepError> {
        let ends = self.configurations.len();
        let column = COLUMNS.iter().position(|column| column.name == search.metric).unwrap_or(0);
        let replicates = 0..self.experiment.replicates;
        let mut brackets: Vec<Bracket> = (0..ends)
            .step_by(2)
            .flat_map(|first| replicates.clone().map(move |replicate| (first, replicate)))
            .map(|(first, replicate)| Bracket { first, replicate, known: BTreeMap::new() })
            .collect();
        // (bracket, value) of each run of the round.
        let mut asked: Vec<(usize, f64)> =
            (0..brackets.len()).flat_map(|at| search.ends.map(|end| (at, end))).collect();
        let mut probes: BTreeMap<(usize, u64), usize> = BTreeMap::new();
        for first in (0..ends).step_by(2) {
            for (at, end) in search.ends.iter().enumerate() {
                probes.insert((first, end.to_bits()), first + at);
            }
        }
        let beside = self.beside().key();
        let work = Work::open(folder, &Part::Whole, jobs, |key| key.ends_with(&beside))?;
        let mut runs = BTreeMap::new();
        while !asked.is_empty() {
            let mut specs = Vec::new();
            for (at, value) in &asked {
                let Bracket { first, replicate, .. } = brackets[*at];
                let known = probes.get(&(first, value.to_bits())).copied();
                let configuration = known.map_or_else(|| self.probe(first, search, *value), Ok)?;
                probes.insert((first, value.to_bits()), configuration);
                specs.push(RunSpec { configuration, replicate });
            }
            let finished = work.run(self, specs, progress)?;
            for ((at, value), run) in asked.iter().zip(finished) {
                // What failed keeps no limit.
                let metric = run.entry.result.cells[column].parse().unwrap_or(f64::NAN);
                let bracket = &mut brackets[*at];
                bracket.known.insert(value.to_bits(), metric);
                runs.insert((bracket.first, value.to_bits(), bracket.replicate), run);
            }
            let next = |(at, bracket): (usize, &Bracket)| Some((at, bracket.next(search)?));
            asked = brackets.iter().enumerate().filter_map(next).collect();
        }
        let found = brackets.iter().map(|bracket| {
            let mut labels = self.configurations[bracket.first].labels.clone();
            labels.pop();
            let [keeps, breaks] = bracket.sides(search);
            let (replicate, probes) = (bracket.replicate, bracket.known.len());
            Found { labels, replicate, keeps, breaks, probes }
        });
        Ok((runs.into_values().collect(), found.collect()))
    }

    /// The run of a probe that was made before, by its labels.
    pub fn find_probe(
        &mut self,
        search: &Search,
        labels: &[String],
        replicate: u64,
    ) -> Result<Option<RunSpec>, Problems> {
        let known = self.configurations.iter().position(|known| known.labels == labels);
        let shared = labels.len().saturating_sub(1);
        let first = self.configurations.iter().position(|c| c.labels[..shared] == labels[..shared]);
        let value = labels.last().and_then(|label| label.parse().ok());
        let configuration = match (known, first, value) {
            (Some(known), ..) => known,
            (_, Some(first), Some(value)) => self.probe(first, search, value)?,
            _ => return Ok(None),
        };
        Ok(Some(RunSpec { configuration, replicate }))
    }

    /// Adds the configuration of a probe.
    fn probe(&mut self, first: usize, search: &Search, at: f64) -> Result<usize, Problems> {
        let node = value(at, &Place::file(&self.experiment.path).field("search"));
        let Configuration { mut labels, node: mut settings } = self.configurations[first].clone();
        labels.pop();
        labels.push(node.cell());
        settings.set(&search.key, node)?;
        self.push(Configuration { labels, node: settings })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn search(limit: Limit) -> Search {
        let (key, metric) = ("k".to_owned(), "slo_attainment".to_owned());
        Search { key, metric, limit, ends: [1.0, 1000.0], width: 0.01 }
    }

    /// Searches a function; where it ends and how many values it looked at.
    fn bisect(search: &Search, f: impl Fn(f64) -> f64) -> ([Option<f64>; 2], usize) {
        let known = search.ends.map(|end| (end.to_bits(), f(end)));
        let mut bracket = Bracket { first: 0, replicate: 0, known: known.into() };
        while let Some(value) = bracket.next(search) {
            bracket.known.insert(value.to_bits(), f(value));
        }
        (bracket.sides(search).map(|side| side.map(|(at, _)| at)), bracket.known.len())
    }

    #[test]
    fn the_edge_is_found_from_either_side() {
        let at_least = search(Limit::AtLeast(0.5));
        let ([Some(keeps), Some(breaks)], count) = bisect(&at_least, |x| 1.0 - x / 274.0) else {
            panic!("an edge")
        };
        assert!(keeps <= 137.0 && 137.0 < breaks && breaks <= keeps * 1.01, "{keeps} {breaks}");
        assert!(count as u64 <= at_least.probes() + 1, "{count}");
        let at_most = search(Limit::AtMost(0.1));
        let ([Some(keeps), Some(breaks)], _) = bisect(&at_most, |x| 1.0 / x) else {
            panic!("an edge")
        };
        assert!(breaks < 10.0 && 10.0 <= keeps && keeps <= breaks * 1.01, "{keeps} {breaks}");
    }

    #[test]
    fn ends_that_agree_end_the_search() {
        let search = search(Limit::AtLeast(0.5));
        assert_eq!(bisect(&search, |_| 1.0), ([Some(1000.0), None], 2));
        assert_eq!(bisect(&search, |_| 0.0), ([None, Some(1.0)], 2));
        assert_eq!(bisect(&search, |_| f64::NAN), ([None, Some(1.0)], 2));
    }

    #[test]
    fn a_width_below_the_digits_still_ends() {
        let search = Search { width: 1e-6, ..search(Limit::AtLeast(0.5)) };
        let ([Some(keeps), Some(breaks)], _) = bisect(&search, |x| 1.0 - x / 274.0) else {
            panic!("an edge")
        };
        assert!(breaks - keeps <= 1e-6 * keeps);
    }
}
