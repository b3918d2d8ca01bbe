//! Outcomes of variants that are correlated by the difficulty of a request: a Gaussian copula of
//! correlation ρ.
//!
//! A request has a difficulty z ~ N(0, 1), the same for all variants, and a variant that is right
//! with probability R on its class is right on it with probability
//! Φ((Φ⁻¹(R) + √ρ z) / √(1 − ρ)): over all z that is R. Two variants of R₁ and R₂ are both right
//! with the probability that two standard normal numbers of correlation ρ are below Φ⁻¹(R₁) and
//! Φ⁻¹(R₂).

use libm::{erfc, sqrt};
use std::f64::consts::FRAC_1_SQRT_2;

/// Φ, the standard normal distribution function.
fn normal(x: f64) -> f64 {
    erfc(-x * FRAC_1_SQRT_2) / 2.0
}

/// Φ⁻¹, by bisection; infinite at 0 and 1.
pub(super) fn quantile(probability: f64) -> f64 {
    if probability <= 0.0 || probability >= 1.0 {
        return if probability <= 0.0 { f64::NEG_INFINITY } else { f64::INFINITY };
    }
    let (mut low, mut high) = (-40.0, 40.0);
    for _ in 0..100 {
        let middle = f64::midpoint(low, high);
        if normal(middle) < probability { low = middle } else { high = middle }
    }
    f64::midpoint(low, high)
}

/// The probability of a right answer to a request with difficulty `z`; `quantile` is Φ⁻¹ of that
/// over all requests of its class. At ρ = 1 it is 0 or 1.
pub(super) fn right(quantile: f64, z: f64, correlation: f64) -> f64 {
    normal((quantile + sqrt(correlation) * z) / sqrt(1.0 - correlation))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::rng::{Label, Rng, standard_normal};

    #[test]
    fn quantiles_invert() {
        for p in [1e-12, 0.02275, 0.5, 0.9, 1.0 - 1e-9] {
            assert!((normal(quantile(p)) / p - 1.0).abs() < 1e-9);
        }
        // Φ(1.96) from any table.
        assert!((quantile(0.975) - 1.959_964).abs() < 1e-6);
        assert_eq!([right(quantile(1.0), -9.0, 0.5), right(quantile(0.0), 9.0, 0.5)], [1.0, 0.0]);
    }

    #[test]
    fn marginals_are_kept_and_mistakes_are_correlated() {
        let rng = Rng::new(9, 0);
        let n = 100_000u32;
        for rho in [0.0, 0.5, 0.9, 1.0] {
            for (r1, r2) in [(0.5, 0.5), (0.9, 0.9), (0.9, 0.6)] {
                let quantiles = [quantile(r1), quantile(r2)];
                let (mut each, mut both) = ([0u32; 2], 0u32);
                for i in 0..n {
                    let unit = |salt| rng.keyed_unit(Label::Difficulty, u64::from(i), salt);
                    let z = standard_normal(unit(0), unit(1));
                    let is_right = |v: usize| unit(2 + v as u64) < right(quantiles[v], z, rho);
                    let found = [is_right(0), is_right(1)];
                    each[0] += u32::from(found[0]);
                    each[1] += u32::from(found[1]);
                    both += u32::from(found[0] && found[1]);
                }
                let share = |count: u32| f64::from(count) / f64::from(n);
                let error = |p: f64| 5.0 * (p * (1.0 - p) / f64::from(n)).sqrt();
                assert!((share(each[0]) - r1).abs() < error(r1), "{rho}: {}", share(each[0]));
                assert!((share(each[1]) - r2).abs() < error(r2), "{rho}: {}", share(each[1]));
                // Both right: ∫ over the correlation r of the density of two normal numbers at
                // the quantiles (Plackett 1954), from independence at 0; r = sin u.
                let [a, b] = quantiles;
                let steps = 20_000;
                let top = f64::asin(rho);
                let density = |u: f64| {
                    let (r, c2) = (libm::sin(u), libm::pow(libm::cos(u), 2.0));
                    if c2 == 0.0 {
                        return 0.0;
                    }
                    libm::exp(-(a * a - 2.0 * r * a * b + b * b) / (2.0 * c2))
                };
                let du = top / f64::from(steps);
                let sum: f64 = (0..steps).map(|s| density((f64::from(s) + 0.5) * du)).sum();
                let expected = r1 * r2 + sum * du / std::f64::consts::TAU;
                assert!((share(both) - expected).abs() < error(expected), "{rho}, {r1}, {r2}");
            }
        }
    }
}
