//! Measured figures against the targets of a data file.
//!
//! `targets.csv` beside the experiments of a reproduction says what is expected of a figure and
//! where the expectation comes from; the program says what it measured. A figure may have several
//! targets, each a check of its own, or none: then it is reported.
//!
//! A figure within its tolerance **holds** only if the tolerance is informative: at most half of
//! the target, and less than the distance between the target and the figure of the null policy,
//! where that is known. Otherwise it is **undecided**. A figure beyond its tolerance is
//! **contradicted**, however wide the tolerance is.

use super::super::claims::Verdict;
use super::moved::{Line, TableComparison, compare};
use crate::config::csv::{Row, Table};
use crate::config::{Problem, source};
use crate::stats::Estimate;
use std::collections::BTreeMap;

/// A tolerance that is a larger share of its target is not informative.
const WIDE: f64 = 0.5;
/// Standard errors of the difference between a figure and a sampled target that a tolerance spans.
const STANDARD_ERRORS: f64 = 4.0;

/// What a reproduction measured.
#[derive(Clone, Debug)]
pub struct Measurement {
    /// The section of the report.
    pub section: &'static str,
    /// What it is, unit included; unique in the section.
    pub name: String,
    /// The figure.
    pub value: f64,
    /// Half width of its 95 % interval, where it is a mean.
    pub half_width: Option<f64>,
    /// Its variance over random splits, for targets that are means over such splits.
    pub variance: f64,
    /// What it must be by a formula, and its tolerance.
    pub exact: Option<(f64, Option<f64>)>,
}

impl Measurement {
    /// A figure without interval.
    pub fn new(section: &'static str, name: impl Into<String>, value: f64) -> Self {
        let (half_width, variance, exact) = (None, 0.0, None);
        Self { section, name: name.into(), value, half_width, variance, exact }
    }

    /// The same, with the interval of the mean of `values`.
    pub fn with_interval(mut self, values: &[f64]) -> Self {
        self.half_width = Estimate::of(values).and_then(|estimate| estimate.half_width);
        self
    }

    /// The same, with a target that a formula gives.
    pub fn against(self, target: f64, tolerance: Option<f64>) -> Self {
        Self { exact: Some((target, tolerance)), ..self }
    }
}

/// One row of `targets.csv`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Target {
    section: String,
    /// The name of the measurement.
    pub figure: String,
    /// The name of the check, if not that of the measurement.
    name: String,
    value: Option<f64>,
    tolerance: Option<f64>,
    /// Standard deviation of the target's samples, which widens the tolerance.
    spread: Option<f64>,
    /// Number of the target's samples.
    samples: Option<f64>,
    /// What the figure is under the null policy.
    null: Option<f64>,
    /// The least value that the figure may have.
    pub low: Option<f64>,
    /// The greatest value that the figure may have.
    pub high: Option<f64>,
    /// Where the target comes from.
    pub source: String,
}

impl Target {
    fn tolerance(&self, variance: f64) -> Option<f64> {
        let Some(spread) = self.spread else { return self.tolerance };
        let variance = spread * spread / self.samples.unwrap_or(1.0) + variance;
        Some(STANDARD_ERRORS * libm::sqrt(variance) + self.tolerance.unwrap_or(0.0))
    }

    /// A figure beyond the least or the greatest value is contradicted unless its interval reaches
    /// back.
    fn verdict(&self, measured: &Measurement, tolerance: Option<f64>) -> Verdict {
        let value = measured.value;
        if self.low.is_some() || self.high.is_some() {
            let low = self.low.unwrap_or(f64::NEG_INFINITY);
            let high = self.high.unwrap_or(f64::INFINITY);
            let width = measured.half_width.unwrap_or(0.0);
            return match (low..=high).contains(&value) {
                true => Verdict::Holds,
                false if value + width >= low && value - width <= high => Verdict::Undecided,
                false => Verdict::Contradicted,
            };
        }
        let (Some(target), Some(tolerance)) = (self.value, tolerance) else {
            return Verdict::Reported;
        };
        let uninformative = tolerance > WIDE * target.abs()
            || self.null.is_some_and(|null| tolerance >= (target - null).abs());
        match (value - target).abs() <= tolerance {
            false => Verdict::Contradicted,
            true if uninformative => Verdict::Undecided,
            true => Verdict::Holds,
        }
    }

