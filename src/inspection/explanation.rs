//! Why a request ended as it did.

use super::record::{Choice, End, Followed, Occupation, Record, Work};
use crate::classifier::model::ClassifierBuffers;
use crate::core::ids::{TrueClass, VariantId, WorkerId};
use crate::core::rng::Rng;
use crate::core::units::{Span, Time};
use crate::metrics::{LatencyBreakdown, Part};
use crate::system::catalog::Catalog;
use crate::system::ground_truth::GroundTruth;
use std::sync::Arc;

/// What another variant would have given a request, at the same start, in a batch of the same size
/// and without a load.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Alternative {
    /// The variant.
    pub variant: VariantId,
    /// Whether its answer would have been right.
    pub is_correct: bool,
    /// When it would have come.
    pub finish: Time,
    /// Its utility.
    pub utility: f64,
    /// Whether it is the variant that answered.
    pub is_own: bool,
}

/// The part of a latency that decided, and what lay behind it.
#[derive(Clone, Debug, PartialEq)]
pub struct Cause {
    /// The part.
    pub part: Part,
    /// How long it was.
    pub span: Span,
    /// In words.
    pub text: String,
}

/// The story of a request.
#[derive(Clone, Debug)]
pub struct Explanation {
    /// The tables of the run.
    pub catalog: Arc<Catalog>,
    /// The request, its decisions and its end.
    pub followed: Followed,
    /// Its true class, if it was answered.
    pub class: Option<String>,
    /// Votes by class of its SneakPeek model, if that looked at it.
    pub votes: Vec<f64>,
    /// What occupied its workers while it waited, and for how long of that; in order of start.
    pub before: Vec<(Occupation, Span)>,
    /// Why it was late; `None` if it was not, or had no answer.
    pub cause: Option<Cause>,
    /// By how much its answer was late.
    pub tardiness: Span,
    /// Its realised utility.
    pub utility: f64,
    /// What each variant would have given; empty without a batch.
    pub alternatives: Vec<Alternative>,
}

impl Explanation {
    /// Explains a request of a record; `None` if it did not arrive.
    pub fn new(record: &Record, number: u32, truth: &GroundTruth, rng: Rng) -> Option<Self> {
        let followed = record.followed(number)?.clone();
        let catalog = Arc::clone(truth.catalog());
        let mut own = Self {
            before: before(record, &followed),
            class: None,
            votes: Vec::new(),
            cause: None,
            tardiness: Span::ZERO,
            utility: 0.0,
            alternatives: Vec::new(),
            catalog,
            followed,
        };
        if let Some(End::Completed { finished, is_correct, truth: class, .. }) = own.followed.end {
            own.answered(finished, is_correct, class, truth, rng);
        }
        Some(own)
    }

    fn answered(
        &mut self,
        finished: Time,
        is_correct: bool,
        class: TrueClass,
        truth: &GroundTruth,
        rng: Rng,
    ) {
        let request = self.followed.request;
        let app = self.catalog.app(request.app);
        self.class = app.classes.get(usize::from(class.class)).cloned();
        let choices = &self.followed.choices;
        let was_shown = choices.iter().any(|choice| !choice.posterior.is_empty());
        if was_shown && app.peek_latency.is_some() {
            let (mut buffers, number) = (ClassifierBuffers::default(), request.id.number());
            let trace = truth.trace(request.app).map(Arc::as_ref);
            app.classifier.peek(trace, class, number, app.classes.len(), rng, &mut buffers);
            self.votes.clone_from(&buffers.votes);
        }
        self.tardiness = self.catalog.penalty.tardiness(finished, request.deadline);
        self.utility = self.utility_at(finished, is_correct);
        self.alternatives = self.alternatives(class, truth, rng);
        if self.tardiness > Span::ZERO {
            let part = self.followed.breakdown.cause(request.budget());
            let span = self.followed.breakdown.part(part);
            self.cause = Some(Cause { part, span, text: self.cause_text(part) });
        }
    }

    fn utility_at(&self, finish: Time, is_correct: bool) -> f64 {
        let request = &self.followed.request;
        let penalty = self.catalog.penalty.gamma(finish, request.deadline, request.budget());
        if is_correct { 1.0 - penalty } else { 0.0 }
    }

    /// How much utility the best variant would have added.
    pub fn regret(&self) -> Option<f64> {
        let best = self.alternatives.iter().map(|own| own.utility).reduce(f64::max)?;
        Some((best - self.utility).max(0.0))
    }

    fn alternatives(&self, class: TrueClass, truth: &GroundTruth, rng: Rng) -> Vec<Alternative> {
        let Some(End::Completed { worker: Some(worker), variant: own, batch, finished, .. }) =
            self.followed.end
        else {
            return Vec::new();
        };
        let (request, catalog) = (&self.followed.request, &self.catalog);
        let breakdown = &self.followed.breakdown;
        let computed = breakdown.part(Part::Service) + breakdown.part(Part::Batch);
        let usable = |variant: &VariantId| catalog.max_batch(worker, *variant) > 0;
        let alternative = |variant: VariantId| {
            let batch = batch.min(catalog.max_batch(worker, variant));
            let latency = catalog.latency(worker, variant, batch);
            let is_own = variant == own;
            let finish = if is_own {
                finished
            } else {
                Time(finished.0.saturating_sub(computed.0)) + latency
            };
            let is_correct = truth.correct(variant, class, request.id.number(), rng);
            let utility = self.utility_at(finish, is_correct);
            Alternative { variant, is_correct, finish, utility, is_own }
        };
        catalog.variants_of(request.app).filter(usable).map(alternative).collect()
    }

