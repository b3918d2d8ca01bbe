//! What a scheduler may see: read-only, beliefs only.

use super::state::{Job, Phase, State, WorkerState};
use super::timeline::{Lane, LinkState, Timeline};
use crate::classifier::posterior::argmax;
use crate::contract::AccuracySource;
use crate::core::ids::{AppId, Request, RequestId, VariantId, WorkerId};
use crate::core::units::{Span, Time};
use crate::system::catalog::Catalog;
use crate::system::link::Link;
use crate::system::penalty::LatenessBase;

/// The world as a scheduler sees it at one instant.
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

    /// The instant.
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

    /// How many requests wait for a decision.
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

    /// Whether a request has been given to a worker that failed, and so been among
    /// [`Trigger::arrived`](super::Trigger) before.
    pub fn is_returned(&self, id: RequestId) -> bool {
        self.state.slot(id).is_some_and(|slot| slot.returned)
    }

    /// The workers in order.
    pub fn workers(&self) -> impl Iterator<Item = WorkerView<'a>> + use<'a> {
        let now = self.state.now;
        let each = move |(at, state)| WorkerView { id: WorkerId(at as u16), state, now };
        self.state.workers.iter().enumerate().map(each)
    }

    /// One worker.
    pub fn worker(&self, worker: WorkerId) -> WorkerView<'a> {
        let state = &self.state.workers[worker.index()];
        WorkerView { id: worker, state, now: self.state.now }
    }

    /// The workers that could start a batch now, in order.
    pub fn idle_workers(&self) -> impl Iterator<Item = WorkerId> + use<'a> {
        self.workers().filter(WorkerView::is_idle).map(|worker| worker.id)
    }

    /// The variants that can serve `app` on `worker`, in profile order, and after them the answer
    /// of the SneakPeek model where it may be chosen: one request at a time, at once, on no lane.
    pub fn variants(
        &self,
        worker: WorkerId,
        app: AppId,
    ) -> impl Iterator<Item = VariantId> + use<'a> {
        let catalog = self.catalog();
        let usable = move |variant: &VariantId| catalog.max_batch(worker, *variant) > 0;
        catalog.variants_of(app).filter(usable).chain(self.state.offer(app))
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

    /// The probability of a right answer, from the source of accuracy that the run granted.
    #[inline]
    pub fn accuracy(&self, request: RequestId, variant: VariantId) -> f64 {
        if let Some(accuracy) = self.state.accuracy_of_all(variant) {
            return accuracy;
        }
        let estimates = &self.state.estimates;
        let offset = self.state.catalog.variant_offset(variant);
        estimates.accuracy[request.slot() * estimates.variants + offset]
    }

    /// The source of accuracy that the run granted.
    pub fn info(&self) -> AccuracySource {
        self.state.info
    }

    /// Class probabilities of a request: the posterior if it was looked at, the true class for an
    /// oracle of labels, nothing otherwise.
    pub fn posterior(&self, request: &Request) -> &'a [f64] {
        let estimates = &self.state.estimates;
        if estimates.posterior.is_empty() {
            return &[];
        }
        let at = request.id.slot() * estimates.classes;
        &estimates.posterior[at..at + self.state.catalog.app(request.app).classes.len()]
    }

    /// The most likely class, ties to the lowest; 0 if nothing is known of the request.
    pub fn likely_class(&self, request: &Request) -> usize {
        argmax(self.posterior(request)) * usize::from(!self.posterior(request).is_empty())
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

    /// Whether an answer at `finish` would count as late.
    #[inline]
    pub fn is_late(&self, request: &Request, finish: Time) -> bool {
        self.state.catalog.penalty.tardiness(finish, request.deadline) > Span::ZERO
    }

    /// Expected utility of answering a request with `variant` at `finish`; the SneakPeek model
    /// answers at once, however long the worker is busy.
    #[inline]
    pub fn utility(&self, request: &Request, variant: VariantId, finish: Time) -> f64 {
        let finish = if self.catalog().is_peek(variant) { self.now() } else { finish };
        self.accuracy(request.id, variant) * (1.0 - self.penalty(request, finish))
    }

    /// Time to the deadline; zero if it has passed.
    #[inline]
    pub fn remaining(&self, request: &Request) -> Span {
        request.deadline.since(self.state.now)
    }

    /// Fills `cursor` with the expected end of the worker's backlog.
    pub fn backlog_end(&self, worker: WorkerId, cursor: &mut Timeline) {
        let state = &self.state.workers[worker.index()];
        let now = self.state.now.max(state.ready);
        cursor.worker = Some(worker);
        cursor.lanes.clear();
        cursor.lanes.extend(state.lanes.iter().map(|lane| match lane {
            None => Lane { free: now, variant: None },
            Some(running) => {
                Lane { free: running.expected_end.max(now), variant: Some(running.variant) }
            }
        }));
        cursor.memory.copy_from(&state.memory);
        if let Some(loading) = state.loading {
            cursor.occupy_until(loading.end);
        }
        cursor.way = None;
        let link = self.state.catalog.worker(worker).link.as_ref();
        let mut sent = self.state.now;
        for job in &state.backlog {
            let arrival = match link {
                None => job.not_before,
                Some(link) => self.arrival(link, job, &mut sent),
            };
            cursor.occupy_until(arrival);
            self.place(cursor, worker, job.variant, job.requests.len());
        }
        cursor.way = link.map(|link| LinkState {
            sent: sent.max(state.sent.filter(|_| !link.varies()).unwrap_or(sent)),
            rate_bps: link.rate_bps(self.state.now),
            delay: link.one_way(),
        });
    }

    /// When a job that was sent will arrive, as it seems now; `sent` is when those before it will
    /// have been sent.
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

    /// When a batch would end if it came next, loading its variant first if need be.
    #[inline]
    pub fn finish(&self, cursor: &Timeline, variant: VariantId, batch: usize) -> Time {
        let Some(worker) = cursor.worker else { return Time::MAX };
        if self.state.catalog.is_peek(variant) {
            return self.state.now;
        }
        let (mut start, mut back) = (cursor.free_at(), Span::ZERO);
        let load = self.load_after(cursor, worker, variant);
        if let Some((begin, _)) = load {
            start = start.max(begin);
        }
        if let Some(way) = cursor.way {
            let bytes = self.state.catalog.payload_bytes(variant, batch);
            start = start.max(way.send(bytes).1);
            back = way.delay;
        }
        if let Some((_, span)) = load {
            start += span;
        }
        start + self.expected_latency(worker, variant, batch) + back
    }

    /// When a batch of at most `most` requests would end at the earliest if it came next: alone,
    /// unless a larger one takes less time.
    #[inline]
    pub fn soonest(&self, cursor: &Timeline, variant: VariantId, most: usize) -> Time {
        let alone = self.finish(cursor, variant, 1);
        match cursor.worker {
            Some(worker) if self.state.catalog.falls(worker, variant) => {
                let sizes = 2..=most.min(self.max_batch(worker, variant));
                sizes.map(|batch| self.finish(cursor, variant, batch)).fold(alone, Time::min)
            }
            _ => alone,
        }
    }

    /// Appends a batch to the cursor and returns when it would end.
    pub fn estimate_append(&self, cursor: &mut Timeline, variant: VariantId, batch: usize) -> Time {
        let Some(worker) = cursor.worker else { return Time::MAX };
        if self.state.catalog.is_peek(variant) {
            return self.state.now;
        }
        let mut back = Span::ZERO;
        if let Some(way) = &mut cursor.way {
            let (sent, arrival) = way.send(self.state.catalog.payload_bytes(variant, batch));
            (way.sent, back) = (sent, way.delay);
            cursor.occupy_until(arrival);
        }
        self.place(cursor, worker, variant, batch) + back
    }

    /// Appends a batch that was assigned, or a load if the batch is empty; when it would end.
    #[inline]
    fn place(
        &self,
        cursor: &mut Timeline,
        worker: WorkerId,
        variant: VariantId,
        batch: usize,
    ) -> Time {
        self.occupy(cursor, worker, variant);
        if batch == 0 {
            return cursor.free_at();
        }
        let latency = self.expected_latency(worker, variant, batch);
        match cursor.lanes.iter_mut().min_by_key(|lane| lane.free) {
            Some(lane) => {
                *lane = Lane { free: lane.free + latency, variant: Some(variant) };
                lane.free
            }
            None => Time::MAX,
        }
    }

    /// Loads the variant if it is not resident, and marks it as used.
    fn occupy(&self, cursor: &mut Timeline, worker: WorkerId, variant: VariantId) {
        let Some((begin, span)) = self.load_after(cursor, worker, variant) else {
            cursor.memory.touch(variant);
            return;
        };
        cursor.occupy_until(begin + span);
        cursor.memory.load(variant, self.state.catalog.variant(variant).bytes, |_| {});
    }

    /// When a load of the variant could begin and how long it takes; `None` if it is resident. It
    /// waits for all lanes, or, if it takes no time, for batches that need what has to leave.
    #[inline]
    fn load_after(
        &self,
        cursor: &Timeline,
        worker: WorkerId,
        variant: VariantId,
    ) -> Option<(Time, Span)> {
        if cursor.memory.contains(variant) {
            return None;
        }
        let span = self.load_span(worker, variant);
        Some(match span {
            Span::ZERO => (cursor.room_at(self.state.catalog.variant(variant).bytes), span),
            _ => (cursor.all_free_at(), span),
        })
    }
}

