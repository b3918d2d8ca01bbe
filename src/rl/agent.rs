//! What agents have in common: episodes, the network that scores actions, its updates.

use super::net::{ActionHeads, Activations, Mlp};
use super::optim::{Optimiser, UpdateRule};
use super::{Environment, Transition};
use rand_chacha::ChaCha8Rng;

/// Units of the hidden layers of a network that sees a whole observation.
pub(super) const HIDDEN: [usize; 2] = [64, 64];
/// Units of the hidden layers of a network that scores one action at a time.
const HIDDEN_BY_ACTION: [usize; 2] = [32, 32];

/// What is done with every named array of a checkpoint.
pub(super) type Visitor<'a> = &'a mut dyn FnMut(&'static str, &mut Vec<f32>);

/// An agent, as a training drives it.
pub(super) trait Agent: Send {
    /// Steps of a segment.
    fn segment(&self) -> usize;
    /// Takes a segment's steps and learns from them; `done` of `total` steps were taken before.
    fn learn(
        &mut self,
        episodes: &mut Episodes<'_>,
        rng: &mut ChaCha8Rng,
        done: usize,
        total: usize,
    );
    /// The network whose highest output is the agent's choice.
    fn network(&self) -> &Mlp;
    /// Visits all arrays that learning changes, to read or to replace them, but for stored steps.
    fn visit_state(&mut self, visit: Visitor<'_>);
    /// The length of the row of a step that is stored for later updates; 0 if none is.
    fn stored_width(&self) -> usize {
        0
    }
    /// The rows that the segment which ended after `done` steps stored.
    fn stored(&self, _done: usize) -> &[f32] {
        &[]
    }
    /// Takes over the rows that all segments stored; whether they are those of such an agent.
    fn restore(&mut self, stored: &[f32]) -> bool {
        stored.is_empty()
    }
}

/// Consecutive episodes of an environment and the state that the agent is in.
pub(super) struct Episodes<'a> {
    env: &'a mut dyn Environment,
    rng: ChaCha8Rng,
    /// The observation of the current state.
    pub(super) observation: Vec<f32>,
    /// By action: whether it may be taken in the current state.
    pub(super) allowed: Vec<bool>,
    /// Sum of the rewards of all steps.
    pub(super) reward: f64,
    /// Number of episodes that ended.
    pub(super) ended: usize,
}

impl<'a> Episodes<'a> {
    /// Begins the first episode; `rng` draws all of them.
    pub(super) fn new(env: &'a mut dyn Environment, rng: ChaCha8Rng) -> Self {
        let (observation, allowed) = (vec![0.0; env.observation_len()], vec![true; env.actions()]);
        let mut episodes = Self { env, rng, observation, allowed, reward: 0.0, ended: 0 };
        episodes.begin();
        episodes
    }

    /// Begins the next episode.
    pub(super) fn begin(&mut self) {
        self.env.reset(&mut self.rng);
        self.observe();
    }

    /// Takes an action. If it ends the episode, [`Self::begin`] is due before the next step.
    pub(super) fn step(&mut self, action: usize) -> Transition {
        let transition = self.env.step(action);
        self.reward += f64::from(transition.reward);
        self.ended += usize::from(transition.done);
        self.observe();
        transition
    }

    fn observe(&mut self) {
        self.env.observe(&mut self.observation);
        self.env.mask(&mut self.allowed);
    }
}

/// A network with the optimiser that updates it.
pub(super) struct TrainedNetwork {
    pub(super) network: Mlp,
    pub(super) optimiser: Optimiser,
    /// Sum of gradients since the last update, in the order of the parameters.
    pub(super) gradient: Vec<f32>,
    activations: Activations,
}

impl TrainedNetwork {
    pub(super) fn new(network: Mlp, rule: UpdateRule, rate: f32) -> Self {
        let count = network.parameters.len();
        let optimiser = Optimiser::new(rule, rate, count);
        Self { network, optimiser, gradient: vec![0.0; count], activations: Activations::default() }
    }

    /// The outputs for one or several observations.
    pub(super) fn forward(&mut self, observations: &[f32]) -> &[f32] {
        self.network.forward(observations, &mut self.activations)
    }

    /// Adds the gradient of a loss at the observations of the last [`Self::forward`], given its
    /// derivative by the outputs.
    pub(super) fn backward(&mut self, by_output: &[f32]) {
        self.network.backward(&mut self.activations, by_output, &mut self.gradient);
    }

    /// Moves the parameters against the gradient, and clears it.
    pub(super) fn update(&mut self) {
        self.optimiser.step(&mut self.network.parameters, &mut self.gradient);
    }
}

/// Visits the number of updates of some networks, which is the same for all, as the bits of an
/// `f32`.
pub(super) fn visit_updates<const N: usize>(
    networks: [&mut TrainedNetwork; N],
    visit: Visitor<'_>,
) {
    let mut bits = vec![f32::from_bits(networks[0].optimiser.steps)];
    visit("optimiser_steps", &mut bits);
    networks.into_iter().for_each(|network| network.optimiser.steps = bits[0].to_bits());
}

/// Units by layer.
pub(super) fn layers(inputs: usize, hidden: &[usize], outputs: usize) -> Vec<usize> {
    [&[inputs], hidden, &[outputs]].concat()
}

/// The network that scores the actions of an environment: at once, or one by one where observations
/// have features by action; the first of these is then added to the score `prior` times. `build`
/// makes the network from its layers, and is told whether it scores actions one by one.
pub(super) fn action_network(
    env: &dyn Environment,
    prior: f32,
    build: impl FnOnce(&[usize], bool) -> Mlp,
) -> Mlp {
    let (inputs, count, width) = (env.observation_len(), env.actions(), env.action_features());
    if width == 0 {
        return build(&layers(inputs, &HIDDEN, count), false);
    }
    let network = build(&layers(inputs - (count - 1) * width, &HIDDEN_BY_ACTION, 1), true);
    network.clone().with_heads(ActionHeads { count, width, prior }).unwrap_or(network)
}
