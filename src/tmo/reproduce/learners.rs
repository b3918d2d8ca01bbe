//! Agents trained on M4A1 as the authors train theirs, and with what we changed, on one set of
//! splits.
//!
//! Reference figures are means over three splits of their code; ours are means over twenty. With
//! so few of theirs the two are shown side by side, and only wide bounds are demanded.

use super::splits::{split_rng, world};
use super::{BUDGETS, Effort, Line};
use crate::input::Problem;
use crate::learn::{Algorithm, Training};
use crate::tmo::estimator::Ties;
use crate::tmo::evaluate::{Summary, Totals, evaluate};
use crate::tmo::learned::Learned;
use crate::tmo::practice::{Constraint, Draw, Plan, Practice, Transition};
use crate::tmo::{Resources, Workload};
use rayon::prelude::*;
use std::sync::Arc;

const SECTION: &str = "learners";
/// Steps of every training.
const STEPS: usize = 30_000;
/// Mean rewards of two policies that need no training, over 200 splits.
const ALWAYS_TWO_VIEWS: f64 = 0.96806;
const LOCAL: f64 = 0.83064;

/// An agent, how it is trained, and the reference's reward, by budget if it knows one.
struct Trained {
    name: &'static str,
    algorithm: Algorithm,
    plan: Plan,
    published: &'static [f64],
}

/// What a training came to at one budget: reward, and shares of dialogues over time and usage.
type Outcome = [f64; 3];

fn all() -> Vec<Trained> {
    let free = Plan::published(false);
    let rolled = Plan { transition: Transition::Rolled, ..free };
    let zero = Plan::published(true);
    let mask = Plan {
        transition: Transition::Rolled,
        constraint: Constraint::Mask,
        draw: Draw::Uniform,
        raw_budget: false,
    };
    let tight = BUDGETS[3];
    let priced = Plan { constraint: Constraint::Lagrangian, draw: Draw::Fixed(tight), ..mask };
    let row = |name, algorithm, plan, published| Trained { name, algorithm, plan, published };
    vec![
        row("PPO, compat", Algorithm::Ppo, free, &[1.149]),
        row("A2C, compat", Algorithm::A2c, free, &[1.051]),
        row("DQN, compat", Algorithm::Dqn, free, &[1.147]),
        row("PPO, rolled", Algorithm::Ppo, rolled, &[1.215]),
        row("A2C, rolled", Algorithm::A2c, rolled, &[1.137]),
        row("DQN, rolled", Algorithm::Dqn, rolled, &[1.171]),
        row("RC-PPO, compat", Algorithm::Ppo, zero, &[1.116, 1.131, 1.137, 1.076, 0.996]),
        row("RC-A2C, compat", Algorithm::A2c, zero, &[1.006, 0.985, 0.971, 0.998, 0.944]),
        row("RC-DQN, compat", Algorithm::Dqn, zero, &[1.026, 1.103, 1.080, 1.048, 1.078]),
        row("PPO, rolled, mask", Algorithm::Ppo, mask, &[]),
        row("PPO, rolled, lagrangian at 10 s, 0.01 USD", Algorithm::Ppo, priced, &[]),
    ]
}

/// The budgets at which a policy is evaluated: all if it was shown them.
fn budgets(trained: &Trained) -> &'static [Resources] {
    if trained.plan.constraint == Constraint::Free { &BUDGETS[..1] } else { &BUDGETS }
}

