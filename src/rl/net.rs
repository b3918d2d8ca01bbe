//! A multilayer perceptron and its gradient, by hand.
//!
//! Parameters are one flat vector: for each layer its weights, `[input][output]`, then its biases.
//! Inner loops run over outputs, which lie together.

use rand::RngExt;
use rand_chacha::ChaCha8Rng;

use crate::core::rng::standard_normal;

/// What hidden units do with their input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Activation {
    /// Hyperbolic tangent.
    Tanh,
    /// Positive part.
    Relu,
}

impl Activation {
    fn of(self, x: f32) -> f32 {
        match self {
            Self::Tanh => libm::tanhf(x),
            Self::Relu => x.max(0.0),
        }
    }

    /// The derivative where the activation is `y`.
    fn slope(self, y: f32) -> f32 {
        match self {
            Self::Tanh => 1.0 - y * y,
            Self::Relu => f32::from(u8::from(y > 0.0)),
        }
    }
}

/// How a network with one output is asked about each of several choices: an input ends with one
/// part for each choice, and the network sees what comes before, which all share, and that part.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ActionHeads {
    /// How many.
    pub count: usize,
    /// How many numbers a part has. The first says how good the choice seems.
    pub width: usize,
    /// How often that first number is added to the output: who knows nothing believes it.
    pub prior: f32,
}

/// A network with linear outputs.
#[derive(Clone, Debug, PartialEq)]
pub struct Mlp {
    /// Units by layer, inputs first.
    sizes: Vec<usize>,
    activation: Activation,
    choices: Option<ActionHeads>,
    /// Weights and biases.
    pub parameters: Vec<f32>,
}

/// The values of every layer for one input, choice by choice, kept for the gradient.
#[derive(Clone, Debug, Default)]
pub struct Activations {
    layers: Vec<Vec<f32>>,
    /// Scratch for the gradient.
    slopes: [Vec<f32>; 2],
}

impl Activations {
    /// What came out.
    pub fn output(&self) -> &[f32] {
        self.layers.last().map_or(&[], Vec::as_slice)
    }
}

/// How many parameters a network of these sizes has.
pub fn parameters(sizes: &[usize]) -> usize {
    sizes.windows(2).map(|pair| (pair[0] + 1) * pair[1]).sum()
}

impl Mlp {
    /// A network with these parameters; `None` if their number is not that of the sizes.
    pub fn new(sizes: Vec<usize>, activation: Activation, values: Vec<f32>) -> Option<Self> {
        let fits = sizes.len() >= 2 && parameters(&sizes) == values.len();
        fits.then_some(Self { sizes, activation, choices: None, parameters: values })
    }

    /// The same asked about each of several choices; `None` if it cannot be.
    pub fn asked_about(mut self, choices: ActionHeads) -> Option<Self> {
        let ActionHeads { count, width, .. } = choices;
        let fits =
            self.sizes.last() == Some(&1) && count > 0 && (1..=self.sizes[0]).contains(&width);
        self.choices = Some(choices);
        fits.then_some(self)
    }

    /// Weights with orthonormal rows or columns (Saxe, `McClelland`, Ganguli, ICLR 2014) times √2,
    /// in the last layer times `gain`; no biases.
    pub fn orthogonal(
        sizes: &[usize],
        activation: Activation,
        gain: f32,
        rng: &mut ChaCha8Rng,
    ) -> Self {
        let mut values = Vec::with_capacity(parameters(sizes));
        for (at, pair) in sizes.windows(2).enumerate() {
            let last = at + 2 == sizes.len();
            let gain = if last { gain } else { std::f32::consts::SQRT_2 };
            let weights = orthonormal(pair[0], pair[1], rng);
            values.extend(weights.into_iter().map(|w| gain * w as f32));
            values.resize(values.len() + pair[1], 0.0);
        }
        Self { sizes: sizes.to_vec(), activation, choices: None, parameters: values }
    }

    /// Weights and biases uniform within ± 1 / √inputs.
    pub fn uniform(sizes: &[usize], activation: Activation, rng: &mut ChaCha8Rng) -> Self {
        let mut values = Vec::with_capacity(parameters(sizes));
        for pair in sizes.windows(2) {
            let bound = 1.0 / (pair[0] as f32).sqrt();
            let count = (pair[0] + 1) * pair[1];
            values.extend((0..count).map(|_| bound * rng.random_range(-1.0f32..1.0)));
        }
        Self { sizes: sizes.to_vec(), activation, choices: None, parameters: values }
    }

    /// Units by layer, inputs first.
    pub fn sizes(&self) -> &[usize] {
        &self.sizes
    }

    /// How it is asked about choices.
    pub fn choices(&self) -> Option<ActionHeads> {
        self.choices
    }

    /// How many numbers it is shown.
    pub fn inputs(&self) -> usize {
        let more = self.choices.map_or(0, |choices| (choices.count - 1) * choices.width);
        self.sizes[0] + more
    }

    /// How many numbers it says.
    pub fn outputs(&self) -> usize {
        self.choices.map_or(self.sizes[self.sizes.len() - 1], |choices| choices.count)
    }

