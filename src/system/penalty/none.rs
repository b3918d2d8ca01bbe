//! Lateness costs nothing: utility is accuracy.

use super::{PenaltyEntry, PenaltyShape};

pub(super) const ENTRY: PenaltyEntry = PenaltyEntry {
    name: "none",
    summary: "lateness costs nothing",
    source: "definition",
    settings: &[],
    build: |_| PenaltyShape::new("Never", |_| 0.0),
};
