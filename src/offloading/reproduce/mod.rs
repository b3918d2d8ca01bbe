//! Published figures artifacts again, each beside its target: what `peeksim reproduce tmo` prints.
//!
//! Targets are the constants and closed forms of the authors' code, their published sweep, and
//! figures measured by running that code on the data set M4A1. Lines that need the data set have no
//! figure without it.

mod closed_form;
mod cross_scores;
mod devices;
mod dialogue_scores;
mod learners;
mod optimum_bounds;
mod policy_cache;
mod published_constants;
mod report;
mod splits;
mod synthetic_rl;
mod synthetic_totals;

use crate::config::Problem;
use crate::offloading::{Cost, Workload};
use crate::output::atomic::WriteError;
use crate::report::figure::{Chart, Point};
use crate::stats::Estimate;
use std::sync::Arc;

pub use closed_form::Calls;
pub use policy_cache::PolicyCache;
pub use report::markdown;

/// A reproduction that could not be carried out.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReproductionError {
    /// Something is wrong with the inputs.
    #[error(transparent)]
    Input(#[from] Problem),
    /// A network could not be kept.
    #[error(transparent)]
    Write(#[from] WriteError),
}

/// What a line came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// As near to the target as it must be.
    Holds,
    /// Not so.
    Off,
    /// Near to the target, but so would be nearly anything: see [`Line`].
    TooWide,
    /// The data set is not there.
    NoData,
    /// Nothing is demanded.
    Reported,
}

impl Verdict {
    /// In words.
    pub fn name(self) -> &'static str {
        match self {
            Self::Holds => "holds",
            Self::Off => "off",
            Self::TooWide => "too wide to tell",
            Self::NoData => "no data",
            Self::Reported => "reported",
        }
    }
}

/// One figure beside its target.
///
/// A figure within its tolerance **holds** only if the tolerance can tell something: if it is at
/// most half of the target, and less than the distance from the target to what the figure is where
/// nothing is decided (every answer local), as far as that is known. Else it is **too wide to
/// tell**: the figure agrees with its target, and with its absence. A figure beyond its tolerance
/// is **off**, however wide that is.
#[derive(Clone, Debug, PartialEq)]
pub struct Check {
    /// Which table it belongs to.
    pub section: &'static str,
    /// What it is, unit included.
    pub name: String,
    /// What came out.
    pub figure: Option<f64>,
    /// Half width of its 95 % interval, where it is a mean.
    pub half_width: Option<f64>,
    /// What should.
    pub target: Option<f64>,
    /// How far apart they may be.
    pub tolerance: Option<f64>,
    /// What that means.
    pub verdict: Verdict,
}

impl Check {
    /// A figure that must be within `tolerance` of `target`.
    fn near(
        section: &'static str,
        name: impl Into<String>,
        figure: f64,
        target: f64,
        tolerance: f64,
    ) -> Self {
        let verdict = match (figure - target).abs() <= tolerance {
            true if tolerance <= WIDE * target.abs() => Verdict::Holds,
            true => Verdict::TooWide,
            false => Verdict::Off,
        };
        Self {
            section,
            name: name.into(),
            figure: Some(figure),
            half_width: None,
            target: Some(target),
            tolerance: Some(tolerance),
            verdict,
        }
    }

    /// The same, where the figure would be `null` if nothing was decided.
    fn against(mut self, null: f64) -> Self {
        if let (Verdict::Holds, Some(target), Some(tolerance)) =
            (self.verdict, self.target, self.tolerance)
            && tolerance >= (target - null).abs()
        {
            self.verdict = Verdict::TooWide;
        }
        self
    }

    /// A statement that must be true of a figure.
    fn must(section: &'static str, name: impl Into<String>, figure: f64, holds: bool) -> Self {
        let verdict = if holds { Verdict::Holds } else { Verdict::Off };
        Self { verdict, ..Self::reported(section, name, figure, None) }
    }

    /// A figure of which nothing is demanded.
    fn reported(
        section: &'static str,
        name: impl Into<String>,
        figure: f64,
        target: Option<f64>,
    ) -> Self {
        let (half_width, tolerance) = (None, None);
        let (name, figure) = (name.into(), Some(figure));
        Self { section, name, figure, half_width, target, tolerance, verdict: Verdict::Reported }
    }

    /// The same, with the interval of a mean.
    fn with_interval(mut self, values: &[f64]) -> Self {
        self.half_width = Estimate::of(values).and_then(|estimate| estimate.half_width);
        self
    }

    /// A line that lacks its data.
    fn missing(section: &'static str, name: impl Into<String>, target: Option<f64>) -> Self {
        let line = Self::reported(section, name, 0.0, target);
        Self { figure: None, verdict: Verdict::NoData, ..line }
    }
}

/// How much is artifacts again.
#[derive(Clone, Debug)]
pub struct ReproductionConfig {
    /// Dialogues of each synthetic workload.
    pub dialogues: usize,
    /// Of which so many are tested on.
    pub scored: usize,
    /// Random splits of the data set.
    pub splits: usize,
    /// Splits for which the optimum is searched.
    pub bounds: usize,
    /// Splits on which agents are trained.
    pub trained: usize,
    /// Trainings of each agent on each of them, and synthetic workloads of each shape.
    pub seeds: usize,
    /// Steps of a training.
    pub steps: usize,
}

