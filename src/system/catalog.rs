//! Everything a run knows before it starts: applications, variants, workers, costs.
//!
//! **Invariant:** a catalog holds nothing that a scheduler must not know. What is true beyond it is
//! in [`GroundTruth`](super::ground_truth::GroundTruth), which the engine and the arrivals hold.

mod build;
mod capacity;
mod notes;
mod resident;

pub use super::spec::{
    AppSpec, DecisionOverhead, OutcomeModel, Resident, ResidentVariant, SystemSpec, WorkerSpec,
};

use super::deadline_budget::DeadlineBudget;
use super::latency::LatencyTable;
use super::link::Link;
use super::penalty::Penalty;
use super::truths::{VariantTruth, WorkerTruth};
use crate::classifier::model::{Classifier, ClassifierHost};
use crate::config::Problems;
use crate::config::note::Note;
use crate::core::ids::{AppId, VariantId, WorkerId};
use crate::core::units::{Span, Time};
use std::ops::Range;
use std::sync::Arc;

/// An application.
#[derive(Clone, Debug)]
pub struct App {
    /// Its name.
    pub name: String,
    /// Class names.
    pub classes: Vec<String>,
    /// Deadline budget.
    pub budget: DeadlineBudget,
    /// Class frequencies of the profile; sum 1.
    pub frequencies: Vec<f64>,
    /// Dirichlet prior over the classes.
    pub prior: Vec<f64>,
    /// How its requests are looked at.
    pub peek: Classifier,
    /// P(y = ŷ | ŷ) of the SneakPeek model by answer ŷ; zeros if not known.
    pub precision: Vec<f64>,
    /// Latency of its SneakPeek model; `None` if that takes no time.
    pub look: Option<LatencyTable>,
    /// What stands for the SneakPeek model where it runs on workers or its answer may be taken.
    pub answers: Option<VariantId>,
    /// The same if schedulers may choose it.
    pub offer: Option<VariantId>,
    /// What has to be sent to serve a request elsewhere.
    pub payload_bytes: u64,
    /// Whether peeking at its requests can tell schedulers something.
    evidence: bool,
    variants: Range<u16>,
}

/// A variant.
#[derive(Clone, Debug)]
pub struct Variant {
    /// Its name, unique within the application.
    pub name: String,
    /// The application it serves.
    pub app: AppId,
    /// Bytes of memory it takes.
    pub bytes: u64,
    /// Profiled accuracy.
    pub accuracy: f64,
    /// Profiled probability of a right answer by true class.
    pub recall: Vec<f64>,
    /// On how many profiled requests each recall was measured; empty if none was.
    pub samples: Vec<f64>,
    /// Where its answers come from, as far as anything was recorded.
    outcome: OutcomeModel,
}

/// A worker.
#[derive(Clone, Debug)]
pub struct Worker {
    /// Its name: that of its setup and a number.
    pub name: String,
    /// Its class.
    pub class: String,
    /// Memory for variants.
    pub memory_bytes: u64,
    /// How many times as fast as profiled it computes and loads.
    pub speed: f64,
    /// Batches that can run at once.
    pub lanes: u16,
    /// Power while computing or loading, in watts.
    pub power_w: Option<f64>,
    /// Power at all other times, in watts.
    pub idle_w: Option<f64>,
    /// The way to it; `None` if requests are born beside it.
    pub link: Option<Link>,
    /// Price of a request, in US dollars.
    pub usd_per_request: Option<f64>,
    /// What may be in its memory when a run starts, as far as it fits, least recently used first.
    pub(crate) resident: Vec<VariantId>,
    /// When it starts to be available.
    pub ready: Time,
    /// Its name without the number.
    title: String,
    class_index: usize,
}

/// Latency and load time of a variant on a class of workers.
#[derive(Clone, Debug)]
struct ClassCost {
    latency: LatencyTable,
    load: Span,
}

/// The tables of a run.
#[derive(Clone, Debug)]
pub struct Catalog {
    apps: Vec<App>,
    variants: Vec<Variant>,
    /// From here on variants stand for SneakPeek models.
    first_peek: u16,
    workers: Vec<Worker>,
    /// By class of workers, then by variant.
    costs: Vec<Option<ClassCost>>,
    /// What lateness costs.
    pub penalty: Penalty,
    /// What deciding takes.
    pub overhead: DecisionOverhead,
    notes: Vec<Note>,
}