    /// What hidden units do.
    pub fn activation(&self) -> Activation {
        self.activation
    }

    /// The outputs for `input`, in `trace`.
    pub fn forward<'a>(&self, input: &[f32], trace: &'a mut Activations) -> &'a [f32] {
        trace.layers.resize(self.sizes.len(), Vec::new());
        trace.layers[0].clear();
        match self.choices {
            None => trace.layers[0].extend_from_slice(input),
            Some(ActionHeads { width, .. }) => {
                let (common, parts) = input.split_at(self.sizes[0] - width);
                for part in parts.chunks_exact(width) {
                    trace.layers[0].extend_from_slice(common);
                    trace.layers[0].extend_from_slice(part);
                }
            }
        }
        let mut rest = self.parameters.as_slice();
        for (at, pair) in self.sizes.windows(2).enumerate() {
            let (weights, after) = rest.split_at(pair[0] * pair[1]);
            let (biases, after) = after.split_at(pair[1]);
            rest = after;
            let (before, out) = trace.layers.split_at_mut(at + 1);
            let out = &mut out[0];
            out.clear();
            for before in before[at].chunks_exact(pair[0]) {
                let start = out.len();
                out.extend_from_slice(biases);
                let out = &mut out[start..];
                // Many inputs, and half of the positive parts, are 0 and add nothing.
                let rows = before.iter().zip(weights.chunks_exact(pair[1]));
                for (x, row) in rows.filter(|(x, _)| **x != 0.0) {
                    out.iter_mut().zip(row).for_each(|(sum, w)| *sum += x * w);
                }
                if at + 2 < self.sizes.len() {
                    out.iter_mut().for_each(|y| *y = self.activation.of(*y));
                }
            }
        }
        if let (Some(ActionHeads { width, prior, .. }), Some(out)) =
            (self.choices, trace.layers.last_mut())
        {
            let parts = input[self.sizes[0] - width..].chunks_exact(width);
            out.iter_mut().zip(parts).for_each(|(sum, part)| *sum += prior * part[0]);
        }
        trace.output()
    }

    /// Adds to `gradient` the derivative of a loss whose derivative by the outputs of the last
    /// [`Self::forward`] into `trace` is `by_output`.
    pub fn backward(&self, trace: &mut Activations, by_output: &[f32], gradient: &mut [f32]) {
        let Activations { layers, slopes: [delta, earlier] } = trace;
        delta.clear();
        delta.extend_from_slice(by_output);
        let mut end = self.parameters.len();
        for (at, pair) in self.sizes.windows(2).enumerate().rev() {
            let (inputs, outputs) = (pair[0], pair[1]);
            let biases = end - outputs;
            let weights = biases - inputs * outputs;
            let slopes = &mut gradient[weights..end];
            let (by_weight, by_bias) = slopes.split_at_mut(inputs * outputs);
            earlier.clear();
            // What nothing depends on, as the score of a choice that was not open, is left out.
            for (values, delta) in layers[at].chunks_exact(inputs).zip(delta.chunks_exact(outputs))
            {
                if self.choices.is_some() && delta.iter().all(|d| *d == 0.0) {
                    earlier.resize(earlier.len() + inputs, 0.0);
                    continue;
                }
                by_bias.iter_mut().zip(delta).for_each(|(sum, d)| *sum += d);
                let rows = values.iter().zip(by_weight.chunks_exact_mut(outputs));
                for (x, row) in rows.filter(|(x, _)| **x != 0.0) {
                    row.iter_mut().zip(delta).for_each(|(sum, d)| *sum += x * d);
                }
                if at > 0 {
                    let rows = self.parameters[weights..biases].chunks_exact(outputs);
                    let slopes = rows.zip(values);
                    earlier
                        .extend(slopes.map(|(row, y)| dot(row, delta) * self.activation.slope(*y)));
                }
            }
            std::mem::swap(delta, earlier);
            end = weights;
        }
    }
}

/// The inner product, in eight sums that are added at the end.
fn dot(a: &[f32], b: &[f32]) -> f32 {
    let mut sums = [0.0f32; 8];
    let (left, right) = (a.chunks_exact(8), b.chunks_exact(8));
    let rest = left.remainder().iter().zip(right.remainder()).map(|(a, b)| a * b);
    let rest: f32 = rest.sum();
    for (a, b) in left.zip(right) {
        sums.iter_mut().zip(a.iter().zip(b)).for_each(|(sum, (a, b))| *sum += a * b);
    }
    sums.iter().sum::<f32>() + rest
}

