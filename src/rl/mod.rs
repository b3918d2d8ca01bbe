//! Reinforcement learning: an agent acts in an [`Environment`], a network scores its actions, and
//! gradients improve the network.
//!
//! Three agents: advantage actor-critic (`a2c.rs`), proximal policy optimisation (`ppo.rs`) and the
//! deep Q-network (`dqn.rs`), with the hyper-parameters of the stable-baselines3 library, with
//! which the TMO authors trained. Networks have two hidden layers of 64 units, or of 32 where the
//! network scores each action by itself ([`Environment::action_features`]).
//!
//! **Determinism:** single precision, no fused operations, sums in a fixed order; random streams
//! are keyed by seed and segment. A training is a chain of *segments* of some thousand steps. Each
//! begins a new episode and has its own random streams, so a training that was interrupted between
//! two segments continues to the same bytes.

mod a2c;
mod actor_critic;
mod agent;
pub mod checkpoint;
mod dqn;
pub mod net;
mod optim;
mod ppo;
pub mod replay_file;
pub mod serve;
mod tanh;
mod train;
mod vector;

pub use train::{Algorithm, CurvePoint, Training};

use rand_chacha::ChaCha8Rng;

/// Weight of later rewards for every step between, where an environment has no reason for another.
pub const DISCOUNT: f32 = 0.99;

/// What an agent acts in: episodes of steps, each with an observation and a choice of actions.
///
/// All randomness of an episode comes from the generator given to [`Self::reset`].
///
/// ```
/// use peeksim::rl::{Algorithm, DISCOUNT, Environment, Training, Transition};
/// use rand::RngExt;
/// use rand_chacha::ChaCha8Rng;
///
/// /// One step: the action that equals the observed bit earns 1.
/// struct Copy(usize);
///
/// impl Environment for Copy {
///     fn observation_len(&self) -> usize { 1 }
///     fn actions(&self) -> usize { 2 }
///     fn reset(&mut self, rng: &mut ChaCha8Rng) { self.0 = rng.random_range(0..2); }
///     fn observe(&self, into: &mut [f32]) { into[0] = self.0 as f32; }
///     fn step(&mut self, action: usize) -> Transition {
///         let reward = if action == self.0 { 1.0 } else { 0.0 };
///         Transition { reward, done: true, discount: DISCOUNT }
///     }
/// }
///
/// let mut env = Copy(0);
/// let mut training = Training::new(Algorithm::Ppo, &env, 8_000, 1);
/// let last = std::iter::from_fn(|| training.advance(&mut env)).last();
/// assert!(last.is_some_and(|point| point.reward > 0.9));
/// ```
pub trait Environment {
    /// Length of an observation.
    fn observation_len(&self) -> usize;
    /// Number of actions.
    fn actions(&self) -> usize;
    /// Number of features of each action at the end of an observation, one action after the other,
    /// the first of them a score of the action; 0 if an observation has no such part.
    fn action_features(&self) -> usize {
        0
    }
    /// Begins an episode.
    fn reset(&mut self, rng: &mut ChaCha8Rng);
    /// Writes the observation of the current state; any values after the last step of an episode.
    fn observe(&self, into: &mut [f32]);
    /// Writes which actions may be taken now, at least one. By default all of them.
    fn mask(&self, allowed: &mut [bool]) {
        allowed.fill(true);
    }
    /// Takes an allowed action.
    fn step(&mut self, action: usize) -> Transition;
    /// What the environment itself learned over episodes, such as prices.
    fn save_state(&self) -> Vec<f32> {
        Vec::new()
    }
    /// Restores what [`Self::save_state`] returned.
    fn load_state(&mut self, _state: &[f32]) {}
}

/// The consequence of an action.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Transition {
    /// The reward of the step.
    pub reward: f32,
    /// Whether the episode has ended.
    pub done: bool,
    /// Weight of the rewards after this step, relative to those before it.
    pub discount: f32,
}
