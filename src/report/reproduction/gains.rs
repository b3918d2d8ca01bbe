//! Relative gains in utility by the posterior, over every setting of every experiment.

use super::super::results::without;
use super::super::summary::cells;
use super::ExperimentReport;
use std::collections::BTreeMap;

/// A relative gain in mean utility, and where it appears.
#[derive(Clone, Debug)]
pub struct Gain {
    /// (with − without) / without.
    pub relative: f64,
    /// The experiment.
    pub experiment: String,
    /// The labels with the data.
    pub with: String,
    /// The labels without.
    pub without: String,
}

/// Gains of schedulers that see the posterior over schedulers that see profiled accuracies only,
/// at the same setting.
#[derive(Clone, Debug, Default)]
pub struct Gains {
    /// Over the same scheduler without the data.
    pub twins: Vec<Gain>,
    /// Over any scheduler without the data.
    pub any: Vec<Gain>,
}

/// The gains in all experiments. Of the `equivalent` schedulers, the first is the second one with
/// the posterior.
pub fn gains(reports: &[ExperimentReport], equivalent: [&str; 2]) -> Gains {
    let mut gains = Gains::default();
    for report in reports {
        let Some(axis) = report.results.axis("scheduler") else { continue };
        let cells = cells(&report.results.rows);
        let mean = |at: usize| cells[at].estimate("utility_mean").map(|e| e.mean);
        let info = |at: usize| cells[at].rows.first().map_or("", |row| row.source());
        let mut settings: BTreeMap<Vec<String>, Vec<usize>> = BTreeMap::new();
        for (at, cell) in cells.iter().enumerate() {
            settings.entry(without(cell.labels, axis)).or_default().push(at);
        }
        for places in settings.values() {
            let of = |wanted: &str| -> Vec<usize> {
                places.iter().copied().filter(|at| info(*at) == wanted).collect()
            };
            let (seeing, blind) = (of("posterior"), of("profiled"));
            for (&with, &without) in seeing.iter().flat_map(|w| blind.iter().map(move |b| (w, b))) {
                let (Some(high), Some(low)) = (mean(with), mean(without)) else { continue };
                if low <= 0.0 {
                    continue;
                }
                let gain = Gain {
                    relative: (high - low) / low,
                    experiment: report.experiment.name.clone(),
                    with: cells[with].labels.join(" · "),
                    without: cells[without].labels.join(" · "),
                };
                let labels = [with, without].map(|at| cells[at].labels[axis].as_str());
                if report.are_twins(labels, equivalent) {
                    gains.twins.push(gain.clone());
                }
                gains.any.push(gain);
            }
        }
    }
    gains
}
