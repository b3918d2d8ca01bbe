//! Proximal policy optimisation: 2,048 steps, then ten passes over them in minibatches of 64, in
//! which the policy may move by a fifth.
//!
//! Schulman et al. 2017 (arXiv 1707.06347); learning rate 3e-4 by Adam (1e-5), advantages by λ =
//! 0.95 and normalised by minibatch, no entropy bonus.

use super::actor_critic::{ActorCritic, Sample};
use super::agent::{Agent, SegmentRngs};
use super::optim::UpdateRule;
use super::{Environment, net::Mlp};
use rand::RngExt;

/// Steps between two rounds of improvement.
const ROLLOUT: usize = 2048;
/// Passes over them.
const PASSES: usize = 10;
/// Steps of one improvement.
const MINIBATCH: usize = 64;
/// How much more or less probable an action may become before it no longer pays.
const CLIP: f32 = 0.2;
/// Decay of what later surprises say about an action.
const LAMBDA: f32 = 0.95;

/// See the module.
pub(super) struct Ppo(ActorCritic);

impl Ppo {
    pub(super) fn new(env: &dyn Environment, rngs: &mut SegmentRngs) -> Self {
        Self(ActorCritic::new(env, UpdateRule::Adam { epsilon: 1e-5 }, 3e-4, &mut rngs.parameters))
    }
}

/// Mean 0 and deviation 1.
fn normalised(values: &[f32], at: &[usize]) -> Vec<f32> {
    let count = at.len() as f32;
    let mean = at.iter().map(|at| values[*at]).sum::<f32>() / count;
    let squares: f32 = at.iter().map(|at| (values[*at] - mean) * (values[*at] - mean)).sum();
    let deviation = (squares / (count - 1.0)).sqrt() + 1e-8;
    at.iter().map(|at| (values[*at] - mean) / deviation).collect()
}

/// The derivative, by the logarithm of the new probability, of
/// `-min(ratio · advantage, clipped ratio · advantage)`.
fn by_log_probability(log_ratio: f32, advantage: f32) -> f32 {
    let ratio = libm::expf(log_ratio);
    let beyond = if advantage > 0.0 { ratio > 1.0 + CLIP } else { ratio < 1.0 - CLIP };
    if beyond { 0.0 } else { -ratio * advantage }
}

impl Agent for Ppo {
    fn segment(&self) -> usize {
        ROLLOUT
    }

    fn learn(&mut self, env: &mut dyn Environment, rngs: &mut SegmentRngs, _: usize, _: usize) {
        let rollout = self.0.roll(env, ROLLOUT, &mut rngs.learner, &mut rngs.episodes);
        let (advantages, returns) = rollout.advantages(LAMBDA);
        let mut order: Vec<usize> = (0..ROLLOUT).collect();
        let mut place = vec![0.0; ROLLOUT];
        for _ in 0..PASSES {
            for at in (1..ROLLOUT).rev() {
                order.swap(at, rngs.learner.random_range(0..=at));
            }
            for batch in order.chunks_exact(MINIBATCH) {
                let values = normalised(&advantages, batch);
                batch.iter().zip(values).for_each(|(at, value)| place[*at] = value);
                self.0.improve(&rollout, batch, |at, now| Sample {
                    by_log_probability: by_log_probability(
                        now - rollout.log_probabilities[at],
                        place[at],
                    ),
                    target: returns[at],
                });
            }
        }
    }

    fn network(&self) -> &Mlp {
        &self.0.actor
    }

    fn state(&self) -> Vec<(&'static str, Vec<f32>)> {
        self.0.state()
    }

    fn restore(&mut self, state: &[(String, Vec<f32>)]) -> Option<()> {
        self.0.restore(state)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clipped_loss_has_this_slope() {
        let loss = |log_ratio: f64, advantage: f64| {
            let ratio = libm::exp(log_ratio);
            -(ratio * advantage).min(ratio.clamp(0.8, 1.2) * advantage)
        };
        for log_ratio in [-0.5, -0.2, -0.1, 0.0, 0.1, 0.15, 0.3, 0.6] {
            for advantage in [-1.5, 0.7] {
                let step = 1e-6;
                let difference = (loss(log_ratio + step, advantage)
                    - loss(log_ratio - step, advantage))
                    / (2.0 * step);
                let found = by_log_probability(log_ratio as f32, advantage as f32);
                assert!((f64::from(found) - difference).abs() < 1e-4, "{log_ratio} {advantage}");
            }
        }
    }
}