/// A matrix `[inputs][outputs]` whose rows, or columns if there are fewer, are orthonormal: normal
/// draws, each made orthogonal to those before it.
fn orthonormal(inputs: usize, outputs: usize, rng: &mut ChaCha8Rng) -> Vec<f64> {
    let (count, length) = (inputs.min(outputs), inputs.max(outputs));
    let mut vectors: Vec<Vec<f64>> = Vec::with_capacity(count);
    while vectors.len() < count {
        let mut unit = || rng.random_range(0.0..1.0);
        let mut new: Vec<f64> = (0..length).map(|_| standard_normal(unit(), unit())).collect();
        for old in &vectors {
            let along: f64 = old.iter().zip(&new).map(|(a, b)| a * b).sum();
            new.iter_mut().zip(old).for_each(|(a, b)| *a -= along * b);
        }
        let norm = libm::sqrt(new.iter().map(|a| a * a).sum());
        // A vector that is hardly longer than its rounding says nothing of its direction.
        if norm > 1e-6 {
            new.iter_mut().for_each(|a| *a /= norm);
            vectors.push(new);
        }
    }
    let cell = |at: usize| {
        let (input, output) = (at / outputs, at % outputs);
        if inputs <= outputs { vectors[input][output] } else { vectors[output][input] }
    };
    (0..inputs * outputs).map(cell).collect()
}

/// The index of the highest of the values that are allowed; the first of equals.
pub fn best(values: &[f32], allowed: &[bool]) -> usize {
    let mut best = None;
    for (at, value) in values.iter().enumerate().filter(|(at, _)| allowed[*at]) {
        if best.is_none_or(|(_, highest)| *value > highest) {
            best = Some((at, *value));
        }
    }
    best.map_or(0, |(at, _)| at)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::rng::{Label, Rng};

    #[test]
    fn gradients_are_differences() {
        let mut rng = Rng::new(5, 0).stream(Label::Parameters);
        let asked = ActionHeads { count: 3, width: 2, prior: 0.5 };
        for (activation, choices) in [
            (Activation::Tanh, None),
            (Activation::Relu, None),
            (Activation::Tanh, Some(asked)),
            (Activation::Relu, Some(asked)),
        ] {
            let last = if choices.is_some() { 1 } else { 3 };
            let mut net = Mlp::uniform(&[7, 11, 9, last], activation, &mut rng);
            net.choices = choices;
            let input: Vec<f32> = (0..net.inputs()).map(|_| rng.random_range(-1.0..1.0)).collect();
            // The loss is the sum of squares of the outputs over two.
            let loss = |net: &Mlp| -> f64 {
                let mut trace = Activations::default();
                let out = net.forward(&input, &mut trace);
                out.iter().map(|y| f64::from(*y) * f64::from(*y) / 2.0).sum()
            };
            let mut trace = Activations::default();
            let by_output = net.forward(&input, &mut trace).to_vec();
            let mut gradient = vec![0.0; net.parameters.len()];
            net.backward(&mut trace, &by_output, &mut gradient);
            let mut far = 0;
            for (at, found) in gradient.iter().enumerate() {
                let middle = net.parameters[at];
                // Single precision: the rounding of the loss, 1e-7, over the step is what is seen.
                let step = 4e-3;
                net.parameters[at] = middle + step;
                let above = loss(&net);
                net.parameters[at] = middle - step;
                let below = loss(&net);
                net.parameters[at] = middle;
                let difference = (above - below) / (2.0 * f64::from(step));
                far += usize::from((f64::from(*found) - difference).abs() > 5e-4);
            }
            // A step across the kink of a positive part is no derivative; few are.
            let kinks = if activation == Activation::Relu { gradient.len() / 50 } else { 0 };
            assert!(far <= kinks, "{activation:?}: {far} of {} are far off", gradient.len());
        }
    }

    #[test]
    fn asking_about_each_choice_is_asking_about_one_after_the_other() {
        let mut rng = Rng::new(6, 0).stream(Label::Parameters);
        let net = Mlp::uniform(&[5, 4, 1], Activation::Relu, &mut rng);
        let input: Vec<f32> = (0..9).map(|_| rng.random_range(-1.0..1.0)).collect();
        let (common, parts) = input.split_at(3);
        let mut trace = Activations::default();
        let mut alone =
            |part: &[f32]| net.forward(&[common, part].concat(), &mut trace)[0] + 2.0 * part[0];
        let expected: Vec<f32> = parts.chunks_exact(2).map(&mut alone).collect();
        let choices = |count, width| ActionHeads { count, width, prior: 2.0 };
        let asked = net.clone().asked_about(choices(3, 2)).unwrap();
        assert_eq!((asked.inputs(), asked.outputs()), (9, 3));
        assert_eq!(asked.forward(&input, &mut Activations::default()), expected);
        assert!(net.clone().asked_about(choices(3, 6)).is_none());
        assert!(net.asked_about(choices(0, 2)).is_none());
    }

    #[test]
    fn orthogonal_layers_keep_lengths() {
        let mut rng = Rng::new(5, 0).stream(Label::Parameters);
        let matrix = orthonormal(25, 64, &mut rng);
        for (i, a) in matrix.chunks_exact(64).enumerate() {
            for (j, b) in matrix.chunks_exact(64).enumerate() {
                let product: f64 = a.iter().zip(b).map(|(a, b)| a * b).sum();
                assert!((product - f64::from(u8::from(i == j))).abs() < 1e-9);
            }
        }
        assert_eq!(parameters(&[25, 64, 64, 9]) + parameters(&[25, 64, 64, 1]), 12_298);
    }
}
