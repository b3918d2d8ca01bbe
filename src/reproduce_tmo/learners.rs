//! Agents trained on M4A1 as the authors train theirs, and with this program's changes, on one set
//! of splits, each with several seeds. Rewards are scored by the estimator from which agents
//! learned.

use super::dialogue_scores::DialogueScores;
use super::optimum_bounds::{self, AtBudget, Bound, GUARDED};
use super::splits::{METRICS, SplitModel, split_rng};
use super::{
    BUDGETS, Measured, PolicyCache, ReproductionConfig, ReproductionError, TrainingSpec, mean,
    reward_chart, title,
};
use crate::offloading::evaluate::evaluate;
use crate::offloading::network_policy::NetworkPolicy;
use crate::offloading::training_env::{
    BudgetDistribution, Constraint, StateTransition, TrainingPlan,
};
use crate::offloading::{Cost, ModelParams, Scorer, Workload};
use crate::report::figure::{Chart, Series};
use crate::report::reproduction::Measurement;
use crate::rl::Algorithm;
use rayon::prelude::*;
use std::sync::Arc;

const SECTION: &str = "learners";
/// Figures that targets are about.
const DEMANDS: &str = "learners, demands";
/// Places in [`METRICS`]: the reward, and the shares beyond a budget of time and of money.
const REWARD: usize = 1;
const OVER: [usize; 2] = [5, 6];

/// An agent and how it is trained.
struct Agent {
    name: String,
    algorithm: Algorithm,
    plan: TrainingPlan,
}

/// The name of an agent, given that of its algorithm.
type Label = fn(&str) -> String;

fn agents() -> Vec<Agent> {
    let free = TrainingPlan::published(false);
    let rolled = TrainingPlan { transition: StateTransition::OnPolicy, ..free };
    let zero = TrainingPlan::published(true);
    let mask = TrainingPlan {
        transition: StateTransition::OnPolicy,
        constraint: Constraint::Mask,
        draw: BudgetDistribution::Uniform,
        raw_budget: false,
    };
    let prices = TrainingPlan { constraint: Constraint::Lagrangian, ..mask };
    let algorithms = [("PPO", Algorithm::Ppo), ("A2C", Algorithm::A2c), ("DQN", Algorithm::Dqn)];
    let plans: [(Label, TrainingPlan); 5] = [
        (|name| format!("{name}, compat"), free),
        (|name| format!("{name}, rolled"), rolled),
        (|name| format!("RC-{name}, compat"), zero),
        (|name| format!("tmo-rl, {name}"), mask),
        (|name| format!("{name}, lagrangian"), prices),
    ];
    let agents = plans.into_iter().flat_map(|(label, plan)| {
        algorithms.map(|(name, algorithm)| Agent { name: label(name), algorithm, plan })
    });
    agents.collect()
}

impl Agent {
    /// The budgets at which it is evaluated: all if it observes them.
    fn budgets(&self) -> &'static [Cost] {
        if self.plan.constraint == Constraint::Free { &BUDGETS[..1] } else { &BUDGETS }
    }

    /// Whether every dialogue is to keep its budget; prices keep it on average, at best.
    fn keeps_budgets(&self) -> bool {
        [Constraint::Zero, Constraint::Mask].contains(&self.plan.constraint)
    }

    /// One training, evaluated on the test dialogues of a split at each of its budgets.
    fn train(
        &self,
        on: &SplitModel,
        seed: usize,
        cache: &PolicyCache<'_>,
    ) -> Result<Trained, ReproductionError> {
        let name = self.name.to_lowercase().replace(", ", "-");
        let spec = TrainingSpec {
            file: format!("{name}-{}-{}", on.at + 1, seed + 1),
            algorithm: self.algorithm,
            plan: self.plan,
            seed: split_rng(on.at).seed().wrapping_add(seed as u64),
        };
        let network = cache.network(&spec, &on.model, &on.split.train)?;
        let mut policy = NetworkPolicy::new(network, self.plan);
        let budgets = self.budgets().iter();
        let results: Vec<_> = budgets
            .map(|budget| {
                evaluate(
                    &on.model,
                    Scorer::Estimator(&on.model),
                    &on.split.test,
                    &mut policy,
                    *budget,
                )
            })
            .collect();
        let by_budget = results.iter().zip(self.budgets());
        Ok(Trained {
            by_budget: by_budget.map(|(results, budget)| on.metrics(results, *budget)).collect(),
        })
    }
}

/// The scores of one training.
#[derive(Clone)]
struct Trained {
    /// By budget: each of [`METRICS`].
    by_budget: Vec<Vec<DialogueScores>>,
}

/// All trainings of an agent.
struct Outcome {
    agent: Agent,
    trainings: Vec<Trained>,
}

impl Outcome {
    /// A metric at a budget.
    fn metric(&self, budget: usize, metric: usize) -> DialogueScores {
        DialogueScores::all(self.trainings.iter().map(|trained| &trained.by_budget[budget][metric]))
    }

    /// The share of dialogues beyond either part of a budget, whichever is larger.
    fn over(&self, budget: usize) -> f64 {
        let [time, usage] = OVER.map(|metric| self.metric(budget, metric).mean());
        time.max(usage)
    }

    fn reward(&self, budget: usize) -> f64 {
        self.metric(budget, REWARD).mean()
    }

