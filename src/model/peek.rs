//! SneakPeek models: cheap classifiers that look at a request before it is scheduled, and vote for
//! its class. What the votes are worth is the matter of [`super::posterior`].
//!
//! k-NN with k = 5 and the threshold 0.4 for two classes are those of dndfrink/SERIF bd12bb8; that
//! a rule is a stump, and how votes are drawn from a confusion matrix, are our choices.

use super::knn::{Reference, Scratch, Ties};
use super::posterior::{Evidence, TWO_CLASS_THRESHOLD};
use super::trace::RecordedTrace;
use crate::domain::Truth;
use crate::rng::{Label, Rng};
use crate::units::Span;
use std::sync::Arc;

/// How requests of an application are looked at.
#[derive(Clone, Debug)]
pub struct Peek {
    /// Where votes come from.
    pub kind: Kind,
    /// Votes to evidence.
    pub evidence: Evidence,
    /// With two classes: class 1 is the answer where its share of the votes is above this. `None`
    /// for the class with most votes.
    pub threshold: Option<f64>,
    /// Belief before the look.
    pub prior: Prior,
    /// Where it runs.
    pub place: PeekPlace,
    /// Time to look at one request, instead of the profile's table.
    pub latency: Option<Span>,
}

/// Where votes come from.
#[derive(Clone, Debug)]
pub enum Kind {
    /// They stand in the trace.
    Recorded,
    /// Nearest neighbours, computed from the request's features.
    Knn(Knn),
    /// Drawn.
    Confusion(Law),
    /// One vote by a threshold on one feature.
    Rule(Stump),
}

/// Where the SneakPeek model runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PeekPlace {
    /// On a serial lane of the host: a request becomes visible when its peek ends.
    Host,
    /// Nowhere: it takes no time.
    Free,
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

impl Default for Peek {
    fn default() -> Self {
        Self {
            kind: Kind::Recorded,
            evidence: Evidence::OneHot,
            threshold: Some(TWO_CLASS_THRESHOLD),
            prior: Prior::Profile(1.0),
            place: PeekPlace::Host,
            latency: None,
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
    /// Who votes.
    pub reference: Arc<Reference>,
    /// How many.
    pub k: usize,
    /// At the k-th distance.
    pub ties: Ties,
    /// Where in the trace each feature of the reference stands.
    pub columns: Vec<usize>,
}

/// A decision stump.
#[derive(Clone, Copy, Debug)]
pub struct Stump {
    /// Where in the trace its feature stands.
    pub column: usize,
    /// From here on the class is `above`.
    pub at: f64,
    /// The class of smaller values.
    pub below: u16,
    /// The class of values of `at` or more.
    pub above: u16,
}

/// How votes are drawn for a true class, from a confusion matrix with a row for each.
///
/// A row is a probability to be simply right, and otherwise one of several classes. So a better
/// model errs on fewer requests with the same draws, and a model that knows nothing says the same
/// whatever the true class.
#[derive(Clone, Debug)]
pub struct Law {
    rows: Vec<(f64, Vec<f64>)>,
    /// Votes for a request.
    pub votes: u64,
    /// The probability with which each vote after the first copies the first.
    pub correlation: f64,
}

impl Law {
    /// Rows of weights, each above 0 in sum.
    pub fn matrix(rows: &[Vec<f64>]) -> Self {
        Self::new(rows.iter().map(|row| (0.0, row.clone())))
    }

    /// From chance (0: every class equally likely) to perfect (1).
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

    fn new(rows: impl Iterator<Item = (f64, Vec<f64>)>) -> Self {
        Self { rows: rows.collect(), votes: 1, correlation: 0.0 }
    }

    /// Adds the votes for request `number`, whose class is `class`.
    fn vote(&self, class: usize, number: u32, rng: Rng, votes: &mut [f64]) {
        let first = self.draw(class, number, 0, rng);
        votes[first] += 1.0;
        for vote in 1..self.votes {
            let copies = unit(number, vote, 2, rng) < self.correlation;
            votes[if copies { first } else { self.draw(class, number, vote, rng) }] += 1.0;
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

/// A draw of its own for every request, vote and purpose.
fn unit(number: u32, vote: u64, purpose: u64, rng: Rng) -> f64 {
    rng.keyed_unit(Label::Evidence, u64::from(number), 3 * vote + purpose)
}

/// Buffers of a look, for reuse.
#[derive(Clone, Debug, Default)]
pub struct Buffers {
    /// By class.
    pub votes: Vec<f64>,
    query: Vec<f64>,
    scratch: Scratch,
}

impl Peek {
    /// Whether looking can tell anything: votes are there, or can be computed or drawn.
    pub fn sees(&self, trace: Option<&RecordedTrace>) -> bool {
        !matches!(self.kind, Kind::Recorded) || trace.is_some_and(|trace| !trace.votes.is_empty())
    }

    /// Looks at request `number`: fills the votes for each of `classes`. They are all zero where
    /// the request has no row in the trace to look at.
    pub fn look(
        &self,
        trace: Option<&RecordedTrace>,
        truth: Truth,
        number: u32,
        classes: usize,
        rng: Rng,
        buffers: &mut Buffers,
    ) {
        let Buffers { votes, query, scratch } = buffers;
        votes.clear();
        votes.resize(classes, 0.0);
        let row = truth.row as usize;
        let feature = |column: &usize| trace?.features.get(*column)?.1.get(row).copied();
        match &self.kind {
            Kind::Recorded => {
                let recorded = trace.map_or(&[][..], |trace| trace.votes(truth.row, classes));
                votes.iter_mut().zip(recorded).for_each(|(vote, recorded)| *vote = *recorded);
            }
            Kind::Knn(knn) => {
                query.clear();
                query.extend(knn.columns.iter().filter_map(feature));
                if query.len() == knn.columns.len() {
                    knn.reference.vote(query, knn.k, knn.ties, votes, scratch);
                }
            }
            Kind::Confusion(law) => law.vote(usize::from(truth.class), number, rng, votes),
            Kind::Rule(stump) => {
                if let Some(value) = feature(&stump.column) {
                    let class = if value < stump.at { stump.below } else { stump.above };
                    votes[usize::from(class)] = 1.0;
                }
            }
        }
    }
}
