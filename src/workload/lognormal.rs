//! Log-normal gaps with coefficient of variation c: σ² = ln(1 + c²), μ = −σ² / 2 for mean 1.

use super::{ArrivalEntry, CV, renewal};
use crate::core::rng::standard_normal;
use rand::RngExt;

pub(super) const ENTRY: ArrivalEntry = ArrivalEntry {
    name: "lognormal",
    summary: "log-normal gaps with a coefficient of variation",
    settings: &[CV],
    source: "a heavy tail with all moments",
    read: |fields| {
        let cv = fields.number("cv");
        let variance = libm::log1p(cv * cv);
        let sigma = libm::sqrt(variance);
        renewal(move |rng| {
            let standard = standard_normal(rng.random(), rng.random());
            libm::exp(sigma * standard - variance / 2.0)
        })
    },
};
