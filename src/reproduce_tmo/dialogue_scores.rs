//! Scores of the test dialogues of several splits, and means over them.
//!
//! **Intervals are by dialogue.** Splits of one data set test the same dialogues again and again,
//! so their means are no independent sample: an interval over them would shrink with every further
//! split, however few dialogues there are. A figure is therefore the mean of each dialogue over the
//! splits that test it (and over the trainings there), then the mean over dialogues; its interval
//! is Student's t over dialogues. A difference is taken within a dialogue of a split, where both
//! sides have the same estimator, and treated alike. Training dialogues are taken as given: the
//! interval does not include the variation of the estimator over training sets. On synthetic data
//! sets of ten splits each, such intervals cover the mean of further dialogues in 86 to 94 % (89 %
//! is nominal, since that mean is itself estimated from 200), intervals over splits in 74 to 91 %.
//! They cover the mean over other data sets, whose estimators differ, in 33 to 68 %
//! (`tests/statistics/coverage.rs`).
//!
//! A target that was measured on splits of the same data set asks whether two programs draw from
//! the same distribution. There the variance between splits counts
//! ([`DialogueScores::by_split`]), and the tolerance follows from it.

use crate::report::figure::Point;
use crate::report::reproduction::Measurement;
use crate::stats::Estimate;
use std::collections::BTreeMap;

/// Scores, each with the numbers of its split and dialogue.
#[derive(Clone, Debug, Default)]
pub(super) struct DialogueScores(Vec<(usize, usize, f64)>);

impl DialogueScores {
    /// Scores of the test dialogues of one split, in their order.
    pub(super) fn new(
        split: usize,
        dialogues: &[usize],
        values: impl IntoIterator<Item = f64>,
    ) -> Self {
        let dialogues = dialogues.iter().zip(values);
        Self(dialogues.map(|(dialogue, value)| (split, *dialogue, value)).collect())
    }

    /// Scores of several splits and trainings together.
    pub(super) fn all<'a>(parts: impl IntoIterator<Item = &'a Self>) -> Self {
        Self(parts.into_iter().flat_map(|part| part.0.iter().copied()).collect())
    }

    /// Means by dialogue.
    pub(super) fn by_dialogue(&self) -> Vec<f64> {
        self.means(|(_, dialogue, _)| *dialogue)
    }

    /// Means by split.
    pub(super) fn by_split(&self) -> Vec<f64> {
        self.means(|(split, ..)| *split)
    }

    fn means(&self, key: impl Fn(&(usize, usize, f64)) -> usize) -> Vec<f64> {
        let mut sums: BTreeMap<usize, (f64, f64)> = BTreeMap::new();
        for score in &self.0 {
            let (sum, count) = sums.entry(key(score)).or_default();
            *sum += score.2;
            *count += 1.0;
        }
        sums.into_values().map(|(sum, count)| sum / count).collect()
    }

    /// The mean over dialogues.
    pub(super) fn mean(&self) -> f64 {
        super::mean(&self.by_dialogue())
    }

    /// The differences to other scores of the same dialogues in the same order.
    pub(super) fn minus(&self, other: &Self) -> Self {
        let pairs = self.0.iter().zip(&other.0);
        Self(pairs.map(|((split, dialogue, a), (.., b))| (*split, *dialogue, a - b)).collect())
    }

    /// The differences to the means of other scores of the same dialogues on the same splits: one
    /// side may have been measured with several trainings.
    pub(super) fn less(&self, other: &Self) -> Self {
        let key = |score: &(usize, usize, f64)| (score.0, score.1);
        let mut sums: BTreeMap<(usize, usize), (f64, f64)> = BTreeMap::new();
        for score in &other.0 {
            let (sum, count) = sums.entry(key(score)).or_default();
            *sum += score.2;
            *count += 1.0;
        }
        let difference = |score: &(usize, usize, f64)| {
            let (sum, count) = sums.get(&key(score))?;
            Some((score.0, score.1, score.2 - sum / count))
        };
        Self(self.0.iter().filter_map(difference).collect())
    }

    /// The mean with its interval over dialogues and its variance over as many random splits.
    pub(super) fn measurement(&self, section: &'static str, name: String) -> Measurement {
        let by_split = self.by_split();
        let spread = Estimate::of(&by_split).and_then(|e| e.deviation).unwrap_or(0.0);
        let variance = spread * spread / by_split.len().max(1) as f64;
        let mean = Measurement::new(section, name, self.mean());
        Measurement { variance, ..mean }.with_interval(&self.by_dialogue())
    }

    /// A point of a plot at `x`: the mean over dialogues, with its interval.
    pub(super) fn point(&self, x: f64) -> Option<Point> {
        let estimate = Estimate::of(&self.by_dialogue())?;
        let (low, high) = (estimate.low(), estimate.high());
        Some(Point { x, x_low: x, x_high: x, y: estimate.mean, low, high, ringed: false })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dialogues_count_alike_however_often_they_are_tested() {
        let splits = [
            DialogueScores::new(0, &[4, 7], [1.0, 5.0]),
            DialogueScores::new(1, &[4, 9], [3.0, 0.0]),
        ];
        let scores = DialogueScores::all(&splits);
        assert_eq!(scores.by_dialogue(), [2.0, 5.0, 0.0]);
        assert_eq!(scores.by_split(), [3.0, 1.5]);
        let twice = DialogueScores::all([&scores, &scores]);
        assert_eq!(twice.by_dialogue(), scores.by_dialogue(), "no more dialogues than before");
        let difference = scores.minus(&scores);
        assert_eq!(difference.by_dialogue(), [0.0; 3]);
    }
}
