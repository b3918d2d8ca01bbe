//! Worth falls in a straight line: γ = min(1, x).

use super::{PenaltyEntry, PenaltyShape};

pub(super) const ENTRY: PenaltyEntry = PenaltyEntry {
    name: "linear",
    summary: "worth falls to zero over one more budget",
    source: "customary soft deadline",
    settings: &[],
    build: |_| PenaltyShape::new("Linear", |x| x.min(1.0)),
};
