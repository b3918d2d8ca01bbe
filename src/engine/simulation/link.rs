//! Uploads to workers behind a link, and their responses.
//!
//! Batches are sent one after another in the order of decisions, and start no earlier than they
//! arrive. A preload is a queued message of no bytes. The scheduler decides again when the link is
//! free. A lane is free when its batch has been computed; the requests end when the answers arrive.
//!
//! Before a batch, a host with `host_before_ms` works on its requests one after another, in the
//! order of decisions and while the worker computes other batches; the scheduler decides again when
//! the host is free. After a batch, a host with `host_after_ms` works on its requests one after
//! another, in the order in which batches end; then `delay_ms` passes for each batch alone, and
//! answers travel back.

use super::{Answer, Simulation};
use crate::contract::state::Job;
use crate::contract::{Event, Observer};
use crate::core::ids::{RequestId, WorkerId};
use crate::core::units::{Span, Time};
use crate::engine::event_queue::EventKind;
use crate::system::ground_truth::BatchKey;
use crate::system::link::Link;
use std::sync::Arc;

/// Answers on a link.
#[derive(Debug)]
pub(super) struct PendingResponse {
    worker: WorkerId,
    answer: Answer,
    requests: Vec<RequestId>,
    /// How long the host works on them.
    host: Span,
}

impl Simulation {
    /// Queues the payload of a job on the worker's link, which is free at `free`.
    pub(super) fn send(
        &mut self,
        worker: WorkerId,
        free: Time,
        job: &mut Job,
        observer: &mut impl Observer,
    ) {
        let (at, catalog) = (self.state.now, Arc::clone(&self.state.catalog));
        let Some(link) = &catalog.worker(worker).link else { return };
        let bytes = catalog.payload_bytes(job.variant, job.requests.len());
        let start = free.max(job.not_before);
        let end = link.sent(start, bytes);
        (job.sent_from, job.not_before) = (start, end + link.one_way());
        self.state.workers[worker.index()].sent = Some(end);
        if end > at && end < job.not_before {
            self.queue.push(end, EventKind::Ready(worker));
        }
        observer.on(Event::UploadQueued { at, worker, bytes, start, end });
    }

    /// Queues the work of the host before a job, which is free at `free`.
    pub(super) fn prepare(&mut self, worker: WorkerId, free: Time, job: &mut Job) {
        let host = self.state.catalog.host(worker, job.variant).before(job.requests.len());
        job.not_before = free.max(job.not_before) + host;
        self.state.workers[worker.index()].prepared = Some(job.not_before);
    }

    /// Reports the unsent rest of a job's payload: its worker fails.
    pub(super) fn abort_upload(&self, worker: WorkerId, job: &Job, observer: &mut impl Observer) {
        let at = self.state.now;
        let Some(link) = &self.state.catalog.worker(worker).link else { return };
        let end = Time(job.not_before.0.saturating_sub(link.one_way().0));
        if end > at {
            let bytes = self.state.catalog.payload_bytes(job.variant, job.requests.len());
            let left = bytes.saturating_sub(link.carries(job.sent_from, at));
            let start = job.sent_from.max(at);
            observer.on(Event::UploadAborted { at, worker, bytes: left, start, end });
        }
    }

    /// Sends answers; their requests end when they arrive.
    pub(super) fn begin_response(
        &mut self,
        worker: WorkerId,
        requests: Vec<RequestId>,
        answer: Answer,
        observer: &mut impl Observer,
    ) {
        let (now, mut at, mut host) = (self.state.now, self.state.now, Span::ZERO);
        if self.state.catalog.worker(worker).host[1] {
            let batch = BatchKey { worker, variant: answer.variant, requests: &requests };
            let recent_use = self.recent_use(worker);
            let [serial, delay] = self.truth.after(batch, recent_use, self.rng);
            let free = &mut self.state.workers[worker.index()].answered;
            if serial > Span::ZERO {
                *free = at.max(*free) + serial;
                at = *free;
            }
            at += delay;
            host = serial + delay;
        }
        let link = &self.state.catalog.worker(worker).link;
        at += link.as_ref().map_or(Span::ZERO, Link::one_way);
        let response = PendingResponse { worker, answer, requests, host };
        let slot = self.responses.iter().position(Option::is_none).unwrap_or_else(|| {
            self.responses.push(None);
            self.responses.len() - 1
        });
        self.responses[slot] = Some(response);
        if at > now {
            self.queue.push(at, EventKind::Response(slot as u32));
        } else {
            self.end_response(slot as u32, observer);
        }
    }

    /// Delivers answers.
    pub(super) fn end_response(&mut self, slot: u32, observer: &mut impl Observer) {
        let Some(response) = self.responses[slot as usize].take() else { return };
        let PendingResponse { worker, answer, mut requests, host } = response;
        let (at, variant) = (self.state.now, answer.variant);
        observer.on(Event::ResponseArrived { at, worker, variant, host });
        self.complete(&requests, answer, observer);
        requests.clear();
        self.spare.push(requests);
    }

    /// The worker whose answers are in a slot.
    pub(super) fn responding(&self, slot: u32) -> Option<WorkerId> {
        self.responses[slot as usize].as_ref().map(|response| response.worker)
    }
}
