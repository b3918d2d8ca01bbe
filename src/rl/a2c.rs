//! Advantage actor-critic: after every five steps, one step of gradient on just these.
//!
//! Mnih et al., ICML 2016 (synchronous form); learning rate 7e-4 by `RMSprop` (0.99, 1e-5), no
//! entropy bonus, advantages as they are.

use super::actor_critic::{ActorCritic, Sample};
use super::agent::{Agent, SegmentRngs};
use super::optim::UpdateRule;
use super::{Environment, net::Mlp};

/// Steps between two improvements.
const ROLLOUT: usize = 5;

/// See the module.
pub(super) struct A2c(ActorCritic);

impl A2c {
    pub(super) fn new(env: &dyn Environment, rngs: &mut SegmentRngs) -> Self {
        Self(ActorCritic::new(
            env,
            UpdateRule::RmsProp { epsilon: 1e-5 },
            7e-4,
            &mut rngs.parameters,
        ))
    }
}

impl Agent for A2c {
    fn segment(&self) -> usize {
        2000
    }

    fn learn(&mut self, env: &mut dyn Environment, rngs: &mut SegmentRngs, _: usize, _: usize) {
        let all: Vec<usize> = (0..ROLLOUT).collect();
        for _ in 0..self.segment() / ROLLOUT {
            let rollout = self.0.roll(env, ROLLOUT, &mut rngs.learner, &mut rngs.episodes);
            let (advantages, returns) = rollout.advantages(1.0);
            self.0.improve(&rollout, &all, |at, _| Sample {
                by_log_probability: -advantages[at],
                target: returns[at],
            });
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
