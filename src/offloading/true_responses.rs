//! The law by which generated dialogues were scored: the mean score of any answer, also of those
//! that were not drawn.
//!
//! Both laws are laws of normal variables that are cut off, whose means are closed forms.

use super::action::Actions;

/// The mean score of an answer in generated dialogues.
#[derive(Clone, Debug, PartialEq)]
pub enum TrueResponses {
    /// By task: the mean score of an answer on the device, and of one in the cloud.
    ByTask(Vec<[f64; 2]>),
    /// By the number of views uploaded so far in the dialogue, as in the published sweep.
    ByUploads {
        /// The mean score of an answer on the device.
        local: f64,
        /// The mean score of an answer in the cloud: the law before it is cut off has mean
        /// `base + per_upload · uploads`.
        base: f64,
        /// See `base`.
        per_upload: f64,
        /// Its standard deviation before it is cut off.
        deviation: f64,
        /// Scores lie between 0 and this.
        top: f64,
    },
}

impl TrueResponses {
    /// The mean score of the answer that `action` gives to a question of `task` after the actions
    /// `past`.
    pub fn score(&self, actions: &Actions, task: usize, past: &[usize], action: usize) -> f64 {
        match self {
            Self::ByTask(means) => means[task][usize::from(action > 0)],
            Self::ByUploads { local, .. } if action == 0 => *local,
            Self::ByUploads { base, per_upload, deviation, top, .. } => {
                let before: usize = past.iter().map(|action| actions.uploaded(*action)).sum();
                let uploads = before + actions.uploaded(action);
                mean_of_clamped(base + per_upload * uploads as f64, *deviation, *top)
            }
        }
    }
}

/// The distribution function of the standard normal law.
fn below(z: f64) -> f64 {
    libm::erfc(-z / std::f64::consts::SQRT_2) / 2.0
}

/// Its density.
fn density(z: f64) -> f64 {
    libm::exp(-z * z / 2.0) / libm::sqrt(2.0 * std::f64::consts::PI)
}

/// The mean of a normal variable whose values below 0 become 0 and whose values above `top` become
/// `top`.
pub(super) fn mean_of_clamped(mean: f64, deviation: f64, top: f64) -> f64 {
    let (low, high) = (-mean / deviation, (top - mean) / deviation);
    mean * (below(high) - below(low)) - deviation * (density(high) - density(low))
        + top * below(-high)
}

/// The mean of min(exp(X), top), where X is normal.
pub(super) fn mean_of_capped_exponential(mean: f64, deviation: f64, top: f64) -> f64 {
    let cut = (libm::log(top) - mean) / deviation;
    let whole = libm::exp(mean + deviation * deviation / 2.0);
    whole * below(cut - deviation) + top * below(-cut)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The integral of `of` against the standard normal density, by the midpoint rule.
    fn expected(of: impl Fn(f64) -> f64) -> f64 {
        let steps = 200_000;
        let width = 20.0 / f64::from(steps);
        let middle = |step: i32| (f64::from(step) + 0.5) * width - 10.0;
        (0..steps).map(middle).map(|z| of(z) * density(z) * width).sum()
    }

    #[test]
    fn closed_forms_are_the_integrals() {
        for (mean, deviation) in [(0.7, 0.3), (1.0, 0.3), (2.5, 0.3), (-0.2, 0.9)] {
            let by_hand = expected(|z| (mean + deviation * z).clamp(0.0, 2.0));
            let found = mean_of_clamped(mean, deviation, 2.0);
            assert!((found - by_hand).abs() < 1e-8, "{found} {by_hand}");
            let by_hand = expected(|z| libm::exp(mean + deviation * z).min(9.0));
            let found = mean_of_capped_exponential(mean, deviation, 9.0);
            assert!((found - by_hand).abs() < 1e-6, "{found} {by_hand}");
        }
    }

    #[test]
    fn uploads_of_the_whole_dialogue_count() {
        let law = TrueResponses::ByUploads {
            local: 0.7,
            base: 1.0,
            per_upload: 0.1,
            deviation: 0.3,
            top: 2.0,
        };
        let actions = Actions::new(3);
        let score = |past: &[usize], action| law.score(&actions, 0, past, action);
        assert_eq!(score(&[8, 8], 0), 0.7);
        assert_eq!(score(&[8, 0], 2), mean_of_clamped(1.4, 0.3, 2.0));
        assert!(score(&[8, 8], 1) > score(&[8], 1));
    }
}
