//! What A2C and PPO share: an actor and a critic in separate networks, rollouts, advantages.

use super::agent::{
    Agent, Episodes, HIDDEN, TrainedNetwork, Visitor, action_network, layers, visit_updates,
};
use super::net::{Activation, Mlp};
use super::optim::{UpdateRule, clip};
use super::{Environment, Transition};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;

/// Weight of the critic's loss.
const VALUE_WEIGHT: f32 = 0.5;
/// Weight of an action's own score in the logarithm of its probability.
const PRIOR: f32 = 1.0;
/// Largest norm of the gradients of both networks together.
const MAX_GRADIENT: f32 = 0.5;

/// How an actor-critic agent learns.
#[derive(Clone, Copy)]
pub(super) struct Method {
    /// Optimiser of both networks.
    pub(super) rule: UpdateRule,
    /// Learning rate.
    pub(super) rate: f32,
    /// Steps of a segment.
    pub(super) segment: usize,
    /// Takes the steps of a segment and updates the agent.
    pub(super) learn: fn(&mut ActorCritic, &mut Episodes<'_>, &mut ChaCha8Rng),
}

/// A policy, and an estimate of the return from each state.
pub(super) struct ActorCritic {
    method: Method,
    actor: TrainedNetwork,
    critic: TrainedNetwork,
    /// Probability of each action in the states that were evaluated last.
    probabilities: Vec<f32>,
    batch: Batch,
}

/// The steps of an update, flat by step.
#[derive(Default)]
struct Batch {
    observations: Vec<f32>,
    masks: Vec<bool>,
    /// Derivative of the loss by the critic's value.
    by_value: Vec<f32>,
}

/// Consecutive steps, flat by step.
#[derive(Default)]
pub(super) struct Rollout {
    observations: Vec<f32>,
    masks: Vec<bool>,
    actions: Vec<usize>,
    /// Logarithm of the probability of each action when it was taken.
    pub(super) log_probabilities: Vec<f32>,
    steps: Vec<Transition>,
    /// The critic's value of the state before each step.
    values: Vec<f32>,
    /// The critic's value of the state after the last step.
    last_value: f32,
    /// By step: how much better its action was than expected.
    pub(super) advantages: Vec<f32>,
    /// By step: the return that the critic should have predicted.
    pub(super) returns: Vec<f32>,
}

/// The loss of one step.
pub(super) struct LossGradient {
    /// Derivative of the actor's loss by the logarithm of the action's probability.
    pub(super) by_log_probability: f32,
    /// The return that the critic should have predicted.
    pub(super) target: f32,
}

impl ActorCritic {
    pub(super) fn new(env: &dyn Environment, method: Method, rng: &mut ChaCha8Rng) -> Self {
        let mut build =
            |sizes: &[usize], activation, gain| Mlp::orthogonal(sizes, activation, gain, &mut *rng);
        let actor = action_network(env, PRIOR, |sizes, by_action| {
            build(sizes, if by_action { Activation::Relu } else { Activation::Tanh }, 0.01)
        });
        let critic = build(&layers(env.observation_len(), &HIDDEN, 1), Activation::Tanh, 1.0);
        let [actor, critic] =
            [actor, critic].map(|network| TrainedNetwork::new(network, method.rule, method.rate));
        Self { method, actor, critic, probabilities: Vec::new(), batch: Batch::default() }
    }

    fn value(&mut self, observation: &[f32]) -> f32 {
        self.critic.forward(observation)[0]
    }

    /// Fills `probabilities` for some observations; forbidden actions get 0.
    fn evaluate_policy(&mut self, observations: &[f32], allowed: &[bool]) {
        let Self { actor, probabilities, .. } = self;
        let count = actor.network.outputs();
        let scores = actor.forward(observations);
        probabilities.clear();
        for (scores, allowed) in scores.chunks_exact(count).zip(allowed.chunks_exact(count)) {
            let open = || scores.iter().zip(allowed).filter(|(_, open)| **open).map(|(s, _)| *s);
            let highest = open().fold(f32::NEG_INFINITY, f32::max);
            let weight = |(score, open): (&f32, &bool)| {
                if *open { libm::expf(score - highest) } else { 0.0 }
            };
            let start = probabilities.len();
            probabilities.extend(scores.iter().zip(allowed).map(weight));
            let weights = &mut probabilities[start..];
            let sum: f32 = weights.iter().sum();
            weights.iter_mut().for_each(|p| *p /= sum);
        }
    }

