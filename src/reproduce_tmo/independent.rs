//! Rewards by who scores: the published protocol beside independent ones.
//!
//! `cross-fitted`: on M4A1, five folds of each split; no dialogue teaches, scores and is tested. A
//! figure is the mean of each dialogue over splits and trainings, then over dialogues. `generated`:
//! data sets with the statistics of M4A1, scored by the estimator that decided, by that of other
//! dialogues, and by the law that generated them; a figure is a mean over data sets.

use super::dialogue_scores::DialogueScores;
use super::splits::split_rng;
use super::{BUDGETS, ReproductionConfig, ReproductionError, SEED, mean, title};
use crate::config::Problems;
use crate::core::rng::{Label, Rng};
use crate::experiment::Progress;
use crate::offloading::agent_cache::AgentCache;
use crate::offloading::agents::AgentSpec;
use crate::offloading::generate::like_m4a1;
use crate::offloading::policy_spec::{PolicySpec, PolicyTest};
use crate::offloading::training_env::{
    BudgetDistribution, Constraint, StateTransition, TrainingPlan,
};
use crate::offloading::{Cost, Evaluation, FoldModels, FoldPlan, ModelParams, Workload};
use crate::report::reproduction::Measurement;
use crate::rl::Algorithm;
use rayon::prelude::*;
use std::sync::Arc;

const CROSSED: &str = "cross-fitted";
const GENERATED: &str = "generated";
/// Dialogues of a generated data set.
const DIALOGUES: usize = 100;
/// Policies without training: fixed actions, then planners.
const POLICIES: [&str; 10] = [
    "local",
    "cloud",
    "always:cloud",
    "always:cloud+0",
    "always:cloud+1",
    "always:cloud+2",
    "always:cloud+0+1",
    "always:cloud+0+1+2",
    "greedy-knn-guarded",
    OURS,
];
/// The policy that the others are compared with.
const OURS: &str = "tmo-rl-plus";
/// Places of the budgets at which trainings stop early and are chosen.
const VALIDATED: [usize; 2] = [0, 3];

/// A policy and the budgets at which it is tested.
struct Contestant {
    name: String,
    spec: PolicySpec,
    budgets: &'static [usize],
}

fn untrained(names: &[&str]) -> Result<Vec<Contestant>, Problems> {
    let one = |name: &&str| {
        let (name, spec) = ((*name).to_owned(), PolicySpec::parse(name)?);
        Ok(Contestant { name, spec, budgets: &[0, 1, 2, 3, 4] })
    };
    names.iter().map(one).collect()
}

/// Agents with a mask, one that may exceed budgets, and one that is validated.
fn agents(config: &ReproductionConfig) -> Vec<Contestant> {
    let mask = TrainingPlan {
        transition: StateTransition::OnPolicy,
        constraint: Constraint::Mask,
        draw: BudgetDistribution::Uniform,
        raw_budget: false,
    };
    let published = TrainingPlan::published(true);
    let agent = |name: &str, algorithm, plan, budgets, validates| {
        let (steps, trainings) = (config.steps, config.seeds);
        let spec = AgentSpec { algorithm, plan, steps, trainings, validates };
        Contestant { name: name.to_owned(), spec: PolicySpec::Agent(spec, false), budgets }
    };
    vec![
        agent("RC-PPO, compat", Algorithm::Ppo, published, &[0, 1, 2, 3, 4], false),
        agent("tmo-rl, PPO", Algorithm::Ppo, mask, &[0, 1, 2, 3, 4], false),
        agent("tmo-rl, A2C", Algorithm::A2c, mask, &[0, 1, 2, 3, 4], false),
        agent("tmo-rl, PPO, validated", Algorithm::Ppo, mask, &VALIDATED, true),
    ]
}

/// Rewards and violations of a policy at a budget.
#[derive(Clone, Default)]
struct Scores {
    rewards: DialogueScores,
    /// 1 for a dialogue beyond a budget.
    over: DialogueScores,
    /// By training: the sum of rewards and the number of dialogues.
    trainings: Vec<(f64, f64)>,
}

impl Scores {
    fn all(parts: &[&Self]) -> Self {
        let most = parts.iter().map(|part| part.trainings.len()).max().unwrap_or(0);
        let sum = |at: usize| {
            let own = parts.iter().filter_map(|part| part.trainings.get(at));
            own.fold((0.0, 0.0), |sum, one| (sum.0 + one.0, sum.1 + one.1))
        };
        Self {
            rewards: DialogueScores::all(parts.iter().map(|part| &part.rewards)),
            over: DialogueScores::all(parts.iter().map(|part| &part.over)),
            trainings: (0..most).map(sum).collect(),
        }
    }
}

/// Tests a policy at a budget on all folds of a split.
fn test(
    data: &Arc<Workload>,
    (evaluation, split): (Evaluation, usize),
    policy: &PolicySpec,
    budget: Cost,
    agents: &AgentCache,
) -> Result<Scores, Problems> {
    let rng = split_rng(split);
    let mut parts = Vec::new();
    for (at, fold) in FoldPlan::new(evaluation).tests(data, rng, 0)?.into_iter().enumerate() {
        let models = &FoldModels::new(data, fold, evaluation, &ModelParams::published()?)?;
        let training_seed = rng.keyed(Label::Policy, u64::MAX, at as u64);
        let test = PolicyTest { models, budget, users: None, rng, training_seed, agents };
        let outcome = policy.test(&test)?;
        let own = outcome.chosen.map_or(0..outcome.trainings.len(), |chosen| chosen..chosen + 1);
        let tested = &models.fold.test;
        let mut scores = Scores::default();
        for results in &outcome.trainings {
            let rewards = results.iter().flatten().map(|result| result.reward);
            scores.trainings.push((rewards.sum(), results.len() as f64));
        }
        for training in own {
            let results = || outcome.trainings[training].iter().flatten();
            let over = |spent: Cost| f64::from(u8::from(!spent.within(budget)));
            let rewards = DialogueScores::new(split, tested, results().map(|r| r.reward));
            let beyond = DialogueScores::new(split, tested, results().map(|r| over(r.spent)));
            scores.rewards = DialogueScores::all([&scores.rewards, &rewards]);
            scores.over = DialogueScores::all([&scores.over, &beyond]);
        }
        parts.push(scores);
    }
    Ok(Scores::all(&parts.iter().collect::<Vec<_>>()))
}

