//! The view of a scheduler: read-only, beliefs only.

use super::state::{Job, Phase, State, WorkerState};
use super::timeline::{Lane, LinkState, Timeline};
use crate::classifier::posterior::argmax;
use crate::contract::AccuracySource;
use crate::core::ids::{AppId, Request, RequestId, SourceId, VariantId, WorkerId};
use crate::core::units::{Span, Time};
use crate::system::catalog::Catalog;
use crate::system::link::Link;
use crate::system::lru_memory::LruMemory;
use crate::system::penalty::LatenessBase;

/// The system as a scheduler sees it at one instant.
#[derive(Clone, Copy, Debug)]
pub struct View<'a> {
    state: &'a State,
}

/// One worker as a scheduler sees it.
#[derive(Clone, Copy, Debug)]
pub struct WorkerView<'a> {
    /// Its id.
    pub id: WorkerId,
    state: &'a WorkerState,
    now: Time,
}

impl<'a> View<'a> {
    pub(crate) fn new(state: &'a State) -> Self {
        Self { state }
    }

    /// The current instant.
    #[inline]
    pub fn now(&self) -> Time {
        self.state.now
    }

    /// The tables: applications, variants, workers, costs.
    #[inline]
    pub fn catalog(&self) -> &'a Catalog {
        &self.state.catalog
    }

    /// The requests that wait for a decision, in arrival order.
    pub fn pending(&self) -> impl Iterator<Item = &'a Request> + use<'a> {
        self.state.pending().map(|slot| &slot.request)
    }

    /// The number of requests that wait for a decision.
    #[inline]
    pub fn pending_len(&self) -> usize {
        self.state.pending_len()
    }

    /// A request that is pending; `None` once it has been assigned, rejected or answered.
    #[inline]
    pub fn request(&self, id: RequestId) -> Option<&'a Request> {
        let slot = self.state.slot(id)?;
        (slot.phase == Phase::Pending).then_some(&slot.request)
    }

    /// Whether a request was assigned to a worker that failed, so that it is in
    /// [`Trigger::arrived`](super::Trigger) for at least the second time, or was in a batch that
    /// the scheduler ended.
    pub fn is_returned(&self, id: RequestId) -> bool {
        self.state.slot(id).is_some_and(|slot| slot.returned)
    }

    /// The workers in order.
    pub fn workers(&self) -> impl Iterator<Item = WorkerView<'a>> + use<'a> {
        let now = self.state.now;
        let states = (0..).map(WorkerId).zip(&self.state.workers);
        states.map(move |(id, state)| WorkerView { id, state, now })
    }

    /// One worker.
    pub fn worker(&self, worker: WorkerId) -> WorkerView<'a> {
        let state = &self.state.workers[worker.index()];
        WorkerView { id: worker, state, now: self.state.now }
    }

    /// The workers that can start a batch now, in order.
    pub fn idle_workers(&self) -> impl Iterator<Item = WorkerId> + use<'a> {
        let view = *self;
        let is_idle = move |id: &WorkerId| {
            let worker = view.worker(*id);
            // A local worker that is open waits for its time alone.
            if worker.has_way_in() { worker.is_idle() } else { worker.state.ready <= worker.now }
        };
        debug_assert!(
            self.workers()
                .filter(WorkerView::is_idle)
                .all(|worker| { self.state.open_workers().any(|open| open == worker.id) }),
            "every idle worker is open"
        );
        self.state.open_workers().filter(is_idle)
    }

    /// The variants that can serve `app` on `worker`, in profile order; last the variant of the
    /// SneakPeek model where it may be chosen
    /// ([`Execution::AtArrival`](crate::system::catalog::Execution)).
    pub fn variants(
        &self,
        worker: WorkerId,
        app: AppId,
    ) -> impl Iterator<Item = VariantId> + use<'a> {
        let catalog = self.catalog();
        let usable = move |variant: &VariantId| catalog.max_batch(worker, *variant) > 0;
        catalog.variants_of(app).filter(usable).chain(self.state.peek_variant(app))
    }

    /// The deadline budget with which a planner counts, where those of requests are drawn:
    /// [`DeadlineBudget::planning`](crate::system::deadline_budget::DeadlineBudget::planning). The
    /// least of all sources, where each has its own.
    pub fn planning_budget(&self, app: AppId) -> Span {
        self.catalog().app(app).budget.planning()
    }

    /// The same for the requests of one source.
    pub fn planning_budget_of(&self, app: AppId, source: SourceId) -> Span {
        self.catalog().app(app).budget.of_source(Some(source)).planning()
    }

    /// The batch on a lane: its variant, its expected end and its requests; nothing if it is free.
    pub fn batch_on(
        &self,
        worker: WorkerId,
        lane: usize,
    ) -> Option<(VariantId, Time, impl Iterator<Item = &'a Request> + use<'a>)> {
        let state = self.state;
        let running = state.workers[worker.index()].lanes.get(lane)?.as_ref()?;
        let requests = running.requests.iter().filter_map(|id| state.slot(*id));
        Some((running.variant, running.expected_end, requests.map(|slot| &slot.request)))
    }

    /// The largest batch of a variant on a worker; 0 if it cannot run there.
    #[inline]
    pub fn max_batch(&self, worker: WorkerId, variant: VariantId) -> usize {
        self.state.catalog.max_batch(worker, variant)
    }

    /// Expected latency of a batch, 1 ≤ `batch` ≤ [`Self::max_batch`], loading excluded.
    #[inline]
    pub fn expected_latency(&self, worker: WorkerId, variant: VariantId, batch: usize) -> Span {
        self.state.catalog.latency(worker, variant, batch)
    }

    /// Time to load a variant.
    #[inline]
    pub fn load_span(&self, worker: WorkerId, variant: VariantId) -> Span {
        self.state.catalog.load(worker, variant)
    }

    /// The probability of a right answer, from the source of accuracies that the run grants.
    #[inline]
    pub fn accuracy(&self, request: RequestId, variant: VariantId) -> f64 {
        if let Some(accuracy) = self.state.accuracy_of_all(variant) {
            return accuracy;
        }
        let beliefs = &self.state.beliefs;
        let offset = self.state.catalog.variant_offset(variant);
        beliefs.accuracy[request.slot() * beliefs.variants + offset]
    }

    /// The source of accuracies that the run grants.
    pub fn info(&self) -> AccuracySource {
        self.state.info
    }

    /// Class probabilities of a request: the posterior after a peek, the true class for an oracle
    /// of labels, otherwise empty.
    pub fn posterior(&self, request: &Request) -> &'a [f64] {
        let beliefs = &self.state.beliefs;
        if beliefs.posterior.is_empty() {
            return &[];
        }
        let first = request.id.slot() * beliefs.classes;
        &beliefs.posterior[first..first + self.state.catalog.app(request.app).classes.len()]
    }

    /// The most likely class, ties to the lowest; 0 without class probabilities.
    pub fn likely_class(&self, request: &Request) -> usize {
        argmax(self.posterior(request))
    }

    /// Expected penalty of answering a request at `finish`.
    #[inline]
    pub fn penalty(&self, request: &Request, finish: Time) -> f64 {
        let penalty = &self.state.catalog.penalty;
        let scale = match penalty.base {
            LatenessBase::Budget => request.budget(),
            LatenessBase::Remaining => request.deadline.since(self.state.now),
        };
        penalty.gamma(finish, request.deadline, scale)
    }

    /// Whether an answer at `finish` counts as late.
    #[inline]
    pub fn is_late(&self, request: &Request, finish: Time) -> bool {
        self.state.catalog.penalty.tardiness(finish, request.deadline) > Span::ZERO
    }

    /// Expected utility of answering a request with `variant` at `finish`, or now if the variant
    /// answers at arrival.
    #[inline]
    pub fn utility(&self, request: &Request, variant: VariantId, finish: Time) -> f64 {
        let finish = if self.catalog().is_peek(variant) { self.now() } else { finish };
        self.accuracy(request.id, variant) * (1.0 - self.penalty(request, finish))
    }

    /// [`Self::utility`] of each request of a batch.
    pub fn utilities<'r>(
        &self,
        requests: &'r [Request],
        variant: VariantId,
        finish: Time,
    ) -> impl Iterator<Item = f64> + use<'a, 'r> {
        let view = *self;
        let finish = if view.catalog().is_peek(variant) { view.now() } else { finish };
        let same = view.state.accuracy_of_all(variant);
        let offset = view.catalog().variant_offset(variant);
        let beliefs = &view.state.beliefs;
        let own = move |id: RequestId| beliefs.accuracy[id.slot() * beliefs.variants + offset];
        let utility = move |request: &Request| {
            let accuracy = same.unwrap_or_else(|| own(request.id));
            accuracy * (1.0 - view.penalty(request, finish))
        };
        requests.iter().map(utility)
    }

    /// Time to the deadline; zero if it has passed.
    #[inline]
    pub fn remaining(&self, request: &Request) -> Span {
        request.deadline.since(self.state.now)
    }

    /// Sets `timeline` to the expected end of the worker's backlog.
    pub fn backlog_end(&self, worker: WorkerId, timeline: &mut Timeline) {
        let state = &self.state.workers[worker.index()];
        let now = self.state.now.max(state.ready);
        timeline.worker = Some(worker);
        timeline.lanes.clear();
        timeline.lanes.extend(state.lanes.iter().map(|lane| {
            let free = lane.as_ref().map_or(now, |running| running.expected_end.max(now));
            Lane { free, variant: lane.as_ref().map(|running| running.variant) }
        }));
        timeline.memory.copy_from(&state.memory);
        if let Some(loading) = state.loading {
            timeline.occupy_until(loading.end);
        }
        let link = self.state.catalog.worker(worker).link.as_ref();
        let mut sent = self.state.now;
        for job in &state.backlog {
            let arrival = match link {
                None => job.not_before,
                Some(link) => self.arrival(link, job, &mut sent),
            };
            timeline.occupy_until(arrival);
            self.place(timeline, worker, job.variant, job.requests.len());
        }
        timeline.prepared = state.prepared.map(|free| free.max(self.state.now));
        timeline.link = link.map(|link| LinkState {
            sent: sent.max(state.sent.filter(|_| !link.varies()).unwrap_or(sent)),
            rate_bps: link.rate_bps(self.state.now),
            delay: link.one_way(),
        });
    }

    /// The expected arrival of a job on the uplink; `sent` is the expected end of sending those
    /// before it.
    fn arrival(&self, link: &Link, job: &Job, sent: &mut Time) -> Time {
        let (now, one_way) = (self.state.now, link.one_way());
        let end = Time(job.not_before.0.saturating_sub(one_way.0));
        if end <= now {
            return job.not_before;
        }
        let bytes = self.state.catalog.payload_bytes(job.variant, job.requests.len());
        *sent = link.believed_sent(now, *sent, end, bytes);
        *sent + one_way
    }

    /// The expected end of the next batch, after a load if its variant is not resident.
    #[inline]
    pub fn finish(&self, timeline: &Timeline, variant: VariantId, batch: usize) -> Time {
        let Some(worker) = timeline.worker else { return Time::MAX };
        if self.state.catalog.is_peek(variant) {
            return self.state.now;
        }
        let (mut start, mut delay) = (timeline.free_at(), Span::ZERO);
        let load = self.next_load(timeline, worker, variant);
        if let Some(load) = load {
            start = start.max(load.start);
        }
        if let Some(link) = timeline.link {
            let bytes = self.state.catalog.payload_bytes(variant, batch);
            start = start.max(link.send(bytes).1);
            delay = link.delay;
        }
        if self.state.catalog.has_host() {
            let host = self.state.catalog.host(worker, variant);
            delay += host.after(batch);
            start = timeline.prepared.map_or(start, |free| start.max(free + host.before(batch)));
        }
        if let Some(load) = load {
            start += load.span;
        }
        start + self.expected_latency(worker, variant, batch) + delay
    }

    /// The earliest expected end of the next batch of at most `most` requests: a batch of one,
    /// unless a larger one takes less time.
    #[inline]
    pub fn soonest(&self, timeline: &Timeline, variant: VariantId, most: usize) -> Time {
        let alone = self.finish(timeline, variant, 1);
        match timeline.worker {
            Some(worker) if self.state.catalog.falls(worker, variant) => {
                let sizes = 2..=most.min(self.max_batch(worker, variant));
                sizes.map(|batch| self.finish(timeline, variant, batch)).fold(alone, Time::min)
            }
            _ => alone,
        }
    }

    /// Appends a batch to the timeline and returns its expected end.
    pub fn estimate_append(
        &self,
        timeline: &mut Timeline,
        variant: VariantId,
        batch: usize,
    ) -> Time {
        let Some(worker) = timeline.worker else { return Time::MAX };
        if self.state.catalog.is_peek(variant) {
            return self.state.now;
        }
        let mut delay = Span::ZERO;
        if let Some(link) = &mut timeline.link {
            let (sent, arrival) = link.send(self.state.catalog.payload_bytes(variant, batch));
            (link.sent, delay) = (sent, link.delay);
            timeline.occupy_until(arrival);
        }
        if self.state.catalog.has_host() {
            let host = self.state.catalog.host(worker, variant);
            delay += host.after(batch);
            if let Some(free) = timeline.prepared {
                let prepared = free + host.before(batch);
                timeline.prepared = Some(prepared);
                timeline.occupy_until(prepared);
            }
        }
        self.place(timeline, worker, variant, batch) + delay
    }

    /// Appends a batch that has been received, or a load if the batch is empty; its expected end.
    #[inline]
    fn place(
        &self,
        timeline: &mut Timeline,
        worker: WorkerId,
        variant: VariantId,
        batch: usize,
    ) -> Time {
        match self.next_load(timeline, worker, variant) {
            None => timeline.memory.touch(variant),
            Some(load) => {
                timeline.occupy_until(load.start + load.span);
                timeline.memory.load(variant, self.state.catalog.variant(variant).bytes, |_| {});
            }
        }
        if batch == 0 {
            return timeline.free_at();
        }
        let latency = self.expected_latency(worker, variant, batch);
        match timeline.lanes.iter_mut().min_by_key(|lane| lane.free) {
            Some(lane) => {
                *lane = Lane { free: lane.free + latency, variant: Some(variant) };
                lane.free
            }
            None => Time::MAX,
        }
    }

    /// The load before the next batch of the variant; `None` if it is resident. It waits for all
    /// lanes, or, if it takes no time, for batches of variants that have to leave.
    #[inline]
    fn next_load(
        &self,
        timeline: &Timeline,
        worker: WorkerId,
        variant: VariantId,
    ) -> Option<NextLoad> {
        if timeline.memory.contains(variant) {
            return None;
        }
        let span = self.load_span(worker, variant);
        let start = match span {
            Span::ZERO => timeline.evictable_at(self.state.catalog.variant(variant).bytes),
            _ => timeline.all_free_at(),
        };
        Some(NextLoad { start, span })
    }

    /// Whether a batch of the variant needs a load first. Variants that answer at arrival need
    /// none.
    #[inline]
    pub fn needs_load(&self, memory: &LruMemory, variant: VariantId) -> bool {
        !memory.contains(variant) && !self.state.catalog.is_peek(variant)
    }
}

