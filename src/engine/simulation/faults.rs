//! Workers that fail and come back.
//!
//! At the end of an instant at which a worker fails, its batches and its load end without a result,
//! its memory is empty and its backlog gone. Every request it had been given waits again, in its
//! place by arrival and with its deadline as it was, and the scheduler hears of it as of one that
//! has just arrived; those that were being looked at wait to be looked at again. When the worker
//! is back it is empty: what it held at the start of the run has to be loaded, too. Meanwhile it
//! may be given a backlog, which begins then: schedulers see when that will be, as they do of
//! workers that start late.
//!
//! Behind a link the line of payloads is cut as well: what has not been sent will not be, and what
//! was is in vain unless it has been computed. Answers on their way back arrive. The link itself
//! does not fail: it carries what is meant for the worker when it is back.
//!
//! A failure after which nothing is left to do is as good as none, and is not told.

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
        let mut returned = Vec::new();
        for lane in 0..self.state.workers[worker.index()].lanes.len() {
            self.lose(worker, lane, &mut returned, observer);
        }
        let state = &mut self.state.workers[worker.index()];
        state.ready = until;
        state.looked = false;
        if let Some(Loading { variant, started, end }) = state.loading.take() {
            observer.on(Event::LoadLost { at, worker, variant, started, end });
        }
        let resident: Vec<_> = state.memory.iter().collect();
        for variant in resident {
            state.memory.evict(variant);
            observer.on(Event::Evicted { at, worker, variant });
        }
        // The line is cut: what is sent next need not wait for it.
        state.sent = state.sent.map(|_| at);
        for job in std::mem::take(&mut state.backlog) {
            self.abort_upload(worker, &job, observer);
            returned.extend(job.requests);
        }
        returned.sort_unstable();
        for id in returned {
            self.state.give_back(id);
            self.arrived.push(id);
            if let Some(slot) = self.state.slot(id) {
                observer.on(Event::RequestRequeued { at, request: &slot.request });
            }
        }
    }

    /// Ends what runs on a lane without a result.
    fn lose(
        &mut self,
        worker: WorkerId,
        lane: usize,
        returned: &mut Vec<RequestId>,
        observer: &mut impl Observer,
    ) {
        let at = self.state.now;
        let Some(running) = self.state.workers[worker.index()].lanes[lane].take() else { return };
        let (variant, started, requests) = (running.variant, running.started, &running.requests);
        observer.on(Event::BatchLost { at, worker, lane, variant, started, requests });
        if self.state.catalog.is_peek(variant) {
            let app = self.state.catalog.variant(variant).app;
            self.peeks.put_back(app, requests);
        } else {
            returned.extend_from_slice(requests);
        }
    }
}
