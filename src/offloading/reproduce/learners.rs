//! Agents trained on M4A1 as the authors train theirs, and with this program's changes, on one set
//! of splits, each with several seeds.
//!
//! Rewards are scored by the estimator from which agents learned; gains over local answers by other
//! dialogues as well.

use super::cross_scores::{self, PairedScores};
use super::dialogue_scores::DialogueScores;
use super::optimum_bounds::{self, AtBudget, Bound, GUARDED};
use super::splits::{METRICS, metric_scores, model, split_rng};
use super::{BUDGETS, Measured, PolicyCache, ReproductionConfig, ReproductionError, mean, title};
use crate::offloading::estimator::NeighbourTies;
use crate::offloading::evaluate::evaluate;
use crate::offloading::network_policy::NetworkPolicy;
use crate::offloading::training_env::{
    BudgetDistribution, Constraint, StateTransition, TrainingPlan,
};
use crate::offloading::{Cost, DialogueModel, Split, Workload};
use crate::report::figure::{Chart, ChartKind, Series};
use crate::report::reproduction::Measurement;
use crate::rl::Algorithm;
use rayon::prelude::*;
use std::sync::Arc;

const SECTION: &str = "learners";
/// Places in [`METRICS`]: the reward, and the shares beyond a budget of time and of money.
const REWARD: usize = 1;
const OVER: [usize; 2] = [5, 6];
/// Figures that claims are about.
const DEMANDS: &str = "learners, demands";

/// An agent and how it is trained.
struct Trained {
    name: &'static str,
    algorithm: Algorithm,
    plan: TrainingPlan,
}

fn all() -> Vec<Trained> {
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
    let (ppo, a2c, dqn) = (Algorithm::Ppo, Algorithm::A2c, Algorithm::Dqn);
    let rows = [
        ("PPO, compat", ppo, free),
        ("A2C, compat", a2c, free),
        ("DQN, compat", dqn, free),
        ("PPO, rolled", ppo, rolled),
        ("A2C, rolled", a2c, rolled),
        ("DQN, rolled", dqn, rolled),
        ("RC-PPO, compat", ppo, zero),
        ("RC-A2C, compat", a2c, zero),
        ("RC-DQN, compat", dqn, zero),
        ("tmo-rl, PPO", ppo, mask),
        ("tmo-rl, A2C", a2c, mask),
        ("tmo-rl, DQN", dqn, mask),
        ("PPO, lagrangian", ppo, prices),
        ("A2C, lagrangian", a2c, prices),
        ("DQN, lagrangian", dqn, prices),
    ];
    rows.map(|(name, algorithm, plan)| Trained { name, algorithm, plan }).into()
}

impl Trained {
    /// The budgets at which it is evaluated: all if it was shown them.
    fn budgets(&self) -> &'static [Cost] {
        if self.plan.constraint == Constraint::Free { &BUDGETS[..1] } else { &BUDGETS }
    }

    /// Whether every dialogue is to keep to its budget; prices do so on average, at best.
    fn keeps_budgets(&self) -> bool {
        [Constraint::Zero, Constraint::Mask].contains(&self.plan.constraint)
    }

    /// What its policy files are called.
    fn file(&self, split: usize, seed: usize) -> String {
        let name = self.name.to_lowercase().replace(", ", "-");
        format!("{name}-{}-{}", split + 1, seed + 1)
    }

    /// One training, evaluated on the split's test dialogues at each of its budgets.
    fn run(
        &self,
        part: &Part<'_>,
        seed: usize,
        cache: &PolicyCache<'_>,
    ) -> Result<Done, ReproductionError> {
        let Part { at, model, split, other_models, local } = part;
        let root = split_rng(*at).seed().wrapping_add(seed as u64);
        let (file, how) = (self.file(*at, seed), (self.algorithm, self.plan));
        let network = cache.network(&file, model, &split.train, how, root)?;
        let mut learned = NetworkPolicy::new(network, self.plan);
        let (mut budgets, mut own) = (Vec::new(), None);
        for budget in self.budgets() {
            let results = evaluate(model, &split.test, &mut learned, *budget);
            budgets.push(metric_scores(model, split, *at, &results, *budget));
            own.get_or_insert_with(|| PairedScores::new(*at, other_models, split, &results));
        }
        Ok(Done { budgets, own: own.unwrap_or_default(), local: local.clone() })
    }
}

/// A split to train on and to test on.
struct Part<'a> {
    at: usize,
    model: &'a DialogueModel,
    split: &'a Split,
    /// For each test dialogue, an estimator of the others.
    other_models: &'a [DialogueModel],
    /// What always answering locally comes to.
    local: PairedScores,
}

/// What a training came to.
#[derive(Clone)]
struct Done {
    /// By budget, each of [`METRICS`].
    budgets: Vec<Vec<DialogueScores>>,
    /// At the published budget.
    own: PairedScores,
    local: PairedScores,
}

/// What the trainings of an agent came to.
struct Outcome {
    trained: Trained,
    done: Vec<Done>,
}

impl Outcome {
    /// A metric at a budget.
    fn column(&self, budget: usize, metric: usize) -> DialogueScores {
        DialogueScores::all(self.done.iter().map(|done| done.budgets[budget][metric].clone()))
    }

    /// The share of dialogues beyond either part of a budget, whichever is larger.
    fn over(&self, budget: usize) -> f64 {
        let [time, usage] = OVER.map(|metric| self.column(budget, metric).mean());
        time.max(usage)
    }

    fn reward(&self, budget: usize) -> f64 {
        self.column(budget, REWARD).mean()
    }