/// A load before a batch.
#[derive(Clone, Copy)]
struct NextLoad {
    start: Time,
    span: Span,
}

impl<'a> WorkerView<'a> {
    /// Whether a batch assigned now starts now, if its variant is resident and there is no decision
    /// overhead; behind a link, whether it is sent now and a lane is free for it; with work of the
    /// host before batches, whether that starts now and no other batch waits.
    #[inline]
    pub fn is_idle(&self) -> bool {
        if self.state.ready > self.now {
            return false;
        }
        if let Some(prepared) = self.state.prepared {
            // The next batch is prepared while others are computed.
            return prepared <= self.now
                && self.state.backlog.is_empty()
                && self.state.loading.is_none();
        }
        match self.state.sent {
            None => {
                self.state.backlog.is_empty()
                    && self.state.loading.is_none()
                    && self.state.lanes.iter().any(Option::is_none)
            }
            Some(sent) => sent <= self.now && self.free_lanes() > 0,
        }
    }

    /// Whether batches travel to it over a link.
    #[inline]
    pub fn is_remote(&self) -> bool {
        self.state.sent.is_some()
    }

    /// Whether batches pass a link, or the host's work, one after another before they can start.
    #[inline]
    pub fn has_way_in(&self) -> bool {
        self.state.sent.is_some() || self.state.prepared.is_some()
    }