/// Rewards on M4A1, scored by dialogues that neither taught nor are tested.
pub(super) fn cross_fitted(
    data: &Arc<Workload>,
    config: &ReproductionConfig,
    progress: &dyn Progress,
) -> Result<Vec<Measurement>, ReproductionError> {
    let mut figures = Vec::new();
    let mut contestants = untrained(&POLICIES)?;
    if config.crossed * config.seeds > 0 {
        contestants.extend(agents(config));
    }
    let cache = AgentCache::default();
    let splits = |contestant: &Contestant| match contestant.spec {
        PolicySpec::Agent(..) => config.crossed,
        _ => config.bounds,
    };
    let jobs: Vec<(usize, usize)> = (0..contestants.len())
        .flat_map(|at| (0..splits(&contestants[at])).map(move |split| (at, split)))
        .collect();
    progress.start(jobs.len(), 0);
    let run = |(at, split): &(usize, usize)| -> Result<Vec<Scores>, Problems> {
        let Contestant { spec, budgets, .. } = &contestants[*at];
        let scores = budgets.iter().map(|budget| {
            test(data, (Evaluation::CrossFitted, *split), spec, BUDGETS[*budget], &cache)
        });
        let scores = scores.collect();
        progress.step();
        scores
    };
    let found: Vec<Vec<Scores>> =
        jobs.par_iter().with_max_len(1).map(run).collect::<Result<_, _>>()?;
    let of = |at: usize, budget: usize, most: usize| {
        let own = jobs.iter().zip(&found).filter(|((job, split), _)| *job == at && *split < most);
        Scores::all(&own.map(|(_, scores)| &scores[budget]).collect::<Vec<_>>())
    };
    let ours = contestants.iter().position(|own| own.name == OURS).unwrap_or(0);
    for (at, contestant) in contestants.iter().enumerate() {
        for (place, budget) in contestant.budgets.iter().enumerate() {
            let name = format!("{}, {}", contestant.name, title(BUDGETS[*budget]));
            let scores = of(at, place, usize::MAX);
            figures.push(scores.rewards.measurement(CROSSED, format!("{name}, reward")));
            let over = scores.over.measurement(CROSSED, format!("{name}, share beyond a budget"));
            figures.push(over);
            if let Some(spread) = training_spread(&scores) {
                let name = format!("{name}, spread of trainings");
                figures.push(Measurement::new(CROSSED, name, spread));
            }
            if at != ours {
                let own = of(ours, *budget, splits(contestant));
                figures.extend(difference(&own, &scores, &contestant.name, BUDGETS[*budget]));
            }
        }
    }
    Ok(figures)
}

/// The standard deviation of the mean rewards of several trainings.
fn training_spread(scores: &Scores) -> Option<f64> {
    let means: Vec<f64> = scores.trainings.iter().map(|(sum, count)| sum / count).collect();
    crate::offloading::dialogue_row::training_sd(&means)
}

/// Ours less another, by dialogue, and the share of dialogues that ours wins.
fn difference(ours: &Scores, other: &Scores, name: &str, budget: Cost) -> [Measurement; 2] {
    let difference = ours.rewards.less(&other.rewards);
    let by_dialogue = difference.by_dialogue();
    let wins = by_dialogue.iter().filter(|value| **value > 0.0).count() as f64;
    let pair = format!("{OURS} less {name}, {}", title(budget));
    let share = wins / by_dialogue.len().max(1) as f64;
    [
        difference.measurement(CROSSED, pair.clone()),
        Measurement::new(CROSSED, format!("{pair}, share of dialogues won"), share),
    ]
}

/// Rewards on generated dialogues by each way to score, within the published budget.
pub(super) fn generated(
    config: &ReproductionConfig,
) -> Result<Vec<Measurement>, ReproductionError> {
    let policies = untrained(&POLICIES)?;
    let cache = AgentCache::default();
    let set = |number: usize| -> Result<Vec<Vec<f64>>, Problems> {
        let data = Arc::new(like_m4a1(DIALOGUES, Rng::new(SEED, 5000 + number as u64)));
        let by_scorer = |policy: &Contestant| {
            let reward = |(_, evaluation): (&str, Evaluation)| {
                let scores = test(&data, (evaluation, number), &policy.spec, BUDGETS[0], &cache)?;
                Ok(scores.rewards.mean())
            };
            Evaluation::ALL.into_iter().map(reward).collect()
        };
        policies.iter().map(by_scorer).collect()
    };
    let sets: Vec<_> = (0..config.sets).into_par_iter().map(set).collect::<Result<_, _>>()?;
    let mut figures = Vec::new();
    for (at, policy) in policies.iter().enumerate() {
        for (scorer, (name, _)) in Evaluation::ALL.into_iter().enumerate() {
            let values: Vec<f64> = sets.iter().map(|set: &Vec<Vec<f64>>| set[at][scorer]).collect();
            let name = format!("{}, scored by {name}", policy.name);
            let figure = Measurement::new(GENERATED, name, mean(&values));
            figures.push(figure.with_interval(&values));
        }
    }
    Ok(figures)
}
