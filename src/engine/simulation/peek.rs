//! Peeks at requests, and answers of the SneakPeek model.
//!
//! The host has one serial lane. On workers a peek is a batch on a free lane that alternates with
//! the backlog: after a batch has started, requests that wait for a peek go first; after a peek,
//! the backlog does, so that neither blocks the other. A worker without backlog peeks as long as
//! requests wait: the first free worker that can serve the application. A peek takes the
//! application of the oldest waiting request, and as many of its requests as the table allows, in
//! order of arrival.

use super::{Answer, Simulation};
use crate::classifier::model::{ClassifierHost, ShortCircuit};
use crate::contract::state::Running;
use crate::contract::{AccuracySource, BatchCompletion, Event, Observer};
use crate::core::ids::{AppId, RequestId, VariantId, WorkerId};
use crate::core::rounding::rounded;
use crate::core::units::{Span, Time};
use crate::engine::event_queue::EventKind;
use crate::engine::observations;
use crate::system::catalog::Catalog;
use std::collections::VecDeque;

/// Requests that wait for a peek, and the host's lane.
#[derive(Debug, Default)]
pub(super) struct Peeks {
    /// By application.
    waiting: Vec<VecDeque<RequestId>>,
    /// By application, whether its peeks run on workers.
    on_workers: Vec<bool>,
    pub(super) count: usize,
    /// How many of them wait for a worker.
    pub(super) for_workers: usize,
    /// Requests of the peek on the host; empty when it is idle.
    on_host: Vec<RequestId>,
    answers: Vec<ChosenAnswer>,
}

/// An answer of the SneakPeek model that a scheduler chose.
#[derive(Clone, Copy, Debug)]
struct ChosenAnswer {
    /// The end of the decision overhead.
    at: Time,
    decided: Time,
    worker: WorkerId,
    variant: VariantId,
    id: RequestId,
}

impl Peeks {
    pub fn new(catalog: &Catalog) -> Self {
        let on_workers = |app: AppId| catalog.app(app).classifier.runs_on == ClassifierHost::Worker;
        Self {
            waiting: vec![VecDeque::new(); catalog.app_ids().len()],
            on_workers: catalog.app_ids().map(on_workers).collect(),
            ..Self::default()
        }
    }

    fn push(&mut self, app: AppId, request: RequestId) {
        self.waiting[app.index()].push_back(request);
        self.add(app, 1);
    }

    fn add(&mut self, app: AppId, requests: usize) {
        self.count += requests;
        self.for_workers += if self.on_workers[app.index()] { requests } else { 0 };
    }

    /// Adds requests of one application whose peek was lost, in their places by arrival.
    pub fn put_back(&mut self, app: AppId, requests: &[RequestId]) {
        let queue = &mut self.waiting[app.index()];
        queue.extend(requests);
        queue.make_contiguous().sort_unstable();
        self.add(app, requests.len());
    }

    /// Moves the requests of the next peek into `into`: of the application, among those of
    /// `filter`, whose oldest request waits longest. Returns it and the latency of the peek.
    fn take(
        &mut self,
        catalog: &Catalog,
        filter: impl Fn(AppId) -> bool,
        into: &mut Vec<RequestId>,
    ) -> Option<(AppId, Span)> {
        let oldest = |app: &AppId| self.waiting[app.index()].front().copied();
        let waits = |app: &AppId| oldest(app).is_some() && filter(*app);
        let app = catalog.app_ids().filter(waits).min_by_key(oldest)?;
        let table = catalog.app(app).peek_latency.as_ref()?;
        let queue = &mut self.waiting[app.index()];
        into.extend(queue.drain(..queue.len().min(table.max_batch())));
        self.count -= into.len();
        self.for_workers -= if self.on_workers[app.index()] { into.len() } else { 0 };
        Some((app, table.latency(into.len())))
    }
}

impl Simulation {
    /// Receives a request that has just arrived: it is ready, or waits for a peek.
    #[inline]
    pub(super) fn receive(&mut self, app: AppId, id: RequestId, observer: &mut impl Observer) {
        if self.state.info != AccuracySource::Posterior
            || self.state.catalog.peek_host(app) == ClassifierHost::Free
        {
            self.make_ready(id, observer);
        } else {
            self.peeks.push(app, id);
        }
    }

    /// Starts the host's next peek, if it is idle and requests wait.
    #[inline]
    pub(super) fn peek_on_host(&mut self, observer: &mut impl Observer) {
        if self.peeks.count > 0 && self.peeks.on_host.is_empty() {
            self.begin_peek_on_host(observer);
        }
    }

    fn begin_peek_on_host(&mut self, observer: &mut impl Observer) {
        let catalog = &self.state.catalog;
        let mut requests = std::mem::take(&mut self.peeks.on_host);
        let on_host = |app: AppId| catalog.app(app).classifier.runs_on == ClassifierHost::Host;
        if let Some((_, span)) = self.peeks.take(catalog, on_host, &mut requests) {
            let (at, end) = (self.state.now, self.state.now + span);
            observer.on(Event::PeekStarted { at, end, requests: &requests });
            self.queue.push(end, EventKind::PeekEnd);
        }
        self.peeks.on_host = requests;
    }

