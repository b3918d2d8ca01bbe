//! From evidence to class probabilities to the accuracy of a variant on one request.
//!
//! A SneakPeek model gives votes v per class; with a Dirichlet prior α the posterior mean is
//! θ(c) = (α(c) + v(c)) / Σ(α + v), and a variant with recalls R is right with probability
//! â = Σ θ(c) R(c).
//!
//! Source: dndfrink/SERIF bd12bb8 (conjugate update and expected conditional accuracy), the
//! published code of the authors of arXiv 2505.06641. k, the threshold and the one-hot evidence
//! are taken from there; counts as evidence are another reading of it.

use crate::core::rounding::rounded;

/// How votes become evidence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Evidence {
    /// One pseudo-observation of the class that the votes answer with.
    OneHot,
    /// Every vote is an observation.
    Counts,
}

/// The share of votes above which class 1 of two is the answer.
pub const TWO_CLASS_THRESHOLD: f64 = 0.4;

/// The class that votes answer with: class 1 of two where its share of the votes is above the
/// threshold, if there is one; otherwise the class with most votes, ties to the lowest. `None`
/// without votes.
pub fn answer(votes: &[f64], threshold: Option<f64>) -> Option<usize> {
    let total: f64 = votes.iter().sum();
    let class = match (votes, threshold) {
        // Strictly above, as published.
        ([_, second], Some(threshold)) => usize::from(second / total > threshold),
        _ => argmax(votes),
    };
    (total > 0.0).then_some(class)
}

/// Adds the evidence of `votes` to `theta`, which holds the prior, and normalises. A sum of zero
/// leaves equal probabilities.
pub fn update(theta: &mut [f64], votes: &[f64], evidence: Evidence, threshold: Option<f64>) {
    match evidence {
        Evidence::Counts => theta.iter_mut().zip(votes).for_each(|(t, v)| *t += v),
        Evidence::OneHot => {
            if let Some(class) = answer(votes, threshold) {
                theta[class] += 1.0;
            }
        }
    }
    let sum: f64 = theta.iter().sum();
    let equal = 1.0 / theta.len() as f64;
    theta.iter_mut().for_each(|t| *t = if sum > 0.0 { *t / sum } else { equal });
}

/// The prior of class counts: frequencies with sum 1, where a class never seen among n gets
/// 1/(2n) before normalising.
pub fn prior_of_counts(counts: &[f64]) -> Vec<f64> {
    let n: f64 = counts.iter().sum();
    let raised: Vec<f64> =
        counts.iter().map(|c| if *c > 0.0 { c / n } else { 1.0 / (2.0 * n) }).collect();
    let sum: f64 = raised.iter().sum();
    raised.iter().map(|p| p / sum).collect()
}

/// Σ θ(c) R(c).
#[inline]
pub fn expected_accuracy(theta: &[f64], recall: &[f64]) -> f64 {
    theta.iter().zip(recall).map(|(t, r)| t * r).sum()
}

/// A recall R of `samples` n requests, shrunk towards `accuracy` a by `weight` k pseudo-requests of
/// that accuracy: (n R + k a) / (n + k). Not in the published code.
pub fn shrunk_recall(recall: f64, samples: f64, accuracy: f64, weight: f64) -> f64 {
    let total = samples + weight;
    if total > 0.0 { (samples * recall + weight * accuracy) / total } else { accuracy }
}

/// The index of the largest value; ties, up to their last bits ([`rounded`]), to the lowest.
pub fn argmax(values: &[f64]) -> usize {
    let is_larger = |a: f64, b: f64| a > b && rounded(a) > rounded(b);
    let larger = |best, at: usize| if is_larger(values[at], values[best]) { at } else { best };
    (1..values.len()).fold(0, larger)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn posterior(prior: [f64; 2], votes: [f64; 2]) -> Vec<f64> {
        let mut theta = prior.to_vec();
        update(&mut theta, &votes, Evidence::OneHot, Some(TWO_CLASS_THRESHOLD));
        theta
    }

    #[test]
    fn published_priors_and_one_observation() {
        assert_eq!(posterior([0.9, 0.1], [3.0, 2.0]), [0.95, 0.05]);
        assert_eq!(posterior([0.9, 0.1], [2.0, 3.0]), [0.45, 0.55]);
        let wake = posterior([0.8, 0.2], [0.0, 1.0]);
        assert!((wake[0] - 0.4).abs() < 1e-12 && (wake[1] - 0.6).abs() < 1e-12);
    }

    #[test]
    fn counts_one_hot_and_nothing() {
        let mut theta = vec![0.2, 0.3, 0.5];
        update(&mut theta, &[2.0, 2.0, 1.0], Evidence::OneHot, Some(TWO_CLASS_THRESHOLD));
        assert_eq!(theta, [0.6, 0.15, 0.25]);
        let mut theta = vec![0.0, 0.0, 0.0];
        update(&mut theta, &[1.0, 3.0, 0.0], Evidence::Counts, None);
        assert_eq!(theta, [0.25, 0.75, 0.0]);
        let mut theta = vec![0.0, 0.0];
        update(&mut theta, &[0.0, 0.0], Evidence::Counts, None);
        assert_eq!(theta, [0.5, 0.5]);
    }

    #[test]
    fn few_samples_are_shrunk_towards_the_accuracy() {
        assert_eq!(shrunk_recall(0.5, 30.0, 0.9, 10.0), 0.6);
        assert_eq!(shrunk_recall(0.5, 30.0, 0.9, 0.0), 0.5);
        assert_eq!(shrunk_recall(0.5, 0.0, 0.9, 0.0), 0.9);
    }

    #[test]
    fn ties_up_to_the_last_bits_go_to_the_lowest_class() {
        assert_eq!(argmax(&[0.3, 0.1 + 0.2, 0.4 - 0.1]), 0);
        assert_eq!(argmax(&[0.3, 0.3 + 1e-9]), 1);
    }

    #[test]
    fn unseen_classes_get_half_a_count() {
        let prior = prior_of_counts(&[3.0, 0.0]);
        assert!((prior[1] - (1.0 / 6.0) / (1.0 + 1.0 / 6.0)).abs() < 1e-12);
    }
}
