//! A late answer is worth nothing: γ = 1 as soon as x > 0.

use super::{PenaltyEntry, PenaltyShape};
use std::sync::Arc;

pub(super) const ENTRY: PenaltyEntry = PenaltyEntry {
    name: "step",
    summary: "a late answer is worth nothing",
    source: "customary hard deadline",
    settings: &[],
    build: |_| Arc::new(Step),
};

#[derive(Debug)]
struct Step;

impl PenaltyShape for Step {
    fn gamma(&self, _: f64) -> f64 {
        1.0
    }
}
