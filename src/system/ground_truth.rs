//! The truth about a system: the source of answers, true service times, failures. The engine and
//! the arrivals know it. Schedulers, their views and the metrics hold a [`Catalog`], which has none
//! of it.

use super::catalog::{Catalog, Truths};
use super::correlated_outcomes;
use super::device;
use super::faults::{BeliefError, Outage, Slowdown, Stalls};
use super::spec::SystemSpec;
use super::truths::{CostTruth, VariantTruth, WorkerTruth};
use crate::config::Problems;
use crate::core::ids::{Answered, AppId, RequestId, TrueClass, VariantId, WorkerId};
use crate::core::rng::{Label, Rng, standard_normal};
use crate::core::units::{Span, Time};
use crate::traces::recorded::RecordedTrace;
use std::sync::Arc;

/// The truth about applications, variants and workers, and the catalog that schedulers see.
#[derive(Clone, Debug)]
pub struct GroundTruth {
    /// The true tables: those of the profiles.
    catalog: Arc<Catalog>,
    variants: Vec<VariantTruth>,
    workers: Vec<WorkerTruth>,
    /// By class of workers, then by variant.
    costs: Vec<CostTruth>,
    /// By application.
    traces: Vec<Option<Arc<RecordedTrace>>>,
    /// Standard deviation of the logarithm of the noise on service times (log-normal, mean 1).
    noise_sigma: f64,
    stalls: Stalls,
    belief_error: BeliefError,
    outcome_correlation: f64,
    /// Whether every batch takes the time of its table.
    steady: bool,
    /// Whether any time depends on recent use.
    reacts: bool,
}

/// A batch, as far as its service time depends on it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct BatchKey<'a> {
    pub worker: WorkerId,
    pub variant: VariantId,
    /// Noise and stalls are drawn by the lowest of their arrival numbers.
    pub requests: &'a [RequestId],
}

impl BatchKey<'_> {
    /// The lowest arrival number.
    fn number(&self) -> u64 {
        u64::from(self.requests.iter().map(|id| id.number()).min().unwrap_or(0))
    }
}

/// Which requests a variant answers correctly in one run.
pub(crate) struct Outcomes<'a> {
    ground_truth: &'a GroundTruth,
    variant: &'a VariantTruth,
    /// By row of the trace.
    recorded: Option<&'a [u16]>,
    /// Recalls by class.
    drawn: &'a [f64],
    key: u64,
    is_correlated: bool,
    rng: Rng,
}

impl Outcomes<'_> {
    /// Marks the answers of the variant that are right: as recorded, or drawn by request and
    /// variant.
    #[expect(clippy::inline_always, reason = "once a batch")]
    #[inline(always)]
    pub fn mark(&self, answers: &mut [Answered]) {
        if self.recorded.is_some() || self.is_correlated {
            for answered in answers {
                answered.correct = self.is_right(answered.truth, answered.request.id.number());
            }
            return;
        }
        for answered in answers {
            let number = u64::from(answered.request.id.number());
            let draw = self.rng.keyed_unit(Label::Outcome, number, self.key);
            answered.correct = draw < self.drawn[usize::from(answered.truth.class)];
        }
    }

    fn is_right(&self, truth: TrueClass, number: u32) -> bool {
        let class = usize::from(truth.class);
        if let Some(recorded) = self.recorded
            && truth.row != TrueClass::NO_ROW
        {
            return recorded[truth.row as usize] == truth.class;
        }
        let draw = self.rng.keyed_unit(Label::Outcome, u64::from(number), self.key);
        if !self.is_correlated {
            return draw < self.drawn[class];
        }
        let quantile = self.variant.quantiles[class];
        self.ground_truth.correct_correlated(draw, quantile, number, self.rng)
    }
}