    fn check(&self, measured: &Measurement) -> Check {
        let tolerance = self.tolerance(measured.variance);
        let name = if self.name.is_empty() { &measured.name } else { &self.name };
        Check {
            section: measured.section.to_owned(),
            name: name.clone(),
            figure: Some(measured.value),
            half_width: measured.half_width,
            target: self.value,
            tolerance: tolerance.filter(|_| self.value.is_some()),
            verdict: self.verdict(measured, tolerance),
        }
    }
}

/// The rows of a `targets.csv`.
#[derive(Clone, Debug, Default)]
pub struct Targets(Vec<Target>);

impl Targets {
    /// Reads a file on disk or inside the binary; no targets if there is none.
    ///
    /// # Errors
    /// Says which cell cannot be read.
    pub fn load(path: &str) -> Result<Self, Problem> {
        if !source::exists(path) {
            return Ok(Self::default());
        }
        let table = Table::parse_any(&source::read(path)?)?;
        let number = |row: &Row<'_>, name: &str| -> Result<Option<f64>, Problem> {
            let column = table.column(name)?;
            if row.text(column).is_empty() { Ok(None) } else { row.signed(column).map(Some) }
        };
        let text = |row: &Row<'_>, name: &str| -> Result<String, Problem> {
            Ok(row.text(table.column(name)?).to_owned())
        };
        let target = |row: Row<'_>| {
            Ok(Target {
                section: text(&row, "section")?,
                figure: text(&row, "figure")?,
                name: text(&row, "name")?,
                value: number(&row, "target")?,
                tolerance: number(&row, "tolerance")?,
                spread: number(&row, "spread")?,
                samples: number(&row, "samples")?,
                null: number(&row, "null")?,
                low: number(&row, "low")?,
                high: number(&row, "high")?,
                source: text(&row, "source")?,
            })
        };
        table.rows().map(target).collect::<Result<_, _>>().map(Self)
    }

    /// The first target of a section.
    pub fn first(&self, section: &str) -> Option<&Target> {
        self.0.iter().find(|target| target.section == section)
    }

    /// Checks every measurement, in order, against its targets.
    pub fn check(&self, measured: &[Measurement]) -> Vec<Check> {
        let mut known: BTreeMap<(&str, &str), Vec<&Target>> = BTreeMap::new();
        for target in &self.0 {
            known.entry((&target.section, &target.figure)).or_default().push(target);
        }
        let mut checks = Vec::new();
        for figure in measured {
            let (target, tolerance) = figure.exact.unzip();
            let formula =
                Target { value: target, tolerance: tolerance.flatten(), ..Target::default() };
            match known.get(&(figure.section, figure.name.as_str())) {
                Some(targets) => checks.extend(targets.iter().map(|target| target.check(figure))),
                None => checks.push(formula.check(figure)),
            }
        }
        checks
    }

    /// The targets of a section whose figures cannot be measured.
    pub fn unmeasured(&self, section: &str) -> Vec<Check> {
        let own = self.0.iter().filter(|target| target.section == section);
        let check = |target: &Target| Check {
            section: section.to_owned(),
            name: if target.name.is_empty() { &target.figure } else { &target.name }.clone(),
            figure: None,
            half_width: None,
            target: target.value,
            tolerance: None,
            verdict: Verdict::NoData,
        };
        own.map(check).collect()
    }
}

/// A figure, its target and the verdict.
#[derive(Clone, Debug, PartialEq)]
pub struct Check {
    /// The section of the report.
    pub section: String,
    /// What it is, unit included.
    pub name: String,
    /// What was measured.
    pub figure: Option<f64>,
    /// Half width of its 95 % interval, where it is a mean.
    pub half_width: Option<f64>,
    /// What was expected.
    pub target: Option<f64>,
    /// The greatest distance from the target that is accepted.
    pub tolerance: Option<f64>,
    /// What follows.
    pub verdict: Verdict,
}

impl Check {
    /// The columns of a table of checks; the first two name a row.
    pub const COLUMNS: [&str; 7] =
        ["section", "name", "figure", "half_width_95", "target", "tolerance", "verdict"];

