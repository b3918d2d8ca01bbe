//! The published sweep over synthetic shapes: totals of the coin-tossing baselines against closed
//! forms, their response and reward against the published table.

use super::closed::Calls;
use super::{Effort, Line, SEED};
use crate::input::Problem;
use crate::rng::Rng;
use crate::stats::Estimate;
use crate::tmo::evaluate::{Overrun, Summary, Totals, Visit, evaluate};
use crate::tmo::generate::{Shape, synthetic};
use crate::tmo::{Costs, Resources, Rules, World, policy};
use std::sync::Arc;

/// A shape with its published response and reward of local, cloud and random.
type Row = (&'static str, Shape, [(f64, f64); 3]);

const fn shape(views: usize, tasks: usize, turns: usize) -> Shape {
    Shape { views, tasks, turns }
}

const ROWS: [Row; 7] = [
    ("M4A1-shape", shape(3, 4, 5), [(0.69, 0.69), (1.35, 1.16), (0.97, 0.88)]),
    ("Small", shape(2, 2, 2), [(0.71, 0.71), (1.15, 0.95), (0.91, 0.81)]),
    ("Medium", shape(4, 4, 4), [(0.70, 0.70), (1.39, 1.21), (1.00, 0.91)]),
    ("Large", shape(6, 6, 6), [(0.70, 0.70), (1.54, 1.36), (1.08, 0.99)]),
    ("More modalities", shape(10, 3, 3), [(0.68, 0.68), (1.66, 1.48), (1.14, 1.05)]),
    ("More tasks", shape(3, 10, 3), [(0.71, 0.71), (1.23, 1.04), (0.95, 0.85)]),
    ("Long history", shape(3, 3, 10), [(0.71, 0.71), (1.50, 1.31), (1.04, 0.94)]),
];
/// Every how many dialogues one is scored by the estimator, which is what takes time.
const SCORED: usize = 20;

pub(super) fn lines(effort: &Effort) -> Result<Vec<Line>, Problem> {
    let mut lines = Vec::new();
    for (at, (name, shape, published)) in ROWS.into_iter().enumerate() {
        let rng = Rng::new(SEED, at as u64);
        let workload = Arc::new(synthetic(shape, effort.dialogues, rng));
        let rules = Rules::new(Costs::synthetic(shape.views));
        let all = workload.whole();
        // Totals need no estimator.
        let bare = World::new(Arc::clone(&workload), &[], rules.clone())?;
        for (policy, cloud) in [("cloud", 1.0), ("random", 0.5)] {
            let mut coins = policy::build(policy, &bare, rng)?;
            let visits = evaluate(&bare, &all.test, coins.as_mut(), Resources::PUBLISHED);
            let calls = shape.turns.min(rules.window + 1);
            let calls = Calls { calls, views: shape.views, cloud };
            lines.extend(totals(&format!("{name}, {policy}"), &bare, &visits, calls));
        }
        let world = World::new(workload, &all.train, rules)?;
        let scored: Vec<usize> = all.test.iter().copied().step_by(SCORED).collect();
        for (policy, (response, reward)) in ["local", "cloud", "random"].into_iter().zip(published)
        {
            let mut coins = policy::build(policy, &world, rng)?;
            let visits = evaluate(&world, &scored, coins.as_mut(), Resources::PUBLISHED);
            let of = |f: fn(&Visit) -> f64| visits.iter().map(f).collect::<Vec<f64>>();
            let mut add = |what: &str, values: &[f64], target: f64| {
                let mean = Estimate::of(values).map_or(0.0, |estimate| estimate.mean);
                let name = format!("{name}, {policy}, {what}");
                let line = Line::reported("sweep scores", name, mean, Some(target));
                lines.push(line.with_interval(values));
            };
            add("response", &of(|v| v.response), response);
            add("reward", &of(|v| v.reward), reward);
        }
    }
    Ok(lines)
}

/// Seconds and dollars of a dialogue and their excess over the budget, four standard errors wide.
fn totals(name: &str, world: &World, visits: &[Visit], calls: Calls) -> Vec<Line> {
    let local = world.spend(0);
    let budget = Resources::PUBLISHED;
    let summary = Summary::of(world, visits, budget, Totals::Window);
    let mut lines = Vec::new();
    let mut add = |what: &str, of: fn(&Resources) -> f64, over: Overrun, exact: (f64, f64)| {
        let values: Vec<f64> = visits.iter().map(|v| of(&v.total(world, Totals::Window))).collect();
        let spread = Estimate::of(&values).and_then(|e| e.deviation).unwrap_or(0.0);
        let error = spread / libm::sqrt(values.len().max(1) as f64);
        let mean = of(&summary.spent);
        let line =
            Line::near("sweep totals", format!("{name}, {what}"), mean, exact.0, 4.0 * error);
        lines.push(line.with_interval(&values));
        let name = format!("{name}, {what} over budget, given any");
        // Nobody beyond the budget says nothing about how far they would be.
        lines.push(if over.error > 0.0 || exact.1 == 0.0 {
            Line::near("sweep totals", name, over.mean_over, exact.1, 4.0 * over.error)
        } else {
            Line::reported("sweep totals", name, over.mean_over, Some(exact.1))
        });
    };
    let latency = calls.total(local.latency_s, 0.5, 1.5, budget.latency_s);
    let usage = calls.total(local.usage_usd, 0.0005, 0.004, budget.usage_usd);
    add("s", |spent| spent.latency_s, summary.latency, latency);
    add("USD", |spent| spent.usage_usd, summary.usage, usage);
    lines
}