impl GroundTruth {
    /// Builds the tables.
    ///
    /// # Errors
    /// Parts of the specification that do not fit together.
    pub fn build(spec: &SystemSpec) -> Result<Self, Problems> {
        let (catalog, truths) = Catalog::build(spec)?;
        let Truths { variants, mut workers, costs } = truths;
        let cv = spec.noise_cv;
        let slows = spec.workers.iter().any(|worker| worker.slowdown.is_some());
        let is_steady = costs.iter().all(CostTruth::is_steady);
        let reacts = costs.iter().any(|cost| !cost.reaction.is_none());
        for (worker, id) in workers.iter_mut().zip(catalog.worker_ids()) {
            let variants = catalog.variant_ids().map(|variant| catalog.cost_index(id, variant));
            let reactions = variants.map(|at| costs[at].reaction);
            let inertia = reactions.filter(|reaction| !reaction.is_none()).map(|r| r.inertia);
            worker.inertia = inertia.max().unwrap_or(Span::ZERO);
        }
        Ok(Self {
            catalog: Arc::new(catalog),
            variants,
            workers,
            costs,
            traces: spec.apps.iter().map(|app| app.trace.clone()).collect(),
            noise_sigma: libm::sqrt(libm::log1p(cv * cv)),
            stalls: spec.stalls,
            belief_error: spec.belief_error,
            outcome_correlation: spec.outcome_correlation,
            steady: cv == 0.0 && spec.stalls.probability == 0.0 && !slows && is_steady,
            reacts,
        })
    }

    /// The catalog with the true tables.
    #[inline]
    pub fn catalog(&self) -> &Arc<Catalog> {
        &self.catalog
    }

    /// The catalog that is believed in one run: the true one, unless `belief_error` is above 0.
    pub fn believed(&self, rng: Rng) -> Arc<Catalog> {
        let error = self.belief_error;
        if error.is_none() {
            return Arc::clone(&self.catalog);
        }
        let keys: Vec<u64> = self.variants.iter().map(|variant| variant.key).collect();
        Arc::new(self.catalog.with_beliefs(
            |at, table| error.believed_latency(table, keys[at], rng),
            |at, value| error.believed_probability(value, keys[at], rng),
        ))
    }

    /// Class and row of a recorded request of `app`, for arrivals that choose rows themselves.
    pub fn row(&self, app: AppId, row: u32) -> Option<TrueClass> {
        let class = *self.trace(app)?.class.get(row as usize)?;
        Some(TrueClass { class, row })
    }

    pub(crate) fn trace(&self, app: AppId) -> Option<&Arc<RecordedTrace>> {
        self.traces[app.index()].as_ref()
    }

    /// The outages of a worker, in order.
    pub(crate) fn outages(&self, worker: WorkerId) -> &[Outage] {
        &self.workers[worker.index()].outages
    }

    /// Whether the variant answers the request correctly: as recorded, or drawn by request and
    /// variant.
    #[inline]
    pub(crate) fn correct(
        &self,
        variant: VariantId,
        truth: TrueClass,
        number: u32,
        rng: Rng,
    ) -> bool {
        self.outcomes(variant, rng).is_right(truth, number)
    }

