//! The published sweep over synthetic shapes: totals of the random policies against closed forms.

use super::closed_form::Calls;
use super::{ReproductionConfig, SEED};
use crate::config::Problem;
use crate::core::rng::Rng;
use crate::offloading::evaluate::{
    BudgetViolation, DialogueResult, PolicySummary, Totals, evaluate,
};
use crate::offloading::generate::{SyntheticShape, synthetic};
use crate::offloading::{Cost, Costs, DialogueModel, ModelParams, policies};
use crate::report::reproduction::Measurement;
use crate::stats::Estimate;
use std::sync::Arc;

const fn shape(views: usize, tasks: usize, turns: usize) -> SyntheticShape {
    SyntheticShape { views, tasks, turns }
}

const SECTION: &str = "sweep totals";
/// The shapes by name.
pub(super) const SHAPES: [(&str, SyntheticShape); 7] = [
    ("M4A1-shape", shape(3, 4, 5)),
    ("Small", shape(2, 2, 2)),
    ("Medium", shape(4, 4, 4)),
    ("Large", shape(6, 6, 6)),
    ("More modalities", shape(10, 3, 3)),
    ("More tasks", shape(3, 10, 3)),
    ("Long history", shape(3, 3, 10)),
];

pub(super) fn measure(config: &ReproductionConfig) -> Result<Vec<Measurement>, Problem> {
    let mut figures = Vec::new();
    for (at, (name, shape)) in SHAPES.into_iter().enumerate() {
        let rng = Rng::new(SEED, at as u64);
        let workload = Arc::new(synthetic(shape, config.dialogues, rng));
        let params = ModelParams::new(Costs::synthetic(shape.views));
        let all = workload.whole();
        // Totals need no estimator.
        let bare = DialogueModel::new(workload, &[], params.clone())?;
        for (policy_name, cloud) in [("cloud", 1.0), ("random", 0.5)] {
            let mut policy = policies::build(policy_name, &bare, rng)?;
            let results = evaluate(&bare, &all.test, policy.as_mut(), Cost::PUBLISHED);
            let calls = shape.turns.min(params.window + 1);
            let calls = Calls { calls, views: shape.views, cloud };
            figures.extend(totals(&format!("{name}, {policy_name}"), &bare, &results, calls));
        }
    }
    Ok(figures)
}

/// Seconds and dollars of a dialogue and their excess over the budget, four standard errors wide.
fn totals(
    name: &str,
    model: &DialogueModel,
    results: &[DialogueResult],
    calls: Calls,
) -> Vec<Measurement> {
    let local = model.spend(0);
    let budget = Cost::PUBLISHED;
    let summary = PolicySummary::of(model, results, budget, Totals::Window);
    let mut figures = Vec::new();
    let mut add = |what: &str, of: fn(&Cost) -> f64, over: BudgetViolation, exact: (f64, f64)| {
        let values: Vec<f64> =
            results.iter().map(|v| of(&v.total(model, Totals::Window))).collect();
        let spread = Estimate::of(&values).and_then(|e| e.deviation).unwrap_or(0.0);
        let error = spread / libm::sqrt(values.len().max(1) as f64);
        let mean = of(&summary.spent);
        let figure = Measurement::new(SECTION, format!("{name}, {what}"), mean);
        figures.push(figure.against(exact.0, Some(4.0 * error)).with_interval(&values));
        let name = format!("{name}, {what} over budget if any");
        // Without dialogues beyond the budget the mean excess cannot be estimated.
        let known = over.error > 0.0 || exact.1 == 0.0;
        let figure = Measurement::new(SECTION, name, over.mean_over);
        figures.push(figure.against(exact.1, known.then_some(4.0 * over.error)));
    };
    let latency = calls.total(local.latency_s, 0.5, 1.5, budget.latency_s);
    let usage = calls.total(local.usage_usd, 0.0005, 0.004, budget.usage_usd);
    add("s", |spent| spent.latency_s, summary.latency, latency);
    add("USD", |spent| spent.usage_usd, summary.usage, usage);
    figures
}
