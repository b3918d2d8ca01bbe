//! Policies that need no training, over random splits of M4A1, against as many splits of the
//! authors' environment; and what could at best be reached within a budget.

use super::{BUDGETS, Effort, Line, SEED};
use crate::input::Problem;
use crate::rng::Rng;
use crate::stats::Estimate;
use crate::tmo::cost::{DEVICES, NETWORKS};
use crate::tmo::estimator::Ties;
use crate::tmo::evaluate::{Summary, Totals, Visit, evaluate};
use crate::tmo::optimum::Tree;
use crate::tmo::{Costs, Resources, Rules, Split, Workload, World, policy};
use rayon::prelude::*;
use std::sync::Arc;

/// A figure over 200 splits of the reference: mean and standard deviation between splits.
type Reference = (f64, f64);

/// A policy with its reference figures, the first of [`METRICS`].
type Row = (&'static str, &'static [Reference]);

/// What is compared, with its unit, and where it is found.
type Metric = (&'static str, fn(&Summary) -> f64);

const METRICS: [Metric; 7] = [
    ("response", |s| s.response),
    ("reward", |s| s.reward),
    ("association", |s| s.association),
    ("s", |s| s.spent.latency_s),
    ("USD", |s| s.spent.usage_usd),
    ("share over the time budget", |s| s.latency.rate),
    ("share over the usage budget", |s| s.usage.rate),
];
/// Splits of the reference.
const REFERENCE_SPLITS: f64 = 200.0;
/// Half a unit of the last digit of reference figures.
const PRINTED: f64 = 5e-6;

/// Where ties are shared.
#[rustfmt::skip]
const ROWS: [Row; 9] = [
    ("random", &[(0.962, 0.08007), (0.81857, 0.07399), (0.15519, 0.02545), (10.28642, 1.43228),
        (0.01263, 0.00199), (0.00275, 0.01143), (0.0, 0.0)]),
    ("local", &[(0.83064, 0.08104), (0.83064, 0.08104), (0.0, 0.0), (0.04045, 0.00271),
        (0.0, 0.0), (0.0, 0.0), (0.0, 0.0)]),
    ("cloud", &[(1.17395, 0.08739), (0.8882, 0.08755), (0.31254, 0.02209), (20.55619, 1.44342),
        (0.0255, 0.00245), (0.076, 0.06056), (0.01725, 0.02948)]),
    ("uniform", &[(1.10805, 0.08082), (0.8551, 0.07749), (0.27546, 0.02397), (18.19488, 1.54288),
        (0.02246, 0.00237), (0.03875, 0.04411), (0.00825, 0.01861)]),
    ("always:cloud+0", &[(1.16234, 0.07605), (0.92863, 0.07587), (0.21562, 0.00349),
        (16.85157, 1.12903), (0.0177, 0.00119), (0.0, 0.0), (0.0, 0.0)]),
    ("always:cloud+0+1", &[(1.2716, 0.10444), (0.96806, 0.10435), (0.42083, 0.00556),
        (22.10506, 1.48101), (0.03345, 0.00224), (0.24825, 0.08831), (0.0, 0.0)]),
    ("always:cloud+0+1+2", &[(1.1716, 0.07536), (0.83826, 0.07536), (0.62438, 0.00812),
        (24.71143, 1.65563), (0.04842, 0.00324), (0.24825, 0.08831), (0.4855, 0.10699)]),
    ("greedy-knn", &[(1.4942, 0.12162), (1.28084, 0.11678), (0.26248, 0.02835),
        (14.70967, 1.18293), (0.02038, 0.00231), (0.0005, 0.00499), (0.0005, 0.00499)]),
    ("greedy-knn-association", &[(1.49828, 0.12407), (1.28775, 0.11822), (0.25815, 0.02744),
        (14.52146, 1.20432), (0.01994, 0.00229), (0.0005, 0.00499), (0.0005, 0.00499)]),
];

/// The same where ties go to the points that come first: response and reward only.
const LOWEST: [Row; 4] = [
    ("local", &[(0.82893, 0.08587), (0.82893, 0.08587)]),
    ("always:cloud+0", &[(1.10065, 0.08148), (0.86695, 0.0813)]),
    ("always:cloud+0+1", &[(1.26252, 0.10982), (0.95898, 0.10973)]),
    ("greedy-knn", &[(1.5065, 0.12162), (1.29621, 0.11813)]),
];

/// The published device and network on one split.
pub(super) fn world(data: &Arc<Workload>, split: &Split, ties: Ties) -> Result<World, Problem> {
    let rules = Rules { ties, ..Rules::new(Costs::paper(DEVICES[3], NETWORKS[0])) };
    World::new(Arc::clone(data), &split.train, rules)
}

/// The seed of the split with this number.
pub(super) fn split_rng(split: usize) -> Rng {
    Rng::new(SEED, 1000 + split as u64)
}

pub(super) fn lines(data: Option<&Arc<Workload>>, effort: &Effort) -> Result<Vec<Line>, Problem> {
    let mut lines = compare("splits", &ROWS, Ties::Shared, data, effort)?;
    lines.extend(compare("splits, lowest index", &LOWEST, Ties::LowestIndex, data, effort)?);
    Ok(lines)
}

/// Means over splits of some policies beside the reference's.
fn compare(
    section: &'static str,
    rows: &[Row],
    ties: Ties,
    data: Option<&Arc<Workload>>,
    effort: &Effort,
) -> Result<Vec<Line>, Problem> {
    let Some(data) = data else {
        let missing = |(name, reference): &Row| {
            let lines = METRICS.iter().zip(*reference).map(|((what, _), (target, _))| {
                Line::missing(section, format!("{name}, {what}"), Some(*target))
            });
            lines.collect::<Vec<_>>()
        };
        return Ok(rows.iter().flat_map(missing).collect());
    };
    let by_split: Vec<Vec<Summary>> = (0..effort.splits)
        .into_par_iter()
        .map(|at| {
            let split = data.split(split_rng(at));
            let world = world(data, &split, ties)?;
            rows.iter().map(|(name, _)| summary(&world, &split.test, name, at)).collect()
        })
        .collect::<Result<_, _>>()?;
    let mut lines = Vec::new();
    for (row, (name, reference)) in rows.iter().enumerate() {
        for ((what, metric), (target, spread)) in METRICS.iter().zip(*reference) {
            let values: Vec<f64> = by_split.iter().map(|split| metric(&split[row])).collect();
            let mean = values.iter().sum::<f64>() / values.len().max(1) as f64;
            // Both sides are means over random splits, each with its own spread.
            let own = Estimate::of(&values).and_then(|e| e.deviation).unwrap_or(0.0);
            let variance = spread * spread / REFERENCE_SPLITS + own * own / values.len() as f64;
            let tolerance = 4.0 * libm::sqrt(variance) + PRINTED;
            let name = format!("{name}, {what}");
            lines.push(Line::near(section, name, mean, *target, tolerance).with_interval(&values));
        }
    }
    Ok(lines)
}

fn summary(world: &World, test: &[usize], name: &str, at: usize) -> Result<Summary, Problem> {
    let mut policy = policy::build(name, world, split_rng(at))?;
    let visits = evaluate(world, test, policy.as_mut(), Resources::PUBLISHED);
    Ok(Summary::of(world, &visits, Resources::PUBLISHED, Totals::All))
}

/// Mean optimum and budget-guarded greedy of the reference over ten splits, ties by its tree.
const BOUNDS: [(f64, f64); 5] =
    [(1.527, 1.326), (1.521, 1.314), (1.456, 1.255), (1.248, 1.097), (1.032, 0.923)];

/// Rewards of one split: the optimum without budget, and by budget the optimum, the guarded greedy
/// policy, how many of its dialogues exceed the budget, and its greatest lead over the optimum.
struct Bound {
    free: f64,
    by_budget: Vec<[f64; 4]>,
}

pub(super) fn bounds(data: Option<&Arc<Workload>>, effort: &Effort) -> Result<Vec<Line>, Problem> {
    const SECTION: &str = "bounds";
    let name = |budget: Resources| format!("{} s, {} USD", budget.latency_s, budget.usage_usd);
    let Some(data) = data else {
        let lines = BUDGETS.into_iter().zip(BOUNDS).map(|(budget, (optimum, _))| {
            Line::missing(SECTION, format!("optimum, {}", name(budget)), Some(optimum))
        });
        return Ok(lines.collect());
    };
    let splits: Vec<Bound> = (0..effort.bounds)
        .into_par_iter()
        .map(|at| {
            let split = data.split(split_rng(at));
            bound(&world(data, &split, Ties::Shared)?, &split.test, at)
        })
        .collect::<Result<_, _>>()?;
    let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len().max(1) as f64;
    let free: Vec<f64> = splits.iter().map(|split| split.free).collect();
    let line = Line::reported(SECTION, "optimum, no budget", mean(&free), Some(1.527));
    let mut lines = vec![line.with_interval(&free)];
    for (at, (budget, published)) in BUDGETS.into_iter().zip(BOUNDS).enumerate() {
        let column = |k: usize| -> Vec<f64> { splits.iter().map(|s| s.by_budget[at][k]).collect() };
        let (best, greedy) = (column(0), column(1));
        let title = name(budget);
        let mut add = |what: &str, values: &[f64], target: f64| {
            let title = format!("{what}, {title}");
            let line = Line::reported(SECTION, title, mean(values), Some(target));
            lines.push(line.with_interval(values));
        };
        add("optimum", &best, published.0);
        add("greedy-knn-guarded", &greedy, published.1);
        let (over, lead) = (column(2), column(3));
        let over = over.iter().sum::<f64>();
        let lead = lead.into_iter().fold(f64::NEG_INFINITY, f64::max);
        let guard = format!("greedy-knn-guarded, dialogues beyond {title}");
        lines.push(Line::must(SECTION, guard, over, over == 0.0));
        let least = format!("greatest lead over the optimum, {title}");
        lines.push(Line::must(SECTION, least, lead, lead <= 1e-12));
    }
    let gap = splits.iter().map(|s| s.free - s.by_budget[0][0]).fold(0.0, f64::max);
    lines.push(Line::reported(SECTION, "optimum lost to the published budget", gap, Some(0.0)));
    Ok(lines)
}

fn bound(world: &World, test: &[usize], at: usize) -> Result<Bound, Problem> {
    let trees: Vec<Tree<'_>> = test.iter().filter_map(|d| Tree::new(world, *d)).collect();
    let rewards = |budget| -> Vec<f64> {
        let best = |tree: &Tree<'_>| tree.best(budget).map_or(f64::NAN, |visit| visit.reward);
        trees.iter().map(best).collect()
    };
    let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len().max(1) as f64;
    let by_budget = BUDGETS.into_iter().map(|budget| {
        let best = rewards(Some(budget));
        let visits = |name: &str| -> Result<Vec<Visit>, Problem> {
            let mut policy = policy::build(name, world, split_rng(at))?;
            Ok(evaluate(world, test, policy.as_mut(), budget))
        };
        let guarded = visits("greedy-knn-guarded")?;
        let over = guarded.iter().filter(|visit| !visit.spent.within(budget)).count();
        let mut lead = f64::NEG_INFINITY;
        for (name, _) in ROWS {
            for (visit, best) in visits(name)?.iter().chain(&guarded).zip(best.iter().cycle()) {
                if visit.spent.within(budget) {
                    lead = lead.max(visit.reward - best);
                }
            }
        }
        let greedy = guarded.iter().map(|visit| visit.reward).collect::<Vec<_>>();
        Ok([mean(&best), mean(&greedy), over as f64, lead])
    });
    let by_budget = by_budget.collect::<Result<_, Problem>>()?;
    Ok(Bound { free: mean(&rewards(None)), by_budget })
}
