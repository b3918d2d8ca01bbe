//! Pareto gaps: P(X > x) = (m / x)^α from the least gap m = (α − 1) / (α · rate) on. Their variance
//! is infinite up to α = 2.

use super::{ArrivalEntry, renewal};
use crate::config::Setting;
use crate::core::rng::exponential;
use rand::RngExt;

pub(super) const ENTRY: ArrivalEntry = ArrivalEntry {
    name: "pareto",
    summary: "Pareto gaps; up to `alpha` = 2 of infinite variance",
    settings: &[&[Setting::number("alpha", [1.01, 100.0], 1.5)
        .means("The tail index of the gaps; up to 2 their variance is infinite.")]],
    source: "heavy-tailed gaps",
    read: |fields| {
        let alpha = fields.number("alpha");
        let least = (alpha - 1.0) / alpha;
        renewal(move |rng| least * libm::exp(exponential(rng.random()) / alpha))
    },
};
