//! What a worker does with its backlog: loads and batches start in its order, and batches end.

use super::{Answer, Simulation};
use crate::contract::state::{Job, Running};
use crate::contract::{BatchCompletion, Event, Observer};
use crate::core::ids::{RequestId, VariantId, WorkerId};
use crate::core::units::{Span, Time};
use crate::engine::event_queue::EventKind;
use crate::system::ground_truth::BatchKey;
use crate::system::link::Link;

impl Simulation {
    /// Appends to a worker's backlog and starts what can start. The worker is freed once at the end
    /// of the overhead of a decision.
    #[expect(clippy::inline_always, reason = "once a batch")]
    #[inline(always)]
    pub(super) fn append(&mut self, worker: WorkerId, mut job: Job, observer: &mut impl Observer) {
        if let Some(sent) = self.state.workers[worker.index()].sent {
            self.send(worker, sent, &mut job, observer);
        }
        if let Some(free) = self.state.workers[worker.index()].prepared {
            self.prepare(worker, free, &mut job);
        }
        let Job { variant, ref requests, not_before, .. } = job;
        if !requests.is_empty() {
            let at = self.state.now;
            observer.on(Event::Assigned { at, worker, variant, requests, not_before });
        }
        if let Some(lane) = self.free_lane(worker, &job) {
            self.state.workers[worker.index()].memory.touch(job.variant);
            self.start_job(worker, lane, job, observer);
            return;
        }
        let backlog = &mut self.state.workers[worker.index()].backlog;
        let is_queued = backlog.back().is_some_and(|last| last.not_before == job.not_before);
        if job.not_before > self.state.now && !is_queued {
            self.queue.push(job.not_before, EventKind::Ready(worker));
        }
        backlog.push_back(job);
        self.start(worker, observer);
    }

    /// The lane on which a batch can start at once: nothing goes before it, and its variant is
    /// resident. [`Self::start`] would do the same.
    #[inline]
    fn free_lane(&self, worker: WorkerId, job: &Job) -> Option<usize> {
        let state = &self.state.workers[worker.index()];
        let may = state.backlog.is_empty()
            && self.peeks.for_workers == 0
            && state.loading.is_none()
            && state.ready.max(job.not_before) <= self.state.now
            && !job.requests.is_empty()
            && state.memory.contains(job.variant);
        if may { state.lanes.iter().position(Option::is_none) } else { None }
    }

    /// Starts the peeks, loads and batches that the worker can start now.
    #[inline(never)]
    pub(super) fn start(&mut self, worker: WorkerId, observer: &mut impl Observer) {
        self.start_jobs(worker, observer);
        self.state.note_worker(worker);
    }

    fn start_jobs(&mut self, worker: WorkerId, observer: &mut impl Observer) {
        let now = self.state.now;
        loop {
            let peeked_last = self.state.workers[worker.index()].peeked_last;
            if !peeked_last && self.peek_on_worker(worker, observer) {
                continue;
            }
            let state = &mut self.state.workers[worker.index()];
            let Some(job) = state.backlog.front() else { return };
            if state.loading.is_some() || state.ready.max(job.not_before) > now {
                return;
            }
            let variant = job.variant;
            if !state.memory.contains(variant) {
                if !self.may_load(worker, variant) || !self.load(worker, variant, observer) {
                    return;
                }
                continue;
            }
            state.memory.touch(variant);
            if job.requests.is_empty() {
                state.backlog.pop_front();
                continue;
            }
            let Some(lane) = state.lanes.iter().position(Option::is_none) else { return };
            let Some(job) = state.backlog.pop_front() else { return };
            self.start_job(worker, lane, job, observer);
        }
    }

    #[expect(clippy::inline_always, reason = "once a batch")]
    #[inline(always)]
    fn start_job(&mut self, worker: WorkerId, lane: usize, job: Job, observer: &mut impl Observer) {
        let Job { variant, requests, decided, .. } = job;
        let started = self.state.now;
        let latency = self.state.catalog.latency(worker, variant, requests.len());
        let expected_end = started + latency;
        let batch = BatchKey { worker, variant, requests: &requests };
        let recent_use = if self.recent_use.is_empty() { 1.0 } else { self.recent_use(worker) };
        let end = started + self.truth.service(batch, started, recent_use, self.rng);
        let running = Running { variant, requests, decided, started, expected_end };
        self.start_batch(worker, lane, running, end, observer);
        self.state.workers[worker.index()].peeked_last = false;
    }

    /// Occupies a lane with a batch, or with a peek, until `end`.
    #[expect(clippy::inline_always, reason = "once a batch")]
    #[inline(always)]
    pub(super) fn start_batch(
        &mut self,
        worker: WorkerId,
        lane: usize,
        running: Running,
        end: Time,
        observer: &mut impl Observer,
    ) {
        let Running { variant, ref requests, started: at, .. } = running;
        observer.on(Event::BatchStarted { at, worker, lane, variant, requests });
        self.queue.push(end, EventKind::BatchEnd(worker, lane as u16));
        self.state.workers[worker.index()].lanes[lane] = Some(running);
        self.note_use(worker);
        self.state.note_worker(worker);
    }

    /// How many requests have their answers after their deadline if their batch ends now.
    #[inline]
    fn late_answers(&self, worker: WorkerId, variant: VariantId, requests: &[RequestId]) -> usize {
        let catalog = &self.state.catalog;
        let own = catalog.worker(worker);
        let mut way_back = own.link.as_ref().map_or(Span::ZERO, Link::one_way);
        if catalog.has_host() {
            way_back += catalog.host(worker, variant).after(requests.len());
        }
        let missed = catalog.penalty.missed_before(self.state.now + way_back);
        let is_late = |id: &&RequestId| self.state.assigned(**id).request.deadline < missed;
        requests.iter().filter(is_late).count()
    }

    pub(super) fn end_batch(&mut self, worker: WorkerId, lane: u16, observer: &mut impl Observer) {
        let at = self.state.now;
        let lane = usize::from(lane);
        let Some(running) = self.state.workers[worker.index()].lanes[lane].take() else { return };
        self.state.note_worker(worker);
        self.note_use(worker);
        let Running { variant, mut requests, decided, started, .. } = running;
        let batch = requests.len();
        observer.on(Event::BatchEnded { at, worker, lane, variant, started, batch });
        let is_peek = self.state.catalog.is_peek(variant);
        let late = if is_peek { 0 } else { self.late_answers(worker, variant, &requests) };
        let answer =
            Answer { worker: Some(worker), variant, batch: batch as u32, decided, started };
        let catalog = &self.state.catalog;
        let host = catalog.has_host() && catalog.worker(worker).host[1] && !is_peek;
        if host || self.state.workers[worker.index()].sent.is_some() {
            self.begin_response(worker, std::mem::take(&mut requests), answer, observer);
        }
        if is_peek {
            requests.iter().for_each(|id| self.make_ready(*id, observer));
        } else {
            self.complete(&requests, answer, observer);
        }
        requests.clear();
        self.spare.push(requests);
        let (lane, finished) = (Some(lane), at);
        self.feedback.push(BatchCompletion {
            worker,
            lane,
            variant,
            batch,
            started,
            finished,
            late,
        });
        self.freed.push(worker);
        if self.peeks.for_workers > 0 || !self.state.workers[worker.index()].backlog.is_empty() {
            self.start(worker, observer);
        }
    }
}