    /// Lanes without a batch that runs or is on the link; at least one where the host works before
    /// batches, since it prepares the next one while all lanes compute.
    pub fn free_lanes(&self) -> usize {
        let free = self.state.lanes.iter().filter(|lane| lane.is_none()).count();
        if self.state.prepared.is_some() {
            return free.saturating_sub(self.state.backlog.len()).max(1);
        }
        let on_link = self.state.sent.map_or(0, |_| self.state.backlog.len());
        free.saturating_sub(on_link)
    }

    /// The variants in memory, least recently used first; of those that share their weights the one
    /// as which they were loaded.
    pub fn resident(&self) -> impl Iterator<Item = VariantId> + use<'a> {
        self.state.memory.iter()
    }

    /// Whether a variant is in memory.
    pub fn holds(&self, variant: VariantId) -> bool {
        self.state.memory.contains(variant)
    }

    /// The variant being loaded and the end of the load.
    pub fn loading(&self) -> Option<(VariantId, Time)> {
        self.state.loading.map(|loading| (loading.variant, loading.end))
    }

    /// (variant, batch size, expected end) of each batch being computed.
    pub fn running(&self) -> impl Iterator<Item = (VariantId, usize, Time)> + use<'a> {
        self.state.running().map(|r| (r.variant, r.requests.len(), r.expected_end))
    }

    /// The number of assigned batches and loads that have not started.
    pub fn backlog_len(&self) -> usize {
        self.state.backlog.len()
    }
}
