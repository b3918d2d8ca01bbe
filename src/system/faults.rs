//! What goes otherwise than the tables say: stalls, slow and failing workers, and beliefs about
//! variants that are wrong from the start. Each draw is keyed by what it is about.

use super::latency::LatencyTable;
use crate::core::rng::{Label, Rng};
use crate::core::units::{Span, Time};

/// Batches that take longer than they should.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Stalls {
    /// The probability of a batch to stall.
    pub probability: f64,
    /// How many times as long it takes then.
    pub factor: f64,
}

/// From an instant on, batches that start on a worker take longer.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Slowdown {
    /// The instant.
    pub from: Time,
    /// How many times as long they take.
    pub factor: f64,
}

/// A worker is gone for a while and comes back with an empty memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outage {
    /// When it fails.
    pub from: Time,
    /// How long it is gone.
    pub span: Span,
}

/// How far what schedulers are shown of a variant may be from the truth: a factor 1 + ε with ε
/// uniform within ± these, drawn for each variant and replicate by the variant's name.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct BeliefError {
    /// Of all its batch latencies, on all workers alike.
    pub latency: f64,
    /// Of its accuracy and all its recalls, which stay within 0 and 1.
    pub accuracy: f64,
}

impl Stalls {
    /// Nothing stalls.
    pub const NONE: Self = Self { probability: 0.0, factor: 1.0 };

    /// How many times as long a batch takes; `keys` are its lowest request and what runs where.
    pub(super) fn of(self, keys: (u64, u64), rng: Rng) -> f64 {
        let stalls = rng.keyed_unit(Label::Stalls, keys.0, keys.1) < self.probability;
        if stalls { self.factor } else { 1.0 }
    }
}

impl Slowdown {
    /// How many times as long a batch takes that starts at this instant.
    pub(super) fn of(slowdown: Option<Self>, at: Time) -> f64 {
        slowdown.filter(|slow| at >= slow.from).map_or(1.0, |slow| slow.factor)
    }
}

impl BeliefError {
    /// Whether beliefs are the truth.
    pub fn is_none(self) -> bool {
        self == Self::default()
    }

    /// 1 + ε of latency and of accuracy of the variant with this key.
    fn factors(self, key: u64, rng: Rng) -> (f64, f64) {
        let epsilon = |salt| 2.0 * rng.keyed_unit(Label::Beliefs, key, salt) - 1.0;
        (1.0 + self.latency * epsilon(0), 1.0 + self.accuracy * epsilon(1))
    }

    /// What is believed of a probability of the variant with this key.
    pub(super) fn mistake(self, probability: f64, key: u64, rng: Rng) -> f64 {
        (probability * self.factors(key, rng).1).clamp(0.0, 1.0)
    }

    /// The latencies that are believed of the variant with this key.
    pub(super) fn believed(self, table: &LatencyTable, key: u64, rng: Rng) -> LatencyTable {
        table.scaled(self.factors(key, rng).0)
    }
}
