//! Class mixes and their changes: skew, drift.

use crate::core::rng::{exponential, gamma};
use crate::core::units::{Span, Time};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use std::f64::consts::TAU;

/// The classes of an application that arrive.
#[derive(Clone, Debug, PartialEq)]
pub enum ClassFilter {
    /// As recorded, or by the class frequencies of the profile where nothing is recorded.
    All,
    /// Only rows of these classes, as recorded.
    Only(Vec<bool>),
    /// Each class with this weight.
    Mix(Vec<f64>),
    /// A mix drawn for each replicate from Dirichlet(α · profile's class frequencies): the smaller
    /// α, the fewer classes prevail (Hsu, Qi and Brown 2019, for clients of federated learning).
    Dirichlet(f64),
}

impl ClassFilter {
    /// Whether requests of a class may arrive.
    pub(super) fn keeps(&self, class: usize) -> bool {
        match self {
            Self::All | Self::Dirichlet(_) => true,
            Self::Only(classes) => classes[class],
            Self::Mix(weights) => weights[class] > 0.0,
        }
    }

    /// The weights, if classes are drawn by weights.
    pub(super) fn weights(&self, frequencies: &[f64], rng: &mut ChaCha8Rng) -> Option<Vec<f64>> {
        match self {
            Self::All | Self::Only(_) => None,
            Self::Mix(weights) => Some(weights.clone()),
            Self::Dirichlet(alpha) => Some(dirichlet(*alpha, frequencies, rng)),
        }
    }
}

/// Weights (c + 1)^−s for c = 0, …, `count` − 1.
pub fn zipf(s: f64, count: usize) -> Vec<f64> {
    (1..=count).map(|place| libm::pow(place as f64, -s)).collect()
}

/// A draw from Dirichlet(α · `shares`), in logarithms, since gamma draws of small shapes may
/// underflow: Gamma(k) = Gamma(k + 1) · U^(1/k).
fn dirichlet(alpha: f64, shares: &[f64], rng: &mut ChaCha8Rng) -> Vec<f64> {
    let log = |share: &f64| {
        let shape = alpha * share;
        libm::log(gamma(shape + 1.0, rng)) - exponential(rng.random()) / shape
    };
    let logs: Vec<f64> = shares.iter().map(log).collect();
    let most = logs.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    logs.iter().map(|log| libm::exp(log - most)).collect()
}

/// How class mixes change with time.
#[derive(Clone, Debug, PartialEq)]
pub enum Drift {
    /// Requests come from the initial mix, or with probability η(t) from another.
    To {
        /// The other mix, by application.
        to: Vec<ClassFilter>,
        /// η(t).
        schedule: DriftSchedule,
    },
    /// The logarithms of the classes' weights are random walks, and so are the log-odds of classes.
    Walk {
        /// Standard deviation of a step.
        deviation: f64,
        /// Time from one step to the next.
        step: Span,
    },
}

/// A share between 0 and 1 as a function of time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum DriftSchedule {
    /// 0 before this instant, 1 from it on.
    Abrupt(Time),
    /// From 0 at the first instant evenly to 1 at the second.
    Linear(Time, Time),
    /// (1 − cos 2πt / T) / 2: from 0 to 1 and back within T.
    Periodic(Span),
}

impl DriftSchedule {
    /// The share at an instant.
    pub fn at(self, time: Time) -> f64 {
        match self {
            Self::Abrupt(from) => f64::from(u8::from(time >= from)),
            Self::Linear(from, until) => {
                (time.since(from).as_s() / until.since(from).as_s()).clamp(0.0, 1.0)
            }
            Self::Periodic(period) => (1.0 - libm::cos(TAU * time.as_s() / period.as_s())) / 2.0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::rng::{Label, Rng};

    #[test]
    fn dirichlet_has_its_moments() {
        let shares = [0.5, 0.3, 0.2];
        for alpha in [0.1, 1.0, 100.0] {
            let mut rng = Rng::new(5, 0).stream(Label::Mixes);
            let n = 20_000u32;
            let (mut sums, mut squares) = ([0.0; 3], [0.0; 3]);
            for _ in 0..n {
                let weights = dirichlet(alpha, &shares, &mut rng);
                let total: f64 = weights.iter().sum();
                for (at, weight) in weights.iter().enumerate() {
                    sums[at] += weight / total;
                    squares[at] += (weight / total - shares[at]).powi(2);
                }
            }
            for (at, share) in shares.iter().enumerate() {
                // Mean p and variance p(1 − p) / (α + 1) of values within 0..=1: the square of the
                // gap varies by no more than its mean does; five standard errors.
                let variance = share * (1.0 - share) / (alpha + 1.0);
                let mean = sums[at] / f64::from(n);
                assert!((mean - share).abs() < 5.0 * (variance / f64::from(n)).sqrt());
                let found = squares[at] / f64::from(n);
                assert!((found - variance).abs() < 5.0 * (variance / f64::from(n)).sqrt());
            }
        }
    }

    #[test]
    fn schedules_have_their_values() {
        let at = |schedule: DriftSchedule, s| schedule.at(Time::ZERO + Span::from_s(s));
        let second = |s| Time::ZERO + Span::from_s(s);
        assert_eq!(
            [
                at(DriftSchedule::Abrupt(second(2.0)), 1.9),
                at(DriftSchedule::Abrupt(second(2.0)), 2.0)
            ],
            [0.0, 1.0]
        );
        let linear = DriftSchedule::Linear(second(1.0), second(3.0));
        assert_eq!([0.5, 1.5, 9.0].map(|s| at(linear, s)), [0.0, 0.25, 1.0]);
        let periodic = DriftSchedule::Periodic(Span::from_s(4.0));
        assert!((at(periodic, 1.0) - 0.5).abs() < 1e-12 && (at(periodic, 2.0) - 1.0).abs() < 1e-12);
        // A cosine, no triangle: an eighth of the period is 0.146 and not a quarter.
        assert!((at(periodic, 0.5) - (1.0 - 0.5f64.sqrt()) / 2.0).abs() < 1e-12);
    }
}
