//! Uploads to workers behind a link, and their responses.
//!
//! Batches are sent one after another in the order of decisions, and start no earlier than they
//! arrive. A preload is a queued message of no bytes. The scheduler decides again when the link is
//! free. A lane is free when its batch has been computed; the requests end when the answers arrive.

use super::{Answer, Simulation};
use crate::contract::state::Job;
use crate::contract::{Event, Observer};
use crate::core::ids::{RequestId, WorkerId};
use crate::core::units::{Span, Time};
use crate::engine::event_queue::EventKind;
use crate::system::link::Link;
use std::sync::Arc;

/// Answers on a link.
#[derive(Debug)]
pub(super) struct PendingResponse {
    worker: WorkerId,
    answer: Answer,
    requests: Vec<RequestId>,
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
        let link = &self.state.catalog.worker(worker).link;
        let delay = link.as_ref().map_or(Span::ZERO, Link::one_way);
        self.responses.push(PendingResponse { worker, answer, requests });
        if delay > Span::ZERO {
            self.queue.push(self.state.now + delay, EventKind::Response(worker));
        } else {
            self.end_response(worker, observer);
        }
    }

    /// Delivers the oldest answers of the worker that are on the link.
    pub(super) fn end_response(&mut self, worker: WorkerId, observer: &mut impl Observer) {
        let oldest = self.responses.iter().position(|response| response.worker == worker);
        let Some(oldest) = oldest else { return };
        let PendingResponse { answer, mut requests, .. } = self.responses.remove(oldest);
        observer.on(Event::ResponseArrived { at: self.state.now, worker });
        self.complete(&requests, answer, observer);
        requests.clear();
        self.spare.push(requests);
    }
}
