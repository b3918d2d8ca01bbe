//! An S-curve from the deadline to `cutoff` budgets after the arrival:
//! γ = 1 / (1 + (x' / (1 − x'))^−β) with x' = x / (cutoff − 1), and 1 beyond.
//!
//! Source: the penalty of the SneakPeek authors' published scheduler code (dndfrink/SERIF,
//! commit bd12bb8), with β = 3 and cutoff = 2. That the paper prints these constants is not
//! verified.

use super::{PenaltyEntry, PenaltyShape};
use crate::config::Setting;

pub(super) const ENTRY: PenaltyEntry = PenaltyEntry {
    name: "sigmoid",
    summary: "S-curve; nothing left beyond `cutoff` budgets",
    source: "dndfrink/SERIF bd12bb8, penalised utility",
    settings: &[&[
        Setting::number("exponent", [0.01, 100.0], EXPONENT)
            .means("How steep the curve is in its middle."),
        Setting::number("cutoff", [1.000_001, 1e6], CUTOFF)
            .means("From how many budgets after its arrival on an answer is worth nothing."),
    ]],
    build: |fields| sigmoid(fields.number("exponent"), fields.number("cutoff")),
};

/// The published parameters.
pub(super) const EXPONENT: f64 = 3.0;
pub(super) const CUTOFF: f64 = 2.0;

pub(super) fn sigmoid(exponent: f64, cutoff: f64) -> PenaltyShape {
    let signature = format!("Sigmoid {{ exponent: {exponent:?}, cutoff: {cutoff:?} }}");
    PenaltyShape::new(signature, move |x| gamma(exponent, cutoff, x))
}

fn gamma(exponent: f64, cutoff: f64, x: f64) -> f64 {
    let x = x / (cutoff - 1.0);
    if x >= 1.0 { 1.0 } else { 1.0 / (1.0 + libm::pow(x / (1.0 - x), -exponent)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Values of S at β = 3, worked out by hand from the formula.
    #[test]
    fn golden_values() {
        let gamma = |x| gamma(EXPONENT, CUTOFF, x);
        for (x, expected) in
            [(0.1, 0.001_370), (0.25, 1.0 / 28.0), (0.5, 0.5), (0.75, 0.964_286), (0.9, 0.998_630)]
        {
            assert!((gamma(x) - expected).abs() < 5e-7, "{x}");
        }
        assert_eq!(gamma(1.0), 1.0);
        assert_eq!(gamma(7.0), 1.0);
    }
}
