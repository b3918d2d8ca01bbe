//! Deep Q-network: every step is stored, and after every four steps 32 stored ones are sampled.
//!
//! Mnih et al., Nature 518, 2015; learning rate 1e-4 by Adam, a replay buffer of a million steps,
//! updates from the 101st step on, exploration from 1 to 0.05 over the first tenth, a copy of the
//! network as target every 10,000 steps, Huber loss, gradients up to norm 10.

use super::agent::{Agent, Episodes, TrainedNetwork, Visitor, action_network, visit_updates};
use super::net::{Activation, Activations, Mlp, best};
use super::optim::{UpdateRule, clip};
use super::{Environment, Transition};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;

/// Steps of a segment.
const SEGMENT: usize = 2000;
/// Steps stored.
const REPLAY: usize = 1_000_000;
/// Steps before the first update.
const WARM_UP: usize = 100;
/// Steps between two updates, and samples of one.
const EVERY: usize = 4;
const BATCH: usize = 32;
/// Steps between two copies of the network.
const COPY: usize = 10_000;
/// Share of training over which exploration falls, and its final value.
const EXPLORED: f64 = 0.1;
const LEAST: f64 = 0.05;
/// Largest norm of a gradient.
const MAX_GRADIENT: f32 = 10.0;

/// A network of action values, and the copy of it that gives targets.
pub(super) struct Dqn {
    online: TrainedNetwork,
    target: Mlp,
    /// Activations of `target`.
    activations: Activations,
    /// Rows of steps: observation, action, reward, discount (0 at the end of an episode), next
    /// observation, next mask.
    replay: Vec<f32>,
    /// Length of a row.
    width: usize,
}

impl Dqn {
    pub(super) fn new(env: &dyn Environment, rng: &mut ChaCha8Rng) -> Self {
        let network =
            action_network(env, 0.0, |sizes, _| Mlp::uniform(sizes, Activation::Relu, rng));
        Self {
            target: network.clone(),
            online: TrainedNetwork::new(network, UpdateRule::Adam { epsilon: 1e-8 }, 1e-4),
            activations: Activations::default(),
            replay: Vec::new(),
            width: 2 * env.observation_len() + 3 + env.actions(),
        }
    }

    /// The share of random actions after `done` of `total` steps.
    fn exploration(done: usize, total: usize) -> f64 {
        let progress = done as f64 / (EXPLORED * total as f64).max(1.0);
        (1.0 - (1.0 - LEAST) * progress).max(LEAST)
    }

    fn update(&mut self, rng: &mut ChaCha8Rng) {
        let (inputs, outputs) = (self.target.inputs(), self.target.outputs());
        let count = self.replay.len() / self.width;
        let mut by_output = vec![0.0; outputs];
        for _ in 0..BATCH {
            let at = rng.random_range(0..count) * self.width;
            let (before, rest) = self.replay[at..at + self.width].split_at(inputs);
            let (step, rest) = rest.split_at(3);
            let (after, mask) = rest.split_at(inputs);
            let (action, reward, discount) = (step[0] as usize, step[1], step[2]);
            let later = self.target.forward(after, &mut self.activations);
            let open = later.iter().zip(mask).filter(|(_, open)| **open > 0.0).map(|(q, _)| *q);
            let later = open.fold(f32::NEG_INFINITY, f32::max);
            let goal = if discount > 0.0 { reward + discount * later } else { reward };
            let error = self.online.forward(before)[action] - goal;
            by_output.fill(0.0);
            // The derivative of the Huber loss.
            by_output[action] = error.clamp(-1.0, 1.0) / BATCH as f32;
            self.online.backward(&by_output);
        }
        clip(&mut [&mut self.online.gradient], MAX_GRADIENT);
        self.online.update();
    }

    /// Stores step `number` of the training, in place of the oldest one if the buffer is full.
    fn store(&mut self, number: usize, row: &[f32]) {
        if self.replay.len() < REPLAY * self.width {
            self.replay.extend_from_slice(row);
        } else {
            let at = number % REPLAY * self.width;
            self.replay[at..at + self.width].copy_from_slice(row);
        }
    }
}

impl Agent for Dqn {
    fn segment(&self) -> usize {
        SEGMENT
    }

    fn learn(
        &mut self,
        episodes: &mut Episodes<'_>,
        rng: &mut ChaCha8Rng,
        done: usize,
        total: usize,
    ) {
        let mut row = Vec::with_capacity(self.width);
        for number in done..done + SEGMENT {
            let explores =
                number < WARM_UP || rng.random_range(0.0..1.0) < Self::exploration(number, total);
            let allowed = &episodes.allowed;
            let action = if explores {
                let open: Vec<usize> = (0..allowed.len()).filter(|a| allowed[*a]).collect();
                open[rng.random_range(0..open.len())]
            } else {
                best(self.online.forward(&episodes.observation), allowed)
            };
            row.clear();
            row.extend_from_slice(&episodes.observation);
            let Transition { reward, done, discount } = episodes.step(action);
            row.extend([action as f32, reward, if done { 0.0 } else { discount }]);
            row.extend_from_slice(&episodes.observation);
            if done {
                row.resize(self.width, 1.0);
                episodes.begin();
            } else {
                row.extend(episodes.allowed.iter().map(|open| f32::from(u8::from(*open))));
            }
            self.store(number, &row);
            if number > WARM_UP && number % EVERY == 0 {
                self.update(rng);
            }
            if number % COPY == 0 {
                self.target.parameters.clone_from(&self.online.network.parameters);
            }
        }
    }

    fn network(&self) -> &Mlp {
        &self.online.network
    }

    fn visit_state(&mut self, visit: Visitor<'_>) {
        visit("network", &mut self.online.network.parameters);
        visit("target", &mut self.target.parameters);
        visit("moments", &mut self.online.optimiser.moments);
        visit_updates([&mut self.online], visit);
        visit("replay", &mut self.replay);
    }

    /// A changed file may hold parts of rows, or actions that do not exist.
    fn is_valid(&self) -> bool {
        let (inputs, outputs) = (self.target.inputs(), self.target.outputs() as f32);
        let mut rows = self.replay.chunks_exact(self.width);
        rows.by_ref().all(|row| (0.0..outputs).contains(&row[inputs]))
            && rows.remainder().is_empty()
    }
}
