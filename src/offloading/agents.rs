//! Agents that are trained where they are tested: on the training dialogues of a fold.
//!
//! A training may stop early, and one of several trainings may be chosen, by dialogues of their
//! own: every fourth training dialogue validates. The agent learns from the others, whose estimator
//! rewards it. The answers that it gives in a validation dialogue are scored by an estimator of the
//! other validation dialogues, so nothing that is validated has taught or scored.

use super::cost::Cost;
use super::evaluate::{Scorer, evaluate};
use super::model::DialogueModel;
use super::network_policy::NetworkPolicy;
use super::training_env::{DialogueEnvironment, TrainingPlan};
use crate::config::Problem;
use crate::rl::net::Mlp;
use crate::rl::{Algorithm, Training};
use std::sync::Arc;

/// One in this many training dialogues validates.
const VALIDATION: usize = 4;
/// Networks of a training that are validated.
const CHECKS: usize = 15;

/// How agents are trained.
#[derive(Clone, Debug, PartialEq)]
pub struct AgentSpec {
    /// The learning algorithm.
    pub algorithm: Algorithm,
    /// State transitions, and how budgets are drawn and enforced.
    pub plan: TrainingPlan,
    /// Steps of a training, rounded up to a whole segment.
    pub steps: usize,
    /// Number of trainings, each with its own seed; at least 1.
    pub trainings: usize,
    /// Whether trainings stop early, and the best of them is chosen, by validation dialogues.
    pub validates: bool,
}

/// A trained network.
#[derive(Clone, Debug)]
pub struct TrainedAgent {
    /// The network.
    pub network: Mlp,
    /// The steps after which it was taken.
    pub steps: usize,
    /// The mean reward of the validation dialogues, if there are any.
    pub validated: Option<f64>,
}

/// Trains agents on dialogues that `model` was fitted to; `seed` and the numbers that follow it are
/// the seeds of the trainings. Agents that validate do so at `budget`.
///
/// # Errors
/// There are too few dialogues.
pub fn train_agents(
    model: &DialogueModel,
    spec: &AgentSpec,
    budget: Cost,
    seed: u64,
) -> Result<Vec<TrainedAgent>, Problem> {
    let validation = spec.validates.then(|| Validation::new(model, budget)).transpose()?;
    let one = |training: usize| {
        let learner = validation.as_ref().map_or(model, |validation| &validation.model);
        train(learner, spec, validation.as_ref(), seed.wrapping_add(training as u64))
    };
    (0..spec.trainings).map(one).collect()
}

/// The agent with the best validation reward, the first of equal ones; `None` without validation.
pub fn chosen(agents: &[TrainedAgent]) -> Option<usize> {
    let validated = |agent: &TrainedAgent| agent.validated.unwrap_or(f64::NEG_INFINITY);
    let best = |best: usize, at: usize| {
        if validated(&agents[at]) > validated(&agents[best]) { at } else { best }
    };
    agents.first()?.validated.is_some().then(|| (0..agents.len()).fold(0, best))
}

fn train(
    model: &DialogueModel,
    spec: &AgentSpec,
    validation: Option<&Validation>,
    seed: u64,
) -> Result<TrainedAgent, Problem> {
    let mut env = DialogueEnvironment::new(model, model.trained_on(), spec.plan)?;
    let mut training = Training::new(spec.algorithm, &env, spec.steps, seed);
    let (mut best, mut checked): (Option<TrainedAgent>, _) = (None, 0);
    while let Some(point) = training.advance(&mut env) {
        let Some(validation) = validation else { continue };
        let is_last = point.steps >= spec.steps;
        if !is_last && point.steps - checked < spec.steps / CHECKS {
            continue;
        }
        checked = point.steps;
        let network = training.network().clone();
        let reward = validation.reward(&network, spec.plan);
        if best.as_ref().and_then(|best| best.validated).is_none_or(|known| reward > known) {
            best = Some(TrainedAgent { network, steps: point.steps, validated: Some(reward) });
        }
    }
    let last = || TrainedAgent {
        network: training.network().clone(),
        steps: training.done(),
        validated: None,
    };
    Ok(best.unwrap_or_else(last))
}

