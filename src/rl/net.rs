//! A multilayer perceptron and its gradient, by hand.
//!
//! Parameters are one flat vector: for each layer its weights, `[input][output]`, then its biases.
//! Several inputs are evaluated at once: a layer is a product of matrices whose rows are inputs.

use rand::RngExt;
use rand_chacha::ChaCha8Rng;

use super::tanh::tanh_all;
use super::vector::{Left, add_product};
use crate::core::rng::standard_normal;

/// The activation function of hidden units.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Activation {
    /// Hyperbolic tangent.
    Tanh,
    /// Positive part.
    Relu,
}

impl Activation {
    fn apply(self, values: &mut [f32]) {
        match self {
            Self::Tanh => tanh_all(values),
            Self::Relu => values.iter_mut().for_each(|x| *x = if *x > 0.0 { *x } else { 0.0 }),
        }
    }

    /// The derivative at the point whose value is `y`.
    fn slope(self, y: f32) -> f32 {
        match self {
            Self::Tanh => 1.0 - y * y,
            Self::Relu => f32::from(u8::from(y > 0.0)),
        }
    }
}

/// How a network with one output scores several actions: an input is a common part and the features
/// of each action; the network is evaluated on the common part and the features of one action, for
/// each action.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ActionHeads {
    /// Number of actions.
    pub count: usize,
    /// Number of features of an action. The first is a score of the action.
    pub width: usize,
    /// Weight of that score, which is added to the output. An untrained network ranks by it.
    pub prior: f32,
}

/// A network with linear outputs.
#[derive(Clone, Debug, PartialEq)]
pub struct Mlp {
    /// Units by layer, inputs first.
    sizes: Vec<usize>,
    activation: Activation,
    heads: Option<ActionHeads>,
    /// Weights and biases.
    pub parameters: Vec<f32>,
}

/// The values of every layer, kept for the gradient: a row for each input, or for each action of
/// each input.
#[derive(Clone, Debug, Default)]
pub struct Activations {
    layers: Vec<Vec<f32>>,
    /// The first layer's sums of what the actions of an input have in common.
    common: Vec<f32>,
    /// Scratch for the gradient.
    slopes: [Vec<f32>; 2],
    transposed: Vec<f32>,
    rows: Vec<usize>,
}

impl Activations {
    /// The outputs.
    pub fn output(&self) -> &[f32] {
        self.layers.last().map_or(&[], Vec::as_slice)
    }
}

/// Number of parameters of a network with these layers.
pub fn parameters(sizes: &[usize]) -> usize {
    sizes.windows(2).map(|pair| (pair[0] + 1) * pair[1]).sum()
}

impl Mlp {
    /// A network with these parameters; `None` if their number does not fit the layers.
    pub fn new(sizes: Vec<usize>, activation: Activation, values: Vec<f32>) -> Option<Self> {
        let fits = sizes.len() >= 2 && parameters(&sizes) == values.len();
        fits.then_some(Self { sizes, activation, heads: None, parameters: values })
    }

    /// The same network, evaluated for each action; `None` if it has several outputs or too few
    /// inputs.
    pub fn with_heads(mut self, heads: ActionHeads) -> Option<Self> {
        let ActionHeads { count, width, .. } = heads;
        let fits =
            self.sizes.last() == Some(&1) && count > 0 && (1..=self.sizes[0]).contains(&width);
        self.heads = Some(heads);
        fits.then_some(self)
    }

