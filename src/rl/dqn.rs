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
    batch: Batch,
}

/// Steps that were sampled.
#[derive(Default)]
struct Batch {
    /// Where their rows begin.
    at: Vec<usize>,
    observations: Vec<f32>,
    /// Derivative of the loss by the outputs.
    by_output: Vec<f32>,
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
            batch: Batch::default(),
        }
    }

    /// The share of random actions after `done` of `total` steps.
    fn exploration(done: usize, total: usize) -> f64 {
        let progress = done as f64 / (EXPLORED * total as f64).max(1.0);
        (1.0 - (1.0 - LEAST) * progress).max(LEAST)
    }

    fn update(&mut self, rng: &mut ChaCha8Rng) {
        let Self { online, target, activations, replay, width, batch } = self;
        let Batch { at, observations, by_output } = batch;
        let (inputs, outputs) = (target.inputs(), target.outputs());
        let count = replay.len() / *width;
        at.clear();
        at.extend((0..BATCH).map(|_| rng.random_range(0..count) * *width));
        let after = inputs + 3;
        let gather = |offset: usize, into: &mut Vec<f32>| {
            into.clear();
            at.iter().for_each(|at| into.extend(&replay[at + offset..][..inputs]));
        };
        gather(after, observations);
        let later = target.forward(observations, activations);
        gather(0, observations);
        let now = online.forward(observations);
        by_output.clear();
        by_output.resize(BATCH * outputs, 0.0);
        let rows = later.chunks_exact(outputs).zip(now.chunks_exact(outputs));
        for ((at, (later, now)), slopes) in
            at.iter().zip(rows).zip(by_output.chunks_exact_mut(outputs))
        {
            let row = &replay[*at..][..*width];
            let (action, reward, discount) =
                (row[inputs] as usize, row[inputs + 1], row[inputs + 2]);
            let open = later.iter().zip(&row[after + inputs..]).filter(|(_, open)| **open > 0.0);
            let later = open.map(|(q, _)| *q).fold(f32::NEG_INFINITY, f32::max);
            let goal = if discount > 0.0 { reward + discount * later } else { reward };
            // The derivative of the Huber loss.
            slopes[action] = (now[action] - goal).clamp(-1.0, 1.0) / BATCH as f32;
        }
        online.backward(by_output);
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
    }

    fn stored_width(&self) -> usize {
        self.width
    }

    fn stored(&self, done: usize) -> &[f32] {
        let Some(last) = done.checked_sub(1) else { return &[] };
        // Segments fill the buffer without a rest.
        let end = last % REPLAY + 1;
        &self.replay[(end - SEGMENT) * self.width..end * self.width]
    }

    /// A changed file may hold actions that do not exist.
    fn restore(&mut self, stored: &[f32]) -> bool {
        let (inputs, outputs) = (self.target.inputs(), self.target.outputs() as f32);
        let mut rows = stored.chunks_exact(self.width);
        let is_valid = rows.all(|row| (0.0..outputs).contains(&row[inputs]));
        for (number, row) in stored.chunks_exact(self.width).enumerate() {
            self.store(number, row);
        }
        is_valid
    }
}