impl ReproductionConfig {
    /// Half an hour of processor time, nearly all of it training.
    pub const FULL: Self = Self {
        dialogues: 10_000,
        scored: 1_000,
        splits: 200,
        bounds: 200,
        trained: 20,
        seeds: 3,
        steps: 30_000,
    };
    /// A few seconds, with wider tolerances and without training.
    pub const QUICK: Self = Self {
        dialogues: 2_000,
        scored: 100,
        splits: 40,
        bounds: 3,
        trained: 0,
        seeds: 0,
        steps: 0,
    };
}

/// Tolerances that are a larger share of their target tell nothing.
const WIDE: f64 = 0.5;
/// Root of all random numbers of the reproduction.
const SEED: u64 = 20_250_511;
/// Tighter and tighter budgets of a dialogue, as the bounds were measured for.
const BUDGETS: [Cost; 5] = [
    Cost::PUBLISHED,
    Cost { latency_s: 20.0, usage_usd: 0.03 },
    Cost { latency_s: 15.0, usage_usd: 0.02 },
    Cost { latency_s: 10.0, usage_usd: 0.01 },
    Cost { latency_s: 7.0, usage_usd: 0.007 },
];

/// What came of a reproduction.
#[derive(Clone, Debug, Default)]
pub struct Artifacts {
    /// Every line, in order.
    pub lines: Vec<Check>,
    /// Figures by name.
    pub figures: Vec<(&'static str, Chart)>,
}

/// Everything; `data` is the data set M4A1 if it is at hand, `cache` where networks are kept.
pub fn make(
    data: Option<&Arc<Workload>>,
    config: &ReproductionConfig,
    cache: &PolicyCache<'_>,
) -> Result<Artifacts, ReproductionError> {
    let mut artifacts = Artifacts { lines: published_constants::lines(), figures: Vec::new() };
    artifacts.lines.extend(synthetic_totals::lines(config)?);
    artifacts.lines.extend(synthetic_rl::lines(config, cache)?);
    artifacts.lines.extend(splits::lines(data, config)?);
    let Some(data) = data else {
        artifacts.lines.extend(optimum_bounds::missing());
        artifacts.lines.extend(learners::missing());
        return Ok(artifacts);
    };
    let bounds = optimum_bounds::measure(data, config)?;
    artifacts.lines.extend(optimum_bounds::lines(&bounds));
    devices::make(data, config, &mut artifacts)?;
    artifacts.lines.extend(cross_scores::lines(data, config)?);
    learners::make(data, config, cache, &bounds, &mut artifacts)?;
    Ok(artifacts)
}

/// A budget in words.
fn title(budget: Cost) -> String {
    format!("{} s and {} USD", budget.latency_s, budget.usage_usd)
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len().max(1) as f64
}

/// The mean of some values over `x`, with its interval.
fn point(x: f64, values: &[f64]) -> Option<Point> {
    let estimate = Estimate::of(values)?;
    let (low, high) = (estimate.low(), estimate.high());
    Some(Point { x, x_low: x, x_high: x, y: estimate.mean, low, high, ringed: false })
}

/// The lines as a CSV table.
pub fn to_csv(lines: &[Check]) -> String {
    let mut text = "section,name,figure,half_width_95,target,tolerance,verdict\n".to_owned();
    let cell = |value: Option<f64>| value.map_or(String::new(), |value| value.to_string());
    for line in lines {
        text.push_str(&format!(
            "\"{}\",\"{}\",{},{},{},{},{}\n",
            line.section,
            line.name.replace('"', "\"\""),
            cell(line.figure),
            cell(line.half_width),
            cell(line.target),
            cell(line.tolerance),
            line.verdict.name()
        ));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tolerance_that_anything_keeps_tells_nothing() {
        let verdict =
            |figure, target, tolerance| Check::near("s", "n", figure, target, tolerance).verdict;
        // Seconds of an agent; dollars of a local answer, whose target is a rounded 0.
        assert_eq!(verdict(9.0, 7.95, 17.3), Verdict::TooWide);
        assert_eq!(verdict(2.8e-8, 0.0, 5e-6), Verdict::TooWide);
        assert_eq!(verdict(5e-4, 5e-4, 3.9e-3), Verdict::TooWide);
        assert_eq!(verdict(30.0, 7.95, 17.3), Verdict::Off);
        assert_eq!(verdict(1.0, 1.1, 0.55), Verdict::Holds);
        assert_eq!(verdict(0.0, 0.0, 0.0), Verdict::Holds);
        let reward = Check::near("s", "n", 1.0, 1.0, 0.2);
        assert_eq!(reward.clone().against(0.83).verdict, Verdict::TooWide);
        assert_eq!(reward.clone().against(0.7).verdict, Verdict::Holds);
        let off = Check::near("s", "n", 2.0, 1.0, 0.2);
        assert_eq!(off.against(0.83).verdict, Verdict::Off);
    }
}