impl Catalog {
    /// Builds the tables, or says what does not fit together.
    pub(super) fn build(
        setup: &SystemSpec,
    ) -> Result<(Self, Vec<VariantTruth>, Vec<WorkerTruth>), Problems> {
        let mut problems = Problems::default();
        let (apps, variants, first_peek) = build::build_apps(setup, &mut problems);
        let (variants, variant_truths): (Vec<Variant>, Vec<VariantTruth>) =
            variants.into_iter().unzip();
        let mut worker_truths = Vec::new();
        let mut classes: Vec<&WorkerSpec> = Vec::new();
        let mut workers: Vec<Worker> = Vec::new();
        for worker in &setup.workers {
            let known = classes.iter().position(|c| c.costs_as(worker));
            let class_index = known.unwrap_or_else(|| {
                classes.push(worker);
                classes.len() - 1
            });
            // Numbers go on where the name, if it was used before, left off: names are unique.
            let first = workers.iter().filter(|w| w.title == worker.name).count();
            let numbers = first..first + usize::from(worker.count);
            worker_truths.extend(numbers.clone().map(|_| build::worker_truth(worker)));
            workers.extend(numbers.map(|at| build::build_worker(worker, class_index, at)));
        }
        let costs = build::build_costs(setup, &classes, variants.len(), &mut problems);
        let mut catalog = Self {
            apps,
            variants,
            first_peek,
            workers,
            costs,
            penalty: setup.penalty.clone(),
            overhead: setup.overhead,
            notes: Vec::new(),
        };
        if problems.is_empty() {
            catalog.check_fit(setup, "", &mut problems);
            catalog.fill_memories(setup, &mut problems);
            catalog.resolve_budgets(setup, &mut problems);
            catalog.note_drawn(setup, &variant_truths);
            catalog.notes.extend(notes::fit(setup));
            catalog.notes.extend(notes::cold(setup));
        }
        problems.check(Some((catalog, variant_truths, worker_truths)))
    }

    /// The same with other latencies, and other accuracies and recalls of the variants that serve.
    /// Both are told the variant's index; accuracy and recalls come one after the other.
    pub(super) fn mistaken(
        &self,
        latency: impl Fn(usize, &LatencyTable) -> LatencyTable,
        accuracy: impl Fn(usize, f64) -> f64,
    ) -> Self {
        let mut wrong = self.clone();
        let count = wrong.variants.len();
        for (cell, cost) in wrong.costs.iter_mut().enumerate() {
            if let Some(cost) = cost {
                cost.latency = latency(cell % count, &cost.latency);
            }
        }
        let serving = wrong.variants.iter_mut().take(usize::from(wrong.first_peek));
        for (at, variant) in serving.enumerate() {
            variant.accuracy = accuracy(at, variant.accuracy);
            variant.recall.iter_mut().for_each(|recall| *recall = accuracy(at, *recall));
        }
        wrong
    }

    /// What a user should know about this combination.
    pub fn notes(&self) -> &[Note] {
        &self.notes
    }

    /// The applications in order.
    pub fn app_ids(&self) -> impl ExactSizeIterator<Item = AppId> + use<> {
        (0..self.apps.len() as u16).map(AppId)
    }

    /// The variants of all applications, in order.
    pub fn variant_ids(&self) -> impl ExactSizeIterator<Item = VariantId> + use<> {
        (0..self.variants.len() as u16).map(VariantId)
    }

    /// The workers in order.
    pub fn worker_ids(&self) -> impl ExactSizeIterator<Item = WorkerId> + use<> {
        (0..self.workers.len() as u16).map(WorkerId)
    }

    /// One application.
    #[inline]
    pub fn app(&self, app: AppId) -> &App {
        &self.apps[app.index()]
    }

    /// One variant.
    #[inline]
    pub fn variant(&self, variant: VariantId) -> &Variant {
        &self.variants[variant.index()]
    }

    /// One worker.
    #[inline]
    pub fn worker(&self, worker: WorkerId) -> &Worker {
        &self.workers[worker.index()]
    }

    /// The application called `name`.
    pub fn app_named(&self, name: &str) -> Option<AppId> {
        self.app_ids().find(|app| self.app(*app).name == name)
    }

    /// The variant of `app` called `name`.
    pub fn variant_named(&self, app: AppId, name: &str) -> Option<VariantId> {
        self.variants_of(app).find(|variant| self.variant(*variant).name == name)
    }

    /// The variants that serve `app`, in profile order.
    #[inline]
    pub fn variants_of(&self, app: AppId) -> impl ExactSizeIterator<Item = VariantId> + use<> {
        self.apps[app.index()].variants.clone().map(VariantId)
    }

    /// The index of a variant among those of its application.
    #[inline]
    pub fn variant_offset(&self, variant: VariantId) -> usize {
        let own = &self.apps[self.variant(variant).app.index()].variants;
        if self.is_peek(variant) { own.len() } else { usize::from(variant.0 - own.start) }
    }

    /// Whether the variant stands for a SneakPeek model.
    #[inline]
    pub fn is_peek(&self, variant: VariantId) -> bool {
        variant.0 >= self.first_peek
    }