    pub(super) fn end_peek_on_host(&mut self, observer: &mut impl Observer) {
        let mut requests = std::mem::take(&mut self.peeks.on_host);
        requests.drain(..).for_each(|id| self.make_ready(id, observer));
        self.peeks.on_host = requests;
        self.peek_on_host(observer);
    }

    /// Starts peeks on workers without backlog, after the scheduler has decided.
    #[inline]
    pub(super) fn peek_when_idle(&mut self, observer: &mut impl Observer) {
        if self.peeks.for_workers == 0 {
            return;
        }
        // A peek closes its own worker at most.
        let open: Vec<WorkerId> = self.state.open_workers().collect();
        for worker in open {
            while self.state.workers[worker.index()].backlog.is_empty()
                && self.peek_on_worker(worker, observer)
            {}
        }
    }

    /// Starts a peek on the worker, if a lane is free and a request waits that it can peek at.
    #[inline]
    pub(super) fn peek_on_worker(
        &mut self,
        worker: WorkerId,
        observer: &mut impl Observer,
    ) -> bool {
        self.peeks.for_workers > 0 && self.begin_peek(worker, observer)
    }

    fn begin_peek(&mut self, worker: WorkerId, observer: &mut impl Observer) -> bool {
        let at = self.state.now;
        let state = &self.state.workers[worker.index()];
        let lane = state.lanes.iter().position(Option::is_none);
        let (Some(lane), None) = (lane, state.loading) else { return false };
        if state.ready > at {
            return false;
        }
        let catalog = &self.state.catalog;
        let mut requests = self.spare.pop().unwrap_or_default();
        let on_worker = |app: AppId| catalog.has_peeks(worker, app);
        let peek = self.peeks.take(catalog, on_worker, &mut requests);
        let peek = peek.and_then(|(app, span)| Some((catalog.app(app).peek_variant?, span)));
        let Some((variant, span)) = peek else {
            self.spare.push(requests);
            return false;
        };
        let end = at + self.truth.peek_time(worker, span, at);
        let running =
            Running { variant, requests, decided: at, started: at, expected_end: at + span };
        self.start_batch(worker, lane, running, end, observer);
        self.state.workers[worker.index()].peeked_last = true;
        true
    }

    /// Makes a request pending, or answers it if the SneakPeek model is sure enough.
    #[inline]
    pub(super) fn make_ready(&mut self, id: RequestId, observer: &mut impl Observer) {
        observations::fill(&mut self.state, &self.truth, id, self.rng);
        if let Some(variant) = self.short_circuit(id) {
            self.give_answer(id, variant, self.state.now, observer);
            return;
        }
        self.state.show(id);
        self.arrived.push(id);
        if let Some(slot) = self.state.slot(id) {
            observer.on(Event::ReadyToSchedule { at: self.state.now, request: &slot.request });
        }
    }

    /// The variant of the SneakPeek model, if its answer is taken before scheduling.
    #[inline]
    fn short_circuit(&self, id: RequestId) -> Option<VariantId> {
        if self.state.info != AccuracySource::Posterior {
            return None;
        }
        let app = self.state.catalog.app(self.state.slot(id)?.request.app);
        let ShortCircuit::Threshold(threshold) = app.classifier.short_circuit else { return None };
        let variant = app.peek_variant?;
        self.state.beliefs.answer[id.slot()]?;
        (rounded(self.view().accuracy(id, variant)) >= rounded(threshold)).then_some(variant)
    }

    /// Queues the answers of the SneakPeek model to requests for which the scheduler chose it; `at`
    /// is the end of the decision overhead.
    pub(super) fn answer_at(
        &mut self,
        at: Time,
        worker: WorkerId,
        variant: VariantId,
        ids: &[RequestId],
    ) {
        if self.peeks.answers.last().is_none_or(|last| last.at != at) {
            self.queue.push(at, EventKind::Answers);
        }
        let decided = self.state.now;
        let answers = ids.iter().map(|id| ChosenAnswer { at, decided, worker, variant, id: *id });
        self.peeks.answers.extend(answers);
    }

    /// Ends a request with the answer of the SneakPeek model.
    #[cold]
    fn give_answer(
        &mut self,
        id: RequestId,
        variant: VariantId,
        decided: Time,
        observer: &mut impl Observer,
    ) {
        let started = self.state.now;
        let answer = Answer { worker: None, variant, batch: 1, decided, started };
        self.complete(&[id], answer, observer);
    }

    /// Gives the answers that are due. Their workers are freed, so that the scheduler decides again
    /// at this instant: it may have more to decide for workers on which no batch was started.
    pub(super) fn give_answers(&mut self, observer: &mut impl Observer) {
        let now = self.state.now;
        let answers = std::mem::take(&mut self.peeks.answers).into_iter();
        let (due, later): (Vec<_>, Vec<_>) = answers.partition(|answer| answer.at <= now);
        self.peeks.answers = later;
        for ChosenAnswer { decided, worker, variant, id, .. } in due {
            let missed = self.state.catalog.penalty.missed_before(now);
            let late = usize::from(self.state.assigned(id).request.deadline < missed);
            self.give_answer(id, variant, decided, observer);
            let (lane, batch, started, finished) = (None, 1, now, now);
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
        }
    }
}
