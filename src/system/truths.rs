//! The truth about single variants and workers.

use super::faults::{Outage, Slowdown};
use super::spec::WorkerSpec;
use crate::core::rng::name_key;
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
}

impl WorkerTruth {
    pub fn new(spec: &WorkerSpec) -> Self {
        let (slowdown, outages) = (spec.slowdown, spec.outages.clone());
        Self { slowdown, outages, class_key: name_key(&[&spec.class]) }
    }
}
