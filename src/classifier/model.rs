//! SneakPeek models: cheap classifiers that peek at a request before it is scheduled and vote for
//! its class. [`super::posterior`] turns votes into class probabilities.
//!
//! k-NN with k = 5 and the threshold 0.4 for two classes are those of dndfrink/SERIF bd12bb8; rules
//! with one threshold, and how votes are drawn from a confusion matrix, are our choices.

use super::knn::{Reference, Scratch, VoteTies};
use super::posterior::{Evidence, TWO_CLASS_THRESHOLD};
use crate::core::ids::TrueClass;
use crate::core::rng::{Label, Rng};
use crate::core::units::Span;
use crate::traces::recorded::RecordedTrace;
use std::sync::Arc;

/// How requests of an application are peeked at.
#[derive(Clone, Debug)]
pub struct Classifier {
    /// The source of votes.
    pub kind: ClassifierKind,
    /// How votes become evidence.
    pub evidence: Evidence,
    /// With two classes: class 1 is the answer where its share of the votes is above this. `None`
    /// for the class with most votes.
    pub threshold: Option<f64>,
    /// Class weights before the peek.
    pub prior: Prior,
    /// The executor of peeks.
    pub runs_on: ClassifierHost,
    /// Time of a peek at one request, instead of the profile's table.
    pub latency: Option<Span>,
    /// Memory that it takes on every worker that peeks.
    pub memory_bytes: u64,
    /// Its confusion matrix, rows of weights by true class, where that is known beforehand.
    pub matrix: Option<Vec<Vec<f64>>>,
    /// When its own answer is taken.
    pub short_circuit: ShortCircuit,
}

/// The source of votes.
#[derive(Clone, Debug)]
pub enum ClassifierKind {
    /// Votes of the trace.
    Recorded,
    /// Votes of the nearest neighbours of the request's features.
    Knn(Knn),
    /// Votes drawn from a confusion matrix.
    Confusion(VoteModel),
    /// One vote by a threshold on one feature.
    Rule(ThresholdRule),
}

/// The executor of the SneakPeek model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClassifierHost {
    /// A serial lane of the host: a request becomes visible when its peek ends.
    Host,
    /// None: peeks take no time.
    Free,
    /// A lane of a worker that can serve the application, in turn with its backlog.
    Worker,
}

/// When the answer of the SneakPeek model itself is taken: the class that its votes answer with,
/// which need not be the likeliest by the posterior, since that depends on the prior. The authors'
/// report mentions such answers, and neither their condition nor their class: both are our choices.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum ShortCircuit {
    /// Never.
    Never,
    /// When the scheduler chooses it: it is one more variant, whose accuracy on a request is the
    /// precision of its answer, P(y = ŷ | ŷ), by the confusion matrix and the prior.
    Precision,
    /// The same with the posterior-weighted recalls of the confusion matrix as its accuracy, which
    /// is circular: the posterior comes from the answer that it judges.
    Posterior,
    /// When the request is ready, if its class has this posterior probability or more.
    Threshold(f64),
}

/// The Dirichlet prior over the classes of an application; its sum is its weight in votes.
#[derive(Clone, Debug)]
pub enum Prior {
    /// The profile's class frequencies, scaled to this sum.
    Profile(f64),
    /// This sum, spread evenly.
    Uninformative(f64),
    /// By class.
    Given(Vec<f64>),
}

impl Default for Classifier {
    fn default() -> Self {
        Self {
            kind: ClassifierKind::Recorded,
            evidence: Evidence::OneHot,
            threshold: Some(TWO_CLASS_THRESHOLD),
            prior: Prior::Profile(1.0),
            runs_on: ClassifierHost::Host,
            latency: None,
            memory_bytes: 0,
            matrix: None,
            short_circuit: ShortCircuit::Never,
        }
    }
}

impl Prior {
    /// The prior of an application with these class weights.
    pub fn of(&self, weights: &[f64]) -> Vec<f64> {
        match self {
            Self::Profile(weight) => {
                let scale = weight / weights.iter().sum::<f64>();
                weights.iter().map(|share| share * scale).collect()
            }
            Self::Uninformative(weight) => vec![weight / weights.len() as f64; weights.len()],
            Self::Given(prior) => prior.clone(),
        }
    }
}

/// A k-NN on features of the trace.
#[derive(Clone, Debug)]
pub struct Knn {
    /// The samples that vote.
    pub reference: Arc<Reference>,
    /// The number of votes.
    pub k: usize,
    /// How ties at the k-th distance are broken.
    pub ties: VoteTies,
    /// For each feature of the reference, its index in `RecordedTrace::features`.
    pub columns: Vec<usize>,
}

