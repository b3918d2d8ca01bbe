//! What is known of a system before a run: applications, variants, workers, costs.
//!
//! **Invariant:** a catalog holds nothing that a scheduler must not know. What is true beyond it is
//! in [`GroundTruth`](super::ground_truth::GroundTruth), which the engine and the arrivals hold.

mod build;
mod capacity;
mod costs;
mod notes;
mod resident;

pub use super::spec::{
    AppSpec, DecisionOverhead, OutcomeModel, Resident, ResidentVariant, SystemSpec, WorkerSpec,
};

use super::deadline_budget::DeadlineBudget;
use super::device::{HostTimes, Power};
use super::latency::LatencyTable;
use super::link::Link;
use super::lru_memory::SharedWeights;
use super::penalty::Penalty;
use super::truths::{CostTruth, VariantTruth, WorkerTruth};
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
    /// 1 + the sample variance of its variants' accuracies; 1 for a single variant.
    pub accuracy_spread: f64,
    /// Recalls of its variants by class, then by variant.
    recalls: Vec<f64>,
    /// Class frequencies of the profile; sum 1.
    pub frequencies: Vec<f64>,
    /// Dirichlet prior over the classes.
    pub prior: Vec<f64>,
    /// How its requests are peeked at.
    pub classifier: Classifier,
    /// P(y = ŷ | ŷ) of the SneakPeek model by answer ŷ; zeros if not known.
    pub precision: Vec<f64>,
    /// Latency of a batch of peeks; `None` if they take no time.
    pub peek_latency: Option<LatencyTable>,
    /// The variant of its SneakPeek model, if that runs on workers or its answer may be taken.
    pub peek_variant: Option<VariantId>,
    /// Whether schedulers may choose that variant.
    pub peek_is_offered: bool,
    /// Bytes that are sent to serve a request behind a link, unless its variant has its own.
    pub payload_bytes: u64,
    /// Whether peeks at its requests give votes.
    evidence: bool,
    /// Its variants but for that of the SneakPeek model.
    variants: Range<u16>,
}

impl App {
    /// Σ θ(c) R(c) of each of its variants, for class probabilities θ and recalls R: the sums are
    /// formed together, each in order of classes.
    pub fn expected_accuracies(&self, theta: &[f64], into: &mut [f64]) {
        let count = self.variants.len();
        let into = &mut into[..count];
        // As an empty sum of floats begins.
        into.fill(-0.0);
        for (theta, recalls) in theta.iter().zip(self.recalls.chunks_exact(count.max(1))) {
            into.iter_mut().zip(recalls).for_each(|(sum, recall)| *sum += theta * recall);
        }
    }

    /// Where its variants are in the catalog's list, without that of the SneakPeek model.
    fn variant_indices(&self) -> Range<usize> {
        usize::from(self.variants.start)..usize::from(self.variants.end)
    }
}

/// 1 + the sample variance of some numbers; 1 for fewer than two.
pub fn spread(numbers: impl Iterator<Item = f64> + Clone) -> f64 {
    let count = numbers.clone().count() as f64;
    if count < 2.0 {
        return 1.0;
    }
    let mean = numbers.clone().sum::<f64>() / count;
    let squares: f64 = numbers.map(|x| (x - mean) * (x - mean)).sum();
    1.0 + squares / (count - 1.0)
}

/// How a variant answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Execution {
    /// By a batch on a lane of a worker.
    OnWorker,
    /// By the SneakPeek model, whose answer is known once the request has been peeked at: it takes
    /// no lane, no time and no memory. A batch of this variant on a worker is a peek.
    AtArrival,
}

/// A variant.
#[derive(Clone, Debug)]
pub struct Variant {
    /// Its name, unique within the application.
    pub name: String,
    /// The application it serves.
    pub app: AppId,
    /// How it answers.
    pub execution: Execution,
    /// Bytes of memory it takes, together with those that share its weights.
    pub bytes: u64,
    /// Bytes that are sent to serve a request with it behind a link.
    pub payload_bytes: u64,
    /// Profiled accuracy.
    pub accuracy: f64,
    /// Profiled probability of a right answer by true class.
    pub recall: Vec<f64>,
    /// Profiled requests by true class; empty if recalls were not measured.
    pub samples: Vec<f64>,
    /// The source of its answers, by what was recorded.
    outcome: OutcomeModel,
}

/// A worker.
#[derive(Clone, Debug)]
pub struct Worker {
    /// Its name: that of its specification and a number.
    pub name: String,
    /// Its class.
    pub class: String,
    /// Its power mode; empty if the class has none.
    pub power_mode: String,
    /// Memory for variants.
    pub memory_bytes: u64,
    /// Speed-up of batches and loads over the profile.
    pub speed: f64,
    /// Batches that can run at once.
    pub lanes: u16,
    /// Power while computing or loading, in watts; `None` if the profile says it by variant, or
    /// nothing does.
    pub power_w: Option<f64>,
    /// Power at all other times, in watts.
    pub idle_w: Option<f64>,
    /// The link to it; `None` if it is local.
    pub link: Option<Link>,
    /// Price of a request, in US dollars.
    pub usd_per_request: Option<f64>,
    /// Variants in its memory at the start of a run, as far as they fit, least recently used first.
    pub(crate) resident: Vec<VariantId>,
    /// When it becomes available.
    pub ready: Time,
    /// Whether the host has work before batches, or after them.
    pub(crate) host: [bool; 2],
    /// The name of its specification.
    spec_name: String,
    class_index: usize,
}

