//! Poisson arrivals: exponential gaps with mean 1 / rate.

use super::{ArrivalEntry, renewal};
use crate::core::rng::exponential;
use rand::RngExt;

pub(super) const ENTRY: ArrivalEntry = ArrivalEntry {
    name: "poisson",
    summary: "exponential gaps",
    settings: &[],
    source: "memoryless arrivals, the customary null model",
    read: |_| renewal(|rng| exponential(rng.random())),
};
