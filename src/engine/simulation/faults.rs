//! Failures of workers.
//!
//! At the end of the instant at which a worker fails, its batches and its load end without a
//! result, and its memory and backlog are empty. Every request that was assigned to it waits again,
//! in its place by arrival number and with the same deadline, and is among the arrived ones of the
//! trigger; those that were peeked at wait for another peek. The worker comes back with an empty
//! memory, without the variants that were resident at the start. During the outage it may be given
//! a backlog, which begins at its end: schedulers see that instant as they do of workers that
//! become available later.
//!
//! Behind a link the queue of payloads is cleared as well: unsent bytes are not sent, and batches
//! that were sent but not computed are lost. Answers on the link arrive. The link itself does not
//! fail: it sends payloads for the time after the outage.
//!
//! A failure after the end of the last request is ignored.

use super::Simulation;
use crate::contract::state::Loading;
use crate::contract::{Event, Observer};
use crate::core::ids::{RequestId, WorkerId};
use crate::core::units::Time;
use crate::engine::event_queue::EventKind;

impl Simulation {
    #[cold]
    pub(super) fn fail(&mut self, worker: WorkerId, outage: u16, observer: &mut impl Observer) {
        let ended = self.counts.completed + self.counts.rejected;
        if self.next_arrival() == Time::MAX && self.counts.arrived == ended {
            return;
        }
        let at = self.state.now;
        let span = self.truth.outages(worker)[usize::from(outage)].span;
        let until = self.state.workers[worker.index()].ready.max(at + span);
        observer.on(Event::WorkerFailed { at, worker, until });
        self.queue.forget(worker);
        self.queue.push(until, EventKind::Ready(worker));
        let mut lost = Vec::new();
        for lane in 0..self.state.workers[worker.index()].lanes.len() {
            self.lose_batch(worker, lane, &mut lost, observer);
        }
        let state = &mut self.state.workers[worker.index()];
        state.ready = until;
        state.peeked_last = false;
        if let Some(Loading { variant, started, end }) = state.loading.take() {
            observer.on(Event::LoadLost { at, worker, variant, started, end });
        }
        let resident: Vec<_> = state.memory.iter().collect();
        for variant in resident {
            state.memory.evict(variant);
            observer.on(Event::Evicted { at, worker, variant });
        }
        // The next payload does not wait for the queue.
        state.sent = state.sent.map(|_| at);
        state.prepared = state.prepared.map(|_| at);
        for job in std::mem::take(&mut state.backlog) {
            self.abort_upload(worker, &job, observer);
            lost.extend(job.requests);
        }
        self.state.note_worker(worker);
        lost.sort_unstable();
        self.arrived.extend_from_slice(&lost);
        self.requeue(&lost, observer);
    }

    /// Ends the batch of a lane because a scheduler asks for it, and starts what waited for the
    /// lane.
    pub(super) fn preempt(&mut self, worker: WorkerId, lane: usize, observer: &mut impl Observer) {
        let mut lost = Vec::new();
        self.queue.forget_batch(worker, lane);
        self.lose_batch(worker, lane, &mut lost, observer);
        lost.sort_unstable();
        self.requeue(&lost, observer);
        self.start(worker, observer);
    }

    fn requeue(&mut self, lost: &[RequestId], observer: &mut impl Observer) {
        let at = self.state.now;
        for id in lost {
            self.state.requeue(*id);
            if let Some(slot) = self.state.slot(*id) {
                if let Some(late) = &mut self.late {
                    late.add(&slot.request);
                }
                observer.on(Event::RequestRequeued { at, request: &slot.request });
            }
        }
    }

    /// Ends the batch of a lane without a result; `lost` gets its requests, unless it was a peek.
    fn lose_batch(
        &mut self,
        worker: WorkerId,
        lane: usize,
        lost: &mut Vec<RequestId>,
        observer: &mut impl Observer,
    ) {
        let at = self.state.now;
        let Some(running) = self.state.workers[worker.index()].lanes[lane].take() else { return };
        let (variant, started, requests) = (running.variant, running.started, &running.requests);
        observer.on(Event::BatchLost { at, worker, lane, variant, started, requests });
        self.note_use(worker);
        if self.state.catalog.is_peek(variant) {
            let app = self.state.catalog.variant(variant).app;
            self.peeks.put_back(app, requests);
        } else {
            lost.extend_from_slice(requests);
        }
    }
}