    /// Weights with orthonormal rows or columns (Saxe, `McClelland`, Ganguli, ICLR 2014) times √2,
    /// in the last layer times `gain`; biases 0.
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
        Self { sizes: sizes.to_vec(), activation, heads: None, parameters: values }
    }

    /// Weights and biases uniform within ± 1 / √inputs.
    pub fn uniform(sizes: &[usize], activation: Activation, rng: &mut ChaCha8Rng) -> Self {
        let mut values = Vec::with_capacity(parameters(sizes));
        for pair in sizes.windows(2) {
            let bound = 1.0 / (pair[0] as f32).sqrt();
            let count = (pair[0] + 1) * pair[1];
            values.extend((0..count).map(|_| bound * rng.random_range(-1.0f32..1.0)));
        }
        Self { sizes: sizes.to_vec(), activation, heads: None, parameters: values }
    }

    /// Units by layer, inputs first.
    pub fn sizes(&self) -> &[usize] {
        &self.sizes
    }

    /// How it scores several actions, if it does so one by one.
    pub fn heads(&self) -> Option<ActionHeads> {
        self.heads
    }

    /// Length of an input.
    pub fn inputs(&self) -> usize {
        self.sizes[0] + self.heads.map_or(0, |heads| (heads.count - 1) * heads.width)
    }

    /// Number of outputs.
    pub fn outputs(&self) -> usize {
        self.heads.map_or(self.sizes[self.sizes.len() - 1], |heads| heads.count)
    }

    /// The activation function of hidden units.
    pub fn activation(&self) -> Activation {
        self.activation
    }

    /// The outputs for one or several inputs, one after the other; the values of all layers stay in
    /// `activations`.
    pub fn forward<'a>(&self, inputs: &[f32], activations: &'a mut Activations) -> &'a [f32] {
        let Activations { layers, common, .. } = activations;
        layers.resize(self.sizes.len(), Vec::new());
        layers.iter_mut().for_each(Vec::clear);
        let mut rest = self.parameters.as_slice();
        for (at, pair) in self.sizes.windows(2).enumerate() {
            let (weights, after) = rest.split_at(pair[0] * pair[1]);
            let (biases, after) = after.split_at(pair[1]);
            rest = after;
            let (before, out) = layers.split_at_mut(at + 1);
            let (before, out) = (&mut before[at], &mut out[0]);
            if at == 0 {
                self.first_layer(inputs, weights, biases, [before, common, out]);
            } else {
                fill(out, biases, before.len() / pair[0]);
                add_product(Left::Rows(before, pair[0]), weights, pair[1], out);
            }
            if at + 2 < self.sizes.len() {
                self.activation.apply(out);
            }
        }
        if let (Some(ActionHeads { width, prior, .. }), Some((first, out))) =
            (self.heads, layers.split_first_mut().and_then(|(a, b)| Some((a, b.last_mut()?))))
        {
            let rows = first.chunks_exact(self.sizes[0]).zip(out);
            rows.for_each(|(row, sum)| *sum += prior * row[row.len() - width]);
        }
        activations.output()
    }

    /// Lays inputs out in rows and writes the sums of the first layer. Sums of what the actions of
    /// an input have in common are made once.
    fn first_layer(
        &self,
        inputs: &[f32],
        weights: &[f32],
        biases: &[f32],
        [rows, common, out]: [&mut Vec<f32>; 3],
    ) {
        let (count, width) = self.heads.map_or((1, 0), |heads| (heads.count, heads.width));
        let (length, outputs) = (self.sizes[0], biases.len());
        for input in inputs.chunks_exact(self.inputs()) {
            let (shared, own) = input.split_at(length - width);
            for action in 0..count {
                rows.extend_from_slice(shared);
                rows.extend_from_slice(&own[action * width..][..width]);
            }
        }
        let (shared, own) = weights.split_at((length - width) * outputs);
        fill(common, biases, rows.len() / (length * count));
        add_product(Left::Rows(rows, length * count), shared, outputs, common);
        common.chunks_exact(outputs).for_each(|sums| extend(out, sums, count));
        let rows = rows.get(length - width..).unwrap_or_default();
        add_product(Left::Rows(rows, length), own, outputs, out);
    }

    /// Adds to `gradient` the derivative of a loss whose derivative by the outputs of the last
    /// [`Self::forward`] into `activations` is `by_output`. The activations are used up.
    pub fn backward(&self, activations: &mut Activations, by_output: &[f32], gradient: &mut [f32]) {
        let Activations { layers, slopes: [delta, earlier], transposed, rows, .. } = activations;
        // The loss does not depend on scores of other actions: their derivatives are 0.
        let outputs = self.sizes[self.sizes.len() - 1];
        let by_row = by_output.chunks_exact(outputs).enumerate();
        rows.clear();
        rows.extend(by_row.filter(|(_, row)| row.iter().any(|d| *d != 0.0)).map(|(at, _)| at));
        delta.clear();
        delta.extend_from_slice(by_output);
        keep_rows(delta, outputs, rows);
        let mut end = self.parameters.len();
        for (at, pair) in self.sizes.windows(2).enumerate().rev() {
            let (inputs, outputs) = (pair[0], pair[1]);
            let biases = end - outputs;
            let weights = biases - inputs * outputs;
            let (by_weight, by_bias) = gradient[weights..end].split_at_mut(inputs * outputs);
            let values = &mut layers[at];
            keep_rows(values, inputs, rows);
            for row in delta.chunks_exact(outputs) {
                by_bias.iter_mut().zip(row).for_each(|(sum, d)| *sum += d);
            }
            add_product(Left::Columns(values, inputs), delta, outputs, by_weight);
            if at > 0 {
                transposed.resize(biases - weights, 0.0);
                transpose(&self.parameters[weights..biases], outputs, transposed);
                earlier.clear();
                earlier.resize(values.len(), 0.0);
                add_product(Left::Rows(delta, outputs), transposed, inputs, earlier);
                let slopes = values.iter().map(|y| self.activation.slope(*y));
                earlier.iter_mut().zip(slopes).for_each(|(d, slope)| *d *= slope);
                std::mem::swap(delta, earlier);
            }
            end = weights;
        }
    }
}

