//! Weibull gaps with coefficient of variation c: shape k with Γ(1 + 2/k) / Γ(1 + 1/k)² = 1 + c²,
//! found by bisection.

use super::{ArrivalEntry, CV, renewal};
use crate::core::rng::exponential;
use libm::{exp, lgamma, log1p};
use rand::RngExt;

pub(super) const ENTRY: ArrivalEntry = ArrivalEntry {
    name: "weibull",
    summary: "Weibull gaps with a coefficient of variation",
    settings: &[CV],
    source: "stretched exponential gaps, a customary law of request logs",
    read: |fields| {
        let power = 1.0 / shape(fields.number("cv"));
        let mean = exp(lgamma(1.0 + power));
        renewal(move |rng| libm::pow(exponential(rng.random()), power) / mean)
    },
};

/// The shape that has this coefficient of variation, which falls as the shape grows.
fn shape(cv: f64) -> f64 {
    let wanted = log1p(cv * cv);
    let (mut low, mut high) = (0.05, 2000.0);
    for _ in 0..100 {
        let middle = libm::sqrt(low * high);
        let found = lgamma(1.0 + 2.0 / middle) - 2.0 * lgamma(1.0 + 1.0 / middle);
        if found > wanted {
            low = middle;
        } else {
            high = middle;
        }
    }
    low
}
