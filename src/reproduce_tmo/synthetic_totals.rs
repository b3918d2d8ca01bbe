//! The published sweep over synthetic shapes: totals of the random policies against closed forms.
//!
//! Of n counted calls, c go to the cloud, c ~ Binomial(n, p). A cloud call uploads every view with
//! probability 1/2, so the views of all of them together are Binomial(c X, 1/2), and seconds and
//! dollars are linear in c and the views. Means and mean excesses are exact sums.

use super::{ReproductionConfig, SEED};
use crate::config::Problem;
use crate::core::rng::Rng;
use crate::offloading::evaluate::{DialogueResult, PolicySummary, evaluate};
use crate::offloading::generate::{SyntheticShape, synthetic};
use crate::offloading::{Cost, Costs, DialogueModel, ModelParams, Scorer, policies};
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
        let params = ModelParams::new(Costs::synthetic(shape.views)?);
        let count = shape.turns.min(params.window + 1);
        let all = workload.whole();
        // Totals need no estimator.
        let model = DialogueModel::new(workload, &[], params)?;
        for (policy_name, cloud) in [("cloud", 1.0), ("random", 0.5)] {
            let mut policy = policies::build(policy_name, &model, rng)?;
            let results = evaluate(
                &model,
                Scorer::Estimator(&model),
                &all.test,
                policy.as_mut(),
                Cost::PUBLISHED,
            );
            let results: Vec<_> =
                results.into_iter().map(|result| result.windowed(&model)).collect();
            let calls = Calls { count, views: shape.views, cloud };
            figures.extend(totals(&format!("{name}, {policy_name}"), &model, &results, calls));
        }
    }
    Ok(figures)
}

/// Seconds and dollars of a dialogue and their excess over the budget, with tolerances of four
/// standard errors.
fn totals(
    name: &str,
    model: &DialogueModel,
    results: &[DialogueResult],
    calls: Calls,
) -> Vec<Measurement> {
    let (local, budget) = (model.spend(0), Cost::PUBLISHED);
    let summary = PolicySummary::of(model, results, budget);
    let latency = calls.total(local.latency_s, 0.5, 1.5, budget.latency_s);
    let usage = calls.total(local.usage_usd, 0.0005, 0.004, budget.usage_usd);
    let mut figures = Vec::new();
    for (at, what, over, exact) in
        [(0, "s", summary.latency, latency), (1, "USD", summary.usage, usage)]
    {
        let values: Vec<f64> = results.iter().map(|result| result.spent.parts()[at]).collect();
        let spread = Estimate::of(&values).and_then(|e| e.deviation).unwrap_or(0.0);
        let error = spread / libm::sqrt(values.len().max(1) as f64);
        let mean = summary.spent.parts()[at];
        let figure = Measurement::new(SECTION, format!("{name}, {what}"), mean);
        figures.push(figure.against(exact.0, Some(4.0 * error)).with_interval(&values));
        let name = format!("{name}, {what} over budget if any");
        // Without dialogues beyond the budget the mean excess cannot be estimated.
        let known = over.error > 0.0 || exact.1 == 0.0;
        let figure = Measurement::new(SECTION, name, over.mean_over);
        figures.push(figure.against(exact.1, known.then_some(4.0 * over.error)));
    }
    figures
}

/// n calls, each in the cloud with probability `cloud`, with X views, at the sweep's costs.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Calls {
    /// Number of calls, n.
    count: usize,
    /// Number of views, X.
    views: usize,
    /// Probability of the cloud.
    cloud: f64,
}

/// Probability of `k` successes of `n` with probability `p`.
fn binomial(n: usize, k: usize, p: f64) -> f64 {
    let choices = (0..k).fold(1.0, |product, i| product * (n - i) as f64 / (i + 1) as f64);
    choices * libm::pow(p, k as f64) * libm::pow(1.0 - p, (n - k) as f64)
}

impl Calls {
    /// Mean, and mean excess over `budget` of the totals beyond it, of calls that take `local` on
    /// the device and `base + per_view · views` in the cloud.
    fn total(&self, local: f64, base: f64, per_view: f64, budget: f64) -> (f64, f64) {
        let (mut mean, mut excess, mut beyond) = (0.0, 0.0, 0.0);
        for cloud in 0..=self.count {
            let calls = binomial(self.count, cloud, self.cloud);
            for views in 0..=cloud * self.views {
                let p = calls * binomial(cloud * self.views, views, 0.5);
                let device = local * (self.count - cloud) as f64;
                let total = device + base * cloud as f64 + per_view * views as f64;
                mean += p * total;
                if total > budget * (1.0 + 1e-9) {
                    excess += p * (total - budget);
                    beyond += p;
                }
            }
        }
        (mean, if beyond > 0.0 { excess / beyond } else { 0.0 })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_printed_closed_forms_come_out() {
        let local = (0.011_428_6, 7.9429e-9);
        // Views, calls; L, U (1e-3 USD) and mean excesses of cloud and of random.
        let rows = [
            (3, 5, [13.750, 32.50, 0.0, 1.458], [6.904, 16.25, 0.0, 1.364]),
            (2, 2, [4.0, 9.0, 0.0, 0.0], [2.011, 4.5, 0.0, 0.0]),
            (4, 4, [14.0, 34.0, 0.0, 4.890], [7.023, 17.0, 0.0, 4.890]),
            (6, 6, [30.0, 75.0, 4.108, 25.444], [15.034, 37.5, 2.930, 10.411]),
            (10, 3, [24.0, 61.5, 2.502, 15.040], [12.017, 30.75, 2.502, 11.973]),
            (3, 3, [8.25, 19.5, 0.0, 0.0], [4.142, 9.75, 0.0, 0.0]),
            (3, 6, [16.5, 39.0, 0.0, 3.289], [8.284, 19.5, 0.0, 2.390]),
        ];
        for (views, calls, cloud, random) in rows {
            for (p, printed) in [(1.0, cloud), (0.5, random)] {
                let calls = Calls { count: calls, views, cloud: p };
                let latency = calls.total(local.0, 0.5, 1.5, 30.0);
                let usage = calls.total(local.1, 0.0005, 0.004, 0.05);
                let found = [latency.0, usage.0 * 1e3, latency.1, usage.1 * 1e3];
                for (found, printed) in found.into_iter().zip(printed) {
                    assert!((found - printed).abs() < 6e-4, "{views} {calls:?}: {found} {printed}");
                }
            }
        }
    }
}
