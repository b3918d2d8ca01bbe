//! The truth about single variants and workers, and about variants on classes of workers.

use super::device::{DeviceCost, Reaction, Spread, log_sigma};
use super::faults::{Outage, Slowdown};
use super::profile::VariantCost;
use super::spec::WorkerSpec;
use crate::core::rng::name_key;
use crate::core::units::Span;
use std::sync::Arc;

/// The truth about a variant.
#[derive(Clone, Debug)]
pub(super) struct VariantTruth {
    /// Application and variant in keyed draws.
    pub key: u64,
    /// Recorded answers by row of the trace, if these are replayed.
    pub recorded: Option<Arc<[u16]>>,
    /// Probability of a right answer by true class, where answers are drawn.
    pub drawn: Vec<f64>,
    /// Normal quantiles of these, where mistakes of variants are correlated.
    pub quantiles: Vec<f64>,
}

/// The truth about a worker.
#[derive(Clone, Debug)]
pub(super) struct WorkerTruth {
    pub slowdown: Option<Slowdown>,
    pub outages: Vec<Outage>,
    /// The class in keyed draws.
    pub class_key: u64,
    /// The time constant of its recent use: the longest of variants that react to it.
    pub inertia: Span,
}

impl WorkerTruth {
    pub fn new(spec: &WorkerSpec) -> Self {
        let (slowdown, outages) = (spec.slowdown, spec.outages.clone());
        // The inertia is filled in when the costs are known.
        let (class_key, inertia) = (name_key(&[&spec.class]), Span::ZERO);
        Self { slowdown, outages, class_key, inertia }
    }
}

/// The truth about a variant on a class of workers.
#[derive(Clone, Debug, Default)]
pub(super) struct CostTruth {
    /// From this many requests in a batch on, the spread of its service time.
    spread: Vec<(u64, Spread)>,
    /// Standard deviation of the logarithm of the delay after a batch.
    pub delay_sigma: f64,
    /// Dependence on recent use.
    pub reaction: Reaction,
}

impl CostTruth {
    pub fn new(cost: &VariantCost) -> Self {
        let DeviceCost { delay_cv, reaction, .. } = cost.device;
        Self { spread: cost.spread.clone(), delay_sigma: log_sigma(delay_cv), reaction }
    }

    /// Whether a batch takes the time of its table.
    pub fn is_steady(&self) -> bool {
        self.spread.is_empty() && self.reaction.service == 0.0
    }

    /// The spread of batches of this size.
    pub fn spread(&self, requests: usize) -> Option<&Spread> {
        let larger = self.spread.partition_point(|(batch, _)| *batch <= requests as u64);
        Some(&self.spread.get(larger.checked_sub(1)?)?.1)
    }
}
