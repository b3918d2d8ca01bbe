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
use crate::config::{Location, Problem};
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
        let learner = validation.as_ref().map_or(model, Validation::learner);
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
    let mut best = validation.map(|of| BestNetwork::new(of, spec.plan, spec.steps));
    while training.advance(&mut env).is_some() {
        if let Some(best) = &mut best {
            best.check(&training);
        }
    }
    Ok(TrainedAgent::of(&training, best))
}

impl TrainedAgent {
    /// The best of the networks that were validated; the last one without validation.
    pub fn of(training: &Training, best: Option<BestNetwork<'_>>) -> Self {
        best.and_then(|best| best.best).unwrap_or_else(|| Self {
            network: training.network().clone(),
            steps: training.done(),
            validated: None,
        })
    }
}

/// The best network of a training so far, by validation dialogues: a training stops early by taking
/// it at the end.
pub struct BestNetwork<'a> {
    validation: &'a Validation,
    plan: TrainingPlan,
    /// Steps of the whole training.
    total: usize,
    /// The steps after which a network was last validated.
    checked: usize,
    best: Option<TrainedAgent>,
}

impl<'a> BestNetwork<'a> {
    /// No network yet, of a training of `total` steps.
    pub fn new(validation: &'a Validation, plan: TrainingPlan, total: usize) -> Self {
        Self { validation, plan, total, checked: 0, best: None }
    }

    /// To be called after every segment: the mean validation reward of the network, if it is one of
    /// those that are validated: about fifteen of a training, and always the last.
    pub fn check(&mut self, training: &Training) -> Option<f64> {
        let steps = training.done();
        let is_last = steps >= self.total;
        if !is_last && steps.saturating_sub(self.checked) < self.total / CHECKS {
            return None;
        }
        self.checked = steps;
        let network = training.network();
        let reward = self.validation.reward(network, self.plan);
        if self.best.as_ref().and_then(|best| best.validated).is_none_or(|known| reward > known) {
            let network = network.clone();
            self.best = Some(TrainedAgent { network, steps, validated: Some(reward) });
        }
        Some(reward)
    }

    /// Everything but the reward, which the network has again, as numbers for a checkpoint: the
    /// steps of the last validation and of the best network, and its parameters.
    pub fn state(&self) -> Vec<f32> {
        let Some(best) = &self.best else { return Vec::new() };
        let steps = [split_steps(self.checked), split_steps(best.steps)].concat();
        [&steps[..], &best.network.parameters].concat()
    }

    /// Continues with what [`Self::state`] returned; `None` if it is of another training.
    pub fn restore(&mut self, training: &Training, state: &[f32]) -> Option<()> {
        if state.is_empty() {
            return Some(());
        }
        let (steps, parameters) = state.split_at_checked(4)?;
        let mut network = training.network().clone();
        if parameters.len() != network.parameters.len() {
            return None;
        }
        network.parameters.copy_from_slice(parameters);
        self.checked = joined_steps(&steps[..2]);
        let validated = Some(self.validation.reward(&network, self.plan));
        self.best = Some(TrainedAgent { network, steps: joined_steps(&steps[2..]), validated });
        Some(())
    }
}

/// The whole numbers that single precision has without gaps.
const EXACT: usize = 1 << 24;

/// A number of steps as two numbers in single precision, without rounding below 2^48.
fn split_steps(steps: usize) -> [f32; 2] {
    [(steps / EXACT) as f32, (steps % EXACT) as f32]
}

/// What [`split_steps`] split.
fn joined_steps(parts: &[f32]) -> usize {
    parts.iter().fold(0, |steps: usize, part| steps.saturating_mul(EXACT) + *part as usize)
}

/// Dialogues on which networks are compared, and the model of the others.
pub struct Validation {
    /// What agents learn from.
    model: DialogueModel,
    /// Each validation dialogue with the model of the others, which scores it.
    scoring: Vec<(usize, DialogueModel)>,
    budget: Cost,
}

impl Validation {
    /// Sets every fourth of the dialogues that `model` was fitted to apart. Networks are compared
    /// at `budget`.
    ///
    /// # Errors
    /// There are too few dialogues.
    pub fn new(model: &DialogueModel, budget: Cost) -> Result<Self, Problem> {
        let count = model.trained_on().len();
        if count <= VALIDATION {
            let found = format!("{count} training dialogues");
            let expected = format!("more than {VALIDATION}: two validate, and score each other");
            return Err(Problem::new(Location::file("validation"), found, expected));
        }
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

    /// The model of the dialogues that do not validate, from which agents learn.
    pub fn learner(&self) -> &DialogueModel {
        &self.model
    }

    /// The mean reward of a network; beyond the budget a dialogue earns nothing.
    pub fn reward(&self, network: &Mlp, plan: TrainingPlan) -> f64 {
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
    fn too_few_dialogues_to_validate_are_refused() {
        let five = &[0, 1, 2, 3, 4];
        let of = |dialogues: &[usize]| {
            let model = model();
            DialogueModel::new(Arc::clone(&model.workload), dialogues, model.params).unwrap()
        };
        assert_eq!(Validation::new(&of(five), Cost::PUBLISHED).unwrap().scoring.len(), 2);
        let problem = Validation::new(&of(&five[..4]), Cost::PUBLISHED).err().unwrap().to_string();
        let expected = "validation: found 4 training dialogues, expected more than 4";
        assert!(problem.starts_with(expected), "{problem}");
    }

    #[test]
    fn the_best_network_survives_an_interruption() {
        let (model, plan) = (model(), spec(true).plan);
        let validation = Validation::new(&model, Cost::PUBLISHED).unwrap();
        let learner = validation.learner();
        let mut env = DialogueEnvironment::new(learner, learner.trained_on(), plan).unwrap();
        let mut training = Training::new(Algorithm::A2c, &env, 6000, 7);
        let new = || BestNetwork::new(&validation, plan, 6000);
        let (mut whole, mut best) = (new(), new());
        assert!(best.state().is_empty() && best.restore(&training, &[]).is_some());
        while training.advance(&mut env).is_some() {
            let mut again = new();
            again.restore(&training, &best.state()).unwrap();
            best = again;
            assert_eq!(whole.check(&training), best.check(&training));
            assert_eq!(whole.state(), best.state());
            assert!(new().restore(&training, &best.state()[1..]).is_none());
        }
        let [whole, best] = [whole, best].map(|best| TrainedAgent::of(&training, Some(best)));
        assert_eq!((whole.steps, whole.validated), (best.steps, best.validated));
        assert_eq!(whole.network, best.network);
        for steps in [0, 1, EXACT - 1, EXACT, 3 * EXACT + 12_345] {
            assert_eq!(joined_steps(&split_steps(steps)), steps);
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
