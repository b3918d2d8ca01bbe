//! A late answer is worth nothing: γ = 1 as soon as x > 0.

use super::{PenaltyEntry, PenaltyShape};

pub(super) const ENTRY: PenaltyEntry = PenaltyEntry {
    name: "step",
    summary: "a late answer is worth nothing",
    source: "customary hard deadline",
    settings: &[],
    build: |_| PenaltyShape::new("Step", |_| 1.0),
};
