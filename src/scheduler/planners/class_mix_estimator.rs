//! The accuracy of each variant at the class mix of the latest requests of its application.
//!
//! The posterior of one request is noisy, and its errors correlate with those of the variants; the
//! mean over many requests estimates the class mix at which variants should be compared. The mix
//! starts as the prior, and every request moves it by 1 / `length` towards its posterior: an
//! exponential mean over the last `length` requests or so. O(classes) per request and variant.
//! Source: ours.

use crate::classifier::posterior::{expected_accuracy, shrunk_recall};
use crate::contract::View;
use crate::core::ids::{AppId, Request, VariantId};
use crate::system::catalog::Catalog;

/// The class mixes of all applications.
pub struct ClassMixEstimator {
    length: f64,
    mixes: Vec<Vec<f64>>,
    recalls: Vec<ShrunkRecalls>,
}

/// The recalls of one variant, shrunk towards its accuracy.
struct ShrunkRecalls {
    shrunk: Vec<f64>,
    /// Profiled accuracy less Σ f(c) R̃(c), with the profile's class frequencies f: with it the
    /// accuracy at those frequencies is the profiled one.
    rest: f64,
}

impl ShrunkRecalls {
    fn new(catalog: &Catalog, id: VariantId, weight: f64) -> Self {
        let variant = catalog.variant(id);
        let total: f64 = variant.samples.iter().sum();
        if total <= 0.0 {
            // The same accuracy for every class.
            return Self { shrunk: Vec::new(), rest: variant.accuracy };
        }
        let each = variant.recall.iter().zip(&variant.samples);
        let shrunk: Vec<f64> =
            each.map(|(r, n)| shrunk_recall(*r, *n, variant.accuracy, weight)).collect();
        let rest = variant.accuracy - expected_accuracy(&variant.samples, &shrunk) / total;
        Self { shrunk, rest }
    }
}

impl ClassMixEstimator {
    /// `weight` is the number of pseudo-requests by which every recall is shrunk towards the
    /// accuracy of its variant.
    pub fn new(catalog: &Catalog, length: f64, weight: f64) -> Self {
        let mix = |app: AppId| {
            let prior = &catalog.app(app).prior;
            let sum: f64 = prior.iter().sum();
            prior.iter().map(|weight| weight / sum).collect()
        };
        let recalls = catalog.variant_ids().map(|id| ShrunkRecalls::new(catalog, id, weight));
        Self { length, mixes: catalog.app_ids().map(mix).collect(), recalls: recalls.collect() }
    }

    /// Updates the class mix with a request that has just become visible.
    pub fn observe(&mut self, view: &View<'_>, request: &Request) {
        move_towards(&mut self.mixes[request.app.index()], view.posterior(request), self.length);
    }

    /// The accuracy of a variant at the class mix: a + Σ (mix(c) − f(c)) R̃(c), with the profiled
    /// accuracy a, the profile's class frequencies f and the shrunk recalls R̃.
    pub fn accuracy(&self, catalog: &Catalog, variant: VariantId) -> f64 {
        let mix = &self.mixes[catalog.variant(variant).app.index()];
        let recalls = &self.recalls[variant.index()];
        (recalls.rest + expected_accuracy(mix, &recalls.shrunk)).clamp(0.0, 1.0)
    }
}

fn move_towards(mean: &mut [f64], value: &[f64], length: f64) {
    mean.iter_mut().zip(value).for_each(|(mean, value)| *mean += (value - *mean) / length);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mean_moves_by_one_over_its_length_and_keeps_its_sum() {
        let mut mix = vec![0.8, 0.2];
        move_towards(&mut mix, &[0.0, 1.0], 4.0);
        assert!((mix[0] - 0.6).abs() < 1e-12 && (mix[1] - 0.4).abs() < 1e-12);
        move_towards(&mut mix, &[], 4.0);
        assert!((mix[0] - 0.6).abs() < 1e-12);
    }

    #[test]
    fn accuracy_is_the_profiled_one_at_the_profiles_frequencies() {
        // 90 requests of recall 1 and 10 of recall 0.5, at weight 10: 0.995 and 0.725.
        let (recall, samples, accuracy) = ([1.0, 0.5], [90.0, 10.0], 0.95);
        let each = recall.iter().zip(&samples);
        let shrunk: Vec<f64> = each.map(|(r, n)| shrunk_recall(*r, *n, accuracy, 10.0)).collect();
        let rest = accuracy - expected_accuracy(&samples, &shrunk) / 100.0;
        let mut estimator = ClassMixEstimator {
            length: 1.0,
            mixes: vec![vec![0.9, 0.1]],
            recalls: vec![ShrunkRecalls { shrunk, rest }],
        };
        let at = |e: &ClassMixEstimator| {
            e.recalls[0].rest + expected_accuracy(&e.mixes[0], &e.recalls[0].shrunk)
        };
        assert!((at(&estimator) - 0.95).abs() < 1e-12);
        move_towards(&mut estimator.mixes[0], &[0.5, 0.5], 1.0);
        // The second class weighs 0.4 more, and is worth 0.995 - 0.725 = 0.27 less.
        assert!((at(&estimator) - (0.95 - 0.4 * 0.27)).abs() < 1e-12, "{}", at(&estimator));
    }
}
