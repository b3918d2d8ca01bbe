//! What a training drives: an agent that learns segment by segment.

use super::Environment;
use super::net::Mlp;
use crate::core::rng::{Label, Rng};
use rand_chacha::ChaCha8Rng;

/// The random numbers of one segment.
pub(super) struct SegmentRngs {
    /// Where parameters begin.
    pub(super) parameters: ChaCha8Rng,
    /// Exploration, and which samples are learned from.
    pub(super) learner: ChaCha8Rng,
    /// Which episodes begin.
    pub(super) episodes: ChaCha8Rng,
}

impl SegmentRngs {
    pub(super) fn new(seed: u64, segment: u64) -> Self {
        let rng = Rng::new(seed, segment);
        Self {
            parameters: rng.stream(Label::Parameters),
            learner: rng.stream(Label::Learner),
            episodes: rng.stream(Label::Episodes),
        }
    }
}

/// What a training drives.
pub(super) trait Agent: Send {
    /// Steps of a segment.
    fn segment(&self) -> usize;
    /// Takes a segment's steps and learns from them; `done` of `total` were taken before.
    fn learn(
        &mut self,
        env: &mut dyn Environment,
        rngs: &mut SegmentRngs,
        done: usize,
        total: usize,
    );
    /// The network whose highest output is the agent's choice.
    fn network(&self) -> &Mlp;
    /// Everything that learning changes, by name.
    fn state(&self) -> Vec<(&'static str, Vec<f32>)>;
    /// Takes up what [`Self::state`] once said; `None` if it is of something else.
    fn restore(&mut self, state: &[(String, Vec<f32>)]) -> Option<()>;
}
