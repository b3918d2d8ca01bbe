//! What A2C and PPO share: an actor and a critic apart, rollouts, advantages.

use super::net::{ActionHeads, Activation, Activations, Mlp};
use super::optim::{Optimiser, UpdateRule, clip};
use super::{Environment, Transition};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;

/// Weight of the critic's loss.
const VALUE_WEIGHT: f32 = 0.5;
/// How often what seems good is added to the logarithm of a probability.
const PRIOR: f32 = 1.0;
/// Gradients of both networks together are no longer than this.
const LONGEST_GRADIENT: f32 = 0.5;
/// Hidden layers.
const HIDDEN: [usize; 2] = [64, 64];
/// Hidden layers of a network that is asked about each action.
const ASKED: [usize; 2] = [32, 32];

/// A policy, an estimate of what states are worth, and how they are improved.
pub(super) struct ActorCritic {
    pub(super) actor: Mlp,
    pub(super) critic: Mlp,
    pub(super) optimisers: [Optimiser; 2],
    gradients: [Vec<f32>; 2],
    traces: [Activations; 2],
    probabilities: Vec<f32>,
}

/// Steps taken in a row, flat by step.
#[derive(Default)]
pub(super) struct Rollout {
    pub(super) observations: Vec<f32>,
    pub(super) masks: Vec<bool>,
    pub(super) actions: Vec<usize>,
    pub(super) log_probabilities: Vec<f32>,
    pub(super) steps: Vec<Transition>,
    values: Vec<f32>,
    /// What the state after the last step is worth.
    last: f32,
    /// What later rewards are worth.
    discounts: Vec<f32>,
}

/// Loss of one sample: its derivative by the logarithm of the action's probability, and the return
/// that the critic should have foreseen.
pub(super) struct Sample {
    pub(super) by_log_probability: f32,
    pub(super) target: f32,
}

impl ActorCritic {
    pub(super) fn new(
        env: &dyn Environment,
        rule: UpdateRule,
        rate: f32,
        rng: &mut ChaCha8Rng,
    ) -> Self {
        let mut network =
            |sizes: &[usize], activation, gain| Mlp::orthogonal(sizes, activation, gain, &mut *rng);
        let actor = chooser(env, PRIOR, |sizes, asked| {
            network(sizes, if asked { Activation::Relu } else { Activation::Tanh }, 0.01)
        });
        let critic = network(&layers(env.observation_len(), &HIDDEN, 1), Activation::Tanh, 1.0);
        let counts = [actor.parameters.len(), critic.parameters.len()];
        Self {
            actor,
            critic,
            optimisers: counts.map(|count| Optimiser::new(rule, rate, count)),
            gradients: counts.map(|count| vec![0.0; count]),
            traces: Default::default(),
            probabilities: Vec::new(),
        }
    }

    fn value(&mut self, observation: &[f32]) -> f32 {
        self.critic.forward(observation, &mut self.traces[1])[0]
    }

    /// Fills `probabilities` for an observation; forbidden actions have none.
    fn look(&mut self, observation: &[f32], allowed: &[bool]) {
        let scores = self.actor.forward(observation, &mut self.traces[0]);
        let open = || scores.iter().zip(allowed).filter(|(_, open)| **open).map(|(s, _)| *s);
        let highest = open().fold(f32::NEG_INFINITY, f32::max);
        self.probabilities.clear();
        self.probabilities.extend(
            scores
                .iter()
                .zip(allowed)
                .map(|(s, open)| if *open { libm::expf(s - highest) } else { 0.0 }),
        );
        let sum: f32 = self.probabilities.iter().sum();
        self.probabilities.iter_mut().for_each(|p| *p /= sum);
    }

