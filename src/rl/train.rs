//! A training: an agent, its environment, and the chain of segments.

use super::Environment;
use super::a2c::A2c;
use super::agent::{Agent, SegmentRngs};
use super::dqn::Dqn;
use super::net::Mlp;
use super::ppo::Ppo;
use rand_chacha::ChaCha8Rng;

/// Who learns.
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
    /// All of them, by name.
    pub const ALL: [(&str, Self); 3] = [("a2c", Self::A2c), ("ppo", Self::Ppo), ("dqn", Self::Dqn)];

    /// Its name.
    pub fn name(self) -> &'static str {
        Self::ALL.iter().find(|(_, algorithm)| *algorithm == self).map_or("", |(name, _)| name)
    }
}

/// A training between two segments.
pub struct Training {
    algorithm: Algorithm,
    seed: u64,
    total: usize,
    done: usize,
    agent: Box<dyn Agent>,
}

/// How far a training is, and how good its episodes were meanwhile.
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
    /// Begins. At least `total` steps will be taken, up to the end of a segment.
    pub fn new(algorithm: Algorithm, env: &dyn Environment, total: usize, seed: u64) -> Self {
        let mut rngs = SegmentRngs::new(seed, 0);
        let agent: Box<dyn Agent> = match algorithm {
            Algorithm::A2c => Box::new(A2c::new(env, &mut rngs)),
            Algorithm::Ppo => Box::new(Ppo::new(env, &mut rngs)),
            Algorithm::Dqn => Box::new(Dqn::new(env, &mut rngs)),
        };
        Self { algorithm, seed, total, done: 0, agent }
    }

    /// Learns for one more segment; `None` once all steps are taken.
    pub fn advance(&mut self, env: &mut dyn Environment) -> Option<CurvePoint> {
        if self.done >= self.total {
            return None;
        }
        let mut rngs = SegmentRngs::new(self.seed, (self.done / self.agent.segment()) as u64 + 1);
        let mut counted = Counted { env, reward: 0.0, episodes: 0 };
        counted.reset(&mut rngs.episodes);
        self.agent.learn(&mut counted, &mut rngs, self.done, self.total);
        self.done += self.agent.segment();
        let reward = counted.reward / self.agent.segment() as f64;
        Some(CurvePoint { steps: self.done, reward, episodes: counted.episodes })
    }

    /// Takes all steps.
    pub fn finish(&mut self, env: &mut dyn Environment) {
        while self.advance(env).is_some() {}
    }

    /// Who learns.
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// Steps taken.
    pub fn done(&self) -> usize {
        self.done
    }

    /// The network whose highest output is the agent's choice.
    pub fn network(&self) -> &Mlp {
        self.agent.network()
    }

    /// Everything that learning changed, by name; what the environment has learned is its own.
    pub fn state(&self) -> Vec<(&'static str, Vec<f32>)> {
        self.agent.state()
    }

    /// Goes on after `done` steps with what [`Self::state`] said then; `None` if that is the state
    /// of another training.
    pub fn resume(&mut self, done: usize, state: &[(String, Vec<f32>)]) -> Option<()> {
        self.agent.restore(state)?;
        self.done = done;
        done.is_multiple_of(self.agent.segment()).then_some(())
    }
}

/// An environment whose rewards are added up.
struct Counted<'a> {
    env: &'a mut dyn Environment,
    reward: f64,
    episodes: usize,
}

impl Environment for Counted<'_> {
    fn observation_len(&self) -> usize {
        self.env.observation_len()
    }

    fn actions(&self) -> usize {
        self.env.actions()
    }

    fn by_action(&self) -> usize {
        self.env.by_action()
    }

    fn discount(&self) -> f32 {
        self.env.discount()
    }

    fn reset(&mut self, rng: &mut ChaCha8Rng) {
        self.env.reset(rng);
    }

    fn observe(&self, into: &mut [f32]) {
        self.env.observe(into);
    }

    fn mask(&self, allowed: &mut [bool]) {
        self.env.mask(allowed);
    }

    fn step(&mut self, action: usize) -> super::Transition {
        let step = self.env.step(action);
        self.reward += f64::from(step.reward);
        self.episodes += usize::from(step.done);
        step
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rl::Transition;
    use rand::RngExt;

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
            Transition { reward, done }
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
            let mut whole = Training::new(algorithm, &env, 6000, 5);
            whole.finish(&mut env);
            let mut first = Training::new(algorithm, &env, 6000, 5);
            first.advance(&mut env).unwrap();
            let state: Vec<(String, Vec<f32>)> =
                first.state().into_iter().map(|(name, values)| (name.to_owned(), values)).collect();
            let mut second = Training::new(algorithm, &env, 6000, 5);
            second.resume(first.done(), &state).unwrap();
            second.finish(&mut walk());
            assert_eq!(second.network(), whole.network(), "{name}");
            let mut other = Training::new(algorithm, &env, 6000, 6);
            other.finish(&mut env);
            assert_ne!(other.network(), whole.network(), "{name}");
            assert!(second.resume(7, &state).is_none() && second.resume(0, &[]).is_none());
        }
    }
}
