//! Checks that figures and claims name columns and labels that exist and can be drawn.

use super::axis::GridPoint;
use super::figure_spec::{FigureKind, FigureSpec};
use super::file::{Expectation, Experiment};
use super::grid::axis_keys;
use super::spelling::is_label;
use crate::config::{Location, Problem, Problems};
use crate::metrics;
use std::collections::{BTreeMap, BTreeSet};

/// The most lines of a figure: its legend must distinguish them.
pub const MAX_SERIES: usize = 48;
/// The most hulls of a figure: they must differ from each other.
const MAX_HULLS: usize = 4;
/// The most panels of a figure: it must fit on a page.
const MAX_PANELS: usize = 24;

/// Reports every unknown name in figures and claims, before the first run.
pub(super) fn check(experiment: &Experiment, grid: &[GridPoint], problems: &mut Problems) {
    let keys = axis_keys(experiment);
    let grid = grid.iter().map(|configuration| configuration.labels.as_slice()).collect();
    let mut names =
        NameChecker { keys: &keys, grid, metrics: experiment.study.numbers().collect(), problems };
    experiment.figures.iter().for_each(|figure| names.figure(figure));
    experiment.expectations.iter().for_each(|claim| names.claim(claim));
    if let Some(rule) = &experiment.stopping {
        names.metric(&rule.metric, rule.place.clone().field("stopping.metric"));
    }
}

/// Checks names against those that exist.
pub struct NameChecker<'a> {
    /// The keys that vary.
    pub keys: &'a [String],
    /// The labels of each configuration, one for each axis.
    pub grid: Vec<&'a [String]>,
    /// The columns that hold numbers.
    pub metrics: Vec<&'a str>,
    /// The problems found.
    pub problems: &'a mut Problems,
}

impl<'a> NameChecker<'a> {
    /// Reports what in a figure cannot be drawn.
    pub fn figure(&mut self, figure: &FigureSpec) {
        let at = |field: &str| figure.place.clone().field(&format!("figure.{field}"));
        if !figure.series.is_empty() {
            self.axis(&figure.series, at("series"));
        }
        if !figure.facet.is_empty() {
            self.axis(&figure.facet, at("facet"));
            let count = self.labels(&figure.facet, &figure.filter).len();
            if count > MAX_PANELS {
                let found = format!("{count} panels in one figure");
                let expected = format!("{MAX_PANELS} at most; `where` chooses some of them");
                self.problems.push(Problem::new(at("facet"), found, expected));
            }
        }
        match figure.kind {
            // There is no axis of numbers, which was reported.
            FigureKind::Lines if figure.x.is_empty() => {}
            FigureKind::Lines => {
                self.axis(&figure.x, at("x"));
                self.metric(&figure.y, at("y"));
                let labels = self.labels(&figure.x, &figure.filter);
                let word = |label: &&&str| !label.parse().is_ok_and(f64::is_finite);
                if let Some(label) = labels.iter().find(word) {
                    let found = format!("an axis with the value `{label}`");
                    self.problems.push(Problem::new(at("x"), found, "an axis of numbers"));
                }
                self.further(figure, at("where"));
            }
            FigureKind::Pareto => {
                self.metric(&figure.x, at("x"));
                self.metric(&figure.y, at("y"));
            }
            FigureKind::Cdf => {}
        }
        self.filter(&figure.filter, &at("where"));
        self.hulls(figure, &at("hulls"));
        let count = self.labels(&figure.series, &figure.filter).len();
        if count > MAX_SERIES {
            let found = format!("{count} lines in one figure");
            let expected = format!("{MAX_SERIES} at most; `where` chooses some of them");
            self.problems.push(Problem::new(at("series"), found, expected));
        }
    }