/// A decision rule.
#[derive(Clone, Copy, Debug)]
pub struct ThresholdRule {
    /// Index of its feature in `RecordedTrace::features`.
    pub column: usize,
    /// The threshold.
    pub at: f64,
    /// The class of smaller values.
    pub below: u16,
    /// The class of values of `at` or more.
    pub above: u16,
}

/// How votes are drawn for a true class, from a confusion matrix with a row for each.
///
/// A row is the probability of the true class and, otherwise, weights of all classes. So a better
/// model errs on fewer requests with the same draws, and the votes of a model without any quality
/// do not depend on the true class.
#[derive(Clone, Debug)]
pub struct VoteModel {
    rows: Vec<(f64, Vec<f64>)>,
    /// Votes per request.
    pub votes: u64,
    /// The probability with which each vote after the first copies the first.
    pub correlation: f64,
}

impl VoteModel {
    /// Rows of weights, each above 0 in sum.
    pub fn matrix(rows: &[Vec<f64>]) -> Self {
        Self::new(rows.iter().map(|row| (0.0, row.clone())))
    }

    /// A quality from 0 (every class equally likely) to 1 (perfect).
    pub fn quality(classes: usize, quality: f64) -> Self {
        Self::new((0..classes).map(|_| (quality, vec![1.0; classes])))
    }

    /// Right with this probability, and otherwise any other class.
    pub fn recall(classes: usize, recall: f64) -> Self {
        Self::new((0..classes).map(|class| {
            let mut others = vec![1.0; classes];
            others[class] = 0.0;
            (recall, others)
        }))
    }

    /// The confusion matrix of the answers, where all votes are the same.
    pub fn confusion(&self) -> Option<Vec<Vec<f64>>> {
        if self.votes > 1 && self.correlation < 1.0 {
            return None;
        }
        let rows = self.rows.iter().enumerate().map(|(class, (right, weights))| {
            let total: f64 = weights.iter().sum();
            let wrong = if total > 0.0 { (1.0 - right) / total } else { 0.0 };
            let mut row: Vec<f64> = weights.iter().map(|weight| weight * wrong).collect();
            row[class] += if total > 0.0 { *right } else { 1.0 };
            row
        });
        Some(rows.collect())
    }

    fn new(rows: impl Iterator<Item = (f64, Vec<f64>)>) -> Self {
        Self { rows: rows.collect(), votes: 1, correlation: 0.0 }
    }

    /// Adds the votes for request `number`, whose class is `class`.
    fn vote(&self, class: usize, number: u32, rng: Rng, votes: &mut [f64]) {
        let first = self.draw(class, number, 0, rng);
        votes[first] += 1.0;
        for vote in 1..self.votes {
            let is_copy = unit(number, vote, 2, rng) < self.correlation;
            votes[if is_copy { first } else { self.draw(class, number, vote, rng) }] += 1.0;
        }
    }

    fn draw(&self, class: usize, number: u32, vote: u64, rng: Rng) -> usize {
        let (right, weights) = &self.rows[class];
        let total: f64 = weights.iter().sum();
        if unit(number, vote, 0, rng) < *right || total <= 0.0 {
            return class;
        }
        let mut left = unit(number, vote, 1, rng) * total;
        let last = weights.iter().rposition(|weight| *weight > 0.0).unwrap_or(class);
        let drawn = weights.iter().position(|weight| {
            left -= weight;
            left < 0.0
        });
        drawn.unwrap_or(last)
    }
}

/// A number in [0, 1) for a request, vote and purpose.
fn unit(number: u32, vote: u64, purpose: u64, rng: Rng) -> f64 {
    rng.keyed_unit(Label::Evidence, u64::from(number), 3 * vote + purpose)
}

/// Buffers of a peek, for reuse.
#[derive(Clone, Debug, Default)]
pub struct ClassifierBuffers {
    /// By class.
    pub votes: Vec<f64>,
    query: Vec<f64>,
    scratch: Scratch,
}

impl Classifier {
    /// The probability of a right answer by true class; zeros if it is not known.
    pub fn recall(&self, classes: usize) -> Vec<f64> {
        let Some(matrix) = &self.matrix else { return vec![0.0; classes] };
        let rows = matrix.iter().enumerate();
        rows.map(|(class, row)| row[class] / row.iter().sum::<f64>()).collect()
    }

    /// P(y = ŷ | ŷ) by answer ŷ, with these weights of the true classes; zero for an answer that is
    /// never given.
    pub fn precision(&self, prior: &[f64]) -> Vec<f64> {
        let Some(matrix) = &self.matrix else { return vec![0.0; prior.len()] };
        let joint = |class: usize, answer: usize| {
            let row = &matrix[class];
            prior[class] * row[answer] / row.iter().sum::<f64>()
        };
        let precision = |answer: usize| {
            let all: f64 = (0..prior.len()).map(|class| joint(class, answer)).sum();
            if all > 0.0 { joint(answer, answer) / all } else { 0.0 }
        };
        (0..prior.len()).map(precision).collect()
    }

