//! Deviations from the tables: stalls, slow and failing workers, and errors of the beliefs about
//! variants. Draws are keyed by request, variant and worker class.

use super::latency::LatencyTable;
use crate::core::rng::{Label, Rng};
use crate::core::units::{Span, Time};

/// Batches that take longer than their table.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Stalls {
    /// The probability that a batch stalls.
    pub probability: f64,
    /// The factor of its service time then.
    pub factor: f64,
}

/// A worker that becomes slower.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Slowdown {
    /// Batches that start from here on are slower.
    pub from: Time,
    /// The factor of their service time.
    pub factor: f64,
}

/// A failure of a worker, which comes back with an empty memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outage {
    /// When it fails.
    pub from: Time,
    /// The time until it is available again.
    pub span: Span,
}

/// Errors of the beliefs about a variant: factors 1 + ε with ε uniform within ± these, drawn for
/// each variant and replicate by the variant's name.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct BeliefError {
    /// Of its batch latencies, the same on all workers.
    pub latency: f64,
    /// Of its accuracy and recalls, which stay within 0 and 1.
    pub accuracy: f64,
}

impl Stalls {
    /// Nothing stalls.
    pub const NONE: Self = Self { probability: 0.0, factor: 1.0 };

    /// The factor of a batch's service time; `number` is its lowest request, `key` its variant and
    /// class of workers.
    pub(super) fn factor(self, number: u64, key: u64, rng: Rng) -> f64 {
        let stalls = rng.keyed_unit(Label::Stalls, number, key) < self.probability;
        if stalls { self.factor } else { 1.0 }
    }
}

impl Slowdown {
    /// The factor of the service time of a batch that starts at `at`.
    pub(super) fn factor(slowdown: Option<Self>, at: Time) -> f64 {
        slowdown.filter(|slow| at >= slow.from).map_or(1.0, |slow| slow.factor)
    }
}

impl BeliefError {
    /// Whether beliefs are true.
    pub fn is_none(self) -> bool {
        self == Self::default()
    }

    /// 1 + ε of latency and of accuracy of the variant with this key.
    fn factors(self, key: u64, rng: Rng) -> (f64, f64) {
        let epsilon = |salt| 2.0 * rng.keyed_unit(Label::Beliefs, key, salt) - 1.0;
        (1.0 + self.latency * epsilon(0), 1.0 + self.accuracy * epsilon(1))
    }

    /// The belief about a probability of the variant with this key.
    pub(super) fn believed_probability(self, probability: f64, key: u64, rng: Rng) -> f64 {
        (probability * self.factors(key, rng).1).clamp(0.0, 1.0)
    }

    /// The belief about latencies of the variant with this key.
    pub(super) fn believed_latency(self, table: &LatencyTable, key: u64, rng: Rng) -> LatencyTable {
        table.scaled(self.factors(key, rng).0)
    }
}