    /// Takes `count` steps by the policy.
    pub(super) fn roll_out(
        &mut self,
        episodes: &mut Episodes<'_>,
        count: usize,
        rng: &mut ChaCha8Rng,
        rollout: &mut Rollout,
    ) {
        rollout.clear();
        for _ in 0..count {
            self.evaluate_policy(&episodes.observation, &episodes.allowed);
            let action = drawn(&self.probabilities, rng.random_range(0.0..1.0));
            rollout.values.push(self.value(&episodes.observation));
            rollout.observations.extend_from_slice(&episodes.observation);
            rollout.masks.extend_from_slice(&episodes.allowed);
            rollout.actions.push(action);
            rollout.log_probabilities.push(libm::logf(self.probabilities[action]));
            let step = episodes.step(action);
            rollout.steps.push(step);
            if step.done {
                episodes.begin();
            }
        }
        rollout.last_value = self.value(&episodes.observation);
    }

    /// One update by the mean loss over the steps `at` of a rollout. `loss` is given a step and the
    /// logarithm of its action's probability now.
    pub(super) fn update(
        &mut self,
        rollout: &Rollout,
        at: &[usize],
        loss: impl Fn(usize, f32) -> LossGradient,
    ) {
        self.differentiate(rollout, at, loss);
        clip(&mut [&mut self.actor.gradient, &mut self.critic.gradient], MAX_GRADIENT);
        self.actor.update();
        self.critic.update();
    }

    /// Adds the gradients of the mean loss.
    fn differentiate(
        &mut self,
        rollout: &Rollout,
        at: &[usize],
        loss: impl Fn(usize, f32) -> LossGradient,
    ) {
        let mut batch = std::mem::take(&mut self.batch);
        batch.take(rollout, at, self.actor.network.inputs(), self.actor.network.outputs());
        self.evaluate_policy(&batch.observations, &batch.masks);
        let share = 1.0 / at.len() as f32;
        let rows = self.probabilities.chunks_exact_mut(self.actor.network.outputs());
        let values = self.critic.forward(&batch.observations);
        for ((at, probabilities), value) in at.iter().zip(rows).zip(values) {
            let action = rollout.actions[*at];
            let loss = loss(*at, libm::logf(probabilities[action].max(f32::MIN_POSITIVE)));
            // The derivative of log softmax is one for the action minus the probabilities.
            let scale = share * loss.by_log_probability;
            probabilities.iter_mut().for_each(|p| *p *= -scale);
            probabilities[action] += scale;
            batch.by_value.push(share * VALUE_WEIGHT * 2.0 * (value - loss.target));
        }
        self.actor.backward(&self.probabilities);
        self.critic.backward(&batch.by_value);
        self.batch = batch;
    }
}

impl Batch {
    /// Takes over the steps `at` of a rollout.
    fn take(&mut self, rollout: &Rollout, at: &[usize], inputs: usize, outputs: usize) {
        self.observations.clear();
        self.masks.clear();
        self.by_value.clear();
        for at in at {
            self.observations.extend_from_slice(&rollout.observations[at * inputs..][..inputs]);
            self.masks.extend_from_slice(&rollout.masks[at * outputs..][..outputs]);
        }
    }
}

impl Agent for ActorCritic {
    fn segment(&self) -> usize {
        self.method.segment
    }

    fn learn(
        &mut self,
        episodes: &mut Episodes<'_>,
        rng: &mut ChaCha8Rng,
        _done: usize,
        _total: usize,
    ) {
        (self.method.learn)(self, episodes, rng);
    }

    fn network(&self) -> &Mlp {
        &self.actor.network
    }

    fn visit_state(&mut self, visit: Visitor<'_>) {
        visit("actor", &mut self.actor.network.parameters);
        visit("critic", &mut self.critic.network.parameters);
        visit("actor_moments", &mut self.actor.optimiser.moments);
        visit("critic_moments", &mut self.critic.optimiser.moments);
        visit_updates([&mut self.actor, &mut self.critic], visit);
    }
}

/// The index at which the cumulative probability exceeds `unit`.
fn drawn(probabilities: &[f32], unit: f32) -> usize {
    let mut left = unit;
    let mut last = 0;
    for (at, p) in probabilities.iter().enumerate().filter(|(_, p)| **p > 0.0) {
        last = at;
        if left < *p {
            break;
        }
        left -= p;
    }
    last
}

impl Rollout {
    fn clear(&mut self) {
        self.observations.clear();
        self.masks.clear();
        self.actions.clear();
        self.log_probabilities.clear();
        self.steps.clear();
        self.values.clear();
    }

