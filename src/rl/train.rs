//! A training: an agent, its environment, and the chain of segments.

use super::actor_critic::ActorCritic;
use super::agent::{Agent, Episodes};
use super::checkpoint::name_of;
use super::dqn::Dqn;
use super::net::Mlp;
use super::{Environment, a2c, ppo};
use crate::core::rng::{Label, Rng};

/// A learning algorithm.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Algorithm {
    /// Advantage actor-critic.
    A2c,
    /// Proximal policy optimisation.
    Ppo,
    /// Deep Q-network.
    Dqn,
}

impl Algorithm {
    /// All algorithms by name.
    pub const ALL: [(&str, Self); 3] = [("a2c", Self::A2c), ("ppo", Self::Ppo), ("dqn", Self::Dqn)];

    /// The name in [`Self::ALL`].
    pub fn name(self) -> &'static str {
        name_of(&Self::ALL, self)
    }
}

/// A training between two segments.
pub struct Training {
    seed: u64,
    total: usize,
    done: usize,
    agent: Box<dyn Agent>,
}

/// A point of a learning curve: the end of a segment.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CurvePoint {
    /// Steps taken.
    pub steps: usize,
    /// Mean reward of a step over the segment.
    pub reward: f64,
    /// Episodes that ended in the segment.
    pub episodes: usize,
}

impl Training {
    /// A training at its start. At least `total` steps will be taken, up to the end of a segment.
    pub fn new(algorithm: Algorithm, env: &dyn Environment, total: usize, seed: u64) -> Self {
        let mut rng = Rng::new(seed, 0).stream(Label::Parameters);
        let agent: Box<dyn Agent> = match algorithm {
            Algorithm::A2c => Box::new(ActorCritic::new(env, a2c::METHOD, &mut rng)),
            Algorithm::Ppo => Box::new(ActorCritic::new(env, ppo::METHOD, &mut rng)),
            Algorithm::Dqn => Box::new(Dqn::new(env, &mut rng)),
        };
        Self { seed, total, done: 0, agent }
    }

    /// Learns for one more segment; `None` once all steps are taken.
    pub fn advance(&mut self, env: &mut dyn Environment) -> Option<CurvePoint> {
        if self.done >= self.total {
            return None;
        }
        let segment = self.agent.segment();
        let rng = Rng::new(self.seed, (self.done / segment) as u64 + 1);
        let mut episodes = Episodes::new(env, rng.stream(Label::Episodes));
        let learner = &mut rng.stream(Label::Learner);
        self.agent.learn(&mut episodes, learner, self.done, self.total);
        self.done += segment;
        let reward = episodes.reward / segment as f64;
        Some(CurvePoint { steps: self.done, reward, episodes: episodes.ended })
    }

    /// Takes all steps.
    pub fn finish(&mut self, env: &mut dyn Environment) {
        while self.advance(env).is_some() {}
    }

    /// Steps taken.
    pub fn done(&self) -> usize {
        self.done
    }

    /// The network whose highest output is the agent's choice.
    pub fn network(&self) -> &Mlp {
        self.agent.network()
    }

    /// Everything that learning changed, by name, but for the state of the environment and for
    /// stored steps.
    pub fn state(&mut self) -> Vec<(String, Vec<f32>)> {
        let mut state = Vec::new();
        self.agent.visit_state(&mut |name, values| state.push((name.to_owned(), values.clone())));
        state
    }

    /// The length of the row of a step that the agent stores to learn from it later; 0 if it stores
    /// none.
    pub fn stored_width(&self) -> usize {
        self.agent.stored_width()
    }

    /// The rows that the last segment stored. To be called after a segment.
    pub fn stored(&self) -> &[f32] {
        self.agent.stored(self.done)
    }

