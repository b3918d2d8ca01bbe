//! Figures and claims must name columns and labels that will exist, and that can be drawn.

use super::expand::{Configuration, axis_keys};
use super::spec::{Expectation, Experiment, FigureKind, FigureSpec};
use crate::input::{Place, Problem, Problems};
use crate::metrics::{COLUMNS, WORDS};
use std::collections::{BTreeMap, BTreeSet};

/// The most lines a figure may have: its legend must still tell them apart.
pub const MAX_SERIES: usize = 48;

/// Reports every name of a figure or a claim that means nothing, before the first run.
pub(super) fn check(experiment: &Experiment, grid: &[Configuration], problems: &mut Problems) {
    let keys = axis_keys(experiment);
    let mut names = Names { keys: &keys, grid, problems };
    experiment.figures.iter().for_each(|figure| names.figure(figure));
    experiment.expectations.iter().for_each(|claim| names.claim(claim));
    if let Some(until) = &experiment.until {
        names.metric(&until.metric, until.place.clone().field("until.metric"));
    }
}

struct Names<'a> {
    keys: &'a [String],
    grid: &'a [Configuration],
    problems: &'a mut Problems,
}

impl Names<'_> {
    fn figure(&mut self, figure: &FigureSpec) {
        let at = |field: &str| figure.place.clone().field(&format!("figure.{field}"));
        self.axis(&figure.series, at("series"));
        match figure.kind {
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
        let count = self.labels(&figure.series, &figure.filter).len();
        if count > MAX_SERIES {
            let found = format!("{count} lines in one figure");
            let expected = format!("{MAX_SERIES} at most; `where` chooses some of them");
            self.problems.push(Problem::new(at("series"), found, expected));
        }
    }

    /// A point of a line is one setting: what else varied would be averaged without a word.
    fn further(&mut self, figure: &FigureSpec, place: Place) {
        let (Some(x), Some(series)) = (self.at(&figure.x), self.at(&figure.series)) else { return };
        let mut points = BTreeMap::new();
        let further = self.passing(&figure.filter).find_map(|configuration| {
            let labels = &configuration.labels;
            let first = *points.entry((&labels[x], &labels[series])).or_insert(labels);
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
        let at = |field: &str| claim.place.clone().field(&format!("expect.{field}"));
        self.axis(&claim.axis, at("axis"));
        self.metric(&claim.metric, at("metric"));
        self.label(&claim.axis, &claim.left, &at("claim"));
        self.label(&claim.axis, &claim.right, &at("claim"));
        self.filter(&claim.filter, &at("where"));
    }

    fn filter(&mut self, filter: &[(String, Vec<String>)], place: &Place) {
        for (key, labels) in filter {
            self.axis(key, place.clone());
            labels.iter().for_each(|label| self.label(key, label, place));
        }
    }

    fn axis(&mut self, name: &str, place: Place) {
        if !self.keys.iter().any(|key| key == name) {
            let known = self.keys.iter().map(String::as_str);
            self.problems.push(Problem::unknown(place, "axis", name, known));
        }
    }

    fn metric(&mut self, name: &str, place: Place) {
        let numbers = COLUMNS.iter().map(|c| c.name).filter(|name| !WORDS.contains(name));
        let known: Vec<&str> = numbers.collect();
        if !known.contains(&name) {
            self.problems.push(Problem::unknown(place, "metric", name, known));
        }
    }

    fn label(&mut self, key: &str, label: &str, place: &Place) {
        let known = self.labels(key, &[]);
        if !known.is_empty() && !known.contains(label) {
            let problem = Problem::unknown(place.clone(), "value", label, known).of(key);
            self.problems.push(problem);
        }
    }

    /// The labels of an axis in the configurations that pass a filter.
    fn labels(&self, key: &str, filter: &[(String, Vec<String>)]) -> BTreeSet<&str> {
        let Some(at) = self.at(key) else { return BTreeSet::new() };
        self.passing(filter).map(|c| c.labels[at].as_str()).collect()
    }

    /// The configurations that pass a filter.
    fn passing(&self, filter: &[(String, Vec<String>)]) -> impl Iterator<Item = &Configuration> {
        self.grid.iter().filter(move |configuration| {
            filter.iter().all(|(key, labels)| {
                self.at(key).is_none_or(|at| labels.contains(&configuration.labels[at]))
            })
        })
    }

    /// The place of an axis among the labels.
    fn at(&self, key: &str) -> Option<usize> {
        self.keys.iter().position(|known| known == key)
    }
}