    /// The outcomes of one variant.
    #[inline]
    pub(crate) fn outcomes(&self, variant: VariantId, rng: Rng) -> Outcomes<'_> {
        let variant = &self.variants[variant.index()];
        let is_correlated = self.outcome_correlation != 0.0;
        let (drawn, recorded) = (variant.drawn.as_slice(), variant.recorded.as_deref());
        let key = variant.key;
        Outcomes { ground_truth: self, variant, recorded, drawn, key, is_correlated, rng }
    }

    /// A drawn outcome that depends on the difficulty of the request.
    #[inline(never)]
    fn correct_correlated(&self, draw: f64, quantile: f64, number: u32, rng: Rng) -> bool {
        let unit = |salt| rng.keyed_unit(Label::Difficulty, u64::from(number), salt);
        draw < correlated_outcomes::right(
            quantile,
            standard_normal(unit(0), unit(1)),
            self.outcome_correlation,
        )
    }

    /// Whether times depend on recent use.
    pub(crate) fn reacts(&self) -> bool {
        self.reacts
    }

    /// The time constant of recent use of a worker.
    pub(crate) fn inertia(&self, worker: WorkerId) -> Span {
        self.workers[worker.index()].inertia
    }

    fn cost(&self, worker: WorkerId, variant: VariantId) -> &CostTruth {
        &self.costs[self.catalog.cost_index(worker, variant)]
    }

    /// The true work of the host after a batch that ends now: one request after another, then a
    /// delay.
    pub(crate) fn after(&self, batch: BatchKey<'_>, recent_use: f64, rng: Rng) -> [Span; 2] {
        let BatchKey { worker, variant, requests } = batch;
        let host = self.catalog.host(worker, variant);
        let truth = self.cost(worker, variant);
        let slowed = 1.0 + truth.reaction.host * (1.0 - recent_use);
        let mut delay = slowed;
        if truth.delay_sigma > 0.0 {
            let key = self.key(worker, variant);
            let unit =
                |salt: u64| rng.keyed_unit(Label::HostDelay, batch.number(), key | salt << 48);
            delay *= device::log_normal(truth.delay_sigma, [unit(0), unit(1)]);
        }
        [host.serial_after(requests.len()).scale(slowed), host.delay.scale(delay)]
    }

    /// Variant and class of workers in keyed draws.
    fn key(&self, worker: WorkerId, variant: VariantId) -> u64 {
        self.variants[variant.index()].key ^ self.workers[worker.index()].class_key
    }

    /// The true service time of a batch that starts now, at a share of recent use.
    #[expect(clippy::inline_always, reason = "once a batch")]
    #[inline(always)]
    pub(crate) fn service(
        &self,
        batch: BatchKey<'_>,
        now: Time,
        recent_use: f64,
        rng: Rng,
    ) -> Span {
        let table = self.catalog.latency(batch.worker, batch.variant, batch.requests.len());
        if self.steady || table == Span(u64::MAX) {
            return table;
        }
        self.disturbed(batch, table, now, recent_use, rng)
    }

    /// The service time of a batch that takes another than the time of its table.
    #[inline(never)]
    fn disturbed(
        &self,
        batch: BatchKey<'_>,
        table: Span,
        now: Time,
        recent_use: f64,
        rng: Rng,
    ) -> Span {
        let BatchKey { worker, variant, requests } = batch;
        let slowdown = &self.workers[worker.index()].slowdown;
        let (number, key) = (batch.number(), self.key(worker, variant));
        let truth = self.cost(worker, variant);
        let mut factor = Slowdown::factor(*slowdown, now) * self.stalls.factor(number, key, rng);
        if self.noise_sigma > 0.0 {
            let unit = |salt: u64| rng.keyed_unit(Label::Noise, number, key | salt << 48);
            factor *= device::log_normal(self.noise_sigma, [unit(0), unit(1)]);
        }
        if let Some(spread) = truth.spread(requests.len()) {
            let unit = |salt: u64| rng.keyed_unit(Label::Spread, number, key | salt << 48);
            factor *= spread.factor([unit(0), unit(1)]);
        }
        factor *= 1.0 + truth.reaction.service * (1.0 - recent_use);
        table.scale(factor)
    }

    /// The true time of a peek that starts now.
    pub(crate) fn peek_time(&self, worker: WorkerId, span: Span, now: Time) -> Span {
        if self.steady {
            return span;
        }
        span.scale(Slowdown::factor(self.workers[worker.index()].slowdown, now))
    }

    /// The settings that decide how long a batch takes on a worker, for messages.
    pub(crate) fn slowed_by(&self, worker: WorkerId) -> String {
        let set = [
            (self.catalog.worker(worker).speed < 1.0, "`speedup`"),
            (self.workers[worker.index()].slowdown.is_some(), "`slowdown`"),
            (self.stalls != Stalls::NONE, "`stalls`"),
            (self.noise_sigma > 0.0, "`noise_cv`"),
            (
                self.costs.iter().any(|cost| !cost.is_steady()),
                "spreads and slowdowns of the profile",
            ),
        ];
        let set = set.into_iter().filter_map(|(is_set, key)| is_set.then_some(key));
        set.chain(["latencies of the profile"]).collect::<Vec<_>>().join(", ")
    }
}
