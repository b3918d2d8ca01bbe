//! What is true of single variants and workers.

use super::faults::{Outage, Slowdown};
use std::sync::Arc;

/// What is true of a variant.
#[derive(Clone, Debug)]
pub(super) struct VariantTruth {
    /// Stands for application and variant in keyed draws.
    pub key: u64,
    /// Its recorded answers by row of the trace, if these are replayed.
    pub recorded: Option<Arc<[u16]>>,
    /// Probability of a right answer by true class, where answers are drawn.
    pub drawn: Vec<f64>,
    /// Normal quantiles of these, where mistakes of variants go together.
    pub quantiles: Vec<f64>,
}

/// What is true of a worker.
#[derive(Clone, Debug)]
pub(super) struct WorkerTruth {
    pub slowdown: Option<Slowdown>,
    pub outages: Vec<Outage>,
    /// Stands for the class in keyed draws.
    pub class_key: u64,
}