    /// Generalised advantages (Schulman et al., ICLR 2016), and the returns that they make with the
    /// critic's values.
    pub(super) fn estimate_advantages(&mut self, lambda: f32) {
        self.advantages.clear();
        self.advantages.resize(self.steps.len(), 0.0);
        let (mut advantage, mut next_value) = (0.0, self.last_value);
        for (at, Transition { reward, done, discount }) in self.steps.iter().enumerate().rev() {
            let discount = if *done { 0.0 } else { *discount };
            let difference = reward + discount * next_value - self.values[at];
            advantage = difference + discount * lambda * advantage;
            self.advantages[at] = advantage;
            next_value = self.values[at];
        }
        self.returns.clear();
        self.returns.extend(self.advantages.iter().zip(&self.values).map(|(a, v)| a + v));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::rng::{Label, Rng};

    /// Five numbers to see, four actions, of which the first is forbidden.
    struct Still;

    impl Environment for Still {
        fn observation_len(&self) -> usize {
            5
        }

        fn actions(&self) -> usize {
            4
        }

        fn reset(&mut self, _: &mut ChaCha8Rng) {}

        fn observe(&self, into: &mut [f32]) {
            into.copy_from_slice(&[0.5, -1.0, 0.25, 1.0, -0.5]);
        }

        fn mask(&self, allowed: &mut [bool]) {
            allowed.copy_from_slice(&[false, true, true, true]);
        }

        fn step(&mut self, action: usize) -> Transition {
            Transition { reward: action as f32, done: false, discount: 0.99 }
        }
    }

    #[test]
    fn gradients_of_the_actors_and_critics_losses_are_differences() {
        let mut rng = Rng::new(9, 0).stream(Label::Parameters);
        let rule = UpdateRule::Adam { epsilon: 1e-5 };
        let method = Method { rule, rate: 1e-3, segment: 6, learn: |_, _, _| {} };
        let mut both = ActorCritic::new(&Still, method, &mut rng);
        let mut env = Still;
        let mut episodes = Episodes::new(&mut env, Rng::new(9, 0).stream(Label::Episodes));
        let mut rollout = Rollout::default();
        both.roll_out(&mut episodes, 6, &mut rng, &mut rollout);
        assert!(rollout.actions.iter().all(|action| *action > 0));
        let weights = [0.7, -1.1, 0.4, 0.9, -0.3, 0.2];
        let all: Vec<usize> = (0..6).collect();
        let target = 0.3;
        both.differentiate(&rollout, &all, |at, _| LossGradient {
            by_log_probability: weights[at],
            target,
        });
        let gradients = [both.actor.gradient.clone(), both.critic.gradient.clone()];
        let loss = |both: &mut ActorCritic| -> f64 {
            let mut sum = 0.0;
            for (at, weight) in weights.iter().enumerate() {
                let seen = &rollout.observations[at * 5..(at + 1) * 5];
                both.evaluate_policy(seen, &[false, true, true, true]);
                let p = f64::from(both.probabilities[rollout.actions[at]]);
                let error = f64::from(both.value(seen)) - f64::from(target);
                sum += f64::from(*weight) * libm::log(p) + 0.5 * error * error;
            }
            sum / 6.0
        };
        for (which, gradient) in gradients.iter().enumerate() {
            for (at, found) in gradient.iter().enumerate().step_by(7) {
                let mut at_distance = |step: f32| {
                    let net = if which == 0 { &mut both.actor } else { &mut both.critic };
                    let net = &mut net.network;
                    let middle = net.parameters[at];
                    net.parameters[at] = middle + step;
                    let found = loss(&mut both);
                    let net = if which == 0 { &mut both.actor } else { &mut both.critic };
                    net.network.parameters[at] = middle;
                    found
                };
                let difference = (at_distance(4e-3) - at_distance(-4e-3)) / 8e-3;
                let found = f64::from(*found);
                assert!((found - difference).abs() < 5e-4, "{which} {at}: {found} {difference}");
            }
        }
    }

    #[test]
    fn advantages_with_lambda_one_are_discounted_returns_less_values() {
        let step = |reward, done| Transition { reward, done, discount: 0.99 };
        let mut rollout = Rollout {
            steps: vec![step(1.0, false), step(2.0, true), step(3.0, false)],
            values: vec![0.5, 0.25, 0.125],
            last_value: 4.0,
            ..Rollout::default()
        };
        rollout.estimate_advantages(1.0);
        let Rollout { advantages, returns, .. } = rollout;
        let expected = [1.0 + 0.99 * 2.0, 2.0, 3.0 + 0.99 * 4.0];
        for (found, expected) in returns.iter().zip(expected) {
            assert!((found - expected).abs() < 1e-6, "{returns:?}");
        }
        assert!((advantages[1] - 1.75).abs() < 1e-6);
    }

    #[test]
    fn actions_are_drawn_by_their_probability() {
        let p = [0.25, 0.0, 0.5, 0.25];
        let drawn: Vec<usize> =
            [0.0, 0.24, 0.26, 0.74, 0.76, 0.999_999].map(|u| drawn(&p, u)).to_vec();
        assert_eq!(drawn, [0, 0, 2, 2, 3, 3]);
    }
}