/// Latency and load time of a variant on a class of workers.
#[derive(Clone, Debug)]
struct ClassCost {
    latency: LatencyTable,
    load: Span,
    host: HostTimes,
    power: Power,
}

/// What a catalog is built with: the truth about variants, workers, and variants on classes of
/// workers.
pub(super) struct Truths {
    pub variants: Vec<VariantTruth>,
    pub workers: Vec<WorkerTruth>,
    /// By class of workers, then by variant.
    pub costs: Vec<CostTruth>,
}

/// What any profile says of devices besides times of batches.
#[derive(Clone, Copy, Debug, Default)]
struct DeviceData {
    /// Work of the host before or after batches.
    host: bool,
    /// Power by variant.
    power: bool,
}

/// The tables of a run.
#[derive(Clone, Debug)]
pub struct Catalog {
    apps: Vec<App>,
    /// Those of SneakPeek models come last.
    variants: Vec<Variant>,
    /// Which variants share their weights.
    shared: SharedWeights,
    workers: Vec<Worker>,
    /// By class of workers, then by variant.
    costs: Vec<Option<ClassCost>>,
    /// The penalty of lateness.
    pub penalty: Penalty,
    /// The time that decisions take.
    pub overhead: DecisionOverhead,
    /// Whether schedulers may end batches that run.
    pub preemption: bool,
    /// Whether requests are dropped that no worker could answer in time any more.
    pub drop_late: bool,
    /// What any profile says of devices besides times of batches.
    devices: DeviceData,
    notes: Vec<Note>,
}

impl Catalog {
    /// Builds the tables.
    ///
    /// # Errors
    /// Parts of the specification that do not fit together.
    pub(super) fn build(spec: &SystemSpec) -> Result<(Self, Truths), Problems> {
        let mut problems = Problems::default();
        let (apps, variants) = build::build_apps(spec, &mut problems);
        let (variants, variant_truths): (Vec<Variant>, Vec<VariantTruth>) =
            variants.into_iter().unzip();
        let mut worker_truths = Vec::new();
        let mut classes: Vec<&WorkerSpec> = Vec::new();
        let mut workers: Vec<Worker> = Vec::new();
        for worker in &spec.workers {
            let known = classes.iter().position(|class| class.has_costs_of(worker));
            let class_index = known.unwrap_or_else(|| {
                classes.push(worker);
                classes.len() - 1
            });
            // Specifications of one name share its numbers: names of workers are unique.
            let first = workers.iter().filter(|w| w.spec_name == worker.name).count();
            let numbers = first..first + usize::from(worker.count);
            worker_truths.extend(numbers.clone().map(|_| WorkerTruth::new(worker)));
            workers.extend(numbers.map(|number| build::build_worker(worker, class_index, number)));
        }
        let costs = build::build_costs(spec, &classes, variants.len(), &mut problems);
        let (costs, cost_truths): (Vec<_>, Vec<_>) = costs.into_iter().unzip();
        let mut catalog = Self {
            shared: build::shared_weights(spec, variants.len()),
            apps,
            variants,
            workers,
            costs,
            penalty: spec.penalty.clone(),
            overhead: spec.overhead,
            preemption: spec.preemption,
            drop_late: spec.drop_late,
            devices: DeviceData::default(),
            notes: Vec::new(),
        };
        catalog.fill_derived();
        catalog.fill_devices(spec, &mut problems);
        if problems.is_empty() {
            catalog.check_fit(spec, "", &mut problems);
            catalog.fill_memories(spec, &mut problems);
            catalog.resolve_budgets(spec, &mut problems);
            catalog.note_drawn(spec, &variant_truths);
            catalog.notes.extend(notes::fit(spec));
            catalog.notes.extend(notes::cold(spec));
        }
        let (variants, workers, costs) = (variant_truths, worker_truths, cost_truths);
        problems.check(Some((catalog, Truths { variants, workers, costs })))
    }

    /// The catalog with other latencies, and other accuracies and recalls of variants that run on
    /// workers. Both functions get the variant's index.
    pub(super) fn with_beliefs(
        &self,
        latency: impl Fn(usize, &LatencyTable) -> LatencyTable,
        accuracy: impl Fn(usize, f64) -> f64,
    ) -> Self {
        let mut believed = self.clone();
        let count = believed.variants.len();
        for (cell, cost) in believed.costs.iter_mut().enumerate() {
            if let Some(cost) = cost {
                cost.latency = latency(cell % count, &cost.latency);
            }
        }
        for (at, variant) in believed.variants.iter_mut().enumerate() {
            if variant.execution == Execution::OnWorker {
                variant.accuracy = accuracy(at, variant.accuracy);
                variant.recall.iter_mut().for_each(|recall| *recall = accuracy(at, *recall));
            }
        }
        believed.fill_derived();
        believed
    }

