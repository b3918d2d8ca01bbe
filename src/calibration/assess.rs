//! Predictions of cells beside their measurements.

use super::fit::{Fit, Intervals, Model, fit, intervals, mean};
use super::loads::{Cell, LoadRun};
use super::predict::{Figures, PredictError, predict};
use crate::stats::Median;
use rayon::prelude::*;

/// The predicted metrics of a load, as columns are named.
pub const METRICS: [&str; 5] = ["mean_ms", "p50_ms", "p95_ms", "p99_ms", "watts"];
/// The index of mean latency in [`METRICS`].
pub const MEAN: usize = 0;
/// The index of power in [`METRICS`].
pub const WATTS: usize = 4;
/// Quantiles beyond the median are compared for runs with this many requests.
pub const MIN_REQUESTS: u64 = 200;

/// How cells are fitted and predicted.
#[derive(Clone, Debug)]
pub struct FitPlan {
    /// The loads to fit to; without them the smallest one where the isolated latency is known, and
    /// the smallest two elsewhere.
    pub loads: Option<Vec<f64>>,
    /// The model.
    pub model: Model,
    /// Simulations of each run.
    pub draws: u64,
    /// The most repeats of each load that are simulated.
    pub repeats: usize,
}

impl FitPlan {
    /// The loads to which a cell is fitted.
    pub fn loads_of(&self, cell: &Cell) -> Vec<f64> {
        let count = if cell.isolated.is_some() { 1 } else { 2 };
        self.loads.clone().unwrap_or_else(|| cell.loads().into_iter().take(count).collect())
    }

    /// Whether a cell has enough to be fitted: without an isolated latency it needs two loads.
    pub fn can_fit(&self, cell: &Cell) -> bool {
        let is_fitted = |load: &&f64| cell.loads().iter().any(|own| (own - **load).abs() < 1e-9);
        let loads = self.loads_of(cell).iter().filter(is_fitted).count();
        loads > usize::from(cell.isolated.is_none())
    }
}

/// A measured metric and its prediction.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Compared {
    /// Mean over the repeats.
    pub measured: Option<f64>,
    /// Mean over the simulations of the repeats.
    pub predicted: Option<f64>,
    /// How far a repeat is from the mean of the others, as a share: the median.
    pub repeats: Option<f64>,
}

impl Compared {
    /// The relative error of the prediction.
    pub fn error(&self) -> Option<f64> {
        let (measured, predicted) = self.measured.zip(self.predicted)?;
        (measured > 0.0).then(|| predicted / measured - 1.0)
    }
}

/// A load of a cell.
#[derive(Clone, Debug)]
pub struct LoadAssessment {
    /// As a share of what the device sustains.
    pub load: f64,
    /// Whether the cell was fitted to it.
    pub is_fitted: bool,
    /// Runs that were compared.
    pub runs: usize,
    /// Their mean rate.
    pub rate_rps: f64,
    /// Utilization of the worker by the fit.
    pub utilization: f64,
    /// In the order of [`METRICS`].
    pub metrics: [Compared; METRICS.len()],
}

impl LoadAssessment {
    /// Whether the queue has no steady state by the fit.
    pub fn is_saturated(&self) -> bool {
        self.utilization >= 1.0
    }
}

/// A cell with its fit and all its loads.
#[derive(Clone, Debug)]
pub struct CellAssessment {
    /// Its measurements.
    pub cell: Cell,
    /// Its parameters.
    pub fit: Fit,
    /// Intervals of the parameters.
    pub intervals: Intervals,
    /// By load.
    pub loads: Vec<LoadAssessment>,
}

/// Cells that were assessed.
#[derive(Clone, Debug, Default)]
pub struct Assessment {
    /// Every cell with a fit.
    pub cells: Vec<CellAssessment>,
}

/// Medians over cells at a load, a share each.
#[derive(Clone, Copy, Debug, Default)]
pub struct Medians {
    /// Cells.
    pub cells: usize,
    /// Of absolute errors.
    pub absolute: [Option<Median>; METRICS.len()],
    /// Of errors.
    pub signed: [Option<Median>; METRICS.len()],
    /// Of differences between repeats.
    pub repeats: [Option<Median>; METRICS.len()],
}

/// Fits every cell and predicts all of its runs.
///
/// # Errors
/// A fit that no device can have.
pub fn assess(cells: &[Cell], plan: &FitPlan) -> Result<Assessment, PredictError> {
    let assessed: Vec<Option<CellAssessment>> =
        cells.par_iter().map(|cell| assess_cell(cell, plan)).collect::<Result<_, _>>()?;
    Ok(Assessment { cells: assessed.into_iter().flatten().collect() })
}