/// Makes `rows` copies of a row.
fn fill(into: &mut Vec<f32>, row: &[f32], rows: usize) {
    into.clear();
    extend(into, row, rows);
}

fn extend(into: &mut Vec<f32>, row: &[f32], rows: usize) {
    (0..rows).for_each(|_| into.extend_from_slice(row));
}

/// Keeps some rows, in order.
fn keep_rows(values: &mut Vec<f32>, width: usize, rows: &[usize]) {
    for (to, from) in rows.iter().enumerate().filter(|(to, from)| to != *from) {
        values.copy_within(from * width..(from + 1) * width, to * width);
    }
    values.truncate(rows.len() * width);
}

/// Writes the transpose of a matrix with `width` columns.
fn transpose(matrix: &[f32], width: usize, into: &mut [f32]) {
    let height = matrix.len() / width;
    for (row, values) in matrix.chunks_exact(width).enumerate() {
        let column = into[row..].iter_mut().step_by(height);
        column.zip(values).for_each(|(cell, x)| *cell = *x);
    }
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
        // The direction of a vector hardly longer than its rounding error is not random.
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

/// The index of the highest allowed value; the first of equal ones.
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
        for (activation, heads) in [
            (Activation::Tanh, None),
            (Activation::Relu, None),
            (Activation::Tanh, Some(asked)),
            (Activation::Relu, Some(asked)),
        ] {
            let last = if heads.is_some() { 1 } else { 3 };
            let mut net = Mlp::uniform(&[7, 11, 9, last], activation, &mut rng);
            net.heads = heads;
            let input: Vec<f32> = (0..net.inputs()).map(|_| rng.random_range(-1.0..1.0)).collect();
            // The loss is the sum of squares of the outputs over two.
            let loss = |net: &Mlp| -> f64 {
                let mut activations = Activations::default();
                let out = net.forward(&input, &mut activations);
                out.iter().map(|y| f64::from(*y) * f64::from(*y) / 2.0).sum()
            };
            let mut activations = Activations::default();
            let by_output = net.forward(&input, &mut activations).to_vec();
            let mut gradient = vec![0.0; net.parameters.len()];
            net.backward(&mut activations, &by_output, &mut gradient);
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
    fn scores_by_action_are_those_of_single_evaluations() {
        let mut rng = Rng::new(6, 0).stream(Label::Parameters);
        let net = Mlp::uniform(&[5, 4, 1], Activation::Relu, &mut rng);
        let input: Vec<f32> = (0..9).map(|_| rng.random_range(-1.0..1.0)).collect();
        let (common, features) = input.split_at(3);
        let mut activations = Activations::default();
        let mut alone =
            |own: &[f32]| net.forward(&[common, own].concat(), &mut activations)[0] + 2.0 * own[0];
        let expected: Vec<f32> = features.chunks_exact(2).map(&mut alone).collect();
        let heads = |count, width| ActionHeads { count, width, prior: 2.0 };
        let asked = net.clone().with_heads(heads(3, 2)).unwrap();
        assert_eq!((asked.inputs(), asked.outputs()), (9, 3));
        assert_eq!(asked.forward(&input, &mut Activations::default()), expected);
        assert!(net.clone().with_heads(heads(3, 6)).is_none());
        assert!(net.with_heads(heads(0, 2)).is_none());
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
