//! Deep Q-network: remember every step, and every four steps learn from 32 of them.
//!
//! Mnih et al., Nature 518, 2015; learning rate 1e-4 by Adam, a replay of a million steps, learning
//! from the 101st step on, exploration from 1 to 0.05 over the first tenth, a copy of the network
//! as target every 10,000 steps, Huber loss, gradients up to length 10.

use super::actor_critic::{chooser, take};
use super::agent::{Agent, SegmentRngs};
use super::net::{Activation, Activations, Mlp, best};
use super::optim::{Optimiser, UpdateRule, clip};
use super::{Environment, Transition};
use rand::RngExt;

/// Steps remembered.
const REPLAY: usize = 1_000_000;
/// Steps before learning begins.
const WARM_UP: usize = 100;
/// Steps between two improvements, and samples of one.
const EVERY: usize = 4;
const BATCH: usize = 32;
/// Steps between two copies of the network.
const COPY: usize = 10_000;
/// Share of training over which exploration falls, and to what.
const EXPLORED: f64 = 0.1;
const LEAST: f64 = 0.05;
/// Gradients are no longer than this.
const LONGEST_GRADIENT: f32 = 10.0;

/// See the module.
pub(super) struct Dqn {
    network: Mlp,
    target: Mlp,
    optimiser: Optimiser,
    /// Steps one after the other: observation, action, reward, discount (0 at the end), next
    /// observation, next mask.
    replay: Vec<f32>,
    width: usize,
    inputs: usize,
    gradient: Vec<f32>,
    trace: Activations,
}

impl Dqn {
    pub(super) fn new(env: &dyn Environment, rngs: &mut SegmentRngs) -> Self {
        let inputs = env.observation_len();
        let network = chooser(env, 0.0, |sizes, _| {
            Mlp::uniform(sizes, Activation::Relu, &mut rngs.parameters)
        });
        let count = network.parameters.len();
        Self {
            target: network.clone(),
            network,
            optimiser: Optimiser::new(UpdateRule::Adam { epsilon: 1e-8 }, 1e-4, count),
            replay: Vec::new(),
            width: 2 * inputs + 3 + env.actions(),
            inputs,
            gradient: vec![0.0; count],
            trace: Activations::default(),
        }
    }

    /// The share of random actions after `done` of `total` steps.
    fn exploration(done: usize, total: usize) -> f64 {
        let progress = done as f64 / (EXPLORED * total as f64).max(1.0);
        (1.0 - (1.0 - LEAST) * progress).max(LEAST)
    }

    fn improve(&mut self, rngs: &mut SegmentRngs) {
        self.gradient.fill(0.0);
        let count = self.replay.len() / self.width;
        let outputs = self.network.outputs();
        let mut by_output = vec![0.0; outputs];
        for _ in 0..BATCH {
            let at = rngs.learner.random_range(0..count) * self.width;
            let (before, rest) = self.replay[at..at + self.width].split_at(self.inputs);
            let (step, rest) = rest.split_at(3);
            let (after, mask) = rest.split_at(self.inputs);
            let (action, reward, discount) = (step[0] as usize, step[1], step[2]);
            let later = self.target.forward(after, &mut self.trace);
            let open = later.iter().zip(mask).filter(|(_, open)| **open > 0.0).map(|(q, _)| *q);
            let later = open.fold(f32::NEG_INFINITY, f32::max);
            let goal = if discount > 0.0 { reward + discount * later } else { reward };
            let error = self.network.forward(before, &mut self.trace)[action] - goal;
            by_output.fill(0.0);
            // The slope of Huber's loss.
            by_output[action] = error.clamp(-1.0, 1.0) / BATCH as f32;
            self.network.backward(&mut self.trace, &by_output, &mut self.gradient);
        }
        clip(&mut [&mut self.gradient], LONGEST_GRADIENT);
        self.optimiser.step(&mut self.network.parameters, &self.gradient);
    }

    fn remember(&mut self, number: usize, row: &[f32]) {
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
        2000
    }

    fn learn(
        &mut self,
        env: &mut dyn Environment,
        rngs: &mut SegmentRngs,
        done: usize,
        total: usize,
    ) {
        let mut observation = vec![0.0; env.observation_len()];
        let mut allowed = vec![true; env.actions()];
        let mut row = Vec::with_capacity(self.width);
        env.observe(&mut observation);
        env.mask(&mut allowed);
        for number in done..done + self.segment() {
            let explores = number < WARM_UP
                || rngs.learner.random_range(0.0..1.0) < Self::exploration(number, total);
            let action = if explores {
                let open: Vec<usize> = (0..allowed.len()).filter(|a| allowed[*a]).collect();
                open[rngs.learner.random_range(0..open.len())]
            } else {
                best(self.network.forward(&observation, &mut self.trace), &allowed)
            };
            row.clear();
            row.extend_from_slice(&observation);
            let Transition { reward, done } = env.step(action);
            row.extend([action as f32, reward, if done { 0.0 } else { env.discount() }]);
            env.observe(&mut observation);
            row.extend_from_slice(&observation);
            if done {
                row.resize(self.width, 1.0);
                env.reset(&mut rngs.episodes);
                env.observe(&mut observation);
                env.mask(&mut allowed);
            } else {
                env.mask(&mut allowed);
                row.extend(allowed.iter().map(|open| f32::from(u8::from(*open))));
            }
            self.remember(number, &row);
            if number > WARM_UP && number % EVERY == 0 {
                self.improve(rngs);
            }
            if number % COPY == 0 {
                self.target.parameters.clone_from(&self.network.parameters);
            }
        }
    }

    fn network(&self) -> &Mlp {
        &self.network
    }

    fn state(&self) -> Vec<(&'static str, Vec<f32>)> {
        vec![
            ("network", self.network.parameters.clone()),
            ("target", self.target.parameters.clone()),
            ("moments", self.optimiser.moments.clone()),
            ("optimiser_steps", vec![f32::from_bits(self.optimiser.steps)]),
            ("replay", self.replay.clone()),
        ]
    }

    fn restore(&mut self, state: &[(String, Vec<f32>)]) -> Option<()> {
        take(state, "network", &mut self.network.parameters)?;
        take(state, "target", &mut self.target.parameters)?;
        take(state, "moments", &mut self.optimiser.moments)?;
        let mut steps = [0.0];
        take(state, "optimiser_steps", &mut steps)?;
        self.optimiser.steps = steps[0].to_bits();
        let (_, replay) = state.iter().find(|(name, _)| name == "replay")?;
        self.replay.clone_from(replay);
        // What was stored must be whole steps with actions that exist.
        let outputs = self.network.outputs() as f32;
        let mut rows = replay.chunks_exact(self.width);
        let good = rows.by_ref().all(|row| (0.0..outputs).contains(&row[self.inputs]));
        (good && rows.remainder().is_empty()).then_some(())
    }
}
