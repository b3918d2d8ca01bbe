//! The way to workers behind a link, and back.
//!
//! What a plan assigns there is sent in its order, batch after batch, and begins at its worker no
//! earlier than it arrives. A preload is a message of no bytes that takes its turn, too. The
//! scheduler is asked again when the link is free. The lane is free when a batch has been computed;
//! its requests end when the answers are back.

use super::{Answer, Simulation};
use crate::contract::state::Job;
use crate::contract::{Event, Observer};
use crate::core::ids::{RequestId, WorkerId};
use crate::core::units::{Span, Time};
use crate::engine::event_queue::EventKind;
use crate::system::link::Link;
use std::sync::Arc;

/// Answers on their way back.
#[derive(Debug)]
pub(super) struct PendingResponse {
    worker: WorkerId,
    answer: Answer,
    requests: Vec<RequestId>,
}

impl Simulation {
    /// Sends what a job needs, behind everything else that goes to the worker, whose link is free
    /// at `free`.
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

    /// Tells what of a job has not been sent, and will not be: its worker fails.
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

    /// Sends answers back; their requests end when they are there.
    pub(super) fn begin_response(
        &mut self,
        worker: WorkerId,
        requests: Vec<RequestId>,
        answer: Answer,
        observer: &mut impl Observer,
    ) {
        let link = &self.state.catalog.worker(worker).link;
        let way = link.as_ref().map_or(Span::ZERO, Link::one_way);
        self.returning.push(PendingResponse { worker, answer, requests });
        if way > Span::ZERO {
            self.queue.push(self.state.now + way, EventKind::Returned(worker));
        } else {
            self.end_response(worker, observer);
        }
    }

    /// Gives the answers of the worker that have been under way for longest.
    pub(super) fn end_response(&mut self, worker: WorkerId, observer: &mut impl Observer) {
        let first = self.returning.iter().position(|answers| answers.worker == worker);
        let Some(first) = first else { return };
        let PendingResponse { answer, mut requests, .. } = self.returning.remove(first);
        observer.on(Event::ResponseArrived { at: self.state.now, worker });
        self.complete(&requests, answer, observer);
        requests.clear();
        self.spare.push(requests);
    }
}