    /// Its cells, numbers as `number` writes them.
    pub fn cells(&self, number: impl Fn(Option<f64>) -> String) -> [String; 7] {
        let [figure, half_width, target, tolerance] =
            [self.figure, self.half_width, self.target, self.tolerance].map(number);
        let (section, name) = (self.section.clone(), self.name.clone());
        [section, name, figure, half_width, target, tolerance, self.verdict.name().to_owned()]
    }
}

/// Checks as a CSV table.
pub fn checks_csv(checks: &[Check]) -> String {
    let mut text = Check::COLUMNS.join(",") + "\n";
    let number = |value: Option<f64>| value.map_or(String::new(), |value| value.to_string());
    for check in checks {
        let [section, name, rest @ ..] = check.cells(number);
        let name = name.replace('"', "\"\"");
        text.push_str(&format!("\"{section}\",\"{name}\",{}\n", rest.join(",")));
    }
    text
}

/// Compares two tables of checks, cell by cell.
///
/// # Errors
/// Says which column the kept table lacks.
pub fn compare_checks(kept: &Table, now: &Table) -> Result<TableComparison, Problem> {
    let lines = |table: &'_ Table| -> Result<[usize; 7], Problem> {
        let mut places = [0; 7];
        for (place, name) in places.iter_mut().zip(Check::COLUMNS) {
            *place = table.column(name)?;
        }
        Ok(places)
    };
    let (was, is) = (lines(kept)?, lines(now)?);
    Ok(compare(kept.rows().map(|row| line(row, was)), now.rows().map(|row| line(row, is))))
}

fn line(row: Row<'_>, places: [usize; 7]) -> Line<'_> {
    let cells = places.iter().zip(Check::COLUMNS).map(|(at, name)| (name, row.text(*at)));
    let mut cells: Vec<_> = cells.collect();
    let name = cells.drain(..2).map(|(_, cell)| cell).collect();
    Line { name, cells }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tolerance_that_accepts_nearly_every_figure_decides_nothing() {
        let verdict = |figure, target, tolerance, null| {
            let (target, tolerance) = (Some(target), Some(tolerance));
            let row = Target { value: target, tolerance, null, ..Target::default() };
            row.check(&Measurement::new("s", "n", figure)).verdict
        };
        // Seconds of an agent; dollars of a local answer, whose target is a rounded 0.
        assert_eq!(verdict(9.0, 7.95, 17.3, None), Verdict::Undecided);
        assert_eq!(verdict(2.8e-8, 0.0, 5e-6, None), Verdict::Undecided);
        assert_eq!(verdict(5e-4, 5e-4, 3.9e-3, None), Verdict::Undecided);
        assert_eq!(verdict(30.0, 7.95, 17.3, None), Verdict::Contradicted);
        assert_eq!(verdict(1.0, 1.1, 0.55, None), Verdict::Holds);
        assert_eq!(verdict(0.0, 0.0, 0.0, None), Verdict::Holds);
        assert_eq!(verdict(1.0, 1.0, 0.2, Some(0.83)), Verdict::Undecided);
        assert_eq!(verdict(1.0, 1.0, 0.2, Some(0.7)), Verdict::Holds);
        assert_eq!(verdict(2.0, 1.0, 0.2, Some(0.83)), Verdict::Contradicted);
    }

    #[test]
    fn ranges_include_their_ends_and_figures_without_target_are_reported() {
        let row = Target { low: Some(0.0), high: Some(1.0), ..Target::default() };
        let verdict = |value| row.verdict(&Measurement::new("s", "n", value), None);
        assert_eq!([0.0, 1.0].map(verdict), [Verdict::Holds; 2]);
        assert_eq!([-0.1, 1.1, f64::NAN].map(verdict), [Verdict::Contradicted; 3]);
        let checks = Targets::default().check(&[Measurement::new("s", "n", 1.0)]);
        assert_eq!(checks[0].verdict, Verdict::Reported);
        let wide = Measurement { half_width: Some(0.5), ..Measurement::new("s", "n", 1.4) };
        assert_eq!(row.verdict(&wide, None), Verdict::Undecided);
        let far = Measurement { value: 1.6, ..wide };
        assert_eq!(row.verdict(&far, None), Verdict::Contradicted);
    }
}