    /// Reports hulls that cannot be drawn, or of lines that are not shown.
    fn hulls(&mut self, figure: &FigureSpec, place: &Location) {
        let mut report = |found: String, expected: &str| {
            self.problems.push(Problem::new(place.clone(), found, expected));
        };
        if figure.hulls.is_empty() {
            return;
        }
        if figure.kind != FigureKind::Pareto || figure.series.is_empty() {
            let expected = "a figure with `kind = \"pareto\"` and `series`";
            return report("a figure without points of several lines".to_owned(), expected);
        }
        if figure.hulls.len() > MAX_HULLS {
            report(format!("{} groups", figure.hulls.len()), "four groups at most");
        }
        let axes = [&figure.x, &figure.y];
        for metric in axes.into_iter().filter(|name| metrics::more_is_better(name).is_none()) {
            let expected = "metrics of which more, or less, is better, as goodput_rps";
            report(format!("`{metric}`, of which neither is better"), expected);
        }
        for (name, _) in figure.hulls.iter().filter(|(_, labels)| labels.is_empty()) {
            report(format!("no label in `{name}`"), "labels of a group");
        }
        let known = self.labels(&figure.series, &figure.filter);
        for label in figure.hulls.iter().flat_map(|(_, labels)| labels) {
            if !known.is_empty() && !known.iter().any(|known| is_label(known, label)) {
                let known = known.iter().copied();
                let problem = Problem::unknown(place.clone(), "line", label, known);
                self.problems.push(problem.of(&figure.series));
            }
        }
    }

    /// Reports a further axis that varies: a point of a line must be one configuration.
    fn further(&mut self, figure: &FigureSpec, place: Location) {
        let (Some(x), series) = (self.at(&figure.x), self.at(&figure.series)) else { return };
        let facet = self.at(&figure.facet);
        let mut points = BTreeMap::new();
        let further = self.passing(&figure.filter).find_map(|labels| {
            let line = [series, facet].map(|axis| axis.map(|axis| &labels[axis]));
            let first = *points.entry((&labels[x], line)).or_insert(labels);
            let differs = (0..labels.len()).find(|at| first[*at] != labels[*at])?;
            Some((self.keys[differs].clone(), first[differs].clone()))
        });
        if let Some((key, label)) = further {
            let found = format!("points that average over `{key}`");
            let expected = format!("one value of it, as {{ \"{key}\" = \"{label}\" }}");
            self.problems.push(Problem::new(place, found, expected));
        }
    }

    fn claim(&mut self, claim: &Expectation) {
        if claim.not_transposable.is_some() {
            return;
        }
        let at = |field: &str| claim.place.clone().field(&format!("expect.{field}"));
        self.axis(&claim.axis, at("axis"));
        self.metric(&claim.metric, at("metric"));
        self.label(&claim.axis, &claim.left, &at("claim"));
        self.label(&claim.axis, &claim.right, &at("claim"));
        self.filter(&claim.filter, &at("where"));
    }

    /// Reports unknown axes and labels of a filter.
    pub fn filter(&mut self, filter: &[(String, Vec<String>)], place: &Location) {
        for (key, labels) in filter {
            self.axis(key, place.clone());
            labels.iter().for_each(|label| self.label(key, label, place));
        }
    }

    fn axis(&mut self, name: &str, place: Location) {
        if !self.keys.iter().any(|key| key == name) {
            let known = self.keys.iter().map(String::as_str);
            self.problems.push(Problem::unknown(place, "axis", name, known));
        }
    }

    fn metric(&mut self, name: &str, place: Location) {
        if !self.metrics.contains(&name) {
            let known = self.metrics.iter().copied();
            self.problems.push(Problem::unknown(place, "metric", name, known));
        }
    }

    fn label(&mut self, key: &str, label: &str, place: &Location) {
        let known = self.labels(key, &[]);
        if !known.is_empty() && !known.iter().any(|known| is_label(known, label)) {
            let problem = Problem::unknown(place.clone(), "value", label, known).of(key);
            self.problems.push(problem);
        }
    }

    /// The labels of an axis in the configurations that pass a filter.
    fn labels(&self, key: &str, filter: &[(String, Vec<String>)]) -> BTreeSet<&'a str> {
        let Some(at) = self.at(key) else { return BTreeSet::new() };
        self.passing(filter).map(|labels| labels[at].as_str()).collect()
    }

    /// The configurations that pass a filter.
    fn passing(&self, filter: &[(String, Vec<String>)]) -> impl Iterator<Item = &'a [String]> {
        let passes = |own: &&[String]| {
            filter.iter().all(|(key, labels)| {
                let any = |at: usize| labels.iter().any(|label| is_label(&own[at], label));
                self.at(key).is_none_or(any)
            })
        };
        self.grid.iter().copied().filter(passes)
    }

    /// The index of an axis among the labels.
    fn at(&self, key: &str) -> Option<usize> {
        self.keys.iter().position(|known| known == key)
    }
}