    fn measure(&self) -> Vec<Measurement> {
        let mut figures = Vec::new();
        for (at, budget) in self.agent.budgets().iter().enumerate() {
            for (metric, (what, _)) in METRICS.iter().enumerate() {
                let name = format!("{}, {}, {what}", self.agent.name, title(*budget));
                figures.push(self.metric(at, metric).measurement(SECTION, name));
            }
        }
        figures
    }
}

pub(super) fn measure(
    data: &Arc<Workload>,
    config: &ReproductionConfig,
    cache: &PolicyCache<'_>,
    bounds: &[Bound],
    measured: &mut Measured,
) -> Result<(), ReproductionError> {
    let (splits, seeds) = (config.trained, config.seeds);
    if splits * seeds == 0 {
        return Ok(());
    }
    let outcome = |agent| Outcome { agent, trainings: Vec::new() };
    let mut outcomes: Vec<Outcome> = agents().into_iter().map(outcome).collect();
    cache.progress.start(outcomes.len() * splits * seeds, 0);
    // One split after the other, so that a run that is stopped has finished whole splits.
    for at in 0..splits {
        let on = SplitModel::new(data, at, &ModelParams::published()?)?;
        let job = |job: usize| outcomes[job / seeds].agent.train(&on, job % seeds, cache);
        let jobs = (0..outcomes.len() * seeds).into_par_iter().with_max_len(1);
        let trained = jobs.map(job).collect::<Result<Vec<_>, ReproductionError>>()?;
        for (outcome, trained) in outcomes.iter_mut().zip(trained.chunks(seeds)) {
            outcome.trainings.extend_from_slice(trained);
        }
    }
    measured.figures.extend(outcomes.iter().flat_map(Outcome::measure));
    measured.figures.extend(demands(&outcomes));
    measured.plots.push(("budgets", plot(&outcomes, bounds, config)));
    Ok(())
}

/// Means over splits that targets are about.
fn demands(outcomes: &[Outcome]) -> Vec<Measurement> {
    let reward = |name: &str| {
        let outcome = outcomes.iter().find(|outcome| outcome.agent.name == name);
        outcome.map_or(f64::NAN, |outcome| outcome.reward(0))
    };
    let figure = |name: String, value: f64| Measurement::new(DEMANDS, name, value);
    let agents = ["PPO", "A2C", "DQN"];
    let mut figures: Vec<_> = agents
        .map(|name| figure(format!("{name}, compat, reward"), reward(&format!("{name}, compat"))))
        .into();
    let gain = |name: &str| reward(&format!("{name}, rolled")) - reward(&format!("{name}, compat"));
    let gain = mean(&agents.map(gain));
    figures.push(figure("rolled less compat, mean of the three".to_owned(), gain));
    for outcome in outcomes.iter().filter(|outcome| outcome.agent.keeps_budgets()) {
        let (name, budget) = (&outcome.agent.name, title(BUDGETS[1]));
        figures.push(figure(format!("{name}, largest share over {budget}"), outcome.over(1)));
        figures.push(figure(format!("{name}, reward at {budget}"), outcome.reward(1)));
    }
    figures
}

/// Reward by budget, on the splits that agents were trained on.
fn plot(outcomes: &[Outcome], bounds: &[Bound], config: &ReproductionConfig) -> Chart {
    let bounds = &bounds[..config.trained.min(bounds.len())];
    let of_bounds = |label: &str, of: &dyn Fn(&AtBudget) -> &DialogueScores| {
        line(label.to_owned(), &|at| optimum_bounds::all(bounds, |split| of(&split.by_budget[at])))
    };
    let mut series = vec![
        of_bounds("optimum, all turns known", &|s| &s.optimum),
        of_bounds(GUARDED[1], &|s| &s.guarded[1]),
        of_bounds(GUARDED[0], &|s| &s.guarded[0]),
    ];
    for outcome in outcomes.iter().rev().filter(|outcome| outcome.agent.keeps_budgets()) {
        let rates: Vec<String> =
            (0..BUDGETS.len()).map(|at| format!("{:.0}", 100.0 * outcome.over(at))).collect();
        let none = rates.iter().all(|rate| rate == "0");
        let over = if none { String::new() } else { format!(" (over: {} %)", rates.join(", ")) };
        let label = format!("{}{over}", outcome.agent.name);
        series.push(line(label, &|at| outcome.metric(at, REWARD)));
    }
    let note = format!(
        "M4A1, test dialogues of {} splits, {} trainings each; bands: 95 % over dialogues. \
         Budgets with these seconds have 0.007, 0.01, 0.02, 0.03 and 0.05 USD. over: share of \
         dialogues beyond the budget of time or money, whichever is more, from 30 s down to 7 s; \
         no other policy exceeds any.",
        config.trained, config.seeds
    );
    let x = ("budget of a dialogue (s)", false);
    reward_chart("Reward within a budget of time and money", note, x, series)
}

/// A line over the budgets.
fn line(label: String, scores: &dyn Fn(usize) -> DialogueScores) -> Series {
    let budgets = BUDGETS.iter().enumerate().rev();
    let points = budgets.filter_map(|(at, budget)| scores(at).point(budget.latency_s));
    Series { label, points: points.collect() }
}
