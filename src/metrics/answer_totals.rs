//! Totals over answered requests, counted by batch: what a batch has in common is looked up once,
//! and its sums are written back when all of it has been counted.

use super::latencies::Latencies;
use crate::core::ids::{Answered, BatchAnswer};
use crate::core::units::Span;
use crate::system::catalog::Catalog;
use crate::system::penalty::Penalty;

/// Bins of the expected calibration error.
const BINS: usize = 10;

/// Answers with a predicted accuracy in one tenth of the range.
#[derive(Clone, Copy, Debug, Default)]
struct CalibrationBin {
    predicted: f64,
    correct: u64,
}

/// Sums of right answers, and of how well they were predicted.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct AccuracySums {
    /// Sum of the accuracies shown to the scheduler.
    pub predicted: f64,
    pub estimation_error: f64,
    pub brier: f64,
    pub correct: u64,
}

/// Sums of utilities.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct UtilitySums {
    /// Of the accuracies shown to the scheduler times 1 − penalty.
    pub predicted: f64,
    /// With lateness relative to the time that was left at the decision.
    pub remaining: f64,
}

/// An accuracy that the scheduler was shown, and what follows from it.
#[derive(Clone, Copy, Debug)]
struct ShownAccuracy {
    accuracy: f64,
    /// The squared errors if the answer is wrong and if it is right.
    squares: [f64; 2],
    bin: usize,
}

/// Totals over late answers.
#[derive(Clone, Debug, Default)]
pub(super) struct LateTotals {
    pub count: u64,
    pub correct: u64,
    pub tardiness: Latencies,
    pub tardiness_ns: u128,
    pub tardiness_max: Span,
}

/// Totals over answers. Sums of times are integers, so that no order of adding matters.
#[derive(Clone, Debug, Default)]
pub(super) struct AnswerTotals {
    pub completed: u64,
    pub accuracy: AccuracySums,
    pub utility: UtilitySums,
    bins: [CalibrationBin; BINS],
    /// The accuracy of the last answer, which most often is that of the next.
    shown: ShownAccuracy,
    pub latencies: Latencies,
    pub latency_ns: u128,
    pub latency_max: Span,
    pub wait_ns: u128,
    pub late: LateTotals,
}

impl ShownAccuracy {
    fn new(accuracy: f64) -> Self {
        let squares = [0.0, 1.0].map(|right| (accuracy - right) * (accuracy - right));
        Self { accuracy, squares, bin: ((accuracy * BINS as f64) as usize).min(BINS - 1) }
    }
}

impl Default for ShownAccuracy {
    fn default() -> Self {
        Self::new(0.0)
    }
}

impl LateTotals {
    /// Counts a late answer; what lateness leaves of it, by the budget and by what was left of that
    /// at the decision.
    fn count(&mut self, penalty: &Penalty, batch: &BatchAnswer, answered: &Answered) -> [f64; 2] {
        let Answered { request, correct, .. } = answered;
        let late = penalty.tardiness(batch.finished, request.deadline);
        self.count += 1;
        self.correct += u64::from(*correct);
        self.tardiness.push(late);
        self.tardiness_ns += u128::from(late.0);
        self.tardiness_max = self.tardiness_max.max(late);
        [request.budget(), request.deadline.since(batch.decided)]
            .map(|scale| 1.0 - penalty.gamma(batch.finished, request.deadline, scale))
    }
}

impl AnswerTotals {
    /// Counts the answers of a batch, whose utility is added to that of its application.
    #[expect(clippy::inline_always, reason = "once a batch")]
    #[inline(always)]
    pub fn count(
        &mut self,
        catalog: &Catalog,
        batch: &BatchAnswer,
        answers: &[Answered],
        utility: &mut f64,
    ) {
        let penalty = &catalog.penalty;
        let missed = penalty.missed_before(batch.finished);
        let is_late = |answered: &Answered| answered.request.deadline < missed;
        let late = self.count_times(batch, answers, is_late);
        // Answers of a peek that nothing asked for have no error.
        let recall: &[f64] = batch.worker.map_or(&[], |_| &catalog.variant(batch.variant).recall);
        self.count_accuracy(answers, recall);
        if late == 0 {
            self.count_utility(answers, utility, |_, _| [1.0; 2]);
            return;
        }
        self.count_utility(answers, utility, |late, answered| {
            if is_late(answered) { late.count(penalty, batch, answered) } else { [1.0; 2] }
        });
    }

    /// Counts latencies and waits; returns how many answers are late.
    #[expect(clippy::inline_always, reason = "once a batch")]
    #[inline(always)]
    fn count_times(
        &mut self,
        batch: &BatchAnswer,
        answers: &[Answered],
        is_late: impl Fn(&Answered) -> bool,
    ) -> u64 {
        let BatchAnswer { started, finished, .. } = *batch;
        let (mut latency_ns, mut longest, mut late) = (0, Span::ZERO, 0);
        self.latencies.extend(answers.iter().map(|answered| {
            let latency = finished.since(answered.request.arrival);
            latency_ns += u128::from(latency.0);
            longest = longest.max(latency);
            late += u64::from(is_late(answered));
            latency
        }));
        let count = answers.len() as u64;
        self.completed += count;
        self.latency_ns += latency_ns;
        self.latency_max = self.latency_max.max(longest);
        // They waited for all of it but the time that the batch took.
        self.wait_ns += latency_ns - u128::from(count) * u128::from(finished.since(started).0);
        late
    }

    /// Counts right answers, and how well they were predicted.
    #[expect(clippy::inline_always, reason = "once a batch")]
    #[inline(always)]
    fn count_accuracy(&mut self, answers: &[Answered], recall: &[f64]) {
        let (mut sums, mut shown) = (self.accuracy, self.shown);
        let mut bin = self.bins[shown.bin];
        for answered in answers {
            let Answered { truth, correct, estimated, .. } = *answered;
            if estimated != shown.accuracy {
                self.bins[shown.bin] = bin;
                shown = ShownAccuracy::new(estimated);
                bin = self.bins[shown.bin];
            }
            sums.predicted += estimated;
            sums.brier += shown.squares[usize::from(correct)];
            sums.correct += u64::from(correct);
            bin.predicted += estimated;
            bin.correct += u64::from(correct);
            if let Some(recall) = recall.get(usize::from(truth.class)) {
                sums.estimation_error += (estimated - recall).abs();
            }
        }
        (self.accuracy, self.bins[shown.bin], self.shown) = (sums, bin, shown);
    }

    /// Counts utilities; `kept` says what lateness leaves of an answer.
    #[expect(clippy::inline_always, reason = "once a batch")]
    #[inline(always)]
    fn count_utility(
        &mut self,
        answers: &[Answered],
        utility: &mut f64,
        kept: impl Fn(&mut LateTotals, &Answered) -> [f64; 2],
    ) {
        let (mut gained, mut sums) = (*utility, self.utility);
        for answered in answers {
            let kept = kept(&mut self.late, answered);
            sums.predicted += answered.estimated * kept[0];
            if answered.correct {
                gained += kept[0];
                sums.remaining += kept[1];
            }
        }
        (*utility, self.utility) = (gained, sums);
    }

    /// Right answers in time.
    pub fn correct_on_time(&self) -> u64 {
        self.accuracy.correct - self.late.correct
    }

    /// Σ |predicted − correct| of the bins: the expected calibration error times the answers.
    pub fn calibration_gap(&self) -> f64 {
        let gap = |bin: &CalibrationBin| (bin.predicted - bin.correct as f64).abs();
        self.bins.iter().map(gap).sum()
    }
}
