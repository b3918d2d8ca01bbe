//! How requests are looked at, and answered by the SneakPeek model.
//!
//! On the host there is one serial lane. On workers a look is a batch on a free lane, and takes
//! turns with the backlog: after a batch has started, requests that wait to be seen go first; after
//! a look, the backlog does, if there is any, and what the scheduler makes of what was seen. So
//! neither keeps the other waiting for good. A worker without backlog looks as long as somebody
//! waits; the first free one that can serve the application does. In both places a look takes the
//! application of the oldest waiting request, and as many of that application as the table allows,
//! in order of arrival.

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
use std::sync::Arc;

/// Requests that wait to be looked at, and the host's lane.
#[derive(Debug, Default)]
pub(super) struct Peeks {
    /// By application.
    waiting: Vec<VecDeque<RequestId>>,
    /// How many wait.
    pub(super) count: usize,
    /// What the host is looking at; empty when idle.
    looking: Vec<RequestId>,
    answering: Vec<ShortCircuitAnswer>,
}

/// A request that the SneakPeek model is to answer.
#[derive(Clone, Copy, Debug)]
struct ShortCircuitAnswer {
    /// When.
    at: Time,
    /// When that was decided.
    decided: Time,
    /// Where it was assigned, and as what.
    from: (WorkerId, VariantId),
    id: RequestId,
}

impl Peeks {
    pub fn new(apps: usize) -> Self {
        Self { waiting: vec![VecDeque::new(); apps], ..Self::default() }
    }

    fn push(&mut self, app: AppId, request: RequestId) {
        self.waiting[app.index()].push_back(request);
        self.count += 1;
    }

    /// Takes back requests of one application whose look was lost, to their places by arrival.
    pub fn put_back(&mut self, app: AppId, requests: &[RequestId]) {
        let queue = &mut self.waiting[app.index()];
        queue.extend(requests);
        queue.make_contiguous().sort_unstable();
        self.count += requests.len();
    }

    /// Takes the next requests to look at, of one of the applications that `may` be looked at;
    /// which, and how long that takes.
    fn take(
        &mut self,
        catalog: &Catalog,
        may: impl Fn(AppId) -> bool,
        into: &mut Vec<RequestId>,
    ) -> Option<(AppId, Span)> {
        let oldest = |app: &AppId| self.waiting[app.index()].front().copied();
        let waits = |app: &AppId| oldest(app).is_some() && may(*app);
        let app = catalog.app_ids().filter(waits).min_by_key(oldest)?;
        let table = catalog.app(app).look.as_ref()?;
        let queue = &mut self.waiting[app.index()];
        into.extend(queue.drain(..queue.len().min(table.max_batch())));
        self.count -= into.len();
        Some((app, table.latency(into.len())))
    }
}

impl Simulation {
    /// Where requests are looked at for who wants to know; nowhere if that takes no time.
    fn place(&self, app: AppId) -> ClassifierHost {
        let catalog = &self.state.catalog;
        let place = catalog.app(app).peek.runs_on;
        let nowhere = catalog.app(app).look.is_none()
            // A request that no worker can serve would never be seen.
            || place == ClassifierHost::Worker
                && !catalog.worker_ids().any(|w| catalog.has_peeks(w, app));
        if nowhere { ClassifierHost::Free } else { place }
    }

    /// Takes in a request that has just arrived.
    #[inline]
    pub(super) fn receive(&mut self, app: AppId, id: RequestId, observer: &mut impl Observer) {
        if self.state.info != AccuracySource::Posterior || self.place(app) == ClassifierHost::Free {
            self.make_ready(id, observer);
        } else {
            self.peeks.push(app, id);
        }
    }

    /// Starts the host's next look, if it is idle and somebody waits.
    #[inline]
    pub(super) fn peek_on_host(&mut self) {
        if self.peeks.count > 0 && self.peeks.looking.is_empty() {
            self.begin_peek_on_host();
        }
    }

    fn begin_peek_on_host(&mut self) {
        let catalog = Arc::clone(&self.state.catalog);
        let mut looking = std::mem::take(&mut self.peeks.looking);
        let here = |app: AppId| catalog.app(app).peek.runs_on == ClassifierHost::Host;
        if let Some((_, span)) = self.peeks.take(&catalog, here, &mut looking) {
            self.queue.push(self.state.now + span, EventKind::PeekEnd);
        }
        self.peeks.looking = looking;
    }

    pub(super) fn end_peek_on_host(&mut self, observer: &mut impl Observer) {
        let mut looked = std::mem::take(&mut self.peeks.looking);
        looked.drain(..).for_each(|id| self.make_ready(id, observer));
        self.peeks.looking = looked;
        self.peek_on_host();
    }

