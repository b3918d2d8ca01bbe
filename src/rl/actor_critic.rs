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
    /// Probability of each action in the state that was evaluated last.
    probabilities: Vec<f32>,
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
        Self { method, actor, critic, probabilities: Vec::new() }
    }

    fn value(&mut self, observation: &[f32]) -> f32 {
        self.critic.forward(observation)[0]
    }

    /// Fills `probabilities` for an observation; forbidden actions get 0.
    fn evaluate_policy(&mut self, observation: &[f32], allowed: &[bool]) {
        let scores = self.actor.forward(observation);
        let open = || scores.iter().zip(allowed).filter(|(_, open)| **open).map(|(s, _)| *s);
        let highest = open().fold(f32::NEG_INFINITY, f32::max);
        let weight = |(score, open): (&f32, &bool)| {
            if *open { libm::expf(score - highest) } else { 0.0 }
        };
        self.probabilities.clear();
        self.probabilities.extend(scores.iter().zip(allowed).map(weight));
        let sum: f32 = self.probabilities.iter().sum();
        self.probabilities.iter_mut().for_each(|p| *p /= sum);
    }

    /// Takes `count` steps by the policy.
    pub(super) fn rollout(
        &mut self,
        episodes: &mut Episodes<'_>,
        count: usize,
        rng: &mut ChaCha8Rng,
    ) -> Rollout {
        let mut rollout = Rollout::default();
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
        rollout
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
        let inputs = self.actor.network.inputs();
        let outputs = self.actor.network.outputs();
        let share = 1.0 / at.len() as f32;
        for at in at.iter().copied() {
            let observation = &rollout.observations[at * inputs..(at + 1) * inputs];
            self.evaluate_policy(observation, &rollout.masks[at * outputs..(at + 1) * outputs]);
            let action = rollout.actions[at];
            let loss = loss(at, libm::logf(self.probabilities[action].max(f32::MIN_POSITIVE)));
            // The derivative of log softmax is one for the action minus the probabilities.
            let scale = share * loss.by_log_probability;
            self.probabilities.iter_mut().for_each(|p| *p *= -scale);
            self.probabilities[action] += scale;
            self.actor.backward(&self.probabilities);
            let error = self.value(observation) - loss.target;
            self.critic.backward(&[share * VALUE_WEIGHT * 2.0 * error]);
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
    /// Generalised advantages (Schulman et al., ICLR 2016), and the returns that they make with the
    /// critic's values.
    pub(super) fn advantages(&self, lambda: f32) -> (Vec<f32>, Vec<f32>) {
        let mut advantages = vec![0.0; self.steps.len()];
        let (mut advantage, mut next_value) = (0.0, self.last_value);
        for (at, Transition { reward, done, discount }) in self.steps.iter().enumerate().rev() {
            let discount = if *done { 0.0 } else { *discount };
            let difference = reward + discount * next_value - self.values[at];
            advantage = difference + discount * lambda * advantage;
            advantages[at] = advantage;
            next_value = self.values[at];
        }
        let returns = advantages.iter().zip(&self.values).map(|(a, v)| a + v).collect();
        (advantages, returns)
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
        let rollout = both.rollout(&mut episodes, 6, &mut rng);
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
        let rollout = Rollout {
            steps: vec![step(1.0, false), step(2.0, true), step(3.0, false)],
            values: vec![0.5, 0.25, 0.125],
            last_value: 4.0,
            ..Rollout::default()
        };
        let (advantages, returns) = rollout.advantages(1.0);
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
