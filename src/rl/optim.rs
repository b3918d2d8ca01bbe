//! Optimisers: updates of parameters by gradients.

use super::vector::squares;
use crate::core::vector::widest;

/// An optimiser, with its published defaults.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum UpdateRule {
    /// Kingma and Ba, ICLR 2015, with decay 0.9 and 0.999.
    Adam {
        /// Added to the root of the second moment.
        epsilon: f32,
    },
    /// Tieleman and Hinton 2012, with decay 0.99, as A2C uses it.
    RmsProp {
        /// Added to the root of the second moment.
        epsilon: f32,
    },
}

/// An optimiser with the moments of past gradients.
#[derive(Clone, Debug, PartialEq)]
pub struct Optimiser {
    rule: UpdateRule,
    rate: f32,
    /// First moments (Adam only), then second moments.
    pub moments: Vec<f32>,
    /// Number of updates so far.
    pub steps: u32,
}

/// Moments smaller than this are set to 0: subnormal numbers would slow training down tenfold and
/// change nothing.
const TINY: f32 = 1e-20;

#[inline]
fn flushed(x: f32) -> f32 {
    if x.abs() < TINY { 0.0 } else { x }
}

impl Optimiser {
    /// For `count` parameters, with learning rate `rate`.
    pub fn new(rule: UpdateRule, rate: f32, count: usize) -> Self {
        Self { rule, rate, moments: vec![0.0; 2 * count], steps: 0 }
    }

    /// Moves `parameters` against `gradient`, and clears it.
    pub fn step(&mut self, parameters: &mut [f32], gradient: &mut [f32]) {
        self.steps += 1;
        let (first, second) = self.moments.split_at_mut(parameters.len());
        let cells = parameters.iter_mut().zip(gradient).zip(first.iter_mut().zip(second));
        let rate = self.rate;
        match self.rule {
            UpdateRule::Adam { epsilon } => {
                let t = f64::from(self.steps);
                let bias = (1.0 - libm::pow(0.9, t)) as f32;
                let root = libm::sqrt(1.0 - libm::pow(0.999, t)) as f32;
                let rate = rate / bias;
                widest(
                    #[inline(always)]
                    || {
                        for ((p, g), (m, v)) in cells {
                            *m = flushed(0.9 * *m + 0.1 * *g);
                            *v = flushed(0.999 * *v + 0.001 * *g * *g);
                            *p -= rate * *m / (v.sqrt() / root + epsilon);
                            *g = 0.0;
                        }
                    },
                );
            }
            UpdateRule::RmsProp { epsilon } => widest(
                #[inline(always)]
                || {
                    for ((p, g), (_, v)) in cells {
                        *v = flushed(0.99 * *v + 0.01 * *g * *g);
                        *p -= rate * *g / (v.sqrt() + epsilon);
                        *g = 0.0;
                    }
                },
            ),
        }
    }
}

/// Scales gradients to a common norm of at most `limit`.
pub fn clip(gradients: &mut [&mut [f32]], limit: f32) {
    let norm = libm::sqrt(gradients.iter().map(|g| squares(g)).sum()) as f32;
    if norm > limit {
        let scale = limit / (norm + 1e-6);
        gradients.iter_mut().for_each(|g| g.iter_mut().for_each(|x| *x *= scale));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn first_steps_are_those_of_the_papers() {
        // Adam's first step is the rate against the sign of the gradient, whatever its size.
        let mut adam = Optimiser::new(UpdateRule::Adam { epsilon: 1e-8 }, 0.1, 2);
        let mut p = [1.0, 1.0];
        adam.step(&mut p, &mut [3.0, -0.02]);
        assert!((p[0] - 0.9).abs() < 1e-6 && (p[1] - 1.1).abs() < 1e-6, "{p:?}");
        // The second: m = 0.9 · 0.3 + 0.1 · 1 = 0.37 over 0.19, v = 0.999 · 0.009 + 0.001 over
        // 0.001999.
        adam.step(&mut p, &mut [1.0, 0.0]);
        let expected = 0.9 - 0.1 * (0.37 / 0.19) / (0.009_991f32 / 0.001_999).sqrt();
        assert!((p[0] - expected).abs() < 1e-5, "{p:?} {expected}");
        let mut rms = Optimiser::new(UpdateRule::RmsProp { epsilon: 0.0 }, 0.1, 1);
        let mut p = [1.0];
        rms.step(&mut p, &mut [2.0]);
        // v = 0.01 · 4; step 0.1 · 2 / 0.2.
        assert!(p[0].abs() < 1e-6);
    }

    #[test]
    fn clipping_shrinks_to_the_limit_together() {
        let (mut a, mut b) = ([3.0], [4.0]);
        clip(&mut [&mut a, &mut b], 10.0);
        assert_eq!((a, b), ([3.0], [4.0]));
        clip(&mut [&mut a, &mut b], 0.5);
        assert!((a[0] - 0.3).abs() < 1e-5 && (b[0] - 0.4).abs() < 1e-5);
    }
}