    /// Starts looks on workers that have nothing else to do, once the scheduler has had its say.
    #[inline]
    pub(super) fn peek_when_idle(&mut self, observer: &mut impl Observer) {
        if self.peeks.count == 0 {
            return;
        }
        let catalog = Arc::clone(&self.state.catalog);
        for worker in catalog.worker_ids() {
            while self.state.workers[worker.index()].backlog.is_empty()
                && self.peek_on_worker(worker, observer)
            {}
        }
    }

    /// Starts a look on the worker if a lane is free and somebody waits whom it can look at.
    #[inline]
    pub(super) fn peek_on_worker(
        &mut self,
        worker: WorkerId,
        observer: &mut impl Observer,
    ) -> bool {
        self.peeks.count > 0 && self.begin_peek(worker, observer)
    }

    fn begin_peek(&mut self, worker: WorkerId, observer: &mut impl Observer) -> bool {
        let at = self.state.now;
        let state = &self.state.workers[worker.index()];
        let lane = state.lanes.iter().position(Option::is_none);
        let (Some(lane), None) = (lane, state.loading) else { return false };
        if state.ready > at {
            return false;
        }
        let catalog = Arc::clone(&self.state.catalog);
        let mut requests = self.spare.pop().unwrap_or_default();
        let here = |app: AppId| catalog.has_peeks(worker, app);
        let taken = self.peeks.take(&catalog, here, &mut requests);
        let look = taken.and_then(|(app, span)| Some((catalog.app(app).answers?, span)));
        let Some((variant, span)) = look else {
            self.spare.push(requests);
            return false;
        };
        observer.on(Event::BatchStarted { at, worker, lane, variant, requests: &requests });
        let end = at + self.truth.peek_time(worker, span, at);
        self.queue.push(end, EventKind::BatchEnd(worker, lane as u16));
        let running =
            Running { variant, requests, decided: at, started: at, expected_end: at + span };
        let state = &mut self.state.workers[worker.index()];
        state.lanes[lane] = Some(running);
        state.looked = true;
        true
    }

    /// Shows a request to the scheduler, or answers it if the look was enough.
    #[inline]
    pub(super) fn make_ready(&mut self, id: RequestId, observer: &mut impl Observer) {
        observations::fill(&mut self.state, &self.truth, id, self.rng);
        if let Some(variant) = self.short_circuit(id) {
            self.give_answer(id, variant, self.state.now, observer);
            return;
        }
        self.show(id, observer);
    }

    /// The SneakPeek model, if its answer is taken as soon as it is known.
    #[inline]
    fn short_circuit(&self, id: RequestId) -> Option<VariantId> {
        if self.state.info != AccuracySource::Posterior {
            return None;
        }
        let app = self.state.catalog.app(self.state.slot(id)?.request.app);
        let ShortCircuit::Threshold(threshold) = app.peek.short_circuit else { return None };
        let variant = app.answers?;
        self.state.estimates.answer[id.slot()]?;
        (rounded(self.view().accuracy(id, variant)) >= rounded(threshold)).then_some(variant)
    }

    /// Takes the answer of the SneakPeek model for requests that a scheduler assigned to it, at the
    /// time when the decision is made.
    pub(super) fn answer(
        &mut self,
        (decided, at): (Time, Time),
        from: (WorkerId, VariantId),
        ids: &[RequestId],
    ) {
        if self.peeks.answering.last().is_none_or(|last| last.at != at) {
            self.queue.push(at, EventKind::Answers);
        }
        self.peeks.answering.extend(ids.iter().map(|id| ShortCircuitAnswer {
            at,
            decided,
            from,
            id: *id,
        }));
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

    /// Gives the answers that are due. Workers count as freed, so that the scheduler is asked again
    /// at this instant: it may have more to decide for workers on which nothing was started.
    pub(super) fn give_answers(&mut self, observer: &mut impl Observer) {
        let at = self.state.now;
        let answering = std::mem::take(&mut self.peeks.answering).into_iter();
        let (due, later) = answering.partition(|answer| answer.at <= at);
        self.peeks.answering = later;
        let due: Vec<ShortCircuitAnswer> = due;
        for ShortCircuitAnswer { decided, from: (worker, variant), id, .. } in due {
            self.give_answer(id, variant, decided, observer);
            let (batch, started) = (1, at);
            self.feedback.push(BatchCompletion { worker, variant, batch, started, finished: at });
            self.freed.push(worker);
        }
    }
}
