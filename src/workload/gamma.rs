//! Gamma gaps with coefficient of variation c: shape 1 / c², mean 1 / rate. 1 is Poisson, above it
//! arrivals come in clusters, below it they are regular.

use super::{ArrivalEntry, CV, renewal};
use crate::core::rng::gamma;

pub(super) const ENTRY: ArrivalEntry = ArrivalEntry {
    name: "gamma",
    summary: "gamma gaps with a coefficient of variation",
    settings: &[CV],
    source: "as in AlpaServe (Li et al., OSDI 2023)",
    read: |fields| {
        let cv = fields.number("cv");
        let shape = 1.0 / (cv * cv);
        renewal(move |rng| gamma(shape, rng) / shape)
    },
};
