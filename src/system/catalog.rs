//! Everything a run knows before it starts: applications, variants, workers, costs.
//!
//! **Invariant:** a catalog holds beliefs (profiles) and recorded outcomes side by side, but the
//! recorded outcomes are private to the engine; a scheduler's view gives out beliefs only.

mod build;
mod capacity;
mod notes;
mod resident;

pub use super::spec::{
    AppSpec, DecisionOverhead, OutcomeModel, Resident, ResidentVariant, SystemSpec, WorkerSpec,
};

use super::correlated_outcomes;
use super::deadline_budget::DeadlineBudget;
use super::faults::{BeliefError, Outage, Slowdown, Stalls};
use super::latency::LatencyTable;
use super::link::Link;
use super::penalty::Penalty;
use crate::classifier::model::{Classifier, ClassifierHost};
use crate::config::Problems;
use crate::config::note::Note;
use crate::core::ids::{AppId, TrueClass, VariantId, WorkerId};
use crate::core::rng::{Label, Rng, standard_normal};
use crate::core::units::{Span, Time};
use crate::traces::recorded::RecordedTrace;
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
    variants: Range<u16>,
    trace: Option<Arc<RecordedTrace>>,
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
    /// Stands for application and variant in keyed draws.
    key: u64,
    /// Where its answers come from, as far as anything was recorded.
    outcome: OutcomeModel,
    recorded: Option<Arc<[u16]>>,
    /// Probability of a right answer by true class, where answers are drawn.
    drawn: Vec<f64>,
    /// Normal quantiles of these, where mistakes of variants go together.
    quantiles: Vec<f64>,
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
    slowdown: Option<Slowdown>,
    /// When it will be gone: for the engine, not for schedulers.
    pub(crate) outages: Vec<Outage>,
    class_index: usize,
    /// Stands for the class in keyed draws.
    class_key: u64,
}

/// Latency and load time of a variant on a class of workers.
#[derive(Clone, Debug)]
struct ClassCost {
    latency: LatencyTable,
    /// What is true, if that is another table.
    truth: Option<LatencyTable>,
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
    /// Mean 1 log-normal noise on service times: the standard deviation of its logarithm.
    noise_sigma: f64,
    stalls: Stalls,
    belief_error: BeliefError,
    outcome_correlation: f64,
    /// Whether every batch takes what its table says.
    steady: bool,
    notes: Vec<Note>,
}

