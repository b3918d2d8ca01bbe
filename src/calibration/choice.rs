//! Which of the nested models predicts best: out of sample, over the loads that are fitted.
//!
//! Each fitted load in turn is left out, every model is fitted to the others, and the mean latency
//! of the load that was left out is compared with the steady state of the fit.

use super::FitPlan;
use super::fit::{CHOSEN, Model, NESTED, fit, mean};
use super::loads::{Cell, LoadRun};
use crate::stats::Median;

/// A model with the median absolute error of mean latencies that it was not fitted to.
#[derive(Clone, Copy, Debug)]
pub struct ModelScore {
    /// The model.
    pub model: Model,
    /// The error, and over how many loads of cells; `None` where no load can be left out.
    pub error: Option<Median>,
}

/// The model with the least error, of equal ones the smallest; and the errors of all. Where no load
/// can be left out, the model by which six devices were predicted best.
pub fn choose(cells: &[Cell], plan: &FitPlan) -> (Model, Vec<ModelScore>) {
    let score = |model: Model| {
        let errors: Vec<f64> = cells.iter().flat_map(|cell| left_out(cell, plan, model)).collect();
        ModelScore { model, error: Median::of(&errors) }
    };
    let scores: Vec<ModelScore> = NESTED.into_iter().map(score).collect();
    let scored = scores.iter().filter_map(|own| Some((own.model, own.error?.value)));
    let best = scored.reduce(|best, other| if other.1 < best.1 { other } else { best });
    (best.map_or(CHOSEN, |(model, _)| model), scores)
}

/// The errors at the loads of a cell that are left out in turn.
fn left_out(cell: &Cell, plan: &FitPlan, model: Model) -> Vec<f64> {
    let loads = plan.loads_of(cell);
    let is = |run: &&LoadRun, load: f64| (run.load - load).abs() < 1e-9;
    let error = |left: &f64| {
        let is_fitted = |run: &&LoadRun| loads.iter().any(|load| is(run, *load)) && !is(run, *left);
        let runs: Vec<&LoadRun> = cell.runs.iter().filter(is_fitted).collect();
        let fit = fit(cell, &runs, model)?;
        let own = || cell.runs.iter().filter(|run| is(run, *left));
        let predicted = mean(own().map(|run| fit.mean_ms(run.rate_rps)))?;
        Some((predicted / mean(own().map(|run| run.mean_ms))? - 1.0).abs())
    };
    loads.iter().filter_map(error).collect()
}
