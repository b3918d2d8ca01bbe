//! Advantage actor-critic: one gradient step after every five steps, on these alone.
//!
//! Mnih et al., ICML 2016 (synchronous form); learning rate 7e-4 by `RMSprop` (0.99, 1e-5), no
//! entropy bonus, advantages not normalised.

use super::actor_critic::{ActorCritic, LossGradient, Method, Rollout};
use super::agent::Episodes;
use super::optim::UpdateRule;
use rand_chacha::ChaCha8Rng;

/// Steps between two updates.
const ROLLOUT: usize = 5;
/// Steps of a segment.
const SEGMENT: usize = 2000;

pub(super) const METHOD: Method =
    Method { rule: UpdateRule::RmsProp { epsilon: 1e-5 }, rate: 7e-4, segment: SEGMENT, learn };

fn learn(agent: &mut ActorCritic, episodes: &mut Episodes<'_>, rng: &mut ChaCha8Rng) {
    let all: Vec<usize> = (0..ROLLOUT).collect();
    let mut rollout = Rollout::default();
    for _ in 0..SEGMENT / ROLLOUT {
        agent.roll_out(episodes, ROLLOUT, rng, &mut rollout);
        rollout.estimate_advantages(1.0);
        agent.update(&rollout, &all, |at, _| LossGradient {
            by_log_probability: -rollout.advantages[at],
            target: rollout.returns[at],
        });
    }
}