    /// Fills in what follows from accuracies and recalls.
    fn fill_derived(&mut self) {
        for app in &mut self.apps {
            let variants = &self.variants[app.variant_indices()];
            app.accuracy_spread = spread(variants.iter().map(|v| v.accuracy));
            let classes = 0..app.classes.len();
            app.recalls = classes
                .flat_map(|c| variants.iter().map(move |v| v.recall.get(c).copied().unwrap_or(0.0)))
                .collect();
        }
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
    pub fn variant_ids(&self) -> impl ExactSizeIterator<Item = VariantId> + Clone + use<> {
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

    /// The variants that serve `app` on workers, in profile order.
    #[inline]
    pub fn variants_of(
        &self,
        app: AppId,
    ) -> impl ExactSizeIterator<Item = VariantId> + Clone + use<> {
        self.apps[app.index()].variants.clone().map(VariantId)
    }

    /// The index of a variant among those of its application; that of the SneakPeek model is last.
    #[inline]
    pub fn variant_offset(&self, variant: VariantId) -> usize {
        let Variant { app, execution, .. } = self.variant(variant);
        let own = &self.apps[app.index()].variants;
        match execution {
            Execution::OnWorker => usize::from(variant.0 - own.start),
            Execution::AtArrival => own.len(),
        }
    }

    /// Whether the variant is that of a SneakPeek model.
    #[inline]
    pub fn is_peek(&self, variant: VariantId) -> bool {
        self.variant(variant).execution == Execution::AtArrival
    }

    /// Whether the worker peeks at requests of `app`: its classifier runs on workers, and this one
    /// is local and can serve the application.
    pub fn has_peeks(&self, worker: WorkerId, app: AppId) -> bool {
        let on_workers = self.app(app).classifier.runs_on == ClassifierHost::Worker;
        let is_local = self.worker(worker).link.is_none();
        on_workers && is_local && self.variants_of(app).any(|v| self.usable(worker, v))
    }

    /// Where requests of `app` are peeked at for schedulers with posteriors; `Free` also where a
    /// peek takes no time, or would have to run on a worker and none can.
    pub fn peek_host(&self, app: AppId) -> ClassifierHost {
        let App { classifier, peek_latency, .. } = self.app(app);
        let can_run = classifier.runs_on != ClassifierHost::Worker
            || self.worker_ids().any(|worker| self.has_peeks(worker, app));
        if peek_latency.is_some() && can_run { classifier.runs_on } else { ClassifierHost::Free }
    }

    /// The tables of runs with peeks: SneakPeek models that run on workers take memory of each that
    /// can serve their application.
    pub(crate) fn with_peeks(mut self: Arc<Self>) -> Arc<Self> {
        for worker in self.worker_ids() {
            let held = self.app_ids().filter(|app| self.has_peeks(worker, *app));
            let bytes = held
                .fold(0u64, |sum, app| sum.saturating_add(self.app(app).classifier.memory_bytes));
            if bytes > 0 {
                let worker = &mut Arc::make_mut(&mut self).workers[worker.index()];
                worker.memory_bytes = worker.memory_bytes.saturating_sub(bytes);
            }
        }
        self
    }

    /// Refuses systems in which SneakPeek models leave too little memory to serve an application.
    pub(crate) fn check_peeks(self: Arc<Self>, spec: &SystemSpec, problems: &mut Problems) {
        let mut with_peeks = Arc::unwrap_or_clone(self.with_peeks());
        let suffix = " beside the SneakPeek models";
        with_peeks.check_fit(spec, suffix, problems);
        with_peeks.check_memories(spec, suffix, problems);
    }

    /// Whether the worker can ever run the variant: profiled on its class and small enough.
    pub fn usable(&self, worker: WorkerId, variant: VariantId) -> bool {
        self.cost(worker, variant).is_some()
            && self.variant(variant).bytes <= self.worker(worker).memory_bytes
    }

    /// Bytes that a batch of `requests` on a variant sends to a worker behind a link.
    #[inline]
    pub fn payload_bytes(&self, variant: VariantId, requests: usize) -> u64 {
        self.variant(variant).payload_bytes.saturating_mul(requests as u64)
    }

    /// The source of answers: a name of [`OutcomeModel`], or `mixed` if it depends on the variant.
    pub fn outcome(&self) -> &'static str {
        let on_workers = self.variants.iter().filter(|v| v.execution == Execution::OnWorker);
        let mut outcomes = on_workers.map(|variant| variant.outcome);
        let first = outcomes.next().unwrap_or(OutcomeModel::Drawn);
        if outcomes.all(|outcome| outcome == first) { first.name() } else { "mixed" }
    }

    /// Whether peeks at requests of `app` give votes.
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
            shared: SharedWeights::default(),
            workers: Vec::new(),
            costs: Vec::new(),
            penalty: Penalty::sigmoid(),
            overhead: DecisionOverhead::default(),
            preemption: false,
            drop_late: false,
            devices: DeviceData::default(),
            notes: Vec::new(),
        }
    }
}