    /// Whether peeks give votes: they were recorded, or can be computed or drawn.
    pub fn has_votes(&self, trace: Option<&RecordedTrace>) -> bool {
        !matches!(self.kind, ClassifierKind::Recorded)
            || trace.is_some_and(|trace| !trace.votes.is_empty())
    }

    /// Whether the votes are the same for all requests that replay a row of the trace.
    pub fn depends_on_row(&self) -> bool {
        !matches!(self.kind, ClassifierKind::Confusion(_))
    }

    /// Peeks at request `number`: fills the votes by class. They are all zero where the votes or
    /// features would come from the trace and the request has no row in it.
    pub fn peek(
        &self,
        trace: Option<&RecordedTrace>,
        truth: TrueClass,
        number: u32,
        classes: usize,
        rng: Rng,
        buffers: &mut ClassifierBuffers,
    ) {
        let ClassifierBuffers { votes, query, scratch } = buffers;
        votes.clear();
        votes.resize(classes, 0.0);
        let row = truth.row as usize;
        let feature = |column: &usize| trace?.features.get(*column)?.1.get(row).copied();
        match &self.kind {
            ClassifierKind::Recorded => {
                let recorded = trace.map_or(&[][..], |trace| trace.votes(truth.row, classes));
                votes.iter_mut().zip(recorded).for_each(|(vote, recorded)| *vote = *recorded);
            }
            ClassifierKind::Knn(knn) => {
                query.clear();
                query.extend(knn.columns.iter().filter_map(feature));
                if query.len() == knn.columns.len() {
                    knn.reference.vote(query, knn.k, knn.ties, votes, scratch);
                }
            }
            ClassifierKind::Confusion(model) => {
                model.vote(usize::from(truth.class), number, rng, votes);
            }
            ClassifierKind::Rule(rule) => {
                if let Some(value) = feature(&rule.column) {
                    let class = if value < rule.at { rule.below } else { rule.above };
                    votes[usize::from(class)] = 1.0;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::classifier::posterior::{expected_accuracy, update};

    /// The published recalls of the variants for fall detection.
    const FALL: [[f64; 2]; 4] = [
        [1004.0 / 1012.0, 17.0 / 28.0],
        [974.0 / 984.0, 20.0 / 24.0],
        [972.0 / 983.0, 1.0],
        [51010.0 / 51502.0, 787.0 / 1021.0],
    ];

    fn accuracies(prior: &Prior, class: usize) -> [f64; 4] {
        let mut theta = prior.of(&[9.0, 1.0]);
        let mut votes = [0.0; 2];
        votes[class] = 5.0;
        update(&mut theta, &votes, Evidence::OneHot, Some(TWO_CLASS_THRESHOLD));
        FALL.map(|recall| expected_accuracy(&theta, &recall))
    }

    #[test]
    fn every_prior_and_one_observation() {
        // The first two are published; the others were worked out with fractions.
        for (prior, class, expected) in [
            (Prior::Profile(1.0), 1, [0.78037, 0.90376, 0.99496, 0.86965]),
            (Prior::Profile(1.0), 0, [0.97285, 0.98201, 0.98937, 0.97947]),
            (Prior::Profile(10.0), 1, [0.92210, 0.96138, 0.99084, 0.95051]),
            (Prior::Profile(10.0), 0, [0.95710, 0.97561, 0.98983, 0.97048]),
            (Prior::Uninformative(1.0), 1, [0.70338, 0.87246, 0.99720, 0.82572]),
            (Prior::Uninformative(1.0), 0, [0.89586, 0.95071, 0.99161, 0.93554]),
            (Prior::Given(vec![2.0, 3.0]), 1, [0.73546, 0.88550, 0.99627, 0.84402]),
            (Prior::Given(vec![2.0, 3.0]), 0, [0.79962, 0.91159, 0.99440, 0.88063]),
        ] {
            for (found, expected) in accuracies(&prior, class).iter().zip(expected) {
                assert!((found - expected).abs() < 5.1e-6, "{prior:?}: {found}, not {expected}");
            }
        }
    }

    fn votes(model: &VoteModel, class: usize, number: u32) -> Vec<f64> {
        let mut votes = vec![0.0; 4];
        model.vote(class, number, Rng::new(9, 0), &mut votes);
        votes
    }

    #[test]
    fn without_quality_votes_do_not_depend_on_the_class() {
        let model = VoteModel { votes: 3, ..VoteModel::quality(4, 0.0) };
        let mut sums = [0.0; 4];
        for number in 0..10_000 {
            let expected = votes(&model, 0, number);
            assert!((1..4).all(|class| votes(&model, class, number) == expected));
            sums.iter_mut().zip(expected).for_each(|(sum, vote)| *sum += vote);
        }
        // 30,000 votes for four classes: a standard error is 75; five of them.
        assert!(sums.iter().all(|sum| (sum - 7500.0).abs() < 375.0), "{sums:?}");
    }

    #[test]
    fn a_better_model_errs_on_fewer_of_the_same_requests() {
        let wrong = |quality: f64| -> Vec<u32> {
            let model = VoteModel::quality(4, quality);
            (0..2000).filter(|number| votes(&model, 2, *number)[2] == 0.0).collect()
        };
        assert!(wrong(1.0).is_empty());
        let (good, bad) = (wrong(0.8), wrong(0.4));
        assert!(good.iter().all(|number| bad.contains(number)));
        // Wrong with probability (1 - quality) · 3/4: 300 and 900, five standard errors each.
        assert!((good.len() as f64 - 300.0).abs() < 80.0, "{}", good.len());
        assert!((bad.len() as f64 - 900.0).abs() < 112.0, "{}", bad.len());
    }

    #[test]
    fn votes_follow_the_rows_of_a_matrix() {
        let rows = [[6.0, 2.0, 0.0, 2.0], [0.0, 0.0, 0.0, 5.0], [1.0; 4], [0.0, 1.0, 1.0, 0.0]];
        let model = VoteModel::matrix(&rows.map(|row| row.to_vec()));
        for (class, row) in rows.iter().enumerate() {
            let mut sums = vec![0.0; 4];
            for number in 0..4000 {
                sums.iter_mut().zip(votes(&model, class, number)).for_each(|(s, v)| *s += v);
            }
            for (sum, weight) in sums.iter().zip(row) {
                let share = weight / row.iter().sum::<f64>();
                let error = (4000.0 * share * (1.0 - share)).sqrt();
                assert!((sum - 4000.0 * share).abs() <= 5.0 * error, "{class}: {sums:?}");
            }
        }
    }

    #[test]
    fn correlated_votes_copy_the_first() {
        let same = |correlation: f64| -> f64 {
            let model = VoteModel { votes: 2, correlation, ..VoteModel::quality(4, 0.0) };
            let both = (0..20_000).filter(|number| votes(&model, 0, *number).contains(&2.0));
            both.count() as f64 / 20_000.0
        };
        assert_eq!(same(1.0), 1.0);
        // Independent votes agree one time in four; a standard error is at most 0.0036.
        for (correlation, expected) in [(0.0, 0.25), (0.5, 0.625)] {
            assert!((same(correlation) - expected).abs() < 0.018, "{correlation}");
        }
        let model = VoteModel { votes: 7, correlation: 1.0, ..VoteModel::recall(4, 0.6) };
        assert!((0..100).all(|number| votes(&model, 1, number).contains(&7.0)));
    }

    #[test]
    fn confusion_matrices_and_precisions() {
        assert_eq!(VoteModel::recall(3, 0.5).confusion().unwrap()[1], [0.25, 0.5, 0.25]);
        assert_eq!(VoteModel::quality(4, 0.2).confusion().unwrap()[0], [0.4, 0.2, 0.2, 0.2]);
        assert_eq!(VoteModel { votes: 2, ..VoteModel::quality(4, 0.2) }.confusion(), None);
        let peek = Classifier {
            matrix: Some(vec![vec![8.0, 2.0], vec![1.0, 9.0]]),
            ..Classifier::default()
        };
        assert_eq!(peek.recall(2), [0.8, 0.9]);
        // Of class 0: .9 · .8 / (.9 · .8 + .1 · .1). Of class 1: .1 · .9 / (.9 · .2 + .1 · .9).
        let precision = peek.precision(&[0.9, 0.1]);
        assert!((precision[0] - 72.0 / 73.0).abs() < 1e-12, "{precision:?}");
        assert!((precision[1] - 1.0 / 3.0).abs() < 1e-12, "{precision:?}");
    }

    #[test]
    fn a_rule_separates_classes_at_its_threshold() {
        let trace = RecordedTrace {
            features: vec![("x".to_owned(), vec![-1.0, 2.0, 2.5])],
            ..RecordedTrace::default()
        };
        let rule = ThresholdRule { column: 0, at: 2.0, below: 1, above: 0 };
        let classifier = Classifier { kind: ClassifierKind::Rule(rule), ..Classifier::default() };
        let mut buffers = ClassifierBuffers::default();
        let mut votes = |row: u32| {
            let truth = TrueClass { class: 0, row };
            classifier.peek(Some(&trace), truth, 0, 2, Rng::new(1, 0), &mut buffers);
            buffers.votes.clone()
        };
        assert_eq!([votes(0), votes(1), votes(2)], [[0.0, 1.0], [1.0, 0.0], [1.0, 0.0]]);
        assert_eq!(votes(TrueClass::NO_ROW), [0.0, 0.0]);
    }
}