    /// Takes `count` steps by the policy, beginning new episodes where old ones end.
    pub(super) fn roll(
        &mut self,
        env: &mut dyn Environment,
        count: usize,
        rng: &mut ChaCha8Rng,
        episodes: &mut ChaCha8Rng,
    ) -> Rollout {
        let mut rollout = Rollout::default();
        let mut observation = vec![0.0; env.observation_len()];
        let mut allowed = vec![true; env.actions()];
        for _ in 0..count {
            env.observe(&mut observation);
            env.mask(&mut allowed);
            self.look(&observation, &allowed);
            let action = drawn(&self.probabilities, rng.random_range(0.0..1.0));
            rollout.values.push(self.value(&observation));
            let step = env.step(action);
            rollout.observations.extend_from_slice(&observation);
            rollout.masks.extend_from_slice(&allowed);
            rollout.actions.push(action);
            rollout.log_probabilities.push(libm::logf(self.probabilities[action]));
            rollout.steps.push(step);
            rollout.discounts.push(env.discount());
            if step.done {
                env.reset(episodes);
            }
        }
        env.observe(&mut observation);
        rollout.last = self.value(&observation);
        rollout
    }

    /// One step of the optimisers on the mean loss over the steps `at` of a rollout.
    pub(super) fn improve(
        &mut self,
        rollout: &Rollout,
        at: &[usize],
        sample: impl Fn(usize, f32) -> Sample,
    ) {
        self.differentiate(rollout, at, sample);
        let [actor, critic] = &mut self.gradients;
        clip(&mut [actor, critic], LONGEST_GRADIENT);
        self.optimisers[0].step(&mut self.actor.parameters, actor);
        self.optimisers[1].step(&mut self.critic.parameters, critic);
    }

    /// The gradients of the mean loss. `sample` is given a step and the logarithm of its action's
    /// probability now.
    fn differentiate(
        &mut self,
        rollout: &Rollout,
        at: &[usize],
        sample: impl Fn(usize, f32) -> Sample,
    ) {
        self.gradients.iter_mut().for_each(|gradient| gradient.fill(0.0));
        let (inputs, outputs) = (self.actor.inputs(), rollout.masks.len() / rollout.steps.len());
        let share = 1.0 / at.len() as f32;
        for at in at.iter().copied() {
            let observation = &rollout.observations[at * inputs..(at + 1) * inputs];
            self.look(observation, &rollout.masks[at * outputs..(at + 1) * outputs]);
            let action = rollout.actions[at];
            let loss = sample(at, libm::logf(self.probabilities[action].max(f32::MIN_POSITIVE)));
            // The derivative of log softmax is one for the action minus the probabilities.
            let scale = share * loss.by_log_probability;
            self.probabilities.iter_mut().for_each(|p| *p *= -scale);
            self.probabilities[action] += scale;
            self.actor.backward(&mut self.traces[0], &self.probabilities, &mut self.gradients[0]);
            let error = self.value(observation) - loss.target;
            let by_value = share * VALUE_WEIGHT * 2.0 * error;
            self.critic.backward(&mut self.traces[1], &[by_value], &mut self.gradients[1]);
        }
    }

    /// Everything that training changes, by name.
    pub(super) fn state(&self) -> Vec<(&'static str, Vec<f32>)> {
        let steps = self.optimisers[0].steps;
        vec![
            ("actor", self.actor.parameters.clone()),
            ("critic", self.critic.parameters.clone()),
            ("actor_moments", self.optimisers[0].moments.clone()),
            ("critic_moments", self.optimisers[1].moments.clone()),
            ("optimiser_steps", vec![f32::from_bits(steps)]),
        ]
    }

    /// Takes up what [`Self::state`] once said.
    pub(super) fn restore(&mut self, state: &[(String, Vec<f32>)]) -> Option<()> {
        let [first, second] = &mut self.optimisers;
        take(state, "actor", &mut self.actor.parameters)?;
        take(state, "critic", &mut self.critic.parameters)?;
        take(state, "actor_moments", &mut first.moments)?;
        take(state, "critic_moments", &mut second.moments)?;
        let mut steps = [0.0];
        take(state, "optimiser_steps", &mut steps)?;
        (first.steps, second.steps) = (steps[0].to_bits(), steps[0].to_bits());
        Some(())
    }
}