    /// The gain over local answers, by both estimators.
    fn above_local(&self) -> Vec<Measurement> {
        let own = PairedScores::all(self.done.iter().map(|done| &done.own));
        let local = PairedScores::all(self.done.iter().map(|done| &done.local));
        own.less(self.trained.name, &local, "local")
    }

    fn measure(&self) -> Vec<Measurement> {
        let mut figures = Vec::new();
        for (at, budget) in self.trained.budgets().iter().enumerate() {
            for (metric, (what, _)) in METRICS.iter().enumerate() {
                let name = format!("{}, {}, {what}", self.trained.name, title(*budget));
                figures.push(self.column(at, metric).measurement(SECTION, name));
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
    let all = all();
    let (splits, seeds) = (config.trained, config.seeds);
    if splits * seeds == 0 {
        return Ok(());
    }
    cache.progress.start(all.len() * splits * seeds, 0);
    let mut outcomes: Vec<Outcome> =
        all.into_iter().map(|trained| Outcome { trained, done: Vec::new() }).collect();
    // One split after the other, so that of a run that is stopped whole splits are kept.
    for at in 0..splits {
        let split = data.split(split_rng(at));
        let model = model(data, &split, NeighbourTies::Shared)?;
        let other_models = cross_scores::other_models(&model, &split)?;
        let local = PairedScores::of_policy("local", at, (&model, &split), &other_models)?;
        let part = Part { at, model: &model, split: &split, other_models: &other_models, local };
        let job = |job: usize| outcomes[job / seeds].trained.run(&part, job % seeds, cache);
        let jobs = (0..outcomes.len() * seeds).into_par_iter().with_max_len(1);
        let done = jobs.map(job).collect::<Result<Vec<_>, ReproductionError>>()?;
        for (outcome, done) in outcomes.iter_mut().zip(done.chunks(seeds)) {
            outcome.done.extend_from_slice(done);
        }
    }
    measured.figures.extend(outcomes.iter().flat_map(Outcome::measure));
    measured.figures.extend(demands(&outcomes));
    measured.figures.extend(outcomes.iter().flat_map(Outcome::above_local));
    measured.plots.push(("budgets", plot(&outcomes, bounds, config)));
    Ok(())
}

/// Means over splits that claims are about.
fn demands(outcomes: &[Outcome]) -> Vec<Measurement> {
    let reward = |name: &str| {
        let outcome = outcomes.iter().find(|outcome| outcome.trained.name == name);
        outcome.map_or(f64::NAN, |outcome| outcome.reward(0))
    };
    let figure = |name: String, value: f64| Measurement::new(DEMANDS, name, value);
    let agents = ["PPO", "A2C", "DQN"];
    let compat = agents.map(|name| reward(&format!("{name}, compat")));
    let names = agents.map(|name| format!("{name}, compat, reward"));
    let mut figures: Vec<_> = names.into_iter().zip(compat).map(|(n, v)| figure(n, v)).collect();
    let gain = |name: &str| reward(&format!("{name}, rolled")) - reward(&format!("{name}, compat"));
    let gain = mean(&agents.map(gain));
    figures.push(figure("rolled less compat, mean of the three".to_owned(), gain));
    for outcome in outcomes.iter().filter(|outcome| outcome.trained.keeps_budgets()) {
        let (name, budget) = (outcome.trained.name, title(BUDGETS[1]));
        figures.push(figure(format!("{name}, largest share over {budget}"), outcome.over(1)));
        figures.push(figure(format!("{name}, reward at {budget}"), outcome.reward(1)));
    }
    figures
}

/// Reward by budget, on the splits that agents were trained on.
fn plot(outcomes: &[Outcome], bounds: &[Bound], config: &ReproductionConfig) -> Chart {
    let bounds = &bounds[..config.trained.min(bounds.len())];
    let of_bounds = |label: &str, of: &dyn Fn(&AtBudget) -> &DialogueScores| {
        series(label.to_owned(), &|at| {
            optimum_bounds::all(bounds, |split| of(&split.by_budget[at]))
        })
    };
    let mut all = vec![
        of_bounds("optimum of who knows the dialogue", &|s| &s.optimum),
        of_bounds(GUARDED[1], &|s| &s.guarded[1]),
        of_bounds(GUARDED[0], &|s| &s.guarded[0]),
    ];
    for outcome in outcomes.iter().rev().filter(|outcome| outcome.trained.keeps_budgets()) {
        let rates: Vec<String> =
            (0..BUDGETS.len()).map(|at| format!("{:.0}", 100.0 * outcome.over(at))).collect();
        let none = rates.iter().all(|rate| rate == "0");
        let name = outcome.trained.name;
        let over = if none { String::new() } else { format!(" (over: {} %)", rates.join(", ")) };
        all.push(series(format!("{name}{over}"), &|at| outcome.column(at, REWARD)));
    }
    Chart {
        kind: ChartKind::Lines,
        title: "Reward within a budget of time and money".to_owned(),
        note: format!(
            "M4A1, test dialogues of {} splits, {} trainings each; bands: 95 % over dialogues. \
             Budgets with these seconds have 0.007, 0.01, 0.02, 0.03 and 0.05 USD. over: share of \
             dialogues beyond the budget of time or money, whichever is more, from 30 s down to \
             7 s; nobody else exceeds any.",
            config.trained, config.seeds
        ),
        x_label: "budget of a dialogue (s)".to_owned(),
        y_label: "mean reward".to_owned(),
        x_log: false,
        y_log: false,
        y_range: None,
        series: all,
    }
}

/// A line over the budgets.
fn series(label: String, column: &dyn Fn(usize) -> DialogueScores) -> Series {
    let budgets = BUDGETS.iter().enumerate().rev();
    let points = budgets.filter_map(|(at, budget)| column(at).point(budget.latency_s));
    Series { label, points: points.collect() }
}