pub(super) fn lines(data: Option<&Arc<Workload>>, effort: &Effort) -> Result<Vec<Line>, Problem> {
    let all = all();
    let Some(data) = data else {
        let missing = |trained: &Trained| {
            let name = format!("{}, reward", trained.name);
            Line::missing(SECTION, name, trained.published.first().copied())
        };
        return Ok(all.iter().map(missing).collect());
    };
    if effort.trained * effort.seeds == 0 {
        return Ok(Vec::new());
    }
    let jobs = all.len() * effort.trained * effort.seeds;
    let outcomes: Vec<Vec<Outcome>> = (0..jobs)
        .into_par_iter()
        .map(|job| {
            let (rest, seed) = (job / effort.seeds, job % effort.seeds);
            train(&all[rest / effort.trained], data, rest % effort.trained, seed)
        })
        .collect::<Result<_, _>>()?;
    let mut lines = Vec::new();
    let mut means = Vec::new();
    for (trained, jobs) in all.iter().zip(outcomes.chunks(effort.trained * effort.seeds)) {
        let by_split: Vec<&[Vec<Outcome>]> = jobs.chunks(effort.seeds).collect();
        for (at, budget) in budgets(trained).iter().enumerate() {
            let column = |what: usize| -> Vec<f64> {
                let seeds = effort.seeds as f64;
                let mean = |split: &&[Vec<Outcome>]| {
                    split.iter().map(|seed| seed[at][what]).sum::<f64>() / seeds
                };
                by_split.iter().map(mean).collect()
            };
            means.push((trained.name, at, mean(&column(0)), mean(&column(1)), mean(&column(2))));
            let at_budget =
                format!("{}, {} s, {} USD", trained.name, budget.latency_s, budget.usage_usd);
            let mut add = |what: &str, values: &[f64], target: Option<f64>| {
                let line =
                    Line::reported(SECTION, format!("{at_budget}, {what}"), mean(values), target);
                lines.push(line.with_interval(values));
            };
            add("reward", &column(0), trained.published.get(at).copied());
            add("share over the time budget", &column(1), None);
            add("share over the usage budget", &column(2), None);
        }
    }
    lines.extend(demands(&means));
    Ok(lines)
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len().max(1) as f64
}

/// What must be true of the means over splits: (name, budget, reward, shares over the budgets).
fn demands(means: &[(&'static str, usize, f64, f64, f64)]) -> Vec<Line> {
    let find = |name: &str, at: usize| means.iter().find(|m| m.0 == name && m.1 == at);
    let reward = |name: &str| find(name, 0).map_or(f64::NAN, |m| m.2);
    let mut lines = Vec::new();
    let mut must = |name: String, figure: f64, holds: bool| {
        lines.push(Line::must(SECTION, name, figure, holds));
    };
    for name in ["PPO", "A2C", "DQN"] {
        let compat = reward(&format!("{name}, compat"));
        let better = compat > ALWAYS_TWO_VIEWS;
        must(
            format!("{name}, compat, above always two views ({ALWAYS_TWO_VIEWS})"),
            compat,
            better,
        );
        if name != "A2C" {
            let within = (1.0..=1.3).contains(&compat);
            must(format!("{name}, compat, within 1.00 to 1.30"), compat, within);
        }
    }
    let gain = |name: &str| reward(&format!("{name}, rolled")) - reward(&format!("{name}, compat"));
    let gain = mean(&["PPO", "A2C", "DQN"].map(gain));
    must("rolled less compat, mean of the three".to_owned(), gain, gain >= 0.0);
    for name in ["RC-PPO, compat", "RC-A2C, compat", "RC-DQN, compat", "PPO, rolled, mask"] {
        // At 20 s, 0.03 USD.
        let Some((_, _, reward, time, usage)) = find(name, 1) else { continue };
        let worst = time.max(*usage);
        must(format!("{name}, at most 2 % over 20 s, 0.03 USD"), worst, worst <= 0.02);
        must(format!("{name}, above local ({LOCAL}) at 20 s, 0.03 USD"), *reward, *reward > LOCAL);
    }
    lines
}

/// One training, evaluated on the split's test dialogues.
fn train(
    trained: &Trained,
    data: &Arc<Workload>,
    split: usize,
    seed: usize,
) -> Result<Vec<Outcome>, Problem> {
    let root = split_rng(split).seed();
    let split = data.split(split_rng(split));
    let world = world(data, &split, Ties::Shared)?;
    let mut env = Practice::new(&world, &split.train, trained.plan)?;
    let seed = root.wrapping_add(seed as u64);
    let mut training = Training::new(trained.algorithm, &env, STEPS, seed);
    training.finish(&mut env);
    let mut learned = Learned::new(training.network().clone(), trained.plan);
    let outcome = |budget: &Resources| {
        let visits = evaluate(&world, &split.test, &mut learned, *budget);
        let summary = Summary::of(&world, &visits, *budget, Totals::All);
        [summary.reward, summary.latency.rate, summary.usage.rate]
    };
    Ok(budgets(trained).iter().map(outcome).collect())
}