impl<'a> WorkerView<'a> {
    /// Whether a batch assigned now would start now, if deciding takes no time and its variant is
    /// resident; of a worker behind a link, whether it would be sent now and find a lane.
    #[inline]
    pub fn is_idle(&self) -> bool {
        if self.state.ready > self.now {
            return false;
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

    /// Whether batches travel to it and answers back.
    #[inline]
    pub fn is_remote(&self) -> bool {
        self.state.sent.is_some()
    }

    /// Lanes on which nothing runs, and for which nothing is under way.
    pub fn free_lanes(&self) -> usize {
        let free = self.state.lanes.iter().filter(|lane| lane.is_none()).count();
        let under_way = self.state.sent.map_or(0, |_| self.state.backlog.len());
        free.saturating_sub(under_way)
    }

    /// The variants in memory, least recently used first.
    pub fn resident(&self) -> impl Iterator<Item = VariantId> + use<'a> {
        self.state.memory.iter()
    }

    /// Whether a variant is in memory.
    pub fn holds(&self, variant: VariantId) -> bool {
        self.state.memory.contains(variant)
    }

    /// The variant being loaded and when that ends.
    pub fn loading(&self) -> Option<(VariantId, Time)> {
        self.state.loading.map(|loading| (loading.variant, loading.end))
    }

    /// (variant, batch size, expected end) of each batch being computed.
    pub fn running(&self) -> impl Iterator<Item = (VariantId, usize, Time)> + use<'a> {
        self.state.running().map(|r| (r.variant, r.requests.len(), r.expected_end))
    }

    /// Batches and loads assigned and not started.
    pub fn backlog_len(&self) -> usize {
        self.state.backlog.len()
    }
}