    /// Whether the worker looks at requests of `app`, for schedulers that want to know. Nobody is
    /// sent elsewhere for a look.
    pub fn has_peeks(&self, worker: WorkerId, app: AppId) -> bool {
        let on_workers = self.app(app).peek.runs_on == ClassifierHost::Worker;
        let here = self.worker(worker).link.is_none();
        on_workers && here && self.variants_of(app).any(|variant| self.usable(worker, variant))
    }

    /// The tables for a scheduler that has requests looked at: SneakPeek models that run on workers
    /// sit in the memory of each that can serve their application.
    pub(crate) fn with_peeks(mut self: Arc<Self>) -> Arc<Self> {
        for worker in self.worker_ids() {
            let held = self.app_ids().filter(|app| self.has_peeks(worker, *app));
            let bytes =
                held.fold(0u64, |sum, app| sum.saturating_add(self.app(app).peek.memory_bytes));
            if bytes > 0 {
                let worker = &mut Arc::make_mut(&mut self).workers[worker.index()];
                worker.memory_bytes = worker.memory_bytes.saturating_sub(bytes);
            }
        }
        self
    }

    /// Says which applications cannot be served once SneakPeek models have taken their memory.
    pub(crate) fn check_peeks(self: Arc<Self>, setup: &SystemSpec, problems: &mut Problems) {
        let mut held = Arc::unwrap_or_clone(self.with_peeks());
        let beside = " beside the SneakPeek models";
        held.check_fit(setup, beside, problems);
        held.check_memories(setup, beside, problems);
    }

    /// Whether the worker can ever run the variant: profiled on its class and small enough.
    pub fn usable(&self, worker: WorkerId, variant: VariantId) -> bool {
        self.cost(worker, variant).is_some()
            && self.variant(variant).bytes <= self.worker(worker).memory_bytes
    }

    /// The largest batch of the variant on the worker; 0 if it cannot run there.
    #[inline]
    pub fn max_batch(&self, worker: WorkerId, variant: VariantId) -> usize {
        if self.variant(variant).bytes > self.worker(worker).memory_bytes {
            return 0;
        }
        self.cost(worker, variant).map_or(0, |cost| cost.latency.max_batch())
    }

    /// Expected latency of a batch of 1 ≤ `batch` ≤ [`Self::max_batch`].
    #[inline]
    pub fn latency(&self, worker: WorkerId, variant: VariantId, batch: usize) -> Span {
        self.cost(worker, variant).map_or(Span(u64::MAX), |cost| cost.latency.latency(batch))
    }

    /// The shortest expected latency of a batch of at most `most` requests, 1 ≤ `most`: that of one
    /// request, unless the table falls.
    #[inline]
    pub fn shortest(&self, worker: WorkerId, variant: VariantId, most: usize) -> Span {
        self.cost(worker, variant).map_or(Span(u64::MAX), |cost| cost.latency.shortest(most))
    }

    /// Whether some batch of the variant takes less time on the worker than a smaller one.
    #[inline]
    pub fn falls(&self, worker: WorkerId, variant: VariantId) -> bool {
        self.cost(worker, variant).is_some_and(|cost| cost.latency.falls())
    }

    /// Time to load the variant into the worker's memory.
    #[inline]
    pub fn load(&self, worker: WorkerId, variant: VariantId) -> Span {
        self.cost(worker, variant).map_or(Span(u64::MAX), |cost| cost.load)
    }

    #[inline]
    fn cost(&self, worker: WorkerId, variant: VariantId) -> Option<&ClassCost> {
        let class = self.workers[worker.index()].class_index;
        self.costs[class * self.variants.len() + variant.index()].as_ref()
    }

    /// What a batch of `requests` on a variant sends to a worker elsewhere.
    #[inline]
    pub fn payload_bytes(&self, variant: VariantId, requests: usize) -> u64 {
        self.app(self.variant(variant).app).payload_bytes.saturating_mul(requests as u64)
    }

    /// Where answers come from: a name of [`OutcomeModel`], or `mixed` if it depends on the
    /// variant.
    pub fn outcome(&self) -> &'static str {
        let mut outcomes =
            self.variants[..usize::from(self.first_peek)].iter().map(|variant| variant.outcome);
        let first = outcomes.next().unwrap_or(OutcomeModel::Drawn);
        if outcomes.all(|outcome| outcome == first) { first.name() } else { "mixed" }
    }

    /// Whether looking at requests of `app` can tell schedulers something.
    pub fn has_evidence(&self, app: AppId) -> bool {
        self.app(app).evidence
    }
}

#[cfg(test)]
impl Catalog {
    /// A catalog of nothing.
    pub(crate) fn empty() -> Self {
        Self {
            apps: Vec::new(),
            variants: Vec::new(),
            first_peek: 0,
            workers: Vec::new(),
            costs: Vec::new(),
            penalty: Penalty::sigmoid(),
            overhead: DecisionOverhead::default(),
            notes: Vec::new(),
        }
    }
}