fn assess_cell(cell: &Cell, plan: &FitPlan) -> Result<Option<CellAssessment>, PredictError> {
    let fitted = plan.loads_of(cell);
    let is_fitted = |load: f64| fitted.iter().any(|known| (known - load).abs() < 1e-9);
    let runs: Vec<&LoadRun> = cell.runs.iter().filter(|run| is_fitted(run.load)).collect();
    let Some(found) = fit(cell, &runs, plan.model) else { return Ok(None) };
    let mut loads = Vec::new();
    for load in cell.loads() {
        let runs: Vec<&LoadRun> = cell.at(load).take(plan.repeats).collect();
        let predicted =
            |(index, run): (usize, &&LoadRun)| predict(&cell.key, index, run, &found, plan.draws);
        let predicted: Vec<Figures> =
            runs.iter().enumerate().map(predicted).collect::<Result<_, _>>()?;
        let rate_rps = mean(runs.iter().map(|run| run.rate_rps)).unwrap_or(0.0);
        loads.push(LoadAssessment {
            load,
            is_fitted: is_fitted(load),
            runs: runs.len(),
            rate_rps,
            utilization: found.utilization(rate_rps),
            metrics: compare(&runs, &predicted),
        });
    }
    let intervals = intervals(cell, &runs, plan.model);
    Ok(Some(CellAssessment { cell: cell.clone(), fit: found, intervals, loads }))
}

/// The metrics of a run in the order of [`METRICS`]; the tail only of runs that have one.
fn metrics(figures: &Figures, requests: u64) -> [Option<f64>; METRICS.len()] {
    let [p50, p95, p99] = figures.quantiles_ms;
    let has_tail = requests >= MIN_REQUESTS;
    let tail = |quantile: Option<f64>| quantile.filter(|_| has_tail);
    [Some(figures.mean_ms), p50, tail(p95), tail(p99), figures.watts]
}

fn compare(runs: &[&LoadRun], predicted: &[Figures]) -> [Compared; METRICS.len()] {
    let measured = runs.iter().map(|run| {
        let LoadRun { mean_ms, quantiles_ms, serving_w: watts, .. } = **run;
        metrics(&Figures { mean_ms, quantiles_ms, watts }, run.requests)
    });
    let predicted = predicted.iter().zip(runs).map(|(figures, run)| metrics(figures, run.requests));
    let (measured, predicted): (Vec<_>, Vec<_>) = (measured.collect(), predicted.collect());
    std::array::from_fn(|metric| {
        let of = |all: &[[Option<f64>; METRICS.len()]]| -> Vec<f64> {
            all.iter().filter_map(|figures| figures[metric]).collect()
        };
        let (measured, predicted) = (of(&measured), of(&predicted));
        Compared {
            measured: mean(measured.iter().copied()),
            predicted: mean(predicted.iter().copied()),
            repeats: repeats(&measured),
        }
    })
}

/// How far a value is from the mean of the others, as a share of that: the median.
fn repeats(values: &[f64]) -> Option<f64> {
    if values.len() < 2 {
        return None;
    }
    let sum: f64 = values.iter().sum();
    let others = |value: f64| (sum - value) / (values.len() - 1) as f64;
    let apart = |value: &f64| (value / others(*value) - 1.0).abs();
    Some(Median::of(&values.iter().map(apart).collect::<Vec<_>>())?.value)
}

impl Assessment {
    /// Medians over some cells at a load.
    pub fn medians(&self, load: f64, is_counted: impl Fn(&CellAssessment) -> bool) -> Medians {
        let at = |cell: &&CellAssessment| is_counted(cell);
        let loads = self.cells.iter().filter(at).flat_map(|cell| &cell.loads);
        let loads: Vec<&LoadAssessment> =
            loads.filter(|own| (own.load - load).abs() < 1e-9).collect();
        let over = |of: &dyn Fn(&Compared) -> Option<f64>| {
            std::array::from_fn(|metric| {
                let all = loads.iter().filter_map(|own| of(&own.metrics[metric]));
                Median::of(&all.collect::<Vec<_>>())
            })
        };
        Medians {
            cells: loads.len(),
            absolute: over(&|compared| compared.error().map(f64::abs)),
            signed: over(&Compared::error),
            repeats: over(&|compared| compared.repeats),
        }
    }

    /// The loads of all cells, smallest first.
    pub fn loads(&self) -> Vec<f64> {
        let mut loads: Vec<f64> =
            self.cells.iter().flat_map(|cell| &cell.loads).map(|own| own.load).collect();
        loads.sort_by(f64::total_cmp);
        loads.dedup();
        loads
    }
}
