//! Worth falls in a straight line: γ = min(1, x).

use super::{PenaltyEntry, PenaltyShape};
use std::sync::Arc;

pub(super) const ENTRY: PenaltyEntry = PenaltyEntry {
    name: "linear",
    summary: "worth falls to zero over one more budget",
    source: "customary soft deadline",
    settings: &[],
    build: |_| Arc::new(Linear),
};

#[derive(Debug)]
struct Linear;

impl PenaltyShape for Linear {
    fn gamma(&self, x: f64) -> f64 {
        x.min(1.0)
    }
}