/// Units by layer.
fn layers(inputs: usize, hidden: &[usize], outputs: usize) -> Vec<usize> {
    [&[inputs], hidden, &[outputs]].concat()
}

/// The network that chooses an action: one that sees all at once, or, where observations have parts
/// by action, one that is asked about each and told what seems good `prior` times. `network` makes
/// it, given its layers and which of the two it is.
pub(super) fn chooser(
    env: &dyn Environment,
    prior: f32,
    network: impl FnOnce(&[usize], bool) -> Mlp,
) -> Mlp {
    let (inputs, count, width) = (env.observation_len(), env.actions(), env.by_action());
    if width == 0 {
        return network(&layers(inputs, &HIDDEN, count), false);
    }
    let seen = inputs - (count - 1) * width;
    let network = network(&layers(seen, &ASKED, 1), true);
    network.clone().asked_about(ActionHeads { count, width, prior }).unwrap_or(network)
}

/// Copies the values called `name`, if there are as many as expected.
pub(super) fn take(state: &[(String, Vec<f32>)], name: &str, into: &mut [f32]) -> Option<()> {
    let (_, values) = state.iter().find(|(known, _)| known == name)?;
    (values.len() == into.len()).then(|| into.copy_from_slice(values))
}

/// The index at which the probabilities add up to more than `unit`.
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
    /// Generalised advantages (Schulman et al., ICLR 2016) and the returns they make with the
    /// critic's values.
    pub(super) fn advantages(&self, lambda: f32) -> (Vec<f32>, Vec<f32>) {
        let count = self.steps.len();
        let mut advantages = vec![0.0; count];
        let (mut later, mut next) = (0.0, self.last);
        for at in (0..count).rev() {
            let Transition { reward, done } = self.steps[at];
            let goes_on = if done { 0.0 } else { self.discounts[at] };
            let surprise = reward + goes_on * next - self.values[at];
            later = surprise + goes_on * lambda * later;
            advantages[at] = later;
            next = self.values[at];
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
            Transition { reward: action as f32, done: false }
        }
    }

    #[test]
    fn gradients_of_the_actors_and_critics_losses_are_differences() {
        let mut rng = Rng::new(9, 0).stream(Label::Parameters);
        let mut episodes = Rng::new(9, 0).stream(Label::Episodes);
        let mut both = ActorCritic::new(&Still, UpdateRule::Adam { epsilon: 1e-5 }, 1e-3, &mut rng);
        let rollout = both.roll(&mut Still, 6, &mut rng, &mut episodes);
        assert!(rollout.actions.iter().all(|action| *action > 0));
        let weights = [0.7, -1.1, 0.4, 0.9, -0.3, 0.2];
        let all: Vec<usize> = (0..6).collect();
        let target = 0.3;
        both.differentiate(&rollout, &all, |at, _| Sample {
            by_log_probability: weights[at],
            target,
        });
        let gradients = both.gradients.clone();
        let loss = |both: &mut ActorCritic| -> f64 {
            let mut sum = 0.0;
            for (at, weight) in weights.iter().enumerate() {
                let seen = &rollout.observations[at * 5..(at + 1) * 5];
                both.look(seen, &[false, true, true, true]);
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
                    let middle = net.parameters[at];
                    net.parameters[at] = middle + step;
                    let found = loss(&mut both);
                    let net = if which == 0 { &mut both.actor } else { &mut both.critic };
                    net.parameters[at] = middle;
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
        let step = |reward, done| Transition { reward, done };
        let rollout = Rollout {
            steps: vec![step(1.0, false), step(2.0, true), step(3.0, false)],
            values: vec![0.5, 0.25, 0.125],
            last: 4.0,
            discounts: vec![0.99; 3],
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