    /// Continues after `done` steps with what [`Self::state`] returned then, and with what
    /// [`Self::stored`] returned after every segment; `None` if these are of another training. To
    /// be called before the first step.
    pub fn resume(
        &mut self,
        done: usize,
        state: &[(String, Vec<f32>)],
        stored: &[f32],
    ) -> Option<()> {
        let mut fits = done.is_multiple_of(self.agent.segment())
            && Some(stored.len()) == done.checked_mul(self.agent.stored_width());
        self.agent.visit_state(&mut |name, values| {
            let kept = state.iter().find(|(known, _)| known == name).map(|(_, kept)| kept);
            match kept.filter(|kept| kept.len() == values.len()) {
                Some(kept) => values.clone_from(kept),
                None => fits = false,
            }
        });
        self.done = done;
        (fits && self.agent.restore(stored)).then_some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rl::Transition;
    use rand::RngExt;
    use rand_chacha::ChaCha8Rng;

    /// Walks along five places for at most ten steps, each at a cost; the last place pays.
    /// Every other episode forbids to stand still.
    struct Walk {
        place: usize,
        steps: usize,
        strict: bool,
    }

    impl Environment for Walk {
        fn observation_len(&self) -> usize {
            6
        }

        fn actions(&self) -> usize {
            3
        }

        fn reset(&mut self, rng: &mut ChaCha8Rng) {
            *self = Self { place: 1, steps: 0, strict: rng.random_range(0..2) == 0 };
        }

        fn observe(&self, into: &mut [f32]) {
            into.fill(0.0);
            into[self.place] = 1.0;
            into[5] = f32::from(u8::from(self.strict));
        }

        fn mask(&self, allowed: &mut [bool]) {
            allowed.copy_from_slice(&[true, true, !self.strict]);
        }

        fn step(&mut self, action: usize) -> Transition {
            assert!(action < 2 || !self.strict, "a forbidden action");
            self.steps += 1;
            self.place = match action {
                0 => self.place.saturating_sub(1),
                1 => self.place + 1,
                _ => self.place,
            };
            let done = self.place == 4 || self.steps == 10;
            let reward = if self.place == 4 { 1.0 } else { -0.1 };
            Transition { reward, done, discount: 0.99 }
        }
    }

    fn walk() -> Walk {
        Walk { place: 1, steps: 0, strict: true }
    }

    #[test]
    fn every_agent_learns_to_walk_to_the_end() {
        for (name, algorithm) in Algorithm::ALL {
            let mut env = walk();
            let mut training = Training::new(algorithm, &env, 20_000, 3);
            let mut last = None;
            while let Some(point) = training.advance(&mut env) {
                last = Some(point);
            }
            // Straight there in three steps: 0.8 in 3, that is 0.267 a step.
            let reward = last.unwrap().reward;
            assert!(reward > 0.2, "{name}: {reward}");
        }
    }

    #[test]
    fn a_training_that_was_interrupted_goes_on_as_if_nothing_had_been() {
        for (name, algorithm) in Algorithm::ALL {
            let mut env = walk();
            let new = || Training::new(algorithm, &walk(), 8000, 5);
            let mut whole = new();
            whole.finish(&mut env);
            let (mut first, mut stored) = (new(), Vec::new());
            for _ in 0..2 {
                first.advance(&mut env).unwrap();
                stored.extend_from_slice(first.stored());
            }
            let state = first.state();
            let mut second = new();
            second.resume(first.done(), &state, &stored).unwrap();
            second.finish(&mut walk());
            assert_eq!(second.state(), whole.state(), "{name}");
            assert_eq!(second.stored(), whole.stored(), "{name}");
            let mut other = Training::new(algorithm, &env, 8000, 6);
            other.finish(&mut env);
            assert_ne!(other.network(), whole.network(), "{name}");
            let done = first.done();
            assert!(new().resume(7, &state, &stored).is_none(), "{name}");
            assert!(new().resume(0, &[], &[]).is_none(), "{name}");
            assert!(new().resume(done, &state, &[&stored[..], &[0.0]].concat()).is_none());
            if let Some(less) = stored.len().checked_sub(1) {
                assert!(new().resume(done, &state, &stored[..less]).is_none(), "{name}");
                let none = vec![9.0; stored.len()];
                assert!(new().resume(done, &state, &none).is_none(), "no action 9");
            }
        }
    }
}
