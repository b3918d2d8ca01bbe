//! An S-curve from the deadline to `cutoff` budgets after the arrival:
//! γ = 1 / (1 + (x' / (1 − x'))^−β) with x' = x / (cutoff − 1), and 1 beyond.
//!
//! Source: the penalty of the SneakPeek authors' published scheduler code (dndfrink/SERIF,
//! commit bd12bb8), with β = 3 and cutoff = 2. That the paper prints these constants is not
//! verified.

use super::{PenaltyEntry, PenaltyShape};
use crate::config::Setting;
use std::sync::Arc;

pub(super) const ENTRY: PenaltyEntry = PenaltyEntry {
    name: "sigmoid",
    summary: "S-curve; nothing left beyond `cutoff` budgets",
    source: "dndfrink/SERIF bd12bb8, penalised utility",
    settings: &[&[
        Setting::number(
            "exponent",
            [0.01, 100.0],
            Sigmoid::PUBLISHED.exponent,
            "How steep the curve is in its middle.",
        ),
        Setting::number(
            "cutoff",
            [1.000_001, 1e6],
            Sigmoid::PUBLISHED.cutoff,
            "From how many budgets after its arrival on an answer is worth nothing.",
        ),
    ]],
    build: |fields| {
        Arc::new(Sigmoid { exponent: fields.number("exponent"), cutoff: fields.number("cutoff") })
    },
};

#[derive(Debug)]
pub(super) struct Sigmoid {
    exponent: f64,
    cutoff: f64,
}

impl Sigmoid {
    pub(super) const PUBLISHED: Self = Self { exponent: 3.0, cutoff: 2.0 };
}

impl PenaltyShape for Sigmoid {
    fn gamma(&self, x: f64) -> f64 {
        let x = x / (self.cutoff - 1.0);
        if x >= 1.0 {
            return 1.0;
        }
        1.0 / (1.0 + libm::pow(x / (1.0 - x), -self.exponent))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Values of S at β = 3, worked out by hand from the formula.
    #[test]
    fn golden_values() {
        let s = Sigmoid::PUBLISHED;
        for (x, expected) in
            [(0.1, 0.001_370), (0.25, 1.0 / 28.0), (0.5, 0.5), (0.75, 0.964_286), (0.9, 0.998_630)]
        {
            assert!((s.gamma(x) - expected).abs() < 5e-7, "{x}");
        }
        assert_eq!(s.gamma(1.0), 1.0);
        assert_eq!(s.gamma(7.0), 1.0);
    }
}