    /// Application and variant.
    pub fn name(&self, variant: VariantId) -> String {
        let own = self.catalog.variant(variant);
        format!("{}/{}", self.catalog.app(own.app).name, own.name)
    }

    fn worker(&self, worker: WorkerId) -> &str {
        &self.catalog.worker(worker).name
    }

    /// The worker that answered, and the size of the batch.
    fn served(&self) -> (String, usize) {
        match self.followed.end {
            Some(End::Completed { worker, batch, .. }) => {
                (worker.map_or_else(String::new, |own| self.worker(own).to_owned()), batch)
            }
            _ => (String::new(), 0),
        }
    }

    /// The variant with most of the wait among some occupations, the worker where that was, how
    /// many occupations there are, and how many of them are of the variant.
    fn main_work(&self, is_it: impl Fn(&Work) -> bool) -> Option<(String, &str, [usize; 2])> {
        let own = || self.before.iter().filter(|(own, _)| is_it(&own.work));
        let mut variants: Vec<VariantId> = own().filter_map(|(own, _)| own.variant).collect();
        variants.sort_unstable();
        variants.dedup();
        let of = |variant: VariantId| own().filter(move |(own, _)| own.variant == Some(variant));
        let wait = |variant: &VariantId| of(*variant).map(|(_, span)| span.0).sum::<u64>();
        let longest =
            variants.into_iter().max_by_key(|own| (wait(own), std::cmp::Reverse(*own)))?;
        let worker = of(longest).next()?.0.worker;
        Some((self.name(longest), self.worker(worker), [own().count(), of(longest).count()]))
    }

    fn cause_text(&self, part: Part) -> String {
        let (server, size) = self.served();
        match part {
            Part::Queue => match self.main_work(|work| matches!(work, Work::Batch(..))) {
                Some((variant, worker, [1, _])) => {
                    format!("queueing behind a batch of {variant} on {worker}")
                }
                Some((variant, worker, [all, own])) if all == own => {
                    format!("queueing behind {all} batches of {variant} on {worker}")
                }
                Some((variant, worker, [all, _])) => {
                    format!("queueing behind {all} batches on {worker}, most of all of {variant}")
                }
                None => "queueing behind other requests".to_owned(),
            },
            Part::Load => match self.main_work(|work| *work == Work::Load) {
                Some((variant, worker, [1, _])) => format!("the load of {variant} on {worker}"),
                Some((variant, worker, [all, _])) => {
                    format!("{all} loads on {worker}, most of all of {variant}")
                }
                None => "it waited until its variant could be loaded".to_owned(),
            },
            Part::Failure => {
                let outage = self.before.iter().find(|(own, _)| own.work == Work::Outage);
                let worker = outage.map_or(&*server, |(own, _)| self.worker(own.worker));
                format!("a failure: {worker} was down")
            }
            Part::Window => "it waited for a decision although a worker was idle".to_owned(),
            Part::Batch => format!("its batch of {size} takes longer than it takes alone"),
            Part::Link => format!("the link to {server}"),
            Part::Host => format!("the work of the host of {server}"),
            Part::Overhead => "the overhead of decisions".to_owned(),
            Part::Peek => "its SneakPeek model".to_owned(),
            Part::Preemption => "the scheduler ended its batch".to_owned(),
            Part::Service => "its variant takes longer than its budget".to_owned(),
        }
    }

    /// What its latency was spent on.
    pub fn breakdown(&self) -> &LatencyBreakdown {
        &self.followed.breakdown
    }

    /// The last decision about it.
    pub fn choice(&self) -> Option<&Choice> {
        self.followed.choices.last()
    }
}

/// What occupied the workers to which a request was assigned while it waited.
fn before(record: &Record, followed: &Followed) -> Vec<(Occupation, Span)> {
    let mut workers: Vec<WorkerId> = followed.choices.iter().filter_map(Choice::worker).collect();
    workers.sort_unstable();
    workers.dedup();
    let until = match followed.end {
        Some(End::Completed { started, .. }) => started,
        Some(End::Rejected(at, _) | End::Unfinished(at)) => at,
        None => Time::MAX,
    };
    let Some(from) = followed.ready else { return Vec::new() };
    let overlap = |own: &Occupation| own.end.min(until).since(own.start.max(from));
    let own = record.occupations.iter().filter(|own| workers.contains(&own.worker));
    let mut found: Vec<(Occupation, Span)> =
        own.map(|own| (*own, overlap(own))).filter(|(_, span)| *span > Span::ZERO).collect();
    found.sort_by_key(|(own, _)| (own.start, own.end));
    found
}
