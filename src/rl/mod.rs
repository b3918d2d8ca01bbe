//! Learning by trial and error: an agent acts in an [`Environment`], a network says what it does,
//! gradients change the network.
//!
//! Three agents, written out: [`a2c`] (advantage actor-critic), [`ppo`] (proximal policy
//! optimisation), [`dqn`] (deep Q-network), with the hyper-parameters of the stable-baselines3
//! library that the TMO authors trained with. Networks are two layers of 64 units; those that are
//! asked about each action (see [`Environment::by_action`]) two of 32.
//!
//! **Determinism:** single precision, no fused operations, sums in a fixed order; random numbers by
//! seed and segment. A training is a chain of *segments* of some thousand steps, each of which
//! begins a new episode and its own random numbers, so that one that was interrupted between two
//! segments goes on as if nothing had been.

pub mod a2c;
mod actor_critic;
mod agent;
pub mod checkpoint;
pub mod dqn;
pub mod net;
pub mod optim;
pub mod ppo;
mod train;

pub use train::{Algorithm, CurvePoint, Training};

use rand_chacha::ChaCha8Rng;

/// What an agent acts in: episodes of steps, each with an observation and a choice of actions.
///
/// Everything random within an episode comes from the generator given to [`Self::reset`].
pub trait Environment {
    /// How many numbers an observation has.
    fn observation_len(&self) -> usize;
    /// How many actions there are.
    fn actions(&self) -> usize;
    /// How many numbers at the end of an observation are about each action, one action after the
    /// other, the first saying how good it seems; 0 if an observation has no such order.
    fn by_action(&self) -> usize {
        0
    }
    /// What a reward is worth after the step taken last, if it was worth 1 before.
    fn discount(&self) -> f32 {
        0.99
    }
    /// Begins an episode.
    fn reset(&mut self, rng: &mut ChaCha8Rng);
    /// Writes what can be seen now; anything after the last step of an episode.
    fn observe(&self, into: &mut [f32]);
    /// Writes which actions may be taken now, at least one; all unless said otherwise.
    fn mask(&self, allowed: &mut [bool]) {
        allowed.fill(true);
    }
    /// Takes an allowed action.
    fn step(&mut self, action: usize) -> Transition;
    /// What the environment itself has learned over episodes, such as prices.
    fn save_state(&self) -> Vec<f32> {
        Vec::new()
    }
    /// Takes up what [`Self::save_state`] returned.
    fn load_state(&mut self, _memory: &[f32]) {}
}

/// What came of an action.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Transition {
    /// The reward.
    pub reward: f32,
    /// Whether the episode has ended.
    pub done: bool,
}