/// Dialogues on which networks are compared, and the model of the others.
struct Validation {
    /// What agents learn from.
    model: DialogueModel,
    /// Each validation dialogue with the model of the others, which scores it.
    scoring: Vec<(usize, DialogueModel)>,
    budget: Cost,
}

impl Validation {
    fn new(model: &DialogueModel, budget: Cost) -> Result<Self, Problem> {
        let all = model.trained_on().iter().enumerate();
        let (own, rest): (Vec<_>, Vec<_>) = all.partition(|(at, _)| at % VALIDATION == 0);
        let of = |chosen: Vec<(usize, &usize)>| chosen.into_iter().map(|(_, d)| *d).collect();
        let (own, rest): (Vec<usize>, Vec<usize>) = (of(own), of(rest));
        let fit = |dialogues: &[usize]| {
            DialogueModel::new(Arc::clone(&model.workload), dialogues, model.params.clone())
        };
        let scoring = own.iter().map(|dialogue| {
            let others: Vec<usize> = own.iter().copied().filter(|d| d != dialogue).collect();
            Ok((*dialogue, fit(&others)?))
        });
        Ok(Self { model: fit(&rest)?, scoring: scoring.collect::<Result<_, Problem>>()?, budget })
    }

    /// The mean reward of a network; beyond the budget a dialogue earns nothing.
    fn reward(&self, network: &Mlp, plan: TrainingPlan) -> f64 {
        let mut policy = NetworkPolicy::new(network.clone(), plan);
        let mut sum = 0.0;
        for (dialogue, scoring) in &self.scoring {
            let scorer = Scorer::Estimator(scoring);
            let results = evaluate(&self.model, scorer, &[*dialogue], &mut policy, self.budget);
            let kept = results.iter().filter(|result| result.spent.within(self.budget));
            sum += kept.map(|result| result.reward).sum::<f64>();
        }
        sum / self.scoring.len().max(1) as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::rng::Rng;
    use crate::offloading::generate::like_m4a1;
    use crate::offloading::model::ModelParams;

    fn model() -> DialogueModel {
        let workload = Arc::new(like_m4a1(40, Rng::new(2, 0)));
        let all: Vec<usize> = (0..40).collect();
        DialogueModel::new(workload, &all, ModelParams::published().unwrap()).unwrap()
    }

    fn spec(validates: bool) -> AgentSpec {
        let plan = TrainingPlan::published(false);
        AgentSpec { algorithm: Algorithm::A2c, plan, steps: 3000, trainings: 2, validates }
    }

    #[test]
    fn validation_dialogues_teach_nothing_and_score_only_each_other() {
        let model = model();
        let validation = Validation::new(&model, Cost::PUBLISHED).unwrap();
        let own: Vec<usize> = validation.scoring.iter().map(|(dialogue, _)| *dialogue).collect();
        assert_eq!(own.len(), 10);
        assert!(validation.model.trained_on().iter().all(|dialogue| !own.contains(dialogue)));
        for (dialogue, scoring) in &validation.scoring {
            let others = scoring.trained_on();
            assert!(others.len() == 9 && !others.contains(dialogue));
            assert!(others.iter().all(|other| own.contains(other)));
        }
    }

    #[test]
    fn the_best_of_the_validated_networks_is_kept() {
        let model = model();
        let agents = train_agents(&model, &spec(true), Cost::PUBLISHED, 7).unwrap();
        let rewards: Vec<f64> = agents.iter().map(|agent| agent.validated.unwrap()).collect();
        let best = chosen(&agents).unwrap();
        assert!(rewards.iter().all(|reward| *reward <= rewards[best]));
        let validation = Validation::new(&model, Cost::PUBLISHED).unwrap();
        let again = validation.reward(&agents[best].network, spec(true).plan);
        assert_eq!(again, rewards[best]);
        // The last network of the same training is no better.
        let mut env = DialogueEnvironment::new(
            &validation.model,
            validation.model.trained_on(),
            spec(true).plan,
        )
        .unwrap();
        let mut training = Training::new(Algorithm::A2c, &env, 3000, 7);
        training.finish(&mut env);
        assert!(validation.reward(training.network(), spec(true).plan) <= rewards[0]);
        let plain = train_agents(&model, &spec(false), Cost::PUBLISHED, 7).unwrap();
        assert_eq!(chosen(&plain), None);
    }
}