impl Catalog {
    /// Builds the tables, or says what does not fit together.
    pub fn build(setup: &SystemSpec) -> Result<Self, Problems> {
        let mut problems = Problems::default();
        let (apps, variants, first_peek) = build::build_apps(setup, &mut problems);
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
            workers.extend(numbers.map(|at| build::build_worker(worker, class_index, at)));
        }
        let costs = build::build_costs(setup, &classes, variants.len(), &mut problems);
        let cv = setup.noise_cv;
        let slows = setup.workers.iter().any(|worker| worker.slowdown.is_some());
        let mut catalog = Self {
            apps,
            variants,
            first_peek,
            workers,
            costs,
            penalty: setup.penalty.clone(),
            overhead: setup.overhead,
            noise_sigma: libm::sqrt(libm::log1p(cv * cv)),
            stalls: setup.stalls,
            belief_error: setup.belief_error,
            outcome_correlation: setup.outcome_correlation,
            steady: cv == 0.0 && setup.stalls.probability == 0.0 && !slows,
            notes: Vec::new(),
        };
        if problems.is_empty() {
            catalog.check_fit(setup, "", &mut problems);
            catalog.fill_memories(setup, &mut problems);
            catalog.resolve_budgets(setup, &mut problems);
            catalog.note_drawn(setup.outcome);
            catalog.notes.extend(notes::fit(setup));
            catalog.notes.extend(notes::cold(setup));
        }
        problems.check(Some(catalog))
    }

    /// The tables as they are believed in one run: the same unless beliefs are wrong.
    pub fn believed(self: &Arc<Self>, rng: Rng) -> Arc<Self> {
        let error = self.belief_error;
        if error.is_none() {
            return Arc::clone(self);
        }
        let mut wrong = Self::clone(self);
        let keys: Vec<u64> = wrong.variants.iter().map(|variant| variant.key).collect();
        for cell in 0..wrong.costs.len() {
            if let Some(cost) = &mut wrong.costs[cell] {
                let believed = error.believed(&cost.latency, keys[cell % keys.len()], rng);
                cost.truth = Some(std::mem::replace(&mut cost.latency, believed));
            }
        }
        let variants = wrong.variants.iter_mut().take(usize::from(wrong.first_peek));
        for variant in variants {
            let accuracy = std::iter::once(variant.accuracy);
            let wrong =
                error.mistake(accuracy.chain(variant.recall.iter().copied()), variant.key, rng);
            (variant.accuracy, variant.recall) = (wrong[0], wrong[1..].to_vec());
        }
        wrong.steady = false;
        Arc::new(wrong)
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

    /// Where answers come from: a name of [`Outcome`], or `mixed` if it depends on the variant.
    pub fn outcome(&self) -> &'static str {
        let mut outcomes =
            self.variants[..usize::from(self.first_peek)].iter().map(|variant| variant.outcome);
        let first = outcomes.next().unwrap_or(OutcomeModel::Drawn);
        if outcomes.all(|outcome| outcome == first) { first.name() } else { "mixed" }
    }

    /// What is true of a recorded request of `app`: for arrivals that name rows themselves.
    pub fn row(&self, app: AppId, row: u32) -> Option<TrueClass> {
        let class = *self.trace(app)?.class.get(row as usize)?;
        Some(TrueClass { class, row })
    }

    pub(crate) fn trace(&self, app: AppId) -> Option<&Arc<RecordedTrace>> {
        self.apps[app.index()].trace.as_ref()
    }

    /// Whether looking at requests of `app` can tell schedulers something.
    pub fn has_evidence(&self, app: AppId) -> bool {
        self.app(app).peek.sees(self.trace(app).map(Arc::as_ref))
    }

    /// Whether the variant answers the request correctly: as recorded, or drawn with a key that
    /// does not depend on the scheduler.
    #[inline]
    pub(crate) fn correct(
        &self,
        variant: VariantId,
        truth: TrueClass,
        number: u32,
        rng: Rng,
    ) -> bool {
        let chosen = &self.variants[variant.index()];
        match &chosen.recorded {
            Some(recorded) if truth.row != TrueClass::NO_ROW => {
                recorded[truth.row as usize] == truth.class
            }
            _ => {
                let draw = rng.keyed_unit(Label::Outcome, u64::from(number), chosen.key);
                if self.outcome_correlation == 0.0 {
                    return draw < chosen.drawn[usize::from(truth.class)];
                }
                self.correct_alike(draw, chosen.quantiles[usize::from(truth.class)], number, rng)
            }
        }
    }

    /// The same where a request is hard for all variants alike.
    #[inline(never)]
    fn correct_alike(&self, draw: f64, quantile: f64, number: u32, rng: Rng) -> bool {
        let unit = |salt| rng.keyed_unit(Label::Difficulty, u64::from(number), salt);
        draw < correlated_outcomes::right(
            quantile,
            standard_normal(unit(0), unit(1)),
            self.outcome_correlation,
        )
    }

    /// The true service time of a batch whose lowest request is `number` and that starts now.
    #[inline]
    pub(crate) fn service(
        &self,
        (worker, variant): (WorkerId, VariantId),
        batch: usize,
        number: u32,
        (now, rng): (Time, Rng),
    ) -> Span {
        if self.steady {
            return self.latency(worker, variant, batch);
        }
        let Some(cost) = self.cost(worker, variant) else { return Span(u64::MAX) };
        let table = cost.truth.as_ref().unwrap_or(&cost.latency).latency(batch);
        let at = &self.workers[worker.index()];
        let key = self.variants[variant.index()].key ^ at.class_key;
        let keys = (u64::from(number), key);
        let mut factor = Slowdown::of(at.slowdown, now) * self.stalls.of(keys, rng);
        if self.noise_sigma > 0.0 {
            let unit = |salt: u64| rng.keyed_unit(Label::Noise, keys.0, key | salt << 48);
            let standard = standard_normal(unit(0), unit(1));
            let sigma = self.noise_sigma;
            factor *= libm::exp(sigma * standard - sigma * sigma / 2.0);
        }
        table.scale(factor)
    }

    /// The true time of a look that starts now.
    pub(crate) fn look(&self, worker: WorkerId, span: Span, now: Time) -> Span {
        if self.steady { span } else { span.scale(Slowdown::of(self.worker(worker).slowdown, now)) }
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
            noise_sigma: 0.0,
            stalls: Stalls::NONE,
            belief_error: BeliefError::default(),
            outcome_correlation: 0.0,
            steady: true,
            notes: Vec::new(),
        }
    }
}
