//! What test dialogues of several splits came to, and means over them.
//!
//! **Intervals are by dialogue.** Splits of one data set test the same dialogues again and again,
//! so their means are no independent sample: an interval over them would shrink with every further
//! split, however few dialogues there are. A figure is therefore the mean of each dialogue over the
//! splits that test it (and over the trainings there), then the mean over dialogues; its interval
//! is Student's t over dialogues. A difference is taken within a dialogue of a split, where both
//! sides meet the same estimator, and treated alike. The dialogues to learn from count as given: by
//! how much the estimator would be another with other dialogues is not in the interval. On data
//! sets made up, of ten splits each, such intervals cover what further dialogues would show in 86
//! to 94 % (89 % being nominal, since 200 further ones do not say it exactly), those over splits in
//! 74 to 91 %; the mean over other data sets, whose estimators differ, they cover in 33 to 68 %
//! (`tests/coverage.rs`).
//!
//! Against a reference that was measured on splits of the same data set the question is another
//! one: whether two programs draw from the same law. There the spread between splits counts, and a
//! tolerance is made of it ([`Marks::by_split`]).

use super::{Check, point};
use crate::offloading::evaluate::{DialogueResult, PolicySummary, Totals};
use crate::offloading::{Cost, DialogueModel};
use crate::report::figure::Point;
use crate::stats::Estimate;
use std::collections::BTreeMap;

/// Figures of results, each with the split and the dialogue it is of.
#[derive(Clone, Debug, Default)]
pub(super) struct DialogueScores(Vec<(usize, usize, f64)>);

impl DialogueScores {
    /// Of the test dialogues of one split, in their order.
    pub(super) fn new(split: usize, dialogues: &[usize], values: &[f64]) -> Self {
        let one = |(dialogue, value): (&usize, &f64)| (split, *dialogue, *value);
        Self(dialogues.iter().zip(values).map(one).collect())
    }

    /// Those of several splits and trainings together.
    pub(super) fn all(parts: impl IntoIterator<Item = Self>) -> Self {
        Self(parts.into_iter().flat_map(|part| part.0).collect())
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
        for mark in &self.0 {
            let (sum, count) = sums.entry(key(mark)).or_default();
            *sum += mark.2;
            *count += 1.0;
        }
        sums.into_values().map(|(sum, count)| sum / count).collect()
    }

    /// The mean over dialogues.
    pub(super) fn mean(&self) -> f64 {
        super::mean(&self.by_dialogue())
    }

    /// The difference to others of the same results in the same order.
    pub(super) fn less(&self, other: &Self) -> Self {
        let pairs = self.0.iter().zip(&other.0);
        Self(pairs.map(|((split, dialogue, a), (.., b))| (*split, *dialogue, a - b)).collect())
    }

    /// The variance of the mean over as many random splits.
    pub(super) fn variance_between_splits(&self) -> f64 {
        let values = self.by_split();
        let spread = Estimate::of(&values).and_then(|e| e.deviation).unwrap_or(0.0);
        spread * spread / values.len().max(1) as f64
    }

    /// A figure of which nothing is demanded, with its interval.
    pub(super) fn reported(&self, section: &'static str, name: String) -> Check {
        Check::reported(section, name, self.mean(), None).with_interval(&self.by_dialogue())
    }

    /// The mean over `x`, with its interval.
    pub(super) fn point(&self, x: f64) -> Option<Point> {
        point(x, &self.by_dialogue())
    }
}

/// A figure of each result by itself.
pub(super) fn each(
    model: &DialogueModel,
    results: &[DialogueResult],
    budget: Cost,
    of: fn(&PolicySummary) -> f64,
) -> Vec<f64> {
    let one =
        |result| of(&PolicySummary::of(model, std::slice::from_ref(result), budget, Totals::All));
    results.iter().map(one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dialogues_count_alike_however_often_they_are_tested() {
        let splits = [
            DialogueScores::new(0, &[4, 7], &[1.0, 5.0]),
            DialogueScores::new(1, &[4, 9], &[3.0, 0.0]),
        ];
        let scores = DialogueScores::all(splits);
        assert_eq!(scores.by_dialogue(), [2.0, 5.0, 0.0]);
        assert_eq!(scores.by_split(), [3.0, 1.5]);
        let twice = DialogueScores::all([scores.clone(), scores.clone()]);
        assert_eq!(twice.by_dialogue(), scores.by_dialogue(), "no more dialogues than before");
        let difference = scores.less(&scores);
        assert_eq!(difference.by_dialogue(), [0.0; 3]);
    }
}
