//! Proximal policy optimisation: 2,048 steps, then ten passes over them in minibatches of 64, in
//! which the probability of an action may change by a fifth.
//!
//! Schulman et al. 2017 (arXiv 1707.06347); learning rate 3e-4 by Adam (1e-5), generalised
//! advantages with λ = 0.95, normalised by minibatch, no entropy bonus.

use super::actor_critic::{ActorCritic, LossGradient, Method, Rollout};
use super::agent::Episodes;
use super::optim::UpdateRule;
use rand::RngExt;
use rand_chacha::ChaCha8Rng;

/// Steps of a segment, which is one rollout.
const ROLLOUT: usize = 2048;
/// Passes over a rollout.
const PASSES: usize = 10;
/// Steps of one update.
const MINIBATCH: usize = 64;
/// Change of an action's probability beyond which its loss is constant.
const CLIP: f32 = 0.2;
/// Decay of later temporal differences in an advantage.
const LAMBDA: f32 = 0.95;

pub(super) const METHOD: Method =
    Method { rule: UpdateRule::Adam { epsilon: 1e-5 }, rate: 3e-4, segment: ROLLOUT, learn };

fn learn(agent: &mut ActorCritic, episodes: &mut Episodes<'_>, rng: &mut ChaCha8Rng) {
    let mut rollout = Rollout::default();
    agent.roll_out(episodes, ROLLOUT, rng, &mut rollout);
    rollout.estimate_advantages(LAMBDA);
    let mut order: Vec<usize> = (0..ROLLOUT).collect();
    let mut scaled = vec![0.0; ROLLOUT];
    for _ in 0..PASSES {
        for at in (1..ROLLOUT).rev() {
            order.swap(at, rng.random_range(0..=at));
        }
        for batch in order.chunks_exact(MINIBATCH) {
            let values = normalised(&rollout.advantages, batch);
            batch.iter().zip(values).for_each(|(at, value)| scaled[*at] = value);
            agent.update(&rollout, batch, |at, log_probability| LossGradient {
                by_log_probability: by_log_probability(
                    log_probability - rollout.log_probabilities[at],
                    scaled[at],
                ),
                target: rollout.returns[at],
            });
        }
    }
}

/// The values at `at`, with mean 0 and standard deviation 1.
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
